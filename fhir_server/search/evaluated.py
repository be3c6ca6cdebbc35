"""Values of expressions that only the FHIRPath engine can read, as (type of element, value).

It takes a hundred times as long as a generated walk. `cordee check` names the parameters that need it.

https://hl7.org/fhir/R4/fhirpath.html
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from fhir_server.definitions.model import R4
from fhir_server.fhirpath.evaluator import evaluate
from fhir_server.fhirpath.syntax import Expression
from fhir_server.fhirpath.temporal import Temporal
from fhir_server.fhirpath.values import SYSTEM, Budget, Node
from fhir_server.kernel.errors import FhirError
from fhir_server.kernel.wire import Tree

_VISITS: Final = 20_000  # elements that one evaluation may look at
_SYSTEM_TYPES: Final = {"Boolean": "boolean", "Integer": "integer", "Decimal": "decimal", "String": "string"}


def values_of(expression: Expression, tree: Tree) -> Iterator[tuple[str, Any]]:
    """What an expression finds in a resource. One that does not fit the resource finds nothing there."""
    try:
        nodes = evaluate(expression, tree, R4, budget=Budget(_VISITS))
    except FhirError:
        return
    for node in nodes:
        if node.value is not None:
            yield _typed(node)


def _typed(node: Node) -> tuple[str, Any]:
    """What the expression made itself is like an element of some type."""
    if not node.type.startswith(SYSTEM):
        return node.type, node.value
    if isinstance(node.value, Temporal):
        return "dateTime", node.value.text.removesuffix("T")
    return _SYSTEM_TYPES.get(node.type.removeprefix(SYSTEM), ""), node.value
