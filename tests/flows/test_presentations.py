"""Whoever presents a person by the INS and the traits: what they are told, how often they may, and what is traced."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any, Final

import pytest
import pytest_asyncio

from fhir_server.kernel.wire import Tree
from tests.circles import NURSE, PERSON, caller
from tests.fhir_server.operations.asking import parameters
from tests.flows.traced import Log, logged, said
from tests.guarded import identified

pytestmark = pytest.mark.asyncio(loop_scope="session")

CARDIOLOGIST: Final = caller("cardiologist", "hospital", "medecin")
PHARMACIST: Final = caller("pharmacist", "pharmacy", "pharmacien")
REASON: Final = {"name": "reason", "valueString": "Détresse respiratoire, personne inconsciente"}
UNKNOWN: Final = "239027621899999"
ADDRESSES: Final = ("CareTeam/$join", "Patient/$emergency-access")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def server(
    databases: Any, migrated: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Log]:
    async with logged(databases, migrated, tmp_path_factory.mktemp("audit")) as opened:
        await opened.door.keep(identified())
        yield opened


@pytest.fixture
def log(server: Log) -> Log:
    server.rows()
    return server


def shown(address: str, tree: Tree) -> Tree:
    reason = [REASON] if "emergency" in address else []
    return parameters(*reason, {"name": "patient", "resource": tree})


@pytest.mark.parametrize("address", ADDRESSES)
async def test_a_wrong_trait_is_answered_as_an_unknown_ins_and_traced_with_whom_it_was_about(
    log: Log, address: str
) -> None:
    client = await log.by(CARDIOLOGIST)
    wrong = await client.post(address, json=shown(address, identified(family="HOARAU")))
    about = await log.one()
    unknown = await client.post(address, json=shown(address, identified(UNKNOWN)))
    nobody = await log.one()

    assert said(wrong, "") == said(unknown, "")
    assert wrong.status_code == 404
    assert (about.event["outcome"], about.persons, about.gate) == ("8", {str(PERSON)}, 2)
    assert (nobody.event["outcome"], nobody.persons, nobody.gate) == ("4", set(), None)
    for trace in (about, nobody):
        assert trace.kept["operation"] == address.partition("/")[2]
        assert "HOARAU" not in trace.text
        assert UNKNOWN not in trace.text


async def test_what_is_right_is_traced_with_whom_it_was_about(log: Log) -> None:
    client = await log.by(PHARMACIST)
    for _ in range(2):  # who has joined may say so again
        answer = await client.post("CareTeam/$join", json=shown("CareTeam/$join", identified()))
        trace = await log.one()

        assert answer.status_code == 200, answer.text
        assert (trace.event["outcome"], trace.persons) == ("0", {str(PERSON)})


async def test_an_id_opens_somebody_hidden_and_one_that_never_was_is_traced(log: Log) -> None:
    client = await log.by(NURSE)
    opened = await client.post("Patient/other/$emergency-access", json=parameters(REASON))
    trace, *_ = await log.since()
    never = await client.post("Patient/never/$emergency-access", json=parameters(REASON))
    wrong = await log.one()

    assert (opened.status_code, never.status_code) == (200, 404)
    assert (trace.event["outcome"], trace.persons) == ("0", {"Patient/other"})
    assert (wrong.event["outcome"], wrong.gate) == ("4", None)


async def test_a_login_that_is_too_weak_for_an_emergency_is_told_which_would_do(log: Log) -> None:
    client = await log.by(replace(CARDIOLOGIST, level="eidas1"))
    answer = await client.post("Patient/$emergency-access", json=shown("emergency", identified()))

    assert answer.status_code == 403
    told = answer.headers["www-authenticate"]
    assert 'error="insufficient_user_authentication"' in told
    assert told.endswith('acr_values="eidas2 eidas3"')
    assert (await log.one()).gate == 1


async def test_whoever_presents_too_many_wrongly_is_told_when_to_come_again_whatever_there_is(
    log: Log,
) -> None:
    """As many workers as there are each count for themselves."""
    client = await log.by(caller("gp", "msp", "medecin"))
    statuses = []
    for day in range(1, 12):
        wrong = {**identified(), "birthDate": f"1940-02-{day:02}"}
        statuses.append((await client.post("CareTeam/$join", json=shown("", wrong))).status_code)
    known = await client.post("CareTeam/$join", json=shown("", identified()))
    unknown = await client.post("CareTeam/$join", json=shown("", identified(UNKNOWN)))
    traces = await log.since()
    goes_on = await client.get("Observation/weight")
    other = await (await log.by(CARDIOLOGIST)).post("CareTeam/$join", json=shown("", identified()))

    refused = statuses.index(429)
    assert 5 <= refused <= 10
    assert set(statuses[:refused]) == {404}
    assert set(statuses[refused:]) == {429}
    assert (known.status_code, known.text) == (unknown.status_code, unknown.text)
    assert abs(int(known.headers["retry-after"]) - int(unknown.headers["retry-after"])) <= 1
    assert int(known.headers["retry-after"]) > 60
    assert len(traces) == len(statuses) + 2
    assert {trace.event["outcome"] for trace in traces[refused:]} == {"8"}
    assert goes_on.status_code == 200
    assert other.status_code == 200
