"""create, update, patch and delete by criteria, with none, one or many matches.

https://hl7.org/fhir/R4/http.html#ccreate · https://hl7.org/fhir/R4/http.html#cond-update
"""

from __future__ import annotations

import httpx
import pytest

from tests.flows.asking import FHIR_JSON, JSON_PATCH, SYSTEM, Tree, created, fresh, issue_of, patient
from tests.flows.serving import Serve

session = pytest.mark.asyncio(loop_scope="session")


async def count_of(client: httpx.AsyncClient, identifier: str) -> int:
    total: int = (await client.get(f"Patient?identifier={SYSTEM}|{identifier}&_summary=count")).json()[
        "total"
    ]
    return total


def if_none(identifier: str) -> dict[str, str]:
    return {**FHIR_JSON, "If-None-Exist": f"identifier={SYSTEM}|{identifier}"}


@session
async def test_a_conditional_create_without_a_match_creates(shared: httpx.AsyncClient) -> None:
    identifier = fresh()

    response = await shared.post("Patient", json=patient(identifier), headers=if_none(identifier))

    assert response.status_code == 201
    assert response.headers["location"].endswith("/_history/1")


@session
async def test_a_conditional_create_with_one_match_gives_that_one(shared: httpx.AsyncClient) -> None:
    identifier = fresh()
    kept = await created(shared, patient(identifier))

    response = await shared.post(
        "Patient", json=patient(identifier, active=True), headers=if_none(identifier)
    )

    assert response.status_code == 200
    assert response.json() == kept
    assert response.headers["location"] == f"http://test.example/fhir/Patient/{kept['id']}/_history/1"
    assert response.headers["etag"] == 'W/"1"'
    assert await count_of(shared, identifier) == 1


@session
async def test_a_conditional_create_with_many_matches_is_412(shared: httpx.AsyncClient) -> None:
    identifier = fresh()
    await created(shared, patient(identifier))
    await created(shared, patient(identifier))

    response = await shared.post("Patient", json=patient(identifier), headers=if_none(identifier))

    issue_of(response, 412, "multiple-matches")
    assert await count_of(shared, identifier) == 2


@session
async def test_a_deleted_resource_is_no_match(shared: httpx.AsyncClient) -> None:
    identifier = fresh()
    kept = await created(shared, patient(identifier))
    await shared.delete(f"Patient/{kept['id']}")

    response = await shared.post("Patient", json=patient(identifier), headers=if_none(identifier))

    assert response.status_code == 201
    assert response.json()["id"] != kept["id"]


@session
async def test_the_criteria_may_start_with_a_question_mark(shared: httpx.AsyncClient) -> None:
    identifier = fresh()
    headers = {"If-None-Exist": f"?identifier={SYSTEM}|{identifier}"}

    statuses = [
        (await shared.post("Patient", json=patient(identifier), headers=headers)).status_code
        for _ in range(2)
    ]

    assert statuses == [201, 200]


@session
async def test_a_resource_that_breaks_the_rules_is_refused_even_when_one_matches(
    shared: httpx.AsyncClient,
) -> None:
    identifier = fresh()
    await created(shared, patient(identifier))

    response = await shared.post(
        "Patient", json=patient(identifier, gender="blue"), headers=if_none(identifier)
    )

    issue_of(response, 422)


@session
async def test_if_none_exist_belongs_to_a_create(shared: httpx.AsyncClient) -> None:
    chosen = fresh()

    response = await shared.put(f"Patient/{chosen}", json=patient(id=chosen), headers=if_none("x"))

    issue_of(response, 400)


CRITERIA_THAT_ARE_NONE = [
    "",
    "identifer=1",
    "identifier=",
    "identifier:shoe=1",
    "birthdate=soon",
    "_count=1",
    "_sort=name",
    "_format=json",
    "_pretty=true",
]


@session
@pytest.mark.parametrize("prefer", ["", "handling=lenient", "handling=strict"])
@pytest.mark.parametrize("criteria", CRITERIA_THAT_ARE_NONE)
async def test_criteria_that_are_none_never_touch_anything(
    shared: httpx.AsyncClient, criteria: str, prefer: str
) -> None:
    kept = await created(shared, patient())
    headers = {**FHIR_JSON, "Prefer": prefer} if prefer else dict(FHIR_JSON)
    patch = {**headers, **JSON_PATCH}
    operations = [{"op": "add", "path": "/active", "value": True}]

    issue_of(await shared.put(f"Patient?{criteria}", json=patient(), headers=headers), 400)
    issue_of(await shared.request("PATCH", f"Patient?{criteria}", json=operations, headers=patch), 400)
    issue_of(await shared.delete(f"Patient?{criteria}", headers=headers), 400)
    if criteria not in {"_format=json", "_pretty=true"}:
        response = await shared.post(
            "Patient", json=patient(), headers={**headers, "If-None-Exist": criteria}
        )
        issue_of(response, 400)

    assert (await shared.get(f"Patient/{kept['id']}")).json() == kept


@session
async def test_a_conditional_update_without_a_match_creates(shared: httpx.AsyncClient) -> None:
    identifier = fresh()

    response = await shared.put(f"Patient?identifier={SYSTEM}|{identifier}", json=patient(identifier))

    assert response.status_code == 201
    assert response.headers["location"].endswith(f"/Patient/{response.json()['id']}/_history/1")
    assert await count_of(shared, identifier) == 1


@session
async def test_a_conditional_update_without_a_match_keeps_a_given_id(shared: httpx.AsyncClient) -> None:
    identifier, chosen = fresh(), fresh()

    response = await shared.put(
        f"Patient?identifier={SYSTEM}|{identifier}", json=patient(identifier, id=chosen)
    )

    assert response.status_code == 201
    assert response.json()["id"] == chosen


@session
async def test_a_given_id_that_exists_and_does_not_match_is_409(shared: httpx.AsyncClient) -> None:
    identifier = fresh()
    other = await created(shared, patient(fresh()))

    response = await shared.put(
        f"Patient?identifier={SYSTEM}|{identifier}", json=patient(identifier, id=other["id"])
    )

    issue_of(response, 409, "conflict")
    assert (await shared.get(f"Patient/{other['id']}")).json() == other


@session
@pytest.mark.parametrize("with_id", [False, True])
async def test_a_conditional_update_with_one_match_updates_it(
    shared: httpx.AsyncClient, with_id: bool
) -> None:
    identifier = fresh()
    kept = await created(shared, patient(identifier))
    tree = patient(identifier, active=True, **({"id": kept["id"]} if with_id else {}))

    response = await shared.put(f"Patient?identifier={SYSTEM}|{identifier}", json=tree)

    assert response.status_code == 200
    assert response.headers["etag"] == 'W/"2"'
    assert (response.json()["id"], response.json()["active"]) == (kept["id"], True)


@session
async def test_a_conditional_update_with_one_match_of_another_id_is_400(shared: httpx.AsyncClient) -> None:
    identifier = fresh()
    kept = await created(shared, patient(identifier))

    response = await shared.put(
        f"Patient?identifier={SYSTEM}|{identifier}", json=patient(identifier, id=fresh())
    )

    issue_of(response, 400, expression="Patient.id")
    assert (await shared.get(f"Patient/{kept['id']}")).json() == kept


@session
async def test_a_conditional_update_with_many_matches_is_412(shared: httpx.AsyncClient) -> None:
    identifier = fresh()
    await created(shared, patient(identifier))
    await created(shared, patient(identifier))

    response = await shared.put(
        f"Patient?identifier={SYSTEM}|{identifier}", json=patient(identifier, active=True)
    )

    issue_of(response, 412, "multiple-matches")


@session
async def test_a_conditional_update_obeys_if_match(shared: httpx.AsyncClient) -> None:
    identifier = fresh()
    await created(shared, patient(identifier))
    url = f"Patient?identifier={SYSTEM}|{identifier}"

    old = await shared.put(url, json=patient(identifier, active=True), headers={"If-Match": 'W/"7"'})
    now = await shared.put(url, json=patient(identifier, active=True), headers={"If-Match": 'W/"1"'})

    issue_of(old, 412, "conflict")
    assert now.status_code == 200


async def test_without_client_ids_a_conditional_update_creates_only_without_an_id(serve: Serve) -> None:
    client = await serve(client_ids=False)

    named = await client.put("Patient?identifier=urn:a|1", json=patient("1", id="mine"))
    unnamed = await client.put("Patient?identifier=urn:a|1", json=patient("1"))

    issue_of(named, 405)
    assert unnamed.status_code == 201


@session
async def test_the_same_conditional_update_twice_makes_one_resource(shared: httpx.AsyncClient) -> None:
    identifier = fresh()
    url = f"Patient?identifier={SYSTEM}|{identifier}"

    answers = [await shared.put(url, json=patient(identifier, active=True)) for _ in range(2)]

    assert [a.status_code for a in answers] == [201, 200]
    assert answers[0].json() == answers[1].json()


@session
@pytest.mark.parametrize("matches", [0, 1, 2])
async def test_a_conditional_patch_needs_just_one_match(shared: httpx.AsyncClient, matches: int) -> None:
    identifier = fresh()
    kept = [await created(shared, patient(identifier)) for _ in range(matches)]

    response = await shared.patch(
        f"Patient?identifier={SYSTEM}|{identifier}",
        json=[{"op": "add", "path": "/active", "value": True}],
        headers=JSON_PATCH,
    )

    if matches == 1:
        assert response.status_code == 200
        assert (response.json()["id"], response.json()["active"]) == (kept[0]["id"], True)
    else:
        issue_of(response, 412 if matches else 404, "multiple-matches" if matches else "not-found")
        for tree in kept:
            assert (await shared.get(f"Patient/{tree['id']}")).json() == tree


@session
@pytest.mark.parametrize("matches", [0, 1, 3])
async def test_a_conditional_delete_takes_every_match(shared: httpx.AsyncClient, matches: int) -> None:
    identifier = fresh()
    kept = [await created(shared, patient(identifier)) for _ in range(matches)]
    bystander = await created(shared, patient(fresh()))

    response = await shared.delete(f"Patient?identifier={SYSTEM}|{identifier}")

    assert response.status_code == 204
    assert response.content == b""
    for tree in kept:
        assert (await shared.get(f"Patient/{tree['id']}")).status_code == 410
    assert (await shared.get(f"Patient/{bystander['id']}")).status_code == 200


@session
async def test_a_conditional_delete_may_have_a_slash_before_its_criteria(shared: httpx.AsyncClient) -> None:
    identifier = fresh()
    kept = await created(shared, patient(identifier))

    response = await shared.delete(f"Patient/?identifier={SYSTEM}|{identifier}")

    assert response.status_code == 204
    assert (await shared.get(f"Patient/{kept['id']}")).status_code == 410


async def test_a_server_that_deletes_one_at_a_time_refuses_many(serve: Serve) -> None:
    client = await serve(conditional_delete="single")
    kept: list[Tree] = [await created(client, patient("1")) for _ in range(2)]

    issue_of(await client.delete(f"Patient?identifier={SYSTEM}|1"), 412, "multiple-matches")

    for tree in kept:
        assert (await client.get(f"Patient/{tree['id']}")).status_code == 200
    await client.delete(f"Patient/{kept[0]['id']}")
    assert (await client.delete(f"Patient?identifier={SYSTEM}|1")).status_code == 204
    statement = (await client.get("metadata")).json()
    assert statement["rest"][0]["resource"][0]["conditionalDelete"] == "single"


@session
async def test_a_conditional_delete_is_all_or_nothing(shared: httpx.AsyncClient) -> None:
    identifier = fresh()
    first, second = [await created(shared, patient(identifier)) for _ in range(2)]
    await created(
        shared,
        {
            "resourceType": "Observation",
            "status": "final",
            "code": {"text": "x"},
            "subject": {"reference": f"Patient/{second['id']}"},
        },
    )

    issue_of(await shared.delete(f"Patient?identifier={SYSTEM}|{identifier}"), 409, "conflict")

    for tree in (first, second):
        assert (await shared.get(f"Patient/{tree['id']}")).status_code == 200


@session
async def test_criteria_keep_their_escapes(shared: httpx.AsyncClient) -> None:
    identifier = f"a+b & c|{fresh()}"
    tree = patient(identifier)

    answers = [
        await shared.post(
            "Patient",
            json=tree,
            headers={
                "If-None-Exist": f"identifier={SYSTEM}|{identifier}".replace("+", "%2B")
                .replace("&", "%26")
                .replace("c|", "c%5C%7C")
            },
        )
        for _ in range(2)
    ]

    assert [a.status_code for a in answers] == [201, 200]
