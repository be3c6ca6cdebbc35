"""Clients, accounts and signing keys in a database, as operators write them and servers read them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import psycopg
import pytest

from fhir_server.kernel.errors import Conflict, NotFound
from fhir_server.kernel.keys import Key
from fhir_server.store import registrations
from fhir_server.store.credentials import Client, PostgresCredentials, SigningKey
from fhir_server.store.pipeline import Pipeline
from fhir_server.store.registrations import Account

NOW = 1_800_000_000_000_000
SECOND = 1_000_000
PATIENT = Key("Patient", "payet")
DUI = Client(
    "dui",
    "Le DUI des Tilleuls",
    Key("Organization", "tilleuls"),
    ("aide-soignant", "infirmier"),
    ("TREAT", "COC"),
    ("Observation",),
    "system/*.rs",
    "",
    ({"kid": "one", "kty": "EC"},),
)


@pytest.fixture
async def workers(url: str) -> AsyncIterator[list[PostgresCredentials]]:
    """Two processes' view of one database."""
    async with AsyncExitStack() as opened:
        pipelines = [await Pipeline.open(url) for _ in range(2)]
        for pipeline in pipelines:
            opened.push_async_callback(pipeline.close)
        yield [PostgresCredentials(pipeline.run, pipeline.run) for pipeline in pipelines]


async def test_a_client_is_known_as_it_was_registered(url: str, workers: list[PostgresCredentials]) -> None:
    registrations.add(url, DUI, NOW)

    assert [await worker.client("dui", NOW) for worker in workers] == [DUI, DUI]
    assert [one.client for one in registrations.clients(url, NOW)] == [DUI]


@pytest.mark.parametrize("id", ["", "other", "dui ", "\x00", "é", "\ud800"])
async def test_nobody_else_is_a_client(url: str, workers: list[PostgresCredentials], id: str) -> None:
    registrations.add(url, DUI, NOW)

    assert await workers[0].client(id, NOW) is None


async def test_the_keys_before_are_believed_until_the_overlap_ends(
    url: str, workers: list[PostgresCredentials]
) -> None:
    registrations.add(url, DUI, NOW)

    registrations.rotate(url, "dui", [{"kid": "two"}], "", now=NOW + 10, overlap=100 * SECOND)

    async def kids(moment: int) -> list[str]:
        found = await workers[0].client("dui", moment)
        assert found is not None
        return [jwk["kid"] for jwk in found.keys]

    assert await kids(NOW + 10) == ["two", "one"]
    assert await kids(NOW + 10 + 100 * SECOND) == ["two"]


async def test_a_stolen_key_is_worth_nothing_at_once(url: str, workers: list[PostgresCredentials]) -> None:
    registrations.add(url, DUI, NOW)

    registrations.rotate(url, "dui", [{"kid": "one", "kty": "RSA"}], "", now=NOW + 1, overlap=0)

    found = await workers[0].client("dui", NOW + 1)
    assert found is not None
    assert found.keys == ({"kid": "one", "kty": "RSA"},)


def test_a_new_key_has_a_name_of_its_own_while_the_other_is_believed(url: str) -> None:
    registrations.add(url, DUI, NOW)

    with pytest.raises(Conflict):
        registrations.rotate(url, "dui", [{"kid": "one"}], "", now=NOW + 1, overlap=SECOND)
    registrations.rotate(url, "dui", [{"kid": "two"}], "", now=NOW + 2, overlap=SECOND)
    registrations.rotate(url, "dui", [{"kid": "one"}], "", now=NOW + 3 * SECOND, overlap=SECOND)


def test_a_second_rotation_does_not_prolong_what_the_first_one_ended(url: str) -> None:
    registrations.add(url, DUI, NOW)
    registrations.rotate(url, "dui", [{"kid": "two"}], "", now=NOW, overlap=10 * SECOND)
    registrations.rotate(url, "dui", [{"kid": "three"}], "", now=NOW + SECOND, overlap=1000 * SECOND)

    (one,) = registrations.clients(url, NOW + 11 * SECOND)

    assert {jwk["kid"] for jwk in one.client.keys} == {"two", "three"}


async def test_a_revoked_client_is_none_and_its_id_is_never_another_s(
    url: str, workers: list[PostgresCredentials]
) -> None:
    registrations.add(url, DUI, NOW)

    registrations.revoke(url, "dui", NOW + 1)

    assert await workers[1].client("dui", NOW + 1) is None
    assert [(one.client.id, one.active) for one in registrations.clients(url, NOW)] == [("dui", False)]
    with pytest.raises(Conflict):
        registrations.add(url, DUI, NOW + 2)
    for id_ in ("dui", "nobody"):
        with pytest.raises(NotFound):
            registrations.revoke(url, id_, NOW)
        with pytest.raises(NotFound):
            registrations.rotate(url, id_, [], "", now=NOW, overlap=0)


async def test_an_assertion_is_used_once_in_all_processes(workers: list[PostgresCredentials]) -> None:
    uses = [worker.use("dui", "7", NOW + SECOND, NOW) for _ in range(10) for worker in workers]

    assert (await asyncio.gather(*uses)).count(True) == 1
    assert await workers[0].use("dui", "8", NOW + SECOND, NOW)
    assert await workers[0].use("other", "7", NOW + SECOND, NOW)
    assert await workers[0].use("dui", "\ud800\x00", NOW + SECOND, NOW)


async def test_assertions_that_expired_do_not_pile_up(url: str, workers: list[PostgresCredentials]) -> None:
    for number in range(50):
        await workers[0].use("dui", str(number), NOW + SECOND, NOW)
    for number in range(5):
        await workers[0].use("dui", f"later {number}", NOW + 3600 * SECOND, NOW + 600 * SECOND)

    with psycopg.connect(url) as connection:
        row = connection.execute("select count(*) from client_assertion").fetchone()
    assert row == (5,)


async def test_an_account_is_the_person_that_it_was_bound_to(
    url: str, workers: list[PostgresCredentials]
) -> None:
    registrations.bind(url, Account("https://a.example", "1", PATIENT, NOW))

    assert await workers[0].account("https://a.example", "1") == PATIENT
    assert await workers[0].account("https://b.example", "1") is None
    assert await workers[0].account("https://a.example", "\x00") is None
    assert registrations.unbind(url, "https://a.example", "1") == 1
    assert await workers[0].account("https://a.example", "1") is None
    with pytest.raises(NotFound):
        registrations.unbind(url, "https://a.example", "1")


async def test_a_carer_may_be_one_of_several_persons(url: str, workers: list[PostgresCredentials]) -> None:
    mother, father = Key("RelatedPerson", "mother"), Key("RelatedPerson", "father")
    for person in (mother, father, PATIENT):
        registrations.bind(url, Account("https://a.example", "1", person, NOW))

    assert await workers[0].accounts("https://a.example", "1") == (PATIENT, father, mother)
    assert registrations.unbind(url, "https://a.example", "1", father) == 1
    assert registrations.unbind(url, "https://a.example", "1") == 2


@pytest.mark.parametrize(
    ("subject", "person"),
    [("1", PATIENT), ("1", Key("Patient", "other")), ("2", PATIENT)],
    ids=["again", "two patients", "two who are one"],
)
def test_an_account_is_one_patient_and_a_patient_has_one_account(url: str, subject: str, person: Key) -> None:
    registrations.bind(url, Account("https://a.example", "1", PATIENT, NOW))

    with pytest.raises(Conflict):
        registrations.bind(url, Account("https://a.example", subject, person, NOW))

    assert len(registrations.accounts(url)) == 1


async def test_tokens_are_signed_by_one_key_and_the_one_before_is_believed_for_a_while(
    url: str, workers: list[PostgresCredentials]
) -> None:
    assert await workers[0].signing_keys(NOW) == ()
    assert registrations.signing_key(url, NOW) is None
    registrations.put_signing_key(url, SigningKey("a", "{}", NOW), overlap=SECOND)
    registrations.put_signing_key(url, SigningKey("b", "{}", NOW + 1), overlap=SECOND)

    assert [key.kid for key in await workers[0].signing_keys(NOW + 2)] == ["b", "a"]
    assert [key.kid for key in await workers[0].signing_keys(NOW + 2 * SECOND)] == ["b"]
    found = registrations.signing_key(url, NOW + 2)
    assert found is not None
    assert found.kid == "b"


async def test_no_token_is_believed_once_all_keys_are_distrusted(
    url: str, workers: list[PostgresCredentials]
) -> None:
    registrations.put_signing_key(url, SigningKey("a", "{}", NOW), overlap=SECOND)
    registrations.put_signing_key(url, SigningKey("b", "{}", NOW + 1), overlap=0)

    assert [key.kid for key in await workers[0].signing_keys(NOW + 2)] == ["b"]


async def test_a_key_is_made_anew_only_when_it_is_old(workers: list[PostgresCredentials]) -> None:
    one, other = workers

    await one.renew(SigningKey("a", "{}", NOW), older_than=NOW - SECOND, overlap=SECOND)
    await other.renew(SigningKey("b", "{}", NOW + 1), older_than=NOW + 1 - SECOND, overlap=SECOND)
    assert [key.kid for key in await one.signing_keys(NOW + 1)] == ["a"]

    later = NOW + 10 * SECOND
    await other.renew(SigningKey("c", "{}", later), older_than=later - SECOND, overlap=5 * SECOND)
    assert [key.kid for key in await one.signing_keys(later)] == ["c", "a"]
    assert [key.kid for key in await one.signing_keys(later + 5 * SECOND)] == ["c"]


def test_an_operator_names_resources_that_are_there(url: str) -> None:
    with pytest.raises(NotFound, match="Patient/payet"):
        registrations.require_there(url, PATIENT)
