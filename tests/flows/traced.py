"""A server on PostgreSQL whose audit log is looked into: counted in the database, and read as AuditEvents."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

import httpx
import psycopg

from fhir_server.access.caller import Caller
from fhir_server.access.marks import VISIBILITY_SYSTEM
from fhir_server.access.roles import TRACE_FEEDER
from fhir_server.kernel.wire import Tree
from fhir_server.store.ids import id_of
from tests.circles import (
    DIRECTORY,
    PERSON,
    citizen,
    coding,
    patient,
    relative,
    to,
)
from tests.flows.callers import Door, door
from tests.guarded import CIRCLE, DPO, decided

LOINC: Final = "http://loinc.org"
RELATION: Final = "http://terminology.hl7.org/CodeSystem/v3-RoleCode"
SON: Final = citizen("son", "representant-legal")
DAUGHTER: Final = citizen("daughter", "aidant")
FEEDER: Final = Caller(
    "system", issuer="urn:cordee", subject="hospital", client="hospital", roles=(TRACE_FEEDER,)
)
TEXT: Final = "chute dans l'escalier"  # what no trace may say


def observation(id: str, code: str = "29463-7", **more: Any) -> Tree:
    return {
        "resourceType": "Observation",
        "id": id,
        "status": "final",
        "code": coding(LOINC, code),
        "subject": to(PERSON),
        "performer": [to("PractitionerRole/gp")],
        "valueString": TEXT,
        **more,
    }


def document(id: str, *visibility: str) -> Tree:
    return {
        "resourceType": "DocumentReference",
        "id": id,
        "meta": {"security": [{"system": VISIBILITY_SYSTEM, "code": code} for code in visibility]},
        "status": "current",
        "type": coding(LOINC, "11488-4"),
        "description": TEXT,
        "subject": to(PERSON),
        "author": [to("PractitionerRole/gp")],
        "content": [{"attachment": {"contentType": "text/plain", "data": "dGV4dGU="}}],
    }


NEW: Final = {key: value for key, value in observation("x").items() if key != "id"}
UNKNOWN: Final = "Observation/unknown"
WORLD: Final = (
    *DIRECTORY,
    *CIRCLE,
    relative("son", (RELATION, "SON")),
    relative("daughter", (RELATION, "DAU")),
    decided("mesure-protection", "RelatedPerson/son", id="protection"),
    {**patient(), "id": "other"},
    observation("weight"),
    observation("height", "8302-2"),
    document("announced", "INVISIBLE_PATIENT"),
    {**observation("elsewhere"), "subject": to("Patient/other")},
)


class Traced(NamedTuple):
    """A trace: the record that says everything, and what the log keeps of it."""

    event: Tree
    kept: Tree
    text: str

    @property
    def kind(self) -> str:
        code: str = self.event.get("subtype", [self.event["type"]])[0]["code"]
        return code

    @property
    def who(self) -> str:
        agent = self.event["agent"][0]["who"]
        found: str = agent.get("reference") or agent.get("identifier", {}).get("value", "")
        return found

    @property
    def persons(self) -> set[str]:
        return {
            one["what"]["reference"]
            for one in self.event.get("entity", ())
            if one.get("role", {}).get("code") == "1"
        }

    @property
    def things(self) -> set[str]:
        """`Type/id` of what is no Patient."""
        found = (
            one["what"]["reference"]
            for one in self.event.get("entity", ())
            if "type" in one and "reference" in one.get("what", {})
        )
        return {text.partition("/_history/")[0] for text in found}

    @property
    def gate(self) -> int | None:
        gate: int | None = self.kept.get("gate")
        return gate


class Log:
    """The server, and what its log has got since the last look."""

    def __init__(self, opened: Door, url: str) -> None:
        self.door = opened
        self.url = url
        self.clients: dict[Caller, httpx.AsyncClient] = {}
        self._seen = 0

    async def by(self, caller: Caller) -> httpx.AsyncClient:
        if caller not in self.clients:
            self.clients[caller] = await self.door.by(caller)
        return self.clients[caller]

    def rows(self) -> list[tuple[int, int, bytes]]:
        """What has come since the last look."""
        with psycopg.connect(self.url) as connection:
            rows = connection.execute(
                "select pk, outcome, data from audit where pk > %s order by pk", (self._seen,)
            ).fetchall()
        self._seen = max((pk for pk, *_ in rows), default=self._seen)
        return [(pk, outcome, bytes(data)) for pk, outcome, data in rows]

    async def since(self) -> list[Traced]:
        """The traces of what was done since the last look; not of this look itself."""
        dpo = await self.by(DPO)
        found = []
        for pk, _, data in self.rows():
            answer = await dpo.get(f"AuditEvent/{id_of(pk)}")
            assert answer.status_code == 200, answer.text
            found.append(Traced(answer.json(), json.loads(data), f"{answer.text}{data.decode()}"))
        self.rows()
        return found

    async def one(self) -> Traced:
        [trace] = await self.since()
        return trace


@asynccontextmanager
async def logged(databases: Any, template: str, folder: Path) -> AsyncIterator[Log]:
    """Our world on a database of its own. `folder`: of the key and the heads."""
    url = databases.create(template)
    async with door(url, audit={"key_file": folder / "key", "heads_file": folder / "heads"}) as opened:
        await opened.keep(*WORLD)
        yield Log(opened, url)
    databases.drop(url)


def said(answer: httpx.Response, id: str) -> tuple[int, dict[str, str], str]:
    headers = {
        name: value
        for name, value in answer.headers.items()
        if name not in {"x-request-id", "content-length"}
    }
    return answer.status_code, headers, answer.text.replace(id, "…")
