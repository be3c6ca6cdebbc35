"""Two records of one person, merged: the circles of both take part in both, and the stricter decision counts."""

from __future__ import annotations

from typing import Final

import pytest

from fhir_server.access.caller import Caller
from fhir_server.kernel.keys import Key
from fhir_server.kernel.wire import Tree
from tests.builders import observation
from tests.circles import (
    CITIZEN,
    COORDINATOR,
    HELPER,
    NURSE,
    PERSON,
    PHARMACIST,
    caller,
    circle,
    member,
    patient,
    to,
)
from tests.fhir_server.interactions.performing import refused
from tests.guarded import SINCE, Guarded, decided, everywhere

OLD: Final = Key("Patient", "old")
BOTH: Final = ("PractitionerRole/coordinator", "PractitionerRole/guardian")
CONSENT: Final = decided("reconnaissance-equipe", *BOTH)["id"]
SECRETARY: Final = caller("guardian", "group", "secretariat")


def record(key: Key, *members: str) -> list[Tree]:
    """A record with its circle, whose members are recognised."""
    people = [member(one, SINCE, pcp=one.endswith("/gp")) for one in members]
    said = [
        decided("reconnaissance-equipe", *members, performer=key),
        decided("information-dossier", performer=key),
    ]
    return [
        {**patient(), "id": key.id},
        circle(*people, id=key.id, period={"start": SINCE}, subject=to(key)),
        *({**one, "patient": to(key), "id": f"{one['id']}-{key.id}"} for one in said),
    ]


def linked(key: Key, *others: tuple[str, Key]) -> Tree:
    return {**patient(), "id": key.id, "link": [{"other": to(other), "type": kind} for kind, other in others]}


@pytest.fixture
def replaced() -> Tree:
    return linked(OLD, ("replaced-by", PERSON))


async def kept(guarded: Guarded) -> tuple[Key, Key]:
    """What is known in the old record, and in the new one. The coordinator is of both circles."""
    await guarded.keep(*record(OLD, *BOTH, "PractitionerRole/nurse"))
    await guarded.keep(*record(PERSON, *BOTH, "PractitionerRole/pharmacist"))
    return await guarded.made(observation(OLD)), await guarded.made(observation(PERSON))


async def seen(guarded: Guarded, who: Caller, *keys: Key) -> list[bool]:
    return [await guarded.by(who).sees(key) for key in keys]


@everywhere
@pytest.mark.parametrize(
    "link", [linked(OLD, ("replaced-by", PERSON)), linked(PERSON, ("replaces", OLD))], ids=["old", "new"]
)
async def test_each_circle_takes_part_in_both_records(guarded: Guarded, link: Tree) -> None:
    keys = await kept(guarded)
    assert await seen(guarded, NURSE, *keys) == [True, False]
    assert await seen(guarded, PHARMACIST, *keys) == [False, True]
    await guarded.by(COORDINATOR).put(link)
    for who in (NURSE, PHARMACIST, CITIZEN):
        assert await seen(guarded, who, *keys) == [True, True]
    assert await seen(guarded, HELPER, *keys) == [False, False]


@everywhere
async def test_records_that_are_said_to_be_two_again_have_nothing_of_one_another(
    guarded: Guarded, replaced: Tree
) -> None:
    keys = await kept(guarded)
    await guarded.by(COORDINATOR).put(replaced)
    await guarded.by(COORDINATOR).put({**patient(), "id": OLD.id})
    assert await seen(guarded, NURSE, *keys) == [True, False]
    assert await seen(guarded, PHARMACIST, *keys) == [False, True]
    assert await seen(guarded, CITIZEN, *keys) == [False, True]


@everywhere
async def test_what_is_decided_in_one_counts_in_the_other(guarded: Guarded, replaced: Tree) -> None:
    keys = await kept(guarded)
    await guarded.by(COORDINATOR).put(replaced)
    exclusion = decided("exclusion-acteur", "PractitionerRole/nurse", type="deny", id="out")
    await guarded.put(exclusion)
    assert await seen(guarded, NURSE, *keys) == [False, False]
    await guarded.put({**exclusion, "status": "inactive"})
    assert await seen(guarded, NURSE, *keys) == [True, True]


@everywhere
async def test_a_denial_in_one_record_stands_above_a_later_permit_in_the_other(
    guarded: Guarded, replaced: Tree
) -> None:
    keys = await kept(guarded)
    denied = decided("consentement-hors-equipe", "PractitionerRole/helper", type="deny", id="never")
    permitted = decided("consentement-hors-equipe", "PractitionerRole/helper", id="later", dated="2021-01-01")
    await guarded.keep({**denied, "patient": to(OLD)}, permitted)
    helped = await guarded.made({**observation(PERSON)})
    before = await guarded.by(HELPER).sees(PERSON)
    assert before
    await guarded.by(COORDINATOR).put(replaced)
    assert await seen(guarded, HELPER, *keys, helped, PERSON, OLD) == [False] * 5


@everywhere
async def test_nobody_raises_their_own_rights_by_merging(guarded: Guarded, replaced: Tree) -> None:
    """The coordinator is of both circles, and recognised in one of them alone."""
    keys = await kept(guarded)
    await guarded.put({**await guarded.at(Key("Consent", f"{CONSENT}-old")), "status": "inactive"})
    before = await seen(guarded, COORDINATOR, *keys)
    with refused(403, "forbidden"):
        await guarded.by(COORDINATOR).put(replaced)
    assert await seen(guarded, COORDINATOR, *keys) == before


@everywhere
async def test_records_are_merged_by_who_may_bring_others_into_both(guarded: Guarded, replaced: Tree) -> None:
    keys = await kept(guarded)
    with refused(403, "forbidden"):  # who changes an identity, and brings in nobody
        await guarded.by(SECRETARY).put(replaced)
    manager = caller("manager", "saad", "encadrement")
    await guarded.keep(*record(OLD, *BOTH, "PractitionerRole/nurse", "PractitionerRole/manager"))
    with refused(422, "not-found"):  # who is of one circle alone
        await guarded.by(manager).put(replaced)
    assert await seen(guarded, NURSE, *keys) == [True, False]


@everywhere
async def test_a_link_that_merges_nothing_ties_nobody(guarded: Guarded) -> None:
    keys = await kept(guarded)
    await guarded.by(COORDINATOR).put(linked(OLD, ("seealso", PERSON)))
    assert await seen(guarded, NURSE, *keys) == [True, False]


GP_NAMED: Final = ("PractitionerRole/gp", *BOTH)


@everywhere
@pytest.mark.parametrize(
    ("old", "new"), [(GP_NAMED, BOTH), (BOTH, GP_NAMED)], ids=["of the old record", "of the new one"]
)
async def test_merging_names_nobody_medecin_traitant(
    guarded: Guarded, replaced: Tree, old: tuple[str, ...], new: tuple[str, ...]
) -> None:
    await guarded.keep(*record(OLD, *old))
    await guarded.keep(*record(PERSON, *new))
    with refused(403, "forbidden"):
        await guarded.by(COORDINATOR).put(replaced)


@everywhere
async def test_records_of_one_medecin_traitant_are_merged(guarded: Guarded, replaced: Tree) -> None:
    await guarded.keep(*record(OLD, *GP_NAMED))
    await guarded.keep(*record(PERSON, *GP_NAMED, "PractitionerRole/pharmacist"))
    assert (await guarded.by(COORDINATOR).put(replaced)).status == 200


@everywhere
async def test_a_person_made_up_to_be_merged_names_nobody_medecin_traitant(guarded: Guarded) -> None:
    await kept(guarded)
    made_up, team = (f"urn:uuid:0b0b0b0b-0000-4000-8000-00000000000{one}" for one in (1, 2))
    people = member("PractitionerRole/cardiologist", SINCE, pcp=True), member(BOTH[0], SINCE)
    new = [
        {**patient(), "link": [{"other": to(PERSON), "type": "replaces"}]},
        circle(*people, period={"start": SINCE}, subject=to(made_up)),
    ]
    entries = [
        {
            "fullUrl": url,
            "resource": {name: value for name, value in tree.items() if name != "id"},
            "request": {"method": "POST", "url": tree["resourceType"]},
        }
        for url, tree in zip((made_up, team), new, strict=True)
    ]
    with refused(403, "forbidden"):
        await guarded.by(COORDINATOR).transaction(*entries)
