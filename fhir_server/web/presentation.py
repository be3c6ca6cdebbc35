"""Parts of resources: what `_summary` and `_elements` leave of a tree.

Pure: a tree goes in, a new one comes out, with the tag SUBSETTED so that nobody writes a part back as the whole. What
must be there to read the rest rightly stays in any case: mandatory elements, `implicitRules`, modifier extensions.

https://hl7.org/fhir/R4/search.html#summary · https://hl7.org/fhir/R4/search.html#elements
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from fhir_server.definitions.catalogue import resource_types
from fhir_server.definitions.elements import shape_of
from fhir_server.interactions.subsetted import SUBSETTED, is_subsetted
from fhir_server.kernel.errors import Malformed
from fhir_server.kernel.wire import Tree
from fhir_server.web.negotiation import Summary

_ALWAYS = frozenset({"resourceType", "id", "meta", "implicitRules", "modifierExtension"})


@dataclass(frozen=True, slots=True)
class Cut:
    """What the client wants of each resource: never all of it."""

    summary: Summary
    elements: tuple[str, ...]

    def of(self, tree: Tree, *, included: bool = False) -> Tree:
        """The wanted part, tagged. Of a resource that came by `_include`, `_elements` names parts by type only."""
        match self.summary:
            case "true":
                return _tagged(summarized(tree))
            case "text":
                return _tagged(narrated(tree))
            case "data":
                return _tagged(without_narrative(tree))
        elements = self.elements
        if included:
            elements = tuple(name for name in elements if name.startswith(f"{tree['resourceType']}."))
        return _tagged(only(tree, elements)) if elements else tree


def cut_of(summary: Summary, elements: tuple[str, ...]) -> Cut | None:
    """None when the whole is wanted; `_summary=count` is for the search to obey, not for here.

    Raises `Malformed` when both ask for a part, since then it is not clear which.
    """
    if summary in {"true", "text", "data"} and elements:
        raise Malformed("_summary and _elements exclude each other: send one of them", code="invalid")
    if summary in {"", "false", "count"} and not elements:
        return None
    return Cut(summary, elements)


def page(bundle: Tree, cut: Cut) -> Tree:
    """A searchset or history with each of its resources cut; outcomes of the search stay whole."""
    entries = [_entry(entry, cut) for entry in bundle.get("entry", ())]
    return {**bundle, "entry": entries} if entries else bundle


def summarized(tree: Tree) -> Tree:
    """`_summary=true`: the elements that R4 marks as summary, at every level."""
    return _summary_of(tree, tree["resourceType"])


def narrated(tree: Tree) -> Tree:
    """`_summary=text`: the narrative, and what is mandatory at the top."""
    mandatory = _mandatory(tree["resourceType"])
    return {k: v for k, v in tree.items() if _stem(k) in _ALWAYS or _stem(k) in mandatory or k == "text"}


def without_narrative(tree: Tree) -> Tree:
    """`_summary=data`."""
    return {k: v for k, v in tree.items() if k != "text"}


def only(tree: Tree, elements: Sequence[str]) -> Tree:
    """`_elements`: those named (`birthDate`, `value[x]`, `Patient.name`), and what is mandatory at the top.

    A name with a type in front is for resources of that type alone.
    """
    resource_type = tree["resourceType"]
    wanted = _properties(resource_type, tuple(elements)) | _mandatory(resource_type) | _ALWAYS
    return {k: v for k, v in tree.items() if _stem(k) in wanted}


def check_elements(resource_type: str | None, elements: tuple[str, ...]) -> None:
    """Refuse names that no element has. `resource_type` None: of no resource at all.

    Raises `Malformed`.
    """
    if resource_type is not None and elements and not _all_known(resource_type, elements):
        raise Malformed(f"_elements names something that is no element of {resource_type}", code="value")


@lru_cache(maxsize=1024)
def _all_known(resource_type: str, elements: tuple[str, ...]) -> bool:
    for element in elements:
        name, dot, _ = element.partition(".")
        if dot and name != resource_type:
            if name not in resource_types() or not _properties(name, (element,)):
                return False
        elif not _properties(resource_type, (element,)):
            return False
    return True


@lru_cache(maxsize=1024)
def _properties(resource_type: str, elements: tuple[str, ...]) -> frozenset[str]:
    """The JSON properties that `elements` stand for."""
    names = {
        element.removeprefix(f"{resource_type}.").removesuffix("[x]")
        for element in elements
        if "." not in element or element.startswith(f"{resource_type}.")
    }
    return frozenset(
        child.property
        for child in shape_of(resource_type).children.values()
        if child.element in names or child.property in names
    )


@cache
def _mandatory(resource_type: str) -> frozenset[str]:
    return frozenset(child.property for child in shape_of(resource_type).children.values() if child.min > 0)


def _summary_of(value: Tree, shape: str) -> Tree:
    plan = _plan(shape)
    kept: Tree = {}
    for name, inner in value.items():
        inside = plan.get(_stem(name))
        if inside is None:
            continue
        # `_birthDate` may hold why there is no birth date: it goes where its value goes, whole.
        found = inner if not inside or name.startswith("_") else _inside(inner, inside)
        if found not in ({}, []):
            kept[name] = found
    return kept


def _inside(value: Any, shape: str) -> Any:
    if isinstance(value, list):
        return [cut for item in value if (cut := _inside(item, shape)) != {}]
    if not isinstance(value, dict):
        return value
    if shape == "Resource":
        return _summary_of(value, value["resourceType"])
    return _summary_of(value, shape)


@cache
def _plan(shape: str) -> Mapping[str, str]:
    """Property → shape of its inside for all that stays; empty: it stays as it is."""
    plan = dict.fromkeys({"resourceType", "modifierExtension"}, "")
    for child in shape_of(shape).children.values():
        if child.property not in plan and (child.summary or child.min > 0):
            plan[child.property] = "" if child.primitive or child.type == "Extension" else child.type
    return plan


def _entry(entry: Tree, cut: Cut) -> Tree:
    if "resource" not in entry or entry.get("search", {}).get("mode") == "outcome":
        return entry
    included = entry.get("search", {}).get("mode") == "include"
    return {**entry, "resource": cut.of(entry["resource"], included=included)}


def _tagged(tree: Tree) -> Tree:
    meta = tree.get("meta", {})
    tags = meta.get("tag", [])
    if is_subsetted(tree):
        return tree
    head: Tree = {name: tree[name] for name in ("resourceType", "id") if name in tree}
    return {**head, "meta": {**meta, "tag": [*tags, SUBSETTED]}, **_without_meta(tree)}


def _without_meta(tree: Tree) -> Tree:
    return {name: value for name, value in tree.items() if name != "meta"}


def _stem(name: str) -> str:
    return name.removeprefix("_")
