"""A citizen who is nobody here, and is somebody from when they bring back a code: over HTTP, with signed tokens."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

from fhir_server.kernel.wire import Tree
from tests.circles import CITIZEN, DIRECTORY, NURSE, PERSON
from tests.fhir_server.operations.asking import parameters
from tests.flows.callers import Door, Issuer, door
from tests.guarded import CIRCLE, OPERATOR

pytestmark = pytest.mark.asyncio

NOBODY_YET: Final = replace(CITIZEN, subject="8f2c")


@pytest.fixture
def issuer(tmp_path: Path) -> Issuer:
    return Issuer(tmp_path)


@pytest.fixture
async def shown(url: str, issuer: Issuer) -> AsyncIterator[Door]:
    """Two workers, who remember nothing of tokens that were not good enough."""
    async with door(url, workers=2, issuer=issuer) as opened:
        await opened.keep(*DIRECTORY, *CIRCLE)
        yield opened


def shown_with(code: str, birth: str = "1939-02-17") -> Tree:
    return parameters({"name": "code", "valueString": code}, {"name": "birthDate", "valueDate": birth})


async def test_a_citizen_who_brings_back_the_code_is_the_person_from_the_next_request_on(
    shown: Door, issuer: Issuer
) -> None:
    nurse, token = await shown.by(NURSE), issuer.token(NOBODY_YET)
    workers = [await shown.with_token(token, worker=worker) for worker in range(2)]
    for citizen in workers:
        assert (await citizen.get(f"{PERSON}")).status_code == 403
        assert (await citizen.get("Organization")).status_code == 403

    invited = await nurse.post(f"{PERSON}/$invite", json=parameters())
    assert invited.status_code == 200, invited.text
    code = invited.json()["parameter"][0]["valueString"]
    wrong = await workers[0].post("$redeem-invitation", json=shown_with(code, "1939-02-18"))
    assert wrong.status_code == 403, wrong.text
    for citizen in workers:
        assert (await citizen.get(f"{PERSON}")).status_code == 403
    right = await workers[1].post("$redeem-invitation", json=shown_with(code))
    assert right.status_code == 200, right.text

    for citizen in workers:
        assert (await citizen.get(f"{PERSON}")).status_code == 200
        assert (await citizen.get("CareTeam?subject=Patient/payet")).json()["total"] == 1


async def test_what_was_tried_is_traced_and_the_code_is_not(shown: Door, issuer: Issuer) -> None:
    nurse, citizen = await shown.by(NURSE), await shown.with_token(issuer.token(NOBODY_YET))
    code = (await nurse.post(f"{PERSON}/$invite", json=parameters())).json()["parameter"][0]["valueString"]
    for birth in ("1939-02-18", "1939-02-17"):
        await citizen.post("$redeem-invitation", json=shown_with(code, birth))

    operator = await shown.by(OPERATOR)
    traces = await operator.get("AuditEvent?patient=Patient/payet&_count=100")
    assert traces.status_code == 200, traces.text
    texts = [text for one in traces.json()["entry"] if "redeem-invitation" in (text := str(one["resource"]))]
    assert len(texts) == 2  # the refusal as well
    assert not any(part in traces.text for part in (code, code.replace("-", "")))


@pytest.mark.parametrize("body", ["[]", "{}", '{"resourceType": "Parameters"}'])
async def test_who_is_nobody_is_told_what_is_missing(shown: Door, issuer: Issuer, body: str) -> None:
    citizen = await shown.with_token(issuer.token(NOBODY_YET))
    assert (await citizen.post("$redeem-invitation", content=body)).status_code == 400
    batch = {"resourceType": "Bundle", "type": "batch", "entry": []}
    assert (await citizen.post("", json=batch)).status_code == 403
