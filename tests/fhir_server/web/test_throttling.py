"""Limits by client and by address, and the lockout of who guesses."""

from __future__ import annotations

import pytest

from fhir_server.kernel.counting import Rate
from fhir_server.kernel.errors import Throttled
from fhir_server.web.throttling import Failures, Lockout, Throttling, place_of

NEVER = Rate(0, 1)


def test_memory_is_bounded_whoever_comes() -> None:
    failures = Failures(Lockout(2, 60, 60), most=100)

    for number in range(10_000):
        failures.note(str(number), 0.0)
        failures.note(str(number), 0.0)

    assert len(failures) <= 200


def test_who_guesses_is_not_listened_to_for_a_while() -> None:
    failures = Failures(Lockout(failures=3, window_seconds=60, seconds=30))

    for _ in range(3):
        assert failures.wait("a", 0.0) == 0
        failures.note("a", 0.0)

    assert failures.wait("a", 0.0) == 30
    assert failures.wait("a", 29.0) == 1
    assert failures.wait("b", 0.0) == 0
    assert failures.wait("a", 30.0) == 0


def test_mistakes_that_lie_far_apart_are_forgotten() -> None:
    failures = Failures(Lockout(failures=2, window_seconds=60, seconds=30))

    for moment in (0.0, 61.0, 122.0):
        failures.note("a", moment)

    assert failures.wait("a", 122.0) == 0


def test_a_refusal_says_when_to_come_again() -> None:
    throttling = Throttling(Rate(0.1, 1), Rate(0.5, 1), Lockout(1, 60, 90))
    throttling.admit("192.0.2.1", 0.0)
    throttling.admit_client("dui", 0.0)
    throttling.failed("192.0.2.1", 0.0)

    for refused, seconds in (
        (throttling.admit, 10),
        (throttling.listen, 90),
    ):
        with pytest.raises(Throttled) as error:
            refused("192.0.2.1", 0.0)
        assert error.value.seconds == seconds
        assert error.value.status == 429
        assert error.value.issues[0].french
    with pytest.raises(Throttled) as error:
        throttling.admit_client("dui", 0.1)
    assert error.value.seconds == 2


def test_who_shares_an_address_with_somebody_who_guesses_goes_on_working() -> None:
    throttling = Throttling(Rate(100, 100), NEVER, Lockout(1, 60, 60))

    throttling.failed("192.0.2.1", 0.0)

    throttling.admit("192.0.2.1", 0.0)
    with pytest.raises(Throttled):
        throttling.listen("192.0.2.1", 0.0)
    throttling.listen("192.0.2.2", 0.0)


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("a socket", "a socket"),
    ],
)
def test_a_subscriber_counts_once(address: str, place: str) -> None:
    assert place_of(address) == place
