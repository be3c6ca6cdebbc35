"""Which part of the benchmarks is asked for."""

from __future__ import annotations

import pytest

from bench.__main__ import is_asked


@pytest.mark.parametrize(
    ("group", "name", "asked", "expected"),
    [
        ("workload", "read", [], True),
        ("workload", "read", ["read"], True),
        ("workload", "conditional read", ["read"], True),
        ("workload", "vread", ["read"], False),
        ("workload", "create Patient", ["create"], True),
        ("workload", "create Patient", ["create patient"], True),
        ("workload", "batch of 10 creates", ["create"], False),
        ("http", "uvloop", ["http"], True),
        ("http", "uvloop", ["database", "read"], False),
        ("component", "Consent", ["mix", "component"], True),
    ],
)
def test_a_part_is_asked_for_by_its_name_a_word_of_it_or_its_group(
    group: str, name: str, asked: list[str], expected: bool
) -> None:
    assert is_asked(group, name, asked) is expected
