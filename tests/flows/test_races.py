"""Races: two servers on one database, many requests at once, and the answer of a sequence.

`CORDEE_RACE_ROUNDS` repeats each race (1 if not given).
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import httpx
import pytest

from tests.flows.asking import (
    FHIR_JSON,
    SYSTEM,
    bundle,
    created,
    entry,
    fresh,
    observation,
    patient,
    resources_of,
    send,
)

Serve = Callable[..., Awaitable[httpx.AsyncClient]]
Pair = tuple[httpx.AsyncClient, httpx.AsyncClient]

ROUNDS = int(os.environ.get("CORDEE_RACE_ROUNDS", "1"))
MANY = 12

pytestmark = [
    pytest.mark.timeout(60 * ROUNDS + 300),
    pytest.mark.parametrize("turn", range(ROUNDS), ids=lambda turn: f"round {turn}"),
]


@pytest.fixture
async def pair(serve: Serve) -> Pair:
    """Clients of two servers on one database."""
    return await serve(), await serve()


async def at_once(requests: Iterable[Awaitable[httpx.Response]]) -> list[httpx.Response]:
    responses = await asyncio.gather(*requests)
    for response in responses:
        assert response.status_code < 500, response.text
    return responses


def statuses(responses: Iterable[httpx.Response]) -> Counter[int]:
    return Counter(response.status_code for response in responses)


async def found(client: httpx.AsyncClient, query: str) -> list[dict[str, Any]]:
    response = await client.get(query)
    assert response.status_code == 200, response.text
    return resources_of(response.json())


async def test_many_conditional_creates_make_one_resource(pair: Pair, turn: int) -> None:
    value = fresh()
    headers = {**FHIR_JSON, "If-None-Exist": f"identifier={SYSTEM}|{value}"}

    responses = await at_once(
        pair[n % 2].post("Patient", json=patient(value), headers=headers) for n in range(MANY)
    )

    assert statuses(responses) == {201: 1, 200: MANY - 1}
    assert len({response.json()["id"] for response in responses}) == 1
    assert len(await found(pair[0], f"Patient?identifier={SYSTEM}|{value}")) == 1


async def test_many_conditional_creates_in_transactions_make_one_resource(pair: Pair, turn: int) -> None:
    value = fresh()
    criteria = f"identifier={SYSTEM}|{value}"

    async def one(n: int) -> httpx.Response:
        full_url = "urn:uuid:00000000-0000-4000-8000-000000000000"
        return await send(
            pair[n % 2],
            "transaction",
            entry("POST", "Observation", observation(full_url)),
            entry("POST", "Patient", patient(value), full_url, ifNoneExist=criteria),
        )

    responses = await at_once(one(n) for n in range(MANY))

    assert statuses(responses) == {200: MANY}
    (kept,) = await found(pair[0], f"Patient?{criteria}")
    written = await found(pair[0], f"Observation?subject=Patient/{kept['id']}&_count=100")
    assert len(written) == MANY


async def test_many_conditional_updates_make_one_resource(pair: Pair, turn: int) -> None:
    value = fresh()
    criteria = f"Patient?identifier={SYSTEM}|{value}"

    responses = await at_once(
        pair[n % 2].put(criteria, json=patient(value, multipleBirthInteger=n), headers=FHIR_JSON)
        for n in range(MANY)
    )

    assert statuses(responses) == {201: 1, 200: MANY - 1}
    (kept,) = await found(pair[0], criteria)
    assert kept["meta"]["versionId"] == str(MANY)


async def test_one_of_many_updates_of_the_same_version_wins(pair: Pair, turn: int) -> None:
    kept = await created(pair[0], patient())
    address, headers = f"Patient/{kept['id']}", {**FHIR_JSON, "If-Match": 'W/"1"'}

    responses = await at_once(
        pair[n % 2].put(address, json=patient(id=kept["id"], multipleBirthInteger=n), headers=headers)
        for n in range(MANY)
    )

    assert statuses(responses) == {200: 1, 412: MANY - 1}
    (winner,) = (response.json() for response in responses if response.status_code == 200)
    assert (await pair[1].get(address)).json() == winner


async def test_many_patches_all_happen(pair: Pair, turn: int) -> None:
    kept = await created(pair[0], patient(name=[{"family": "a"}]))
    address, headers = f"Patient/{kept['id']}", {"Content-Type": "application/json-patch+json"}

    responses = await at_once(
        pair[n % 2].patch(
            address, json=[{"op": "add", "path": "/name/-", "value": {"family": f"f{n}"}}], headers=headers
        )
        for n in range(MANY)
    )

    assert statuses(responses) == {200: MANY}
    names = (await pair[1].get(address)).json()["name"]
    assert {name["family"] for name in names} == {"a", *(f"f{n}" for n in range(MANY))}


async def test_many_updates_that_create_one_id_make_its_versions_in_a_row(pair: Pair, turn: int) -> None:
    key = fresh()

    responses = await at_once(
        pair[n % 2].put(f"Patient/{key}", json=patient(id=key, multipleBirthInteger=n), headers=FHIR_JSON)
        for n in range(MANY)
    )

    assert statuses(responses) == {201: 1, 200: MANY - 1}
    versions = resources_of((await pair[0].get(f"Patient/{key}/_history?_count=100")).json())
    assert [version["meta"]["versionId"] for version in versions] == [str(n) for n in range(MANY, 0, -1)]
    stamps = [version["meta"]["lastUpdated"] for version in versions]
    assert stamps == sorted(set(stamps), reverse=True)


async def test_transactions_that_meet_in_opposite_order_all_happen(pair: Pair, turn: int) -> None:
    keys = [fresh() for _ in range(4)]
    await at_once(pair[0].put(f"Patient/{key}", json=patient(id=key), headers=FHIR_JSON) for key in keys)

    async def one(n: int) -> httpx.Response:
        order = keys if n % 2 else keys[::-1]
        entries = [entry("PUT", f"Patient/{key}", patient(id=key, multipleBirthInteger=n)) for key in order]
        return await send(pair[n // 2 % 2], "transaction", *entries)

    responses = await at_once(one(n) for n in range(MANY))

    assert statuses(responses) == {200: MANY}
    kept = [(await pair[1].get(f"Patient/{key}")).json() for key in keys]
    assert {tree["meta"]["versionId"] for tree in kept} == {str(MANY + 1)}
    assert len({tree["multipleBirthInteger"] for tree in kept}) == 1


async def test_a_deadlock_is_never_shown(pair: Pair, turn: int) -> None:
    """Deletes come before updates: each of the two holds what the other one wants next."""
    keys = [fresh(), fresh()]
    await at_once(pair[0].put(f"Patient/{key}", json=patient(id=key), headers=FHIR_JSON) for key in keys)

    async def one(n: int) -> httpx.Response:
        gone, kept = keys if n % 2 else keys[::-1]
        return await send(
            pair[n % 2],
            "transaction",
            entry("DELETE", f"Patient/{gone}"),
            entry("PUT", f"Patient/{kept}", patient(id=kept, multipleBirthInteger=n)),
        )

    responses = await at_once(one(n) for n in range(4))

    assert statuses(responses) == {200: 4}


async def test_conditional_transactions_that_meet_in_opposite_order_all_happen(pair: Pair, turn: int) -> None:
    values = [fresh() for _ in range(4)]

    async def one(n: int) -> httpx.Response:
        order = values if n % 2 else values[::-1]
        entries = [
            entry("PUT", f"Patient?identifier={SYSTEM}|{value}", patient(value, multipleBirthInteger=n))
            for value in order
        ]
        return await send(pair[n // 2 % 2], "transaction", *entries)

    responses = await at_once(one(n) for n in range(MANY))

    assert statuses(responses) == {200: MANY}
    for value in values:
        (kept,) = await found(pair[1], f"Patient?identifier={SYSTEM}|{value}")
        assert kept["meta"]["versionId"] == str(MANY)


async def test_a_delete_and_a_reference_to_it_never_both_happen(pair: Pair, turn: int) -> None:
    async def one(n: int) -> tuple[int, int]:
        kept = await created(pair[0], patient())
        reference = f"Patient/{kept['id']}"
        gone, made = await at_once(
            [
                pair[n % 2].delete(reference),
                pair[n // 2 % 2].post("Observation", json=observation(reference), headers=FHIR_JSON),
            ]
        )
        there = (await pair[0].get(reference)).status_code == 200
        referring = await found(pair[0], f"Observation?subject={reference}")
        assert there or not referring
        return gone.status_code, made.status_code

    outcomes = Counter(await asyncio.gather(*(one(n) for n in range(MANY))))

    assert outcomes.keys() <= {(204, 422), (409, 201)}


async def test_a_delete_and_a_transaction_that_refers_to_it_never_both_happen(pair: Pair, turn: int) -> None:
    async def one(n: int) -> tuple[int, int]:
        kept = await created(pair[0], patient())
        reference = f"Patient/{kept['id']}"
        gone, made = await at_once(
            [
                send(pair[n % 2], "transaction", entry("DELETE", reference)),
                send(
                    pair[n // 2 % 2],
                    "transaction",
                    *(entry("POST", "Observation", observation(reference)) for _ in range(3)),
                ),
            ]
        )
        return gone.status_code, made.status_code

    outcomes = Counter(await asyncio.gather(*(one(n) for n in range(MANY))))

    assert outcomes.keys() <= {(200, 422), (409, 200)}


async def test_one_of_many_deletes_makes_the_version_of_the_deletion(pair: Pair, turn: int) -> None:
    kept = await created(pair[0], patient())
    address = f"Patient/{kept['id']}"

    responses = await at_once(pair[n % 2].delete(address) for n in range(MANY))

    assert statuses(responses) == {204: MANY}
    page = (await pair[0].get(f"{address}/_history")).json()
    assert [item["request"]["method"] for item in page["entry"]] == ["DELETE", "POST"]


async def test_a_file_that_is_imported_many_times_at_once_is_imported_once(pair: Pair, turn: int) -> None:
    value = fresh()
    tree = bundle("transaction", entry("POST", "Patient", patient(value)))
    headers = {**FHIR_JSON, "X-Import-File": f"{abs(hash(value)):064x}"}

    responses = await at_once(pair[n % 2].post("", json=tree, headers=headers) for n in range(MANY))

    assert statuses(responses) == {200: 1, 412: MANY - 1}
    assert len(await found(pair[0], f"Patient?identifier={SYSTEM}|{value}")) == 1


async def test_a_client_that_polls_the_history_misses_no_version(pair: Pair, turn: int) -> None:
    """Small writes and transactions of 300 entries, by both servers, while two clients ask for what is new."""
    done = asyncio.Event()
    written: set[str] = set()

    async def write_one(n: int) -> None:
        for _ in range(15):
            kept = await created(pair[n % 2], patient())
            written.add(f"Patient/{kept['id']}")

    async def write_many(n: int) -> None:
        for _ in range(2):
            entries = [entry("POST", "Patient", patient(fresh())) for _ in range(300)]
            response = await send(pair[n % 2], "transaction", *entries)
            assert response.status_code == 200, response.text
            places = (item["response"]["location"] for item in response.json()["entry"])
            written.update(place.partition("/_history")[0] for place in places)

    async def poll(client: httpx.AsyncClient, address: str) -> Counter[str]:
        seen: Counter[str] = Counter()
        since = ""
        last = False
        while True:
            url = f"{address}?_count=1000{since}"
            newest = ""
            while url:
                response = await client.get(url)
                assert response.status_code == 200, response.text
                page = response.json()
                newest = newest or page["meta"]["lastUpdated"]
                seen.update({f"Patient/{tree['id']}" for tree in resources_of(page)})
                url = next((link["url"] for link in page["link"] if link["relation"] == "next"), "")
            since = f"&_since={newest}"
            if last:
                return seen
            last = done.is_set()
            await asyncio.sleep(0.01)

    async def write() -> None:
        await asyncio.gather(*(write_one(n) for n in range(4)), *(write_many(n) for n in range(2)))
        done.set()

    _, one, other = await asyncio.gather(
        write(), poll(pair[0], "_history"), poll(pair[1], "Patient/_history")
    )

    assert len(written) == 4 * 15 + 2 * 2 * 300
    assert written - one.keys() == set()
    assert written - other.keys() == set()
