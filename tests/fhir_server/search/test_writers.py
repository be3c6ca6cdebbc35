from __future__ import annotations

import pytest

from fhir_server.definitions.catalogue import search_parameters
from fhir_server.definitions.parameters import (
    component_routes,
    fallback,
    is_r4,
    parameters_of,
    routes,
    types_of,
)
from fhir_server.search.writers import WRITERS, is_indexed

# R4 gives these no expression. `_text`, `_content` and `_filter` are answered without rows.
WITHOUT_EXPRESSION = {
    "_content",
    "_filter",
    "_query",
    "_text",
    "age",
    "birthOrderBoolean",
}
EXAMPLES = {"example", "example-extension", "example-reference"}


def test_every_search_parameter_of_r4_is_indexed_or_has_no_expression() -> None:
    """All 1 400: each on each of its types."""
    without: set[str] = set()
    count = 0
    for definition in search_parameters():
        if not is_r4(definition["url"]) or definition["id"] in EXAMPLES:
            continue
        count += 1
        for name in types_of(definition.get("base", ())):
            parameter = parameters_of(name).get(definition["code"])
            if parameter is None or not is_indexed(parameter):
                without.add(definition["code"])
                assert not definition.get("expression")
                continue
            assert parameter.url == definition["url"]
            assert fallback(parameter) is None
            assert parameter.components or parameter.parts or routes(parameter)
    assert without == WITHOUT_EXPRESSION
    assert count == 1400 - len(EXAMPLES)


def test_every_component_of_a_composite_gives_values_of_its_kind() -> None:
    seen = set()
    for definition in search_parameters():
        if definition["type"] != "composite":
            continue
        for name in types_of(definition["base"]):
            parameter = parameters_of(name)[definition["code"]]
            seen.add(parameter.url)
            assert [component.kind for component in parameter.components].count("token") in {1, 2}
            for context in routes(parameter):
                for component in parameter.components:
                    _, ways = component_routes(parameter, context, component)
                    assert any((component.kind, way.type) in WRITERS for way in ways)
                    assert component.code in parameters_of(name)
    assert len(seen) == 46


@pytest.mark.parametrize(
    ("resource_type", "code", "expected"),
    [
        ("Observation", "code-value-quantity", True),
        ("Observation", "combo-code", True),
        ("Location", "near", True),
        ("Patient", "birthdate", True),
        ("DiagnosticReport", "assessed-condition", True),
        ("Patient", "_text", False),
        ("Patient", "age", False),
    ],
)
def test_a_parameter_is_indexed_where_its_values_can_be_found(
    resource_type: str, code: str, expected: bool
) -> None:
    assert is_indexed(parameters_of(resource_type)[code]) == expected
