"""Why a question about codes has no answer. The texts name definitions, never what a person sent."""

from __future__ import annotations


class NoAnswer(Exception):
    """A question about codes that cannot be answered; the text says why, as a clause of a sentence."""


class UnknownDefinition(NoAnswer):
    """Nobody knows a value set or a code system of this URL (and version)."""

    def __init__(self, kind: str, canonical: str) -> None:
        super().__init__(f"the {kind} {canonical} is not known here")
        self.kind = kind
        self.canonical = canonical


class NotExpandable(NoAnswer):
    """The codes cannot be listed with what is known here."""


class TooManyCodes(NoAnswer):
    """The list would be longer than was asked for."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"it has more than {limit:,} codes")
