"""Observation/$lastn: the most recent observations of a subject, so many of each code.

Two codes are the same where system and code are; codes beside one another in one observation are the same too, and what
they are the same as. A code without any coding is its text.

https://hl7.org/fhir/R4/observation-operation-lastn.html
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import AsyncIterator, Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import urlencode

from fhir_server.definitions.parameters import parameters_of
from fhir_server.interactions import bundles
from fhir_server.interactions.call import Call, Reply, Server
from fhir_server.kernel import times
from fhir_server.kernel.errors import Malformed, Unprocessable
from fhir_server.kernel.issues import Issue
from fhir_server.kernel.keys import Key
from fhir_server.kernel.wire import Tree, decode
from fhir_server.operations.inputs import Inputs
from fhir_server.operations.operation import Operation, standard
from fhir_server.search.parse import query_of
from fhir_server.search.query import Ids, Include, Query
from fhir_server.search.spans import BEGINNING, period_of, span_of, timing_of
from fhir_server.search.terms import settled
from fhir_server.store.contract import Reader, Stored

MOST = 20_000  # observations that are looked through
_SLICE = 1000  # observations read at a time
_NAME = re.compile(r"[^.:]+")
_SUBJECTS = frozenset({"patient", "subject"})
# The operation decides on these itself.
_OWN = frozenset({"_sort", "_count", "_total", "_contained", "_containedType", "__explain"})


@dataclass(frozen=True, slots=True)
class Seen:
    """An observation, as far as its place in the answer goes."""

    stored: Stored
    subject: str
    codes: tuple[Hashable, ...]  # never empty
    span: tuple[int, int] | None  # effective time, µs

    @property
    def age(self) -> tuple[int, int, Key]:
        """Sorts the most recent first, and what has no time last."""
        low, high = self.span or (BEGINNING, BEGINNING)
        return -high, -low, self.stored.key


async def lastn(call: Call, inputs: Inputs, reader: Reader, server: Server) -> Reply:
    _require_enough(inputs.criteria)
    criteria = [(name, value) for name, value in inputs.criteria if name not in _OWN]
    parsed = query_of(
        "Observation",
        urlencode(criteria),
        lenient=call.conditions.prefer_handling != "strict",
        limits=server.limits,
        base=call.base,
        parameters=server.store.definitions.current.parameters,
    )
    registry = server.store.definitions.current.registry
    known = await settled(parsed.query, reader, registry, server.store.codes)
    query = replace(known, count=_SLICE, cursor="", total="none", includes=())
    seen = [_seen(stored) async for stored in _found(reader, query)]
    chosen = last(seen, inputs.one("max") or 1)
    included = await _included(reader, chosen, parsed.query.includes)
    ignored = [
        Issue("not-supported", f"'{name}' has no effect: the operation orders and limits", severity="warning")
        for name, _ in inputs.criteria
        if name in _OWN
    ]
    understood = "&".join(part for part in (urlencode(inputs.given), parsed.understood) if part)
    body = bundles.searchset(
        [one.stored for one in chosen],
        included,
        [*parsed.issues, *ignored],
        [("self", f"{call.base}/Observation/$lastn?{understood}")],
        len(chosen),
        call.base,
        updated=times.now(),
    )
    return Reply(200, body)


def last(seen: Iterable[Seen], most: int) -> list[Seen]:
    """The most recent `most` of each subject and group of codes, and those as recent as the last of them."""
    ordered = sorted(seen, key=lambda one: one.age)
    groups = _Groups()
    for one in ordered:
        groups.join(one.subject, one.codes)
    taken: dict[Hashable, list[Seen]] = defaultdict(list)
    chosen = []
    for one in ordered:
        group = taken[groups.of(one.subject, one.codes[0])]
        if len(group) < most or (one.span is not None and one.span == group[-1].span):
            group.append(one)
            chosen.append(one)
    return chosen


class _Groups:
    """Codes that stand for the same, found by what one of them stands for."""

    def __init__(self) -> None:
        self._parents: dict[Hashable, Hashable] = {}

    def join(self, subject: str, codes: Sequence[Hashable]) -> None:
        first = self.of(subject, codes[0])
        for code in codes[1:]:
            self._parents[self.of(subject, code)] = first

    def of(self, subject: str, code: Hashable) -> Hashable:
        found: Hashable = (subject, code)
        while (parent := self._parents.get(found, found)) != found:
            self._parents[found] = self._parents.get(parent, parent)  # the next way is shorter
            found = parent
        return found


def _require_enough(criteria: Iterable[tuple[str, str]]) -> None:
    """Raises `Malformed` unless a subject, and a category or a code, are among the criteria.

    What has no value, or asks for any at all, says neither.
    """
    said = [name for name, value in criteria if value.strip() and not name.endswith(":missing")]
    codes = {found[0] for name in said if (found := _NAME.match(name))}
    if codes.isdisjoint(_SUBJECTS):
        raise Malformed("$lastn is about a subject: 'patient' or 'subject' is required", code="required")
    if not any(code == "category" or _is_about_codes(code) for code in codes):
        raise Malformed("$lastn needs a 'category', or a code such as 'code' gives it", code="required")


def _is_about_codes(code: str) -> bool:
    """Whether a parameter looks at a code, alone or along with a value."""
    parameter = parameters_of("Observation").get(code)
    return parameter is not None and parameter.kind in {"token", "composite"} and "code" in code.split("-")


async def _found(reader: Reader, query: Query) -> AsyncIterator[Stored]:
    """Raises `Unprocessable` when there are too many to look through."""
    read = 0
    while True:
        page = await reader.search(query)
        for stored in page.items:
            yield stored
        read += len(page.items)
        if not page.next:
            return
        if read >= MOST:
            raise Unprocessable(
                f"More than {MOST:,} observations match; narrower criteria, such as a date, would be right",
                code="too-costly",
            )
        query = replace(query, cursor=page.next)


def _seen(stored: Stored) -> Seen:
    tree = decode(stored.body)
    subject = tree.get("subject", {}).get("reference", "")
    return Seen(stored, subject, codes_in(tree) or (stored.key,), _effective(tree))


def codes_in(tree: Tree) -> tuple[Hashable, ...]:
    """What identifies the code of an Observation. Empty: nothing does."""
    code = tree.get("code", {})
    codings = [
        (coding.get("system"), coding["code"])
        for coding in code.get("coding", ())
        if coding and "code" in coding
    ]
    if codings:
        return tuple(codings)
    return (code["text"],) if "text" in code else ()


def _effective(tree: Tree) -> tuple[int, int] | None:
    text = tree.get("effectiveDateTime") or tree.get("effectiveInstant")
    if text:
        return span_of(text)
    return period_of(tree.get("effectivePeriod", {})) or timing_of(tree.get("effectiveTiming", {}))


async def _included(
    reader: Reader, chosen: Sequence[Seen], includes: tuple[Include, ...]
) -> Sequence[Stored]:
    if not includes or not chosen:
        return ()
    ids = tuple(one.stored.key.id for one in chosen)
    query = Query(("Observation",), (Ids(ids),), count=len(ids), total="none", includes=includes)
    page = await reader.search(query)
    return page.included


OPERATION: Final = Operation(standard("Observation-lastn"), ask=lastn, searching=True)
