"""One problem, in the words of an OperationOutcome issue.

https://hl7.org/fhir/R4/operationoutcome.html
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

Severity = Literal["fatal", "error", "warning", "information"]


@dataclass(frozen=True, slots=True)
class Issue:
    """`code` is of the value set IssueType; `expression` a FHIRPath (`Patient.name[0].use`) or empty."""

    code: str
    text: str
    expression: str = ""
    severity: Severity = "error"

    def within(self, place: str) -> Issue:
        """The same issue seen from outside: its expression gets `place` in front.

        `place` is where the resource lies (`Bundle.entry[3].resource`); it takes the place of the resource's type.
        """
        _, dot, rest = self.expression.partition(".")
        return Issue(self.code, self.text, f"{place}{dot}{rest}", self.severity)


def outcome_of(issues: Sequence[Issue]) -> dict[str, Any]:
    """The OperationOutcome (a tree) that carries `issues`, never empty."""
    return {"resourceType": "OperationOutcome", "issue": [_tree_of(issue) for issue in issues]}


def _tree_of(issue: Issue) -> dict[str, Any]:
    tree: dict[str, Any] = {"severity": issue.severity, "code": issue.code, "diagnostics": issue.text}
    if issue.expression:
        tree["expression"] = [issue.expression]
    return tree
