from __future__ import annotations

from fhir_server.search.query import AllOf, AnyOf, Ids, Not, Nothing
from fhir_server.search.reading import all_of, any_of, shown

A, B, C = Ids(("a",)), Ids(("b",)), Ids(("c",))


def test_alternatives_are_put_as_plainly_as_can_be() -> None:
    assert any_of(()) == any_of((Nothing(),)) == Nothing()
    assert any_of((A, Nothing(), A)) == A
    assert any_of((A, AnyOf((B, A)), AllOf((A, B)))) == AnyOf((A, B, AllOf((A, B))))


def test_conditions_are_put_as_plainly_as_can_be() -> None:
    assert all_of((A, A)) == A
    assert all_of((A, Nothing())) == Nothing()
    assert all_of((A, AllOf((B, C)), AnyOf((A, B)), Not(A))) == AllOf((A, B, C, AnyOf((A, B)), Not(A)))


def test_a_name_in_a_message_is_short_and_clean() -> None:
    assert shown("a\nb" + "x" * 100) == "ab" + "x" * 61
