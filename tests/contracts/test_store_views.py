"""The contract of a store: whatever way one reads, one meets what the view shows, and nothing else."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from itertools import count
from typing import Final

import pytest

from fhir_server.kernel.errors import Malformed
from fhir_server.kernel.keys import Key
from fhir_server.search.query import (
    AllOf,
    AnyOf,
    Chain,
    Has,
    Ids,
    Include,
    Not,
    Nothing,
    OfTypes,
    Predicate,
    Query,
    References,
    Sort,
    Tokens,
    TokenValue,
)
from fhir_server.search.sight import Label, Link, Sight, Tie
from fhir_server.search.spans import END
from fhir_server.search.view import View
from fhir_server.store.contract import NeedsLocks, ResourceStore, Span
from tests.contracts.hidden_worlds import (
    ACTORS,
    CELLS,
    CODE,
    MEMBER,
    NOW,
    PERSONS,
    SUBJECT,
    World,
    filled,
)
from tests.contracts.writing import all_pages, keys_of

SIGHTS = 60


@pytest.fixture
async def world(store: ResourceStore) -> World:
    return await filled(store)


def expected(world: World, sight: Sight, query: Query) -> set[Key]:
    """By the plainest means."""

    def holds(predicate: Predicate, key: Key) -> bool:
        match predicate:
            case AllOf(of):
                return all(holds(one, key) for one in of)
            case AnyOf(of):
                return any(holds(one, key) for one in of)
            case Not(inner):
                return not holds(inner, key)
            case Ids(ids):
                return key.id in ids
            case OfTypes(types):
                return key.type in types
            case Tokens(_, values):
                return world.codes.get(key) in {value.code for value in values}
            case References(name, keys):
                reached = world.about.get(key, ()) if name == SUBJECT else (world.members.get(key),)
                return not set(keys).isdisjoint(reached)
            case Chain(link, target, inner):
                reached = world.about.get(key, ()) if link == SUBJECT else (world.members.get(key),)
                return any(
                    one is not None and one.type == target and world.sees(sight, one) and holds(inner, one)
                    for one in reached
                )
            case Has(link, inner):
                pointing = (
                    [one for one, keys in world.about.items() if key in keys]
                    if link == SUBJECT
                    else [one for one, other in world.members.items() if other == key]
                )
                return any(world.sees(sight, one) and holds(inner, one) for one in pointing)
            case Nothing():
                return False
        raise AssertionError(predicate)

    return {
        key
        for key in world.stamps
        if (not query.types or key.type in query.types)
        and world.sees(sight, key)
        and all(holds(one, key) for one in query.where)
    }


X = Tokens(CODE, (TokenValue(None, "x"),))
OBSERVATION, PATIENT = ("Observation",), ("Patient",)
QUERIES = {
    "all of a type": Query(OBSERVATION),
    "all of all types": Query(()),
    "of several types": Query((*PATIENT, *OBSERVATION)),
    "a token": Query(OBSERVATION, (X,)),
    "no token": Query(OBSERVATION, (Not(X),)),
    "two tokens": Query(OBSERVATION, (X, Not(Ids(("o1", "o2"))))),
    "all of a type, sorted": Query(OBSERVATION, sort=(Sort("id", None, descending=False),)),
    "sorted": Query(OBSERVATION, (X,), sort=(Sort("updated", None, descending=True),)),
    "a reference": Query(OBSERVATION, (References(SUBJECT, (PERSONS[0],)),)),
    "a chain": Query(OBSERVATION, (Chain(SUBJECT, "Patient", Ids(("p0", "p1"))),)),
    "a chain to many": Query(OBSERVATION, (Chain(MEMBER, "Observation", X),)),
    "a chain of two": Query(
        OBSERVATION, (Chain(MEMBER, "Observation", Chain(SUBJECT, "Patient", Ids(("p0", "p2")))),)
    ),
    "no chain": Query(OBSERVATION, (Not(Chain(MEMBER, "Observation", X)),)),
    "a chain or a token": Query(OBSERVATION, (AnyOf((X, Chain(SUBJECT, "Patient", Ids(("p3",))))),)),
    "has": Query(PATIENT, (Has(SUBJECT, X),)),
    "has not": Query(OBSERVATION, (Not(Has(MEMBER, X)),)),
    "has of has": Query(PATIENT, (Has(SUBJECT, Has(MEMBER, X)),)),
    "has all": Query(OBSERVATION, (Has(MEMBER, AllOf((X, Not(Chain(SUBJECT, "Patient", Ids(("p1",))))))),)),
}


# From how many candidates on a search goes another way: of these few, all ways are gone.
WAYS: Final = {
    "as in a large database": {},
    "many are tied": {"plans.FEW": 2, "plans.WIDE": 4, "tied.PERSONS": 1},
    "few are tied": {"plans.FEW": 2, "plans.WIDE": 20},
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", QUERIES)
async def test_a_search_finds_and_counts_what_is_seen_at_every_step(
    store: ResourceStore, world: World, name: str, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for limit, number in WAYS[way].items():
        monkeypatch.setattr(f"fhir_server.store.{limit}", number)
    query, found, hidden = QUERIES[name], 0, 0
    for _ in range(SIGHTS // 3 if WAYS[way] else SIGHTS):
        sight = world.sight()
        reader = store.within(View(sight))
        wanted = expected(world, sight, query)
        assert sorted(await all_pages(reader, replace(query, count=7))) == sorted(wanted)
        for total in ("accurate", "estimate"):
            page = await reader.search(replace(query, count=3, total=total))
            assert page.total == len(wanted)
        assert (await reader.search(replace(query, count=0))).total == len(wanted)
        found += len(wanted)
        hidden += len(expected(world, sight, query)) < len(world.stamps)
    assert found
    assert hidden


async def test_reading_a_resource_or_a_version_answers_as_if_the_hidden_were_not_there(
    store: ResourceStore, world: World
) -> None:
    seen = count()
    for _ in range(SIGHTS):
        sight = world.sight()
        reader = store.within(View(sight))
        for key, stamps in world.stamps.items():
            assert (await reader.read(key) is not None) == world.sees(sight, key)
            async with store.begin(interactive=True, view=View(sight)) as tx:
                assert (await tx.lock(key) is not None) == world.sees(sight, key)
            for version in range(1, len(stamps) + 1):
                found = await reader.read(key, version)
                assert (found is not None) == world.sees(sight, key, version)
                next(seen) if found else None
        hidden = [key for key in world.stamps if not world.sees(sight, key)]
        assert sorted(await reader.unseen(tuple(world.stamps))) == sorted(hidden)
    assert next(seen) > SIGHTS


async def test_those_who_read_at_once_each_see_what_they_would_alone(
    store: ResourceStore, world: World
) -> None:
    keys = (*world.stamps, Key("Observation", "unknown"))
    seen = 0
    for _ in range(SIGHTS):
        asked = [
            (world.random.choice(keys), world.sight() if world.random.random() < 0.9 else None)
            for _ in range(world.random.randint(2, 40))
        ]
        found = await asyncio.gather(
            *[store.within(None if sight is None else View(sight)).read(key) for key, sight in asked]
        )
        wanted = [key in world.stamps and (sight is None or world.sees(sight, key)) for key, sight in asked]
        assert [one is not None for one in found] == wanted
        assert all(one is None or one.key == key for one, (key, _) in zip(found, asked, strict=True))
        seen += sum(wanted)
    assert seen > SIGHTS


async def test_a_history_has_the_versions_that_are_seen(store: ResourceStore, world: World) -> None:
    versions = {key: range(1, len(stamps) + 1) for key, stamps in world.stamps.items()}
    for _ in range(SIGHTS // 3):
        sight = world.sight()
        reader = store.within(View(sight))
        wanted = {
            (key, number)
            for key, numbers in versions.items()
            for number in numbers
            if world.sees(sight, key, number)
        }
        for span in (Span(None, count=9), Span("Observation", count=9), Span("Observation", "o5", count=9)):
            found, cursor = [], ""
            while True:
                page = await reader.history(replace(span, cursor=cursor))
                found += [(one.key, one.version) for one in page.items]
                cursor = page.next
                if not cursor:
                    break
            asked = {
                (key, number)
                for key, number in wanted
                if span.type in {None, key.type} and span.id in {None, key.id}
            }
            assert sorted(found) == sorted(asked)
            assert (await reader.history(replace(span, count=0))).total == len(asked)


async def test_what_is_included_is_seen(store: ResourceStore, world: World) -> None:
    includes = (
        Include(SUBJECT),
        Include(MEMBER, iterate=True),
        Include(MEMBER, reverse=True),
    )
    for _ in range(SIGHTS):
        sight = world.sight()
        query = Query(OBSERVATION, (X,), includes=includes, count=50)
        page = await store.within(View(sight)).search(query)
        matches = {stored.key for stored in page.items}
        reached = {one for key in matches for one in (*world.about[key], world.members.get(key))}
        reached |= {key for key, other in world.members.items() if other in matches}
        included = {stored.key for stored in page.included}
        assert included <= {key for key in world.stamps if world.sees(sight, key)}
        direct = {key for key in reached if key is not None and world.sees(sight, key)} - matches
        assert direct <= included


async def test_a_client_reads_the_types_and_the_part_of_a_type_that_it_was_granted(
    store: ResourceStore, world: World
) -> None:
    nothing = (0,) * len(Tie)
    everything = Sight(
        (), nothing, nothing, nothing, nothing, nothing, nothing, 4, unlinked=(1 << CELLS) - 1, now=NOW
    )
    only = View(everything, frozenset(OBSERVATION), {"Observation": X})
    reader = store.within(only)
    with_x = sorted(key for key, code in world.codes.items() if code == "x")
    assert sorted(await all_pages(reader, Query((), count=50))) == with_x
    assert await keys_of(reader, Query(PATIENT)) == []
    assert await reader.read(PERSONS[0]) is None
    assert (await reader.history(Span("Patient"))).items == ()
    for key, code in world.codes.items():
        assert (await reader.read(key) is not None) == (code == "x")
        assert await reader.read(key, 1) is None
    for interactive in (False, True):
        async with store.begin(interactive=interactive, view=only) as tx:
            assert await tx.lock(PERSONS[0]) is None
            for key, code in world.codes.items():
                assert (await tx.lock(key) is not None) == (code == "x")
    chained = Query(OBSERVATION, (Chain(SUBJECT, "Patient", Ids(("p0",))),))
    assert await keys_of(reader, chained) == []
    page = await reader.search(Query(OBSERVATION, includes=(Include(SUBJECT), Include(MEMBER)), count=50))
    assert page.included == ()


async def test_a_cursor_is_good_for_its_caller_alone(store: ResourceStore, world: World) -> None:
    sights = [world.sight() for _ in range(200)]
    one = next(s for s in sights if len(expected(world, s, Query(OBSERVATION))) > 4 and len(s.actors) == 1)
    page = await store.within(View(one)).search(Query(OBSERVATION, count=2))
    other = replace(one, actors=tuple(actor for actor in ACTORS if actor not in one.actors))
    with pytest.raises(Malformed, match="not made by this server for this query"):
        await store.within(View(other)).search(Query(OBSERVATION, count=2, cursor=page.next))


async def test_ties_are_those_written_last_and_need_locks(store: ResourceStore, world: World) -> None:
    person, actor = PERSONS[0], ACTORS[0]
    link = Link(person, actor, Tie.PCP, 3, 5, 7, 9, 11, 13, (15, END))
    async with store.begin(interactive=True) as tx:
        await tx.tie(person, [link])
        assert await tx.links([person], ACTORS) == [link]
    assert set(await store.links([person, PERSONS[1]], [actor])) == {
        link,
        *[one for one in world.links[PERSONS[1]] if one.actor == actor],
    }
    with pytest.raises(NeedsLocks):
        async with store.begin() as tx:
            await tx.tie(person, [])


async def test_stamps_are_told_of_what_exists(store: ResourceStore, world: World) -> None:
    found = await store.stamps([*world.stamps, Key("Patient", "nobody")])
    assert {
        key: replace(stamp, labels=int(stamp.labels & ~Label.SEVERAL)) for key, stamp in found.items()
    } == {key: stamps[-1] for key, stamps in world.stamps.items()}
