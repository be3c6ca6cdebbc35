"""Workloads as data: the same templates for wrk and for Python."""

from __future__ import annotations

import json
import random
import re
from itertools import islice

import pytest

from bench.access_workloads import WORKLOADS as ACCESS
from bench.asking import USED_UP, Ask, Workload, requests_of, script_of
from bench.search_workloads import WORKLOADS as SEARCHES
from bench.workloads import WORKLOADS

POOLS = {
    "quiet": ["q1", "q2"],
    "numbers": ["000000000000007"],
    "storied": ["s1"],
    "changing": ["c1", "c2"],
    "doomed": ["d1", "d2", "d3"],
    "followed": ["000000000000008"],
    "record": ["q1"],
    "records": ["s1"],
    "heavy": ["h1"],
    "codes": ["29463-7"],
    "analytes": ["10001"],
    "months": ["2019-03"],
    "amounts": ["5.4"],
    "prefixes": ["gar"],
    "parts": ["uye"],
    "words": ["diabetes"],
    "persons": ["p1"],
    "families": ["pay"],
    "few": ["aaa.bbb.ccc"],
    "many": ["aaa.bbb.ccc"],
    "callers": ["aaa.bbb.ccc"],
}


@pytest.mark.parametrize("workload", [*WORKLOADS, *SEARCHES, *ACCESS], ids=lambda workload: workload.name)
def test_every_place_of_a_workload_is_filled(workload: Workload) -> None:
    for request in islice(requests_of(workload, POOLS, random.Random(1)), 20):
        texts = (request.path, *request.headers.values(), request.body)
        assert not [text for text in texts if re.search(r"@\w*@", text)]
        assert request.path.startswith("/fhir")
        if request.body:
            json.loads(request.body)


@pytest.mark.parametrize("workload", [*WORKLOADS, *SEARCHES, *ACCESS], ids=lambda workload: workload.name)
def test_every_workload_is_a_script_without_places(workload: Workload) -> None:
    script = script_of(workload, POOLS)

    assert "request" in script
    assert not re.search(r"@\w*@", script)


def test_a_request_is_about_one_value_wherever_it_stands() -> None:
    ask = Ask("PUT", "/fhir/Patient/@it@", "insert", of="changing", bodies=('{"id":"@it@"}',))

    for request in islice(requests_of(Workload("update", (ask,)), POOLS, random.Random(1)), 20):
        assert json.loads(request.body)["id"] == request.path.split("/")[-1]


def test_no_two_requests_have_the_same_number() -> None:
    ask = Ask("POST", "/fhir/Patient", "insert", bodies=("@n@",))
    requests = islice(requests_of(Workload("create", (ask,)), {}, random.Random(1)), 100)

    assert len({request.body for request in requests}) == 100


def test_a_value_that_is_spent_serves_once() -> None:
    ask = Ask("DELETE", "/fhir/Observation/@it@", "insert", of="doomed")
    workload = Workload("delete", (ask,), spends="doomed")
    requests = islice(requests_of(workload, POOLS, random.Random(1)), 4)

    assert [request.path.split("/")[-1] for request in requests] == ["d1", "d2", "d3", USED_UP]
    assert f'local it = doomed[taken] or "{USED_UP}"' in script_of(workload, POOLS)


def test_shares_are_kept() -> None:
    asks = (Ask("GET", "/fhir/a", "select", share=80), Ask("POST", "/fhir/b", "insert", share=20))
    script = script_of(Workload("mix", asks), {})

    assert "math.random(100)" in script
    assert "if r <= 80 then return ask0() end\nif r <= 100 then return ask1() end" in script


def test_what_is_always_the_same_is_put_together_once() -> None:
    script = script_of(Workload("any", (Ask("GET", "/fhir/metadata", "select"),)), {})

    assert 'made_ask0 or wrk.format("GET", "/fhir/metadata", {}, nil)' in script


def test_the_limit_of_a_mix_lies_between_those_of_its_parts() -> None:
    asks = (Ask("GET", "/fhir/a", "select", share=9), Ask("POST", "/fhir/b", "insert", share=1))

    assert Workload("mix", asks).limit({"select": 900.0, "insert": 100.0}) == pytest.approx(500.0)


def test_the_limit_of_many_resources_is_that_of_as_many_rows() -> None:
    ask = Ask("POST", "/fhir", "insert", resources=100)

    assert Workload("transaction", (ask,)).limit({"insert": 5000.0}) == pytest.approx(50.0)


def test_there_is_no_limit_where_none_was_measured() -> None:
    assert Workload("read", (Ask("GET", "/fhir/a", "select"),)).limit({"select": None}) is None
