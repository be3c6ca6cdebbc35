"""$fhirpath: what an expression finds in a resource that is sent along.

The resource need not be sound: an expression may be asked just because it is not. References are followed to what is
contained, to entries of the same Bundle, and to resources of this server. Codes and profiles are those that are known
here.

https://hl7.org/fhir/R4/fhirpath.html · http://hl7.org/fhirpath/N1/
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Final

from fhir_server.definitions.catalogue import structure
from fhir_server.definitions.model import R4
from fhir_server.fhirpath.checking import check
from fhir_server.fhirpath.errors import FhirpathError
from fhir_server.fhirpath.evaluator import evaluate_on, root_of
from fhir_server.fhirpath.parser import parse
from fhir_server.fhirpath.surroundings import Surroundings
from fhir_server.fhirpath.syntax import Expression
from fhir_server.fhirpath.values import MAX_VISITS, SYSTEM, Budget, Node
from fhir_server.interactions.call import Call, Reply, Server
from fhir_server.interactions.judging import Links
from fhir_server.kernel.wire import Tree, encode
from fhir_server.operations.fhirpath_result import parts_of
from fhir_server.operations.inputs import Inputs
from fhir_server.operations.operation import Operation, own, taken
from fhir_server.store.contract import Reader
from fhir_server.validation.invariants import surroundings_of
from fhir_server.validation.judge import conforms
from fhir_server.validation.world import World

MOST_SECONDS: Final = 2.0
_MOST_ROUNDS: Final = 6  # answers that lead to further questions


async def fhirpath(call: Call, inputs: Inputs, reader: Reader, server: Server) -> Reply:
    expressions = {name: inputs.one(name) for name in ("context", "expression") if inputs.values.get(name)}
    codes, links = server.codes(), Links(call.base, server.coming)
    world = World(server.registry, codes, links.resolve, server.standards.options)
    asking = _Asking(inputs.one("resource"), _parsed(expressions), _surroundings(world))
    for _ in range(_MOST_ROUNDS):
        found = await asyncio.to_thread(asking.found)
        if not codes.pending and not links.missing:
            break
        await codes.settle()
        await links.follow(reader)
    answer: Tree = {"resourceType": "Parameters"}
    if found:
        answer["parameter"] = [{"name": "result", "part": parts_of(found, server.judge)}]
    return Reply(200, encode(answer))


def _surroundings(world: World) -> Surroundings:
    """What expressions may ask: definitions and codes of this server, and its resources."""

    def conforms_to(node: Node, profile: str) -> bool | None:
        return conforms(node, profile, world)

    return replace(surroundings_of(world, conforms_to), definition_of=definition_of)


def _parsed(texts: Mapping[str, str]) -> dict[str, Expression]:
    found = {}
    for name, text in texts.items():
        with _blamed(name):
            found[name] = parse(text)
    return found


@contextmanager
def _blamed(name: str) -> Iterator[None]:
    """Let a refusal say which input it is about."""
    try:
        yield
    except FhirpathError as error:
        place = f"Parameters.parameter.where(name = '{name}')"
        error.issues = tuple(replace(issue, expression=place) for issue in error.issues)
        raise


@dataclass(slots=True)
class _Asking:
    tree: Tree
    expressions: Mapping[str, Expression]  # by input, in the order that they are asked in
    around: Surroundings
    budget: Budget = field(default_factory=lambda: Budget(MAX_VISITS, seconds=MOST_SECONDS))

    def found(self) -> list[Node]:
        """The items, as far as what they need is known. Raises `FhirpathError`."""
        items = [root_of(self.tree, R4)]
        for name, expression in self.expressions.items():
            with _blamed(name):
                items = [found for item in items for found in self.asked_of(item, expression)]
        return items

    def asked_of(self, item: Node, expression: Expression) -> list[Node]:
        if not item.type.startswith(SYSTEM):
            check(expression, item.type, R4, resource=item.resource.type)
        return evaluate_on(expression, item, R4, budget=self.budget, surroundings=self.around)


def definition_of(node: Node) -> Tree | None:
    """The ElementDefinition of an element or a resource in R4's own definitions."""
    if node.parent is None or node.element is None:
        return _element(node.type, node.type) if R4.knows(node.type) else None
    choice = "[x]" if node.element.choice else ""
    outer = node.parent.type
    return _element(outer.partition(".")[0], f"{outer}.{node.element.name}{choice}")


def _element(type: str, path: str) -> Tree | None:
    elements: list[Tree] = structure(type)["snapshot"]["element"]
    return next((element for element in elements if element["path"] == path), None)


OPERATION: Final = Operation(
    own(
        "Resource-fhirpath",
        name="FHIRPath",
        title="Ask an expression of a resource",
        description="Evaluates a FHIRPath expression on the resource that is sent. Nothing is stored.",
        resource=("Resource",),
        parameter=(
            taken("expression", "string", "What to find", min=1),
            taken("resource", "Resource", "The resource to find it in; it need not be valid", min=1),
            taken("context", "string", "An expression: the first one is asked of each item that this finds"),
            {
                "name": "result",
                "use": "out",
                "min": 0,
                "max": "1",
                "documentation": "The items in order, as parts: named by type, with a value, a resource, or else JSON "
                "as a string. Absent: nothing is found",
            },
        ),
        system=True,
    ),
    ask=fhirpath,
)
