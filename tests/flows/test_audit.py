"""Every act leaves one trace that says what it was, and nothing of health; where none can be left, nothing is answered.

The whole server on PostgreSQL, asked with real tokens.
"""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from types import MappingProxyType
from typing import Any, Final, NamedTuple
from urllib.parse import quote

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fhir_server.access.caller import Caller
from fhir_server.kernel.wire import Tree
from fhir_server.settings import DatabaseSettings
from tests.circles import (
    CITIZEN,
    GP,
    NURSE,
    PHARMACIST,
    to,
)
from tests.flows.asking import JSON_PATCH, bundle, entry, issue_of
from tests.flows.callers import door
from tests.flows.traced import NEW, TEXT, UNKNOWN, Log, observation, said

pytestmark = pytest.mark.asyncio(loop_scope="session")


class Act(NamedTuple):
    """What is asked, how it is answered, and what the trace is to say. `things` None: whatever the server names."""

    who: Caller
    method: str
    path: str
    status: int
    kind: str
    outcome: str = "0"
    things: set[str] | None = None
    persons: AbstractSet[str] = frozenset({"Patient/payet"})
    gate: int | None = None
    body: Tree | None = None
    headers: Mapping[str, str] = MappingProxyType({})


NOBODY: Final[set[str]] = set()
WEIGHT: Final = {"Observation/weight"}
ACTS: Final = {
    "a read": Act(NURSE, "GET", "Observation/weight", 200, "read", things=WEIGHT),
    "a read of what is in the cache": Act(
        NURSE,
        "GET",
        "Observation/weight",
        304,
        "read",
        things=WEIGHT,
        headers={"If-None-Match": "*"},
    ),
    "a HEAD": Act(NURSE, "HEAD", "Observation/weight", 200, "read", things=WEIGHT),
    "a read of a version": Act(NURSE, "GET", "Observation/weight/_history/1", 200, "vread", things=WEIGHT),
    "a history": Act(NURSE, "GET", "Observation/weight/_history", 200, "history-instance", things=WEIGHT),
    "a history of a type": Act(NURSE, "GET", "Observation/_history", 200, "history-type"),
    "a history of all": Act(NURSE, "GET", "_history", 200, "history-system"),
    "a search": Act(NURSE, "GET", "Observation?patient=Patient/payet", 200, "search-type"),
    "a search that finds nothing": Act(
        NURSE, "GET", "Observation?code=none", 200, "search-type", persons=NOBODY
    ),
    "a search by POST": Act(
        NURSE,
        "POST",
        "Observation/_search",
        200,
        "search-type",
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    ),
    "a search of everything": Act(NURSE, "GET", "?_type=Observation", 200, "search-system"),
    "a search in a compartment": Act(NURSE, "GET", "Patient/payet/Observation", 200, "search-type"),
    "an operation that asks": Act(NURSE, "GET", "Patient/payet/$everything", 200, "operation"),
    "an operation about no person": Act(
        NURSE,
        "GET",
        "CodeSystem/$lookup?system=http://loinc.org&code=none",
        404,
        "operation",
        "4",
        NOBODY,
        NOBODY,
    ),
    "a create": Act(GP, "POST", "Observation", 201, "create", body=NEW),
    "an update": Act(
        GP, "PUT", "Observation/height", 200, "update", body=observation("height", valueString="a")
    ),
    "an update that changes nothing": Act(
        GP, "PUT", "Observation/height", 200, "update", body=observation("height", valueString="a")
    ),
    "a patch": Act(
        GP,
        "PATCH",
        "Observation/height",
        200,
        "patch",
        body=[{"op": "replace", "path": "/valueString", "value": "b"}],  # type: ignore[arg-type] # a JSON Patch
        headers=JSON_PATCH,
    ),
    "an operation that writes": Act(
        GP,
        "POST",
        "Observation/height/$meta-add",
        200,
        "operation",
        body={
            "resourceType": "Parameters",
            "parameter": [{"name": "meta", "valueMeta": {"tag": [{"code": "seen"}]}}],
        },
    ),
    "a transaction": Act(
        GP,
        "POST",
        "",
        200,
        "transaction",
        body=bundle("transaction", entry("POST", "Observation", NEW), entry("GET", "Observation/weight")),
    ),
    "a read of what never was": Act(NURSE, "GET", UNKNOWN, 404, "read", "4", {UNKNOWN}, NOBODY),
    "a read of what is hidden": Act(
        PHARMACIST, "GET", "Observation/weight", 404, "read", "8", WEIGHT, gate=2
    ),
    "a read of a version that is hidden": Act(
        PHARMACIST, "GET", "Observation/weight/_history/1", 404, "vread", "8", WEIGHT, gate=2
    ),
    "a read of a hidden person": Act(PHARMACIST, "GET", "Patient/payet", 404, "read", "8", NOBODY, gate=2),
    "a history that is hidden": Act(
        PHARMACIST, "GET", "Observation/weight/_history", 404, "history-instance", "8", WEIGHT, gate=2
    ),
    "an operation on what is hidden": Act(
        PHARMACIST, "GET", "Patient/payet/$everything", 404, "operation", "8", NOBODY, gate=2
    ),
    "an update of what is hidden": Act(
        PHARMACIST,
        "PUT",
        "Observation/weight",
        404,
        "update",
        "8",
        WEIGHT,
        gate=2,
        body=observation("weight"),
    ),
    "a delete of what is hidden": Act(
        PHARMACIST, "DELETE", "Observation/weight", 404, "delete", "8", WEIGHT, gate=2
    ),
    "a read of what is masked": Act(
        CITIZEN,
        "GET",
        "DocumentReference/announced",
        404,
        "read",
        "8",
        {"DocumentReference/announced"},
        gate=5,
    ),
    "a create that is not theirs": Act(
        PHARMACIST, "POST", "Observation", 403, "create", "8", NOBODY, gate=2, body=NEW
    ),
    "a delete that is not theirs": Act(
        NURSE, "DELETE", "Observation/weight", 403, "delete", "8", WEIGHT, gate=6
    ),
    "a reference to what is hidden": Act(
        GP,
        "POST",
        "Observation",
        422,
        "create",
        "8",
        NOBODY,
        {"Patient/other"},
        2,
        body={**NEW, "derivedFrom": [to("Observation/elsewhere")]},
    ),
    "a reference to what never was": Act(
        GP,
        "POST",
        "Observation",
        422,
        "create",
        "4",
        NOBODY,
        NOBODY,
        body={**NEW, "derivedFrom": [to(UNKNOWN)]},
    ),
    "a resource that is not sound": Act(
        GP, "POST", "Observation", 422, "create", "4", NOBODY, NOBODY, body={"resourceType": "Observation"}
    ),
    "a body that is no JSON object": Act(
        GP,
        "POST",
        "Observation",
        400,
        "create",
        "4",
        NOBODY,
        NOBODY,
        body=["x"],  # type: ignore[arg-type] # that is what is wrong
    ),
    "a query that cannot be read": Act(
        NURSE, "GET", "Observation?date=soon", 400, "search-type", "4", NOBODY, NOBODY
    ),
    "a precondition that does not hold": Act(
        GP,
        "PUT",
        "Observation/weight",
        412,
        "update",
        "4",
        WEIGHT,
        body=observation("weight"),
        headers={"If-Match": 'W/"7"'},
    ),
    "an operation that there is not": Act(
        NURSE, "GET", "Patient/$none", 404, "operation", "4", NOBODY, NOBODY
    ),
    "a transaction that fails by a hidden entry": Act(
        PHARMACIST,
        "POST",
        "",
        404,
        "transaction",
        "8",
        WEIGHT,
        gate=2,
        body=bundle("transaction", entry("GET", "Observation/weight")),
    ),
    "a Bundle that is neither": Act(
        NURSE, "POST", "", 400, "transaction", "4", NOBODY, NOBODY, body=bundle("collection")
    ),
}


@pytest.mark.parametrize("act", [pytest.param(act, id=name) for name, act in ACTS.items()])
async def test_every_act_leaves_one_trace_that_says_what_it_was(log: Log, act: Act) -> None:
    client = await log.by(act.who)

    content = None if act.body is None else json.dumps(act.body)
    if act.path.endswith("_search"):
        content = "patient=Patient/payet"
    answer = await client.request(act.method, act.path, content=content, headers=act.headers)
    trace = await log.one()

    assert answer.status_code == act.status, answer.text
    assert trace.kept["status"] == act.status
    assert trace.kind == act.kind
    assert trace.event["outcome"] == act.outcome
    assert trace.who == str(act.who.actors[0])
    assert trace.event["agent"][0]["network"]["address"]
    assert trace.persons == act.persons
    if act.things is not None:
        assert trace.things == act.things
    assert trace.gate == act.gate
    if act.gate is not None:
        assert trace.event["outcomeDesc"].startswith(f"Gate {act.gate}: ")
    assert TEXT not in trace.text


async def test_every_entry_of_a_batch_leaves_a_trace_of_its_own(log: Log) -> None:
    client = await log.by(PHARMACIST)

    answer = await client.post(
        "",
        json=bundle(
            "batch",
            entry("GET", "Organization/dac"),
            entry("GET", "Observation/weight"),
            entry("POST", "Observation", NEW),
            entry("GET", "Observation/_nothing/here/at/all"),
            {"resource": NEW},
        ),
    )
    traces = await log.since()

    statuses = [one["response"]["status"][:3] for one in answer.json()["entry"]]
    assert statuses == ["200", "404", "403", "404", "400"]
    # Those that are no requests first: they are refused when the Bundle is read.
    assert [(one.kind, one.kept["status"]) for one in traces] == [
        ("transaction", 404),
        ("transaction", 400),
        ("create", 403),
        ("read", 200),
        ("read", 404),
    ]
    assert [one.gate for one in traces] == [None, None, 2, None, 2]


async def test_a_hidden_resource_is_answered_as_one_that_never_was(log: Log) -> None:
    client = await log.by(PHARMACIST)

    for path in ("{}", "{}/_history/1", "{}/_history", "{}/$meta"):
        for method in ("GET", "HEAD"):
            hidden = await client.request(method, f"Observation/{path.format('weight')}")
            unknown = await client.request(method, f"Observation/{path.format('unknown')}")
            assert said(hidden, "weight") == said(unknown, "unknown")
            assert [one.gate for one in await log.since()] == [2, None]


async def test_no_value_of_a_query_is_kept_that_may_tell_of_health(log: Log) -> None:
    client = await log.by(NURSE)

    await client.get("Observation?code=http://loinc.org|29463-7&patient=payet&value-string=chute&_count=5")
    trace = await log.one()

    asked = next(one["query"] for one in trace.event["entity"] if "query" in one)
    assert b64decode(asked).decode() == "Observation?code=*&patient=payet&value-string=*&_count=5"


WORDS: Final = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)
SECRET: Final = "pneumopathie aiguë"  # no id, and no name of anything
NAMES: Final = st.sampled_from(
    [
        *(
            "code",
            "code:in",
            "patient",
            "subject",
            "subject.name",
            "date",
            "value-string",
            "_id",
            "_count",
            "_sort",
        ),
        *("_filter", "_text", "_content", "_has", "_lastUpdated", "_elements", "_format"),
    ]
).flatmap(lambda name: st.sampled_from([name, SECRET, f"{name}:{SECRET}"]))


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(NAMES, st.one_of(WORDS, st.just(SECRET), st.builds(f"{{}}{SECRET}".format, WORDS))),
        max_size=4,
    )
)
async def test_whatever_is_asked_no_word_of_it_is_kept(log: Log, asked: list[tuple[str, str]]) -> None:
    client = await log.by(NURSE)
    query = "&".join(f"{quote(name)}={quote(value)}" for name, value in asked)
    log.rows()

    await client.get(f"Observation?{query}")

    [(_, _, data)] = log.rows()
    kept = json.loads(data)
    assert SECRET.partition(" ")[0] not in data.decode()
    assert set(kept) <= {"at", "kind", "status", "agent", "type", "query", "numbers", "address", "request"}


async def test_no_token_and_no_content_is_kept(log: Log) -> None:
    client = await log.by(GP)
    token = client.headers["authorization"].partition(" ")[2]

    await client.post("Observation", json={**NEW, "note": [{"text": TEXT}]})
    await client.post("Observation", json={**NEW, "status": TEXT})
    traces = await log.since()

    assert [one.kept["status"] for one in traces] == [201, 422]
    for one in traces:
        assert TEXT not in one.text
        assert token not in one.text
        assert token.split(".")[2] not in one.text


ODD: Final = {
    "a body of another kind": (415, "create", {"content": "x", "headers": {"Content-Type": "text/plain"}}),
    "a condition that belongs elsewhere": (400, "create", {"params": {"code": "x"}, "json": NEW}),
    "a summary that there is not": (400, "search-type", {"method": "GET", "params": {"_summary": "x"}}),
}


@pytest.mark.parametrize(("status", "kind", "asked"), ODD.values(), ids=ODD)
async def test_what_is_refused_before_it_is_performed_is_traced_too(
    log: Log, status: int, kind: str, asked: dict[str, Any]
) -> None:
    client = await log.by(NURSE)

    answer = await client.request(**{"method": "POST", "url": "Observation", **asked})
    trace = await log.one()

    assert answer.status_code == status
    assert (trace.kind, trace.kept["status"], trace.who) == (kind, status, "PractitionerRole/nurse")


async def test_nothing_is_answered_that_cannot_be_traced(audited: Log) -> None:
    """A short patience, and somebody who holds the table of traces."""
    database = DatabaseSettings(url=audited.url, statement_timeout_seconds=1)
    async with door(audited.url, database=database) as opened:
        nurse, gp = await opened.by(NURSE), await opened.by(GP)
        assert (await nurse.get("Observation/weight")).status_code == 200
        before = len((await gp.get("Observation/_history?_count=1000")).json()["entry"])
        with psycopg.connect(audited.url) as holding:
            holding.execute("lock table audit in exclusive mode")
            answers = [
                await nurse.get("Observation/weight"),
                await nurse.get("Observation?patient=payet"),
                await nurse.get(UNKNOWN),
                await gp.post("Observation", json=NEW),
                await gp.post("", json=bundle("transaction", entry("POST", "Observation", NEW))),
            ]

        for answer in answers:
            assert issue_of(answer, 503, "transient")
            assert TEXT not in answer.text
        after = (await gp.get("Observation/_history?_count=1000")).json()["entry"]
        assert len(after) == before
