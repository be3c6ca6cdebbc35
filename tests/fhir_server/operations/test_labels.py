"""https://hl7.org/fhir/R4/resource-operation-meta-add.html"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fhir_server.kernel.wire import Tree
from fhir_server.operations.labels import united, with_labels, without_labels

CODINGS = st.fixed_dictionaries(
    {"code": st.sampled_from("abc")},
    optional={"system": st.sampled_from(["urn:a", "urn:b"]), "display": st.text(min_size=1, max_size=3)},
)
METAS = st.fixed_dictionaries(
    {"versionId": st.just("1")},
    optional={
        "profile": st.lists(
            st.sampled_from(["urn:p", "urn:q|1", "urn:q|2"]), min_size=1, max_size=3, unique=True
        ),
        "tag": st.lists(CODINGS, min_size=1, max_size=3),
        "security": st.lists(CODINGS, min_size=1, max_size=3),
    },
)


def identities(meta: Tree, name: str) -> set[object]:
    return {
        item if isinstance(item, str) else (item.get("system"), item["code"]) for item in meta.get(name, ())
    }


@given(METAS, METAS)
def test_adding_is_the_union_of_sets(one: Tree, other: Tree) -> None:
    both = with_labels(one, other)

    for name in ("profile", "tag", "security"):
        assert identities(both, name) == identities(one, name) | identities(other, name)
        assert both.get(name, [])[: len(one.get(name, []))] == one.get(name, [])
    assert with_labels(both, other) == both


@given(METAS, METAS)
def test_deleting_is_the_difference_of_sets(one: Tree, other: Tree) -> None:
    rest = without_labels(one, other)

    for name in ("profile", "tag", "security"):
        assert identities(rest, name) == identities(one, name) - identities(other, name)
        assert rest.get(name) != []
    assert rest["versionId"] == "1"


def test_version_and_display_are_no_part_of_what_a_tag_is() -> None:
    known = {"tag": [{"system": "urn:s", "code": "c", "display": "old", "version": "1"}]}
    same = {"tag": [{"system": "urn:s", "code": "c", "display": "new", "version": "2"}]}

    assert with_labels(known, same) == known
    assert without_labels(known, same) == {}


def test_a_tag_of_another_system_or_of_none_is_another_tag() -> None:
    known = {"tag": [{"code": "c"}]}

    assert len(with_labels(known, {"tag": [{"system": "urn:s", "code": "c"}]})["tag"]) == 2


@given(st.lists(METAS, max_size=4))
def test_a_union_says_each_label_once_and_nothing_else(metas: list[Tree]) -> None:
    found = united(metas)

    assert found.keys() <= {"profile", "security", "tag"}
    for name, items in found.items():
        assert len(items) == len(identities(found, name))


def test_extensions_of_profiles_stay_beside_their_own() -> None:
    first, last = ({"extension": [{"url": "urn:x", "valueCode": code}]} for code in "ab")
    meta = {"profile": ["urn:p", None, "urn:q"], "_profile": [first, last, None]}

    assert with_labels(meta, {"profile": ["urn:r"]}) == {**meta, "profile": ["urn:p", None, "urn:q", "urn:r"]}
    assert without_labels(meta, {"profile": ["urn:p"]}) == {
        "profile": [None, "urn:q"],
        "_profile": [last, None],
    }
    assert without_labels(meta, {"profile": ["urn:p", "urn:q"]}) == {"_profile": [last]}
