"""A consent that names a circle: whom it means when the circle changes or ends."""

from __future__ import annotations

from typing import Any, Final

import pytest

from fhir_server.kernel.keys import Key
from tests.circles import HELPER, NURSE, PERSON, ROLE_CLASS, circle, member, patient, relative, stay, to
from tests.fhir_server.interactions.performing import refused
from tests.guarded import CIRCLE, SINCE, Guarded, decided, everywhere

TEAM: Final = Key("CareTeam", "payet")
_AT_HOME: Final[dict[str, Any]] = {
    "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "HH"}
}


@everywhere
@pytest.mark.parametrize("status", ["inactive", "entered-in-error"])
async def test_whom_an_exclusion_of_the_circle_keeps_out_stays_out_when_the_circle_ends(
    guarded: Guarded, status: str
) -> None:
    await guarded.keep(*CIRCLE, {**stay("ssiad", start=SINCE), **_AT_HOME})
    assert await guarded.by(NURSE).sees(PERSON)
    await guarded.keep(decided("exclusion-acteur", str(TEAM), type="deny"))
    assert not await guarded.by(NURSE).sees(PERSON)

    await guarded.put({**await guarded.at(TEAM), "status": status})
    assert not await guarded.by(NURSE).sees(PERSON)
    await guarded.put(
        relative("daughter", (ROLE_CLASS, "CAREGIVER"))
    )  # the ties are made anew, of what is kept by then
    assert not await guarded.by(NURSE).sees(PERSON)


@everywhere
async def test_the_circle_of_somebody_else_makes_nobody_of_ones_own(guarded: Guarded) -> None:
    theirs = circle(member("PractitionerRole/helper", SINCE), id="theirs", period={"start": SINCE})
    await guarded.keep(*CIRCLE, {**patient(), "id": "other"}, {**theirs, "subject": to("Patient/other")})
    await guarded.keep(decided("reconnaissance-equipe", "CareTeam/theirs", id="theirs"))

    assert await guarded.by(NURSE).sees(PERSON)
    assert not await guarded.by(HELPER).sees(PERSON)


@everywhere
async def test_who_joins_is_not_said_to_have_been_there_when_the_person_decided(guarded: Guarded) -> None:
    await guarded.keep(
        patient(),
        circle(member("PractitionerRole/nurse", SINCE), period={"start": SINCE}),
        decided("reconnaissance-equipe", str(TEAM), dated="2021-01-01T10:00:00Z"),
    )
    team = await guarded.at(TEAM)
    backdated = member("PractitionerRole/helper", "2020-06-01", "2021-06-01")

    with refused(403, "forbidden"):
        await guarded.by(NURSE).put({**team, "participant": [*team["participant"], backdated]})
