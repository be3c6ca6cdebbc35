"""What a SearchParameter must be to be of use: an expression that means something on its types.

https://hl7.org/fhir/R4/searchparameter.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from fhir_server.definitions.model import R4
from fhir_server.fhirpath.errors import FhirpathError
from fhir_server.fhirpath.parser import parse
from fhir_server.fhirpath.syntax import Expression, Member, Operation, Path
from fhir_server.fhirpath.types import derives
from fhir_server.kernel.issues import Issue
from fhir_server.kernel.wire import Tree
from fhir_server.validation.finding import Found, objects, text_of
from fhir_server.validation.world import World


def search_parameter_issues(found: Found, world: World) -> Iterator[Issue]:
    tree, place = found.tree, found.place
    bases = [base for base in tree.get("base", ()) if isinstance(base, str)]
    if text_of(tree, "expression"):
        yield from _expression(tree["expression"], bases, f"{place}.expression")
    master = text_of(tree, "derivedFrom")
    known = world.registry.find("SearchParameter", master) if master else None
    if known is not None:
        yield from _derivation(tree, known, bases, place)
    elif master:
        yield Issue(
            "business-rule",
            "The SearchParameter that this one is derived from is not known here",
            place,
            "warning",
            french="Le SearchParameter dont celui-ci dérive n'est pas connu ici",
        )
    if tree.get("type") == "composite" and sum(1 for _ in objects(tree, "component")) < 2:
        yield Issue(
            "business-rule",
            "A composite parameter has two components or more",
            place,
            french="Un paramètre composite a au moins deux composants",
        )


def _expression(expression: str, bases: list[str], place: str) -> Iterator[Issue]:
    try:
        parsed = parse(expression)
    except FhirpathError as error:
        yield Issue(
            "invalid", f"The expression is no FHIRPath: {error}", place, french="Ce n'est pas du FHIRPath"
        )
        return
    for name in _types_at_heads(parsed):
        if bases and R4.knows(name) and not any(derives(base, name, R4) for base in bases):
            yield Issue(
                "invalid",
                f"The expression starts from {name}, which is none of the types that the parameter is for",
                place,
                french=f"L'expression part de {name}, qui n'est aucun des types que vise le paramètre",
            )


def _types_at_heads(expression: Expression) -> Iterator[str]:
    """The names of types that the paths of a union start from."""
    match expression:
        case Operation(symbol="|", left=left, right=right):
            yield from _types_at_heads(left)
            yield from _types_at_heads(right)
        case Operation(left=left):
            yield from _types_at_heads(left)
        case Path(origin=origin):
            yield from _types_at_heads(origin)
        case Member(name=name) if name[:1].isupper():
            yield name


def _derivation(tree: Tree, master: Mapping[str, Any], bases: list[str], place: str) -> Iterator[Issue]:
    for base in bases:
        if base not in master.get("base", ()) and "Resource" not in master.get("base", ()):
            yield Issue(
                "business-rule",
                f"The SearchParameter that this one is derived from is not for {base}",
                place,
                french=f"Le SearchParameter dont celui-ci dérive ne vise pas {base}",
            )
    if "type" in tree and master.get("type") != tree["type"]:
        yield Issue(
            "business-rule",
            f"The SearchParameter that this one is derived from is of another type: {master.get('type')}",
            place,
            french=f"Le SearchParameter dont celui-ci dérive est d'un autre type : {master.get('type')}",
        )
