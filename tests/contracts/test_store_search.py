"""The contract of a store: what a search finds, in which order, on which page, and what it brings along."""

from __future__ import annotations

from dataclasses import replace
from math import inf

import pytest

from fhir_server.kernel.errors import Malformed
from fhir_server.kernel.keys import Key
from fhir_server.search.entries import Entries
from fhir_server.search.query import (
    AllOf,
    AnyOf,
    Dates,
    DateValue,
    Ids,
    Include,
    Missing,
    Name,
    Near,
    Not,
    Nothing,
    OfTypes,
    Predicate,
    Prefix,
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
from fhir_server.store.contract import ResourceStore
from tests.contracts.writing import Writer, all_pages, entries, keys_of

PATIENT = "Patient"
OBSERVATION = "Observation"
GENDER = Name(PATIENT, "gender")
FAMILY = Name(PATIENT, "family")
BIRTHDATE = Name(PATIENT, "birthdate")
ORGANIZATION = Name(PATIENT, "organization")
# Patients have no number and no place in R4; to a store a name is a name.
WEIGHT = Name(PATIENT, "weight")
PLACE = Name(PATIENT, "place")
WORDS = Name(PATIENT, "gender:text")

ANNE, BOB, CARL, DORA = (Key(PATIENT, name) for name in ("anne", "bob", "carl", "dora"))
HOSPITAL = Key("Organization", "hospital")


def body(family: str, gender: str = "male") -> bytes:
    return f'{{"resourceType":"Patient","name":[{{"family":"{family}"}}],"gender":"{gender}"}}'.encode()


@pytest.fixture
async def people(store: ResourceStore, writer: Writer) -> ResourceStore:
    """Four patients; Dora has nothing but an id, and was Bob's namesake until she was updated."""
    hasher = store.hasher
    here = {
        ANNE: entries(
            hasher,
            PATIENT,
            tokens=[("gender", "s", "female"), ("gender", "t", "f")],
            strings=[("family", "Payet"), ("family", "Hoarau-Payet")],
            dates=[("birthdate", 100, 200)],
            references=[("organization", HOSPITAL)],
            quantities=[("weight", "", 60, 60), ("weight", "kg", 60, 60), ("place", "", -20.9, 55.45)],
            terms=[("gender:text", "femme"), ("gender:text", "f")],
            folded=[("identifier", "i", "a1")],
        ),
        BOB: entries(
            hasher,
            PATIENT,
            tokens=[("gender", "s", "male")],
            strings=[("family", "PAYET")],
            dates=[("birthdate", 200, 300), ("birthdate", 50, 60)],
            quantities=[
                ("weight", "", 5000, 5000),
                ("weight", "kg", 5, 5),
                ("weight", "", -inf, 2),
                ("place", "", 48.85, 2.35),
            ],
            terms=[("gender:text", "homme")],
            folded=[("identifier", "", "a1")],
        ),
        CARL: entries(
            hasher,
            PATIENT,
            tokens=[("gender", "", "male")],
            strings=[("family", "Éthève")],
            dates=[("birthdate", 150, 160)],
            references=[("organization", HOSPITAL)],
            quantities=[("weight", "", 100, inf), ("weight", "kg", 100, inf), ("place", "", 0, 179.99)],
            terms=[("gender:text", "homme"), ("gender:text", "monsieur")],
        ),
        DORA: entries(hasher, PATIENT, tokens=[("gender", "s", "male")], strings=[("family", "Payet")]),
    }
    names = {ANNE: "Payet", BOB: "PAYET", CARL: "Éthève", DORA: "Payet"}
    for key, rows in here.items():
        await writer.put(key, rows, body=body(names[key], "female" if key == ANNE else "male"))
    await writer.put(DORA, body=b'{"resourceType":"Patient"}')
    gone = await writer.new(PATIENT, here[ANNE])
    await writer.put(gone, deleted=True)
    await writer.new(
        OBSERVATION,
        entries(hasher, OBSERVATION, tokens=[("gender", "s", "male")], strings=[("family", "Payet")]),
    )
    return store


def tokens(*values: tuple[str | None, str | None]) -> Tokens:
    return Tokens(GENDER, tuple(TokenValue(*value) for value in values))


def strings(mode: str, *texts: str) -> Strings:
    return Strings(FAMILY, tuple(StringValue(text, mode) for text in texts))  # type: ignore[arg-type]


def dates(*values: tuple[Prefix, int, int]) -> Dates:
    return Dates(BIRTHDATE, tuple(DateValue(*value) for value in values))


def weights(*values: tuple[Prefix, float, float, float], unit: str = "") -> Quantities:
    return Quantities(WEIGHT, tuple(QuantityValue(*value, unit) for value in values))


def folded(system: str | None, code: str) -> Tokens:
    return Tokens(Name(PATIENT, "identifier"), (TokenValue(system, code, folded=True),))


def terms(mode: str, *texts: str) -> Terms:
    return Terms(WORDS, tuple(StringValue(text, mode) for text in texts))  # type: ignore[arg-type]


FOUND: list[tuple[Predicate, set[Key]]] = [
    (tokens(("s", "male")), {BOB}),
    (tokens((None, "male")), {BOB, CARL}),
    (tokens(("", "male")), {CARL}),
    (tokens(("s", None)), {ANNE, BOB}),
    (tokens(("t", None)), {ANNE}),
    (tokens(("s", "female"), ("t", "f"), ("", "male")), {ANNE, CARL}),
    (tokens((None, "female"), (None, "f"), ("s", "male")), {ANNE, BOB}),
    (tokens(("s", "female"), ("s", None)), {ANNE, BOB}),
    (tokens((None, "unheard of")), set()),
    (strings("starts", "payet"), {ANNE, BOB}),
    (strings("starts", "hoar", "eth"), {ANNE, CARL}),
    (strings("starts", "ayet"), set()),
    (strings("contains", "ayet"), {ANNE, BOB}),
    (strings("contains", "u p", "v"), {ANNE, CARL}),
    (strings("contains", "%"), set()),
    (strings("exact", "Payet"), {ANNE}),
    (strings("exact", "PAYET", "Éthève"), {BOB, CARL}),
    (strings("exact", "payet"), set()),
    (strings("exact", "Paye"), set()),
    (dates(("eq", 100, 200)), {ANNE, CARL}),
    (dates(("ne", 100, 200)), {BOB}),
    (dates(("gt", 100, 160)), {ANNE, BOB}),
    (dates(("lt", 100, 200)), {BOB}),
    (dates(("ge", 150, 250)), {BOB, CARL}),
    (dates(("le", 60, 150)), {BOB}),
    (dates(("sa", 100, 200)), {BOB}),
    (dates(("eb", 100, 200)), {BOB}),
    (dates(("ap", 155, 157)), {ANNE, CARL}),
    (dates(("eq", 50, 60), ("eq", 150, 160)), {BOB, CARL}),
    (dates(("eq", 50, 60), ("sa", 200, 210)), {BOB}),
    (References(ORGANIZATION, (HOSPITAL,)), {ANNE, CARL}),
    (References(ORGANIZATION, (HOSPITAL, Key("Organization", "other")), ("http://x",)), {ANNE, CARL}),
    (References(ORGANIZATION, (Key("Organization", "other"),)), set()),
    (Ids(("anne", "nobody", "carl")), {ANNE, CARL}),
    (Missing(FAMILY, True), {DORA}),
    (Missing(FAMILY, False), {ANNE, BOB, CARL}),
    (Not(tokens((None, "male"))), {ANNE, DORA}),
    (Not(strings("exact", "Payet")), {BOB, CARL, DORA}),
    (Not(References(ORGANIZATION, (HOSPITAL,))), {BOB, DORA}),
    (Nothing(), set()),
    (Not(Nothing()), {ANNE, BOB, CARL, DORA}),
    (weights(("eq", 60, 59.5, 60.5)), {ANNE}),
    (weights(("eq", 60, 60, 60)), {ANNE}),
    (weights(("eq", 60, 60.1, 60.2)), set()),
    (weights(("eq", 60, 59, 60)), set()),  # the end of the span is not in it
    (weights(("ne", 60, 59.5, 60.5)), {BOB, CARL}),
    (weights(("gt", 60, 59.5, 60.5)), {BOB, CARL}),
    (weights(("ge", 60, 59.5, 60.5)), {ANNE, BOB, CARL}),
    (weights(("lt", 60, 59.5, 60.5)), {BOB}),
    (weights(("le", 60, 59.5, 60.5)), {ANNE, BOB}),
    (weights(("sa", 2, 1.5, 2.5)), {ANNE, BOB, CARL}),
    (weights(("sa", 60, 59.5, 60.5)), {BOB, CARL}),
    (weights(("eb", 60, 59.5, 60.5)), {BOB}),
    (weights(("eb", 2, 1.5, 2.5)), set()),
    (weights(("ap", 90, 81, 99)), set()),
    (weights(("ap", 100, 90, 110), ("ap", 1, 0.9, 1.1)), {BOB, CARL}),
    (weights(("eq", 5, 4.5, 5.5), unit="kg"), {BOB}),
    (weights(("ge", 5, 4.5, 5.5), unit="kg"), {ANNE, BOB, CARL}),
    (weights(("ge", 5, 4.5, 5.5), unit="g"), set()),
    (Near(PLACE, -20.9, 55.46, 2000), {ANNE}),
    (Near(PLACE, -20.9, 55.46, 500), set()),
    (Near(PLACE, 48.85, 2.35, 0), {BOB}),
    (Near(PLACE, 0, -179.99, 3000), {CARL}),  # over the date line
    (Near(PLACE, 90, 0, 21_000_000), {ANNE, BOB, CARL}),
    (folded("i", "a1"), {ANNE}),
    (folded(None, "a1"), {ANNE, BOB}),
    (folded("", "a1"), {BOB}),
    (Tokens(Name(PATIENT, "identifier"), (TokenValue(None, "a1"),)), set()),
    (terms("exact", "homme"), {BOB, CARL}),
    (terms("exact", "f"), {ANNE}),
    (terms("starts", "f"), {ANNE}),
    (terms("starts", "mon", "femme"), {ANNE, CARL}),
    (terms("starts", "omme"), set()),
    (OfTypes((PATIENT,)), {ANNE, BOB, CARL, DORA}),
    (OfTypes((OBSERVATION, "Basic")), set()),
    (AnyOf((tokens(("t", "f")), strings("starts", "eth"))), {ANNE, CARL}),
    (AnyOf((Missing(FAMILY, True), Ids(("bob",)))), {BOB, DORA}),
    (AnyOf((tokens(("s", "male")), tokens(("s", "male")), dates(("eq", 0, 9)))), {BOB}),
    (AnyOf((Nothing(), Nothing())), set()),
    (AllOf((tokens((None, "male")), strings("starts", "eth"))), {CARL}),
    (AllOf((OfTypes((PATIENT,)), Not(tokens((None, "male"))))), {ANNE, DORA}),
    (AnyOf((AllOf((tokens((None, "male")), Not(strings("starts", "eth")))), Ids(("dora",)))), {BOB, DORA}),
    (Not(AnyOf((tokens((None, "male")), Missing(FAMILY, True)))), {ANNE}),
    (Not(weights(("ge", 100, 99.5, 100.5))), {ANNE, DORA}),
]


async def test_a_predicate_finds_those_it_describes(people: ResourceStore) -> None:
    for predicate, expected in FOUND:
        page = await people.search(Query((PATIENT,), (predicate,)))
        assert {stored.key for stored in page.items} == expected, predicate
        assert page.total == len(expected), predicate


async def test_each_predicate_narrows_every_other(people: ResourceStore) -> None:
    for one, these in FOUND:
        for other, those in FOUND:
            found = await keys_of(people, Query((PATIENT,), (one, other)))
            assert set(found) == these & those, (one, other)


async def test_exact_is_about_the_values_of_the_parameter_and_no_others(
    store: ResourceStore, writer: Writer
) -> None:
    here = entries(
        store.hasher, PATIENT, strings=[("family", "Payet"), ("given", "Payet"), ("name", "Payet")]
    )
    await writer.put(
        BOB, here, body=b'{"resourceType":"Patient","name":[{"family":"PAYET","given":["Payet"]}]}'
    )

    async def found(code: str, text: str) -> list[Key]:
        exact = Strings(Name(PATIENT, code), (StringValue(text, "exact"),))
        return await keys_of(store, Query((PATIENT,), (exact,)))

    assert await found("family", "PAYET") == [BOB]
    assert await found("family", "Payet") == []
    assert await found("given", "Payet") == [BOB]
    assert await found("given", "PAYET") == []
    assert await found("name", "Payet") == [BOB]


async def test_of_a_text_the_first_200_characters_count(store: ResourceStore, writer: Writer) -> None:
    start = "x" * 250
    here = entries(store.hasher, PATIENT, strings=[("family", start[:200])])
    await writer.put(
        BOB, here, body=f'{{"resourceType":"Patient","name":[{{"family":"{start}A"}}]}}'.encode()
    )

    async def found(text: str) -> list[Key]:
        return await keys_of(store, Query((PATIENT,), (Strings(FAMILY, (StringValue(text),)),)))

    assert await found(start[:200]) == [BOB]
    assert await found(start) == [BOB]
    assert await found(f"{start}b") == [BOB]
    assert await found(f"{start[:199]}b") == []


async def test_last_updated_is_a_point_of_one_millisecond(store: ResourceStore, writer: Writer) -> None:
    drafts = [await writer.put(Key(PATIENT, name)) for name in ("a", "b", "c")]
    second = drafts[1].updated

    def found(prefix: Prefix, low: int, high: int) -> Query:
        return Query((PATIENT,), (Updated((DateValue(prefix, low, high),)),), sort=(Sort("id", None),))

    async def ids(query: Query) -> str:
        return "".join(key.id for key in await keys_of(store, query))

    assert await ids(found("eq", second, second + 1000)) == "b"
    assert await ids(found("ne", second, second + 1000)) == "ac"
    assert await ids(found("gt", second, second + 1000)) == "c"
    assert await ids(found("ge", second, second + 1000)) == "bc"
    assert await ids(found("lt", second, second + 1000)) == "a"
    assert await ids(found("le", second, second + 1000)) == "ab"
    assert await ids(found("sa", second, second + 1000)) == "c"
    assert await ids(found("eb", second, second + 1000)) == "a"
    assert await ids(found("ap", second, second + 1000)) == "b"


async def test_a_type_without_resources_or_of_another_standard_has_none(store: ResourceStore) -> None:
    for unknown in ("Basic", "NoSuchType"):
        page = await store.search(Query((unknown,)))
        assert (page.items, page.total) == ((), 0)


# Order and pages ----------------------------------------------------------------------------------------------------


SORTED: list[tuple[tuple[Sort, ...], list[Key]]] = [
    ((Sort("id", None),), [ANNE, BOB, CARL, DORA]),
    ((Sort("id", None, True),), [DORA, CARL, BOB, ANNE]),
    ((Sort("updated", None),), [ANNE, BOB, CARL, DORA]),
    ((Sort("updated", None, True),), [DORA, CARL, BOB, ANNE]),
    ((Sort("date", BIRTHDATE),), [BOB, ANNE, CARL, DORA]),
    ((Sort("date", BIRTHDATE, True),), [BOB, ANNE, CARL, DORA]),
    ((Sort("string", FAMILY), Sort("id", None)), [CARL, ANNE, BOB, DORA]),
    ((Sort("string", FAMILY, True), Sort("id", None, True)), [BOB, ANNE, CARL, DORA]),
    ((Sort("string", FAMILY, True), Sort("date", BIRTHDATE)), [BOB, ANNE, CARL, DORA]),
    ((Sort("number", WEIGHT),), [BOB, ANNE, CARL, DORA]),
    (
        (Sort("number", WEIGHT, True),),
        [CARL, ANNE, BOB, DORA],
    ),  # 5 kg, though it was written as 5000 of something
    # Read from the bodies.
    ((Sort("text", Name(PATIENT, "gender")), Sort("id", None)), [ANNE, BOB, CARL, DORA]),
    ((Sort("text", Name(PATIENT, "gender"), True), Sort("id", None, True)), [CARL, BOB, ANNE, DORA]),
]


async def test_resources_come_in_the_order_asked_for_on_pages_of_any_size(people: ResourceStore) -> None:
    for where in ((), (Not(Nothing()),), (Ids(("anne", "bob", "carl", "dora")),)):
        for sort, expected in SORTED:
            for count in (1, 2, 3, 4, 5):
                assert await all_pages(people, Query((PATIENT,), where, sort, count)) == expected, (
                    where,
                    sort,
                )


@pytest.mark.parametrize("sort", [(), (Sort("string", FAMILY),), (Sort("updated", None, True),)])
async def test_pages_go_back_as_they_came(people: ResourceStore, sort: tuple[Sort, ...]) -> None:
    query = Query((PATIENT,), sort=sort, count=1)
    first = await people.search(query)
    second = await people.search(replace(query, cursor=first.next))
    third = await people.search(replace(query, cursor=second.next))

    back = await people.search(replace(query, cursor=third.previous))
    again = await people.search(replace(query, cursor=back.previous))

    assert first.previous == ""
    assert back.items == second.items
    assert again.items == first.items
    assert again.previous == ""
    assert again.next


@pytest.mark.parametrize(
    "where", [(), (tokens(("s", "male")),), (tokens((None, "male")),), (strings("starts", "p"),)]
)
async def test_pages_hide_and_repeat_nothing_while_others_write(
    store: ResourceStore, writer: Writer, where: tuple[Predicate, ...]
) -> None:
    here = entries(store.hasher, PATIENT, tokens=[("gender", "s", "male")], strings=[("family", "Payet")])
    there = [await writer.new(PATIENT, here) for _ in range(12)]
    query = Query((PATIENT,), where, count=3)
    page = await store.search(query)
    found = list(page.items)
    while page.next:
        await writer.new(PATIENT, here)
        await writer.put(there[len(found) % 12], here)
        page = await store.search(replace(query, cursor=page.next))
        found += page.items

    keys = [stored.key for stored in found]
    assert set(there) <= set(keys)
    assert len(keys) == len(set(keys))


async def test_totals_are_as_exact_as_asked_for(people: ResourceStore) -> None:
    def query(**rest: object) -> Query:
        return replace(Query((PATIENT,), count=3), **rest)  # type: ignore[arg-type]

    assert (await people.search(query())).total == 4
    assert (await people.search(query(total="accurate"))).total == 4
    assert (await people.search(query(total="estimate"))).total == 4
    assert (await people.search(query(total="none"))).total is None
    assert (await people.search(query(total="none", count=5))).total == 4
    only = await people.search(query(count=0, total="none"))
    assert (only.items, only.total, only.next) == ((), 4, "")
    second = await people.search(query(cursor=(await people.search(query())).next))
    assert second.total == 4


async def test_a_cursor_that_is_not_ours_is_refused(people: ResourceStore) -> None:
    query = Query((PATIENT,), count=1)
    cursor = (await people.search(query)).next

    for wrong in (
        replace(query, cursor="x"),
        replace(query, cursor="é"),
        replace(query, cursor=cursor[:-4] + "AAAA"),
        replace(query, cursor=cursor, where=(Ids(("anne",)),)),
        replace(query, cursor=cursor, sort=(Sort("id", None),)),
    ):
        with pytest.raises(Malformed):
            await people.search(wrong)


# Includes -----------------------------------------------------------------------------------------------------------


@pytest.fixture
async def record(store: ResourceStore, writer: Writer) -> ResourceStore:
    """A patient of a hospital, two observations of her by one practitioner, one of them of the other."""
    hasher = store.hasher
    doctor = Key("Practitioner", "doctor")
    await writer.put(doctor)
    await writer.put(HOSPITAL)
    await writer.put(ANNE, entries(hasher, PATIENT, references=[("organization", HOSPITAL)]))
    first = entries(
        hasher,
        OBSERVATION,
        references=[("subject", ANNE), ("patient", ANNE), ("performer", doctor), ("performer", HOSPITAL)],
    )
    await writer.put(Key(OBSERVATION, "first"), first)
    second = entries(
        hasher,
        OBSERVATION,
        references=[
            ("subject", ANNE),
            ("has-member", Key(OBSERVATION, "first")),
            ("focus", Key("Basic", "never")),
        ],
    )
    await writer.put(Key(OBSERVATION, "second"), second)
    return store


def include(
    type: str, code: str, target: str = "", *, reverse: bool = False, iterate: bool = False
) -> Include:
    return Include(Name(type, code), target, reverse, iterate)


INCLUDED: list[tuple[Query, set[str]]] = [
    (Query((OBSERVATION,), includes=(include(OBSERVATION, "subject"),)), {"anne"}),
    (Query((OBSERVATION,), includes=(include(OBSERVATION, "patient"),)), {"anne"}),
    (Query((OBSERVATION,), includes=(include(OBSERVATION, "performer"),)), {"doctor", "hospital"}),
    (Query((OBSERVATION,), includes=(include(OBSERVATION, "performer", "Practitioner"),)), {"doctor"}),
    (Query((OBSERVATION,), includes=(include(OBSERVATION, "*"),)), {"anne", "doctor", "hospital"}),
    (Query((OBSERVATION,), includes=(include(PATIENT, "organization"),)), set()),
    (Query((OBSERVATION,), includes=(include(OBSERVATION, "focus"),)), set()),
    (
        Query((OBSERVATION,), (Ids(("second",)),), includes=(include(OBSERVATION, "*"),)),
        {"anne", "first"},
    ),
    (
        Query(
            (OBSERVATION,),
            (Ids(("second",)),),
            includes=(include(OBSERVATION, "*"), include(PATIENT, "organization", iterate=True)),
        ),
        {"anne", "first", "hospital"},
    ),
    (Query((PATIENT,), includes=(include(OBSERVATION, "subject", reverse=True),)), {"first", "second"}),
    (Query((PATIENT,), includes=(include(OBSERVATION, "patient", reverse=True),)), {"first", "second"}),
    (Query(("Practitioner",), includes=(include(OBSERVATION, "*", reverse=True),)), {"first"}),
    (Query(("Organization",), includes=(include("*", "*", reverse=True),)), {"anne", "first"}),
    (Query(("Organization",), includes=(include(OBSERVATION, "performer", PATIENT, reverse=True),)), set()),
    (Query((PATIENT,), includes=(include(OBSERVATION, "performer", reverse=True),)), set()),
]


async def test_a_page_brings_along_what_its_includes_name(record: ResourceStore) -> None:
    for query, expected in INCLUDED:
        page = await record.search(query)
        ids = [stored.key.id for stored in page.included]
        assert set(ids) == expected, query
        assert len(ids) == len(expected), query
        assert page.total == len(page.items)


async def test_a_page_that_would_bring_too_much_along_says_so(
    record: ResourceStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    query = Query((PATIENT,), includes=(include(OBSERVATION, "subject", reverse=True),))
    for most, truncated in ((1, True), (2, False)):
        for module in ("includes", "memory_versions"):
            monkeypatch.setattr(f"fhir_server.store.{module}.MOST", most)

        page = await record.search(query)

        assert len(page.included) == most
        assert page.truncated == truncated


async def test_circles_of_references_come_to_an_end(store: ResourceStore, writer: Writer) -> None:
    others = {ANNE: BOB, BOB: CARL, CARL: ANNE}
    for key, other in others.items():
        await writer.put(key, entries(store.hasher, PATIENT, references=[("link", other)]))
    for reverse in (False, True):
        again = include(PATIENT, "link", reverse=reverse, iterate=True)

        page = await store.search(Query((PATIENT,), (Ids(("anne",)),), includes=(again,)))

        assert sorted(stored.key for stored in page.included) == [BOB, CARL]


async def test_what_is_deleted_is_not_included(record: ResourceStore, writer: Writer) -> None:
    await writer.put(Key("Practitioner", "doctor"), deleted=True)
    query = Query((OBSERVATION,), includes=(include(OBSERVATION, "performer"),))

    page = await record.search(query)

    assert [stored.key for stored in page.included] == [HOSPITAL]


async def test_an_update_that_moves_the_main_date_is_found_as_before(
    store: ResourceStore, writer: Writer
) -> None:
    def rows(moment: int | None, code: str) -> Entries:
        return entries(
            store.hasher, OBSERVATION, tokens=[("status", "s", "final"), ("code", "c", code)], moment=moment
        )

    status = Tokens(Name(OBSERVATION, "status"), (TokenValue("s", "final"),))
    key = await writer.new(OBSERVATION, rows(5, "x"))
    for moment, code in ((7, "x"), (7, "y"), (None, "y"), (3, "x")):
        await writer.put(key, rows(moment, code))
        here = Tokens(Name(OBSERVATION, "code"), (TokenValue("c", code),))
        gone = Tokens(Name(OBSERVATION, "code"), (TokenValue("c", "y" if code == "x" else "x"),))

        assert await keys_of(store, Query((OBSERVATION,), (status, here))) == [key]
        assert await keys_of(store, Query((OBSERVATION,), (gone,))) == []
