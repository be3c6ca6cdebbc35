"""The functions that FHIR adds to the language. What they need from outside comes from the `Surroundings`.

https://hl7.org/fhir/R4/fhirpath.html#functions
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from fhir_server.fhirpath.tree import root_of
from fhir_server.fhirpath.types import derives
from fhir_server.fhirpath.use import Table, Use, answer
from fhir_server.fhirpath.values import SYSTEM, Node, made, system_of
from fhir_server.kernel.wire import Tree

_CORE: Final = "http://hl7.org/fhir/StructureDefinition/"
_POINTERS: Final = frozenset({"uri", "url", "canonical", "string", "oid", "uuid"})


def _extension(use: Use) -> list[Node]:
    url = use.string()
    extensions = [e for node in use.items for e in use.run.named(node, "extension", use.position)]
    return [e for e in extensions if url is not None and e.inside.get("url") == url]


def _has_value(use: Use) -> list[Node]:
    return [made(len(use.items) == 1 and _is_simple(use.items[0]))]


def _get_value(use: Use) -> list[Node]:
    return answer(system_of(use.items[0])) if len(use.items) == 1 and _is_simple(use.items[0]) else []


def _is_simple(node: Node) -> bool:
    return node.value is not None and not isinstance(node.value, dict)


def _resolve(use: Use) -> list[Node]:
    """The resources that References, uris and canonicals lead to; what leads nowhere is left out."""
    found = []
    for node in use.items:
        use.charge(1)
        link = _link_of(node)
        target = None if link is None else _target(link, node, use)
        if target is not None:
            found.append(target)
    return found


def _link_of(node: Node) -> str | None:
    if node.type == "Reference":
        link = node.inside.get("reference")
    elif node.type in _POINTERS or node.type == "System.String":
        link = node.value
    else:
        return None
    return link if isinstance(link, str) and link else None


def _target(link: str, node: Node, use: Use) -> Node | None:
    start = node if node.parent is not None else use.run.variables["resource"][0]
    if link.startswith("#"):
        return _contained(link[1:], start, use)
    entry = _entry(link, start, use)
    if entry is not None:
        return entry
    ask = use.run.surroundings.resolve
    tree = None if ask is None else ask(link, node)
    return None if tree is None else root_of(tree, use.run.model)


def _contained(id: str, start: Node, use: Use) -> Node | None:
    container = start.container
    if not id or container.inside.get("id") == id:
        return container
    resources = use.run.named(container, "contained", use.position)
    return next((resource for resource in resources if resource.inside.get("id") == id), None)


def _entry(link: str, start: Node, use: Use) -> Node | None:
    """The resource of the Bundle around `start` whose full URL the link is, or ends with.

    https://hl7.org/fhir/R4/bundle.html#references
    """
    bundle, base = _bundle_of(start)
    if bundle is None:
        return None
    wanted = link if ":" in link or base is None else f"{base}/{link}"
    for entry in use.run.named(bundle, "entry", use.position):
        url = entry.inside.get("fullUrl")
        if isinstance(url, str) and url == wanted:
            return next(iter(use.run.named(entry, "resource", use.position)), None)
    return None


def _bundle_of(start: Node) -> tuple[Node | None, str | None]:
    """The innermost Bundle that a node stands in an entry of, and the base of that entry's full URL."""
    node, base = start, None
    while node.parent is not None:
        if node.type == "Bundle.entry":
            url = node.inside.get("fullUrl")
            if isinstance(url, str) and url.count("/") > 2:
                base = url.rsplit("/", 2)[0]
            return node.parent, base
        node = node.parent
    return (node, None) if node.type == "Bundle" else (None, None)


def _element_definition(use: Use) -> list[Node]:
    ask = use.run.surroundings.definition_of
    if ask is None:
        raise use.unsupported()
    trees = [ask(node) for node in use.items]
    return [Node(tree, "ElementDefinition") for tree in trees if tree is not None]


def _slice(use: Use) -> list[Node]:
    ask = use.run.surroundings.is_in_slice
    if ask is None:
        raise use.unsupported()
    structure, name = use.string(0), use.string(1)
    if structure is None or name is None:
        return []
    answers = [(node, ask(node, structure, name)) for node in use.items]
    if any(found is None for _, found in answers):
        raise use.refusal("the profile is not known, or has no slice of this name", code="not-found")
    return [node for node, found in answers if found]


def _check_modifiers(use: Use) -> list[Node]:
    known = {use.string(number) for number in range(len(use.arguments))}
    for node in use.items:
        for extension in use.run.named(node, "modifierExtension", use.position):
            if extension.inside.get("url") not in known:
                raise use.refusal("there is a modifier extension other than those that are named")
    return list(use.items)


def _conforms_to(use: Use) -> list[Node]:
    node, url = use.single(), use.string()
    if node is None or url is None:
        return []
    canonical = url.partition("|")[0]
    base = canonical.removeprefix(_CORE)
    if base != canonical and use.run.model.knows(base) and not node.type.startswith(SYSTEM):
        return [made(derives(node.type, base, use.run.model))]
    ask = use.run.surroundings.conforms_to
    found = None if ask is None else ask(node, url)
    if found is None:
        raise use.refusal("the profile is not known", code="not-found")
    return [made(found)]


def _member_of(use: Use) -> list[Node]:
    ask = use.run.surroundings.member_of
    if ask is None:
        raise use.unsupported()
    node, url = use.single(), use.string()
    if node is None or url is None:
        return []
    found = ask(node, url)
    if found is None:
        raise use.refusal("whether the value set has this code cannot be told", code="not-found")
    return [made(found)]


def _subsumes(use: Use) -> list[Node]:
    return _subsumption(use, use.items, use.argument())


def _subsumed_by(use: Use) -> list[Node]:
    return _subsumption(use, use.argument(), use.items)


def _subsumption(use: Use, general: Sequence[Node], special: Sequence[Node]) -> list[Node]:
    ask = use.run.surroundings.subsumes
    if ask is None:
        raise use.unsupported()
    if not general or not special:
        return []
    if len(general) > 1 or len(special) > 1:
        raise use.refusal("one code is expected on either side")
    found = ask(general[0], special[0])
    if found is None:
        raise use.refusal("the code system is not known", code="not-found")
    return [made(found)]


def _html_checks(use: Use) -> list[Node]:
    ask = use.run.surroundings.is_safe
    if ask is None:
        raise use.unsupported()
    node = use.single()
    if node is None:
        return []
    content: str | Tree | None = node.value
    return [made(isinstance(content, str) and ask(content))]


OF_FHIR: Table = {
    "extension": (_extension, 1, 1),
    "hasValue": (_has_value, 0, 0),
    "getValue": (_get_value, 0, 0),
    "resolve": (_resolve, 0, 0),
    "elementDefinition": (_element_definition, 0, 0),
    "slice": (_slice, 2, 2),
    "checkModifiers": (_check_modifiers, 0, 20),
    "conformsTo": (_conforms_to, 1, 1),
    "memberOf": (_member_of, 1, 1),
    "subsumes": (_subsumes, 1, 1),
    "subsumedBy": (_subsumed_by, 1, 1),
    "htmlChecks": (_html_checks, 0, 0),
}
