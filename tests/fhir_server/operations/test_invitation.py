"""$invite, $withdraw-invitation and $redeem-invitation: how a citizen comes to be somebody here, once."""

from __future__ import annotations

import asyncio
from typing import Any, Final

import pytest

from fhir_server.access.caller import Caller
from fhir_server.access.invitations import TRIES
from fhir_server.kernel.errors import Conflict, Forbidden, Malformed
from fhir_server.kernel.keys import Key
from fhir_server.kernel.wire import Tree, decode
from fhir_server.store.contract import Account, Invitation
from fhir_server.validation.validator import check
from tests.circles import CITIZEN, GP, HELPER, NURSE, PERSON, PHARMACIST, ROLE_CLASS, patient, relative
from tests.fhir_server.interactions.performing import refused
from tests.fhir_server.operations.asking import Operator, parameters
from tests.guarded import CIRCLE, OPERATOR, Guarded, everywhere, recognised

SOMEBODY: Final = Caller("citizen", issuer="https://login.example", subject="8f2c")
BIRTH: Final = "1939-02-17"


async def invited(asked: Guarded, person: str = "Patient/payet") -> str:
    answer = decode((await asked.ask(f"{person}/$invite", parameters())).body)
    assert check(answer) == []
    code: str = answer["parameter"][0]["valueString"]
    return code


def shown(code: str, birth: str = BIRTH, **more: Any) -> Tree:
    listed = [{"name": name, "valueString": value} for name, value in more.items()]
    return parameters(
        {"name": "code", "valueString": code}, {"name": "birthDate", "valueDate": birth}, *listed
    )


async def redeemed(asked: Guarded, code: str, birth: str = BIRTH, *, who: Caller = SOMEBODY) -> Key | None:
    try:
        answer = decode((await asked.by(who).ask("$redeem-invitation", shown(code, birth))).body)
    except Forbidden:
        return None
    assert check(answer) == []
    type_, id_ = answer["parameter"][0]["valueReference"]["reference"].split("/")
    return Key(type_, id_)


@everywhere
async def test_a_citizen_becomes_the_person_with_the_code_and_the_day_of_birth(guarded: Guarded) -> None:
    await guarded.keep(*CIRCLE)
    code = await invited(guarded.by(NURSE))
    assert await redeemed(guarded, code) == PERSON
    assert (
        await redeemed(guarded, code, who=Caller("citizen", issuer="https://x", subject="1")) is None
    )  # used up


@everywhere
async def test_a_code_is_one_person_s_and_wrong_traits_make_it_worthless(guarded: Guarded) -> None:
    await guarded.keep(*CIRCLE)
    code = await invited(guarded.by(NURSE))
    for _ in range(TRIES):
        assert await redeemed(guarded, code, "1940-01-01") is None
    assert await redeemed(guarded, code) is None


@everywhere
async def test_as_many_tries_at_a_time_are_no_more_tries(guarded: Guarded) -> None:
    await guarded.keep(*CIRCLE)
    code = await invited(guarded.by(NURSE))
    await asyncio.gather(*(redeemed(guarded, code, "1940-01-01") for _ in range(TRIES - 1)))
    assert await redeemed(guarded, code) == PERSON


@everywhere
async def test_what_is_wrong_is_not_told(guarded: Guarded) -> None:
    await guarded.keep(*CIRCLE)
    code = await invited(guarded.by(NURSE))
    told = set()
    for sent in (shown(code, "1940-01-01"), shown("A" * 32), shown("nonsense")):
        with refused(403, "forbidden") as texts:
            await guarded.by(SOMEBODY).ask("$redeem-invitation", sent)
        told.update(texts)
    assert len(told) == 1


@everywhere
async def test_a_new_code_takes_the_place_of_the_one_before_and_one_can_be_taken_back(
    guarded: Guarded,
) -> None:
    await guarded.keep(*CIRCLE)
    first, second = await invited(guarded.by(NURSE)), await invited(guarded.by(GP))
    assert await redeemed(guarded, first) is None
    for open_ in (True, False):
        answer = decode(
            (await guarded.by(NURSE).ask("Patient/payet/$withdraw-invitation", parameters())).body
        )
        assert answer["parameter"] == [{"name": "withdrawn", "valueBoolean": open_}]
    assert await redeemed(guarded, second) is None


@everywhere
async def test_a_relative_is_invited_too(guarded: Guarded) -> None:
    await guarded.keep(*CIRCLE, relative("daughter", (ROLE_CLASS, "ECON")))
    code = await invited(guarded.by(CITIZEN), "RelatedPerson/daughter")
    assert await redeemed(guarded, code) == Key("RelatedPerson", "daughter")


@everywhere
async def test_all_of_it_is_announced_to_the_person_and_the_gp(guarded: Guarded) -> None:
    await guarded.keep(*CIRCLE)
    code = await invited(guarded.by(NURSE))
    await redeemed(guarded, code)
    for who in (CITIZEN, GP):
        announcements = await guarded.by(who).told()
        assert [check(one) for one in announcements] == [[], []]
        assert all(one["about"] == [{"reference": "Patient/payet"}] for one in announcements)
    assert await guarded.by(NURSE).told() == []


@everywhere
async def test_nobody_else_invites(guarded: Guarded) -> None:
    await guarded.keep(*recognised("PractitionerRole/helper"))
    for place in ("Patient/payet", "Patient/nobody"):
        with refused(404, "not-found") as texts:
            await guarded.by(PHARMACIST).ask(f"{place}/$invite", parameters())
        assert texts == [f"{place} is not known here"]
    with refused(404, "not-found"):
        await guarded.by(OPERATOR).ask("Patient/payet/$invite", parameters())
    with refused(403, "forbidden"):
        await guarded.by(HELPER).ask("Patient/payet/$invite", parameters())


@everywhere
async def test_who_is_somebody_already_becomes_nobody_else(guarded: Guarded) -> None:
    await guarded.keep(*CIRCLE, relative("daughter", (ROLE_CLASS, "ECON")))
    assert await redeemed(guarded, await invited(guarded.by(NURSE))) == PERSON
    code = await invited(guarded.by(NURSE), "RelatedPerson/daughter")
    with pytest.raises(Conflict):
        await guarded.by(SOMEBODY).ask("$redeem-invitation", shown(code))
    other = Caller("citizen", issuer=SOMEBODY.issuer, subject="another")
    code = await invited(guarded.by(NURSE))
    with pytest.raises(Conflict):
        await guarded.by(other).ask("$redeem-invitation", shown(code))


@everywhere
async def test_a_code_is_for_citizens(guarded: Guarded) -> None:
    await guarded.keep(*CIRCLE)
    code = await invited(guarded.by(NURSE))
    assert await redeemed(guarded, code, who=PHARMACIST) is None
    assert await redeemed(guarded, code) == PERSON


@everywhere
async def test_of_two_who_bring_it_at_a_time_one_is_the_person(guarded: Guarded) -> None:
    await guarded.keep(*CIRCLE)
    code = await invited(guarded.by(NURSE))
    callers = [Caller("citizen", issuer="https://login.example", subject=str(number)) for number in range(2)]
    found = await asyncio.gather(*(redeemed(guarded, code, who=one) for one in callers))
    assert sorted(map(str, found)) == ["None", "Patient/payet"]


@everywhere
async def test_a_code_ends(guarded: Guarded) -> None:
    invitation = Invitation(b"digest", PERSON, 0, 1, TRIES)
    async with guarded.store.begin(interactive=True) as tx:
        await tx.invite(invitation)
    assert await guarded.store.tried(b"digest") is None
    async with guarded.store.begin(interactive=True) as tx:
        assert not await tx.uninvite(PERSON)
        assert await tx.redeem(b"digest", Account("i", "s")) is None


@everywhere
async def test_where_no_day_of_birth_is_known_nobody_is_invited(guarded: Guarded) -> None:
    await guarded.keep(*CIRCLE)
    await guarded.put(patient(birthDate="1939"))
    with refused(422, "required"):
        await guarded.by(NURSE).ask("Patient/payet/$invite", parameters())


@everywhere
async def test_a_code_does_not_stand_in_an_address(guarded: Guarded) -> None:
    with pytest.raises(Malformed):
        await guarded.by(SOMEBODY).ask("$redeem-invitation?code=A", shown("A"))


async def test_where_nobody_is_known_nobody_is_invited(server: Operator) -> None:
    person = await server.made(patient())
    with refused(422, "not-supported"):
        await server.ask(f"{person}/$invite", parameters())
