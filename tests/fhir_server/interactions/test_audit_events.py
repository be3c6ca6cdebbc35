"""AuditEvents as clients read them, from a log on PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import orjson
import psycopg
import pytest

from fhir_server.access.audit import trace_of
from fhir_server.access.audit_event import Observer
from fhir_server.access.caller import Caller
from fhir_server.interactions.audit_events import Within, read_trace, search_traces
from fhir_server.interactions.call import Action, Call, Conditions, Limits, Reply, Server
from fhir_server.kernel.errors import Malformed, NotFound
from fhir_server.kernel.keys import Key
from fhir_server.kernel.times import now
from fhir_server.store.numbers import TYPE_NUMBERS
from tests.auditing import Auditing, auditing

MAIDA, PAYET = Key("Patient", "maida"), Key("Patient", "payet")
NURSE = Caller("professional", client="dui", actors=(Key("PractitionerRole", "ide"),), purpose="TREAT")
SERVER = cast("Server", SimpleNamespace(limits=Limits(page=2)))
BASE = "https://here/fhir"


@pytest.fixture
async def log(url: str, tmp_path: Path) -> AsyncIterator[Auditing]:
    """A read about Maida; a search that showed data of her and of Payet, whom the store knows; a read of a slot."""
    async with auditing(url, tmp_path) as opened:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(
                "insert into resource (pk, self, type, id, version, updated, moment, method, deleted, present, refs)"
                " values (1, %s, %s, 'payet', 1, 0, 0, 1, false, '{}', '{}')",
                (opened.hasher.self_of(PAYET), TYPE_NUMBERS["Patient"]),
            )
        numbers = [opened.hasher.self_of(PAYET)]
        for call, persons, shown in (
            (Call(Action.READ, "Observation", "1"), [MAIDA], []),
            (Call(Action.SEARCH, "Condition", query="code=1"), [MAIDA], numbers),
            (Call(Action.READ, "Slot", "s"), [], []),
        ):
            await opened.log.write(
                trace_of(
                    call, Reply(200), NURSE, at=now(), persons=persons, numbers=shown, address="192.0.2.7"
                )
            )
        yield opened


async def found(log: Auditing, query: str, within: Within = None, compartment: Key | None = None) -> Any:
    call = Call(Action.SEARCH, "AuditEvent", query=query, base=BASE, compartment=compartment)
    reply = await search_traces(call, log.log, SERVER, Observer(), within)
    return orjson.loads(reply.body)


def events(bundle: Any) -> list[Any]:
    return [one["resource"] for one in bundle.get("entry", []) if one["search"]["mode"] == "match"]


def links(bundle: Any) -> dict[str, str]:
    return {one["relation"]: one["url"] for one in bundle["link"]}


def subtypes(bundle: Any) -> list[str]:
    return [one["subtype"][0]["code"] for one in events(bundle)]


async def test_whoever_may_read_all_reads_all_in_pages(log: Auditing) -> None:
    first = await found(log, "")
    following = await found(log, links(first)["next"].partition("?")[2])

    assert subtypes(first) == ["read", "search-type"]
    assert subtypes(following) == ["read"]
    assert links(first)["self"] == f"{BASE}/AuditEvent"
    assert "next" not in links(following)
    assert links(following)["first"] == f"{BASE}/AuditEvent"
    assert "30 days" in first["entry"][-1]["resource"]["issue"][0]["diagnostics"]
    assert b"192.0.2.7" in orjson.dumps(first)


async def test_a_person_reads_about_themselves_alone_and_nothing_technical(log: Auditing) -> None:
    bundle = await found(log, "", within=(MAIDA,))

    assert subtypes(bundle) == ["search-type", "read"]
    assert [event["id"].endswith(".1") for event in events(bundle)] == [True, True]
    said = orjson.dumps(bundle)
    assert b"payet" not in said
    assert b"192.0.2.7" not in said
    assert b"dui" not in said


async def test_a_person_whom_only_the_store_knew_reads_their_record(log: Auditing) -> None:
    bundle = await found(log, "patient=payet", within=(PAYET,))

    assert subtypes(bundle) == ["search-type"]
    assert b"maida" not in orjson.dumps(bundle)


async def test_a_representative_of_two_reads_a_record_for_each(log: Auditing) -> None:
    bundle = await found(log, "entity=Condition/none", within=(MAIDA, PAYET))
    assert events(bundle) == []

    bundle = await found(log, "", within=(MAIDA, PAYET))
    assert len({event["id"] for event in events(bundle)}) == 3

    bundle = await found(log, "patient=payet", within=(MAIDA, PAYET))
    assert len(events(bundle)) == 1


async def test_whoever_may_read_about_nobody_reads_nothing(log: Auditing) -> None:
    assert events(await found(log, "", within=())) == []


async def test_a_compartment_is_about_its_patient(log: Auditing) -> None:
    bundle = await found(log, "_count=1", compartment=MAIDA)

    assert subtypes(bundle) == ["search-type"]
    assert links(bundle)["next"].startswith(f"{BASE}/Patient/maida/AuditEvent?_count=1&")
    assert events(await found(log, "patient=payet", compartment=MAIDA)) == []


async def test_a_cursor_of_another_asker_is_refused(log: Auditing) -> None:
    bundle = await found(log, "_count=1", within=(MAIDA,))

    with pytest.raises(Malformed):
        await found(log, links(bundle)["next"].partition("?")[2], within=(PAYET,))


async def read(log: Auditing, id: str, within: Within = None, **more: Any) -> Reply:
    call = Call(Action.READ, "AuditEvent", id, base=BASE, conditions=Conditions(**more))
    return await read_trace(call, log.log, Observer(), within)


async def test_each_record_is_read_by_those_it_is_for(log: Auditing) -> None:
    trace = events(await found(log, ""))[1]["id"]  # the search, about both

    whole = orjson.loads((await read(log, trace)).body)
    own = orjson.loads((await read(log, f"{trace}.1", (MAIDA,))).body)

    assert whole["id"] == trace
    assert own == orjson.loads((await read(log, f"{trace}.1")).body)
    assert (await read(log, f"{trace}.2", (PAYET,))).version == 1
    for name, within in (
        (trace, (MAIDA,)),
        (f"{trace}.1", (PAYET,)),
        (f"{trace}.2", (MAIDA,)),
        (f"{trace}.1", ()),
        (f"{trace}.3", None),
        ("0000000000000", None),
        ("elsewhere", None),
    ):
        with pytest.raises(NotFound):
            await read(log, name, within)


async def test_a_record_never_changes(log: Auditing) -> None:
    trace = events(await found(log, ""))[0]["id"]

    assert (await read(log, trace, if_none_match='W/"1"')).status == 304
