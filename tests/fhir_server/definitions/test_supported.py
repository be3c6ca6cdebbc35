"""A type's supported profiles: what constrains resources of it, once each, and nothing that R4 itself publishes."""

from __future__ import annotations

from typing import Any

import pytest

from fhir_server.definitions.supported import supported_profiles
from fhir_server.kernel.wire import Tree
from profiles import R4_CORE
from profiles.registry import Registry
from tests.small_profiles import OWN, entry_of, extension, profile


def registry(*definitions: Tree) -> Registry:
    return Registry([map(entry_of, definitions)])


def test_profiles_stand_by_type_and_in_order() -> None:
    found = supported_profiles(
        registry(profile("b", "Patient"), profile("c", "Observation"), profile("a", "Patient"))
    )

    assert found == {"Patient": (OWN + "a", OWN + "b"), "Observation": (OWN + "c",)}


def test_a_profile_of_several_versions_is_listed_once_and_without_one() -> None:
    versions = [profile("a", "Patient", version=version) for version in ("1.0.0", "2.0.0")]

    assert supported_profiles(registry(*versions)) == {"Patient": (OWN + "a",)}


@pytest.mark.parametrize(
    "head",
    [
        pytest.param({"kind": "complex-type"}, id="a profile of a datatype"),
        pytest.param({"kind": "logical"}, id="a logical model"),
        pytest.param({"derivation": "specialization"}, id="a type of resources"),
        pytest.param({"derivation": None}, id="one that derives from nothing"),
        pytest.param({"resourceType": "ValueSet"}, id="another definition"),
    ],
)
def test_what_is_no_profile_of_a_resource_is_left_out(head: dict[str, Any]) -> None:
    assert supported_profiles(registry(profile("a", "Patient", **head))) == {}


def test_an_extension_is_left_out() -> None:
    assert supported_profiles(registry(extension("e"), profile("a", "Patient"))) == {"Patient": (OWN + "a",)}


@pytest.mark.parametrize(
    ("package", "listed"),
    [(f"{R4_CORE}#4.0.1", False), (f"{R4_CORE}.more#1.0.0", True), ("example.one#1.0.0", True), ("", True)],
)
def test_r4s_own_are_left_out_by_their_package(package: str, *, listed: bool) -> None:
    entry = entry_of(profile("a", "Patient"))._replace(package=package)

    assert supported_profiles(Registry([[entry]])) == ({"Patient": (OWN + "a",)} if listed else {})


def test_what_is_installed_later_is_another_list() -> None:
    before = registry(profile("a", "Patient"))
    assert supported_profiles(before) == {"Patient": (OWN + "a",)}

    after = before.over([entry_of(profile("b", "Patient"))])

    assert supported_profiles(after) == {"Patient": (OWN + "a", OWN + "b")}
    assert supported_profiles(before) == {"Patient": (OWN + "a",)}
