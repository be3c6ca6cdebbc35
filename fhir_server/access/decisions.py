"""A decision of the access engine: allowed or not, by which gate, and by which rule."""

from __future__ import annotations

from typing import Final

from fhir_server.kernel.values import immutable

# The gates in the order in which they are asked.
WHO: Final = 1
LINK: Final = 2
CONSENT: Final = 3
MATRIX: Final = 4
LABELS: Final = 5
WRITING: Final = 6
TRACE: Final = 7


@immutable
class Decision:
    """`rule` is a phrase for people and for the trace; it has no personal data.

    `level`: of authentication, by which it would be decided otherwise; empty: no level would change it.
    """

    allowed: bool
    gate: int
    rule: str
    level: str = ""

    def __bool__(self) -> bool:
        return self.allowed


def allowed(gate: int, rule: str) -> Decision:
    return Decision(True, gate, rule)


def refused(gate: int, rule: str, *, level: str = "") -> Decision:
    return Decision(False, gate, rule, level)
