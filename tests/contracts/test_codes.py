"""Large code systems, in memory and in PostgreSQL, against small ones whose every concept is looked at."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fhir_server.store.codes import PostgresCodes
from fhir_server.store.codes_loading import load, remove
from fhir_server.store.connections import PLANNER
from fhir_server.store.memory_codes import MemoryCodes
from fhir_server.store.pipeline import Pipeline
from terminology.errors import NotExpandable, UnknownDefinition
from terminology.filters import filtered
from terminology.indexing import texts_of
from terminology.large import Filter, LargeSystem, LargeSystems, Selection
from terminology.loading.release import Release
from terminology.systems import System
from terminology.words import is_found, words_of
from tests.databases import Databases
from tests.releases import release

URL = "https://example.org/large"
PROPERTIES = [
    {"code": "parent", "type": "code", "uri": "http://hl7.org/fhir/concept-properties#parent"},
    {"code": "child", "type": "code"},
    {"code": "inactive", "type": "boolean"},
    {"code": "colour", "type": "code"},
    {"code": "shape", "type": "string"},
    {"code": "ancestor", "type": "code"},
]


def concept(number: int) -> dict[str, Any]:
    """The nth of a hundred: below the one of a fifth of its number, every seventh also below the one before."""
    properties: list[dict[str, Any]] = [{"code": "inactive", "valueBoolean": number % 9 == 8}]
    if number:
        properties.append({"code": "parent", "valueCode": f"C{number // 5}"})
    if number % 7 == 6:
        properties.append({"code": "parent", "valueCode": f"C{number - 1}"})
    if number % 3:
        properties.append({"code": "colour", "valueCode": ("red", "green")[number % 2]})
    if number % 10 == 4:
        properties.append({"code": "shape", "valueString": "long " * 60 + str(number)})
    word = ("Insuffisance rénale", "Œdème du poumon", "Fracture", "Asthme")[number % 4]
    return {
        "code": f"C{number}",
        "display": f"{word} {number}",
        **({"definition": "said"} if number % 2 else {}),
        "designation": [{"language": "en", "value": ("kidney failure", "lung oedema")[number % 2]}],
        "property": properties,
    }


def tree(size: int = 100, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "CodeSystem",
        "url": URL,
        "version": "1",
        "title": "Hundred",
        "content": "complete",
        "caseSensitive": False,
        "property": PROPERTIES,
        "concept": [concept(number) for number in range(size)],
        **more,
    }


class Kept:
    """Code systems in a store, and how they come there."""

    def __init__(
        self, codes: LargeSystems, put: Callable[[Release], object], take: Callable[[str, str], object]
    ) -> None:
        self.codes = codes
        self.put = put
        self.take = take

    async def system(self) -> LargeSystem:
        found = await self.codes.open(URL)
        assert found is not None
        return found


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[LargeSystems]:
    pipeline = await Pipeline.open(url, options=PLANNER)
    yield PostgresCodes(pipeline.run, pipeline.run)
    await pipeline.close()


@pytest.fixture(params=["memory", "postgres"])
async def kept(request: pytest.FixtureRequest, databases: Databases) -> AsyncIterator[Kept]:
    if request.param == "memory":
        memory = MemoryCodes()
        yield Kept(memory, memory.load, memory.remove)
        return
    url = databases.create(template=request.getfixturevalue("migrated"))
    async with opened(url) as codes:
        yield Kept(codes, partial(load, url), partial(remove, url))
    databases.drop(url)


@pytest.fixture(scope="module")
def hundred_url(databases: Databases, migrated: str) -> Iterator[str]:
    """A database with the code system, that nobody changes."""
    url = databases.create(template=migrated)
    load(url, release(tree()))
    yield url
    databases.drop(url)


@pytest.fixture(params=["memory", "postgres"])
async def hundred(request: pytest.FixtureRequest) -> AsyncIterator[LargeSystem]:
    if request.param == "memory":
        memory = MemoryCodes()
        memory.load(release(tree()))
        yield await Kept(memory, memory.load, memory.remove).system()
        return
    async with opened(request.getfixturevalue("hundred_url")) as codes:
        found = await codes.open(URL)
        assert found is not None
        yield found


SMALL = System(tree())


@pytest.mark.parametrize(
    "filters",
    [
        (),
        (Filter("concept", "is-a", "C1"),),
        (Filter("concept", "is-a", "c99"),),
        (Filter("concept", "descendent-of", "C2"),),
        (Filter("concept", "is-not-a", "C1"),),
        (Filter("concept", "generalizes", "C97"),),
        (Filter("concept", "generalizes", "C0"),),
        (Filter("code", "=", "C4"),),
        (Filter("concept", "in", "C4, C5,C1000"),),
        (Filter("concept", "not-in", "C4,C5"),),
        (Filter("parent", "=", "C3"),),
        (Filter("parent", "in", "C3,C4"),),
        (Filter("child", "=", "C97"),),
        (Filter("child", "exists", "true"),),
        (Filter("parent", "exists", "false"),),
        (Filter("colour", "=", "red"),),
        (Filter("colour", "in", "red,green,blue"),),
        (Filter("colour", "not-in", "red"),),
        (Filter("colour", "exists", "false"),),
        (Filter("colour", "regex", "gr.*"),),
        (Filter("shape", "regex", ".*[12]4"),),
        (Filter("shape", "=", "long " * 60 + "14"),),
        (Filter("display", "=", "Fracture 2"),),
        (Filter("display", "regex", "Frac.*[02]"),),
        (Filter("definition", "exists", "true"),),
        (Filter("code", "regex", "C1.?"),),
        (Filter("code", "regex", "C1*"),),
        (Filter("code", "regex", "C12|C13"),),
        (Filter("code", "regex", "C[12]4?"),),
        (Filter("inactive", "=", "true"), Filter("concept", "is-a", "C3")),
        (
            Filter("colour", "=", "green"),
            Filter("concept", "descendent-of", "C1"),
            Filter("code", "regex", ".*7"),
        ),
    ],
)
async def test_filters_let_through_what_they_let_through_of_a_small_code_system(
    hundred: LargeSystem, filters: tuple[Filter, ...]
) -> None:
    page = await hundred.select([Selection(filters)], count=200)

    wanted = [one.code for one in filtered(SMALL, filters)]
    assert sorted(one.code for one in page.concepts) == sorted(wanted)
    assert page.total == len(wanted)
    codes = [f"C{number}" for number in range(0, 110, 3)]
    assert await hundred.within(codes, [Selection(filters)]) == set(codes) & set(wanted)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    include=st.lists(st.sampled_from("abcdef"), min_size=1, max_size=3),
    exclude=st.lists(st.sampled_from("abcdef"), max_size=2),
    text=st.sampled_from(["", "insuff", "REN 1", "oedeme lu", "fr", "C12", "c9", "a", "lung-oe", "zz"]),
    active=st.booleans(),
    offset=st.integers(0, 30),
)
async def test_components_texts_and_pages_come_together(
    hundred: LargeSystem, include: list[str], exclude: list[str], text: str, active: bool, offset: int
) -> None:
    named = {
        "a": (Filter("concept", "is-a", "C1"),),
        "b": (Filter("colour", "=", "red"),),
        "c": (Filter("colour", "exists", "false"), Filter("concept", "is-not-a", "C2")),
        "d": (),
        "e": (Filter("concept", "descendent-of", "C3"), Filter("code", "regex", ".*[1-4]")),
        "f": (Filter("concept", "in", "C1,C2,C30"),),
    }
    let_in = {one.code for name in include for one in filtered(SMALL, named[name])}
    kept_out = {one.code for name in exclude for one in filtered(SMALL, named[name])}
    wanted = [
        code
        for code, one in SMALL.concepts.items()
        if code in let_in - kept_out
        and not (active and one.inactive)
        and all(
            is_found(words_of(part), texts_of(one.tree))
            or (code.lower().startswith(part.lower()) if len(part) >= 4 else code.lower() == part.lower())
            for part in text.split()
        )
    ]

    page = await hundred.select(
        [Selection(named[name]) for name in include],
        [Selection(named[name]) for name in exclude],
        text=text,
        active_only=active,
        offset=offset,
        count=10,
    )

    assert [one.code for one in page.concepts] == wanted[offset : offset + 10]
    assert page.total == len(wanted)


async def test_codes_of_a_component_are_those_that_exist(hundred: LargeSystem) -> None:
    page = await hundred.select([Selection(codes=frozenset({"C5", "C3", "c4", "X"}))])

    assert [one.code for one in page.concepts] == ["C3", "C4", "C5"]


async def test_a_page_without_concepts_is_a_count(hundred: LargeSystem) -> None:
    page = await hundred.select(count=0)

    assert page == type(page)((), 100)


async def test_a_concept_is_found_however_it_is_written(hundred: LargeSystem) -> None:
    found = await hundred.find(["C8", "c9", "X"])

    assert {code: one.code for code, one in found.items()} == {"C8": "C8", "c9": "C9"}
    assert found["C8"].inactive
    assert found["c9"].display == "Œdème du poumon 9"
    assert dict(found["C8"].properties)["parent"] == ("C1",)


async def test_relatives_are_those_of_the_hierarchy(hundred: LargeSystem) -> None:
    above = await hundred.related("c97", "above")
    assert above[0] == "C97"
    assert set(above) == set(SMALL.above("C97"))
    below = await hundred.related("C2", "below")
    assert below[0] == "C2"
    assert set(below) == set(SMALL.below("C2"))
    assert await hundred.related("X", "above") == await hundred.related("X", "below") == []


@pytest.mark.parametrize(
    ("general", "special", "held"),
    [("C0", "C99", True), ("C99", "C99", True), ("C99", "C0", False), ("X", "X", False), ("C1", "c5", True)],
)
async def test_what_subsumes_what_is_known(
    hundred: LargeSystem, general: str, special: str, held: bool
) -> None:
    assert await hundred.subsumes(general, special) is held


@pytest.mark.parametrize(
    ("one", "reason"),
    [
        (Filter("concept", "is-a", "X"), "a concept that"),
        (Filter("colour", "is-a", "C1"), "not about the property"),
        (Filter("weight", "=", "1"), "no property 'weight'"),
        (Filter("colour", "exists", "perhaps"), "true or false"),
        (Filter("colour", "near", "1"), "not one of R4"),
        (Filter("code", "regex", "(a"), "cannot be understood"),
        (Filter("child", "regex", "C.*"), "'child'"),
    ],
)
async def test_a_filter_that_cannot_be_answered_is_refused(
    hundred: LargeSystem, one: Filter, reason: str
) -> None:
    with pytest.raises(NotExpandable, match=reason):
        await hundred.select([Selection((one,))])


async def test_a_regular_expression_on_too_many_codes_is_refused(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("terminology.selecting.MOST_JUDGED", 20)
    kept.put(release(tree()))
    system = await kept.system()

    with pytest.raises(NotExpandable, match="others must narrow it down"):
        await system.select([Selection((Filter("code", "regex", "C.*"),))])

    for narrowed in (
        (Filter("code", "regex", "C.*7"), Filter("concept", "is-a", "C5")),
        (Filter("code", "regex", "^C1.*"),),  # by how it begins
    ):
        assert (await system.select([Selection(narrowed)])).total == len(filtered(SMALL, narrowed))
    assert await system.within(["C1", "X"], [Selection((Filter("code", "regex", "C.*"),))]) == {"C1"}


async def test_the_newest_version_is_meant_unless_one_is_named(kept: Kept) -> None:
    for version in ("2.9", "2.10", "2.8"):
        kept.put(release(tree(2, version=version)))

    assert [one.version for one in await kept.codes.systems()] == ["2.10", "2.9", "2.8"]
    newest, named = await kept.codes.open(URL), await kept.codes.open(URL, "2.8")
    assert newest is not None
    assert named is not None
    assert (newest.summary.version, named.summary.version) == ("2.10", "2.8")
    assert await kept.codes.open(URL, "3") is None
    assert await kept.codes.open("https://example.org/other") is None


async def test_an_edition_of_snomed_is_its_newest_version(kept: Kept) -> None:
    base = "http://snomed.info/sct/11000315107"
    for version in (f"{base}/version/20230621", f"{base}/version/20240621"):
        kept.put(release(tree(2, url="http://snomed.info/sct", version=version)))

    found = await kept.codes.open("http://snomed.info/sct", base)

    assert found is not None
    assert found.summary.version.endswith("20240621")


async def test_members_of_a_reference_set_are_a_filter_of_snomed(kept: Kept) -> None:
    url = "http://snomed.info/sct"
    concepts = [{"code": "11", "property": [{"code": "refset", "valueCode": "99"}]}, {"code": "12"}]
    kept.put(release(tree(url=url, concept=concepts)))
    system = await kept.codes.open(url)
    assert system is not None

    page = await system.select([Selection((Filter("concept", "in", "99"),))])

    assert [one.code for one in page.concepts] == ["11"]
    with pytest.raises(NotExpandable, match="reference set"):
        await system.select([Selection((Filter("concept", "in", "12"),))])


async def test_ancestors_are_a_filter_where_the_code_system_says_so(hundred: LargeSystem) -> None:
    page = await hundred.select([Selection((Filter("ancestor", "=", "C3"),))], count=100)

    assert {one.code for one in page.concepts} == set(SMALL.below("C3")) - {"C3"}


async def test_what_was_opened_and_then_removed_is_not_known_any_more(kept: Kept) -> None:
    kept.put(release(tree()))
    system = await kept.system()
    await system.select([Selection((Filter("concept", "is-a", "C1"),))])

    kept.take(URL, "1")

    assert await kept.codes.open(URL) is None
    with pytest.raises(UnknownDefinition):
        await system.select([Selection((Filter("concept", "is-a", "C1"),))])
    with pytest.raises(UnknownDefinition):
        await system.find(["C1"])


async def test_another_release_of_a_version_takes_its_place(kept: Kept) -> None:
    kept.put(release(tree()))
    assert (await (await kept.system()).select(count=0)).total == 100

    kept.put(release(tree(50)))

    assert (await (await kept.system()).select(count=0)).total == 50
    assert [one.count for one in await kept.codes.systems()] == [50]


async def test_many_questions_at_once_have_their_own_answers(hundred: LargeSystem) -> None:
    filters = [Selection((Filter("concept", "is-a", f"C{number}"),)) for number in range(20)]

    pages = await asyncio.gather(*(hundred.select([one], count=0) for one in filters))

    assert [page.total for page in pages] == [len(SMALL.below(f"C{number}")) for number in range(20)]
