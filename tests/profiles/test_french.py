"""What we restate of the French guides, beside what they published."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import profiles
from fhir_server.definitions.catalogue import national_search_parameters
from fhir_server.definitions.parameters import CORE, is_r4
from fhir_server.search.custom import require_admissible
from fhir_server.search.writers import is_indexed
from fhir_server.validation.validator import check
from tools.restate_fr import RESTATED, definition_of, members

PUBLISHED = Path(__file__).parents[2] / "../shared/fhir-fr/definitions"
OURS = {definition["url"]: definition for definition in national_search_parameters()}
# Said better than published, or with other blanks: `tools/restate_fr.py` says which.
BETTER = {"as-sp-insee-code", "as-sp-organization-period", "as-sp-pharmacy-licence", "PDSm-List-authorOrg"}


def published() -> list[dict[str, Any]]:
    if not PUBLISHED.is_dir():
        return []
    return [json.loads(path.read_bytes()) for path in sorted(PUBLISHED.glob("*/SearchParameter-*.json"))]


official = pytest.mark.skipif(
    not PUBLISHED.is_dir(), reason="../shared/fhir-fr/definitions, the published guides, is not there"
)


def test_the_package_holds_what_the_tool_makes() -> None:
    assert [(name, profiles.member(name, profiles.FRENCH)) for name, _ in members()] == list(members())


@pytest.mark.parametrize("restated", RESTATED, ids=lambda restated: restated.id)
def test_what_is_restated_is_a_valid_definition_that_can_be_searched_by(restated: Any) -> None:
    definition = definition_of(restated)

    assert check(definition) == []
    for base in definition["base"]:
        assert is_indexed(CORE.of(base)[definition["code"]])


@official
@pytest.mark.parametrize("definition", published(), ids=lambda definition: definition["id"])
def test_a_published_definition_is_restated_or_r4s_own(definition: dict[str, Any]) -> None:
    for base in definition["base"]:
        known = CORE.of(base)[definition["code"]]
        assert known.kind == definition["type"]
        if definition["url"] not in OURS:
            assert is_r4(known.url)
        elif definition["id"] not in BETTER:
            assert known.expression == definition["expression"]
            assert OURS[definition["url"]]["base"] == definition["base"]


@official
@pytest.mark.parametrize("definition", published(), ids=lambda definition: definition["id"])
def test_a_published_definition_can_be_loaded(definition: dict[str, Any]) -> None:
    require_admissible(definition, {})
