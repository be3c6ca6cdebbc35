"""Token buckets: no more than so much for each name, in bounded memory."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fhir_server.kernel.counting import Buckets, Rate

NEVER = Rate(0, 1)


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
    buckets = Buckets(Rate(1, 5), most=100)

    for number in range(10_000):
        buckets.take(str(number), 0.0)

    assert len(buckets) == 100


def test_what_is_given_back_may_be_taken_again() -> None:
    buckets = Buckets(Rate(0.1, 2))

    for _ in range(10):
        assert buckets.take("a", 0.0) == 0
        buckets.give_back("a")
    buckets.give_back("b")  # nobody's: forgotten meanwhile, or never taken

    assert [buckets.take("a", 0.0) for _ in range(3)] == [0, 0, 10]


def test_a_worker_has_its_part_of_a_limit() -> None:
    assert Rate(100, 200).among(2) == Rate(50, 100)
    assert Rate(100, 200).among(8) == Rate(12.5, 100)
    assert Rate(1, 1).among(2) == Rate(0.5, 1)
