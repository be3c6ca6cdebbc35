"""transaction: all or nothing, in the order of the specification, each identity once, answered entry by entry.

https://hl7.org/fhir/R4/http.html#trules · https://hl7.org/fhir/R4/http.html#transaction-response
"""

from __future__ import annotations

import random
from base64 import b64encode

import httpx
import pytest

from fhir_server.web.xml import tree_of, xml_of
from tests.flows.asking import (
    FHIR_JSON,
    FHIR_XML,
    SYSTEM,
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


def answers_of(response: httpx.Response) -> list[Tree]:
    assert response.status_code == 200, response.text
    assert response.json()["type"] == "transaction-response"
    return [item["response"] for item in response.json().get("entry", ())]


def id_in(answer: Tree) -> str:
    """`Patient/7` of the location of an answer."""
    found: str = answer["location"].rpartition("/_history")[0]
    return found


async def count_of(client: httpx.AsyncClient, identifier: str) -> int:
    total: int = (await client.get(f"Patient?identifier={identifier}&_summary=count")).json()["total"]
    return total


@session
@pytest.mark.parametrize("form", ["json", "xml"])
async def test_every_entry_is_answered_in_its_place(shared: httpx.AsyncClient, form: str) -> None:
    kept, lost = await created(shared, patient()), await created(shared, patient())
    chosen = fresh()
    sent = bundle(
        "transaction",
        entry("GET", f"Patient/{kept['id']}"),
        entry("PUT", f"Patient/{chosen}", patient(id=chosen)),
        entry("POST", "Patient", patient()),
        entry("DELETE", f"Patient/{lost['id']}"),
        entry("GET", f"Patient?_id={kept['id']}"),
    )
    body = sent if form == "json" else None

    response = await (
        shared.post("", json=body, headers=FHIR_JSON)
        if form == "json"
        else shared.post("", content=xml_of(sent), headers={**FHIR_XML, "Accept": "application/fhir+xml"})
    )

    answer = response.json() if form == "json" else tree_of(response.content)
    assert response.status_code == 200
    assert (answer["resourceType"], answer["type"]) == ("Bundle", "transaction-response")
    assert [item["response"]["status"][:3] for item in answer["entry"]] == ["200", "201", "201", "204", "200"]
    assert [item.get("resource", {}).get("resourceType") for item in answer["entry"]] == [
        "Patient",
        None,
        None,
        None,
        "Bundle",
    ]


@session
async def test_an_answer_has_location_etag_and_time(shared: httpx.AsyncClient) -> None:
    chosen = fresh()
    (answer,) = answers_of(
        await send(shared, "transaction", entry("PUT", f"Patient/{chosen}", patient(id=chosen)))
    )

    kept = (await shared.get(f"Patient/{chosen}")).json()
    assert answer["status"] == "201 Created"
    assert answer["location"].endswith(f"Patient/{chosen}/_history/1")
    assert answer["etag"] == 'W/"1"'
    assert answer["lastModified"] == kept["meta"]["lastUpdated"]


@session
async def test_a_transaction_of_nothing_is_answered_by_nothing(shared: httpx.AsyncClient) -> None:
    assert answers_of(await send(shared, "transaction")) == []


@session
@pytest.mark.parametrize(
    ("broken", "status", "place"),
    [
        (entry("POST", "Patient", patient(gender="blue")), 422, "Bundle.entry[1].resource.gender"),
        (entry("POST", "Observation", observation("Patient/nobody")), 422, None),
        (entry("PUT", "Patient/a", patient(id="b")), 400, "Bundle.entry[1].resource.id"),
        (entry("PUT", "Patient/a", patient()), 400, "Bundle.entry[1].resource.id"),
        (entry("GET", "Patient/nobody"), 404, "Bundle.entry[1]"),
        (entry("POST", "Patient"), 400, "Bundle.entry[1]"),
        ({"resource": patient()}, 400, "Bundle.entry[1]"),
        (entry("POST", "Shoe", {"resourceType": "Shoe"}), 404, None),
        (entry("PUT", "Patient?identifer=1", patient()), 400, None),
        (entry("POST", "Patient", patient(), ifNoneExist=""), 400, None),
        (entry("PUT", "Patient/never", patient(id="never"), ifMatch='W/"1"'), 412, "Bundle.entry[1]"),
        (entry("POST", "Patient/1", patient()), 405, None),
        (entry("DELETE", "Patient"), 400, None),
    ],
)
async def test_one_failure_refuses_everything_and_names_the_entry(
    shared: httpx.AsyncClient, broken: Tree, status: int, place: str | None
) -> None:
    identifier, chosen = fresh(), fresh()
    kept = await created(shared, patient())

    response = await shared.post(
        "",
        json=bundle(
            "transaction",
            entry("POST", "Patient", patient(identifier)),
            broken,
            entry("PUT", f"Patient/{chosen}", patient(id=chosen)),
            entry("DELETE", f"Patient/{kept['id']}"),
        ),
        headers=FHIR_JSON,
    )

    issue = issue_of(response, status)
    if place is not None:
        assert issue["expression"] == [place]
    assert "Bundle.entry[1]" in issue["expression"][0]
    assert await count_of(shared, identifier) == 0
    assert (await shared.get(f"Patient/{chosen}")).status_code == 404
    assert (await shared.get(f"Patient/{kept['id']}")).status_code == 200


@session
async def test_the_outcome_does_not_depend_on_the_order_of_entries(shared: httpx.AsyncClient) -> None:
    for seed in range(6):
        old, new, other = fresh(), fresh(), fresh()
        await created(shared, patient(old))
        urn = f"urn:uuid:00000000-0000-4000-8000-{seed:012d}"
        entries = [
            entry("DELETE", f"Patient?identifier={old}"),
            entry("POST", "Patient", patient(new), urn),
            entry("PUT", f"Observation/{other}", observation(urn, id=other)),
            entry("GET", f"Observation/{other}"),
            entry("GET", f"Patient?identifier={new}&_summary=count"),
            entry("GET", f"Patient?identifier={old}&_summary=count"),
        ]
        order = random.Random(seed).sample(range(6), 6)

        response = await send(shared, "transaction", *[entries[place] for place in order])

        answers = answers_of(response)
        shown = {place: response.json()["entry"][at] for at, place in enumerate(order)}
        by_place = {place: answers[at]["status"][:3] for at, place in enumerate(order)}
        assert [by_place[place] for place in range(6)] == ["204", "201", "201", "200", "200", "200"]
        assert shown[3]["resource"]["subject"]["reference"] == id_in(shown[1]["response"])
        assert [shown[4]["resource"]["total"], shown[5]["resource"]["total"]] == [1, 0]


@session
async def test_deletes_come_before_conditional_creates(shared: httpx.AsyncClient) -> None:
    identifier = fresh()
    await created(shared, patient(identifier))

    response = await send(
        shared,
        "transaction",
        entry("POST", "Patient", patient(identifier), ifNoneExist=f"identifier={identifier}"),
        entry("DELETE", f"Patient?identifier={identifier}"),
    )

    assert [answer["status"][:3] for answer in answers_of(response)] == ["201", "204"]
    assert await count_of(shared, identifier) == 1


@session
@pytest.mark.parametrize("case", ["put twice", "put and delete", "delete twice", "patch and put"])
async def test_one_identity_twice_is_refused(shared: httpx.AsyncClient, case: str) -> None:
    kept = await created(shared, patient())
    url = f"Patient/{kept['id']}"
    put = entry("PUT", url, patient(id=kept["id"], active=True))
    add = fhirpath_patch(operation("add", "Patient", name="active", value={"valueBoolean": True}))
    pairs = {
        "put twice": (put, entry("PUT", url, patient(id=kept["id"]))),
        "put and delete": (put, entry("DELETE", url)),
        "delete twice": (entry("DELETE", url), entry("DELETE", url)),
        "patch and put": (entry("PATCH", url, add), put),
    }

    issue_of(await send(shared, "transaction", *pairs[case]), 400, "duplicate", "Bundle.entry[1]")
    assert (await shared.get(url)).json() == kept


@session
@pytest.mark.parametrize("matches", [1, 2])
@pytest.mark.parametrize("method", ["PUT", "DELETE"])
async def test_an_identity_that_criteria_lead_to_counts_too(
    shared: httpx.AsyncClient, method: str, matches: int
) -> None:
    identifier = fresh()
    kept = [await created(shared, patient(identifier)) for _ in range(matches)][-1]
    by_id = entry("PUT", f"Patient/{kept['id']}", patient(identifier, id=kept["id"], active=True))
    url = f"Patient?identifier={SYSTEM}|{identifier}"
    by_criteria = entry(method, url, patient(identifier) if method == "PUT" else None)

    response = await send(shared, "transaction", by_id, by_criteria)

    issue_of(response, 412 if (method, matches) == ("PUT", 2) else 400)
    assert (await shared.get(f"Patient/{kept['id']}")).json() == kept


@session
async def test_two_conditional_deletes_of_the_same_resources_are_refused(shared: httpx.AsyncClient) -> None:
    identifier = fresh()
    kept = [await created(shared, patient(identifier, active=True)) for _ in range(2)]

    response = await send(
        shared,
        "transaction",
        entry("DELETE", f"Patient?identifier={identifier}"),
        entry("DELETE", f"Patient?identifier={identifier}&active=true"),
    )

    issue_of(response, 400, "duplicate")
    for tree in kept:
        assert (await shared.get(f"Patient/{tree['id']}")).status_code == 200


@session
async def test_two_entries_of_one_full_url_are_refused(shared: httpx.AsyncClient) -> None:
    urn = "urn:uuid:0b9bd1b6-6c1b-4e4a-a3f7-1d2d4b7c8e01"

    response = await send(
        shared,
        "transaction",
        entry("POST", "Patient", patient(), urn),
        entry("POST", "Patient", patient(), urn),
    )

    issue_of(response, 400, "duplicate", "Bundle.entry[1].fullUrl")


@session
async def test_a_read_sees_what_the_transaction_writes(shared: httpx.AsyncClient) -> None:
    chosen = fresh()

    response = await send(
        shared,
        "transaction",
        entry("GET", f"Patient/{chosen}"),
        entry("PUT", f"Patient/{chosen}", patient(id=chosen, active=True)),
        entry("GET", f"Patient?_id={chosen}"),
    )

    assert [a["status"][:3] for a in answers_of(response)] == ["200", "201", "200"]
    assert response.json()["entry"][0]["resource"]["active"] is True
    assert response.json()["entry"][2]["resource"]["total"] == 1


@session
@pytest.mark.parametrize("matches", [0, 1, 2])
async def test_a_conditional_create_in_a_transaction(shared: httpx.AsyncClient, matches: int) -> None:
    identifier = fresh()
    kept = [await created(shared, patient(identifier)) for _ in range(matches)]
    urn = "urn:uuid:0b9bd1b6-6c1b-4e4a-a3f7-1d2d4b7c8e02"

    response = await send(
        shared,
        "transaction",
        entry("POST", "Patient", patient(identifier), urn, ifNoneExist=f"identifier={SYSTEM}|{identifier}"),
        entry("POST", "Observation", observation(urn)),
    )

    if matches == 2:
        issue_of(response, 412, "multiple-matches", "Bundle.entry[0].request.ifNoneExist")
        return
    one, two = answers_of(response)
    assert one["status"][:3] == ("200" if matches else "201")
    assert id_in(one) == f"Patient/{kept[0]['id']}" if matches else True
    assert (await shared.get(id_in(two))).json()["subject"]["reference"] == id_in(one)
    assert await count_of(shared, identifier) == 1


@session
async def test_two_equal_conditional_creates_in_one_transaction_do_not_make_two(
    shared: httpx.AsyncClient,
) -> None:
    identifier = fresh()
    one = entry("POST", "Patient", patient(identifier), ifNoneExist=f"identifier={identifier}")

    response = await send(shared, "transaction", one, one)

    made, found = answers_of(response)
    assert [made["status"][:3], found["status"][:3]] == ["201", "200"]
    assert id_in(made) == id_in(found)
    assert await count_of(shared, identifier) == 1


@session
@pytest.mark.parametrize("matches", [0, 1, 2])
async def test_a_conditional_update_in_a_transaction(shared: httpx.AsyncClient, matches: int) -> None:
    identifier = fresh()
    kept = [await created(shared, patient(identifier)) for _ in range(matches)]
    urn = "urn:uuid:0b9bd1b6-6c1b-4e4a-a3f7-1d2d4b7c8e03"

    response = await send(
        shared,
        "transaction",
        entry("PUT", f"Patient?identifier={identifier}", patient(identifier, active=True), urn),
        entry("POST", "Observation", observation(urn)),
    )

    if matches == 2:
        issue_of(response, 412, "multiple-matches", "Bundle.entry[0].request.url")
        return
    one, two = answers_of(response)
    assert one["status"][:3] == ("200" if matches else "201")
    assert one["etag"] == ('W/"2"' if matches else 'W/"1"')
    if matches:
        assert id_in(one) == f"Patient/{kept[0]['id']}"
    assert (await shared.get(id_in(two))).json()["subject"]["reference"] == id_in(one)


@session
async def test_a_conditional_update_names_the_wrong_id(shared: httpx.AsyncClient) -> None:
    one, two = fresh(), fresh()
    await created(shared, patient(one))
    taken = await created(shared, patient())

    wrong = await send(
        shared, "transaction", entry("PUT", f"Patient?identifier={one}", patient(one, id="another"))
    )
    exists = await send(
        shared, "transaction", entry("PUT", f"Patient?identifier={two}", patient(two, id=taken["id"]))
    )

    issue_of(wrong, 400)
    issue_of(exists, 409, "conflict")


@session
async def test_patches_in_a_transaction_apply_or_refuse_it_all(shared: httpx.AsyncClient) -> None:
    one, two, identifier = await created(shared, patient()), await created(shared, patient()), fresh()
    await created(shared, patient(identifier))
    add = fhirpath_patch(operation("add", "Patient", name="active", value={"valueBoolean": True}))
    data = b64encode(b'[{"op":"test","path":"/active","value":true}]').decode()
    test: Tree = {"resourceType": "Binary", "contentType": "application/json-patch+json", "data": data}

    good = await send(
        shared,
        "transaction",
        entry("PATCH", f"Patient/{one['id']}", add),
        entry("PATCH", f"Patient?identifier={identifier}", add),
    )
    bad = await send(
        shared,
        "transaction",
        entry("PATCH", f"Patient/{two['id']}", add),
        entry("PATCH", f"Patient/{fresh()}", add),
    )
    failed = await send(
        shared,
        "transaction",
        entry("POST", "Patient", patient(identifier)),
        entry("PATCH", f"Patient/{two['id']}", test),
    )

    assert [a["etag"] for a in answers_of(good)] == ['W/"2"', 'W/"2"']
    issue_of(bad, 404, "not-found", "Bundle.entry[1]")
    issue_of(failed, 422)
    assert (await shared.get(f"Patient/{two['id']}")).json() == two
    assert await count_of(shared, identifier) == 1


@session
async def test_versions_are_checked_as_alone(shared: httpx.AsyncClient) -> None:
    kept = await created(shared, patient())
    tree = patient(id=kept["id"], active=True)

    old = await send(shared, "transaction", entry("PUT", f"Patient/{kept['id']}", tree, ifMatch='W/"3"'))
    now = await send(shared, "transaction", entry("PUT", f"Patient/{kept['id']}", tree, ifMatch='W/"1"'))

    issue_of(old, 412, "conflict", "Bundle.entry[0]")
    assert answers_of(now)[0]["etag"] == 'W/"2"'


@session
async def test_a_create_ignores_the_id_that_it_is_given(shared: httpx.AsyncClient) -> None:
    chosen = fresh()

    (answer,) = answers_of(await send(shared, "transaction", entry("POST", "Patient", patient(id=chosen))))

    assert id_in(answer) != f"Patient/{chosen}"
    assert (await shared.get(f"Patient/{chosen}")).status_code == 404


@session
async def test_a_resource_and_its_referrer_can_go_together(shared: httpx.AsyncClient) -> None:
    kept = await created(shared, patient())
    referrer = await created(shared, observation(f"Patient/{kept['id']}"))
    gone = [entry("DELETE", f"Patient/{kept['id']}"), entry("DELETE", f"Observation/{referrer['id']}")]

    issue_of(await send(shared, "transaction", gone[0]), 409, "conflict")
    assert [a["status"][:3] for a in answers_of(await send(shared, "transaction", *gone))] == ["204", "204"]


@session
async def test_a_deletion_and_a_new_reference_to_it_cannot_go_together(shared: httpx.AsyncClient) -> None:
    kept = await created(shared, patient())

    response = await send(
        shared,
        "transaction",
        entry("DELETE", f"Patient/{kept['id']}"),
        entry("POST", "Observation", observation(f"Patient/{kept['id']}")),
    )

    assert response.status_code in {409, 422}
    assert (await shared.get(f"Patient/{kept['id']}")).status_code == 200


@session
@pytest.mark.parametrize("what", ["representation", "OperationOutcome", "minimal"])
async def test_prefer_shapes_the_answers(shared: httpx.AsyncClient, what: str) -> None:
    response = await send(shared, "transaction", entry("POST", "Patient", patient()), Prefer=f"return={what}")

    answer = response.json()["entry"][0]
    assert ("resource" in answer) is (what == "representation")
    assert ("outcome" in answer["response"]) is (what == "OperationOutcome")


async def test_a_transaction_over_the_cap_is_413_and_stores_nothing(serve: Serve) -> None:
    client = await serve(max_bundle_entries=2)

    refused = await send(client, "transaction", *[entry("POST", "Patient", patient())] * 3)

    issue_of(refused, 413, "too-long")
    assert (await client.get("Patient?_summary=count")).json()["total"] == 0


async def test_a_server_that_chooses_the_ids_refuses_them_in_transactions_too(serve: Serve) -> None:
    client = await serve(client_ids=False)

    response = await send(client, "transaction", entry("PUT", "Patient/mine", patient(id="mine")))

    issue_of(response, 405, "not-supported", "Bundle.entry[0]")


@session
async def test_a_large_transaction_is_stored_whole(shared: httpx.AsyncClient) -> None:
    identifier = fresh()
    entries = [entry("POST", "Patient", patient(identifier, multipleBirthInteger=n)) for n in range(300)]

    answers = answers_of(await send(shared, "transaction", *entries))

    assert len({id_in(answer) for answer in answers}) == 300
    assert await count_of(shared, identifier) == 300
