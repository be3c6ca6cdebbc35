"""R4's own terminology, as it is shipped."""

from __future__ import annotations

from typing import Any

import pytest

from fhir_server.definitions.catalogue import required_codes
from terminology import sources
from terminology.expansion import expand
from terminology.systems import System

GENDER = "http://hl7.org/fhir/ValueSet/administrative-gender"


class Shipped:
    async def value_set(self, canonical: str) -> Any:
        return sources.value_set(canonical)

    async def code_system(self, canonical: str) -> System | None:
        return sources.code_system(canonical)


@pytest.mark.parametrize("canonical", [GENDER, f"{GENDER}|4.0.1"])
def test_a_value_set_is_found_by_its_canonical_url(canonical: str) -> None:
    found = sources.value_set(canonical)

    assert found is not None
    assert found["id"] == "administrative-gender"


@pytest.mark.parametrize("canonical", ["", "http://example.org", f"{GENDER}|3.0.1", f"{GENDER}/"])
def test_another_url_or_version_is_not_found(canonical: str) -> None:
    assert sources.value_set(canonical) is None
    assert sources.code_system(canonical) is None


@pytest.mark.parametrize(
    "url",
    [
        "http://hl7.org/fhir/administrative-gender",
        "http://terminology.hl7.org/CodeSystem/v2-0131",
        "http://terminology.hl7.org/CodeSystem/v3-ActCode",
        "http://terminology.hl7.org/CodeSystem/modifiers",  # stands in a file of another name
    ],
)
def test_code_systems_of_fhir_v2_and_v3_are_there(url: str) -> None:
    found = sources.code_system(url)

    assert found is not None
    assert found.url == url
    assert found.concepts


def test_a_hierarchy_of_v3_is_followed() -> None:
    found = sources.code_system("http://terminology.hl7.org/CodeSystem/v3-ActMood")

    assert found is not None
    assert "EVN" in found.below("_ActMoodPredicate") or "EVN" in found.below("_ActMoodCompletionTrack")
    assert "_ActMoodPredicate" in found.above("EVN.CRT")


@pytest.mark.parametrize("url", sorted(required_codes()))
async def test_our_expansion_of_a_required_binding_is_that_of_the_specification(url: str) -> None:
    tree = sources.value_set(url.partition("|")[0])
    assert tree is not None

    found: dict[str, set[str]] = {}
    for system, code in (await expand(tree, Shipped())).pairs():
        found.setdefault(system, set()).add(code)

    assert found == {system: set(codes) for system, codes in required_codes()[url].items()}
