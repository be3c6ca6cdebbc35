"""What is read with its trace, beside the same that is traced afterwards: answers and traces are the same."""

from __future__ import annotations

import json
from typing import Any, Final

import httpx
import psycopg
import pytest

from fhir_server.access.caller import Caller
from fhir_server.store.disclosing import Disclosing
from fhir_server.store.disclosing_lists import DisclosingLists
from tests.circles import CITIZEN, GP, NURSE
from tests.flows.asking import issue_of
from tests.flows.traced import Log

pytestmark = pytest.mark.asyncio(loop_scope="session")

# A condition that nothing meets: what is asked with it is not plain.
_AFTERWARDS: Final = {"If-None-Match": 'W/"999"'}


def kept(log: Log) -> list[tuple[int, list[int], dict[str, Any]]]:
    """Outcome, names and content of what has come since the last look, without what differs each time."""
    pks = [pk for pk, *_ in log.rows()]
    with psycopg.connect(log.url) as connection:
        rows = connection.execute(
            "select outcome, keys, data from audit where pk = any(%s) order by pk", (pks,)
        ).fetchall()
    found = []
    for outcome, keys, data in rows:
        said = json.loads(bytes(data))
        assert said.pop("at")
        assert said.pop("request")
        names = sorted(
            int.from_bytes(keys[place : place + 8], "big", signed=True) for place in range(0, len(keys), 8)
        )
        found.append((outcome, names, said))
    return found


@pytest.mark.parametrize("who", [NURSE, GP, CITIZEN], ids=["nurse", "gp", "citizen"])
@pytest.mark.parametrize(
    "path", ["Patient/payet", "Observation/height", "Organization/dac", "DocumentReference/announced"]
)
async def test_a_read_is_traced_alike_with_it_and_after_it(
    log: Log, monkeypatch: pytest.MonkeyPatch, who: Caller, path: str
) -> None:
    client = await log.by(who)
    log.rows()
    foretold: list[bool] = []
    current = Disclosing.current

    async def watched(self: Disclosing, trace: Any, sight: Any) -> Any:
        found = await current(self, trace, sight)
        foretold.append(trace.written)
        return found

    monkeypatch.setattr(Disclosing, "current", watched)

    plain = await client.get(path)
    asked = list(foretold)
    afterwards = await client.get(path, headers=_AFTERWARDS)

    assert (plain.status_code, plain.content) == (afterwards.status_code, afterwards.content)
    one, other = kept(log)
    assert one == other
    assert len(asked) == 1
    assert foretold == asked, "with a condition nothing is foretold"
    if path != "DocumentReference/announced":  # which has a label
        assert asked == [plain.status_code == 200]


@pytest.mark.parametrize("path", ["Observation/elsewhere", "Observation/unknown"])
async def test_what_is_not_given_out_leaves_one_trace_that_says_so(log: Log, path: str) -> None:
    client = await log.by(NURSE)
    log.rows()

    assert issue_of(await client.get(path), 404)

    ((outcome, _, said),) = kept(log)
    assert outcome
    assert said["status"] == 404


@pytest.mark.parametrize("who", [NURSE, GP, CITIZEN], ids=["nurse", "gp", "citizen"])
@pytest.mark.parametrize(
    ("path", "plain"),
    [
        ("Observation?patient=payet", True),
        ("Observation?subject=Patient/payet&_count=1", True),
        ("Observation?patient=Patient%2Fpayet", True),
        ("Goal?patient=payet", True),  # there is none
        ("Observation?patient=unknown", True),
        ("DocumentReference?patient=payet", False),  # one has a label
        ("Observation?patient=payet&_sort=-date", False),
        ("Observation?patient=payet&_include=Observation:subject", False),
        ("Patient/payet/Observation?patient=payet", False),
        ("Observation?code=29463-7", False),
    ],
)
async def test_a_list_is_traced_alike_with_it_and_after_it(
    log: Log, monkeypatch: pytest.MonkeyPatch, who: Caller, path: str, plain: bool
) -> None:
    client = await log.by(who)
    log.rows()
    foretold: list[bool] = []
    page = DisclosingLists.page

    async def watched(self: DisclosingLists, trace: Any, query: Any) -> Any:
        found = await page(self, trace, query)
        foretold.append(trace.written)
        return found

    async def nothing(self: DisclosingLists, trace: Any, query: Any) -> Any:
        return None

    monkeypatch.setattr(DisclosingLists, "page", watched)
    one = await client.get(path)
    monkeypatch.setattr(DisclosingLists, "page", nothing)
    other = await client.get(path)

    def body(answer: httpx.Response) -> Any:
        return {name: value for name, value in answer.json().items() if name not in {"id", "meta"}}

    assert one.status_code == other.status_code == 200
    assert body(one) == body(other)
    with_it, after_it = kept(log)
    assert with_it == after_it
    assert any(foretold) == plain
