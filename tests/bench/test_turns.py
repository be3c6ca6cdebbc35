"""Workloads that are told beside each other belong together, whatever stands around them."""

from __future__ import annotations

import pytest

from bench.access_workloads import WORKLOADS as ACCESS
from bench.asking import Workload
from bench.turns import families

ASKS = ACCESS[0].asks


def _families(*told: tuple[str, str]) -> list[list[str]]:
    workloads = [Workload(name, ASKS, beside=beside) for name, beside in told]
    return [[workload.name for workload in family] for family in families(workloads)]


@pytest.mark.parametrize(
    ("told", "found"),
    [
        pytest.param([("read", ""), ("search", "")], [["read"], ["search"]], id="two that stand alone"),
        pytest.param(
            [("read", ""), ("in view", "read"), ("traced", "in view"), ("list", "")],
            [["read", "in view", "traced"], ["list"]],
            id="one beside another that is beside a third",
        ),
        pytest.param(
            [("in view", "read"), ("few", "read")],
            [["in view"], ["few"]],
            id="beside what is not measured this time",
        ),
        pytest.param([], [], id="none"),
    ],
)
def test_those_told_beside_the_same_take_turns(told: list[tuple[str, str]], found: list[list[str]]) -> None:
    assert _families(*told) == found


def test_no_workload_of_a_suite_is_apart_from_what_it_is_told_beside() -> None:
    for family in families(ACCESS):
        names = {workload.name for workload in family}
        assert {workload.beside for workload in family if workload.beside} <= names
