"""The slow half of the validator: every problem of a resource, with its place and what would be right.

It says no exactly where `structure` does. It is written as generators so that a caller may stop after enough problems.
Expressions are FHIRPath from the outermost resource: `Bundle.entry[3].resource.name[0].use`.

https://hl7.org/fhir/R4/json.html · https://hl7.org/fhir/R4/validation.html
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from difflib import get_close_matches
from itertools import groupby, zip_longest
from typing import Any

from fhir_server.definitions.catalogue import resource_types
from fhir_server.definitions.elements import Child, Shape, shape_of
from fhir_server.kernel.issues import Issue
from fhir_server.kernel.wire import Tree
from fhir_server.validation.bindings import codes_of, concepts_of, holds_one_of, outside
from fhir_server.validation.primitives import is_of, may_be_extended, wrong_with
from fhir_server.validation.references import Local, local_of, unused_names, wrong_with_reference
from fhir_server.validation.sentences import Problem

Issues = Iterator[Issue]

# Names of elements are repeated in a sentence; anything else that stands in their place could be personal.
_NAME = re.compile("[A-Za-z_][A-Za-z0-9_]{0,63}")
_ABSENT: Any = object()

_NO_ARRAY = Problem(
    "structure",
    "An array is not expected here: the element appears at most once",
    "Il ne faut pas de tableau ici : l'élément apparaît une fois au plus",
)
_NO_OBJECT = Problem("structure", "A JSON object is expected here", "Un objet JSON est attendu ici")
_EMPTY_OBJECT = Problem(
    "structure",
    "An object is never empty: leave the element out",
    "Un objet n'est jamais vide : il faut omettre l'élément",
)
_ONLY_ID = Problem(
    "invariant",
    "An element has a value or children besides its id (ele-1)",
    "Un élément a une valeur ou des enfants, outre son id (ele-1)",
)
_VALUE_OR_EXTENSIONS = Problem(
    "extension",
    "An extension has either value[x] or extensions, one and not both (ext-1)",
    "Une extension a soit value[x], soit des extensions, l'un et pas les deux (ext-1)",
)
_ARRAY = Problem(
    "structure",
    "An array is expected here: the element may repeat",
    "Un tableau est attendu ici : l'élément peut se répéter",
)
_EMPTY_ARRAY = Problem(
    "structure",
    "An array is never empty: leave the element out",
    "Un tableau n'est jamais vide : il faut omettre l'élément",
)
_NULL = Problem(
    "structure",
    "null stands only inside arrays of primitives: leave the element out",
    "null ne se trouve que dans des tableaux de types primitifs : il faut omettre l'élément",
)


def walk(tree: Any) -> Issues:
    """All problems of a resource, in the order of its elements."""
    known = isinstance(tree, dict) and _is_type(tree.get("resourceType"))
    yield from _resource(tree, tree["resourceType"] if known else "")


def _resource(tree: Any, place: str) -> Issues:
    problem = _not_a_resource(tree, place)
    if problem:
        yield problem
        return
    yield from _object(tree, shape_of(tree["resourceType"]), place, local_of(tree))
    contained = tree.get("contained")
    if isinstance(contained, list) and all(isinstance(inner, dict) for inner in contained):
        yield from _names(tree, contained, place)


def _names(tree: Tree, contained: list[Tree], place: str) -> Issues:
    """Contained resources have ids of their own, and are used."""
    seen: set[str] = set()
    for i, inner in enumerate(contained):
        id_ = inner.get("id")
        if not isinstance(id_, str):
            continue
        if id_ in seen:
            yield Issue(
                "invariant",
                "Two contained resources have the same id: within a resource it names one",
                f"{place}.contained[{i}].id",
                french="Deux ressources contenues ont le même id : dans une ressource, il en désigne une",
            )
        seen.add(id_)
    for i in unused_names(tree):
        yield Issue(
            "invariant",
            "A contained resource is referred to from the resource around it, or refers to it (dom-3)",
            f"{place}.contained[{i}]",
            french="Une ressource contenue est désignée par celle qui la contient, ou désigne celle-ci (dom-3)",
        )


def _contained(tree: Any, place: str, local: Local) -> Issues:
    problem = _not_a_resource(tree, place)
    if problem:
        yield problem
        return
    yield from _object(tree, shape_of(tree["resourceType"]), place, local)
    if "contained" in tree:
        yield Issue(
            "invariant",
            "A contained resource contains no other (dom-2): put it into the outermost 'contained'",
            f"{place}.contained",
            french="Une ressource contenue n'en contient pas d'autre (dom-2) : le « contained » extérieur les a toutes",
        )
    if "id" not in tree:
        yield Issue(
            "required",
            "A contained resource has an id: references find it by '#' and its id",
            place,
            french="Une ressource contenue a un id : les références la trouvent par « # » et son id",
        )
    meta = tree.get("meta")
    if isinstance(meta, dict):
        for name in ("versionId", "lastUpdated"):
            if name in meta or f"_{name}" in meta:
                yield Issue(
                    "invariant",
                    f"A contained resource has no meta.{name} (dom-4): it has no history of its own",
                    f"{place}.meta.{name}",
                    french=f"Une ressource contenue n'a pas de meta.{name} (dom-4) : elle n'a pas d'historique à elle",
                )
        if "security" in meta:
            yield Issue(
                "invariant",
                "A contained resource has no security label (dom-5): that of the resource around it counts",
                f"{place}.meta.security",
                french="Une ressource contenue n'a pas de label de sécurité (dom-5) : celui de la ressource qui la "
                "contient fait foi",
            )


def _not_a_resource(tree: Any, place: str) -> Issue | None:
    if not isinstance(tree, dict):
        return Issue(
            "structure",
            "A resource is a JSON object with a 'resourceType'",
            place,
            french="Une ressource est un objet JSON doté d'un « resourceType »",
        )
    if "resourceType" not in tree:
        return Issue(
            "required",
            "Element 'resourceType' is required (1..1) and is missing",
            place,
            french="L'élément « resourceType » est obligatoire (1..1) et absent",
        )
    type_ = tree["resourceType"]
    if _is_type(type_):
        return None
    near = (
        get_close_matches(type_, sorted(resource_types()), 1)
        if isinstance(type_, str) and _NAME.fullmatch(type_)
        else []
    )
    return Issue(
        "structure",
        f"'resourceType' is not a resource type of R4 (4.0.1){_perhaps(near)}",
        place,
        french=f"« resourceType » n'est pas un type de ressource de R4 (4.0.1){_peut_etre(near)}",
    )


def _is_type(type_: Any) -> bool:
    return isinstance(type_, str) and type_ in resource_types()


def _object(node: Any, shape: Shape, place: str, local: Local) -> Issues:
    if not isinstance(node, dict):
        yield (_NO_ARRAY if isinstance(node, list) else _NO_OBJECT).at(place)
        return
    if not node:
        yield _EMPTY_OBJECT.at(place)
    met: dict[str, Child] = {}
    for key in node:
        child = _child(shape, key)
        if child is not None:
            met[child.property] = child
        elif key != "resourceType" or shape.kind != "resource":
            yield _unknown(shape, key, place)
    yield from _cardinality(shape, met, place)
    if node.keys() == {"id"}:
        yield _ONLY_ID.at(place)
    if shape.name == "Extension":
        valued = any(child.choice for child in met.values())
        if valued == ("extension" in node):
            yield _VALUE_OR_EXTENSIONS.at(place)
    for child in met.values():
        yield from _property(node, child, place, local)


def _child(shape: Shape, key: str) -> Child | None:
    child = shape.children.get(key)
    if child is None and key.startswith("_"):
        child = shape.children.get(key[1:])
        if child is not None and not (child.primitive and may_be_extended(child)):
            return None
    return child


def _unknown(shape: Shape, key: str, place: str) -> Issue:
    if not _NAME.fullmatch(key):
        return Issue(
            "structure",
            f"{shape.name} has no element of this name (names of elements are letters)",
            place,
            french=f"{shape.name} n'a pas d'élément de ce nom (les noms d'éléments sont des lettres)",
        )
    choice = next((child for child in shape.children.values() if child.choice and child.element == key), None)
    near = [choice.property] if choice else get_close_matches(key, shape.children, 1)
    # What is not there by definition has no place of its own; the element that it stands in has.
    return Issue(
        "structure",
        f"{shape.name} has no element '{key}'{_perhaps(near)}",
        place,
        french=f"{shape.name} n'a pas d'élément « {key} »{_peut_etre(near)}",
    )


def _perhaps(near: list[str]) -> str:
    return f". Did you mean '{near[0]}'?" if near else ""


def _peut_etre(near: list[str]) -> str:
    return f". Serait-ce « {near[0]} » ?" if near else ""


def _cardinality(shape: Shape, met: dict[str, Child], place: str) -> Issues:
    present = Counter(child.position for child in met.values())
    for position, alternatives in groupby(shape.children.values(), lambda child: child.position):
        child = next(alternatives)
        if present[position] > 1:
            yield Issue(
                "structure",
                f"Only one type of '{child.path}' may be present, and there are {present[position]}",
                f"{place}.{child.element}",
                french=f"Un seul type de « {child.path} » peut être présent, et il y en a {present[position]}",
            )
        elif child.min and not present[position]:
            range_ = f"{child.min}..{child.max or '*'}"
            yield Issue(
                "required",
                f"Element '{child.path}' is required ({range_}) and is missing",
                place,  # of the element that lacks it
                french=f"L'élément « {child.path} » est obligatoire ({range_}) et absent",
            )


def _property(node: Tree, child: Child, place: str, local: Local) -> Issues:
    value = node.get(child.property, _ABSENT)
    beside = node.get(f"_{child.property}", _ABSENT) if child.primitive else _ABSENT
    here = f"{place}.{child.element}"
    if not child.array:
        if child.primitive:
            yield from _primitive(child, value, beside, here, local)
        else:
            yield from _complex(child, value, here, local)
        return
    for values in (value, beside):
        if values is not _ABSENT and not isinstance(values, list):
            yield _ARRAY.at(here)
            return
        if values == []:
            yield _EMPTY_ARRAY.at(here)
    if child.primitive:
        yield from _primitives(child, value, beside, here, local)
        return
    for i, item in enumerate(value):
        yield from _complex(child, item, f"{here}[{i}]", local)


def _primitives(child: Child, value: Any, beside: Any, place: str, local: Local) -> Issues:
    values = [] if value is _ABSENT else value
    besides = [] if beside is _ABSENT else beside
    if _ABSENT not in (value, beside) and len(values) != len(besides):
        yield Issue(
            "structure",
            f"'{child.property}' and '_{child.property}' are arrays of the same length, filled up with nulls",
            place,
            french=f"« {child.property} » et « _{child.property} » sont des tableaux de même longueur, complétés "
            "par des null",
        )
    for i, (one, its) in enumerate(zip_longest(values, besides)):
        here = f"{place}[{i}]"
        if one is None and its is None:
            yield Issue(
                "structure",
                f"null needs an object in '_{child.property}' at the same index",
                here,
                french=f"null demande un objet dans « _{child.property} » au même indice",
            )
            continue
        yield from _primitive(
            child, _ABSENT if one is None else one, _ABSENT if its is None else its, here, local
        )


def _primitive(child: Child, value: Any, beside: Any, place: str, local: Local) -> Issues:
    if value is not _ABSENT:
        yield from _value(child, value, place)
    if beside is _ABSENT:
        return
    if value is not _ABSENT and isinstance(beside, dict) and beside.keys() == {"id"}:
        if not is_of("string", beside["id"]):
            yield wrong_with("string", beside["id"]).at(f"{place}.id")
        return
    yield from _object(beside, shape_of("Element"), place, local)


def _value(child: Child, value: Any, place: str) -> Issues:
    if isinstance(value, list):
        yield _NO_ARRAY.at(place)
    elif value is None:
        yield _NULL.at(place)
    elif not is_of(child.type, value):
        yield wrong_with(child.type, value).at(place)
    elif child.value_set and (codes := codes_of(child.value_set)) is not None and value not in codes:
        yield outside(child.value_set, concept=False).at(place)


def _complex(child: Child, value: Any, place: str, local: Local) -> Issues:
    if child.type == "Resource":
        yield from (
            _contained(value, place, local) if child.element == "contained" else _resource(value, place)
        )
        return
    sound = True
    for issue in _object(value, shape_of(child.type), place, local):
        sound = False
        yield issue
    if not sound:
        return
    if child.type == "Reference":
        problem = wrong_with_reference(value, child.targets, local)
        if problem:
            yield problem.at(place)
    elif child.value_set:
        concepts = concepts_of(child.value_set)
        if concepts is not None and not holds_one_of(value, concepts):
            yield outside(child.value_set, concept=True).at(place)
