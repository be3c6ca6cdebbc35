"""Which plan a query has: of its form alone, or by bounded counts; and its number."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_server.kernel.errors import Malformed
from fhir_server.search.query import (
    AllOf,
    AnyOf,
    Chain,
    Has,
    Ids,
    Missing,
    Not,
    Nothing,
    Query,
    Sort,
    Tokens,
    TokenValue,
)
from fhir_server.store.compile import Search
from fhir_server.store.plans import ALL, BY_SORT_KEY, FEW, NOTHING, WIDE, Plan, plan_numbered, sources_in
from fhir_server.store.statements import Compiler
from tests.fhir_server.store.made_up import CODE, DATE, GENDER, HASHER, LINK, OBSERVATION, PATIENT, SUBJECT
from tests.fhir_server.store.made_up_queries import (
    BY_DATE,
    FINAL,
    FRENCH,
    IDENTIFIER,
    LATEST,
    MALE,
    NAMED,
    OBSERVED,
    OF_PATIENT,
    asked,
)


@pytest.mark.parametrize(
    ("query", "lead"),
    [
        (asked(), ALL),
        (asked(MALE), 0),
        (asked(Missing(GENDER, True)), ALL),
        (asked(MALE, IDENTIFIER), 1),
        (asked(MALE, OF_PATIENT, sort=BY_DATE), 1),
        (asked(MALE, Ids(("1",))), 1),
        (asked(MALE, Nothing()), 1),
        (asked(MALE, Chain(LINK, PATIENT, IDENTIFIER)), 1),
        (asked(MALE, Has(SUBJECT, Ids(("1",)))), 1),
        (asked(NAMED), 0),
        (asked(AllOf((MALE, IDENTIFIER))), 1),
        (Query((OBSERVATION,), (FINAL,), LATEST), 0),  # a list that is in this order
    ],
)
def test_some_plans_are_certain(query: Query, lead: int) -> None:
    assert Search(query, Compiler(HASHER)).plan() == Plan(lead)


@pytest.mark.parametrize(
    ("query", "counts", "plan"),
    [
        (asked(MALE, FRENCH), (WIDE, 3), Plan(1, least=3)),
        (asked(NAMED, MALE), (2, 2), Plan(1, least=2)),  # as rare as the other: the better kind
        (asked(MALE, FRENCH), (WIDE, WIDE), Plan(0, least=WIDE)),
        (asked(MALE, sort=BY_DATE), (10,), Plan(0, least=10)),
        (asked(MALE, sort=BY_DATE), (WIDE,), Plan(BY_SORT_KEY, least=WIDE)),
        (asked(MALE, sort=(Sort("updated", None),)), (WIDE,), Plan(ALL, least=WIDE)),
        (asked(MALE, sort=(Sort("updated", None),)), (10,), Plan(0, least=10)),
        (asked(OBSERVED), (100,), Plan(0, least=100)),
        (asked(OBSERVED), (WIDE,), Plan(ALL, least=WIDE)),
        (asked(OBSERVED, MALE), (200, 500), Plan(1, frozenset({0}), 500)),  # all of the `_has` at once
        (asked(MALE, OBSERVED), (500, 400), Plan(0, frozenset({1}), 500)),  # a `_has` costs more
        (asked(Chain(LINK, PATIENT, MALE)), (WIDE + 1,), Plan(ALL, least=WIDE)),  # leads to too many
        (asked(Chain(LINK, PATIENT, MALE)), (WIDE,), Plan(0, least=WIDE)),  # to few, to whom many point
        (
            asked(OBSERVED, NAMED),
            (WIDE, WIDE),
            Plan(1, least=WIDE, many=True),
        ),  # what points to each is asked
        (asked(MALE, FRENCH), (0, WIDE), NOTHING),
    ],
)
def test_the_other_plans_follow_from_bounded_counts(
    query: Query, counts: tuple[int, ...], plan: Plan
) -> None:
    search = Search(query, Compiler(HASHER))
    assert search.plan() is None
    places = sources_in(search.nodes)
    ordered = [counts[place] for place in places]
    few = ordered if len(ordered) == 1 else [min(count, FEW) for count in ordered]

    assert (search.plan_by(few, wide=False) or search.plan_by(ordered, wide=True)) == plan


def test_lists_that_are_in_the_order_asked_for_lead_where_all_are_wide() -> None:
    coded = Tokens(CODE, (TokenValue(None, "a"),))
    search = Search(Query((OBSERVATION,), (FINAL, coded), LATEST), Compiler(HASHER))
    ascending = Search(replace(search.query, sort=(Sort("date", DATE),)), Compiler(HASHER))

    assert search.plan() is None
    assert search.plan_by([WIDE, WIDE], wide=True) == Plan(0, least=WIDE)
    assert ascending.plan_by([WIDE, WIDE], wide=True) == Plan(BY_SORT_KEY, least=WIDE)


def test_without_criteria_the_sort_key_leads_where_there_is_much_to_sort() -> None:
    search = Search(asked(sort=BY_DATE), Compiler(HASHER))

    assert search.plan() is None
    assert search.plan_by([WIDE], wide=False) == Plan(BY_SORT_KEY, least=WIDE)
    assert search.plan_by([10], wide=False) == Plan(ALL, least=10)


@given(st.integers(-2, 100), st.frozensets(st.integers(0, 39)), st.booleans())
def test_a_plan_comes_back_from_its_number(lead: int, sets: frozenset[int], many: bool) -> None:
    plan = Plan(lead, sets, many=many)

    assert plan_numbered(plan.number) == plan
    assert plan.number < 2**53


def test_nobody_could_mean_what_takes_thousands_of_conditions() -> None:
    query = asked(AnyOf(tuple(Chain(LINK, PATIENT, Not(MALE)) for _ in range(2000))))

    with pytest.raises(Malformed):
        Search(query, Compiler(HASHER)).plan()
