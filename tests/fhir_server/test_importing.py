"""Imports into the real engine: over the memory store by calls, and over HTTP without a network."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import httpx
import pytest

from fhir_server import importing
from fhir_server.app import server_of
from fhir_server.engine import Engine
from fhir_server.importing import Load, Outcome, Report, into_engine, into_server, run
from fhir_server.importing_files import Part, Refusal, parts_of
from fhir_server.interactions.call import Action, Call, Reply
from fhir_server.kernel.errors import Unavailable
from fhir_server.settings import Settings
from fhir_server.store.memory import MemoryStore
from fhir_server.web.api import api_of
from fhir_server.web.front import Front
from fhir_server.web.rest import RestOptions

PATIENT = {"resourceType": "Patient"}


@pytest.fixture
def engine() -> Engine:
    return Engine(server_of(MemoryStore(), Settings()))


@pytest.fixture(params=["by calls", "over HTTP"])
async def load(request: pytest.FixtureRequest, engine: Engine) -> AsyncIterator[Load]:
    if request.param == "by calls":
        yield into_engine(engine.perform)
        return
    options = RestOptions(base_url="", trusted_proxies=(), cors_origins=(), max_body_bytes=50_000_000)
    app = Front(engine.perform, options, api_of(engine.ready))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app)) as client:
        yield into_server(client, "http://test.example/fhir")


async def count(engine: Engine, resource_type: str) -> int:
    reply = await engine.perform(
        Call(Action.SEARCH, resource_type, query="_summary=count&_total=accurate&_count=0")
    )
    total: int = json.loads(reply.body)["total"]
    return total


async def imported(load: Load, *paths: Path, concurrency: int = 2) -> Report:
    return await run(chain.from_iterable(map(parts_of, paths)), load, lambda *_: None, concurrency)


def lines(path: Path, *trees: dict[str, Any]) -> Path:
    path.write_text("\n".join(map(json.dumps, trees)))
    return path


def observation(subject: str) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": "weight"},
        "subject": {"reference": subject},
    }


async def test_a_rerun_adds_nothing(engine: Engine, load: Load, tmp_path: Path) -> None:
    path = lines(tmp_path / "a.ndjson", PATIENT, PATIENT, {**PATIENT, "id": "known"})

    first = await imported(load, path)
    second = await imported(load, path)

    assert (first.loaded, first.parts_loaded, first.parts_known) == (3, 1, 0)
    assert (second.loaded, second.parts_loaded, second.parts_known) == (0, 0, 1)
    assert await count(engine, "Patient") == 3


async def test_a_file_may_refer_to_what_a_later_file_holds(
    engine: Engine, load: Load, tmp_path: Path
) -> None:
    first = lines(tmp_path / "1.ndjson", observation("Patient/p"))
    second = lines(tmp_path / "2.ndjson", {**PATIENT, "id": "p"})

    report = await imported(load, first, second, concurrency=1)

    assert report.refusals == []
    assert report.loaded == 2
    assert await count(engine, "Observation") == 1


async def test_a_bad_line_keeps_out_itself_alone_and_the_reason_is_told(
    engine: Engine, load: Load, tmp_path: Path
) -> None:
    path = lines(tmp_path / "a.ndjson", PATIENT, {**PATIENT, "gender": "xyz"}, PATIENT)

    report = await imported(load, path)

    assert report.loaded == 2
    (refused,) = report.refusals
    assert refused.place == "a.ndjson, line 2"
    assert any("gender" in reason for reason in refused.reasons)
    assert await count(engine, "Patient") == 2


async def test_what_was_refused_is_added_by_a_rerun_and_its_neighbours_are_not_added_again(
    engine: Engine, load: Load, tmp_path: Path
) -> None:
    path = lines(tmp_path / "a.ndjson", PATIENT, observation("Patient/p"), PATIENT)
    await imported(load, path)
    assert await count(engine, "Patient") == 2
    await imported(load, lines(tmp_path / "p.ndjson", {**PATIENT, "id": "p"}))

    report = await imported(load, path)

    assert report.loaded == 1
    assert report.refusals == []
    assert await count(engine, "Patient") == 3
    assert await count(engine, "Observation") == 1


async def test_a_slice_whose_taking_apart_was_interrupted_is_completed(
    engine: Engine, load: Load, tmp_path: Path
) -> None:
    path = lines(tmp_path / "a.ndjson", PATIENT, {**PATIENT, "gender": "xyz"}, PATIENT)
    loads = 0

    async def cut(part: Part) -> tuple[Outcome, Sequence[Any]]:
        nonlocal loads
        loads += 1
        if loads > 3:  # the slice, its mark and its first line
            raise ZeroDivisionError
        return await load(part)

    with pytest.raises(ExceptionGroup):
        await imported(cut, path, concurrency=1)
    assert await count(engine, "Patient") == 1

    report = await imported(load, path)

    assert (report.loaded, len(report.refusals)) == (1, 1)
    assert await count(engine, "Patient") == 2


async def test_a_refused_bundle_is_refused_whole(engine: Engine, load: Load, tmp_path: Path) -> None:
    bad = {**PATIENT, "birthDate": "2024-02-31"}
    entries = [{"resource": one, "request": {"method": "POST", "url": "Patient"}} for one in (PATIENT, bad)]
    path = lines(tmp_path / "a.json", {"resourceType": "Bundle", "type": "transaction", "entry": entries})

    report = await imported(load, path)

    assert report.loaded == 0
    assert [refusal.place for refusal in report.refusals] == ["a.json"]
    assert await count(engine, "Patient") == 0


async def test_what_cannot_be_read_is_reported_beside_what_was_loaded(load: Load, tmp_path: Path) -> None:
    (tmp_path / "1.json").write_text("{")

    report = await imported(load, tmp_path / "1.json", lines(tmp_path / "2.json", PATIENT))

    assert report.loaded == 1
    assert [refusal.place for refusal in report.refusals] == ["1.json"]


class Interrupted:
    """Performs calls and, the first `times`, loses the answer after the commit, as a killed server does."""

    def __init__(self, engine: Engine, times: int) -> None:
        self._engine = engine
        self._times = times

    async def perform(self, call: Call) -> Reply:
        reply = await self._engine.perform(call)
        if self._times > 0:
            self._times -= 1
            raise Unavailable("The connection was lost")
        return reply


async def test_a_commit_whose_answer_was_lost_counts_once(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "_PAUSE_SECONDS", 0)

    report = await imported(into_engine(Interrupted(engine, 1).perform), lines(tmp_path / "a.json", PATIENT))

    assert (report.loaded, report.parts_known) == (1, 0)
    assert await count(engine, "Patient") == 1


async def test_a_server_that_stays_away_ends_the_import_with_that_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "_PAUSE_SECONDS", 0)
    taken: list[Path] = []

    def parts() -> Iterator[Part | Refusal]:
        for number in range(50):
            taken.append(lines(tmp_path / f"{number}.json", PATIENT))
            yield from parts_of(taken[-1])

    transport = httpx.MockTransport(lambda _: httpx.Response(503))
    async with httpx.AsyncClient(transport=transport) as client:
        report = await run(parts(), into_server(client, "http://test.example/fhir"), lambda *_: None)

    assert "503" in report.away
    assert report.refusals == []
    assert len(taken) < 5


async def test_an_answer_that_is_no_outcome_is_reported_as_such(tmp_path: Path) -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(404, content=b"<html>"))
    async with httpx.AsyncClient(transport=transport) as client:
        report = await imported(
            into_server(client, "http://test.example/fhir"), lines(tmp_path / "a.json", PATIENT)
        )

    assert report.refusals == [Refusal("a.json", ("The server answered 404 without an OperationOutcome",))]
