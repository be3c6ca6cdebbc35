"""Profiles, security labels and tags as the sets that they are.

A tag or security label is its system and code, whatever version and display say; a profile is its whole URL.

https://hl7.org/fhir/R4/resource-operation-meta-add.html
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import zip_longest
from typing import Any

from fhir_server.kernel.wire import Tree

_SETS = ("profile", "security", "tag")


def united(metas: Iterable[Tree]) -> Tree:
    """The labels of all of them, each once and sorted; no version and no time. May be empty."""
    found: Tree = {}
    for meta in metas:
        found = with_labels(found, meta)
    return {name: sorted(found[name], key=_identity) for name in _SETS if name in found}


def with_labels(meta: Tree, more: Tree) -> Tree:
    """`meta` and those labels of `more` that it has not, behind its own. What it has stays as it is."""
    result = dict(meta)
    for name in _SETS:
        known = {_identity(item) for item in _items(meta, name)}
        added = []
        for item in _items(more, name):
            if _identity(item) not in known:
                known.add(_identity(item))
                added.append(item)
        if added:
            result[name] = [*meta.get(name, ()), *added]
    return result


def without_labels(meta: Tree, less: Tree) -> Tree:
    """`meta` without the labels of `less`. A set that is left empty goes, because FHIR JSON has no empty lists."""
    result = dict(meta)
    for name in _SETS:
        gone = {_identity(item) for item in _items(less, name)}
        kept = [
            (item, extra)
            for item, extra in zip_longest(meta.get(name, ()), meta.get(f"_{name}", ()))
            if item is None or _identity(item) not in gone
        ]
        _assign(result, name, [item for item, _ in kept])
        _assign(result, f"_{name}", [extra for _, extra in kept])
    return result


def _assign(meta: Tree, name: str, items: list[Any]) -> None:
    if all(item is None for item in items):
        meta.pop(name, None)
    else:
        meta[name] = items


def _items(meta: Tree, name: str) -> list[Any]:
    return [item for item in meta.get(name, ()) if item is not None]


def _identity(item: Any) -> tuple[str, ...]:
    return (item.get("system", ""), item.get("code", "")) if isinstance(item, dict) else (item,)
