"""The SQL of a search says what `search/match.py` says, under every plan; and no plan is left to chance."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Iterator
from dataclasses import replace
from math import inf
from typing import Any

import orjson
import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fhir_server.kernel.errors import Malformed
from fhir_server.kernel.keys import Key
from fhir_server.search.entries import Entries, Hasher
from fhir_server.search.order import sort_key
from fhir_server.search.query import (
    AllOf,
    AnyOf,
    Chain,
    Dates,
    DateValue,
    Has,
    Ids,
    Listed,
    Missing,
    Name,
    Near,
    Not,
    Nothing,
    OfTypes,
    Predicate,
    Quantities,
    QuantityValue,
    Query,
    References,
    Sort,
    Strings,
    StringValue,
    Terms,
    Tokens,
    TokenValue,
    Updated,
)
from fhir_server.search.spans import BEGINNING, END
from fhir_server.store.binary import unpack_int
from fhir_server.store.compile import Compiled, Compiler, Search
from fhir_server.store.connections import ADAPTERS, PLANNER, Session, session_conninfo
from fhir_server.store.contract import Draft, Stored
from fhir_server.store.cursors import Value
from fhir_server.store.leading import can_lead
from fhir_server.store.listed import members
from fhir_server.store.memory_search import Live, Row
from fhir_server.store.migrations.migrate import migrate
from fhir_server.store.pages import keys_of
from fhir_server.store.pipeline import Row as Cells
from fhir_server.store.plans import ALL, BY_SORT_KEY, WIDE, Plan, plan_numbered, sources_in
from fhir_server.store.postgres import PostgresStore
from fhir_server.store.rows import stored_in

HASHER = Hasher(b"a secret of sixteen")
PATIENT, OBSERVATION, LIST = "Patient", "Observation", "List"
GENDER, LANGUAGE, FAMILY, BIRTH, LINK, PLACE = (
    Name(PATIENT, code) for code in ("gender", "language", "family", "birthdate", "link", "near")
)
CODE, STATUS, VALUE, DATE, SUBJECT, MEMBER = (
    Name(OBSERVATION, code) for code in ("code", "status", "value-quantity", "date", "subject", "has-member")
)
WORDS = Name(OBSERVATION, "code:text")
INSIDE = Name("Observation.subject#Patient", "gender")
SYSTEMS, CODES = ("", "s", "t"), ("a", "b", "c")
TEXTS = ("ada", "adam", "a b", "b", "zoe", "éa", "ab")
UNITS = ("", "mg", "mm[Hg]")
DAY = 86_400_000_000
SPANS = [
    *((0, 10), (0, 1), (5, 6), (5, 10), (10, 20), (BEGINNING, 5), (15, END), (0, 100)),
    *((0, DAY), (5, 3 * DAY), (DAY, 2 * DAY), (DAY, DAY + 1), (2 * DAY, 90 * DAY)),
]
NUMBERS = (-2.0, 0.0, 1.0, 1.5, 2.0, 10.0)
PLACES = ((48.85, 2.35), (48.86, 2.36), (-20.88, 55.45), (0.0, 179.9), (0.0, -179.9))
PATIENTS = [Key(PATIENT, f"p{number:02}") for number in range(25)]
OBSERVATIONS = [Key(OBSERVATION, f"o{number:02}") for number in range(45)]
LISTS = [Key(LIST, f"l{number}") for number in range(2)]


class World:
    """A database with resources, what was written into it, and a way to ask it in SQL."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.rows: dict[Key, Row] = {}
        self.hasher = HASHER
        self.runner = asyncio.Runner()
        self.session: Session

    async def open(self) -> None:
        await filled(self)
        self.compiler = Compiler(self.hasher)
        self.connection = await connected(self)
        self.session = Session(self.connection)

    def close(self) -> None:
        self.runner.run(self.connection.close())
        self.runner.close()

    async def run(self, compiled: Compiled) -> list[Cells]:
        return await self.session.run(compiled.statement, compiled.params)

    async def search(self, query: Query) -> Search:
        search = Search(query, self.compiler)
        for key in search.lists:
            search.listed[key] = await members(self.session.run, self.hasher, key)
        return search


class Making:
    """Random entries, and a body that says the same where a body is asked."""

    def __init__(self, hasher: Hasher, chance: random.Random, key: Key) -> None:
        self.hasher, self.chance = hasher, chance
        self.entries = Entries(moment=chance.choice((None, 1, 2)))
        self.tree: dict[str, Any] = {"resourceType": key.type, "id": key.id}

    def tokens(self, name: Name) -> None:
        hasher, seed = self.hasher, self.seed(name)
        for _ in range(self.chance.choice((0, 1, 1, 2))):
            system, code = self.chance.choice(SYSTEMS), self.chance.choice(CODES)
            key = hasher.folded(seed, code) if self.chance.random() < 0.3 else hasher.code(seed, code)
            self.entries.tokens.append((key, hasher.space(system)))
            if system:
                self.entries.present.append(hasher.system(seed, system))
            self.tree.setdefault(name.code, code)
            self.entries.present.append(seed)

    def links(self, name: Name, targets: list[Key], most: int = 2) -> list[Key]:
        hasher, seed = self.hasher, self.seed(name)
        found = self.chance.sample(targets, self.chance.randint(0, most))
        for target in found:
            self.entries.tokens.append((hasher.reference(seed, hasher.self_of(target)), 0))
            self.entries.references.append((seed, target))
            self.entries.present.append(seed)
        return found

    def texts(self, name: Name) -> None:
        found = self.chance.sample(TEXTS, self.chance.choice((0, 1, 2, 3)))
        self.entries.strings += [(self.seed(name), text) for text in found]
        self.entries.present += [self.seed(name)] * bool(found)
        self.tree["name"] = [{"family": self.chance.choice((text, text.upper()))} for text in found]

    def spans(self, name: Name) -> None:
        found = self.chance.sample(SPANS, self.chance.choice((0, 1, 1, 2)))
        self.entries.dates += [(self.seed(name), *span) for span in found]
        # A period without an end is present and has no row.
        self.entries.present += [self.seed(name)] * (bool(found) or self.chance.random() < 0.3)

    def numbers(self, name: Name) -> None:
        seed = self.seed(name)
        for _ in range(self.chance.choice((0, 1, 1, 2))):
            low = self.chance.choice(NUMBERS)
            wide = self.chance.choice(
                ((low, low), (low, low), (low, low), (-inf, low), (low, inf), (low, low + 2))
            )
            self.entries.quantities.append((seed, 0, *wide))
            if unit := self.chance.choice(UNITS):
                self.entries.quantities.append((seed, self.hasher.space(unit), 10 * wide[0], 10 * wide[1]))

    def terms(self, name: Name) -> None:
        seed = self.seed(name)
        for text in self.chance.sample(TEXTS, self.chance.choice((0, 1, 2))):
            key = self.hasher.code(seed, text)
            self.entries.tokens.append((key, 0))
            self.entries.terms.append((seed, text, key))

    def places(self, name: Name) -> None:
        for place in self.chance.sample(PLACES, self.chance.choice((0, 0, 1, 2))):
            self.entries.quantities.append((self.seed(name), 0, *place))

    def seed(self, name: Name) -> int:
        return self.hasher.seed(name.type, name.code)

    def made(self) -> tuple[Entries, bytes]:
        entries = self.entries
        entries.tokens = list(dict.fromkeys(entries.tokens))
        entries.quantities = list(dict.fromkeys(entries.quantities))
        entries.present = sorted(set(entries.present))
        return entries, orjson.dumps(self.tree)


def made(hasher: Hasher, chance: random.Random, key: Key) -> tuple[Entries, bytes]:
    making = Making(hasher, chance, key)
    match key.type:
        case "Patient":
            making.tokens(GENDER)
            making.tokens(LANGUAGE)
            making.links(LINK, PATIENTS)
            making.texts(FAMILY)
            making.spans(BIRTH)
            making.places(PLACE)
        case "Observation":
            making.tokens(CODE)
            making.tokens(STATUS)
            making.tokens(INSIDE)
            making.links(SUBJECT, PATIENTS[:12], most=1)
            making.links(MEMBER, OBSERVATIONS)
            making.spans(DATE)
            making.entries.moment = max([high for _, _, high in making.entries.dates], default=None)
            making.numbers(VALUE)
            making.terms(WORDS)
        case _:
            held = making.links(Name(LIST, "item"), [*PATIENTS[:6], *OBSERVATIONS[:6]], most=6)
            making.tree["entry"] = [
                {"item": {"reference": str(target)}, **({"deleted": True} if chance.random() < 0.3 else {})}
                for target in held
            ]
    return making.made()


async def filled(world: World) -> None:
    store = await PostgresStore.open(world.url)
    world.hasher = store.hasher
    chance = random.Random(7)
    try:
        async with store.begin() as tx:
            stamp = await tx.stamp()
            for number, key in enumerate([*PATIENTS, *OBSERVATIONS, *LISTS]):
                updated = stamp + 1000 * chance.randrange(5)
                entries, body = made(store.hasher, chance, key)
                world.rows[key] = Row(number, Stored(key, 1, updated, body), entries, ())
                await tx.write(Draft(key, 1, updated, body, "POST", entries))
            await tx.write(Draft(Key("Basic", "b"), 1, stamp, b"{}", "POST"))
            world.rows[Key("Basic", "b")] = Row(
                999, Stored(Key("Basic", "b"), 1, stamp, b"{}"), Entries(), ()
            )
        async with store.begin() as tx:
            key = PATIENTS[0]
            old, row = await tx.lock(key), world.rows.pop(key)
            assert isinstance(old, Stored)
            await tx.write(Draft(key, 2, old.updated + 10**6, b"", "DELETE", deleted=True, old=row.entries))
    finally:
        await store.close()


@pytest.fixture(scope="module")
def world(databases: Any) -> Iterator[World]:
    url = databases.create()
    migrate(url)
    found = World(url)
    found.runner.run(found.open())
    yield found
    found.close()
    databases.drop(url)


def connected(world: World) -> Awaitable[psycopg.AsyncConnection[Any]]:
    return psycopg.AsyncConnection.connect(
        session_conninfo(world.url, "test", PLANNER), autocommit=True, context=ADAPTERS
    )


# Queries ------------------------------------------------------------------------------------------------------------


def several(of: Any, most: int = 2) -> Any:
    return st.lists(of, min_size=1, max_size=most, unique=True).map(tuple)


token_values = st.builds(
    TokenValue, st.sampled_from((None, *SYSTEMS)), st.sampled_from(CODES), st.booleans()
) | st.builds(TokenValue, st.sampled_from(("s", "t")), st.none())
prefixes = st.sampled_from(("eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"))
spans = st.sampled_from(
    [(0, 10), (5, 6), (5, 10), (10, 20), (9, 11), (0, 1), (0, DAY), (DAY, 2 * DAY), (DAY + 5, 60 * DAY)]
)
date_values = several(st.builds(lambda p, s: DateValue(p, *s), prefixes, spans))
numbers = st.sampled_from((*NUMBERS, 15.0, 20.0))
quantity_values = st.builds(
    lambda p, v, w, u: QuantityValue(p, v, v - w, v + w, u),
    prefixes,
    numbers,
    st.sampled_from((0.0, 0.5, 3.0)),
    st.sampled_from(UNITS),
)
modes = st.sampled_from(("starts", "contains", "is", "ends"))
string_values = st.builds(
    StringValue, st.sampled_from(("a", "ad", "ada", "b", "é", "ab", "")), modes
) | st.builds(StringValue, st.sampled_from((*TEXTS, "ADA", "ZOE")), st.just("exact"))
term_values = st.builds(StringValue, st.sampled_from(("a", "ad", "ada", "b")), modes)


def tokens_of(*names: Name) -> Any:
    return st.builds(Tokens, st.sampled_from(names), several(token_values, 3))


def missing_of(*names: Name) -> Any:
    return st.builds(Missing, st.sampled_from(names), st.booleans())


def references_of(name: Name, targets: list[Key]) -> Any:
    others = st.sampled_from(((), ("http://elsewhere",)))
    return st.builds(References, st.just(name), several(st.sampled_from(targets)), others)


def ids_of(keys: list[Key]) -> Any:
    return st.builds(Ids, several(st.sampled_from([key.id for key in keys]), 5))


general = (
    st.just(Nothing())
    | st.builds(Listed, st.sampled_from([*LISTS, Key(LIST, "none")]))
    | st.builds(OfTypes, several(st.sampled_from((PATIENT, OBSERVATION))))
)
of_patients = st.one_of(
    tokens_of(GENDER, LANGUAGE),
    tokens_of(GENDER, LANGUAGE),
    references_of(LINK, PATIENTS),
    st.builds(Strings, st.just(FAMILY), several(string_values)),
    st.builds(Dates, st.just(BIRTH), date_values),
    st.builds(
        lambda place, metres: Near(PLACE, place[0], place[1], metres),
        st.sampled_from(PLACES),
        st.sampled_from((0.0, 2_000.0, 30_000.0, 1e6, 3e7)),
    ),
    missing_of(GENDER, FAMILY, BIRTH, LINK),
    ids_of(PATIENTS),
    general,
)
of_observations = st.one_of(
    tokens_of(CODE, STATUS, INSIDE),
    tokens_of(CODE, STATUS),
    references_of(SUBJECT, PATIENTS[:12]),
    st.builds(Dates, st.just(DATE), date_values),
    st.builds(Quantities, st.just(VALUE), several(quantity_values)),
    st.builds(Terms, st.just(WORDS), several(term_values)),
    missing_of(CODE, DATE, SUBJECT),
    ids_of(OBSERVATIONS),
    general,
)


def grown(patients: Any, observations: Any) -> tuple[Any, Any]:
    """One step deeper: groups, negations, and what other resources say."""
    return (
        st.one_of(
            st.builds(Not, patients),
            st.builds(AnyOf, st.lists(patients, min_size=2, max_size=3).map(tuple)),
            st.builds(AllOf, st.lists(patients, min_size=2, max_size=2).map(tuple)),
            st.builds(Chain, st.just(LINK), st.just(PATIENT), patients),
            st.builds(Has, st.just(LINK), patients),
            st.builds(Has, st.just(SUBJECT), observations),
        ),
        st.one_of(
            st.builds(Not, observations),
            st.builds(AnyOf, st.lists(observations, min_size=2, max_size=3).map(tuple)),
            st.builds(AllOf, st.lists(observations, min_size=2, max_size=2).map(tuple)),
            st.builds(Chain, st.just(SUBJECT), st.just(PATIENT), patients),
            st.builds(Chain, st.just(MEMBER), st.just(OBSERVATION), observations),
            st.builds(Has, st.just(MEMBER), observations),
        ),
    )


grown_patients, grown_observations = grown(of_patients, of_observations)
deep_patients, deep_observations = grown(of_patients | grown_patients, of_observations | grown_observations)
predicates = {
    PATIENT: st.one_of(of_patients, of_patients, grown_patients, deep_patients),
    OBSERVATION: st.one_of(of_observations, of_observations, grown_observations, deep_observations),
}
plain_sorts = st.builds(Sort, st.sampled_from(("id", "updated")), st.none(), st.booleans())
sorts = {
    PATIENT: st.one_of(
        plain_sorts,
        st.builds(Sort, st.just("date"), st.just(BIRTH), st.booleans()),
        st.builds(Sort, st.just("string"), st.just(FAMILY), st.booleans()),
        st.builds(Sort, st.just("text"), st.just(GENDER), st.booleans()),
    ),
    OBSERVATION: st.one_of(
        plain_sorts,
        st.builds(Sort, st.just("date"), st.just(DATE), st.booleans()),
        st.builds(Sort, st.just("number"), st.just(VALUE), st.booleans()),
        st.builds(Sort, st.just("text"), st.just(STATUS), st.booleans()),
    ),
}


def asked_of(kind: str) -> Any:
    return st.builds(
        lambda where, sort: Query((kind,), where, sort),
        st.lists(predicates[kind], max_size=3).map(tuple),
        st.lists(sorts[kind], max_size=2).map(tuple),
    )


asked_of_several = st.builds(
    Query,
    st.sampled_from(((), (PATIENT, OBSERVATION), (OBSERVATION, LIST), (PATIENT, "Unheard"))),
    st.lists(
        st.one_of(
            general,
            ids_of([*PATIENTS, *OBSERVATIONS]),
            st.builds(lambda one, other: AnyOf((one, other)), tokens_of(GENDER), tokens_of(CODE)),
            st.builds(lambda one: Not(AnyOf((one, Has(SUBJECT, one)))), tokens_of(CODE)),
            st.builds(Has, st.just(SUBJECT), of_observations),
            tokens_of(GENDER),
            st.builds(Dates, st.just(DATE), date_values),
            st.builds(lambda one: AllOf((OfTypes((PATIENT,)), one)), missing_of(GENDER)),
        ),
        max_size=2,
    ).map(tuple),
    st.lists(plain_sorts, max_size=2).map(tuple),
)


# What is compared -----------------------------------------------------------------------------------------------------


def plans_of(search: Search) -> list[Plan]:
    places = sources_in(search.nodes)
    sets = [Plan(lead, frozenset(places) - {lead}) for lead in (ALL, *places)]
    by_key = [Plan(BY_SORT_KEY)] if can_lead(search.query.sort, search.types, search.nodes) else []
    return [Plan(ALL), *map(Plan, places), *by_key, *sets]


async def paged(world: World, search: Search, plan: Plan, size: int, *, backward: bool) -> list[Key]:
    """The whole result, page by page, forwards, or backwards and turned round."""
    found: list[Key] = []
    start: tuple[Value, ...] | None = None
    while True:
        compiled = search.page(plan, start=start, backward=backward, limit=size)
        rows = await world.run(compiled)
        found += [stored_in(row).key for row in rows]
        if len(rows) < size:
            return found[::-1] if backward else found
        start = keys_of(rows[-1])


def order(world: World, query: Query, keys: list[Key]) -> list[Any]:
    return [
        sort_key(
            query.sort,
            world.rows[key].entries,
            key=key,
            updated=world.rows[key].updated,
            hasher=world.hasher,
            tree=world.rows[key].tree,
        )
        for key in keys
    ]


async def compare(world: World, query: Query, size: int) -> None:
    """Every way to the result gives the same set, in the order asked for, whatever the size of a page."""
    wanted = {row.key for row in Live(world.rows, world.hasher).found(query)}
    search = await world.search(query)
    for plan in plans_of(search):
        forwards = await paged(world, search, plan, size, backward=False)
        assert set(forwards) == wanted, plan
        assert len(forwards) == len(wanted), plan
        assert order(world, query, forwards) == sorted(order(world, query, forwards)), plan
        assert await paged(world, search, plan, size, backward=True) == forwards, plan
        ((matched, candidates),) = await world.run(search.count(plan))
        assert unpack_int(matched or b"") == len(wanted), plan
        assert unpack_int(candidates or b"") >= len(wanted), plan
    places = sources_in(search.nodes)
    (counts,) = await world.run(search.probe())
    for count, place in zip(counts, places, strict=False):
        # What points to a resource, or is pointed to by one, may be more than one; that it is none is certain.
        assert unpack_int(count or b"") or not wanted, place


@settings(max_examples=120)
@given(st.one_of(*map(asked_of, predicates)), st.sampled_from((1, 3, 7, 100)))
def test_the_database_agrees_with_the_meaning_of_search(world: World, query: Query, size: int) -> None:
    world.runner.run(compare(world, query, size))


@settings(max_examples=40)
@given(asked_of_several, st.sampled_from((2, 7, 100)))
def test_searches_of_several_types_agree_too(world: World, query: Query, size: int) -> None:
    world.runner.run(compare(world, query, size))


@settings(max_examples=20)
@given(value=st.lists(st.tuples(prefixes, st.integers(-3, 8), st.integers(1, 3)), min_size=1, max_size=2))
def test_last_updated_agrees_too(world: World, value: list[tuple[Any, int, int]]) -> None:
    first = min(row.updated for row in world.rows.values())
    values = tuple(
        DateValue(prefix, first + 1000 * low, first + 1000 * (low + width)) for prefix, low, width in value
    )

    world.runner.run(compare(world, Query((PATIENT,), (Updated(values),)), 7))
    world.runner.run(compare(world, Query((), (Updated(values),), (Sort("updated", None, True),)), 7))


# Plans --------------------------------------------------------------------------------------------------------------

IDENTIFIER = Tokens(Name(PATIENT, "identifier"), (TokenValue("s", "1"),))
MALE = Tokens(GENDER, (TokenValue("s", "a"),))
FRENCH = Tokens(LANGUAGE, (TokenValue(None, "a"),))
NAMED = Strings(FAMILY, (StringValue("a"),))
BORN = Dates(BIRTH, (DateValue("ge", 0, 1),))
OF_PATIENT = References(LINK, (PATIENTS[0],))
BY_DATE = (Sort("date", BIRTH, True),)
LATEST = (Sort("date", DATE, True), Sort("id", None))
FINAL = Tokens(STATUS, (TokenValue("s", "a"),))
OBSERVED = Has(SUBJECT, FINAL)


def asked(*where: Predicate, sort: tuple[Sort, ...] = ()) -> Query:
    return Query((PATIENT,), where, sort)


@pytest.mark.parametrize(
    ("query", "lead"),
    [
        (asked(), ALL),
        (asked(MALE), 0),
        (asked(Missing(GENDER, True)), ALL),
        (asked(MALE, IDENTIFIER), 1),
        (asked(MALE, OF_PATIENT, sort=BY_DATE), 1),
        (asked(MALE, Ids(("1",))), 1),
        (asked(MALE, Nothing()), 1),
        (asked(MALE, Chain(LINK, PATIENT, IDENTIFIER)), 1),
        (asked(MALE, Has(SUBJECT, Ids(("1",)))), 1),
        (asked(NAMED), 0),
        (asked(AllOf((MALE, IDENTIFIER))), 1),
        (Query((OBSERVATION,), (FINAL,), LATEST), 0),  # a list that is in this order
    ],
)
def test_some_plans_are_certain(query: Query, lead: int) -> None:
    assert Search(query, Compiler(HASHER)).plan() == Plan(lead)


@pytest.mark.parametrize(
    ("query", "counts", "plan"),
    [
        (asked(MALE, FRENCH), (WIDE, 3), Plan(1, least=3)),
        (asked(NAMED, MALE), (2, 2), Plan(1, least=2)),  # as rare as the other: the better kind
        (asked(MALE, FRENCH), (WIDE, WIDE), Plan(0, least=WIDE)),
        (asked(MALE, sort=BY_DATE), (10,), Plan(0, least=10)),
        (asked(MALE, sort=BY_DATE), (WIDE,), Plan(BY_SORT_KEY, least=WIDE)),
        (asked(MALE, sort=(Sort("updated", None),)), (WIDE,), Plan(ALL, least=WIDE)),
        (asked(MALE, sort=(Sort("updated", None),)), (10,), Plan(0, least=10)),
        (asked(OBSERVED), (100,), Plan(0, least=100)),
        (asked(OBSERVED), (WIDE,), Plan(ALL, least=WIDE)),
        (asked(OBSERVED, MALE), (200, 500), Plan(1, frozenset({0}), 500)),  # all of the `_has` at once
        (asked(MALE, OBSERVED), (500, 400), Plan(0, frozenset({1}), 500)),  # a `_has` costs more
        (asked(Chain(LINK, PATIENT, MALE)), (WIDE + 1,), Plan(ALL, least=WIDE)),  # leads to too many
        (asked(Chain(LINK, PATIENT, MALE)), (WIDE,), Plan(0, least=WIDE)),  # to few, to whom many point
    ],
)
def test_the_other_plans_follow_from_bounded_counts(
    query: Query, counts: tuple[int, ...], plan: Plan
) -> None:
    search = Search(query, Compiler(HASHER))
    assert search.plan() is None
    places = sources_in(search.nodes)
    ordered = [counts[place] for place in places]

    assert search.plan_by([*ordered, *ordered]) == plan


def test_lists_that_are_in_the_order_asked_for_lead_where_all_are_wide() -> None:
    coded = Tokens(CODE, (TokenValue(None, "a"),))
    search = Search(Query((OBSERVATION,), (FINAL, coded), LATEST), Compiler(HASHER))

    assert search.plan() is None
    assert search.plan_by([WIDE] * 4) == Plan(0, least=WIDE)
    assert (
        Search(replace(search.query, sort=(Sort("date", DATE),)), Compiler(HASHER)).plan_by([WIDE] * 4).lead
        == BY_SORT_KEY
    )


def test_without_criteria_the_sort_key_leads_where_there_is_much_to_sort() -> None:
    search = Search(asked(sort=BY_DATE), Compiler(HASHER))

    assert search.plan() is None
    assert search.plan_by([None, WIDE]).lead == BY_SORT_KEY
    assert search.plan_by([None, 10]).lead == ALL


@given(st.integers(-2, 100), st.frozensets(st.integers(0, 39)))
def test_a_plan_comes_back_from_its_number(lead: int, sets: frozenset[int]) -> None:
    assert plan_numbered(Plan(lead, sets).number) == Plan(lead, sets)
    assert Plan(lead, sets).number < 2**53


def test_queries_of_one_shape_have_one_text() -> None:
    compiler = Compiler(HASHER)

    def text(code: str, family: str, *ids: str) -> str:
        where = (Tokens(GENDER, (TokenValue("s", code),)), Strings(FAMILY, (StringValue(family),)), Ids(ids))
        return Search(asked(*where), compiler).page(Plan(0), limit=5).statement.sql

    assert text("a", "b", "1") == text("c", "d", "2", "3", "4")


def test_nobody_could_mean_what_takes_thousands_of_conditions() -> None:
    query = asked(AnyOf(tuple(Chain(LINK, PATIENT, Not(MALE)) for _ in range(2000))))

    with pytest.raises(Malformed):
        Search(query, Compiler(HASHER)).plan()


def test_a_text_that_is_nowhere_in_a_body_is_nothing_to_sort_by() -> None:
    with pytest.raises(Malformed):
        Search(asked(sort=(Sort("text", Name(PATIENT, "nothing")),)), Compiler(HASHER))


SHAPES = {
    "identifier": asked(IDENTIFIER),
    "code of any system": asked(FRENCH),
    "patient and code, by date": asked(OF_PATIENT, MALE, sort=BY_DATE),
    "code, then name": asked(MALE, NAMED),
    "name, then code": asked(NAMED, MALE),
    "date, then missing": asked(BORN, Missing(FAMILY, True)),
    "updated": asked(Updated((DateValue("ge", 0, 1),))),
    "all, not of a code": asked(Not(MALE)),
    "all by name": asked(sort=(Sort("string", FAMILY),)),
    "all by last update": asked(sort=(Sort("updated", None, True),)),
    "range of dates, by date": asked(BORN, Dates(BIRTH, (DateValue("lt", 9, 10),)), sort=BY_DATE),
    "chain": asked(Chain(LINK, PATIENT, IDENTIFIER)),
    "chain, or contained": asked(AnyOf((Chain(LINK, PATIENT, NAMED), MALE))),
    "has": asked(OBSERVED),
    "has of has": asked(Has(SUBJECT, Has(MEMBER, FINAL)), MALE),
    "near": asked(Near(PLACE, 0.0, 0.0, 100.0)),
    "number": Query((OBSERVATION,), (Quantities(VALUE, (QuantityValue("gt", 1.0, 0.5, 1.5),)),)),
    "term": Query((OBSERVATION,), (Terms(WORDS, (StringValue("a"),)), FINAL)),
    "code, the latest first": Query((OBSERVATION,), (FINAL, Missing(VALUE, False)), LATEST),
    "every type": Query((), (), (Sort("updated", None, True),)),
}


@pytest.mark.parametrize("name", SHAPES)
async def test_every_step_of_a_search_is_an_index_scan(world: World, name: str) -> None:
    """On an almost empty table, where a planner left alone would scan it."""
    search = Search(SHAPES[name], world.compiler)
    async with await connected(world) as connection:
        for plan in plans_of(search):
            for compiled in (search.page(plan, limit=20), search.count(plan), search.probe()):
                await connection.execute(f"prepare shape as {compiled.statement.sql}")
                nulls = ", ".join(["null"] * len(compiled.params))
                execute = f"execute shape({nulls})" if nulls else "execute shape"
                cursor = await connection.execute(f"explain (costs off) {execute}")
                shown = "\n".join(row[0] for row in await cursor.fetchall())
                await connection.execute("deallocate shape")

                assert "Seq Scan" not in shown, shown
                assert "Hash Join" not in shown, shown
                assert "Merge Join" not in shown, shown
