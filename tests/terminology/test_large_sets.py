"""Value sets over code systems in the database: paged there, and asked in one go."""

from __future__ import annotations

from typing import Any

import pytest

from terminology.codes import KnownCodes
from terminology.desk import answered
from terminology.errors import NoAnswer, TooManyCodes
from terminology.expanding import Asked, expanded
from terminology.library import Library
from terminology.membership import Code, Held
from terminology.stock import Stock
from terminology.validation import in_value_set
from tests.terminology.making import Tree, library_of, loaded, registry_of, system, value_set

BIG = "http://example.org/big"
SMALL = "http://example.org/small"
SET = "http://example.org/set"
COUNT = 12_000

LARGE = loaded(
    BIG,
    [
        {
            "code": f"b{number}",
            "display": f"Concept {number}",
            "property": [{"code": "parent", "valueCode": f"b{number // 100}"}] if number else [],
        }
        for number in range(COUNT)
    ],
    caseSensitive=True,
    property=[{"code": "parent", "type": "code"}],
)
ALL: Tree = {"system": BIG}
BELOW: Tree = {"system": BIG, "filter": [{"property": "concept", "op": "is-a", "value": "b77"}]}


async def expansion_of(tree: Tree, library: Library, asked: Asked) -> Any:
    answer = await answered(
        lambda: expanded(tree, library, asked, said=(), stamp="2024-01-01T00:00:00Z", urn="urn:uuid:x"),
        library.desk,
    )
    return answer["expansion"]


def codes_in(expansion: Any) -> list[str]:
    return [one["code"] for one in expansion.get("contains", ())]


@pytest.mark.parametrize(
    ("tree", "asked", "found", "total"),
    [
        (value_set(SET, ALL), Asked(count=2), ["b0", "b1"], COUNT),
        (value_set(SET, ALL), Asked(offset=COUNT - 1, count=5), [f"b{COUNT - 1}"], COUNT),
        (value_set(SET, ALL), Asked(count=0), [], COUNT),
        (value_set(SET, {"system": SMALL}, ALL), Asked(offset=1, count=3), ["y", "b0", "b1"], COUNT + 2),
        (value_set(SET, ALL, {"system": SMALL}), Asked(offset=COUNT, count=3), ["x", "y"], COUNT + 2),
        (
            value_set(SET, ALL, compose={"include": [ALL], "exclude": [BELOW]}),
            Asked(offset=76, count=2),
            ["b76", "b78"],
            COUNT - 101,
        ),
        (value_set(SET, {"valueSet": [f"{SET}/inner"]}), Asked(count=1), ["b0"], COUNT),
        (
            value_set(SET, {**ALL, "concept": [{"code": "b5"}, {"code": "b7"}]}),
            Asked(count=9),
            ["b5", "b7"],
            2,
        ),
        (value_set(SET, ALL), Asked(text="concept 1199", count=2), ["b1199", "b11990"], 11),
        (value_set(SET, BELOW), Asked(offset=100, count=5), ["b7799"], 101),
        (
            value_set(SET, {**ALL, "valueSet": [f"{SET}/few"]}),
            Asked(count=9),
            [],
            0,
        ),
    ],
)
async def test_a_page_is_read_where_the_codes_are(
    tree: Tree, asked: Asked, found: list[str], total: int
) -> None:
    library = library_of(
        system(SMALL, "x", "y"),
        value_set(f"{SET}/inner", ALL),
        value_set(f"{SET}/few", {"system": SMALL}),
        large=LARGE,
    )
    if "valueSet" in tree["compose"]["include"][0] and "system" in tree["compose"]["include"][0]:
        with pytest.raises(
            TooManyCodes
        ):  # what a value set and a large system have in common is not looked for
            await expansion_of(tree, library, Asked())
        return

    expansion = await expansion_of(tree, library, asked)

    assert codes_in(expansion) == found
    assert expansion["total"] == total


async def test_all_of_a_large_system_at_once_is_too_costly() -> None:
    with pytest.raises(TooManyCodes):
        await expansion_of(value_set(SET, ALL), library_of(large=LARGE), Asked())


async def test_a_loaded_system_comes_before_a_part_that_is_shipped() -> None:
    library = library_of(system(BIG, "old", content="fragment"), large=LARGE)

    assert codes_in(await expansion_of(value_set(SET, ALL), library, Asked(count=1))) == ["b0"]


@pytest.mark.parametrize(
    ("include", "code", "held"),
    [
        (ALL, "b7", Held.YES),
        (ALL, "none", Held.NO),
        (BELOW, "b7701", Held.YES),
        (BELOW, "b7801", Held.NO),
        ({"system": "http://example.org/unheard"}, "b7", Held.NO),
    ],
)
async def test_codes_are_told_after_one_look(include: Tree, code: str, held: Held) -> None:
    codes = KnownCodes(Stock(registry_of(value_set(SET, include))), LARGE)
    asked = Code(BIG, code)

    rounds = 0
    while (answer := codes.within(SET, asked)) is Held.LATER:
        assert codes.pending
        await codes.settle()
        rounds += 1

    assert answer is held
    assert not codes.pending
    assert rounds <= 3


async def test_everything_about_a_code_may_have_to_be_looked_up() -> None:
    codes = KnownCodes(Stock(registry_of()), LARGE)
    one, other = Code(BIG, "b77"), Code(BIG, "b7701")

    assert codes.known(one) is Held.LATER
    assert codes.displays(one) is None
    assert codes.subsumes(one, other) is codes.subsumes(other, one) is Held.LATER
    while codes.pending:
        await codes.settle()
        told = codes.known(one), codes.subsumes(one, other), codes.subsumes(other, one)

    assert told == (Held.YES, Held.YES, Held.NO)
    assert codes.displays(one) == frozenset({"Concept 77"})


async def test_a_code_is_validated_where_it_is_large() -> None:
    library = library_of(large=LARGE)
    tree = value_set(SET, BELOW)

    async def told(code: str, display: str = "") -> bool:
        codes = [Code(BIG, code, display=display)]
        return (await answered(lambda: in_value_set(tree, codes, library), library.desk)).result

    assert await told("b7701")
    assert await told("b7701", "concept  7701")
    assert not await told("b7701", "Concept 1")
    assert not await told("b1")


async def test_a_filter_that_the_database_cannot_answer_says_why() -> None:
    tree = value_set(SET, {"system": BIG, "filter": [{"property": "colour", "op": "=", "value": "red"}]})

    with pytest.raises(NoAnswer, match="colour"):
        await expansion_of(tree, library_of(large=LARGE), Asked(count=1))
