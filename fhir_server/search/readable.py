"""Whether this server can index what a SearchParameter says, and what is in the way.

https://hl7.org/fhir/R4/searchparameter.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from fhir_server.definitions.model import R4
from fhir_server.definitions.parameters import Parameter, fallback, parameter_of, types_of
from fhir_server.fhirpath.errors import FhirpathError
from fhir_server.fhirpath.evaluator import evaluate
from fhir_server.fhirpath.parser import parse
from fhir_server.search.writers import is_indexed


def readable(definition: Mapping[str, Any]) -> tuple[str, ...]:
    """What keeps a SearchParameter with a `base`, a `code`, a `type` and a `url` from being indexed; empty: nothing."""
    if definition["type"] in {"composite", "special"}:
        return (f"a {definition['type']} parameter has a meaning only where R4 itself defines it",)
    if not definition.get("expression"):
        return ("it has no expression, which says where the values are",)
    types = sorted(types_of(definition["base"]))
    if not types:
        return ("no base of it is a resource type of FHIR R4",)
    each = (problem for name in types for problem in _problems(parameter_of(name, definition)))
    return tuple(dict.fromkeys(each))


def _problems(parameter: Parameter) -> Iterator[str]:
    try:
        parse(parameter.expression)
    except FhirpathError as error:
        yield str(error)
        return
    expression = fallback(parameter)
    if expression is not None:
        try:
            evaluate(expression, {"resourceType": parameter.type}, R4)
        except FhirpathError as error:
            yield str(error)
    elif not is_indexed(parameter):
        yield f"on {parameter.type} the expression gives no value that a {parameter.kind} parameter can have"
