"""Values of the hot path."""

from __future__ import annotations

from dataclasses import replace

from fhir_server.kernel.values import immutable


@immutable
class Point:
    x: int
    y: int = 0


def test_a_value_has_no_room_for_anything_else() -> None:
    assert not hasattr(Point(1), "__dict__")


def test_equal_values_are_one_key() -> None:
    assert {Point(1): "a"}[Point(1, 0)] == "a"


def test_a_changed_value_is_another_one() -> None:
    point = Point(1)

    assert replace(point, y=2) == Point(1, 2)
    assert point == Point(1)
