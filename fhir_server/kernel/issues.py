"""One problem, in the words of an OperationOutcome issue.

https://hl7.org/fhir/R4/operationoutcome.html
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

Severity = Literal["fatal", "error", "warning", "information"]
Language = Literal["en", "fr"]

_ASKED_BY = "http://hl7.org/fhir/StructureDefinition/operationoutcome-issue-source"


# Not frozen, though never changed: a judgement makes many, and a frozen one takes five times as long.
@dataclass(slots=True, unsafe_hash=True)
class Issue:
    """`code` is of the value set IssueType; `expression` a FHIRPath (`Patient.name[0].use`) or empty.

    `french`: the same sentence as `text`; empty: there is only the English one. `profile`: the canonical URL of the
    profile that asks for what is missing here; empty: FHIR itself does.
    """

    code: str
    text: str
    expression: str = ""
    severity: Severity = "error"
    french: str = ""
    profile: str = ""

    def within(self, place: str) -> Issue:
        """The same issue seen from outside: its expression gets `place` in front.

        `place` is where the resource lies (`Bundle.entry[3].resource`); it takes the place of the resource's type.
        """
        _, dot, rest = self.expression.partition(".")
        return replace(self, expression=f"{place}{dot}{rest}")


def outcome_of(issues: Sequence[Issue], language: Language = "en") -> dict[str, Any]:
    """The OperationOutcome (a tree) that carries `issues`, never empty."""
    return {"resourceType": "OperationOutcome", "issue": [_tree_of(issue, language) for issue in issues]}


def _tree_of(issue: Issue, language: Language) -> dict[str, Any]:
    text = issue.french if language == "fr" and issue.french else issue.text
    tree: dict[str, Any] = {"severity": issue.severity, "code": issue.code, "diagnostics": text}
    if issue.profile:
        tree["extension"] = [{"url": _ASKED_BY, "valueString": issue.profile}]
    if issue.expression:
        tree["expression"] = [issue.expression]
    return tree
