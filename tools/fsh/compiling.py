"""A guide as definitions, each in its JSON form.

https://hl7.org/fhir/uv/shorthand/reference.html#defining-items-with-fhir-shorthand
"""

from __future__ import annotations

from collections.abc import Iterator

from fhir_server.validation.validator import check
from tools.fsh.assigning import Assigner, Tree, ordered
from tools.fsh.codes import code_system, value_set
from tools.fsh.guides import Definition, Guide, Workspace
from tools.fsh.model import Assignment
from tools.fsh.names import Scope
from tools.fsh.paths import Paths
from tools.fsh.structures import Structure


def compiled(workspace: Workspace, guide: Guide) -> Iterator[Tree]:
    """The definitions of a guide, by type and id. Raises `FshError`."""
    scope = Scope(workspace, guide)
    # The system of a code has no version, but where one is written.
    assigner = Assigner(
        lambda place, name: scope.system(place, name).url + scope.version(name), scope.canonical
    )
    paths = Paths(scope)
    for definition in guide.definitions:
        if definition.item.kind == "Invariant":
            continue
        definition.require_id()
        tree = _made(scope, paths, assigner, definition)
        problems = check(tree)
        if problems:
            first = problems[0]
            definition.item.place.wrong(
                f"this makes no valid {definition.type}: {first.text} ({first.expression})"
            )
        yield tree


def _made(scope: Scope, paths: Paths, assigner: Assigner, definition: Definition) -> Tree:
    match definition.item.kind:
        case "ValueSet":
            return value_set(scope, assigner, definition, _head(definition))
        case "CodeSystem":
            return code_system(scope, assigner, definition, _head(definition))
        case "Instance":
            return _instance(scope, assigner, definition)
        case _:
            return Structure(scope, paths, assigner, definition).made(_head(definition))


def _head(definition: Definition) -> Tree:
    """What every definition says of itself."""
    item, guide = definition.item, definition.guide
    head: Tree = {
        "resourceType": definition.type,
        "id": item.id,
        "url": definition.url,
        "version": guide.version,
        "name": item.name.replace("-", "_"),
        "status": guide.status,
        "publisher": guide.publisher,
    }
    if title := item.keyword("Title"):
        head["title"] = title
    if description := item.keyword("Description"):
        head["description"] = description
    return head


def _instance(scope: Scope, assigner: Assigner, definition: Definition) -> Tree:
    item = definition.item
    if item.keyword("Usage") != "#definition" or not definition.type:
        item.place.wrong("an instance has a type, 'InstanceOf:', and is of usage #definition")
    tree: Tree = {"resourceType": definition.type, "id": item.id}
    for rule in scope.rules(definition):
        if not isinstance(rule, Assignment):
            rule.place.wrong("of an instance only values are said")
        try:
            assigner.assign(tree, definition.type, rule.path, rule.value, rule.place)
        except KeyError:
            item.place.wrong(f"R4 has no type '{definition.type}'")
    return ordered(tree, definition.type)
