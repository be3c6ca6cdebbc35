"""What packages have, and what may be said beside it."""

from __future__ import annotations

import orjson
import pytest

from fhir_server.definitions.catalogue import resource_types, structure
from fhir_server.definitions.packaged import CANONICAL, KINDS, SHIPPED, Packaged, is_core, key_of
from fhir_server.kernel.keys import Key, is_id
from fhir_server.kernel.wire import Tree, decode
from profiles.registry import Entry, Registry

TREE: Tree = {
    "resourceType": "ConceptMap",
    "id": "a",
    "url": "https://example.org/ConceptMap/a",
    "version": "1",
    "extension": [{"url": "https://example.org/x", "valueDecimal": 1.10}],
}


def entry(tree: Tree = TREE, package: str = "example.one#1.0.0", id: str = "a") -> Entry:
    text = orjson.dumps(tree)
    return Entry(tree["resourceType"], tree["url"], tree.get("version", ""), id, package, lambda: text)


def test_what_packages_bring_has_a_canonical_url_in_r4() -> None:
    not_canonical = {"Contract", "Device", "DeviceDefinition"}  # their `url` is another thing
    with_url = {
        name
        for name in resource_types()
        if any(element["path"] == f"{name}.url" for element in structure(name)["snapshot"]["element"])
    }

    assert with_url - not_canonical == CANONICAL
    assert KINDS <= CANONICAL


def test_a_copy_may_differ_in_what_belongs_to_the_copy() -> None:
    packaged = Packaged(Registry([[entry()]]))
    copy = {**TREE, "id": "b", "meta": {"versionId": "7"}, "text": {"status": "empty"}}

    assert packaged.taken(decode(orjson.dumps(copy))) is None


@pytest.mark.parametrize(
    ("changes", "taken"),
    [
        ({"title": "x"}, True),
        ({"extension": [{"url": "https://example.org/x", "valueDecimal": 1.2}]}, True),
        ({"title": "x", "version": "2"}, False),
        ({"title": "x", "version": 1}, False),
        ({"title": "x", "url": "https://example.org/ConceptMap/b"}, False),
        ({"title": "x", "resourceType": "ValueSet"}, False),
    ],
)
def test_another_definition_of_the_same_canonical_and_version_is_a_clash(
    changes: Tree, *, taken: bool
) -> None:
    packaged = Packaged(Registry([[entry()]]))

    assert (packaged.taken(decode(orjson.dumps({**TREE, **changes}))) is not None) is taken


def test_the_key_of_a_packaged_definition_says_where_it_is_from() -> None:
    assert key_of(entry()) == Key("ConceptMap", "example.one-1.0.0-a")


def test_a_key_that_would_be_too_long_stays_unique() -> None:
    keys = {key_of(entry(id=f"{'a' * 60}{number}")) for number in range(10)}

    assert len(keys) == 10
    assert all(is_id(key.id) for key in keys)


def test_what_is_shipped_is_r4_s_own_and_ours() -> None:
    found = SHIPPED.find("StructureDefinition", "http://hl7.org/fhir/StructureDefinition/Patient")

    assert found is not None
    assert found["version"] == "4.0.1"
    assert {is_core(one) for one in SHIPPED.entries("ValueSet")} == {True, False}
