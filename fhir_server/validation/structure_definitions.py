"""What a StructureDefinition must be to be of use: derived from what there is, its elements those of its type.

https://hl7.org/fhir/R4/structuredefinition.html · https://hl7.org/fhir/R4/elementdefinition.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from fhir_server.definitions.catalogue import resource_types, type_of_profile
from fhir_server.definitions.model import R4
from fhir_server.definitions.outlines import BadDefinition
from fhir_server.definitions.snapshots import definition_of, snapshot_of
from fhir_server.fhirpath.errors import FhirpathError
from fhir_server.fhirpath.parser import parse
from fhir_server.fhirpath.types import derives
from fhir_server.kernel.issues import Issue
from fhir_server.kernel.wire import Tree
from fhir_server.validation.finding import Found, objects, text_of
from fhir_server.validation.world import World

_BINDABLE: Final = frozenset({"code", "Coding", "CodeableConcept", "Quantity", "string", "uri", "Duration"})
_POINTERS: Final = frozenset({"Reference", "canonical", "CodeableReference"})
_EXTENSION: Final = "http://hl7.org/fhir/StructureDefinition/Extension"


def structure_definition_issues(found: Found, world: World) -> Iterator[Issue]:
    tree, place = found.tree, found.place
    base = _base(tree, world)
    yield from _derivation(tree, base, place)
    for name in ("differential", "snapshot"):
        part = tree.get(name)
        for i, element in objects(part if isinstance(part, dict) else {}, "element"):
            yield from _element(tree, element, f"{place}.{name}.element[{i}]", name, world)
    yield from _extension(tree, place)
    if base is not None and "differential" in tree:
        yield from _snapshot(tree, place, world)


def _base(tree: Tree, world: World) -> Mapping[str, Any] | None:
    canonical = text_of(tree, "baseDefinition")
    return definition_of(canonical, world.registry) if canonical else None


def _derivation(tree: Tree, base: Mapping[str, Any] | None, place: str) -> Iterator[Issue]:
    if base is None:
        if "baseDefinition" in tree:
            yield Issue(
                "not-found",
                "The base definition is not known here: the differential is not checked against it",
                place,
                "warning",
                french="La définition de base n'est pas connue ici : le différentiel n'y est pas confronté",
            )
        return
    derivation, type_ = tree.get("derivation"), tree.get("type")
    if derivation is None:
        yield Issue(
            "required",
            "A definition that has a base says how it is derived (derivation)",
            place,
            french="Une définition qui a une base dit comment elle en dérive (derivation)",
        )
    elif derivation == "constraint":
        if type_ is not None and base.get("type") not in (None, type_):
            yield Issue(
                "invalid",
                f"A profile is of the type that it constrains: {base.get('type')}",
                place,
                french=f"Un profil est du type qu'il contraint : {base.get('type')}",
            )
        if (
            "kind" in tree
            and base.get("kind") not in (None, tree["kind"])
            and base.get("abstract") is not True
        ):
            yield Issue(
                "invalid",
                f"A profile is of the kind of its base: {base.get('kind')}",
                place,
                french=f"Un profil est de la nature (kind) de sa base : {base.get('kind')}",
            )
    elif type_ is not None and type_ == base.get("type"):
        yield Issue(
            "invalid",
            "A specialization is a type of its own, not that of its base",
            place,
            french="Une spécialisation est un type à part, et non celui de sa base",
        )


def _element(tree: Tree, element: Tree, place: str, part: str, world: World) -> Iterator[Issue]:
    path, type_ = text_of(element, "path"), text_of(tree, "type").rpartition("/")[2]
    if path and type_ and path != type_ and not path.startswith(f"{type_}."):
        yield Issue(
            "invalid",
            f"The path of an element starts with the type of the definition: {type_}",
            place,
            french=f"Le chemin d'un élément commence par le type de la définition : {type_}",
        )
    if part == "differential" and path and "." not in path and "slicing" in element:
        yield Issue(
            "invalid",
            "The root of a profile has no slicing",
            place,
            french="La racine d'un profil n'est pas découpée",
        )
    codes = [text_of(one, "code") for _, one in objects(element, "type")]
    if "binding" in element and codes and all(map(R4.knows, codes)) and _BINDABLE.isdisjoint(codes):
        yield Issue(
            "invalid",
            "A binding is for codes, and this element is of another type",
            place,
            french="Un lien à un jeu de valeurs est pour des codes, et cet élément est d'un autre type",
        )
    for i, one in objects(element, "type"):
        yield from _type(one, f"{place}.type[{i}]", world)
    for i, constraint in objects(element, "constraint"):
        yield from _expression(text_of(constraint, "expression"), f"{place}.constraint[{i}]")


def _type(type: Tree, place: str, world: World) -> Iterator[Issue]:
    code = text_of(type, "code")
    if not R4.knows(code):
        return
    if "targetProfile" in type and code not in _POINTERS:
        yield Issue(
            "invalid",
            "Only a Reference or a canonical has target profiles",
            place,
            french="Seuls une Reference ou un canonical ont des profils cibles",
        )
    for i, profile in enumerate(type.get("profile", ())):
        definition = definition_of(profile, world.registry) if isinstance(profile, str) else None
        known = text_of(dict(definition), "type") if definition else ""
        if known and R4.knows(known) and not derives(known, code, R4):
            yield Issue(
                "invalid",
                f"The profile is one of {known}, and the type is {code}",
                f"{place}.profile[{i}]",
                french=f"Le profil porte sur {known}, et le type est {code}",
            )
        elif known == type_of_profile(profile) != code and known and known not in resource_types():
            yield Issue(
                "invalid",
                f"The profile is another type, {known}, than that of the element, {code}",
                f"{place}.profile[{i}]",
                french=f"Le profil est un autre type, {known}, que celui de l'élément, {code}",
            )


def _expression(expression: str, place: str) -> Iterator[Issue]:
    if not expression:
        return
    try:
        parse(expression)
    except FhirpathError as error:
        yield Issue(
            "invalid",
            f"The expression of the constraint is no FHIRPath: {error}",
            place,
            french="L'expression de la contrainte n'est pas du FHIRPath",
        )


def _extension(tree: Tree, place: str) -> Iterator[Issue]:
    is_extension = tree.get("type") == "Extension"
    for name in ("context", "contextInvariant"):
        if name in tree and not is_extension:
            yield Issue(
                "invalid",
                f"Only an extension has a {name}",
                f"{place}.{name}[0]",
                french=f"Seule une extension a un {name}",
            )
    if not is_extension or tree.get("baseDefinition") != _EXTENSION or "url" not in tree:
        return
    fixed = [
        element.get("fixedUri")
        for name in ("snapshot", "differential")
        for _, element in objects(tree.get(name) or {}, "element")
        if element.get("path") == "Extension.url"
    ]
    if tree["url"] not in fixed and ("snapshot" in tree or "differential" in tree):
        yield Issue(
            "invalid",
            "An extension fixes Extension.url to its own URL",
            place,
            french="Une extension fixe Extension.url à sa propre URL",
        )


def _snapshot(tree: Tree, place: str, world: World) -> Iterator[Issue]:
    differential = {name: value for name, value in tree.items() if name != "snapshot"}
    try:
        snapshot_of(differential, world.registry)
    except BadDefinition as error:
        yield Issue(
            "invalid",
            f"No snapshot can be made from the differential: {error.text}",
            place,
            french=f"Le différentiel ne permet pas de faire un snapshot : {error.french}",
        )
