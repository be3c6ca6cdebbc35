"""A search for AuditEvents, read: what FHIR says in a query, as a question to the audit log.

Traces are found by `patient`, `agent`, `entity`, `outcome` and `date`, newest first. Without a date that says where to
begin there are those of the last thirty days, and a hint says so.

https://hl7.org/fhir/R4/auditevent.html#search · https://profiles.ihe.net/ITI/TF/Volume2/ITI-81.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, cast

from fhir_server.definitions.catalogue import resource_types
from fhir_server.kernel.errors import Malformed
from fhir_server.kernel.issues import Issue
from fhir_server.kernel.keys import Key, is_id
from fhir_server.kernel.trace import BROKEN, DONE, FAILED, REFUSED, Outcome, TraceQuery
from fhir_server.kernel.values import immutable
from fhir_server.search.escapes import split
from fhir_server.search.forms import encoded, pairs
from fhir_server.search.parse import PageLimits
from fhir_server.search.reading import MOST_VALUES, shown, unreadable, unsupported
from fhir_server.search.results import CURSOR
from fhir_server.search.spans import span_of

DAYS: Final = 30  # of a search that does not say where to begin

_DAY: Final = 86_400_000_000  # µs
_SOON: Final = 60_000_000  # µs: clocks of other hosts may be ahead
_OUTCOMES: Final[Mapping[str, Outcome]] = {"0": DONE, "4": FAILED, "8": REFUSED, "12": BROKEN}
_OUTCOME_SYSTEM: Final = "http://terminology.hl7.org/CodeSystem/audit-event-outcome"
_DATE = re.compile(r"(eq|ge|gt|le|lt|sa|eb|ne|ap)?(\d.*)\Z", re.ASCII)
_TRANSPORT: Final = frozenset({"_format", "_pretty"})
_CRITERIA: Final = ("patient", "agent", "entity", "outcome", "date")
_NEWEST_FIRST: Final = frozenset({"-date", "-_lastUpdated"})


@immutable
class Asked:
    """`issues`: hints, and a warning for each thing ignored. `understood`: the query of the self link, without `?`."""

    query: TraceQuery
    issues: tuple[Issue, ...]
    understood: str


@dataclass(slots=True)
class _Reading:
    """What was read so far. `low` and `high`: µs; None: not said."""

    bases: Sequence[str]
    patients: tuple[Key, ...] = ()
    agents: tuple[str, ...] = ()
    entities: tuple[Key, ...] = ()
    outcomes: tuple[Outcome, ...] = ()
    low: int | None = None
    high: int | None = None
    count: int | None = None
    cursor: str = ""

    def patient(self, modifier: str, value: str) -> None:
        if modifier not in {"", "Patient"}:
            raise unsupported("'patient' takes no other modifier than 'Patient'")
        self.patients = tuple(_key(one, "Patient", self.bases) for one in _values("patient", value))

    def agent(self, modifier: str, value: str) -> None:
        if modifier == "identifier":
            self.agents = tuple(_values("agent", value))
            if not all("|" in one for one in self.agents):
                raise unreadable("'agent:identifier' is written system|value")
            return
        kind = _type("agent", modifier)
        self.agents = tuple(str(_key(one, kind, self.bases)) for one in _values("agent", value))

    def entity(self, modifier: str, value: str) -> None:
        kind = _type("entity", modifier)
        self.entities = tuple(_key(one, kind, self.bases) for one in _values("entity", value))

    def outcome(self, modifier: str, value: str) -> None:
        if modifier:
            raise unsupported("'outcome' takes no modifier here")
        codes = [
            one.removeprefix(f"{_OUTCOME_SYSTEM}|").removeprefix("|") for one in _values("outcome", value)
        ]
        if not _OUTCOMES.keys() >= set(codes):
            raise unreadable(f"'outcome' is one of {', '.join(_OUTCOMES)}")
        self.outcomes = tuple(_OUTCOMES[code] for code in codes)

    def date(self, modifier: str, value: str) -> None:
        """May be there several times: all must hold."""
        found = None if modifier or "," in value else _DATE.match(value)
        if found is None or found[1] in {"ne", "ap"}:
            raise unsupported(
                "'date' is one date here, with eq, ge, gt, le, lt, sa or eb before it, or nothing"
            )
        low, high = span_of(found[2])
        match found[1]:
            case "ge":
                self._narrow(low, None)
            case "gt" | "sa":
                self._narrow(high, None)
            case "le":
                self._narrow(None, high)
            case "lt" | "eb":
                self._narrow(None, low)
            case _:
                self._narrow(low, high)

    def _narrow(self, low: int | None, high: int | None) -> None:
        if low is not None:
            self.low = low if self.low is None else max(low, self.low)
        if high is not None:
            self.high = high if self.high is None else min(high, self.high)


def question_of(
    text: str,
    *,
    now: int,
    limits: PageLimits,
    lenient: bool,
    bases: Sequence[str] = (),
    within: tuple[Key, ...] | None = None,
) -> Asked:
    """What `text`, percent-encoded as it came, asks at `now` (µs). `within`: about whom the asker may read traces.

    Raises `Malformed` for the first thing that is wrong.
    """
    reading = _Reading(bases)
    criteria: tuple[Callable[[str, str], None], ...] = (
        reading.patient,
        reading.agent,
        reading.entity,
        reading.outcome,
        reading.date,
    )
    read = dict(zip(_CRITERIA, criteria, strict=True))
    issues: list[Issue] = []
    understood: list[str] = []
    seen: set[str] = set()
    for name, value in pairs(text):
        code, _, modifier = name.partition(":")
        if name in _TRANSPORT or not value:
            continue
        if code in seen and code != "date":
            raise unreadable(f"'{shown(code)}' is there more than once")
        seen.add(code)
        if code in read:
            read[code](modifier, value)
        elif name == "_count":
            if not (value.isascii() and value.isdigit()):
                raise unreadable("'_count' is a whole number, 0 or more")
            reading.count = int(value[:18])
        elif name == CURSOR:
            reading.cursor = value
            continue
        elif name != "_sort" or value not in _NEWEST_FIRST:
            issues.append(_ignored(name, lenient=lenient))
            continue
        understood.append(f"{encoded(name)}={encoded(value)}")
    if reading.low is None:
        # It begins with a day, so that all pages of the search ask the same.
        reading.low = (min(now, reading.high or now) // _DAY - DAYS) * _DAY
        issues.append(_hint())
    high = (now // _DAY + 2) * _DAY + _SOON if reading.high is None else reading.high
    count = limits.page if reading.count is None else min(reading.count, limits.max_page)
    query = TraceQuery(
        reading.low,
        high,
        reading.patients,
        reading.agents,
        reading.entities,
        reading.outcomes,
        within,
        count,
        reading.cursor,
    )
    return Asked(query, tuple(issues), "&".join(understood))


def _ignored(name: str, *, lenient: bool) -> Issue:
    text = f"AuditEvent is searched by {', '.join(_CRITERIA)}, newest first; not by '{shown(name)}'"
    if not lenient:
        raise unsupported(text)
    french = f"AuditEvent se cherche par {', '.join(_CRITERIA)}, les plus récents d'abord ; pas par « {shown(name)} »"
    return Issue("not-supported", text, severity="warning", french=french)


def _hint() -> Issue:
    return Issue(
        "informational",
        f"The query has no date to begin with: these are traces of the last {DAYS} days; 'date=ge…' asks for others",
        severity="information",
        french=f"La requête ne dit pas de quelle date partir : voici les traces des {DAYS} derniers jours ;"
        " « date=ge… » en demande d'autres",
    )


def _values(name: str, value: str) -> list[str]:
    found = [one for one in split(value) if one]
    if not found or len(found) > MOST_VALUES:
        raise unreadable(f"'{name}' has 1 to {MOST_VALUES} values")
    return found


def _type(name: str, modifier: str) -> str:
    if modifier and modifier not in resource_types():
        raise unsupported(f"'{name}' takes a resource type as modifier, and no other here")
    return modifier


def _key(value: str, kind: str, bases: Sequence[str]) -> Key:
    """A reference to a resource of this server. `kind`: of an id alone."""
    for base in bases:
        value = value.removeprefix(f"{base}/")
    parts = value.split("/")
    if len(parts) == 1 and kind:
        parts = [kind, value]
    if (
        len(parts) != 2
        or parts[0] not in resource_types()
        or not is_id(parts[1])
        or (kind and parts[0] != kind)
    ):
        raise Malformed("A reference is written Type/id, of a resource of this server", code="value")
    return Key(*cast("tuple[str, str]", tuple(parts)))
