"""Files into a server, each loaded once for ever: what the parts of a file are is in `importing_files`.

A part is known by its SHA-256, which is recorded in the same commit as its resources: whatever is killed whenever, a
rerun adds what is missing and nothing else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum

import httpx
import orjson

from fhir_server.importing_files import Part, Refusal, pieces_of, split_mark
from fhir_server.interactions.call import Action, Call, Reply
from fhir_server.kernel.errors import FhirError, Unavailable
from fhir_server.kernel.issues import Issue

FILE_HEADER = "X-Import-File"
_ATTEMPTS = 60  # of a part that met a server that was away
_PAUSE_SECONDS = 1.0


class Outcome(Enum):
    """What became of a part."""

    LOADED = "loaded"
    KNOWN = "known"  # recorded by an earlier run
    REFUSED = "refused"


@dataclass(slots=True)
class Report:
    """What an import did."""

    loaded: int = 0  # resources
    parts_loaded: int = 0
    parts_known: int = 0
    refusals: list[Refusal] = field(default_factory=list)
    away: str = ""  # why the import ended early; empty: it did not


class Away(Exception):
    """The server is not there, at this moment or for too long."""


Load = Callable[[Part], Awaitable[tuple[Outcome, Sequence[Issue]]]]
Progress = Callable[[Part, Outcome], None]
Refused = list[tuple[Part, Sequence[Issue]]]


async def run(
    parts: Iterator[Part | Refusal], load: Load, progress: Progress, concurrency: int = 2
) -> Report:
    """Load every part, and again those that were refused while others were still to come.

    A reference may point to a resource of a later file: what is refused is tried again as long as a round loads
    anything. Then slices are taken apart, so that one bad line does not keep out its neighbours.
    """
    report = Report()
    waiting = await _round(parts, load, progress, report, concurrency)
    loaded_before = 0
    while waiting and not report.away:
        again = [part for part, _ in waiting]
        if report.loaded == loaded_before:
            if not any(len(part.pieces) > 1 for part in again):
                break
            again = [piece for part in again for piece in await _apart(part, load)]
        loaded_before = report.loaded
        waiting = await _round(iter(again), load, progress, report, concurrency)
    report.refusals += [Refusal(part.place, _reasons(issues)) for part, issues in waiting]
    return report


async def _round(
    parts: Iterator[Part | Refusal], load: Load, progress: Progress, report: Report, concurrency: int
) -> Refused:
    refused: Refused = []

    async def take() -> None:
        for part in parts:
            if isinstance(part, Refusal):
                report.refusals.append(part)
                continue
            try:
                outcome, issues = await load(part)
            except Away as error:
                report.away = str(error)
            if report.away:
                return
            if outcome is Outcome.REFUSED:
                refused.append((part, issues))
            elif outcome is Outcome.KNOWN:
                report.parts_known += 1
            else:
                report.parts_loaded += 1
                report.loaded += part.resources
            progress(part, outcome)

    async with asyncio.TaskGroup() as group:
        for _ in range(concurrency):
            group.create_task(take())
    return refused


async def _apart(part: Part, load: Load) -> Iterable[Part]:
    """The pieces of a slice. From now on the slice as a whole is refused: a rerun must not add its good lines twice."""
    if len(part.pieces) <= 1:
        return [part]
    with suppress(Away):  # without the mark there is nothing to take apart
        await load(split_mark(part))
        return pieces_of(part)
    return [part]


def into_engine(perform: Callable[[Call], Awaitable[Reply]]) -> Load:
    """Load by performing calls in this process."""

    async def attempt(part: Part) -> tuple[Outcome, Sequence[Issue]]:
        try:
            await perform(Call(Action.BUNDLE, body=part.body, files=part.digests))
        except Unavailable as error:
            raise Away("The database was away for too long") from error
        except FhirError as error:
            return _refusal(error.issues)
        return Outcome.LOADED, ()

    return _patient(attempt)


def into_server(client: httpx.AsyncClient, base: str) -> Load:
    """Load over HTTP into a running server at `base`."""

    async def attempt(part: Part) -> tuple[Outcome, Sequence[Issue]]:
        headers = {
            "Content-Type": "application/fhir+json",
            "Prefer": "return=minimal",
            FILE_HEADER: ",".join(part.digests),
        }
        try:
            answer = await client.post(base, content=part.body, headers=headers)
        except httpx.TransportError as error:
            raise Away("The server did not answer for too long") from error
        if answer.status_code in {429, 503}:
            raise Away(f"The server answered {answer.status_code} for too long")
        return (Outcome.LOADED, ()) if answer.is_success else _refusal(_issues(answer))

    return _patient(attempt)


def _patient(attempt: Load) -> Load:
    """The same, tried again while the server is away. Whether a commit was reached may be unknown: its hash knows."""

    async def load(part: Part) -> tuple[Outcome, Sequence[Issue]]:
        for number in range(_ATTEMPTS):
            try:
                outcome, issues = await attempt(part)
            except Away:
                if number == _ATTEMPTS - 1:
                    raise
                await asyncio.sleep(_PAUSE_SECONDS)
            else:
                return (Outcome.LOADED if outcome is Outcome.KNOWN and number else outcome), issues
        raise AssertionError

    return load


def _refusal(issues: Sequence[Issue]) -> tuple[Outcome, Sequence[Issue]]:
    """A known first hash: this very part was loaded. A known second one: it was taken apart by an earlier run."""
    if any(issue.code == "duplicate" and issue.expression == f"http.{FILE_HEADER}[0]" for issue in issues):
        return Outcome.KNOWN, ()
    return Outcome.REFUSED, issues


def _issues(answer: httpx.Response) -> list[Issue]:
    try:
        return [
            Issue(i.get("code", ""), i.get("diagnostics", ""), ", ".join(i.get("expression", ())))
            for i in orjson.loads(answer.content)["issue"]
        ]
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
        text = f"The server answered {answer.status_code} without an OperationOutcome"
        return [Issue("exception", text)]


def _reasons(issues: Sequence[Issue]) -> tuple[str, ...]:
    return tuple(f"{issue.expression}: {issue.text}" if issue.expression else issue.text for issue in issues)
