"""The trace of one act, on its way into the audit log and out of it again, and what one may ask the log.

What a trace says is `data`, JSON made by `access/audit.py`: the log keeps these bytes, seals them, and never reads
them. Beside them stand only the names by which the log finds it again.
"""

from __future__ import annotations

from typing import Final, Literal

from fhir_server.kernel.keys import Key
from fhir_server.kernel.values import immutable

Outcome = Literal[0, 4, 8, 12]  # https://hl7.org/fhir/R4/valueset-audit-event-outcome.html
DONE: Final[Outcome] = 0
FAILED: Final[Outcome] = 4
REFUSED: Final[Outcome] = 8
BROKEN: Final[Outcome] = 12
AROUND_NUMBER: Final = (',"numbers":[', "]")  # what stands in `data` around the number of one Patient


@immutable
class Trace:
    """`agents`: who acted, as `Practitioner/1` or `issuer|subject`. `things`: what was touched, its Patients too.

    `numbers`: Patients that are known only by what the store calls them (`Hasher.self_of`); `data` has them as well.
    """

    data: bytes
    outcome: Outcome = DONE
    agents: tuple[str, ...] = ()
    things: tuple[Key, ...] = ()
    numbers: tuple[int, ...] = ()


class Foretold:
    """The trace of a read that gives out `thing`, or of a search for what is about one Patient, but for what rows tell.

    `data` is `before`; of a read, the version; `middle`; if what is given out is about one Patient, the number that the
    store has for them, between the two of `AROUND_NUMBER`; and `ending`. `written`: the store has written it with what
    was given out.
    """

    __slots__ = ("agents", "before", "ending", "middle", "thing", "written")

    def __init__(
        self,
        thing: Key | None,
        *,
        before: bytes,
        middle: bytes,
        ending: bytes,
        agents: tuple[str, ...],
    ) -> None:
        self.thing = thing
        self.before = before
        self.middle = middle
        self.ending = ending
        self.agents = agents
        self.written = False


@immutable
class Recorded:
    """A trace that the log has. `id` sorts by time."""

    id: str
    recorded: int  # µs
    outcome: Outcome
    data: bytes


@immutable
class TraceQuery:
    """Traces that meet all criteria, newest first; of one criterion any value will do, and none is no criterion.

    `within`: only those about one of these persons; None: about anybody or nobody.
    """

    since: int  # µs, inclusive
    until: int  # µs, exclusive
    patients: tuple[Key, ...] = ()
    agents: tuple[str, ...] = ()
    entities: tuple[Key, ...] = ()
    outcomes: tuple[Outcome, ...] = ()
    within: tuple[Key, ...] | None = None
    count: int = 20
    cursor: str = ""


@immutable
class TracePage:
    """`names`: the Patients behind the numbers in the traces, but those that were purged. `next`: empty at the end."""

    items: tuple[Recorded, ...]
    next: str = ""
    names: tuple[tuple[int, Key], ...] = ()
