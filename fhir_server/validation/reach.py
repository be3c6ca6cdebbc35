"""From an item to others: what lies under a name, where a path of a discriminator ends, where a reference leads.

https://hl7.org/fhir/R4/profiling.html#discriminator · https://hl7.org/fhir/R4/bundle.html#references
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

from fhir_server.definitions.catalogue import resource_types, type_of_profile
from fhir_server.definitions.model import R4
from fhir_server.fhirpath.tree import resource_type, root_of
from fhir_server.fhirpath.values import Element, Node
from fhir_server.kernel.wire import Tree
from fhir_server.validation.judging import Judging
from fhir_server.validation.world import LATER, Later

_TYPE_AND_ID: Final = re.compile(
    r"(?:^|/)([A-Z][A-Za-z]+/[A-Za-z0-9\-.]{1,64})(?:/_history/[A-Za-z0-9\-.]{1,64})?$"
)
_STEP: Final = re.compile(
    r"""\s*(?:(?P<this>\$this)|extension\(\s*['"](?P<url>[^'"]*)['"]\s*\)|(?P<resolve>resolve\(\s*\))
    |(?:ofType|as)\(\s*(?:FHIR\.)?(?P<type>[A-Za-z]+)\s*\)|(?P<name>[A-Za-z_]\w*(?:\[x\])?))\s*(?:\.|$)""",
    re.VERBOSE,
)

_FEW: Final = 3  # elements that are asked for one by one

Step = tuple[str, str]  # ("name", "coding"), ("extension", url), ("type", "Quantity"), ("resolve", "")


def steps_of(path: str) -> tuple[Step, ...] | None:
    """The steps of a discriminator's path; None where it is not of the language that discriminators are written in."""
    found: list[Step] = []
    at = 0
    while at < len(path):
        step = _STEP.match(path, at)
        if step is None:
            return None
        at = step.end()
        if step["url"] is not None:
            found.append(("extension", step["url"]))
        elif step["resolve"]:
            found.append(("resolve", ""))
        elif step["type"]:
            found.append(("type", step["type"]))
        elif step["name"]:
            found.append(("name", step["name"].removesuffix("[x]")))
    return tuple(found)


def reached(node: Node, steps: tuple[Step, ...], judging: Judging) -> list[Node]:
    """The items where a path ends."""
    nodes = [node]
    for kind, name in steps:
        judging.charge(len(nodes))
        match kind:
            case "name":
                nodes = [child for one in nodes for child in under(one, R4.alternatives(one.type, name))]
            case "extension":
                nodes = [one for one in extensions_of(nodes) if one.inside.get("url") == name]
            case "type":
                nodes = [one for one in nodes if one.type == name]
            case _:
                nodes = [target for one in nodes if isinstance(target := target_of(one, judging), Node)]
    return nodes


def extensions_of(nodes: Iterable[Node]) -> list[Node]:
    return [child for one in nodes for child in under(one, R4.alternatives(one.type, "extension"))]


def under(node: Node, elements: Sequence[Element]) -> list[Node]:
    """The children of a node under the properties that an element may stand under."""
    holder = node.value if type(node.value) is dict else node.extra
    found: list[Node] = []
    if not holder:
        return found
    if len(elements) > _FEW:
        return _chosen(node, holder, elements)
    for element in elements:
        if element.primitive:
            value, extra = holder.get(element.key), holder.get(f"_{element.key}")
            if value is not None or extra is not None:
                _primitives(node, element, value, extra, found)
        else:
            value = holder.get(element.key)
            if value is not None:
                _objects(node, element, value, found)
    return found


def _chosen(node: Node, holder: Mapping[str, Any], elements: Sequence[Element]) -> list[Node]:
    """As `under`, for a choice of many types: by what is there."""
    table = by_key(node.type, elements[0].name)
    found: list[Node] = []
    for key in holder:
        element = table.get(key)
        if element is None and key[0] == "_" and key[1:] not in holder:
            element = table.get(key[1:])
        if element is None:
            continue
        if element.primitive:
            _primitives(node, element, holder.get(element.key), holder.get(f"_{element.key}"), found)
        else:
            _objects(node, element, holder[key], found)
    return found


@lru_cache(maxsize=512)
def by_key(type: str, name: str) -> Mapping[str, Element]:
    """The JSON properties that an element may stand under."""
    return {element.key: element for element in R4.alternatives(type, name)}


def _objects(node: Node, element: Element, value: Any, found: list[Node]) -> None:
    if type(value) is list:
        for index, item in enumerate(value):
            if type(item) is dict:
                found.append(Node(item, _type_of(item, element), node, element, index))
    elif type(value) is dict:
        found.append(Node(value, _type_of(value, element), node, element))


def _type_of(value: dict[str, Any], element: Element) -> str:
    return resource_type(value, R4) if "resourceType" in value else element.type


def _primitives(node: Node, element: Element, value: Any, extra: Any, found: list[Node]) -> None:
    if type(value) is not list and type(extra) is not list:
        found.append(Node(value, element.type, node, element, None, extra if type(extra) is dict else None))
        return
    values = value if type(value) is list else []
    extras = extra if type(extra) is list else []
    for index in range(max(len(values), len(extras))):
        one = values[index] if index < len(values) else None
        its = extras[index] if index < len(extras) else None
        if one is not None or its is not None:
            found.append(Node(one, element.type, node, element, index, its if type(its) is dict else None))


def target_of(node: Node, judging: Judging) -> Node | Later | None:
    """The resource that a Reference, uri or canonical leads to: contained, in the same Bundle, or elsewhere.

    None: it leads nowhere, or nobody here can tell.
    """
    link = node.inside.get("reference") if node.type == "Reference" else node.value
    if not isinstance(link, str) or not link:
        return None
    if link.startswith("#"):
        return _contained(node, link[1:])
    found = _entry(node, link, judging)
    if found is not None:
        return found
    resolve = judging.world.resolve
    tree = resolve(link) if resolve is not None else None
    if tree is None or isinstance(tree, Later):
        return LATER if tree is LATER else None
    judging.kept.append(tree)
    return root_of(dict(tree), R4) if not isinstance(tree, dict) else root_of(tree, R4)


def way_of(node: Node, judging: Judging) -> str:
    """How a Reference leads to its target: `contained`, `bundled` or `referenced`; empty: it has no literal.

    https://hl7.org/fhir/R4/valueset-resource-aggregation-mode.html
    """
    link = node.inside.get("reference")
    if not isinstance(link, str) or not link:
        return ""
    if link.startswith("#"):
        return "contained"
    return "referenced" if _entry(node, link, judging) is None else "bundled"


def type_named(reference: Tree) -> str | None:
    """The type of resource that a Reference says it leads to."""
    type_, link = reference.get("type"), reference.get("reference")
    found = _TYPE_AND_ID.search(link) if isinstance(link, str) else None
    name = found[1].partition("/")[0] if found else type_of_profile(type_) if isinstance(type_, str) else ""
    return name if name in resource_types() else None


def _contained(node: Node, id: str) -> Node | None:
    container = node.container
    if not id or container.inside.get("id") == id:
        return container
    resources = under(container, R4.alternatives(container.type, "contained"))
    return next((one for one in resources if one.inside.get("id") == id), None)


def _entry(node: Node, link: str, judging: Judging) -> Node | None:
    """The entry of the Bundle around that a reference names.

    By its full URL, by `[type]/[id]` beside the full URL of the entry that asks, or, where that has no such URL, by
    the one entry that has this type and id.
    """
    entry, bundle = _surrounding(node)
    if bundle is None:
        return None
    urls, ids = _index(bundle, judging)
    found = urls.get(link) or urls.get(link.partition("/_history/")[0])
    if found is None and ":" not in link:
        base = _TYPE_AND_ID.sub("", entry.inside.get("fullUrl") or "") if entry is not None else ""
        found = urls.get(f"{base}/{link}") or ids.get(link.partition("/_history/")[0])
    return found


def _surrounding(node: Node) -> tuple[Node | None, Node | None]:
    entry: Node | None = None
    one: Node | None = node
    while one is not None:
        if one.type == "Bundle.entry":
            entry = entry or one
        elif one.type == "Bundle" and entry is not None:
            return entry, one
        one = one.parent
    return None, None


def _index(bundle: Node, judging: Judging) -> tuple[dict[str, Node], dict[str, Node]]:
    """The resources of a Bundle by full URL, and by type and id where only one has them."""
    known = judging.bundles.get(id(bundle.value))
    if known is not None:
        found: tuple[dict[str, Node], dict[str, Node]] = known
        return found
    urls: dict[str, Node] = {}
    ids: dict[str, Node | None] = {}
    for entry in under(bundle, R4.alternatives("Bundle", "entry")):
        for resource in under(entry, R4.alternatives("Bundle.entry", "resource")):
            url, id_ = entry.inside.get("fullUrl"), resource.inside.get("id")
            if isinstance(url, str):
                urls.setdefault(url, resource)
            if isinstance(id_, str):
                name = f"{resource.type}/{id_}"
                ids[name] = None if name in ids else resource
    index = (urls, {name: one for name, one in ids.items() if one is not None})
    judging.bundles[id(bundle.value)] = index
    return index
