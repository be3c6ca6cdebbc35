"""What a change of an actor does to the ties of those whom it cares for: nothing, unless they stand on what changed."""

from __future__ import annotations

from typing import Any, Final

import pytest

from fhir_server.kernel.keys import Key
from tests.circles import NURSE, PERSON
from tests.guarded import CIRCLE, Guarded, everywhere

SSIAD: Final = Key("Organization", "ssiad")
ROLE: Final = Key("PractitionerRole", "nurse")


async def untied(guarded: Guarded) -> None:
    """As no write would leave it, so that it shows whether ties are made anew."""
    async with guarded.store.begin(interactive=True) as tx:
        await tx.tie(PERSON, [])


@everywhere
@pytest.mark.parametrize(
    ("actor", "change", "anew"),
    [
        (SSIAD, {"name": "Soins à domicile", "telecom": [{"system": "phone", "value": "0262000000"}]}, False),
        (SSIAD, {"partOf": {"reference": "Organization/group"}}, True),
        (ROLE, {"telecom": [{"system": "phone", "value": "0262000000"}]}, False),
        (ROLE, {"period": {"start": "2020-01-01"}}, True),
    ],
    ids=["a name", "another organisation above", "a number", "from when to when"],
)
async def test_ties_are_made_anew_where_they_stand_on_what_changed(
    guarded: Guarded, actor: Key, change: dict[str, Any], *, anew: bool
) -> None:
    await guarded.keep(*CIRCLE)
    assert await guarded.by(NURSE).sees(PERSON)
    await untied(guarded)
    await guarded.put({**await guarded.at(actor), **change})
    assert await guarded.by(NURSE).sees(PERSON) == anew


@everywhere
async def test_who_is_no_longer_active_sees_nothing_from_the_next_request_on(guarded: Guarded) -> None:
    await guarded.keep(*CIRCLE)
    await guarded.put({**await guarded.at(ROLE), "active": False})
    assert not await guarded.by(NURSE).sees(PERSON)
