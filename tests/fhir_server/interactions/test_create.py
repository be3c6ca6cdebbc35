"""https://hl7.org/fhir/R4/http.html#create · https://hl7.org/fhir/R4/http.html#ccreate"""

from __future__ import annotations

import asyncio

import pytest

from fhir_server.interactions.call import Action
from fhir_server.kernel.keys import Key
from fhir_server.kernel.wire import decode
from tests.builders import SYSTEM, observation, organization, patient
from tests.fhir_server.interactions.performing import Performer, both, refused


@both
async def test_a_create_answers_what_is_kept(perform: Performer) -> None:
    reply = await perform.create(patient("1"))

    assert (reply.status, reply.version) == (201, 1)
    assert reply.key is not None
    kept = await perform.at(reply.key)
    assert decode(reply.body) == kept
    assert kept["id"] == reply.key.id
    assert [(change.key, change.version, change.method, change.tree) for change in reply.changes] == [
        (reply.key, 1, "POST", kept)
    ]


async def test_the_id_and_version_of_the_client_are_ignored(perform: Performer) -> None:
    reply = await perform.create(
        patient(id="mine", meta={"versionId": "7", "lastUpdated": "2001-01-01T00:00:00Z"})
    )

    assert reply.key is not None
    assert reply.key.id != "mine"
    kept = await perform.at(reply.key)
    assert kept["meta"]["versionId"] == "1"
    assert not kept["meta"]["lastUpdated"].startswith("2001")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"[]", 400),
        (b"{}", 400),
        (b'{"resourceType":"Observation"}', 400),
        (b'{"resourceType":7}', 400),
        (b'{"resourceType":"Patient","nonsense":1}', 422),
        (b'{"resourceType":"Patient","meta":7}', 422),
        (b'{"resourceType":"Patient","meta":[]}', 422),
    ],
)
async def test_what_is_no_resource_of_the_type_is_refused(
    perform: Performer, body: bytes, status: int
) -> None:
    with refused(status):
        await perform(Action.CREATE, "Patient", body=body)


async def test_a_body_over_the_cap_is_refused(perform: Performer) -> None:
    with refused(413, "too-long"):
        await perform.with_settings(max_body_bytes=1024).create(patient("1" * 1024))


@both
@pytest.mark.parametrize("matches", [0, 1, 2])
async def test_a_conditional_create(perform: Performer, matches: int) -> None:
    kept = [await perform.made(patient("1")) for _ in range(matches)]

    if matches == 2:
        with refused(412, "multiple-matches"):
            await perform.create(patient("1"), if_none_exist=f"identifier={SYSTEM}|1")
        return
    reply = await perform.create(patient("1", active=True), if_none_exist=f"identifier={SYSTEM}|1")

    assert reply.status == (200 if matches else 201)
    assert not kept or reply.key == kept[0]
    assert ("active" in decode(reply.body)) == (matches == 0)
    assert len(reply.changes) == 1 - matches


@pytest.mark.parametrize("criteria", ["nonsense=1", "?", "_sort=name", "identifier"])
async def test_criteria_are_understood_or_refused(perform: Performer, criteria: str) -> None:
    with refused(400):
        await perform.create(patient("1"), if_none_exist=criteria)


@both
async def test_parallel_conditional_creates_make_one(perform: Performer) -> None:
    replies = await asyncio.gather(
        *[perform.create(patient("1"), if_none_exist="identifier=1") for _ in range(8)]
    )

    assert sorted(reply.status for reply in replies) == [200] * 7 + [201]
    assert len({reply.key for reply in replies}) == 1


@both
async def test_a_reference_must_point_to_something(perform: Performer) -> None:
    gone = await perform.made(patient())
    await perform.delete(gone)

    for target in (gone, Key("Patient", "never")):
        with refused(422, "not-found", "Observation.subject.reference"):
            await perform.create(observation(target))
    assert (await perform.with_settings(references="off").create(observation(gone))).status == 201


@pytest.mark.parametrize(
    "text", ["https://elsewhere.example/fhir/Patient/1", "urn:uuid:0b9bd1b6-6c1b-4e4a-a3f7-1d2d4b7c8e01"]
)
async def test_what_is_elsewhere_is_not_asked_for(perform: Performer, text: str) -> None:
    assert (await perform.create(observation(text))).status == 201


async def test_a_conditional_reference_works_in_a_transaction_only(perform: Performer) -> None:
    await perform.made(organization())

    with refused(422, "value", "Patient.managingOrganization.reference"):
        await perform.create(patient(managingOrganization={"reference": "Organization?name=A"}))
