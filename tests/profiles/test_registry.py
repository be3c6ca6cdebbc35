"""Definitions by canonical URL: versions, precedence, and what is shipped."""

from __future__ import annotations

import sys
import time

import orjson
import pytest

from profiles import shipped
from profiles.registry import Entry, Registry, definition_in, order_of

URL = "https://example.org/StructureDefinition/a"


def entry(version: str = "", package: str = "one#1", *, url: str = URL, says: str = "") -> Entry:
    return Entry(
        "StructureDefinition", url, version, "a", package, lambda: orjson.dumps({"says": says or package})
    )


def says(registry: Registry, canonical: str) -> str | None:
    found = registry.find("StructureDefinition", canonical)
    return None if found is None else str(found["says"])


@pytest.mark.parametrize(
    ("asked", "version"),
    [
        (URL, "2.10.0"),
        (f"{URL}|2.2.0", "2.2.0"),
        (f"{URL}|2.2", "2.2.0"),
        (f"{URL}|2", "2.10.0"),
        (f"{URL}|2.1", "2.1.0"),
        (f"{URL}|3", None),
        (f"{URL}|2.1.0.0", None),
        (f"{URL}/b", None),
    ],
)
def test_a_canonical_finds_its_version_or_the_newest(asked: str, version: str | None) -> None:
    registry = Registry([[entry("2.2.0"), entry("2.10.0"), entry("2.1.0"), entry("2.10.0-ballot")]])

    found = registry.entry("StructureDefinition", asked)

    assert (found.version if found else None) == version


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("1.50", 1.5),
        ("1e400", sys.float_info.max),
        ("-1e400", -sys.float_info.max),
        ("1" * 400, int("1" * 400)),
    ],
)
def test_a_definition_may_hold_numbers_beyond_a_float(written: str, read: float) -> None:
    assert definition_in(b'{"a": [%s]}' % written.encode()) == {"a": [read]}


def test_versions_sort_as_people_count() -> None:
    ordered = ["", "1.0.0-draft", "1.0.0-snapshot-2", "1.0.0-snapshot-10", "1.0.0", "1.0.1", "1.10", "2.0.x"]

    backward = ordered[::-1]

    assert sorted(backward, key=order_of) == ordered


def test_a_later_layer_wins_where_both_have_the_same_version() -> None:
    registry = Registry([[entry("1"), entry("2")], [entry("1", "two#1")]])

    assert says(registry, f"{URL}|1") == "two#1"
    assert says(registry, URL) == says(registry, f"{URL}|2") == "one#1"


def test_what_stands_over_a_registry_adds_versions_and_replaces_them() -> None:
    below = Registry([[entry("1"), entry("2"), entry("1", url=f"{URL}b")]])

    registry = below.over([entry("2", "two#1"), entry("3", "two#1")])

    assert [says(registry, f"{URL}|{version}") for version in "123"] == ["one#1", "two#1", "two#1"]
    assert registry.versions("StructureDefinition", URL) == ("1", "2", "3")
    assert says(registry, f"{URL}b") == "one#1"
    assert len(list(registry.entries("StructureDefinition"))) == 4
    assert below.versions("StructureDefinition", URL) == ("1", "2")


def test_r4_s_own_version_is_the_oldest_whatever_its_number() -> None:
    registry = Registry(
        [[entry("4.0.1", "hl7.fhir.r4.core#4.0.1")], [entry("1.0.0", "hl7.terminology#6.2.0")]]
    )

    assert says(registry, URL) == "hl7.terminology#6.2.0"
    assert says(registry, f"{URL}|4.0.1") == "hl7.fhir.r4.core#4.0.1"


def test_what_has_no_version_is_found_exactly_by_none() -> None:
    registry = Registry([[entry(""), entry("1")]])

    unversioned = registry.exactly("StructureDefinition", URL, "")

    assert unversioned is not None
    assert unversioned.canonical == URL
    assert registry.entry("StructureDefinition", URL) != unversioned


def test_a_definition_is_parsed_once_also_when_more_is_known() -> None:
    registry = Registry([[entry("1")]])

    first = registry.find("StructureDefinition", URL)

    assert registry.over([entry("1", url=f"{URL}b")]).find("StructureDefinition", URL) is first


@pytest.mark.parametrize("package", shipped.packages())
def test_the_index_of_a_shipped_package_tells_the_truth(package: str) -> None:
    for listed in shipped.entries(package):
        tree = orjson.loads(listed.body())
        said = tree["resourceType"], tree["url"], tree.get("version", ""), tree["id"]
        assert said == (listed.kind, listed.url, listed.version, listed.id)


def test_a_shipped_package_opens_without_reading_its_definitions() -> None:
    list(shipped.entries("hl7.fhir.r4.core"))  # the archive itself is opened once
    start = time.perf_counter()

    registry = Registry([shipped.entries("hl7.fhir.r4.core")])

    assert (
        len(registry.versions("StructureDefinition", "http://hl7.org/fhir/StructureDefinition/Patient")) == 1
    )
    assert time.perf_counter() - start < 0.5  # tens of milliseconds; this is for busy machines
