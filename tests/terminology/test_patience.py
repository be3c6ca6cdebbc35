from __future__ import annotations

from collections.abc import Callable

import pytest

from terminology.errors import TooLong
from terminology.expansion import expand
from terminology.library import Library
from terminology.membership import Code
from terminology.patience import Patience
from terminology.stock import Stock
from terminology.translation import Scope, translated
from terminology.validation import in_value_set
from tests.terminology.making import registry_of, system, value_set

FILTER = {"property": "code", "op": "regex", "value": "a+"}
FILTERED = {"system": "urn:s", "filter": [FILTER, FILTER]}
SET = value_set("urn:v", FILTERED)
MAP = {"resourceType": "ConceptMap", "url": "urn:m", "group": []}


def library(seconds: float) -> Library:
    return Library(Stock(registry_of(system("urn:s", "a", "b"), SET)), patience=Patience(seconds))


QUESTIONS: list[Callable[[Library], object]] = [
    lambda library: expand(SET, library),
    lambda library: in_value_set(SET, [Code("urn:s", "a")], library).result,
    lambda library: translated([Code("urn:s", "a")], [MAP], Scope(), library),
]


@pytest.mark.parametrize("ask", QUESTIONS)
def test_an_answer_that_takes_too_long_is_given_up(ask: Callable[[Library], object]) -> None:
    with pytest.raises(TooLong):
        ask(library(-1.0))


@pytest.mark.parametrize("ask", QUESTIONS)
def test_an_answer_in_time_is_given(ask: Callable[[Library], object]) -> None:
    ask(library(60.0))
