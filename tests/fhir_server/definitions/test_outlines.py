"""A list of elements becomes a tree, by id where it tells and by order where it does not, and a list again."""

from __future__ import annotations

from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_server.definitions.outlines import (
    MAX_DEPTH,
    MAX_ELEMENTS,
    BadDefinition,
    Outline,
    choice_for,
    elements_of,
    find_slice,
    outline_of,
    slice_of,
    steps_of,
)
from fhir_server.kernel.wire import Tree
from tests.small_profiles import element
from tests.small_profiles import slice_of as sliced


def ways(*elements: Tree) -> list[str]:
    """The way to each element, as an id would say it."""
    return [
        ".".join(f"{name}:{part}" if part else name for name, part in steps)
        for steps, _ in steps_of(elements)
    ]


@pytest.mark.parametrize(
    ("said", "way"),
    [
        (element("P.name", id="P.name"), "P.name"),
        (sliced("P.name", "a", id="P.name:a"), "P.name:a"),
        (element("P.name.use", id="P.name:b.use"), "P.name:b.use"),
        (sliced("P.name", "a/b", id="P.name:a/b"), "P.name:a/b"),
        (sliced("P.name", "b", id="P.name:a"), "P.name:b"),  # the slice name is another
        (element("P.name", id="P.name:a"), "P.name"),  # no slice name
        (element("P.name.use", id="P.names.use"), "P.name:a.use"),  # another path
        (element("P.name.use", id=7), "P.name:a.use"),
    ],
)
def test_the_id_tells_the_way_where_it_fits_path_and_slice_name(said: Tree, way: str) -> None:
    assert ways(element("P"), sliced("P.name", "a"), said)[-1] == way


def test_without_ids_a_slice_holds_on_as_far_as_the_paths_are_the_same() -> None:
    found = ways(
        element("P"),
        element("P.name"),
        element("P.name.use"),
        sliced("P.name", "a"),
        element("P.name.use"),
        sliced("P.name.use", "b"),
        element("P.name.use.id"),
        element("P.name.text.id"),
        sliced("P.name", "a/c"),
        element("P.name.use"),
        element("P.names.use"),
    )

    assert found == [
        "P",
        "P.name",
        "P.name.use",
        "P.name:a",
        "P.name:a.use",
        "P.name:a.use:b",
        "P.name:a.use:b.id",
        "P.name:a.text.id",
        "P.name:a/c",
        "P.name:a/c.use",
        "P.names.use",
    ]


@pytest.mark.parametrize("bad", [{}, {"path": ""}, {"path": 7}, {"id": "P.name"}])
def test_an_element_without_path_is_refused(bad: Tree) -> None:
    with pytest.raises(BadDefinition, match="no path"):
        ways(element("P"), bad)


def test_elements_nest_to_a_depth_and_no_deeper() -> None:
    assert len(ways(element(".".join("a" * MAX_DEPTH)))) == 1

    with pytest.raises(BadDefinition, match="nest deeper") as caught:
        ways(element(".".join("a" * (MAX_DEPTH + 1))))
    assert caught.value.code == "too-costly"


def test_a_snapshot_has_elements_and_not_too_many() -> None:
    with pytest.raises(BadDefinition, match="no elements"):
        outline_of([])
    most = [element("P"), *[element("P.a")] * (MAX_ELEMENTS - 1)]
    assert outline_of(most).size() == 2
    with pytest.raises(BadDefinition, match="more than") as caught:
        outline_of([*most, element("P.a")])
    assert caught.value.code == "too-costly"


@pytest.mark.parametrize("second", [element("P"), element("Q"), element("Q.a")])
def test_a_snapshot_has_one_root(second: Tree) -> None:
    with pytest.raises(BadDefinition, match="two roots"):
        outline_of([element("P"), element("P.a"), second])


def test_what_is_only_passed_on_the_way_is_there_with_nothing_said_of_it() -> None:
    root = outline_of([element("P"), element("P.name.use", id="P.name:a.use", min=1)])

    name = root.child("name")
    assert name is not None
    assert (name.own, name.children) == ({}, [])
    [found] = name.slices
    assert (found.slice, found.own) == ("a", {})
    assert [child.own["min"] for child in found.children] == [1]
    assert root.child("use") is None


CHOICE: Final = [
    element("O"),
    element("O.value[x]", type=[{"code": "Quantity"}, {"code": "dateTime"}, {}]),
    element("O.valueSet"),
]


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("valueQuantity", "value[x]"),
        ("valueDateTime", "value[x]"),
        ("valuedateTime", None),  # not capitalised
        ("valueString", None),  # no type of this choice
        ("valueSet", None),  # an element that begins alike
        ("value", None),
        ("value[x]", None),
        ("otherQuantity", None),
    ],
)
def test_an_alternative_belongs_to_the_choice_that_has_its_type(name: str, found: str | None) -> None:
    choice = choice_for(outline_of(CHOICE), name)

    assert (choice and choice.name) == found


def test_a_slice_that_is_called_like_an_alternative_hangs_on_the_choice() -> None:
    root = outline_of([*CHOICE, sliced("O.valueQuantity", "valueQuantity", min=1)])

    choice = root.child("value[x]")
    assert choice is not None
    assert [(one.name, one.slice, one.own["min"]) for one in choice.slices] == [
        ("value[x]", "valueQuantity", 1)
    ]
    assert root.child("valueQuantity") is None


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["a", "a/b", "a/b/c"], ["a", "  a/b", "    a/b/c"]),
        (["a", "ab", "a/b"], ["a", "  a/b", "ab"]),
        (["a/b/c"], ["a/b/c"]),  # nothing holds it
        (["a", "a/b/c", "a/b/c"], ["a", "  a/b/c"]),  # not the one directly above
        (["a", "a", "a/b", "a/b"], ["a", "  a/b"]),
    ],
)
def test_a_slice_of_a_slice_is_made_in_its_holder_and_once(names: list[str], found: list[str]) -> None:
    def written(part: Outline, depth: int) -> list[str]:
        return [line for one in part.slices for line in ("  " * depth + one.slice, *written(one, depth + 1))]

    part = Outline("name", "", {})

    made = [slice_of(part, name) for name in names]

    assert written(part, 0) == found
    assert all(find_slice(part, name) is one for name, one in zip(names, made, strict=True))
    assert find_slice(part, "a/b/x") is None


@st.composite
def outlines(draw: st.DrawFn, name: str = "Root", slice: str = "", depth: int = 3) -> Outline:
    """Trees as a snapshot may have them: the root has no slices, and a slice is called as such."""
    own = {"sliceName": slice} if slice else {"min": draw(st.integers(0, 2))}
    few = st.lists(st.sampled_from("abc"), unique=True, max_size=2)
    children = draw(few) if depth else []
    endings = draw(few) if depth and name != "Root" else []
    return Outline(
        name,
        slice,
        own,
        [draw(outlines(child, "", depth - 1)) for child in children],
        [draw(outlines(name, f"{slice}/{one}" if slice else one, depth - 1)) for one in endings],
    )


@given(outlines())
def test_a_tree_that_is_written_is_read_as_it_was_by_id_or_by_order(root: Outline) -> None:
    written = elements_of(root)
    nameless = [{key: value for key, value in one.items() if key != "id"} for one in written]

    assert elements_of(outline_of(written)) == written
    assert elements_of(outline_of(nameless)) == written
    assert len({one["id"] for one in written}) == len(written) == root.size()


@given(outlines())
def test_a_copy_says_the_same_and_is_changed_alone(root: Outline) -> None:
    written = elements_of(root)

    other = root.copy()
    assert other == root
    for part in (other, *other.children):
        part.own["min"] = 9
        part.slices.append(Outline(part.name, "new", {}))
    other.children.clear()

    assert elements_of(root) == written
