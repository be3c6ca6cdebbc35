"""Questions about codes, as whoever judges a resource asks them: at once, without waiting.

What lies in a database cannot be answered at once. Such a question is answered `LATER` and remembered; `settle` looks
all of them up in one go, and the same question then has its answer. So a caller asks all, settles while something
is `pending`, and asks again.

https://hl7.org/fhir/R4/terminologies.html
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final, Protocol


class Held(Enum):
    """Whether something holds."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"  # nobody here can tell
    LATER = "later"  # not before `settle`


# For those who ask often: to find a member in its class takes longer than to ask a set.
YES: Final = Held.YES
NO: Final = Held.NO
UNKNOWN: Final = Held.UNKNOWN
LATER: Final = Held.LATER


# Not frozen, though never changed: a judgement makes many, and a frozen one takes three times as long.
@dataclass(slots=True, unsafe_hash=True)
class Code:
    """`system` None: an element of type `code`, whose system is that of the value set it is bound to."""

    system: str | None
    code: str
    version: str = ""
    display: str = ""


class Codes(Protocol):
    """Whoever knows codes. `value_set` is a canonical URL, with or without version."""

    @property
    def pending(self) -> bool:
        """Whether a question was answered `LATER`."""

    async def settle(self) -> None:
        """Look up what is pending."""

    def within(self, value_set: str, code: Code) -> Held:
        """Whether a code is of a value set. UNKNOWN: the value set, or what it needs, is not known here."""

    def known(self, code: Code) -> Held:
        """Whether its code system has a code. UNKNOWN: it is not known, or only in part and without this one."""

    def displays(self, code: Code) -> frozenset[str] | None:
        """The texts that stand for a code, in all languages; None: cannot be told."""

    def subsumes(self, general: Code, special: Code) -> Held:
        """Whether a code is another or stands below it, in one code system."""

    def few(self, value_set: str) -> tuple[str, ...]:
        """The codes of a value set, where they are few enough to be told to a reader; else nothing."""
