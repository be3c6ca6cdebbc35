from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from fhir_server.definitions.parameters import parameters_of
from fhir_server.definitions.targets import local_key
from fhir_server.kernel.errors import Malformed, Unprocessable
from fhir_server.kernel.keys import Key
from fhir_server.kernel.wire import encode
from fhir_server.search.entries import Entries
from fhir_server.search.query import (
    AllOf,
    AnyOf,
    Chain,
    Coded,
    Has,
    Ids,
    Name,
    Not,
    Nothing,
    Predicate,
    Query,
    Tokens,
    TokenValue,
)
from fhir_server.search.terms import settled
from fhir_server.store.contract import Draft
from fhir_server.store.memory import MemoryStore

CODE = Name("Condition", "code")
SYSTEM = "http://example.org/lesions"
SET = "http://example.org/ValueSet/lesions"
GENDERS = "http://hl7.org/fhir/ValueSet/administrative-gender"
MOOD = "http://terminology.hl7.org/CodeSystem/v3-ActMood"


def system(version: str = "1", **rest: Any) -> dict[str, Any]:
    return {
        "resourceType": "CodeSystem",
        "url": SYSTEM,
        "version": version,
        "status": "active",
        "content": "complete",
        "concept": [{"code": "Wound", "concept": [{"code": "Burn"}, {"code": "Bite"}]}, {"code": "Scar"}],
        **rest,
    }


def value_set(*codes: str, version: str = "1", **rest: Any) -> dict[str, Any]:
    include = (
        {"system": SYSTEM, "concept": [{"code": code} for code in codes]} if codes else {"system": SYSTEM}
    )
    return {
        "resourceType": "ValueSet",
        "url": SET,
        "version": version,
        "status": "active",
        "compose": {"include": [include]},
        **rest,
    }


async def holding(*trees: dict[str, Any]) -> MemoryStore:
    """A store with these, whose ids are 1, 2 …"""
    store = MemoryStore()
    async with store.begin() as tx:
        stamp = await tx.stamp()
        for number, tree in enumerate(trees, 1):
            seed = store.hasher.seed(tree["resourceType"], parameters_of(tree["resourceType"])["url"].rows)
            entries = Entries(tokens=[(store.hasher.code(seed, tree["url"]), 0)], present=[seed])
            key = Key(tree["resourceType"], str(number))
            await tx.write(Draft(key, 1, stamp, encode(tree), "POST", entries))
    return store


async def values(store: MemoryStore, relation: Any, code: str, system: str | None = None) -> list[str]:
    """The codes that a search is settled on."""
    asked = Query(("Condition",), (Coded(CODE, relation, system, code, local_key(code)),))
    match (await settled(asked, store, store.definitions.current.registry)).where[0]:
        case Tokens(name, found):
            assert name == CODE
            return [str(value.code) for value in found]
        case Nothing():
            return []
    raise AssertionError("neither tokens nor nothing")


@pytest.mark.parametrize("code", [SET, f"{SET}|1", "ValueSet/1"])
async def test_in_means_the_codes_of_a_stored_value_set(code: str) -> None:
    store = await holding(value_set("Burn", "Scar"))

    assert await values(store, "in", code) == ["burn", "scar"]


async def test_a_value_set_may_need_a_stored_code_system() -> None:
    store = await holding(value_set(), system())

    assert await values(store, "in", SET) == ["wound", "burn", "bite", "scar"]


async def test_value_sets_of_r4_are_known() -> None:
    assert await values(MemoryStore(), "in", GENDERS) == ["male", "female", "other", "unknown"]


async def test_a_stored_value_set_comes_before_that_of_r4() -> None:
    store = await holding(value_set("Burn", url=GENDERS))

    assert await values(store, "in", GENDERS) == ["burn"]


@pytest.mark.parametrize(
    ("one", "other", "code", "found"),
    [
        (value_set("a", version="9"), value_set("b", version="10"), SET, "b"),
        (value_set("a", version="10"), value_set("b", version="9"), SET, "a"),
        (value_set("a", version="2.0-draft"), value_set("b", version="2.0.1"), SET, "b"),
        (value_set("a", version="2", status="retired"), value_set("b", version="1"), SET, "b"),
        (value_set("a", version="2"), value_set("b", version="1"), f"{SET}|1", "b"),
        (value_set("a", date="2023"), value_set("b", date="2022"), SET, "b"),  # the same version: stored last
    ],
)
async def test_of_several_versions_the_newest_in_use_counts(
    one: dict[str, Any], other: dict[str, Any], code: str, found: str
) -> None:
    store = await holding(one, other)

    assert await values(store, "in", code) == [found]


async def test_case_matters_where_the_code_system_cares() -> None:
    store = await holding(value_set("Burn"))
    found = await settled(
        Query(("Patient",), (Coded(Name("Patient", "gender"), "in", None, GENDERS),)), MemoryStore()
    )
    other = await settled(
        Query(("Condition",), (Coded(CODE, "in", None, SET),)),
        store,
        store.definitions.current.registry,
    )

    assert isinstance(found.where[0], Tokens)
    assert found.where[0].values[0] == TokenValue("http://hl7.org/fhir/administrative-gender", "male")
    assert other.where == (Tokens(CODE, (TokenValue(SYSTEM, "burn", True),)),)


async def test_an_empty_value_set_finds_nothing() -> None:
    store = await holding({**value_set(), "compose": {"include": []}})

    assert await values(store, "in", SET) == []


@pytest.mark.parametrize("code", [SET, f"{SET}|2", "ValueSet/2", "ValueSet/", "urn:nothing", "ValueSet/a/b"])
async def test_an_unknown_value_set_is_refused_without_repeating_it(code: str) -> None:
    store = await holding(value_set("Burn", url="http://example.org/other"))

    with pytest.raises(Malformed) as refusal:
        await values(store, "in", code)

    assert refusal.value.issues[0].code == "not-found"
    assert "'code' of Condition with ':in'" in str(refusal.value)
    assert code not in str(refusal.value).removesuffix("is not known here")


@pytest.mark.parametrize(
    ("stored", "code", "why"),
    [
        ([], "http://hl7.org/fhir/ValueSet/condition-code", "http://snomed.info/sct"),
        ([value_set()], SET, f"the code system {SYSTEM} is not known here"),
        ([value_set(), system(content="fragment")], SET, SYSTEM),
        (
            [value_set(), system(concept=[{"code": str(number)} for number in range(10_001)])],
            SET,
            "more than 10,000 codes",
        ),
    ],
)
async def test_a_value_set_that_cannot_be_listed_is_refused_with_the_reason(
    stored: Sequence[dict[str, Any]], code: str, why: str
) -> None:
    store = await holding(*stored)

    with pytest.raises(Unprocessable, match=why):
        await values(store, "in", code)


@pytest.mark.parametrize(
    ("relation", "code", "found"),
    [
        ("below", "Wound", ["wound", "burn", "bite"]),
        ("below", "wound", ["wound", "burn", "bite"]),  # case does not matter in this system
        ("below", "Scar", ["scar"]),
        ("below", "Other", ["other"]),
        ("above", "Bite", ["bite", "wound"]),
        ("above", "Wound", ["wound"]),
    ],
)
async def test_below_and_above_follow_the_hierarchy_of_the_code_system(
    relation: str, code: str, found: list[str]
) -> None:
    assert await values(await holding(system()), relation, code, SYSTEM) == found


async def test_hierarchies_of_r4_are_known() -> None:
    assert "_ActMoodPredicate" in await values(MemoryStore(), "above", "EVN.CRT", MOOD)


@pytest.mark.parametrize("system", [None, "", "http://snomed.info/sct", "http://loinc.org"])
async def test_a_hierarchy_that_is_not_known_is_refused(system: str | None) -> None:
    with pytest.raises(Malformed):
        await values(MemoryStore(), "below", "73211009", system)


async def test_a_branch_with_too_many_codes_is_refused() -> None:
    many = [{"code": str(number)} for number in range(10_001)]
    store = await holding(system(concept=[{"code": "all", "concept": many}]))

    with pytest.raises(Unprocessable):
        await values(store, "below", "all", SYSTEM)


async def test_codes_are_asked_about_wherever_they_stand_in_a_query() -> None:
    store = await holding(value_set("Burn"))
    coded = Coded(CODE, "in", None, SET)
    tokens = Tokens(CODE, (TokenValue(SYSTEM, "burn", True),))
    link, ids = Name("Encounter", "diagnosis"), Ids(("1",))

    def everywhere(inner: Predicate) -> tuple[Predicate, ...]:
        return (
            inner,
            ids,
            Not(inner),
            AnyOf((inner, ids)),
            AllOf((inner, Not(inner))),
            Chain(link, "Condition", Has(link, AnyOf((Not(inner), ids)))),
        )

    found = await settled(
        Query(("Condition",), everywhere(coded), count=7), store, store.definitions.current.registry
    )

    assert found == Query(("Condition",), everywhere(tokens), count=7)


async def test_alternatives_about_one_parameter_become_one() -> None:
    store = await holding(value_set("Burn"), value_set("Scar", "Burn", url=f"{SET}2"))
    either = AnyOf((Coded(CODE, "in", None, SET), Coded(CODE, "in", None, f"{SET}2")))

    found = await settled(Query(("Condition",), (either,)), store, store.definitions.current.registry)

    assert found.where == (
        Tokens(CODE, (TokenValue(SYSTEM, "burn", True), TokenValue(SYSTEM, "scar", True))),
    )


async def test_a_query_that_asks_nothing_of_terminology_stays_as_it_is() -> None:
    query = Query(("Condition",), (Not(AnyOf((Ids(("1",)), Nothing()))),))

    assert await settled(query, MemoryStore()) is query
