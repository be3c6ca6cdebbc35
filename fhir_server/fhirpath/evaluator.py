"""Expressions applied to resources: the items they find, each knowing its type and its place.

The evaluator knows FHIR's types only through the `Model` it is given. It never changes the tree.

http://hl7.org/fhirpath/N1/ · https://hl7.org/fhir/R4/fhirpath.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fhir_server.fhirpath.compiler import program_of
from fhir_server.fhirpath.errors import CannotEvaluate
from fhir_server.fhirpath.parser import parse
from fhir_server.fhirpath.surroundings import ALONE, Surroundings
from fhir_server.fhirpath.syntax import Expression
from fhir_server.fhirpath.tree import root_of
from fhir_server.fhirpath.use import Run, Scope
from fhir_server.fhirpath.values import Budget, Model, Node
from fhir_server.kernel.wire import Tree

__all__ = ["evaluate", "evaluate_on", "root_of"]


def evaluate(
    expression: str | Expression,
    tree: Tree,
    model: Model,
    *,
    variables: Mapping[str, Sequence[Node]] | None = None,
    budget: Budget | None = None,
    surroundings: Surroundings = ALONE,
    typed_choices: bool = False,
) -> list[Node]:
    """The items that an expression finds in a resource, in order, repetitions included.

    `variables` are further `%name` values. With `typed_choices`, `valueQuantity` is understood beside FHIRPath's own
    `value`. A `budget` may be shared by several evaluations.

    Raises `NotAnExpression` for text that is not FHIRPath, and `CannotEvaluate` where an operator or function does not
    fit its input, asks what the surroundings do not answer, or the budget is used up.
    """
    return evaluate_on(
        expression,
        root_of(tree, model),
        model,
        variables=variables,
        budget=budget,
        surroundings=surroundings,
        typed_choices=typed_choices,
    )


def evaluate_on(
    expression: str | Expression,
    context: Node,
    model: Model,
    *,
    variables: Mapping[str, Sequence[Node]] | None = None,
    budget: Budget | None = None,
    surroundings: Surroundings = ALONE,
    typed_choices: bool = False,
) -> list[Node]:
    """As `evaluate`, from any item of a resource. `%resource` and `%rootResource` are those around it."""
    if isinstance(expression, str):
        expression = parse(expression)
    program = program_of(expression)
    known: dict[str, Sequence[Node]] = {
        "context": (context,),
        "resource": (context.resource,),
        "rootResource": (context.container,),
    }
    if variables:
        known.update(variables)
    run = Run(model, budget or Budget(), known, surroundings, typed_choices)
    try:
        return program(run, Scope((context,)))
    except RecursionError:  # a deep expression asked of a deep resource
        raise CannotEvaluate("expression and resource nest too deep", 0, code="too-costly") from None
