"""What ValueSets, CodeSystems and ConceptMaps must be beyond their constraints.

https://hl7.org/fhir/R4/valueset.html · https://hl7.org/fhir/R4/codesystem.html · https://hl7.org/fhir/R4/conceptmap.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from fhir_server.fhirpath.errors import FhirpathError
from fhir_server.fhirpath.parser import parse
from fhir_server.kernel.issues import Issue
from fhir_server.kernel.wire import Tree
from fhir_server.validation.finding import Found, is_absolute, objects, text_of
from fhir_server.validation.world import World
from terminology.membership import Code, Held

_NAMES: Final = re.compile(r"%(`[^`]+`|[A-Za-z_][\w-]*)")
_PARAMETER: Final = "http://hl7.org/fhir/tools/StructureDefinition/valueset-parameter"
_EXPRESSION: Final = "http://hl7.org/fhir/StructureDefinition/cqf-expression"


def value_set_issues(found: Found, world: World) -> Iterator[Issue]:
    compose = found.tree.get("compose")
    if not isinstance(compose, dict):
        return
    parameters = _parameters(found.tree)
    for name in ("include", "exclude"):
        for i, include in objects(compose, name):
            place = f"{found.place}.compose.{name}[{i}]"
            yield from _included(include, found, place, world)
            for j, criterion in objects(include, "filter"):
                yield from _filter(criterion, parameters, f"{place}.filter[{j}]")


def _included(include: Tree, found: Found, place: str, world: World) -> Iterator[Issue]:
    system = text_of(include, "system")
    if not system:
        return
    if system.startswith("#"):
        inside = [one for _, one in objects(found.container.tree, "contained") if one.get("id") == system[1:]]
        if not any(one.get("resourceType") == "CodeSystem" for one in inside):
            yield Issue(
                "invalid",
                "A system that starts with '#' is a contained CodeSystem, and there is none of this id",
                place,
                french="Un système qui commence par « # » est un CodeSystem contenu, et il n'y en a pas de cet id",
            )
        return
    if not is_absolute(system):
        yield Issue(
            "invalid",
            "The system of an include is an absolute URI",
            place,
            french="Le système d'un include est une URI absolue",
        )
        return
    if world.registry.entry("CodeSystem", system) is None and world.registry.entry("ValueSet", system):
        yield Issue(
            "invalid",
            "The system of an include is a code system, and this one is a value set",
            place,
            french="Le système d'un include est un système de codes, et celui-ci est un jeu de valeurs",
        )
        return
    for i, concept in objects(include, "concept"):
        code = Code(system, text_of(concept, "code"), text_of(include, "version"))
        if code.code and world.codes.known(code) is Held.NO:
            yield Issue(
                "code-invalid",
                "The code system has no such code",
                f"{place}.concept[{i}]",
                french="Le système de codes n'a pas ce code",
            )


def _parameters(tree: Tree) -> frozenset[str]:
    """The names that a value set declares for use in its filters."""
    return frozenset(
        str(part.get("valueCode"))
        for _, extension in objects(tree, "extension")
        if extension.get("url") == _PARAMETER
        for _, part in objects(extension, "extension")
        if part.get("url") == "name"
    )


def _filter(criterion: Tree, parameters: frozenset[str], place: str) -> Iterator[Issue]:
    beside = criterion.get("_value")
    for i, extension in objects(beside if isinstance(beside, dict) else {}, "extension"):
        expression = extension.get("valueExpression")
        if extension.get("url") == _EXPRESSION and isinstance(expression, dict):
            here = f"{place}.value.extension[{i}].value"
            yield from _expression(expression, parameters, here)
    for i, extension in objects(criterion, "extension"):
        expression = extension.get("valueExpression")
        if extension.get("url") == _EXPRESSION and isinstance(expression, dict):
            yield from _expression(expression, parameters, f"{place}.extension[{i}].value")


def _expression(tree: Tree, parameters: frozenset[str], place: str) -> Iterator[Issue]:
    if tree.get("language") != "text/fhirpath":
        yield Issue(
            "invalid",
            "The expression of a filter is FHIRPath (text/fhirpath)",
            place,
            french="L'expression d'un filtre est du FHIRPath (text/fhirpath)",
        )
        return
    text = text_of(tree, "expression")
    # The names of parameters may have hyphens, which FHIRPath has no room for without quotes.
    names = [name.replace("`", "") for name in _NAMES.findall(text)]
    try:
        parse(_NAMES.sub("%parameter", text))
    except FhirpathError as error:
        yield Issue(
            "invalid",
            f"The expression is no FHIRPath: {error}",
            place,
            french="L'expression n'est pas du FHIRPath",
        )
        return
    if any(name not in parameters for name in names):
        yield Issue(
            "invalid",
            "The expression refers to a parameter that the value set does not declare",
            place,
            french="L'expression fait appel à un paramètre que le jeu de valeurs ne déclare pas",
        )


def code_system_issues(found: Found, _world: World) -> Iterator[Issue]:
    tree, place = found.tree, found.place
    content = text_of(tree, "content")
    if content == "supplement" and "supplements" not in tree:
        yield Issue(
            "business-rule",
            "A supplement says what it supplements",
            place,
            french="Un supplément dit ce qu'il complète",
        )
    if content == "not-present" and "concept" in tree:
        yield Issue(
            "invalid",
            "A code system whose content is not present has no concepts here",
            f"{place}.concept[0]",
            french="Un système de codes dont le contenu n'est pas présent n'a pas de concepts ici",
        )
    count = sum(1 for _ in _concepts(tree))
    if content == "complete" and isinstance(tree.get("count"), int) and tree["count"] != count:
        yield Issue(
            "invalid",
            f"There are {count} concepts, and 'count' says otherwise",
            f"{place}.count",
            french=f"Il y a {count} concepts, et « count » dit autre chose",
        )
    yield from _properties(tree, place)


def _concepts(tree: Tree) -> Iterator[Tree]:
    for _, concept in objects(tree, "concept"):
        yield concept
        yield from _concepts(concept)


def _properties(tree: Tree, place: str) -> Iterator[Issue]:
    seen: dict[str, set[str]] = {"code": set(), "uri": set()}
    for i, declared in objects(tree, "property"):
        for name, values in seen.items():
            value = text_of(declared, name)
            if value and value in values:
                yield Issue(
                    "business-rule",
                    f"Another property has the same {name}",
                    f"{place}.property[{i}]",
                    french=f"Une autre propriété a le même {name}",
                )
            values.add(value)
        uri = text_of(declared, "uri")
        if uri and not is_absolute(uri):
            yield Issue(
                "business-rule",
                "The URI of a property is absolute",
                f"{place}.property[{i}]",
                french="L'URI d'une propriété est absolue",
            )


def concept_map_issues(found: Found, _world: World) -> Iterator[Issue]:
    for i, group in objects(found.tree, "group"):
        for name in ("source", "target"):
            system = text_of(group, name)
            if system and not is_absolute(system):
                yield Issue(
                    "invalid",
                    "The code systems of a group are absolute URIs",
                    f"{found.place}.group[{i}].{name}",
                    french="Les systèmes de codes d'un groupe sont des URI absolues",
                )
