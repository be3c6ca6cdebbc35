"""Small definitions and questions of which an answer could cost without end; and who is served meanwhile."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from typing import Any

import httpx

from fhir_server.kernel.wire import encode
from tests.flows.asking import FHIR_JSON, Tree, created, fresh

LONGEST_SECONDS = 20.0  # of one answer, on a busy machine
PATIENCE_SECONDS = 4.0  # of somebody else, meanwhile, on a busy machine; on an idle one they wait for tenths
EVIL = "^(a+)+$"
EVIL_TEXT = "a" * 5000 + "!"
GENDER = "http://hl7.org/fhir/administrative-gender"
# Ten answers for each of ten answers, and so on.
EXPONENTIAL = "(1|2|3|4|5|6|7|8|9)" + ".select((1|2|3|4|5|6|7|8|9).combine($this))" * 9 + ".count() = 1"


@asynccontextmanager
async def others_are_served(client: httpx.AsyncClient) -> Any:
    """Somebody reads all the while and never waits long."""
    waits = [0.0]

    async def read() -> None:
        while True:
            start = time.monotonic()
            await client.get("Patient/none")
            waits.append(time.monotonic() - start)
            await asyncio.sleep(0.01)

    task = asyncio.create_task(read())
    await asyncio.sleep(0)
    try:
        yield
        await asyncio.sleep(0.02)  # a reader that was held up until now has its answer
    finally:
        task.cancel()
    assert max(waits) < PATIENCE_SECONDS


async def bombed(client: httpx.AsyncClient, path: str, tree: Tree | None = None) -> httpx.Response:
    """The answer to GET, or to POST of `tree`: in time, with a reason, and without harm to others."""
    body = b"" if tree is None else encode(tree)  # before anybody waits: the client lives in the same loop
    async with others_are_served(client):
        start = time.monotonic()
        if tree is None:
            answer = await client.get(path)
        else:
            answer = await client.post(path, content=body, headers=FHIR_JSON)
        assert time.monotonic() - start < LONGEST_SECONDS
    assert answer.status_code < 500 or answer.status_code == 503, answer.text
    if answer.status_code >= 400:
        assert issues_of(answer)[0]["diagnostics"]
    return answer


def issues_of(answer: httpx.Response) -> list[Tree]:
    outcome = answer.json()
    assert outcome["resourceType"] == "OperationOutcome", outcome["resourceType"]
    issues: list[Tree] = outcome["issue"]
    return issues


def errors_of(answer: httpx.Response) -> list[tuple[str, str]]:
    """Code and place of what is wrong."""
    assert answer.status_code == 200, answer.text
    return [
        (issue["code"], issue["expression"][0]) for issue in issues_of(answer) if issue["severity"] == "error"
    ]


def profile(*elements: Tree, **head: Any) -> Tree:
    return {
        "resourceType": "StructureDefinition",
        "url": f"http://bombs.example/{fresh('profile')}",
        "name": "Bomb",
        "status": "draft",
        "kind": "resource",
        "abstract": False,
        "type": "Patient",
        "baseDefinition": "http://hl7.org/fhir/StructureDefinition/Patient",
        "derivation": "constraint",
        "differential": {"element": [{"id": "Patient", "path": "Patient"}, *elements]},
        **head,
    }


def element(path: str, **rules: Any) -> Tree:
    return {"id": path, "path": path, **rules}


def constraint(expression: str) -> list[Tree]:
    return [{"key": "bomb-1", "severity": "error", "human": "A bomb", "expression": expression}]


def value_set(*include: Tree, url: str = "", **parts: Any) -> Tree:
    return {
        "resourceType": "ValueSet",
        "url": url or f"http://bombs.example/{fresh('set')}",
        "status": "draft",
        "compose": {"include": list(include), **parts},
    }


def code_system(concepts: list[Tree]) -> Tree:
    return {
        "resourceType": "CodeSystem",
        "url": f"http://bombs.example/{fresh('codes')}",
        "status": "draft",
        "content": "complete",
        "caseSensitive": True,
        "concept": concepts,
    }


def sent(**inputs: Any) -> Tree:
    """Parameters. A string is a URI, but for an expression."""
    parts: list[Tree] = []
    for name, value in inputs.items():
        if isinstance(value, str):
            parts.append({"name": name, ("valueString" if name == "expression" else "valueUri"): value})
        elif "coding" in value:
            parts.append({"name": name, "valueCodeableConcept": value})
        else:
            parts.append({"name": name, "resource": value})
    return {"resourceType": "Parameters", "parameter": parts}


async def judged(client: httpx.AsyncClient, definition: Tree, **patient: Any) -> httpx.Response:
    """A Patient, judged by a profile that is stored first."""
    await created(client, definition)
    address = f"Patient/$validate?profile={definition['url']}"
    return await bombed(client, address, {"resourceType": "Patient", **patient})
