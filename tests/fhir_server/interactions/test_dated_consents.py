"""What a consent about data of some time opens and closes; and the working notes that are released to the person."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import pytest

from fhir_server.access.authority import Authority
from fhir_server.access.marks import LABEL_SYSTEM
from fhir_server.access.matrix import shipped_matrix
from fhir_server.access.policy import Policy
from fhir_server.access.tables import shipped_tables
from fhir_server.engine import Engine
from fhir_server.interactions.call import Action
from fhir_server.kernel.errors import Forbidden
from fhir_server.kernel.keys import Key
from fhir_server.kernel.wire import Tree, decode
from tests.builders import observation
from tests.circles import CITIZEN, GP, NURSE, PERSON, PHARMACIST, citizen, coding, to
from tests.guarded import CIRCLE, Guarded, decided, everywhere, recognised

WITHIN: Final = {"provision": {"dataPeriod": {"start": "2025-03", "end": "2025-09"}}}
DATED: Final[dict[str, Tree]] = {
    "before": {"effectiveDateTime": "2025-02-28"},
    "within": {"effectiveDateTime": "2025-03-01"},
    "on the last day": {"effectiveDateTime": "2025-09-30T23:00:00Z"},
    "over its end": {"effectivePeriod": {"start": "2025-09-30", "end": "2025-10-02"}},
    "over its beginning": {"effectivePeriod": {"start": "2025-02-01", "end": "2025-04-02"}},
    "of the year": {"effectiveDateTime": "2025"},
    "after": {"effectiveDateTime": "2025-10-01"},
    "undated": {},
}
INSIDE: Final = {"within", "on the last day"}
OUTSIDE: Final = {"before", "after"}


async def measured(guarded: Guarded, **more: Any) -> dict[str, Key]:
    return {name: await guarded.made(observation(PERSON, **dated, **more)) for name, dated in DATED.items()}


async def seen(asked: Guarded, keys: dict[str, Key]) -> set[str]:
    """By their names; the same whether read, read as a version, or searched for."""
    read = {name for name, key in keys.items() if await asked.sees(key)}
    assert read == {name for name, key in keys.items() if await asked.sees(key, version=1)}
    page = await asked.search("Observation", "patient=Patient/payet&_count=50")
    found = {entry["resource"]["id"] for entry in page.get("entry", ())}
    assert read == {name for name, key in keys.items() if key.id in found}
    assert page["total"] == len(found)
    return read


@everywhere
async def test_a_permit_opens_what_is_dated_wholly_within(guarded: Guarded) -> None:
    await guarded.keep(*CIRCLE)
    keys = await measured(guarded)
    await guarded.put(decided("consentement-hors-equipe", "PractitionerRole/pharmacist", **WITHIN))
    assert await seen(guarded.by(PHARMACIST), keys) == INSIDE


@everywhere
async def test_a_permit_of_all_opens_what_bears_no_date_beside_one_of_some_time(guarded: Guarded) -> None:
    await guarded.keep(*CIRCLE)
    keys = await measured(guarded)
    for name, more in (("all", {}), ("some", WITHIN)):
        await guarded.put(
            decided(
                "consentement-hors-equipe", "PractitionerRole/pharmacist", id=name, data=("sante",), **more
            )
        )
    assert await seen(guarded.by(PHARMACIST), keys) == set(DATED)


@everywhere
async def test_an_opposition_closes_all_that_is_not_dated_wholly_elsewhere(guarded: Guarded) -> None:
    await guarded.keep(*CIRCLE)
    keys = await measured(guarded, performer=[to("PractitionerRole/gp")])
    await guarded.put(decided("opposition-partage", "PractitionerRole/nurse", type="deny", **WITHIN))
    assert await seen(guarded.by(NURSE), keys) == OUTSIDE
    assert await seen(guarded.by(GP), keys) == set(DATED)
    assert await seen(guarded.by(CITIZEN), keys) == set(DATED)


@everywhere
async def test_a_new_date_counts_from_the_next_request_on(guarded: Guarded) -> None:
    await guarded.keep(*CIRCLE)
    key = await guarded.made(observation(PERSON, effectiveDateTime="2025-05-01"))
    await guarded.put(decided("consentement-hors-equipe", "PractitionerRole/pharmacist", **WITHIN))
    assert await guarded.by(PHARMACIST).sees(key)
    await guarded.put({**await guarded.at(key), "effectiveDateTime": "2026-05-01"})
    assert not await guarded.by(PHARMACIST).sees(key)
    assert not await guarded.by(PHARMACIST).sees(key, version=1)


@everywhere
async def test_nobody_writes_by_a_consent_about_data_of_some_time(guarded: Guarded) -> None:
    await guarded.keep(*CIRCLE)
    await guarded.put(decided("consentement-hors-equipe", "PractitionerRole/pharmacist", **WITHIN))
    with pytest.raises(Forbidden):
        await guarded.by(PHARMACIST).create(observation(PERSON, effectiveDateTime="2025-05-01"))


@everywhere
async def test_a_decision_is_explained_by_the_dates_too(guarded: Guarded) -> None:
    await guarded.keep(*CIRCLE)
    keys = await measured(guarded)
    await guarded.put(decided("consentement-hors-equipe", "PractitionerRole/pharmacist", **WITHIN))
    for name, key in keys.items():
        listed: list[Tree] = [
            {"name": "kind", "valueCode": "professional"},
            {"name": "role", "valueString": "pharmacien"},
            {"name": "actor", "valueReference": to("PractitionerRole/pharmacist")},
            {"name": "action", "valueCode": "read"},
            {"name": "reference", "valueReference": to(key)},
        ]
        body = {"resourceType": "Parameters", "parameter": listed}
        answer = decode((await guarded.ask("$access-decision", body)).body)
        assert (answer["parameter"][0]["valueCode"] == "allow") == (name in INSIDE)


# Working notes -----------------------------------------------------------------------------------------------------


def releasing(guarded: Guarded, *organisations: str) -> Guarded:
    tables = shipped_tables()
    released = [Key("Organization", one) for one in organisations]
    policy = Policy(shipped_matrix(), tables.cells(), tables, released)
    other = guarded.by(guarded.caller)
    other.server = replace(guarded.server, access=Authority(policy))
    other.engine = Engine(other.server)
    return other


def note(**more: Any) -> Tree:
    return observation(
        PERSON,
        meta={"security": [{"system": LABEL_SYSTEM, "code": "interne-structure"}]},
        performer=[to("PractitionerRole/nurse")],
        **more,
    )


@everywhere
@pytest.mark.parametrize(
    ("released", "shown"), [((), False), (("ssiad",), True), (("saad", "ssiad"), True), (("msp",), False)]
)
async def test_the_person_reads_the_working_notes_of_an_organisation_that_releases_them(
    guarded: Guarded, released: tuple[str, ...], *, shown: bool
) -> None:
    daughter = {
        "resourceType": "RelatedPerson",
        "id": "daughter",
        "patient": to(PERSON),
        "relationship": [coding("http://terminology.hl7.org/CodeSystem/v3-RoleCode", "GUARD")],
    }
    await guarded.keep(*recognised("PractitionerRole/nurse", "PractitionerRole/gp"))
    await guarded.put({**(await guarded.at(PERSON)), "birthDate": "2020-01-01"})
    await guarded.put(daughter)
    reply = await guarded.by(NURSE).create(note())
    assert reply.key is not None
    asked = releasing(guarded, *released)

    assert await asked.by(NURSE).sees(reply.key)
    assert await asked.by(CITIZEN).sees(reply.key) == shown
    assert not await asked.by(GP).sees(reply.key)
    assert not await asked.by(citizen("daughter", "representant-legal")).sees(reply.key)
    page = await asked.by(CITIZEN).search("Observation", "patient=Patient/payet")
    assert page["total"] == int(shown)
    history = await asked.by(CITIZEN)(Action.HISTORY, *reply.key) if shown else None
    assert history is None or history.status == 200
