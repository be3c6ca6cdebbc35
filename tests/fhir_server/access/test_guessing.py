"""How often a person may be presented wrongly, by one caller and by all together."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import pytest

from fhir_server.access.caller import Caller
from fhir_server.access.guessing import ALL_TOGETHER, Guesses
from fhir_server.access.joining import Traits
from fhir_server.kernel.errors import Throttled
from fhir_server.kernel.keys import Key
from tests.circles import GP, NURSE

SHOWN: Final = Traits(
    "urn:oid:1.2.250.1.213.1.4.8", "239027621812345", "PAYET", "MARIE", "1939-02-17", "female", "97411"
)
HOUR: Final = 3600.0


def other(number: int) -> Traits:
    return replace(SHOWN, ins=f"2390276218{number:05}")


def caller(number: int) -> Caller:
    return replace(GP, actors=(Key("Practitioner", str(number)),))


def wrong(guesses: Guesses, who: Caller, shown: Traits = SHOWN, now: float = 0.0) -> int:
    """How many are listened to until one is not; none of them is right."""
    for number in range(1000):
        try:
            guesses.count(who, shown, now)
        except Throttled:
            return number
    return 1000


def test_a_caller_has_so_many_whoever_is_presented() -> None:
    guesses = Guesses(10)
    for number in range(10):
        guesses.count(NURSE, other(number), 0.0)

    with pytest.raises(Throttled) as error:
        guesses.count(NURSE, other(11), 0.0)
    assert error.value.seconds == 360
    assert wrong(guesses, NURSE, now=360.0) == 1
    assert wrong(guesses, GP) == 10


def test_a_caller_is_one_by_whatever_practice_software_or_issuer() -> None:
    guesses = Guesses(10)
    again = replace(NURSE, actors=(Key("PractitionerRole", "elsewhere"), Key("Practitioner", "nurse")))

    assert wrong(guesses, NURSE) == 10
    assert wrong(guesses, replace(again, issuer="https://other.example", client="other")) == 0
    assert wrong(guesses, Caller("system", issuer="i", subject="dui")) == 10
    assert wrong(guesses, Caller("system", issuer="i", subject="dpi"), other(1)) == 10


def test_an_ins_takes_more_than_one_caller_has_and_no_more_than_so_many() -> None:
    guesses = Guesses(10)

    assert [wrong(guesses, caller(number)) for number in range(5)] == [10] * ALL_TOGETHER + [0, 0]
    assert wrong(guesses, caller(4), other(1)) == 10  # whoever was not listened to has lost nothing


def test_what_is_right_counts_for_nothing() -> None:
    guesses = Guesses(2)

    for _ in range(100):
        guesses.count(NURSE, SHOWN, 0.0)
        guesses.forgive(NURSE, SHOWN)

    assert wrong(guesses, NURSE) == 2


def test_many_at_once_are_no_more_than_one_after_the_other() -> None:
    """All are counted before the first is looked up."""
    guesses = Guesses(3)

    assert wrong(guesses, NURSE) == 3
    guesses.forgive(NURSE, SHOWN)
    assert wrong(guesses, NURSE) == 1


@pytest.mark.parametrize(("workers", "each"), [(1, 10), (2, 5), (8, 5)])
def test_a_worker_has_its_part(workers: int, each: int) -> None:
    assert wrong(Guesses(10, workers), NURSE) == each


def test_without_a_limit_there_is_none() -> None:
    assert wrong(Guesses(0), NURSE) == 1000


def test_nothing_is_kept_by_which_a_person_could_be_known() -> None:
    guesses = Guesses(10)
    guesses.count(NURSE, SHOWN, HOUR)

    assert SHOWN.ins not in repr(vars(guesses._persons))
