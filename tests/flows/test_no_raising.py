"""Nobody raises their own rights by any write: what somebody wrote is hidden from you stays hidden, whatever you send.

Each run is a fresh world, one caller, and a sequence of writes made up for them (`made_up_writes.py`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any, Final

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from fhir_server.access.authority import Authority
from fhir_server.access.caller import Caller
from fhir_server.engine import Engine
from fhir_server.interactions.call import Action, Call
from fhir_server.kernel.errors import FhirError
from fhir_server.kernel.keys import Key
from fhir_server.kernel.wire import encode
from fhir_server.store.memory import MemoryStore
from tests import circles
from tests.flows.made_up_writes import (
    ADMITTED,
    INVISIBLE,
    KEYS,
    WRITERS,
    schemes_of,
    world,
    writes_for_others_of,
    writes_of,
)
from tests.guarded import SINCE, Guarded

MASKED: Final = Key("DocumentReference", "person-MASQUE-PS")


async def shown(guarded: Guarded, caller: Caller, keys: Iterable[Key]) -> frozenset[Key]:
    """What a caller reads of these resources, in the current version or the first."""
    found = set()
    for key in keys:
        for action, version in ((Action.READ, None), (Action.VREAD, "1")):
            try:
                await guarded.engine.perform(Call(action, key.type, key.id, version, caller=caller))
            except FhirError:
                continue
            found.add(key)
    return frozenset(found)


@pytest.fixture(scope="module")
def filled() -> MemoryStore:
    store = MemoryStore()
    ranks = {"Organization": 0, "Practitioner": 1, "PractitionerRole": 2, "Patient": 3, "RelatedPerson": 4}

    async def fill() -> None:
        guarded = Guarded(store)
        for tree in sorted(world(), key=lambda tree: ranks.get(tree["resourceType"], len(ranks))):
            await guarded.put(tree)

    asyncio.run(fill())
    return store


def hidden_from(store: MemoryStore, caller: Caller) -> frozenset[Key]:
    return frozenset(KEYS) - asyncio.run(shown(Guarded(store), caller, KEYS))


async def raised_by(
    guarded: Guarded, calls: Sequence[Call], hidden: Iterable[Key], accepted: Callable[[str], object] = str
) -> frozenset[Key]:
    """What of the hidden whoever writes sees after their writes. `accepted` is told of each that was."""
    for call in calls:
        try:
            reply = await guarded.engine.perform(call)
        except FhirError as error:
            if error.status >= 500:
                raise
        else:
            accepted(f"{call.action} {call.type or ''} {call.operation}: {reply.status}")
    return await shown(guarded, calls[0].caller, hidden)


@pytest.mark.parametrize("who", WRITERS)
def test_nobody_sees_more_of_what_others_wrote_after_writing_what_they_like(
    filled: MemoryStore, who: str
) -> None:
    caller = WRITERS[who]
    hidden = hidden_from(filled, caller)
    assert len(hidden) > 10

    single = writes_of(caller).map(lambda call: [call])
    one = st.integers(0, 3).flatmap(lambda dice: schemes_of(caller) if dice == 3 else single)

    @settings(max_examples=40)
    @given(st.lists(one, min_size=1, max_size=6))
    def holds(steps: list[list[Call]]) -> None:
        calls = [call for step in steps for call in step]
        assert asyncio.run(raised_by(Guarded(filled.copy()), calls, hidden, event)) == frozenset()

    holds()


PERSON_AND_GP: Final = {"the person", "the médecin traitant"}  # who name another médecin traitant
# Who may bring in others, and so a relative who represents the person.
INVITING: Final = PERSON_AND_GP | {
    *("a nurse of the team", "a nurse who was admitted", "a manager", "a coordinator"),
    "the software of a service",
}


@pytest.mark.parametrize("who", WRITERS)
def test_nobody_shows_others_what_is_not_theirs_to_show(filled: MemoryStore, who: str) -> None:
    caller = WRITERS[who]
    witnesses = {circles.CITIZEN: {INVISIBLE, Key("DocumentReference", "person-INVISIBLE-PATIENT")}}
    if who not in PERSON_AND_GP:
        mdph = {key for key in KEYS if key.id == "person-mdph"}
        witnesses[WRITERS["a cardiologist with a consent"]] = {MASKED, *mdph}
        witnesses[circles.PHARMACIST] = {MASKED}
    if who not in INVITING:
        witnesses[WRITERS["a relative without a grant"]] = {*KEYS}
    hidden = {witness: keys & hidden_from(filled, witness) for witness, keys in witnesses.items()}
    assert all(hidden.values())

    async def shown_by(calls: list[Call]) -> list[frozenset[Key]]:
        guarded = Guarded(filled.copy())
        await raised_by(guarded, calls, (), event)
        return [found for one, keys in hidden.items() if (found := await shown(guarded, one, keys))]

    @settings(max_examples=40)
    @given(st.lists(writes_for_others_of(caller), min_size=1, max_size=4))
    def holds(steps: list[list[Call]]) -> None:
        assert asyncio.run(shown_by([call for step in steps for call in step])) == []

    holds()


_AT_HOME: Final[Any] = {"class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "HH"}}


class Careless(Authority):
    """Everybody may make links."""

    def require_tying(self, *arguments: Any, **options: Any) -> None:
        pass


def test_the_property_notices_where_the_table_of_links_is_not_asked(filled: MemoryStore) -> None:
    guarded = Guarded(filled.copy())
    assert guarded.server.access is not None
    guarded.server = replace(guarded.server, access=Careless(guarded.server.access.policy))
    guarded.engine = Engine(guarded.server)
    stay = circles.stay("practice", start=SINCE, **_AT_HOME)
    tree = {name: value for name, value in stay.items() if name != "id"}
    call = Call(Action.CREATE, "Encounter", body=encode(tree), caller=ADMITTED)

    assert asyncio.run(raised_by(guarded, [call], hidden_from(filled, ADMITTED)))
