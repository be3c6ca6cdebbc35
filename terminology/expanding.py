"""A page of an expansion, as the ValueSet that `$expand` answers with.

Codes come nested as their code system has them where all of them are asked for at once; a page, or what a text finds,
is flat.

https://hl7.org/fhir/R4/valueset-operation-expand.html · https://hl7.org/fhir/R4/valueset.html#expansion
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from terminology.errors import TooManyCodes
from terminology.expansion import MOST_CODES, Expansion, Listed, Member, Selected, expand_in_runs
from terminology.grammars import Grammar
from terminology.languages import matches, shown, texts
from terminology.library import AnySystem, Library
from terminology.systems import System, Tree
from terminology.words import is_found, words_of

_UNCLOSED: Final = "http://hl7.org/fhir/StructureDefinition/valueset-unclosed"
_UNNAMED: Final = frozenset({"compose", "expansion", "text", "contained", "meta", "purpose", "copyright"})
_MOST_LISTED: Final = 50_000  # codes at hand that are looked through for a page
_DEEPEST: Final = 50  # codes within one another
_Key: TypeAlias = tuple[str, str]  # system and code of an entry


@dataclass(frozen=True, slots=True)
class Asked:
    """The inputs of `$expand` that shape the answer. `count` None: all."""

    text: str = ""
    offset: int = 0
    count: int | None = None
    designations: bool = False
    wanted_designations: tuple[str, ...] = ()  # `language` or `use-system|use-code`; empty: all
    definition: bool = False
    active_only: bool = False
    flat: bool = False
    for_ui: bool = False  # abstract codes are left out
    language: str = ""
    without: Mapping[str, str] = field(default_factory=dict)  # code systems left out → version; empty: any

    @property
    def paged(self) -> bool:
        return self.count is not None or self.offset > 0


@dataclass(slots=True)
class _Page:
    members: list[Member]
    total: int | None


def expanded(
    tree: Tree, library: Library, asked: Asked, *, said: Iterable[Tree], stamp: str, urn: str
) -> Tree:
    """The ValueSet with its `expansion`. `said`: the inputs, as `expansion.parameter` has them.

    Raises `NoAnswer` and `Later`.
    """
    expansion = expand_in_runs(tree, library, limit=_MOST_LISTED if asked.paged else MOST_CODES)
    page = _page(expansion, asked)
    partial = expansion.partial
    if asked.paged or asked.flat or asked.text:
        contains = [_entry(member, library, asked) for member in page.members]
    else:
        contains = _nested(page.members, library, asked)
    answer: dict[str, Any] = {
        name: value for name, value in tree.items() if asked.definition or name not in _UNNAMED
    }
    answer["expansion"] = {
        **({"extension": [{"url": _UNCLOSED, "valueBoolean": True}]} if partial else {}),
        "identifier": urn,
        "timestamp": stamp,
        **({"total": page.total} if page.total is not None else {}),
        **({"offset": asked.offset} if asked.paged else {}),
        **_some("parameter", [*said, *_used(expansion), *_warnings(tree, expansion)]),
        **_some("contains", contains),
    }
    return answer


def _page(expansion: Expansion, asked: Asked) -> _Page:
    """The members asked for, across the runs. Raises `TooManyCodes` where all are asked for, and there are too many."""
    members: list[Member] = []
    total: int | None = 0
    words = words_of(asked.text)
    left = asked.count if asked.count is not None else MOST_CODES + 1
    skip = asked.offset
    for run in expansion.runs:
        if isinstance(run, Listed):
            found = [member for member in run.members if _is_wanted(member, asked, words)]
            here: Sequence[Member] = found[skip : skip + left]
            size: int | None = len(found)
        else:
            if _is_without(run.system.url, run.system.version, asked.without):
                continue
            here, size = _selected(run, asked, skip, left)
        members += here
        left -= len(here)
        skip = max(0, skip - (size if size is not None else skip))
        total = None if total is None or size is None else total + size
    if asked.count is None and len(members) > MOST_CODES:
        raise TooManyCodes(MOST_CODES)
    return _Page(members, total)


def _selected(run: Selected, asked: Asked, skip: int, left: int) -> tuple[list[Member], int | None]:
    page = run.system.select(
        run.include,
        run.exclude,
        text=asked.text,
        active_only=asked.active_only or run.active_only,
        offset=skip,
        count=left,
    )
    members = [
        Member(run.system.url, one.code, one.display, run.version, one.abstract, one.inactive, concept=one)
        for one in page.concepts
    ]
    return [one for one in members if not (asked.for_ui and one.abstract)], page.total


def _is_wanted(member: Member, asked: Asked, words: Sequence[str]) -> bool:
    if (asked.active_only and member.inactive) or (asked.for_ui and member.abstract):
        return False
    if asked.without and _is_without(member.system, member.version, asked.without):
        return False
    return not words or is_found(words, [member.code, *texts(member.display, _designations(member))])


def _is_without(system: str, version: str, without: Mapping[str, str]) -> bool:
    return system in without and without[system] in {"", version}


def _designations(member: Member) -> list[Tree]:
    concept = member.concept
    own: Sequence[Tree] = member.said.get("designation", ())
    return [*own, *(concept.designations if concept is not None else ())]


def _entry(member: Member, library: Library, asked: Asked) -> dict[str, Any]:
    designations = _designations(member)
    display = member.display
    if asked.language:
        system = library.near(member.system, member.version)
        display = shown(display, system.language if system else "", designations, asked.language)
    entry: dict[str, Any] = {"system": member.system} if member.system else {}
    if member.abstract:
        entry["abstract"] = True
    if member.inactive:
        entry["inactive"] = True
    if member.version:
        entry["version"] = member.version
    entry["code"] = member.code
    if display:
        entry["display"] = display
    if asked.designations:
        kept = [one for one in designations if _is_asked(one, asked.wanted_designations)]
        entry |= _some("designation", kept)
    return entry


def _is_asked(designation: Tree, wanted: Collection[str]) -> bool:
    use = designation.get("use", {})
    token = f"{use.get('system', '')}|{use.get('code', '')}"
    language = designation.get("language", "")
    return not wanted or any(
        one == token or matches(language, one.removeprefix("urn:ietf:bcp:47|")) for one in wanted
    )


def _nested(members: Sequence[Member], library: Library, asked: Asked) -> list[dict[str, Any]]:
    """Each code below the first of its parents that is there too; of a circle, the first stands alone.

    What is nested deeper than answers can be stands beside its parent.
    """
    entries = {(member.system, member.code): _entry(member, library, asked) for member in members}
    below: dict[_Key, list[_Key]] = {}
    alone: list[_Key] = []
    for member in members:
        system = library.near(member.system, member.version) if member.concept is not None else None
        around = _parent(system, member, entries)
        (alone if around is None else below.setdefault(around, [])).append((member.system, member.code))
    roots: list[dict[str, Any]] = []
    placed: set[_Key] = set()
    for root in (*alone, *entries):  # first those without parents; what is left then is of circles
        if root in placed:
            continue
        placed.add(root)
        roots.append(entries[root])
        waiting = [(root, roots, 1)]
        for key, beside, depth in waiting:
            for child in below.get(key, ()):
                if child in placed:
                    continue
                placed.add(child)
                deep = depth >= _DEEPEST
                level = beside if deep else entries[key].setdefault("contains", [])
                level.append(entries[child])
                waiting.append((child, level, depth if deep else depth + 1))
    return roots


def _parent(system: System | None, member: Member, entries: Mapping[_Key, Any]) -> _Key | None:
    parents = system.parents(member.code) if system is not None else ()
    return next(((member.system, one) for one in parents if (member.system, one) in entries), None)


def _used(expansion: Expansion) -> list[Tree]:
    found: list[Tree] = []
    for system in expansion.systems:
        canonical = _canonical(system.url, system.version)
        found.append({"name": "used-codesystem", "valueUri": canonical})
        if system.version:
            found.append({"name": "version", "valueUri": canonical})
        if isinstance(system, System):
            found += ({"name": "used-supplement", "valueUri": one} for one in system.supplements)
    for tree in expansion.sets:
        canonical = _canonical(tree.get("url", ""), tree.get("version", ""))
        found.append({"name": "used-valueset", "valueUri": canonical})
    return found


def _warnings(tree: Tree, expansion: Expansion) -> list[Tree]:
    """Of what is a draft, out of use, for trials only, or known in part."""
    found: list[Tree] = []
    heads: list[Tree] = [tree, *expansion.sets, *(_head(system) for system in expansion.systems)]
    for head in heads:
        canonical = _canonical(head.get("url", ""), head.get("version", ""))
        if head.get("status") == "draft":
            found.append({"name": "warning-draft", "valueUri": canonical})
        elif head.get("status") == "retired":
            found.append({"name": "warning-retired", "valueUri": canonical})
        if head.get("experimental") is True:
            found.append({"name": "warning-experimental", "valueUri": canonical})
    found += (
        {"name": "warning-fragment", "valueUri": _canonical(one.url, one.version)}
        for one in expansion.partial
    )
    return [one for one in found if one["valueUri"]]


def _head(system: AnySystem) -> Tree:
    return (
        {} if isinstance(system, Grammar) else {**system.head, "url": system.url, "version": system.version}
    )


def _canonical(url: str, version: str) -> str:
    return f"{url}|{version}" if version else url


def _some(name: str, items: list[Any]) -> dict[str, list[Any]]:
    """A property of FHIR JSON, which knows no empty lists."""
    return {name: items} if items else {}
