"""Decisions as values: what they are in a condition, and which gate they name."""

from __future__ import annotations

import pytest

from fhir_server.access.decisions import (
    CONSENT,
    LABELS,
    LINK,
    MATRIX,
    TRACE,
    WHO,
    WRITING,
    Decision,
    allowed,
    refused,
)

GATES = (WHO, LINK, CONSENT, MATRIX, LABELS, WRITING, TRACE)


def test_gates_are_numbered_in_the_order_in_which_they_are_asked() -> None:
    assert GATES == (1, 2, 3, 4, 5, 6, 7)  # in traces that are kept: a number never changes


@pytest.mark.parametrize("gate", GATES)
def test_a_decision_counts_as_whether_it_allows(gate: int) -> None:
    assert allowed(gate, "social: all")
    assert not refused(gate, "social: all")
    assert allowed(gate, "social: all") != refused(gate, "social: all")


def test_a_decision_says_by_which_gate_and_by_which_rule() -> None:
    assert allowed(MATRIX, "plan: create") == Decision(True, MATRIX, "plan: create")
    assert refused(LINK, "no link to the person") == Decision(False, LINK, "no link to the person")


def test_a_refusal_names_a_level_only_where_one_would_change_it() -> None:
    assert refused(WHO, "emergency", level="eidas2").level == "eidas2"
    assert refused(WHO, "emergency").level == ""
    assert refused(WHO, "emergency", level="eidas2") != refused(WHO, "emergency")


@pytest.mark.parametrize(
    "other",
    [allowed(LINK, "masked"), refused(CONSENT, "masked"), refused(LINK, "interne-structure")],
)
def test_decisions_are_the_same_when_outcome_gate_and_rule_are(other: Decision) -> None:
    one = refused(LINK, "masked")

    assert len({one, refused(LINK, "masked")}) == 1
    assert len({one, other}) == 2
