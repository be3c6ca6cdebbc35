"""Limits by client and by address, and the lockout of who guesses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_server.web.throttling import (
    Buckets,
    Failures,
    Lockout,
    Rate,
    Throttling,
    TooMany,
    place_of,
)

NEVER = Rate(0, 1)
NO_LOCKOUT = Lockout(0, 60, 60)


def test_what_may_be_asked_at_once_is_admitted_and_then_one_by_one() -> None:
    buckets = Buckets(Rate(per_second=2, burst=3))

    assert [buckets.take("a", 10.0) for _ in range(5)] == [0, 0, 0, 0.5, 0.5]
    assert buckets.take("a", 10.5) == 0
    assert buckets.take("a", 10.5) == 0.5
    assert [buckets.take("a", 100.0) for _ in range(4)] == [0, 0, 0, 0.5]


def test_one_does_not_pay_for_another() -> None:
    buckets = Buckets(Rate(1, 1))

    assert [buckets.take(name, 0.0) for name in ("a", "b", "a")] == [0, 0, 1]


def test_without_a_rate_there_is_no_limit_and_nothing_is_remembered() -> None:
    buckets = Buckets(NEVER)

    assert not any(buckets.take("a", 0.0) for _ in range(1000))
    assert len(buckets) == 0


@given(
    st.floats(0.1, 100),
    st.integers(1, 50),
    st.lists(st.floats(0, 2), min_size=1, max_size=200),
)
def test_no_more_is_ever_admitted_than_rate_and_burst_say(
    per_second: float, burst: int, pauses: list[float]
) -> None:
    buckets = Buckets(Rate(per_second, burst))
    now, admitted = 0.0, 0

    for pause in pauses:
        now += pause
        wait = buckets.take("a", now)
        admitted += wait == 0
        assert wait == 0 or buckets.take("a", now + wait * 1.001) == 0
        if wait:
            now, admitted = now + wait * 1.001, admitted + 1

    assert admitted <= burst + per_second * now + 1


def test_memory_is_bounded_whoever_comes() -> None:
    buckets, failures = Buckets(Rate(1, 5), most=100), Failures(Lockout(2, 60, 60), most=100)

    for number in range(10_000):
        buckets.take(str(number), 0.0)
        failures.note(str(number), 0.0)
        failures.note(str(number), 0.0)

    assert len(buckets) == 100
    assert len(failures) <= 200


def test_a_worker_has_its_part_of_a_limit() -> None:
    assert Rate(100, 200).among(2) == Rate(50, 100)
    assert Rate(100, 200).among(8) == Rate(12.5, 100)
    assert Rate(1, 1).among(2) == Rate(0.5, 1)


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
        with pytest.raises(TooMany) as error:
            refused("192.0.2.1", 0.0)
        assert error.value.seconds == seconds
        assert error.value.status == 429
        assert error.value.issues[0].french
    with pytest.raises(TooMany) as error:
        throttling.admit_client("dui", 0.1)
    assert error.value.seconds == 2


def test_who_shares_an_address_with_somebody_who_guesses_goes_on_working() -> None:
    throttling = Throttling(Rate(100, 100), NEVER, Lockout(1, 60, 60))

    throttling.failed("192.0.2.1", 0.0)

    throttling.admit("192.0.2.1", 0.0)
    with pytest.raises(TooMany):
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
