"""update: versions, ids, update as create, If-Match, and coming back to life.

https://hl7.org/fhir/R4/http.html#update · https://hl7.org/fhir/R4/http.html#concurrency
"""

from __future__ import annotations

import httpx
import pytest

from fhir_server.web.xml import tree_of, xml_of
from tests.flows.asking import FHIR_JSON, FHIR_XML, created, fresh, issue_of, observation, patient
from tests.flows.serving import Serve

session = pytest.mark.asyncio(loop_scope="session")


@session
async def test_an_update_is_200_and_makes_the_next_version(shared: httpx.AsyncClient) -> None:
    kept = await created(shared, patient(gender="male"))

    response = await shared.put(
        f"Patient/{kept['id']}", json=patient(id=kept["id"], gender="female"), headers=FHIR_JSON
    )

    assert response.status_code == 200
    assert response.headers["etag"] == 'W/"2"'
    assert response.headers["last-modified"]
    assert "location" not in response.headers
    now = (await shared.get(f"Patient/{kept['id']}")).json()
    assert now == response.json()
    assert (now["gender"], now["meta"]["versionId"]) == ("female", "2")
    assert now["meta"]["lastUpdated"] > kept["meta"]["lastUpdated"]


@session
async def test_an_update_replaces_the_whole_content(shared: httpx.AsyncClient) -> None:
    kept = await created(shared, patient(active=True, meta={"tag": [{"code": "old"}]}))

    await shared.put(f"Patient/{kept['id']}", json=patient(id=kept["id"], gender="male"))

    now = (await shared.get(f"Patient/{kept['id']}")).json()
    assert set(now) == {"resourceType", "id", "meta", "gender"}
    assert set(now["meta"]) == {"versionId", "lastUpdated"}


@session
async def test_version_and_time_that_a_client_sends_are_ignored(shared: httpx.AsyncClient) -> None:
    kept = await created(shared, patient(gender="male"))
    meta = {"versionId": "41", "lastUpdated": "2001-01-01T00:00:00Z"}

    response = await shared.put(
        f"Patient/{kept['id']}", json=patient(id=kept["id"], meta=meta, gender="female")
    )

    assert response.json()["meta"]["versionId"] == "2"
    assert response.json()["meta"]["lastUpdated"] > kept["meta"]["lastUpdated"]


@session
async def test_an_update_that_changes_nothing_keeps_the_version(shared: httpx.AsyncClient) -> None:
    kept = await created(shared, patient(gender="male"))

    response = await shared.put(f"Patient/{kept['id']}", json=kept)

    assert response.status_code == 200
    assert response.headers["etag"] == 'W/"1"'
    assert response.json() == kept
    history = (await shared.get(f"Patient/{kept['id']}/_history")).json()
    assert history["total"] == 1


@session
@pytest.mark.parametrize("form", ["json", "xml"])
@pytest.mark.parametrize("id", ["", "another"])
async def test_an_id_that_is_missing_or_another_is_400(shared: httpx.AsyncClient, id: str, form: str) -> None:
    kept = await created(shared, patient())
    tree = patient(id=id) if id else patient()

    response = await (
        shared.put(f"Patient/{kept['id']}", json=tree)
        if form == "json"
        else shared.put(f"Patient/{kept['id']}", content=xml_of(tree), headers=FHIR_XML)
    )

    issue_of(response, 400, expression="Patient.id") if form == "json" else None
    assert response.status_code == 400


@session
async def test_a_body_of_another_type_is_400(shared: httpx.AsyncClient) -> None:
    kept = await created(shared, patient())

    issue_of(await shared.put(f"Patient/{kept['id']}", json=observation(id=kept["id"])), 400)


@session
async def test_a_body_that_breaks_the_rules_changes_nothing(shared: httpx.AsyncClient) -> None:
    kept = await created(shared, patient())

    issue_of(
        await shared.put(f"Patient/{kept['id']}", json=patient(id=kept["id"], gender="blue")),
        422,
        expression="Patient.gender",
    )

    assert (await shared.get(f"Patient/{kept['id']}")).json() == kept


@session
@pytest.mark.parametrize("form", ["json", "xml"])
async def test_an_update_of_an_unknown_id_creates_it(shared: httpx.AsyncClient, form: str) -> None:
    chosen = fresh()
    body = patient(id=chosen, active=True)

    response = await (
        shared.put(f"Patient/{chosen}", json=body)
        if form == "json"
        else shared.put(
            f"Patient/{chosen}", content=xml_of(body), headers={**FHIR_XML, "Accept": "application/fhir+xml"}
        )
    )

    tree = response.json() if form == "json" else tree_of(response.content)
    assert response.status_code == 201
    assert response.headers["location"] == f"http://test.example/fhir/Patient/{chosen}/_history/1"
    assert response.headers["etag"] == 'W/"1"'
    assert response.headers["last-modified"]
    assert (tree["id"], tree["active"]) == (chosen, True)


@session
@pytest.mark.parametrize("id", ["a" * 64, "A-b.9", "1", "0"])
async def test_every_id_that_fhir_allows_can_be_chosen(shared: httpx.AsyncClient, id: str) -> None:
    response = await shared.put(
        f"Basic/{id}", json={"resourceType": "Basic", "id": id, "code": {"text": "x"}}
    )

    assert response.status_code == 201
    assert (await shared.get(f"Basic/{id}")).json()["id"] == id


@session
@pytest.mark.parametrize("id", ["a" * 65, "a_b", "é", "a%20b", "a,b"])
async def test_an_id_that_fhir_does_not_allow_is_400(shared: httpx.AsyncClient, id: str) -> None:
    issue_of(await shared.put(f"Patient/{id}", json=patient(id=id)), 400)


async def test_a_server_that_chooses_the_ids_refuses_an_update_of_an_unknown_one(serve: Serve) -> None:
    client = await serve(client_ids=False)
    kept = await created(client, patient())

    response = await client.put("Patient/mine", json=patient(id="mine"))
    known = await client.put(f"Patient/{kept['id']}", json=patient(id=kept["id"], active=True))

    issue_of(response, 405, "not-supported")
    assert response.headers["allow"] == "POST"
    assert known.status_code == 200
    assert (await client.get("Patient?_summary=count")).json()["total"] == 1
    statement = (await client.get("metadata")).json()
    assert {resource["updateCreate"] for resource in statement["rest"][0]["resource"]} == {False}


@session
async def test_an_update_brings_a_deleted_resource_back_to_life(shared: httpx.AsyncClient) -> None:
    kept = await created(shared, patient())
    await shared.delete(f"Patient/{kept['id']}")

    response = await shared.put(f"Patient/{kept['id']}", json=patient(id=kept["id"]))

    assert response.status_code == 201
    assert response.headers["etag"] == 'W/"3"'
    assert response.headers["location"].endswith(f"Patient/{kept['id']}/_history/3")
    assert (await shared.get(f"Patient/{kept['id']}")).status_code == 200
    assert (await shared.get(f"Patient/{kept['id']}/_history/2")).status_code == 410


@session
async def test_if_match_of_the_deletion_brings_a_resource_back_to_life(shared: httpx.AsyncClient) -> None:
    kept = await created(shared, patient())
    tag = (await shared.delete(f"Patient/{kept['id']}")).headers["etag"]
    tree = patient(id=kept["id"])

    old = await shared.put(f"Patient/{kept['id']}", json=tree, headers={"If-Match": 'W/"1"'})
    now = await shared.put(f"Patient/{kept['id']}", json=tree, headers={"If-Match": tag})

    issue_of(old, 412, "conflict")
    assert (now.status_code, now.headers["etag"]) == (201, 'W/"3"')


@session
async def test_if_match_of_the_current_version_updates(shared: httpx.AsyncClient) -> None:
    kept = await created(shared, patient())

    response = await shared.put(
        f"Patient/{kept['id']}",
        json=patient(id=kept["id"], active=True),
        headers={"If-Match": 'W/"1"'},
    )

    assert (response.status_code, response.headers["etag"]) == (200, 'W/"2"')


@session
async def test_if_match_of_an_old_version_is_412_and_changes_nothing(shared: httpx.AsyncClient) -> None:
    kept = await created(shared, patient())
    address = f"Patient/{kept['id']}"
    second = (await shared.put(address, json=patient(id=kept["id"], active=True))).json()

    response = await shared.put(
        address, json=patient(id=kept["id"], active=False), headers={"If-Match": 'W/"1"'}
    )

    issue_of(response, 412, "conflict")
    assert (await shared.get(address)).json() == second


@session
async def test_if_match_with_a_strong_tag_a_list_or_a_star_works_too(shared: httpx.AsyncClient) -> None:
    kept = await created(shared, patient())
    address = f"Patient/{kept['id']}"

    statuses = [
        (
            await shared.put(
                address, json=patient(id=kept["id"], multipleBirthInteger=n), headers={"If-Match": tag}
            )
        ).status_code
        for n, tag in enumerate(['"1"', 'W/"9", W/"2"', "*"])
    ]

    assert statuses == [200, 200, 200]


@session
@pytest.mark.parametrize("tag", ['W/"1"', "*"])
async def test_if_match_on_what_does_not_exist_is_412(shared: httpx.AsyncClient, tag: str) -> None:
    chosen = fresh()

    response = await shared.put(f"Patient/{chosen}", json=patient(id=chosen), headers={"If-Match": tag})

    issue_of(response, 412)
    issue_of(await shared.get(f"Patient/{chosen}"), 404)


@session
@pytest.mark.parametrize("tag", ["1", 'W/1"', "yes", 'W/"1'])
async def test_an_if_match_that_is_no_entity_tag_is_400(shared: httpx.AsyncClient, tag: str) -> None:
    kept = await created(shared, patient())

    response = await shared.put(
        f"Patient/{kept['id']}", json=patient(id=kept["id"], active=True), headers={"If-Match": tag}
    )

    issue_of(response, 400)


@session
async def test_if_none_match_star_creates_and_never_overwrites(shared: httpx.AsyncClient) -> None:
    chosen = fresh()
    only_new = {"If-None-Match": "*"}

    first = await shared.put(f"Patient/{chosen}", json=patient(id=chosen), headers=only_new)
    second = await shared.put(f"Patient/{chosen}", json=patient(id=chosen, active=True), headers=only_new)

    assert first.status_code == 201
    issue_of(second, 412, "conflict")
    assert "active" not in (await shared.get(f"Patient/{chosen}")).json()


@session
async def test_prefer_shapes_the_answer_of_an_update(shared: httpx.AsyncClient) -> None:
    chosen = fresh()

    answers = [
        await shared.put(
            f"Patient/{chosen}",
            json=patient(id=chosen, multipleBirthInteger=n),
            headers={"Prefer": f"return={what}"},
        )
        for n, what in enumerate(["minimal", "representation", "OperationOutcome"])
    ]

    assert [a.status_code for a in answers] == [201, 200, 200]
    assert answers[0].content == b""
    assert answers[1].json()["resourceType"] == "Patient"
    assert answers[2].json()["resourceType"] == "OperationOutcome"
    assert [a.headers["etag"] for a in answers] == ['W/"1"', 'W/"2"', 'W/"3"']


@session
async def test_past_versions_cannot_be_written(shared: httpx.AsyncClient) -> None:
    kept = await created(shared, patient())

    for method in ("PUT", "POST", "PATCH", "DELETE"):
        response = await shared.request(method, f"Patient/{kept['id']}/_history/1", json=kept)
        issue_of(response, 405)
        assert response.headers["allow"] == "GET, HEAD, OPTIONS"


@session
async def test_an_update_may_not_point_to_nothing(shared: httpx.AsyncClient) -> None:
    kept = await created(shared, observation())

    response = await shared.put(
        f"Observation/{kept['id']}", json=observation(f"Patient/{fresh()}", id=kept["id"])
    )

    issue_of(response, 422, "not-found", "Observation.subject.reference")


async def test_without_integrity_a_reference_may_point_to_nothing(serve: Serve) -> None:
    client = await serve(references="off")

    assert (await client.post("Observation", json=observation("Patient/nobody"))).status_code == 201
