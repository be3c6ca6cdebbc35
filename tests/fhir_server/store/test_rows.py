"""Resources of a page, made of its rows."""

from __future__ import annotations

from fhir_server.kernel.keys import Key
from fhir_server.store.contract import Stored
from fhir_server.store.numbers import TYPE_NUMBERS
from fhir_server.store.rows import Loaded

FIRST = Stored(Key("Patient", "a"), 2, 1000, b"{1}", person=7)
SECOND = Stored(Key("Basic", "b"), 1, 2000, b"{2}")
ROWS = [
    (TYPE_NUMBERS["Patient"], "a", 2, 1000, b"{1}", 7, None, 10),
    (TYPE_NUMBERS["Basic"], "b", 1, 2000, b"{2}", None, None, 11),
]


def test_resources_are_made_of_rows_when_they_are_asked_for() -> None:
    found = Loaded(ROWS)

    assert list(found) == [FIRST, SECOND]
    assert (found[0], found[-1], found[1:]) == (FIRST, SECOND, (SECOND,))
    assert len(found) == 2
    assert SECOND in found


def test_what_is_written_of_them_is_what_they_are() -> None:
    assert Loaded(ROWS).written() == [(*one.key, one.body) for one in (FIRST, SECOND)]


def test_they_are_equal_to_the_same_resources_made_before() -> None:
    assert Loaded(ROWS) == (FIRST, SECOND)
    assert hash(Loaded(ROWS)) == hash((FIRST, SECOND))
    assert Loaded(ROWS) != (SECOND, FIRST)
    assert Loaded([]) == ()
