"""Extensions: whether their definition is known, allows them where they stand, and is kept.

https://hl7.org/fhir/R4/extensibility.html · https://hl7.org/fhir/R4/defining-extensions.html#context
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import Any, Final

from fhir_server.definitions.model import R4
from fhir_server.definitions.packaged import CANONICAL
from fhir_server.fhirpath.errors import FhirpathError
from fhir_server.fhirpath.evaluator import evaluate_on
from fhir_server.fhirpath.operators import truth
from fhir_server.fhirpath.values import Budget, Node
from fhir_server.kernel.issues import Issue
from fhir_server.kernel.wire import Tree
from fhir_server.validation.judging import Judging, fewest, is_wrong
from fhir_server.validation.profile_rules import Profile, Unusable, Use, element_of
from fhir_server.validation.profiled import problems_with
from fhir_server.validation.surely import left_by

# Elements of later versions of FHIR, as extensions. Which they are is taken on trust: no definition of them is here.
# Maturity, status, work group: R4 says "on StructureDefinition", and puts them on its definitions of every kind.
_OF_DEFINITIONS: Final = "http://hl7.org/fhir/StructureDefinition/structuredefinition-"
_TOOLS: Final = "http://hl7.org/fhir/tools/StructureDefinition/"
_CROSS_VERSION: Final = re.compile(
    r"http://hl7\.org/fhir/(?P<version>4\.[03]|5\.0)/StructureDefinition/extension-[A-Z][A-Za-z]+(?:\.[a-z][A-Za-z]*(?:\[x\])?)+"
)
_VISITS: Final = 50_000
MODIFIER: Final = "modifierExtension"


def is_surely_right(extension: Tree, holder: Tree, type_: str, judging: Judging, *, modifier: bool) -> bool:
    """Whether there is surely nothing to say of an extension in an object of a type: asked of JSON itself."""
    url = extension.get("url")
    if type(url) is not str or "|" in url:
        return False
    if ":" not in url:
        use = _use(holder.get("url"), judging) if type_ == "Extension" else None
        return use is not None and url in use.parts
    use = _use(url, judging)
    if use is None or left_by(url, extension, "Extension", judging) is not None:
        return False
    return use.modifier is modifier and not use.invariants and not use.types.isdisjoint(_kinds(type_))


def _use(url: Any, judging: Judging) -> Use | None:
    """Where the newest definition of an extension that is known lets it stand."""
    profile = judging.library.profile(url) if type(url) is str else None
    return profile.use if isinstance(profile, Profile) else None


def judge_extension(node: Node, judging: Judging) -> None:
    url = node.inside.get("url")
    if not isinstance(url, str):
        return
    if ":" not in url:
        _judge_part(url, node, judging)
        return
    plain, bar, _ = url.partition("|")
    if bar:
        judging.say(
            "structure",
            "The URL of an extension names no version",
            "L'URL d'une extension ne porte pas de version",
            node,
        )
    profile = judging.library.profile(plain)
    if isinstance(profile, Profile) and profile.use is not None:
        _judge_known(plain, profile.use, node, judging)
    elif isinstance(profile, Unusable):
        judging.cannot_check(plain, profile.text, profile.french, node)
    elif not _CROSS_VERSION.fullmatch(plain):
        _say_unknown(node, judging)


def _judge_part(url: str, node: Node, judging: Judging) -> None:
    """An extension with a relative URL: part of another, whose definition must name it."""
    parent = node.parent
    if parent is None or parent.type != "Extension":
        judging.say(
            "structure",
            "The URL of an extension is absolute; only parts of an extension have short ones",
            "L'URL d'une extension est absolue ; seules les parties d'une extension en ont une courte",
            node,
        )
        return
    around = parent.inside.get("url")
    if not isinstance(around, str) or ":" not in around:
        return
    for canonical in judging.library.meant(around):
        profile = judging.library.profile(canonical)
        if not isinstance(profile, Profile) or profile.use is None or url in profile.use.parts:
            return
    judging.say(
        "structure",
        "The definition of the extension has no part of this name",
        "La définition de l'extension n'a pas de partie de ce nom",
        node,
    )


def _judge_known(url: str, use: Use, node: Node, judging: Judging) -> None:
    modifier = node.element is not None and node.element.name == MODIFIER
    if use.modifier and not modifier:
        judging.say(
            "structure",
            "This extension changes the meaning of what it stands in: it goes into 'modifierExtension'",
            "Cette extension change le sens de ce qui la contient : sa place est dans « modifierExtension »",
            node,
        )
    elif modifier and not use.modifier:
        judging.say(
            "structure",
            "This extension changes no meaning: it goes into 'extension'",
            "Cette extension ne change pas le sens : sa place est dans « extension »",
            node,
        )
    parent = node.parent
    if parent is not None:
        _judge_context(use, parent, node, judging)
    found: list[list[Issue]] = []
    for canonical in judging.library.meant(url):
        issues = problems_with(node, canonical, judging)
        if issues is None:
            return
        found.append(issues)
        if not is_wrong(issues):
            break
    judging.issues += found[-1] if not is_wrong(found[-1]) else fewest(found)


def _judge_context(use: Use, parent: Node, node: Node, judging: Judging) -> None:
    if parent.type in CANONICAL and str(node.inside.get("url")).startswith(_OF_DEFINITIONS):
        return
    if use.contexts and _kinds(parent.type).isdisjoint(use.types) and not _is_among(use.contexts, parent):
        allowed = ", ".join(expression for _, expression in use.contexts)
        judging.say(
            "structure",
            f"This extension may not stand here, but on: {allowed}",
            f"Cette extension n'est pas admise ici, mais sur : {allowed}",
            parent,
        )
        return
    for expression in use.invariants:
        if _holds(expression, parent, node) is False:
            judging.say(
                "structure",
                "This extension may stand here on a condition that is not met (contextInvariant of its definition)",
                "Cette extension n'est admise ici qu'à une condition, non remplie (contextInvariant de sa définition)",
                parent,
            )


@cache
def _kinds(type: str) -> frozenset[str]:
    """A type and all that it is derived from; R4 means by `Element` whatever can be extended, resources too."""
    found = {"Element"}
    one: str | None = type
    while one is not None:
        found.add(one)
        one = R4.supertype(one)
    return frozenset(found)


def _is_among(contexts: Sequence[tuple[str, str]], parent: Node) -> bool:
    return any(_fits(kind, expression, parent) for kind, expression in contexts)


def _fits(kind: str, expression: str, parent: Node) -> bool:
    match kind:
        case "element":
            return _is_element(element_of(expression), parent)
        case "extension":
            return parent.type == "Extension" and parent.inside.get("url") == expression.partition("#")[0]
        case "fhirpath":
            found = _nodes(expression, parent.resource)
            return found is None or any(
                one.value is parent.value and one.place == parent.place for one in found
            )
    return True


def _is_element(wanted: str, parent: Node) -> bool:
    """Whether a node is the element of a path: `Element`, `HumanName.family`, `Patient.contact.name`."""
    if wanted == "Element":
        return True  # R4 means whatever can be extended, resources too
    below = ""
    node: Node | None = parent
    while node is not None:
        type_: str | None = node.type
        while type_ is not None:
            if type_ + below == wanted:
                return True
            type_ = R4.supertype(type_)
        if node.element is None or "resourceType" in node.inside:
            return wanted == "CanonicalResource" and not below and "url" in R4.properties(node.type)
        choice = node.element.choice
        if choice and f"{node.element.name}{below}" != node.element.name + "[x]" + below:
            name = f"{node.element.name}[x]"
        else:
            name = node.element.name
        below = f".{name}{below}"
        node = node.parent
    return False


def _holds(expression: str, parent: Node, node: Node) -> bool | None:
    found = _nodes(expression, parent, node)
    try:
        return None if found is None else truth(found, 0)
    except FhirpathError:
        return None


def _nodes(expression: str, context: Node, extension: Node | None = None) -> list[Node] | None:
    variables = {} if extension is None else {"extension": (extension,)}
    try:
        return evaluate_on(expression, context, R4, variables=variables, budget=Budget(_VISITS))
    except FhirpathError:
        return None


def _say_unknown(node: Node, judging: Judging) -> None:
    options = judging.world.options
    wanted = options.unknown_extensions
    if wanted == "ignore":
        return
    if wanted == "error" and _is_harmless(str(node.inside.get("url", "")), examples=options.examples):
        wanted = "warn"
    judging.say(
        "extension" if wanted == "error" else "not-found",
        "The definition of this extension is not known here: it is not checked",
        "La définition de cette extension n'est pas connue ici : elle n'est pas vérifiée",
        node,
        "error" if wanted == "error" else "warning",
    )


def _is_harmless(url: str, *, examples: bool) -> bool:
    """Whether nobody is misled by an extension that is not known: examples, and what HL7's own tools write."""
    return url.startswith(_TOOLS) or (examples and ("example.org" in url or "acme.com" in url))
