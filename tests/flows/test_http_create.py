"""create: the server's id and stamps, the headers of the new version, Prefer, and what is refused.

https://hl7.org/fhir/R4/http.html#create · https://hl7.org/fhir/R4/http.html#return
"""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from fhir_server.web.xml import tree_of, xml_of
from tests.flows.asking import FHIR_JSON, FHIR_XML, created, fresh, issue_of, observation, patient

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_create_is_201_and_says_where_the_new_version_is(shared: httpx.AsyncClient) -> None:
    response = await shared.post("Patient", json=patient(active=True), headers=FHIR_JSON)

    kept = response.json()
    assert response.status_code == 201
    assert response.headers["location"] == f"http://test.example/fhir/Patient/{kept['id']}/_history/1"
    assert response.headers["etag"] == 'W/"1"'
    assert response.headers["last-modified"]
    assert (await shared.get(response.headers["location"])).json() == kept


async def test_the_server_sets_id_version_and_time(shared: httpx.AsyncClient) -> None:
    sent = patient(
        id="mine",
        meta={
            "versionId": "77",
            "lastUpdated": "2001-01-01T00:00:00Z",
            "tag": [{"system": SYSTEM_OF_TAGS, "code": "kept"}],
        },
    )

    kept = await created(shared, sent)

    assert kept["id"] != "mine"
    assert kept["meta"]["versionId"] == "1"
    assert kept["meta"]["lastUpdated"] > "2020"
    assert kept["meta"]["tag"] == sent["meta"]["tag"]
    issue_of(await shared.get("Patient/mine"), 404)


SYSTEM_OF_TAGS = "urn:example:tags"


async def test_what_was_sent_comes_back_with_its_order_and_digits(shared: httpx.AsyncClient) -> None:
    body = (
        b'{"resourceType":"Observation","valueQuantity":{"value":1.10,"unit":"kg"},"status":"final",'
        b'"code":{"text":"w\xc3\xa9ight"},"effectiveDateTime":"2024-02","component":'
        b'[{"code":{"text":"a"},"valueQuantity":{"value":1.0e-7}},{"code":{"text":"b"},"valueQuantity":'
        b'{"value":12345678901234567890.12345}}]}'
    )

    response = await shared.post("Observation", content=body, headers=FHIR_JSON)
    read = await shared.get(response.headers["location"])

    assert read.content.partition(b'"},')[2] == body.partition(b'"Observation",')[2]


async def test_a_create_by_xml_is_answered_in_the_form_that_is_asked_for(shared: httpx.AsyncClient) -> None:
    body = xml_of(patient(active=True))

    by_xml = await shared.post(
        "Patient", content=body, headers={**FHIR_XML, "Accept": FHIR_XML["Content-Type"]}
    )
    by_json = await shared.post(
        "Patient", content=body, headers={**FHIR_XML, "Accept": "application/fhir+json"}
    )

    assert [by_xml.status_code, by_json.status_code] == [201, 201]
    assert tree_of(by_xml.content)["active"] is True
    assert by_json.json()["active"] is True


async def test_without_prefer_or_with_representation_the_body_is_the_resource(
    shared: httpx.AsyncClient,
) -> None:
    plain = await shared.post("Patient", json=patient())
    asked = await shared.post("Patient", json=patient(), headers={"Prefer": "return=representation"})

    assert plain.json()["resourceType"] == asked.json()["resourceType"] == "Patient"


async def test_return_minimal_has_headers_and_no_body(shared: httpx.AsyncClient) -> None:
    response = await shared.post("Patient", json=patient(), headers={"Prefer": "return=minimal"})

    assert response.status_code == 201
    assert response.content == b""
    assert {"location", "etag", "last-modified"} <= set(response.headers)


async def test_return_operation_outcome_tells_that_all_is_well(shared: httpx.AsyncClient) -> None:
    response = await shared.post("Patient", json=patient(), headers={"Prefer": "return=OperationOutcome"})

    tree = response.json()
    assert response.status_code == 201
    assert tree["resourceType"] == "OperationOutcome"
    assert {issue["severity"] for issue in tree["issue"]} == {"information"}
    assert response.headers["location"]


@pytest.mark.parametrize("prefer", ["return=everything", "respond-quickly", "return"])
async def test_a_preference_that_nobody_knows_is_ignored(shared: httpx.AsyncClient, prefer: str) -> None:
    response = await shared.post("Patient", json=patient(), headers={"Prefer": prefer})

    assert response.status_code == 201


async def test_a_failure_is_told_whatever_prefer_says(shared: httpx.AsyncClient) -> None:
    response = await shared.post("Patient", json=patient(gender="blue"), headers={"Prefer": "return=minimal"})

    issue_of(response, 422, expression="Patient.gender")


@pytest.mark.parametrize(
    ("elements", "place"),
    [
        ({"gender": "blue"}, "Patient.gender"),
        ({"birthDate": "2023-02-30"}, "Patient.birthDate"),
        ({"shoe": 42}, "Patient"),
        ({"active": "yes"}, "Patient.active"),
        ({"name": {"family": "x"}}, "Patient.name"),
        ({"link": [{"type": "seealso"}]}, "Patient.link[0]"),
    ],
)
async def test_a_resource_that_breaks_the_rules_is_refused_at_its_place(
    shared: httpx.AsyncClient, elements: dict[str, Any], place: str
) -> None:
    before = (await shared.get("Patient?_summary=count")).json()["total"]

    issue = issue_of(await shared.post("Patient", json=patient(**elements)), 422, expression=place)

    assert "blue" not in issue["diagnostics"]
    assert (await shared.get("Patient?_summary=count")).json()["total"] == before


async def test_every_problem_is_told_at_once(shared: httpx.AsyncClient) -> None:
    response = await shared.post("Patient", json=patient(gender="blue", shoe=1, birthDate="x"))

    places = {issue["expression"][0] for issue in response.json()["issue"]}
    assert places == {"Patient.gender", "Patient", "Patient.birthDate"}


@pytest.mark.parametrize(
    ("content", "headers"),
    [
        (b"", FHIR_JSON),
        (b"{", FHIR_JSON),
        (b"[]", FHIR_JSON),
        (b"null", FHIR_JSON),
        (b'"Patient"', FHIR_JSON),
        (b"{}", FHIR_JSON),
        (b'{"resourceType":"Patient","active":true,"active":false}', FHIR_JSON),
        (b'{"resourceType":"Patient","gender":"\xff"}', FHIR_JSON),
        (b'{"resourceType":"Patient"}{}', FHIR_JSON),
        (b'{"resourceType":7}', FHIR_JSON),
        (b"<Patient", FHIR_XML),
        (b"<Patient/>", FHIR_XML),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><Patient xmlns="http://hl7.org/fhir"/>', FHIR_XML),
        (b"[" * 10_000, FHIR_JSON),
    ],
)
async def test_a_body_that_cannot_be_read_is_400(
    shared: httpx.AsyncClient, content: bytes, headers: dict[str, str]
) -> None:
    issue_of(await shared.post("Patient", content=content, headers=headers), 400)


async def test_a_body_of_another_type_than_the_address_is_400(shared: httpx.AsyncClient) -> None:
    issue_of(await shared.post("Patient", json=observation()), 400, expression="resourceType")


async def test_an_unknown_type_is_404_and_suggests_a_near_one(shared: httpx.AsyncClient) -> None:
    issue = issue_of(await shared.post("Patiënt", json={"resourceType": "Patient"}), 404)

    assert "'Patient'" in issue["diagnostics"]


async def test_a_create_on_an_instance_is_405_with_what_would_be_right(shared: httpx.AsyncClient) -> None:
    response = await shared.post(f"Patient/{fresh()}", json=patient())

    issue_of(response, 405)
    assert "PUT" in response.headers["allow"]
    assert "POST" not in response.headers["allow"]


async def test_a_reference_to_nothing_is_422_at_its_place(shared: httpx.AsyncClient) -> None:
    response = await shared.post("Observation", json=observation(f"Patient/{fresh()}"))

    issue_of(response, 422, "not-found", "Observation.subject.reference")


async def test_a_reference_to_a_deleted_resource_is_422(shared: httpx.AsyncClient) -> None:
    kept = await created(shared, patient())
    await shared.delete(f"Patient/{kept['id']}")

    issue_of(await shared.post("Observation", json=observation(f"Patient/{kept['id']}")), 422, "not-found")


@pytest.mark.parametrize(
    "text", ["https://elsewhere.example/fhir/Patient/1", "urn:uuid:7d0f3a8e-6b0c-4d3e-9a55-0c54a3a0a0a1"]
)
async def test_a_reference_to_another_server_is_kept_and_not_checked(
    shared: httpx.AsyncClient, text: str
) -> None:
    kept = await created(shared, observation(text))

    assert kept["subject"]["reference"] == text


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_an_absolute_reference_to_this_server_is_checked_like_a_relative_one(
    shared: httpx.AsyncClient, scheme: str
) -> None:
    kept = await created(shared, patient())
    here = f"{scheme}://test.example/fhir/Patient"

    good = await shared.post("Observation", json=observation(f"{here}/{kept['id']}"))
    issue_of(await shared.post("Observation", json=observation(f"{here}/{fresh()}")), 422, "not-found")

    found = await shared.get(f"Observation?subject=Patient/{kept['id']}")
    assert good.status_code == 201
    assert [item["resource"]["id"] for item in found.json()["entry"]] == [good.json()["id"]]


async def test_a_conditional_reference_outside_a_transaction_is_refused(shared: httpx.AsyncClient) -> None:
    identifier = fresh()
    await created(shared, patient(identifier))

    response = await shared.post("Observation", json=observation(f"Patient?identifier={identifier}"))

    issue_of(response, 422, "value", "Observation.subject.reference")


async def test_a_contained_resource_stays_inside(shared: httpx.AsyncClient) -> None:
    sent = observation("#p", contained=[patient(id="p", active=True)])

    kept = await created(shared, sent)

    assert kept["contained"] == sent["contained"]
    assert kept["subject"] == {"reference": "#p"}


async def test_a_bundle_can_be_stored_as_a_resource(shared: httpx.AsyncClient) -> None:
    sent = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": patient(active=True)}]}

    kept = await created(shared, sent)

    assert (await shared.get(f"Bundle/{kept['id']}")).json()["entry"] == sent["entry"]


async def test_criteria_in_the_address_of_a_create_are_refused_and_nothing_is_made(
    shared: httpx.AsyncClient,
) -> None:
    """Some clients put there what belongs into If-None-Exist; a second resource would be the result."""
    mark = fresh()

    response = await shared.post(f"Patient?identifier={mark}", json=patient(mark), headers=FHIR_JSON)

    assert "If-None-Exist" in issue_of(response, 400)["diagnostics"]
    assert (await shared.get(f"Patient?identifier={mark}")).json()["total"] == 0


async def test_a_create_may_say_in_its_address_how_the_answer_is_to_look(shared: httpx.AsyncClient) -> None:
    response = await shared.post("Patient?_format=json&_pretty=true", json=patient(), headers=FHIR_JSON)

    assert response.status_code == 201
    assert "\n" in response.text
