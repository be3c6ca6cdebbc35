"""delete: idempotent, kept in history, refused while others refer to it.

https://hl7.org/fhir/R4/http.html#delete
"""

from __future__ import annotations

import httpx
import pytest

from tests.flows.asking import created, fresh, issue_of, observation, patient
from tests.flows.serving import Serve

session = pytest.mark.asyncio(loop_scope="session")


@session
async def test_a_delete_is_204_and_the_resource_is_gone(shared: httpx.AsyncClient) -> None:
    identifier = fresh()
    kept = await created(shared, patient(identifier))

    response = await shared.delete(f"Patient/{kept['id']}")

    assert response.status_code == 204
    assert response.content == b""
    assert response.headers["etag"] == 'W/"2"'
    issue_of(await shared.get(f"Patient/{kept['id']}"), 410, "deleted")
    found = (await shared.get(f"Patient?identifier={identifier}")).json()
    assert "entry" not in found
    assert (await shared.get(f"Patient?_id={kept['id']}&_summary=count")).json()["total"] == 0


@session
async def test_deleting_twice_is_204_twice_and_one_version(shared: httpx.AsyncClient) -> None:
    kept = await created(shared, patient())

    answers = [await shared.delete(f"Patient/{kept['id']}") for _ in range(2)]

    assert [a.status_code for a in answers] == [204, 204]
    assert [a.headers["etag"] for a in answers] == ['W/"2"', 'W/"2"']
    assert (await shared.get(f"Patient/{kept['id']}/_history")).json()["total"] == 2


@session
async def test_deleting_what_never_was_is_204_and_leaves_no_trace(shared: httpx.AsyncClient) -> None:
    chosen = fresh()

    assert (await shared.delete(f"Patient/{chosen}")).status_code == 204
    issue_of(await shared.get(f"Patient/{chosen}"), 404, "not-found")


@session
async def test_a_deletion_keeps_the_versions_before_it(shared: httpx.AsyncClient) -> None:
    kept = await created(shared, patient(active=True))

    await shared.delete(f"Patient/{kept['id']}")

    assert (await shared.get(f"Patient/{kept['id']}/_history/1")).json() == kept


@session
async def test_a_delete_obeys_if_match(shared: httpx.AsyncClient) -> None:
    kept = await created(shared, patient())

    old = await shared.delete(f"Patient/{kept['id']}", headers={"If-Match": 'W/"3"'})
    now = await shared.delete(f"Patient/{kept['id']}", headers={"If-Match": 'W/"1"'})

    issue_of(old, 412, "conflict")
    assert now.status_code == 204


@session
async def test_an_outcome_that_is_asked_for_comes_with_200_and_without_errors(
    shared: httpx.AsyncClient,
) -> None:
    kept = await created(shared, patient())

    response = await shared.delete(f"Patient/{kept['id']}", headers={"Prefer": "return=OperationOutcome"})

    assert response.status_code == 200
    assert response.json()["resourceType"] == "OperationOutcome"
    assert {issue["severity"] for issue in response.json()["issue"]} == {"information"}


@session
async def test_a_resource_that_others_refer_to_is_409_and_stays(shared: httpx.AsyncClient) -> None:
    kept = await created(shared, patient())
    referrer = await created(shared, observation(f"Patient/{kept['id']}"))

    refused = issue_of(await shared.delete(f"Patient/{kept['id']}"), 409, "conflict")

    assert f"Observation/{referrer['id']}" in refused["diagnostics"]
    assert (await shared.get(f"Patient/{kept['id']}")).json() == kept
    await shared.delete(f"Observation/{referrer['id']}")
    assert (await shared.delete(f"Patient/{kept['id']}")).status_code == 204


@session
async def test_a_reference_that_was_updated_away_no_longer_holds(shared: httpx.AsyncClient) -> None:
    kept = await created(shared, patient())
    referrer = await created(shared, observation(f"Patient/{kept['id']}"))
    await shared.put(f"Observation/{referrer['id']}", json=observation(id=referrer["id"]))

    assert (await shared.delete(f"Patient/{kept['id']}")).status_code == 204


@session
async def test_a_reference_in_an_extension_holds_too(shared: httpx.AsyncClient) -> None:
    kept = await created(shared, patient())
    extension = [{"url": "urn:example:who", "valueReference": {"reference": f"Patient/{kept['id']}"}}]
    await created(shared, {"resourceType": "Basic", "code": {"text": "x"}, "extension": extension})

    issue_of(await shared.delete(f"Patient/{kept['id']}"), 409, "conflict")


@session
async def test_a_resource_that_refers_to_itself_can_be_deleted(shared: httpx.AsyncClient) -> None:
    chosen = fresh()
    tree = patient(id=chosen, link=[{"other": {"reference": f"Patient/{chosen}"}, "type": "seealso"}])
    assert (await shared.put(f"Patient/{chosen}", json=tree)).status_code == 201

    assert (await shared.delete(f"Patient/{chosen}")).status_code == 204


async def test_without_integrity_a_resource_that_others_refer_to_can_be_deleted(serve: Serve) -> None:
    client = await serve(references="off")
    kept = await created(client, patient())
    await created(client, observation(f"Patient/{kept['id']}"))

    assert (await client.delete(f"Patient/{kept['id']}")).status_code == 204


@session
async def test_a_delete_of_a_whole_type_without_criteria_is_refused(shared: httpx.AsyncClient) -> None:
    kept = await created(shared, patient())

    issue_of(await shared.delete("Patient"), 400, "required")
    issue_of(await shared.delete("Patient/"), 400, "required")
    assert (await shared.get(f"Patient/{kept['id']}")).status_code == 200


@session
async def test_the_whole_system_cannot_be_deleted(shared: httpx.AsyncClient) -> None:
    response = await shared.delete("")

    issue_of(response, 405, "not-supported")
    assert response.headers["allow"] == "GET, HEAD, POST, OPTIONS"
