"""Who finds which traces, who adds some, and that nobody changes one or learns from one what is hidden from them."""

from __future__ import annotations

from typing import Final

import httpx
import pytest

from fhir_server.access.caller import Caller
from fhir_server.kernel.wire import Tree
from fhir_server.store.ids import id_of
from tests.circles import (
    CITIZEN,
    GP,
    HELPER,
    NURSE,
    PHARMACIST,
    to,
)
from tests.flows.asking import JSON_PATCH, bundle, entry, issue_of, resources_of
from tests.flows.traced import DAUGHTER, FEEDER, NEW, SON, Log, said
from tests.guarded import DPO, OPERATOR

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def _ids(client: httpx.AsyncClient, query: str) -> list[str]:
    answer = await client.get(f"AuditEvent?{query}")
    assert answer.status_code == 200, answer.text
    return [one["id"] for one in resources_of(answer.json()) if one["resourceType"] == "AuditEvent"]


@pytest.mark.parametrize("reader", [DPO, OPERATOR], ids=["dpo", "operator"])
async def test_whoever_looks_after_data_finds_traces_by_all_that_matters(log: Log, reader: Caller) -> None:
    await (await log.by(NURSE)).get("Observation/height")
    await (await log.by(PHARMACIST)).get("Observation/height")
    seen, refused = [id_of(pk) for pk, *_ in log.rows()]
    client = await log.by(reader)

    for query, wanted in {
        "patient=Patient/payet": {seen, refused},
        "patient=payet&outcome=8": {refused},
        "patient=payet&outcome=0": {seen},
        "agent=PractitionerRole/nurse": {seen},
        "agent=PractitionerRole/nurse&outcome=8": set(),
        "entity=Observation/height": {seen, refused},
        "entity=Observation/height&agent=PractitionerRole/pharmacist": {refused},
        "date=ge2026-01-01": {seen, refused},
        "date=lt2026-01-01": set(),
        "patient=Patient/other": set(),
    }.items():
        assert {seen, refused} & set(await _ids(client, query)) == wanted, query
    assert (await client.get(f"AuditEvent/{seen}")).json()["agent"][0]["network"]
    assert (await client.get(f"AuditEvent/{seen}.1")).json()["id"] == f"{seen}.1"


@pytest.mark.parametrize("reader", [CITIZEN, SON], ids=["the person", "their representative"])
async def test_a_person_finds_who_saw_their_data_and_nothing_technical(log: Log, reader: Caller) -> None:
    await (await log.by(NURSE)).get("Observation/height")
    await (await log.by(PHARMACIST)).get("Observation/height")
    seen, refused = [id_of(pk) for pk, *_ in log.rows()]
    client = await log.by(reader)

    for query in ("", "patient=Patient/payet", "entity=Observation/height", "agent=PractitionerRole/nurse"):
        found = await _ids(client, query)
        assert f"{seen}.1" in found, query
        assert not any(one.startswith(refused) or "." not in one for one in found), query
    event = (await client.get(f"AuditEvent/{seen}.1")).json()
    assert event["agent"][0]["who"] == {"reference": "PractitionerRole/nurse"}
    assert {one.get("what", {}).get("reference") for one in event["entity"]} == {"Patient/payet", None}
    assert "network" not in event["agent"][0]
    for hidden in (seen, refused, f"{refused}.1", f"{seen}.2"):
        assert issue_of(await client.get(f"AuditEvent/{hidden}"), 404)
    assert await _ids(client, "patient=Patient/other") == []
    assert await _ids(client, "outcome=8") == []


async def test_a_person_does_not_learn_from_traces_what_is_hidden_from_them(log: Log) -> None:
    client = await log.by(CITIZEN)
    before = len(await _ids(client, "_count=1000"))

    for path in ("DocumentReference/announced", "DocumentReference/unknown"):
        await client.get(path)
        await client.put(path, json={"resourceType": "DocumentReference", "id": path.partition("/")[2]})
        await client.post("Observation", json={**NEW, "derivedFrom": [to(path)]})

    # The search itself is about nobody.
    assert len(await _ids(client, "_count=1000")) == before


@pytest.mark.parametrize("reader", [NURSE, GP, HELPER, DAUGHTER, FEEDER], ids=lambda one: one.roles[0])
async def test_nobody_else_finds_any_trace(log: Log, reader: Caller) -> None:
    await (await log.by(NURSE)).get("Observation/height")
    seen = id_of(log.rows()[-1][0])
    client = await log.by(reader)

    assert await _ids(client, "") == []
    assert await _ids(client, "patient=Patient/payet") == []
    for name in (seen, f"{seen}.1"):
        answer = await client.get(f"AuditEvent/{name}")
        assert said(answer, name) == said(await client.get("AuditEvent/unknown"), "unknown")


FED: Final[Tree] = {
    "resourceType": "AuditEvent",
    "type": {"system": "http://terminology.hl7.org/CodeSystem/audit-event-type", "code": "rest"},
    "recorded": "2026-10-01T08:00:00Z",
    "agent": [{"who": {"reference": "PractitionerRole/gp"}, "requestor": True}],
    "source": {"observer": {"display": "DPI"}},
    "entity": [{"what": {"reference": "Patient/payet"}}],
}


async def test_a_system_that_feeds_traces_keeps_them_here_and_nobody_else_does(log: Log) -> None:
    feeder, dpo = await log.by(FEEDER), await log.by(DPO)

    kept = await feeder.post("AuditEvent", json=FED)
    assert kept.status_code == 201, kept.text
    name = kept.json()["id"]

    assert kept.headers["location"].endswith(f"/AuditEvent/{name}/_history/1")
    assert name in await _ids(dpo, "patient=Patient/payet&agent=PractitionerRole/gp")
    assert (await dpo.get(f"AuditEvent/{name}")).json() == kept.json()
    for other in (GP, DPO, OPERATOR, CITIZEN):
        log.rows()
        answer = await (await log.by(other)).post("AuditEvent", json=FED)
        assert issue_of(answer, 403)["code"] == "forbidden"
        assert len(log.rows()) == 1
    assert issue_of(await feeder.post("AuditEvent", json={**FED, "agent": []}), 422)
    assert issue_of(await feeder.post("AuditEvent", json=FED, headers={"If-None-Exist": "date=2026"}), 400)


@pytest.mark.parametrize("who", [OPERATOR, DPO, FEEDER, CITIZEN], ids=lambda one: one.roles[0])
async def test_nobody_changes_or_deletes_a_trace(log: Log, who: Caller) -> None:
    await (await log.by(NURSE)).get("Observation/height")
    seen = id_of(log.rows()[-1][0])
    dpo = await log.by(DPO)
    before = (await dpo.get(f"AuditEvent/{seen}")).json()
    client = await log.by(who)

    tree = {**FED, "id": seen}
    patch = {"content": "[]", "headers": JSON_PATCH}
    answers = [
        await client.put(f"AuditEvent/{seen}", json=tree),
        await client.put("AuditEvent?patient=payet", json=FED),
        await client.patch(f"AuditEvent/{seen}", **patch),  # type: ignore[arg-type] # httpx takes both
        await client.delete(f"AuditEvent/{seen}"),
        await client.delete("AuditEvent?patient=payet"),
        await client.post("", json=bundle("transaction", entry("PUT", f"AuditEvent/{seen}", tree))),
        await client.post("", json=bundle("transaction", entry("DELETE", f"AuditEvent/{seen}"))),
    ]
    posted = await client.post("", json=bundle("transaction", entry("POST", "AuditEvent", FED)))

    assert [answer.status_code for answer in answers] == [405] * len(answers)
    assert answers[0].headers["allow"] == "GET, POST"
    assert issue_of(posted, 400, "not-supported")
    assert len(log.rows()) == len(answers) + 2
    assert (await dpo.get(f"AuditEvent/{seen}")).json() == before
