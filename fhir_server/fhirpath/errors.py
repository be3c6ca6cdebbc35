"""What can go wrong with an expression: it is not FHIRPath (400), it means nothing here, or has no result (422).

No text repeats the expression: a literal in it may be a person's name or number. It gives the place, counted in
characters from 1, and what would be right. http://hl7.org/fhirpath/N1/
"""

from __future__ import annotations

from fhir_server.kernel.errors import FhirError, Malformed, Unprocessable


class FhirpathError(FhirError):
    """Any refusal of an expression; raised as one of its kinds."""


class NotAnExpression(FhirpathError, Malformed):
    """The text is not FHIRPath. `position` is where reading stopped, from 0."""

    code = "invalid"

    def __init__(self, text: str, position: int) -> None:
        super().__init__(f"FHIRPath, character {position + 1}: {text}")
        self.position = position


class CannotEvaluate(FhirpathError, Unprocessable):
    """The expression is FHIRPath, and has no result here."""

    def __init__(self, text: str, position: int, *, code: str = "processing") -> None:
        super().__init__(f"FHIRPath, character {position + 1}: {text}", code=code)
        self.position = position


class Meaningless(CannotEvaluate):
    """The expression is FHIRPath, and means nothing whatever the data: a function or an element does not exist."""
