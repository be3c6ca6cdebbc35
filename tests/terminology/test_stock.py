"""R4's own terminology, as it is shipped, and definitions that come over it."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from fhir_server.definitions.catalogue import required_codes
from fhir_server.definitions.packaged import SHIPPED
from profiles.registry import Entry
from terminology.expansion import expand
from terminology.library import Library
from terminology.stock import Stock, Systems, stock_of
from terminology.systems import System

GENDER = "http://hl7.org/fhir/ValueSet/administrative-gender"
GENDERS = "http://hl7.org/fhir/administrative-gender"
STOCK = stock_of(SHIPPED)


def over(*trees: dict[str, Any], package: str = "") -> Stock:
    """What is shipped, with these over it."""
    return Stock(
        SHIPPED.over(
            Entry(
                tree["resourceType"],
                tree["url"],
                tree.get("version", ""),
                "x",
                package,
                lambda tree=tree: orjson.dumps(tree),
            )
            for tree in trees
        )
    )


def supplement(**elements: Any) -> dict[str, Any]:
    return {
        "resourceType": "CodeSystem",
        "url": "http://example.org/french",
        "content": "supplement",
        "supplements": GENDERS,
        "property": [{"code": "short", "type": "string"}],
        "concept": [
            {
                "code": "female",
                "designation": [{"language": "fr", "value": "femme"}],
                "property": [{"code": "short", "valueString": "F"}],
            },
            {"code": "invented", "designation": [{"language": "fr", "value": "rien"}]},
        ],
        **elements,
    }


@pytest.mark.parametrize("canonical", [GENDER, f"{GENDER}|4.0.1", f"{GENDER}|4.0"])
def test_a_value_set_is_found_by_its_canonical_url(canonical: str) -> None:
    found = STOCK.find("ValueSet", canonical)

    assert found is not None
    assert found["id"] == "administrative-gender"


@pytest.mark.parametrize("canonical", ["", "http://example.org", f"{GENDER}|3.0.1", f"{GENDER}/"])
def test_another_url_or_version_is_not_found(canonical: str) -> None:
    assert STOCK.find("ValueSet", canonical) is None
    assert STOCK.system(canonical) is None


@pytest.mark.parametrize(
    "url",
    [
        GENDERS,
        "http://terminology.hl7.org/CodeSystem/v2-0131",
        "http://terminology.hl7.org/CodeSystem/v3-ActCode",
        "http://terminology.hl7.org/CodeSystem/modifiers",  # stands in a file of another name
    ],
)
def test_code_systems_of_fhir_v2_and_v3_are_there(url: str) -> None:
    found = STOCK.system(url)

    assert found is not None
    assert found.url == url
    assert found.concepts


def test_a_hierarchy_of_v3_is_followed() -> None:
    found = STOCK.system("http://terminology.hl7.org/CodeSystem/v3-ActMood")

    assert found is not None
    assert "EVN" in found.below("_ActMoodPredicate") or "EVN" in found.below("_ActMoodCompletionTrack")
    assert "_ActMoodPredicate" in found.above("EVN.CRT")


@pytest.mark.parametrize("url", sorted(required_codes()))
def test_our_expansion_of_a_required_binding_is_that_of_the_specification(url: str) -> None:
    tree = STOCK.find("ValueSet", url.partition("|")[0])
    assert tree is not None

    found: dict[str, set[str]] = {}
    for system, code in expand(tree, Library(STOCK)).pairs():
        found.setdefault(system, set()).add(code)

    assert found == {system: set(codes) for system, codes in required_codes()[url].items()}


def test_a_supplement_adds_designations_and_properties_but_no_concepts() -> None:
    found = over(supplement()).system(GENDERS)

    assert isinstance(found, System)
    female = found.concepts["female"]
    assert [one["value"] for one in female.designations] == ["femme"]
    assert female.properties["short"] == ("F",)
    assert "invented" not in found.concepts
    assert found.supplements == ("http://example.org/french",)


def test_a_supplement_of_another_version_adds_nothing() -> None:
    found = over(supplement(supplements=f"{GENDERS}|9")).system(GENDERS)

    assert found is not None
    assert not found.concepts["female"].designations


def test_a_supplement_is_no_code_system() -> None:
    assert over(supplement()).system("http://example.org/french") is None


def test_what_was_uploaded_comes_before_a_newer_package() -> None:
    tree = {"resourceType": "ValueSet", "url": GENDER, "version": "1", "id": "mine"}

    found = over(tree).find("ValueSet", GENDER)

    assert found is not None
    assert found["id"] == "mine"


def test_the_value_set_of_all_codes_is_found_by_the_url_that_a_code_system_gives() -> None:
    whole = {"resourceType": "CodeSystem", "url": "urn:whole", "version": "2", "valueSet": "urn:all"}

    assert over(whole).whole("urn:all") == ("urn:whole", "2")
    assert Library(over(whole)).value_set("urn:all")["compose"] == {
        "include": [{"system": "urn:whole", "version": "2"}]
    }


def test_a_registry_has_one_stock() -> None:
    assert stock_of(SHIPPED) is STOCK


def test_compiled_code_systems_are_kept_as_far_as_their_concepts_go() -> None:
    def entry(name: str, concepts: int) -> Entry:
        codes = [{"code": str(number)} for number in range(concepts)]
        body = orjson.dumps(
            {"resourceType": "CodeSystem", "url": name, "content": "complete", "concept": codes}
        )
        return Entry("CodeSystem", name, "", "x", "", lambda: body)

    systems = Systems(most=100)
    small, middle, large = entry("urn:small", 10), entry("urn:middle", 60), entry("urn:large", 500)
    first, second = systems.of(small, ()), systems.of(middle, ())

    assert systems.of(small, ()) is first
    assert systems.of(middle, ()) is second
    alone = systems.of(large, ())
    assert systems.of(large, ()) is alone
    assert systems.of(middle, ()) is not second
