"""A record as retention sees it: of each resource its category, its dates, whether it is open, what it refers to.

A partial date counts with its end: `2004` is over when the year is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final

from fhir_server.access.categories import category_of
from fhir_server.access.facts import OPEN_TASK, SOLLICITATION, TASK_TYPES, coded, key_of, target_of
from fhir_server.access.marks import ARCHIVE, LABEL_SYSTEM
from fhir_server.access.reading import codes_of, values
from fhir_server.access.retention import Piece, Record
from fhir_server.access.subjects import persons_of
from fhir_server.access.tables import Tables
from fhir_server.definitions.targets import local_key
from fhir_server.kernel.errors import Malformed
from fhir_server.kernel.keys import Key
from fhir_server.kernel.wire import Tree
from fhir_server.search.spans import span_of

HOLD: Final = "gel"
ARCHIVED_ON: Final = "https://cordee.example/fhir/StructureDefinition/date-archivage"

_MOMENTS: Final = (
    *("authored", "authoredOn", "abatementDateTime", "assertedDate", "created", "date", "dateAsserted"),
    *("dateTime", "dateWritten", "effectiveDateTime", "effectiveInstant", "end", "indexed", "issued"),
    *("lastModified", "lastOccurrence", "occurrenceDateTime", "onsetDateTime", "performedDateTime"),
    *("received", "recorded", "recordedDate", "sent", "servicedDate", "start", "startDate", "started"),
    *("statusDate", "timestamp", "whenHandedOver", "whenPrepared"),
)
_PERIODS: Final = (
    *("billablePeriod", "context.period", "createdPeriod", "effectivePeriod", "executionPeriod"),
    *("identifiedPeriod", "occurrencePeriod", "onsetPeriod", "performedPeriod", "period", "servicedPeriod"),
)
_OPEN: Final[Mapping[str, frozenset[str]]] = {
    "EpisodeOfCare": frozenset({"planned", "waitlist", "active", "onhold"}),
    "Encounter": frozenset({"planned", "arrived", "triaged", "in-progress", "onleave"}),
    "Task": frozenset(OPEN_TASK) | {"draft"},
    "Communication": frozenset({"preparation", "in-progress", "on-hold"}),
    "Consent": frozenset({"draft", "proposed", "active"}),
}
# Whose being open says that somebody is in contact with the person.
_FOLLOWING: Final = frozenset({"EpisodeOfCare", "Encounter"})


def record_of(
    person: Key | None,
    trees: Sequence[Tree],
    tables: Tables,
    holds: Iterable[Key] = (),
    bases: tuple[str, ...] = (),
) -> Record:
    """The record that these resources are. `holds`: what the open Tasks `gel` name, of whomever."""
    keys = frozenset(map(key_of, trees))
    pieces = _with_conversations([_piece(tree, person, tables, keys, bases) for tree in trees], trees, bases)
    patient = next((tree for tree in trees if person is not None and key_of(tree) == person), {})
    died = _moment(patient.get("deceasedDateTime"))
    held = frozenset(key for key in holds if key in keys or key == person)
    return Record(person, tuple(pieces), _moment(patient.get("birthDate")), died, held)


def held_by(tree: Tree, bases: tuple[str, ...] = ()) -> tuple[Key, ...]:
    """What a Task holds: the person it is `for`, with all that is theirs, and its `focus`; closed, nothing."""
    if not is_hold(tree) or tree.get("status") not in _OPEN["Task"]:
        return ()
    found = (target_of(tree.get(name), bases) for name in ("for", "focus"))
    return tuple(key for key in found if key is not None)


def is_hold(tree: Tree) -> bool:
    return tree["resourceType"] == "Task" and coded(tree.get("code"), TASK_TYPES, (HOLD,))


def is_archived(tree: Tree) -> bool:
    return ARCHIVE in codes_of(tree, "meta.tag", LABEL_SYSTEM)


def archived(tree: Tree, day: str) -> Tree:
    """The resource with the tag of the archive and the day, `2026-11-22`, since when it is there."""
    tag = {
        "extension": [{"url": ARCHIVED_ON, "valueDate": day}],
        "system": LABEL_SYSTEM,
        "code": ARCHIVE,
    }
    meta = tree.get("meta", {})
    return {**tree, "meta": {**meta, "tag": [*meta.get("tag", ()), tag]}}


def _piece(
    tree: Tree, person: Key | None, tables: Tables, keys: frozenset[Key], bases: tuple[str, ...]
) -> Piece:
    kind, key = tree["resourceType"], key_of(tree)
    is_open = tree.get("status") in _OPEN.get(kind, ())
    is_request = kind == "Task" and coded(tree.get("code"), TASK_TYPES, (SOLLICITATION,))
    refers = values(tree, "target") if kind == "Provenance" else iter((tree,))
    last = _latest([*_moments(tree)])
    return Piece(
        key,
        "identite" if is_hold(tree) else category_of(tree, tables, bases),
        last=last,
        until=_until(tree, last, is_open=is_open),
        is_open=is_open and (kind in _FOLLOWING or is_request),
        is_archived=is_archived(tree),
        shared=any(one != person for one in persons_of(tree, bases)),
        refers=tuple(sorted({one for node in refers for one in _references(node, bases)} & keys - {key})),
    )


def _until(tree: Tree, last: int | None, *, is_open: bool) -> int | None:
    """When it was closed, or stopped being in force."""
    kind = tree["resourceType"]
    if kind == "Consent":
        end = _moment(tree.get("provision", {}).get("period", {}).get("end"))
        return end if is_open else _latest([end, last, _updated(tree)])
    if kind not in _OPEN or is_open:
        return None
    end = _moment(tree.get("period", {}).get("end")) if kind == "EpisodeOfCare" else None
    return end or last or _updated(tree)


def _with_conversations(
    pieces: list[Piece], trees: Sequence[Tree], bases: tuple[str, ...]
) -> Iterator[Piece]:
    """Messages are closed with the conversation that they are part of, and not before its last one."""
    whole: dict[Key, Key] = {}
    for tree in trees:
        if tree["resourceType"] in {"Communication", "Media"}:
            parts = (target_of(one, bases) for one in values(tree, "partOf"))
            of = next((one for one in parts if one is not None and one.type == "Communication"), None)
            whole[key_of(tree)] = of or key_of(tree)
    by_key = {piece.key: piece for piece in pieces}
    ends: dict[Key, int | None] = {}
    for piece in pieces:
        if (of := whole.get(piece.key)) is not None:
            conversation = by_key.get(of, piece)
            before = ends.get(of, conversation.until)
            closed = None if before is None else max(before, piece.last or before)
            ends[of] = closed
    for piece in pieces:
        of = whole.get(piece.key)
        yield piece if of is None else replace(piece, until=ends[of])


def _moments(tree: Tree) -> Iterator[int | None]:
    for name in _MOMENTS:
        if name in tree:
            yield _moment(tree[name])
    for path in _PERIODS:
        if path.partition(".")[0] in tree:
            for period in values(tree, path):
                if isinstance(period, dict):
                    yield _moment(period.get("end")) or _moment(period.get("start"))


def _moment(text: Any) -> int | None:
    """Where a partial date ends, in µs."""
    if isinstance(text, str):
        with suppress(Malformed):
            return span_of(text)[1]
    return None


def _updated(tree: Tree) -> int | None:
    return _moment(tree.get("meta", {}).get("lastUpdated"))


def _latest(moments: Sequence[int | None]) -> int | None:
    return max((moment for moment in moments if moment is not None), default=None)


def _references(node: Any, bases: tuple[str, ...]) -> Iterator[Key]:
    """The local resources that a tree refers to, and the Binaries that its attachments are."""
    if isinstance(node, list):
        for item in node:
            yield from _references(item, bases)
    elif isinstance(node, dict):
        for name, value in node.items():
            if isinstance(value, dict | list):
                yield from _references(value, bases)
            elif name in {"reference", "url"} and isinstance(value, str):
                key = local_key(value, bases)
                if key is not None and (name == "reference" or key.type == "Binary"):
                    yield key
