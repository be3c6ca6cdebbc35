"""batch: each entry for itself, answered in its place.

https://hl7.org/fhir/R4/http.html#transaction · https://hl7.org/fhir/R4/http.html#brules
"""

from __future__ import annotations

from base64 import b64encode

import httpx
import pytest

from fhir_server.web.xml import tree_of, xml_of
from tests.flows.asking import (
    FHIR_JSON,
    FHIR_XML,
    Tree,
    bundle,
    created,
    entry,
    fhirpath_patch,
    fresh,
    issue_of,
    observation,
    operation,
    patient,
    send,
)
from tests.flows.serving import Serve

session = pytest.mark.asyncio(loop_scope="session")


def statuses(response: httpx.Response) -> list[str]:
    assert response.status_code == 200, response.text
    return [item["response"]["status"][:3] for item in response.json().get("entry", ())]


@session
async def test_every_entry_is_answered_in_its_place(shared: httpx.AsyncClient) -> None:
    kept = await created(shared, patient())
    chosen = fresh()

    response = await send(
        shared,
        "batch",
        entry("GET", f"Patient/{kept['id']}"),
        entry("PUT", f"Patient/{chosen}", patient(id=chosen)),
        entry("POST", "Patient", patient()),
        entry("GET", f"Patient/{fresh()}"),
        entry("DELETE", f"Patient/{fresh()}"),
        entry("GET", f"Patient?_id={kept['id']}"),
        entry("GET", f"Patient/{kept['id']}/_history"),
        entry("GET", f"Patient/{kept['id']}/_history/1"),
        entry("GET", "metadata"),
    )

    answer = response.json()
    assert (answer["resourceType"], answer["type"]) == ("Bundle", "batch-response")
    assert statuses(response) == ["200", "201", "201", "404", "204", "200", "200", "200", "200"]
    shown = [item.get("resource", {}).get("resourceType") for item in answer["entry"]]
    assert shown == [
        "Patient", None, None, None, None, "Bundle", "Bundle", "Patient", "CapabilityStatement",
    ]  # fmt: skip


@session
async def test_an_answer_has_location_etag_and_time(shared: httpx.AsyncClient) -> None:
    response = await send(shared, "batch", entry("POST", "Patient", patient()))

    answer = response.json()["entry"][0]["response"]
    assert answer["status"] == "201 Created"
    kind, chosen, _, version = answer["location"].rpartition("/fhir/")[2].split("/")
    assert (kind, version, answer["etag"]) == ("Patient", "1", 'W/"1"')
    kept = (await shared.get(f"Patient/{chosen}")).json()
    assert kept["meta"]["lastUpdated"] == answer["lastModified"]


@session
async def test_a_failure_is_the_answer_to_its_own_entry_only(shared: httpx.AsyncClient) -> None:
    response = await send(
        shared,
        "batch",
        entry("POST", "Patient", patient(gender="blue")),
        entry("POST", "Patient", patient()),
        entry("POST", "Shoe", {"resourceType": "Shoe"}),
        entry("POST", "Observation", observation(f"Patient/{fresh()}")),
    )

    answer = response.json()
    assert statuses(response) == ["422", "201", "404", "422"]
    outcome = answer["entry"][0]["response"]["outcome"]
    assert outcome["resourceType"] == "OperationOutcome"
    assert outcome["issue"][0]["severity"] == "error"
    assert outcome["issue"][0]["expression"] == ["Bundle.entry[0].resource.gender"]
    assert "resource" not in answer["entry"][0]
    assert "outcome" not in answer["entry"][1]["response"]


@session
async def test_conditions_of_entries_are_obeyed(shared: httpx.AsyncClient) -> None:
    identifier = fresh()
    kept = await created(shared, patient(identifier))
    chosen = kept["id"]

    response = await send(
        shared,
        "batch",
        entry("POST", "Patient", patient(identifier), ifNoneExist=f"identifier={identifier}"),
        entry("PUT", f"Patient/{chosen}", patient(identifier, id=chosen, active=True), ifMatch='W/"9"'),
        entry("GET", f"Patient/{chosen}", ifNoneMatch='W/"1"'),
        entry("DELETE", f"Patient/{chosen}", ifMatch='W/"7"'),
    )

    assert statuses(response) == ["200", "412", "304", "412"]
    assert response.json()["entry"][0]["response"]["location"].endswith(f"Patient/{chosen}/_history/1")
    assert "resource" not in response.json()["entry"][2]


@session
async def test_patches_come_as_parameters_or_as_a_binary(shared: httpx.AsyncClient) -> None:
    one, two = [await created(shared, patient()) for _ in range(2)]
    document = b64encode(b'[{"op":"add","path":"/active","value":true}]').decode()
    add = fhirpath_patch(operation("add", "Patient", name="active", value={"valueBoolean": True}))
    binary: Tree = {"resourceType": "Binary", "contentType": "application/json-patch+json", "data": document}

    response = await send(
        shared,
        "batch",
        entry("PATCH", f"Patient/{one['id']}", add),
        entry("PATCH", f"Patient/{two['id']}", binary),
        entry("PATCH", f"Patient/{two['id']}", patient()),
        entry("PATCH", f"Patient/{two['id']}", {**binary, "contentType": "text/plain"}),
    )

    assert statuses(response)[:2] == ["200", "200"]
    assert all(status[0] == "4" for status in statuses(response)[2:])
    for kept in (one, two):
        assert (await shared.get(f"Patient/{kept['id']}")).json()["active"] is True


@session
async def test_a_batch_of_nothing_is_answered_by_nothing(shared: httpx.AsyncClient) -> None:
    response = await send(shared, "batch")

    assert response.status_code == 200
    assert response.json()["type"] == "batch-response"
    assert "entry" not in response.json()


@session
@pytest.mark.parametrize(
    "broken",
    [
        {"resource": patient()},
        {"request": {"method": "POST", "url": "Patient"}},
        {"request": {"method": "PUT", "url": "Patient/1"}},
        {"request": {"method": "GET", "url": "Patient/../metadata"}},
        {"request": {"method": "GET", "url": "https://elsewhere.example/fhir/Patient/1"}},
        {"request": {"method": "POST", "url": "Patient/1"}, "resource": patient()},
        {"request": {"method": "POST", "url": "/"}, "resource": bundle("batch")},
        {"request": {"method": "DELETE", "url": "Patient"}},
        {"request": {"method": "PUT", "url": "Patient/a_b"}, "resource": patient()},
    ],
)
async def test_an_entry_that_cannot_be_performed_does_not_stop_the_others(
    shared: httpx.AsyncClient, broken: Tree
) -> None:
    response = await shared.post(
        "", json=bundle("batch", broken, entry("POST", "Patient", patient())), headers=FHIR_JSON
    )

    found = statuses(response)
    assert found[0][0] == "4"
    assert found[1] == "201"
    assert response.json()["entry"][0]["response"]["outcome"]["issue"][0]["diagnostics"]


@session
@pytest.mark.parametrize("method", ["STEAL", "get", 5])
async def test_a_method_that_is_none_refuses_the_bundle(shared: httpx.AsyncClient, method: object) -> None:
    sent = {"request": {"method": method, "url": "Patient"}}

    issue_of(
        await shared.post("", json=bundle("batch", sent)), 400, expression="Bundle.entry[0].request.method"
    )


@session
@pytest.mark.parametrize("type", ["searchset", "document", "message", "collection"])
async def test_other_bundles_are_not_performed(shared: httpx.AsyncClient, type: str) -> None:
    issue_of(await shared.post("", json=bundle(type)), 400, expression="Bundle.type")


@session
async def test_only_a_bundle_can_be_posted_to_the_base(shared: httpx.AsyncClient) -> None:
    issue_of(await shared.post("", json=patient()), 400, expression="resourceType")


@session
@pytest.mark.parametrize("base", ["", "/"])
async def test_a_batch_can_be_posted_with_and_without_a_slash(shared: httpx.AsyncClient, base: str) -> None:
    response = await shared.post(f"http://test.example/fhir{base}", json=bundle("batch"), headers=FHIR_JSON)

    assert response.status_code == 200


@session
async def test_a_batch_works_by_xml(shared: httpx.AsyncClient) -> None:
    sent = xml_of(bundle("batch", entry("POST", "Patient", patient(active=True))))

    response = await shared.post("", content=sent, headers={**FHIR_XML, "Accept": "application/fhir+xml"})

    answer = tree_of(response.content)
    assert answer["type"] == "batch-response"
    assert answer["entry"][0]["response"]["status"] == "201 Created"


@session
@pytest.mark.parametrize("what", ["representation", "OperationOutcome", "minimal"])
async def test_prefer_shapes_the_answers(shared: httpx.AsyncClient, what: str) -> None:
    sent = entry("POST", "Patient", patient())

    response = await send(shared, "batch", sent, Prefer=f"return={what}")

    answer = response.json()["entry"][0]
    assert ("resource" in answer) is (what == "representation")
    assert ("outcome" in answer["response"]) is (what == "OperationOutcome")


@session
async def test_a_head_entry_is_answered_without_the_resource(shared: httpx.AsyncClient) -> None:
    kept = await created(shared, patient())

    response = await send(shared, "batch", entry("HEAD", f"Patient/{kept['id']}"))

    assert statuses(response) == ["200"]
    assert "resource" not in response.json()["entry"][0]
    assert response.json()["entry"][0]["response"]["etag"] == 'W/"1"'


@session
async def test_urls_may_be_absolute_or_start_with_a_slash(shared: httpx.AsyncClient) -> None:
    kept = await created(shared, patient())
    path = f"Patient/{kept['id']}"

    response = await send(
        shared, "batch", entry("GET", f"/{path}"), entry("GET", f"http://test.example/fhir/{path}")
    )

    assert statuses(response) == ["200", "200"]


async def test_a_batch_over_the_cap_is_413(serve: Serve) -> None:
    client = await serve(max_bundle_entries=2)

    issue_of(await send(client, "batch", *[entry("POST", "Patient", patient())] * 3), 413, "too-long")
    assert statuses(await send(client, "batch", *[entry("POST", "Patient", patient())] * 2)) == ["201", "201"]
    assert (await client.get("Patient?_summary=count")).json()["total"] == 2


@session
async def test_a_batch_performs_deletes_before_creates_before_updates_before_reads(
    shared: httpx.AsyncClient,
) -> None:
    identifier, chosen = fresh(), fresh()
    await created(shared, patient(identifier))

    response = await send(
        shared,
        "batch",
        entry("GET", f"Patient/{chosen}"),
        entry("PUT", f"Patient/{chosen}", patient(id=chosen)),
        entry("POST", "Patient", patient(identifier), ifNoneExist=f"identifier={identifier}"),
        entry("DELETE", f"Patient?identifier={identifier}"),
    )

    assert statuses(response) == ["200", "201", "201", "204"]
