"""The data of the access workloads: circles, consents and callers, written through the store as the server writes them.

What decides who sees what is not the server's work here: resources are stamped by the same functions, while the ties of
each person, which it would make out of their circle, are put together and copied into their table.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Final

import psycopg
import uvloop

from bench.asking import Pools
from bench.data import FAMILIES, observation, patient
from bench.search_seeding import settle
from bench.seeding import make_floor
from bench.server import Running
from fhir_server.access import own_tokens
from fhir_server.access.authority import Authority
from fhir_server.access.caller import Caller
from fhir_server.access.matrix import shipped_matrix
from fhir_server.access.policy import Policy
from fhir_server.access.tables import shipped_tables
from fhir_server.kernel.keys import Key
from fhir_server.kernel.wire import Tree, decode, encode
from fhir_server.search.entries import Hasher
from fhir_server.search.extract import entries_of
from fhir_server.search.sight import FOREVER, PUBLIC, Link, Stamp, Tie
from fhir_server.store import registrations
from fhir_server.store.contract import Draft, Stale
from fhir_server.store.credentials import SigningKey
from fhir_server.store.postgres import PostgresStore

CALLERS: Final = 1_000
ASKING: Final = 40  # of them: so few that nearly every token has been seen by the worker that it comes to
CIRCLES: Final = 20_000  # of as many persons
CONSENTS: Final = 50_000
OBSERVATIONS: Final = 3  # of each person
FEW: Final = 20  # persons of the one who has few
COMMON: Final = "common"  # the code of every eighth Observation; the others are spread over 200 codes
BUSY: Final = 8
AT_ONCE: Final = 500  # resources a transaction
SHARED: Final = 0.001  # of all resources: the codes that are searched for, rare ones too, are on more
DAC: Final = Key("Organization", "dac")  # of all callers but the one who has few, and of all circles
OFFICE: Final = Key("Organization", "cabinet")
ROLE: Final = "infirmier"
LEAST_SECONDS: Final = 150  # that a token must live on, to be used for one more measure

_BASE: Final = "http://127.0.0.1/fhir"
_COLUMNS: Final = ("person", "actor", "tie", "since", "until", "allow", "named", "deny", "oppose")


def seeded(server: Running) -> Pools:
    """The pools that `access_workloads.py` names; `Tokens` adds its own."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        hasher = runner.run(_written(server.url))
    _tie(server, hasher)
    settle(server)
    make_floor(server, encode(patient(0, random.Random(1))))
    persons = [_person(number).id for number in range(CIRCLES)]
    return {
        "persons": persons,
        "analytes": [str(10_000 + number) for number in range(200)],
        "families": [one.split()[0][:3].casefold() for one in FAMILIES if one.isascii()],
    }


class Tokens:
    """Tokens of the callers, the same for as long as they live long enough: workers believe those they know."""

    def __init__(self) -> None:
        self._pools: Pools = {}
        self._url = ""
        self._until = 0  # µs

    def renewed(self, server: Running, pools: Pools) -> Pools:
        """The pools, with tokens."""
        moment = time.time_ns() // 1000
        if self._url != server.url or self._until < moment + LEAST_SECONDS * 1_000_000:
            self._url, self._until = server.url, moment + own_tokens.LONGEST_SECONDS * 1_000_000
            self._pools = _tokens(server.url, moment)
        return {**pools, **self._pools}


def _tokens(url: str, moment: int) -> Pools:
    key = registrations.signing_key(url, moment)
    if key is None:
        key = SigningKey(*own_tokens.new_key(), moment)
        registrations.put_signing_key(url, key, overlap=0)
    signing, issuer = own_tokens.key_of(key.jwk), own_tokens.issuer_of("")

    def token(caller: Caller) -> str:
        return own_tokens.signed(caller, "user/*.cruds", signing, issuer=issuer, now=moment)

    return {
        "few": [token(_caller("few", OFFICE))],
        "many": [token(_caller("n0", DAC))],
        "callers": [token(_caller(f"n{number}", DAC)) for number in range(0, CALLERS, CALLERS // ASKING)],
    }


def _caller(name: str, organisation: Key) -> Caller:
    actors = (Key("PractitionerRole", name), Key("Practitioner", name), organisation)
    return Caller(
        "professional",
        subject=name,
        client="bench",
        roles=(ROLE,),
        actors=actors,
        organisation=organisation,
        level="eidas2",
        purpose="TREAT",
    )


def _person(number: int) -> Key:
    return Key("Patient", f"p{number}")


# Resources ------------------------------------------------------------------------------------------------------------


async def _written(url: str) -> Hasher:
    tables = shipped_tables()
    authority = Authority(Policy(shipped_matrix(), tables.cells(), tables))
    store = await PostgresStore.open(url)
    try:
        for trees in _in_parts(_resources()):
            made = [_draft(tree, authority, store.hasher) for tree in trees]
            await _write(store, made)
        return store.hasher
    finally:
        await store.close()


def _draft(tree: Tree, authority: Authority, hasher: Hasher) -> Draft:
    """Not yet stamped with a time."""
    tree = authority.labelled(decode(encode(tree)), None, None, ())
    key = Key(tree["resourceType"], tree["id"])
    entries = entries_of(tree, hasher, _BASE)
    if key.type in {"Organization", "Practitioner", "PractitionerRole"}:
        entries.stamp = Stamp(PUBLIC)
    else:
        entries.stamp = authority.stamp_of(tree, creator=_caller("n0", DAC))
    return Draft(key, 1, 0, encode(tree), "PUT", entries)


async def _write(store: PostgresStore, drafts: Sequence[Draft]) -> None:
    while True:
        try:
            async with store.begin() as tx:
                stamp = await tx.stamp()
                for draft in drafts:
                    await tx.write(replace(draft, updated=stamp))
        except Stale:  # others have read on meanwhile
            continue
        return


def _in_parts(trees: Iterable[Tree]) -> Iterator[Sequence[Tree]]:
    part: list[Tree] = []
    for tree in trees:
        part.append(tree)
        if len(part) == AT_ONCE:
            yield part
            part = []
    yield part


def _resources() -> Iterator[Tree]:
    chance = random.Random(81)
    for organisation in (DAC, OFFICE):
        yield {"resourceType": "Organization", "id": organisation.id, "name": organisation.id}
    for name in ("few", *(f"n{number}" for number in range(CALLERS))):
        yield {"resourceType": "Practitioner", "id": name}
        yield {"resourceType": "PractitionerRole", "id": name, "practitioner": _to(Key("Practitioner", name))}
    for number in range(CIRCLES):
        yield {**patient(number, chance), "id": _person(number).id}
        members = [{"member": _to(actor)} for actor in _members(number)]
        yield {
            "resourceType": "CareTeam",
            "id": f"c{number}",
            "status": "active",
            "subject": _to(_person(number)),
            "participant": members,
        }
        for place in range(OBSERVATIONS):
            one = observation(_person(number).id, chance)
            if (number * OBSERVATIONS + place) % BUSY == 0:
                one["code"]["coding"] = [{"system": "http://loinc.org", "code": COMMON}]
            yield {**one, "id": f"o{number}-{place}"}
    for number in range(CONSENTS):
        yield _consent(number)


def _consent(number: int) -> Tree:
    return {
        "resourceType": "Consent",
        "id": f"k{number}",
        "status": "active",
        "scope": {
            "coding": [
                {"system": "http://terminology.hl7.org/CodeSystem/consentscope", "code": "patient-privacy"}
            ]
        },
        "category": [{"coding": [{"system": "http://loinc.org", "code": "59284-0"}]}],
        "patient": _to(_person(number % CIRCLES)),
        "dateTime": "2026-01-05",
        "organization": [_to(DAC)],
        "provision": {"type": "permit", "actor": [{"reference": _to(_consented(number))}]},
    }


def _to(key: Key) -> Tree:
    return {"reference": str(key)}


def _members(number: int) -> list[Key]:
    """Of the circle of a person."""
    found = [DAC, *(Key("PractitionerRole", f"n{(number * 7 + step * 331) % CALLERS}") for step in range(3))]
    return [*found, Key("PractitionerRole", "few")] if number < FEW else found


def _consented(number: int) -> Key:
    return Key("PractitionerRole", f"n{number * 13 % CALLERS}")


# Ties -----------------------------------------------------------------------------------------------------------------


def _tie(server: Running, hasher: Hasher) -> None:
    with psycopg.connect(server.superuser_url, autocommit=True) as connection:
        with connection.cursor().copy(f"copy access ({', '.join(_COLUMNS)}) from stdin") as copy:
            for link in _links(shipped_tables().cells().all):
                masks = (link.allow, link.named, link.deny, link.oppose)
                persons = (hasher.self_of(link.person), hasher.self_of(link.actor))
                copy.write_row((*persons, int(link.tie), link.since, link.until, *masks))
        connection.execute("vacuum analyze access")


def _links(cells: int) -> Iterator[Link]:
    for number in range(CIRCLES):
        person = _person(number)
        yield Link(person, person, Tie.PERSON, cells)
        for place, actor in enumerate(_members(number)):
            yield Link(person, actor, Tie.PCP if place == 1 else Tie.TEAM_INFORMED, cells, until=FOREVER)
    for number in range(CONSENTS):
        yield Link(_person(number % CIRCLES), _consented(number), Tie.OTHER_INFORMED, cells, named=cells)
