"""The contract of a store: searches that look at other resources, and searches of several types."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fhir_server.kernel.keys import Key
from fhir_server.search.query import (
    AllOf,
    AnyOf,
    Chain,
    Has,
    Ids,
    Listed,
    Missing,
    Name,
    Not,
    OfTypes,
    Predicate,
    Query,
    References,
    Sort,
    Strings,
    StringValue,
    Tokens,
    TokenValue,
)
from fhir_server.store.contract import ResourceStore
from tests.contracts.writing import Writer, all_pages, entries

PATIENT, OBSERVATION, ORGANIZATION = "Patient", "Observation", "Organization"
ANNE, BOB, CARL = (Key(PATIENT, name) for name in ("anne", "bob", "carl"))
FIRST, SECOND, THIRD, LOOSE = (Key(OBSERVATION, name) for name in ("first", "second", "third", "loose"))
NORTH, SOUTH = Key(ORGANIZATION, "north"), Key(ORGANIZATION, "south")
CHOSEN = Key("List", "chosen")

SUBJECT = Name(OBSERVATION, "subject")
MEMBER = Name(OBSERVATION, "has-member")
MANAGER = Name(PATIENT, "organization")
PART = Name(ORGANIZATION, "partof")


def named(type: str, text: str) -> Strings:
    return Strings(Name(type, "name"), (StringValue(text),))


def coded(code: str) -> Tokens:
    return Tokens(Name(OBSERVATION, "code"), (TokenValue("c", code),))


@pytest.fixture
async def record(store: ResourceStore, writer: Writer) -> ResourceStore:
    """Two hospitals, one part of the other; three patients; observations of two of them; a list."""
    hasher = store.hasher
    await writer.put(NORTH, entries(hasher, ORGANIZATION, strings=[("name", "Nord")]))
    south = entries(hasher, ORGANIZATION, strings=[("name", "Sud")], references=[("partof", NORTH)])
    await writer.put(SOUTH, south)
    for key, name, at in ((ANNE, "Anne", NORTH), (BOB, "Bob", SOUTH), (CARL, "Carl", None)):
        links = [("organization", at)] if at else []
        await writer.put(key, entries(hasher, PATIENT, strings=[("name", name)], references=links))
    said = {
        FIRST: ("x", ANNE, []),
        SECOND: ("y", ANNE, [FIRST]),
        THIRD: ("x", BOB, [FIRST, SECOND]),
        LOOSE: ("x", Key(PATIENT, "nobody"), []),
    }
    for key, (code, subject, members) in said.items():
        links = [("subject", subject), *(("has-member", member) for member in members)]
        rows = entries(hasher, OBSERVATION, tokens=[("code", "c", code)], references=links)
        await writer.put(key, rows)
    gone = entries(
        hasher,
        OBSERVATION,
        tokens=[("code", "c", "z")],
        references=[("subject", CARL), ("has-member", FIRST)],
    )
    await writer.put(Key(OBSERVATION, "gone"), gone)
    await writer.put(Key(OBSERVATION, "gone"), deleted=True)
    listed = entries(hasher, "List", references=[("item", ANNE), ("item", BOB), ("item", FIRST)])
    body = (
        b'{"resourceType":"List","entry":[{"item":{"reference":"Patient/anne"}},'
        b'{"deleted":true,"item":{"reference":"Patient/bob"}},'
        b'{"deleted":false,"item":{"reference":"Observation/first/_history/1"}}]}'
    )
    await writer.put(CHOSEN, listed, body=body)
    return store


FOUND: list[tuple[str, Predicate, set[Key]]] = [
    (OBSERVATION, Chain(SUBJECT, PATIENT, named(PATIENT, "anne")), {FIRST, SECOND}),
    (OBSERVATION, Chain(SUBJECT, PATIENT, named(PATIENT, "carl")), set()),
    (OBSERVATION, Chain(SUBJECT, PATIENT, Not(named(PATIENT, "anne"))), {THIRD}),
    (OBSERVATION, Not(Chain(SUBJECT, PATIENT, named(PATIENT, "anne"))), {THIRD, LOOSE}),
    (OBSERVATION, Chain(SUBJECT, "Group", Not(Missing(Name("Group", "code"), False))), set()),
    (OBSERVATION, Chain(SUBJECT, PATIENT, Ids(("anne", "bob"))), {FIRST, SECOND, THIRD}),
    (OBSERVATION, Chain(SUBJECT, PATIENT, Missing(MANAGER, True)), set()),
    (OBSERVATION, Chain(SUBJECT, PATIENT, Chain(MANAGER, ORGANIZATION, named(ORGANIZATION, "sud"))), {THIRD}),
    (
        OBSERVATION,
        Chain(
            SUBJECT,
            PATIENT,
            Chain(MANAGER, ORGANIZATION, Chain(PART, ORGANIZATION, named(ORGANIZATION, "nord"))),
        ),
        {THIRD},
    ),
    (OBSERVATION, Chain(MEMBER, OBSERVATION, coded("y")), {THIRD}),
    (
        OBSERVATION,
        Chain(MEMBER, OBSERVATION, AllOf((coded("x"), References(SUBJECT, (ANNE,))))),
        {SECOND, THIRD},
    ),
    (
        OBSERVATION,
        AnyOf((Chain(SUBJECT, PATIENT, named(PATIENT, "bob")), coded("y"))),
        {SECOND, THIRD},
    ),
    (PATIENT, Has(SUBJECT, coded("x")), {ANNE, BOB}),
    (PATIENT, Has(SUBJECT, coded("y")), {ANNE}),
    (PATIENT, Has(SUBJECT, coded("z")), set()),
    (PATIENT, Has(SUBJECT, AllOf((coded("x"), Missing(MEMBER, False)))), {BOB}),
    (PATIENT, Not(Has(SUBJECT, coded("x"))), {CARL}),
    (PATIENT, Has(SUBJECT, Has(MEMBER, coded("x"))), {ANNE}),
    (PATIENT, Has(SUBJECT, Chain(MEMBER, OBSERVATION, coded("x"))), {ANNE, BOB}),
    (ORGANIZATION, Has(MANAGER, Has(SUBJECT, coded("y"))), {NORTH}),
    (ORGANIZATION, Has(PART, Has(MANAGER, named(PATIENT, "b"))), {NORTH}),
    (OBSERVATION, Has(MEMBER, Chain(SUBJECT, PATIENT, named(PATIENT, "bob"))), {FIRST, SECOND}),
    (PATIENT, Listed(CHOSEN), {ANNE}),
    (OBSERVATION, Listed(CHOSEN), {FIRST}),
    (ORGANIZATION, Listed(CHOSEN), set()),
    (PATIENT, Listed(Key("List", "none")), set()),
    (PATIENT, Not(Listed(CHOSEN)), {BOB, CARL}),
]


async def test_a_predicate_may_be_about_other_resources(record: ResourceStore) -> None:
    for asked, predicate, expected in FOUND:
        page = await record.search(Query((asked,), (predicate,)))
        assert {stored.key for stored in page.items} == expected, predicate
        assert page.total == len(expected), predicate


async def test_what_is_said_of_others_narrows_what_is_said_of_oneself(record: ResourceStore) -> None:
    for asked, one, these in FOUND:
        for asked_too, other, those in FOUND:
            if asked == asked_too:
                page = await record.search(Query((asked,), (one, other)))
                assert {stored.key for stored in page.items} == these & those, (one, other)


async def test_what_was_deleted_leads_nowhere(record: ResourceStore, writer: Writer) -> None:
    await writer.put(ANNE, deleted=True)
    await writer.put(SECOND, deleted=True)

    async def found(type: str, predicate: Predicate) -> set[str]:
        return {stored.key.id for stored in (await record.search(Query((type,), (predicate,)))).items}

    assert await found(OBSERVATION, Chain(SUBJECT, PATIENT, named(PATIENT, "anne"))) == set()
    assert await found(OBSERVATION, Has(MEMBER, coded("y"))) == set()
    assert await found(OBSERVATION, Chain(MEMBER, OBSERVATION, coded("y"))) == set()
    assert await found(PATIENT, Listed(CHOSEN)) == set()


SEVERAL: list[tuple[tuple[str, ...], Predicate, set[Key]]] = [
    ((PATIENT, ORGANIZATION), Not(Ids(("bob", "north"))), {ANNE, CARL, SOUTH}),
    ((PATIENT, OBSERVATION), Listed(CHOSEN), {ANNE, FIRST}),
    ((), Listed(CHOSEN), {ANNE, FIRST}),
    ((), AnyOf((named(PATIENT, "b"), named(ORGANIZATION, "n"))), {BOB, NORTH}),
    ((PATIENT,), AnyOf((named(PATIENT, "b"), named(ORGANIZATION, "n"))), {BOB}),
    ((), AllOf((OfTypes((ORGANIZATION,)), Not(named(ORGANIZATION, "n")))), {SOUTH}),
    ((), Ids(("anne", "first", "gone")), {ANNE, FIRST}),
    (
        (PATIENT, OBSERVATION),
        AnyOf((coded("y"), AllOf((OfTypes((PATIENT,)), Missing(MANAGER, True))))),
        {SECOND, CARL},
    ),
    ((PATIENT, ORGANIZATION), Has(PART, named(ORGANIZATION, "s")), {NORTH}),
    (("Basic", PATIENT), named(PATIENT, "a"), {ANNE}),
    (("Basic",), named(PATIENT, "a"), set()),
]


async def test_several_types_are_searched_at_once(record: ResourceStore) -> None:
    for types, predicate, expected in SEVERAL:
        for sort in ((), (Sort("id", None),), (Sort("updated", None, True),)):
            for count in (1, 2, 10):
                query = Query(types, (predicate,), sort, count)
                keys = await all_pages(record, query)
                assert set(keys) == expected, query
                assert len(keys) == len(expected), query
                assert (await record.search(replace(query, count=0))).total == len(expected), query


async def test_a_search_of_everything_finds_what_is_alive(record: ResourceStore) -> None:
    for sort in ((), (Sort("updated", None),)):
        keys = await all_pages(record, Query((), sort=sort, count=4))
        alive = {ANNE, BOB, CARL, FIRST, SECOND, THIRD, LOOSE, NORTH, SOUTH, CHOSEN}
        assert set(keys) == alive
        assert len(keys) == len(alive)
    by_id = await all_pages(record, Query((PATIENT, ORGANIZATION), sort=(Sort("id", None),), count=2))
    assert by_id == [ANNE, BOB, CARL, NORTH, SOUTH]
