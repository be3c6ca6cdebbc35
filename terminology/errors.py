"""Why a question about codes has no answer, in English and in French.

The texts are clauses of a sentence. They name definitions, never what a person sent.
"""

from __future__ import annotations

from typing import ClassVar, Final

_KINDS: Final = {
    "value set": "le jeu de valeurs",
    "code system": "le système de codes",
    "concept map": "la table de correspondance",
}


class NoAnswer(Exception):
    """A question about codes that cannot be answered. `code` is of the value set IssueType."""

    code: ClassVar[str] = "not-supported"

    def __init__(self, text: str, french: str = "") -> None:
        super().__init__(text)
        self.french = french or text


class UnknownDefinition(NoAnswer):
    """Nobody knows a value set or a code system of this URL (and version)."""

    code = "not-found"

    def __init__(self, kind: str, canonical: str) -> None:
        super().__init__(
            f"the {kind} {canonical} is not known here", f"{_KINDS[kind]} {canonical} n'est pas connu ici"
        )
        self.kind = kind
        self.canonical = canonical


class NotExpandable(NoAnswer):
    """The codes cannot be listed with what is known here."""


class TooManyCodes(NoAnswer):
    """The list would be longer than was asked for."""

    code = "too-costly"

    def __init__(self, limit: int) -> None:
        super().__init__(
            f"it has more than {limit:,} codes", f"il a plus de {limit:,} codes".replace(",", "\u202f")
        )


class TooLong(NoAnswer):
    """The answer takes longer than anybody may have it take."""

    code = "too-costly"

    def __init__(self) -> None:
        super().__init__("it takes longer than is allowed", "elle prend plus de temps qu'il n'est permis")


class WrongVersion(NoAnswer):
    """A value set asks for a version of a code system that the asker rules out."""

    code = "business-rule"

    def __init__(self, url: str, version: str, wanted: str) -> None:
        super().__init__(
            f"it uses version {version} of {url}, and version {wanted} was asked for",
            f"il utilise la version {version} de {url}, et la version {wanted} était demandée",
        )
