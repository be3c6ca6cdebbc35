"""Non-interference: nobody can tell, by anything they ask or write, what is there that they do not see.

A database, and the same with more in it that a caller does not see, their own rights being the same: whatever they ask,
in whatever order, the two give the same answers and come to look the same. `flows/interference/` has the worlds, the
mutators that make what is hidden, and the kinds of requests. `CORDEE_INTERFERENCE_PAIRS=100000` runs it by hand.
"""

from __future__ import annotations

import os
import random
import re
from collections import Counter
from collections.abc import Sequence
from inspect import getsource
from typing import Any, Final

import pytest

from fhir_server.access.authority import Authority
from fhir_server.access.caller import Caller
from fhir_server.access.linking import receives
from fhir_server.access.marks import VISIBILITY_SYSTEM
from fhir_server.access.matrix import shipped_matrix
from fhir_server.access.policy import Policy
from fhir_server.access.tables import shipped_tables
from fhir_server.kernel.errors import Throttled
from fhir_server.kernel.keys import Key
from fhir_server.kernel.wire import Tree
from fhir_server.operations.registry import offered
from fhir_server.search.view import View
from fhir_server.settings import Settings
from fhir_server.web.throttling import throttling_of
from tests.circles import HELPER, NURSE, circle, dossier, member, to
from tests.flows.interference import reading, writing
from tests.flows.interference.asking import KINDS, REFUSED, get, parameters, post
from tests.flows.interference.databases import PostgresCopies
from tests.flows.interference.hiding import MUTATORS, OUT_OF_SCOPE
from tests.flows.interference.memory import MemoryCopies
from tests.flows.interference.pairs import DAY, Clock, Copies, Difference, Seat, Trial, keep
from tests.flows.interference.speaking import Answer, Request
from tests.flows.interference.world import CALLERS, INS, SCOPED, person

PAIRS: Final = int(os.environ.get("CORDEE_INTERFERENCE_PAIRS", "2000"))
ON_POSTGRES: Final = max(24, PAIRS // 80)
PARTS: Final = 4  # which test processes share
WORLDS: Final = 3
TRIES: Final = 60  # pairs in which a leak of everything is noticed, and in which a request is answered well
# What looks at no resources, or at ties alone: of these no view of any kind is asked.
BY_TIES: Final = frozenset(
    {
        "$access-decision",
        "$emergency-access",
        "$expand",
        "addresses that are none",
        "create",
        "create a Binary",
    }
    | {
        "create a link",
        "create about somebody",
        "create an actor",
        "metadata",
        "transaction of a file",
        "update",
    }
    | {"transaction of a new person"}
)
ANSWERED: Final = (
    "gp",
    "coordinator",
    "system",
    "nurse",
    "operator",
    "person",
    "identity",
)  # who may do a lot
SHOWN: Final = 5  # differences that a failure tells
# Mutators and kinds of requests in a pair; a database in PostgreSQL costs as much as many requests.
IN_MEMORY: Final = (2, 4)
IN_POSTGRES: Final = (3, 16)
LONG: Final = pytest.mark.timeout(0 if PAIRS > 2000 else 300)
TABLES: Final = shipped_tables()
# Operations that look at definitions, which everybody sees; $reindex is the server's own.
OF_DEFINITIONS: Final = {"$lookup", "$reindex", "$subsumes", "$translate", "$validate-code"}
AUTHORITY: Final = Authority(Policy(shipped_matrix(), TABLES.cells(), TABLES))


class Leaky(Authority):
    """Lets everybody see everything."""

    def view_of(self, *given: Any) -> View | None:
        return None


def parts_of(names: Sequence[str], number: int) -> list[Sequence[str]]:
    return [names[start::number] for start in range(number)]


async def differences(
    trial: Trial,
    worlds: Sequence[Copies],
    mutators: Sequence[str],
    pairs: int,
    seed: int,
    size: tuple[int, int] = IN_MEMORY,
) -> list[Difference]:
    found = []
    for number in range(seed, seed + pairs):
        rng = random.Random(number)
        chosen, kinds = trial.chosen(rng, mutators, *size)
        name = rng.choice(sorted(SCOPED if OUT_OF_SCOPE in chosen else CALLERS))
        difference = await trial.pair(rng.choice(worlds), name, CALLERS[name], chosen, kinds, number)
        if difference is not None:
            found.append(difference)
    return found


def told(found: Sequence[Difference]) -> str:
    """One of each sort, and how many there are."""
    sorts = Counter((one.kind, one.plain.status, one.fuller.status) for one in found)
    first = {(one.kind, one.plain.status, one.fuller.status): one for one in reversed(found)}
    shown = [f"{number} times: {first[sort]}" for sort, number in sorts.most_common(SHOWN)]
    return "\n\n".join([f"{len(found)} differences", *shown])


@LONG
@pytest.mark.parametrize("part", range(PARTS))
async def test_nobody_can_tell_what_they_do_not_see(part: int) -> None:
    mutators = parts_of(list(MUTATORS), PARTS)[part]
    clock = Clock()
    with clock.running():
        worlds = [await MemoryCopies.write(AUTHORITY, seed, clock) for seed in range(WORLDS)]
        trial = Trial(AUTHORITY, clock)
        found = await differences(trial, worlds, mutators, PAIRS // PARTS, part * PAIRS)

    assert not found, told(found)
    empty = [cell for cell in trial.cells(mutators) if not trial.covered[cell]]
    assert not empty, f"Never tried together: {empty[:20]}"


@LONG
async def test_nobody_can_tell_what_they_do_not_see_in_postgresql(databases: Any, migrated: str) -> None:
    clock = Clock()
    with clock.running():
        copies = await PostgresCopies.write(databases, migrated, AUTHORITY, 0, clock)
        trial = Trial(AUTHORITY, clock)
        found = []
        for number in range(ON_POSTGRES):
            found += await differences(trial, [copies], list(MUTATORS), 1, number, IN_POSTGRES)
            copies.drop()
        copies.drop(template=True)

    assert not found, told(found)


async def test_every_kind_of_request_gets_a_good_answer() -> None:
    """Of requests that are always refused nothing would be told whatever a server hides."""
    clock, dull = Clock(), []
    with clock.running():
        worlds = [await MemoryCopies.write(AUTHORITY, seed, clock) for seed in range(WORLDS)]
        trial = Trial(AUTHORITY, clock)
        for kind in sorted(KINDS.keys() - REFUSED):
            for number in range(TRIES):
                name = ANSWERED[number % len(ANSWERED)]
                world = worlds[number % WORLDS]
                assert await trial.pair(world, name, CALLERS[name], [], [kind], number) is None
                if any(status < 400 for status in trial.statuses.get(kind, ())):
                    break
            else:
                dull.append(kind)

    assert dull == []


async def test_a_server_that_hides_nothing_is_found_out_by_every_kind_of_request() -> None:
    clock, unnoticed = Clock(), []
    with clock.running():
        worlds = [await MemoryCopies.write(AUTHORITY, seed, clock) for seed in range(WORLDS)]
        trial = Trial(AUTHORITY, clock, serving=Leaky(AUTHORITY.policy))
        for kind in sorted(KINDS.keys() - BY_TIES):
            for number in range(TRIES):
                name, world = ANSWERED[number % len(ANSWERED)], worlds[number % WORLDS]
                mutators = random.Random(number).sample(list(MUTATORS), 4)
                found = await trial.pair(world, name, CALLERS[name], mutators, [kind], number)
                if found is not None and found.kind == kind:
                    break
            else:
                unnoticed.append(kind)

    assert unnoticed == []


def test_every_operation_is_asked() -> None:
    asked = set(re.findall(r"\$[a-z-]+", f"{getsource(reading)}{getsource(writing)}"))

    assert {f"${one.name}" for one in offered()} - OF_DEFINITIONS <= asked


# What is told of what is hidden, and nothing else is: 18.10 --------------------------------------------------------


async def answers(
    caller: Caller, request: Request, *hidden: Tree, copies: MemoryCopies | None = None
) -> tuple[Answer, Answer]:
    """Without what is hidden, and with it."""
    clock = Clock()
    with clock.running():
        copies = copies or await MemoryCopies.write(AUTHORITY, 0, clock)
        clock.at += DAY
        plain, fuller = await copies.copy(), await copies.copy()
        seats = [Seat.at(store, AUTHORITY, caller, clock) for store in (plain, fuller)]
        for tree in hidden:
            await keep(seats[1].engine, tree)
        at, found = clock.at + DAY, []
        for seat in seats:
            clock.at = at
            found.append(await seat.ask(request))
    return found[0], found[1]


UNSEEN: Final = person(Key("Patient", "unseen"), "Grondin", "239027618812399")
PRESENTED: Final = {name: value for name, value in UNSEEN.items() if name != "id"}


def presenting(shown: Tree) -> Request:
    return post("CareTeam/$join", parameters({"name": "patient", "resource": shown}))


async def test_who_presents_the_ins_and_the_five_traits_learns_that_somebody_is_known() -> None:
    first, second = await answers(NURSE, presenting(PRESENTED), UNSEEN)

    assert (first.status, second.status) == (404, 200)


@pytest.mark.parametrize(
    "wrong",
    [
        {"gender": "male"},
        {"birthDate": "1939-02-18"},
        {"name": [{"use": "official", "family": "Grondin", "given": ["Marie"]}]},
        {"name": [{"use": "official", "family": "Hoareau", "given": ["Madeleine"]}]},
        {"extension": []},
        {"identifier": [{"system": INS, "value": "239027618812398"}]},
    ],
    ids=["gender", "date", "given", "family", "place", "INS"],
)
async def test_who_does_not_know_all_the_traits_learns_nothing(wrong: Tree) -> None:
    shown = {name: value for name, value in {**PRESENTED, **wrong}.items() if value}
    first, second = await answers(NURSE, presenting(shown), UNSEEN)

    assert first == second
    assert first.status in {404, 422}


@pytest.mark.parametrize("name", [name for name, caller in CALLERS.items() if not receives(caller)])
async def test_who_may_not_take_in_anybody_learns_nothing_by_an_ins(name: str) -> None:
    first, second = await answers(CALLERS[name], presenting(PRESENTED), UNSEEN)

    assert first == second


async def test_who_breaks_the_glass_learns_whether_there_is_somebody_of_this_id_or_ins() -> None:
    reason: Tree = {"name": "reason", "valueString": "Trouvé inconscient à son domicile"}
    by_id = post("Patient/unseen/$emergency-access", parameters(reason))
    by_ins = post("Patient/$emergency-access", parameters(reason, {"name": "patient", "resource": PRESENTED}))
    for request in (by_id, by_ins):
        first, second = await answers(NURSE, request, UNSEEN)
        assert (first.status, second.status) == (404, 200)
        first, second = await answers(HELPER, request, UNSEEN)
        assert first == second


async def test_who_may_make_a_circle_learns_that_there_is_one_and_nothing_else() -> None:
    """One person has one circle: one bit, told to who may make one."""
    known = person(Key("Patient", "newcomer"), "Grondin", "239027618812399")
    about = to(Key("Patient", "newcomer"))
    made = circle(member("PractitionerRole/other", "2020-01-01"), id="unseen", subject=about)
    masked = {**made, "meta": {"security": [{"system": VISIBILITY_SYSTEM, "code": "MASQUE_PS"}]}}
    asked = {name: value for name, value in made.items() if name != "id"}
    clock = Clock()
    with clock.running():
        copies = await MemoryCopies.write(AUTHORITY, 0, clock)
        store = await copies.copy()
        for tree in (known, dossier("ssiad", id="newcomer", patient=about)):
            await keep(Seat.at(store, AUTHORITY, NURSE, clock).engine, tree)
        copies = MemoryCopies(store, copies.world)
    told = set()
    for name, caller in CALLERS.items():
        assert (await answers(caller, get("CareTeam/unseen"), masked, copies=copies))[1].status in {403, 404}
        first, second = await answers(caller, post("CareTeam", asked), masked, copies=copies)
        if first.status == 201:
            assert second.status == 409
            assert "unseen" not in second.body
            told.add(name)
        else:
            assert first == second
    assert "nurse" in told
    assert told.isdisjoint({"pharmacist", "helper", "carer", "dpo", "identity"})


async def test_who_asks_too_much_is_told_so_whatever_there_is() -> None:
    """429 tells of what one asked oneself, and of others at the same address; 503 of the load. None tells of data."""
    limits = Settings().limits
    for others in (0, 5):
        throttling = throttling_of(limits, 1)
        for number in range(others):
            throttling.failed(f"198.51.100.{number}", 0.0)
        refused = 0
        for _ in range(100_000):
            try:
                throttling.admit("192.0.2.1", 0.0)
            except Throttled as error:
                refused, text = refused + 1, str(error)
                break
        assert refused
        assert not re.search(r"[A-Z][A-Za-z]+/[A-Za-z0-9]", text)
