"""CareTeam/$join and $leave: who comes into a circle and who leaves it, and what they see from then on."""

from __future__ import annotations

from typing import Any, Final

import pytest

from fhir_server.access.caller import Caller
from fhir_server.kernel.keys import Key
from fhir_server.kernel.wire import Tree, decode
from fhir_server.validation.validator import check
from tests.circles import (
    CITIZEN,
    COORDINATOR,
    GP,
    HELPER,
    MANAGER,
    NURSE,
    PERSON,
    PHARMACIST,
    caller,
    to,
)
from tests.fhir_server.interactions.performing import refused
from tests.fhir_server.operations.asking import parameters
from tests.guarded import CIRCLE, Guarded, decided, everywhere, identified, recognised

CARDIOLOGIST: Final = caller("cardiologist", "hospital", "medecin")


def invites(member: str, **more: Tree) -> Tree:
    return parameters({"name": "member", "valueReference": to(member)}, *more.values())


def presents(shown: Tree) -> Tree:
    return parameters({"name": "patient", "resource": shown})


@everywhere
@pytest.mark.parametrize("inviting", [GP, NURSE, CITIZEN], ids=["médecin traitant", "nurse", "person"])
async def test_a_member_who_may_brings_somebody_in(guarded: Guarded, inviting: Caller) -> None:
    await guarded.keep(*CIRCLE)
    assert not await guarded.by(PHARMACIST).sees(PERSON)
    reply = await guarded.by(inviting).ask("CareTeam/payet/$join", invites("PractitionerRole/pharmacist"))
    answer = decode(reply.body)
    assert check(answer) == []
    assert answer == parameters(
        {"name": "circle", "valueReference": to("CareTeam/payet")},
        {"name": "patient", "valueReference": to("Patient/payet")},
    )
    assert await guarded.by(PHARMACIST).sees(PERSON)
    circle = await guarded.at(Key("CareTeam", "payet"))
    assert circle["participant"][-1]["member"] == to("PractitionerRole/pharmacist")
    assert check(circle) == []


@everywhere
async def test_a_member_who_may_not_brings_nobody_in(guarded: Guarded) -> None:
    await guarded.keep(*recognised("PractitionerRole/cardiologist", "PractitionerRole/nurse"))
    with refused(403, "forbidden"):
        await guarded.by(CARDIOLOGIST).ask("CareTeam/payet/$join", invites("PractitionerRole/helper"))
    assert not await guarded.by(HELPER).sees(PERSON)


@everywhere
async def test_nobody_invites_into_a_circle_that_they_do_not_see(guarded: Guarded) -> None:
    await guarded.keep(*CIRCLE)
    for place in ("CareTeam/payet", "CareTeam/nowhere"):
        with refused(404, "not-found") as texts:
            await guarded.by(COORDINATOR).ask(f"{place}/$join", invites("PractitionerRole/coordinator"))
        assert texts == [f"{place} is not known here"]


@everywhere
async def test_somebody_whom_the_caller_does_not_see_is_invited_like_nobody(guarded: Guarded) -> None:
    other = {"resourceType": "Patient", "id": "other"}
    relative = {"resourceType": "RelatedPerson", "id": "hidden", "patient": to("Patient/other")}
    await guarded.keep(*CIRCLE, other, relative)
    for member in ("RelatedPerson/hidden", "RelatedPerson/nobody"):
        with refused(422, "not-found") as texts:
            await guarded.by(NURSE).ask("CareTeam/payet/$join", invites(member))
        assert texts == [f"{member} does not exist here, and this server keeps no reference to nothing"]


@everywhere
async def test_who_joins_again_changes_nothing(guarded: Guarded) -> None:
    await guarded.keep(*CIRCLE)
    reply = await guarded.by(NURSE).ask("CareTeam/payet/$join", invites("PractitionerRole/gp"))
    assert (reply.status, reply.changes) == (200, ())


@everywhere
async def test_who_presents_the_ins_and_the_traits_joins(guarded: Guarded) -> None:
    await guarded.keep(*recognised("PractitionerRole/gp", pcp="PractitionerRole/gp"))
    await guarded.put(identified())
    shown = {name: value for name, value in identified().items() if name != "id"}
    reply = await guarded.by(PHARMACIST).ask("CareTeam/$join", presents(shown))
    assert reply.status == 200
    assert await guarded.by(PHARMACIST).sees(PERSON)
    # Being of the circle is not being of the team: that is for the person to recognise.
    [member] = (await guarded.at(Key("CareTeam", "payet")))["participant"][1:]
    assert member["member"] == to("PractitionerRole/pharmacist")


@everywhere
async def test_a_wrong_trait_is_answered_as_an_unknown_ins(guarded: Guarded) -> None:
    await guarded.keep(*CIRCLE)
    await guarded.put(identified())
    answers = set()
    for shown in (
        identified("239027621899999"),
        identified(family="HOARAU"),
        {**identified(), "birthDate": "1939-02-18"},
        {**identified(), "gender": "male"},
    ):
        with refused(404, "not-found") as texts:
            await guarded.by(PHARMACIST).ask("CareTeam/$join", presents(shown))
        answers.add(tuple(texts))
    assert answers == {("Nobody is known here by this INS and these traits",)}
    assert not await guarded.by(PHARMACIST).sees(PERSON)


@everywhere
async def test_who_may_not_come_by_an_ins_learns_nothing_of_it(guarded: Guarded) -> None:
    await guarded.keep(*CIRCLE)
    await guarded.put(identified())
    stranger = Caller("citizen", roles=("personne",), actors=(Key("Patient", "stranger"),))
    answers = set()
    for shown in (identified(), identified("239027621899999")):
        with refused(403, "forbidden") as texts:
            await guarded.by(stranger).ask("CareTeam/$join", presents(shown))
        answers.add(tuple(texts))
    assert len(answers) == 1


@everywhere
async def test_an_ins_without_its_traits_presents_nobody(guarded: Guarded) -> None:
    shown = {name: value for name, value in identified().items() if name != "gender"}
    with refused(422, "required", "Patient"):
        await guarded.by(PHARMACIST).ask("CareTeam/$join", presents(shown))


@everywhere
async def test_who_presents_the_ins_brings_nobody_else(guarded: Guarded) -> None:
    await guarded.keep(*CIRCLE)
    await guarded.put(identified())
    body = presents(identified())
    body["parameter"] += invites("PractitionerRole/helper")["parameter"]
    with refused(403, "forbidden"):
        await guarded.by(PHARMACIST).ask("CareTeam/$join", body)


@everywhere
async def test_a_first_circle_is_made_where_there_is_none(guarded: Guarded) -> None:
    await guarded.keep(identified())
    answer = decode((await guarded.by(PHARMACIST).ask("CareTeam/$join", presents(identified()))).body)
    circle = await guarded.at(
        Key("CareTeam", answer["parameter"][0]["valueReference"]["reference"].split("/")[1])
    )
    assert check(circle) == []
    assert [one["member"] for one in circle["participant"]] == [to("PractitionerRole/pharmacist")]
    assert await guarded.by(PHARMACIST).sees(PERSON)


@everywhere
async def test_joining_is_announced_to_the_person_and_the_gp(guarded: Guarded) -> None:
    await guarded.keep(*CIRCLE)
    await guarded.by(NURSE).ask("CareTeam/payet/$join", invites("PractitionerRole/helper"))
    for who in (GP, CITIZEN):
        [announcement] = await guarded.by(who).told()
        assert check(announcement) == []
        assert announcement["note"][0]["authorReference"] == to("Practitioner/nurse")
        assert announcement["about"] == [to("CareTeam/payet")]
    for other in (HELPER, NURSE):  # not even who did it: to whom it went is not theirs to know
        assert await guarded.by(other).told() == []


@everywhere
async def test_what_one_does_oneself_is_announced_to_the_others(guarded: Guarded) -> None:
    await guarded.keep(*CIRCLE)
    await guarded.by(CITIZEN).ask("CareTeam/payet/$join", invites("PractitionerRole/helper"))
    [announcement] = await guarded.by(GP).told()
    assert announcement["recipient"] == [to("PractitionerRole/gp")]


@everywhere
async def test_who_leaves_sees_nothing_any_more(guarded: Guarded) -> None:
    await guarded.keep(*recognised("PractitionerRole/gp", "PractitionerRole/helper"))
    assert await guarded.by(HELPER).sees(PERSON)
    reply = await guarded.by(HELPER).ask("CareTeam/payet/$leave", {})
    assert reply.status == 200
    assert not await guarded.by(HELPER).sees(PERSON)
    assert not await guarded.by(HELPER).sees(Key("CareTeam", "payet"))
    circle = await guarded.at(Key("CareTeam", "payet"))
    assert "end" in circle["participant"][1]["period"]
    assert "end" not in circle["participant"][0]["period"]


@everywhere
async def test_the_gp_and_the_person_let_others_go(guarded: Guarded) -> None:
    await guarded.keep(*CIRCLE)
    with refused(403, "forbidden"):
        await guarded.by(NURSE).ask("CareTeam/payet/$leave", invites("PractitionerRole/gp"))
    await guarded.by(GP).ask("CareTeam/payet/$leave", invites("PractitionerRole/nurse"))
    assert not await guarded.by(NURSE).sees(PERSON)
    await guarded.by(CITIZEN).ask("CareTeam/payet/$leave", invites("PractitionerRole/gp"))
    assert not await guarded.by(GP).sees(PERSON)


@everywhere
async def test_who_is_of_no_circle_cannot_leave_one(guarded: Guarded) -> None:
    await guarded.keep(*CIRCLE)
    with refused(404, "not-found"):
        await guarded.by(MANAGER).ask("CareTeam/payet/$leave", {})
    with refused(422, "value"):
        await guarded.by(CITIZEN).ask("CareTeam/payet/$leave", {})


async def test_on_a_server_without_authentication_anyone_joins_anybody(server: Any) -> None:
    await server.keep(
        {"resourceType": "Patient", "id": "payet"},
        {"resourceType": "Practitioner", "id": "gp"},
        {"resourceType": "CareTeam", "id": "payet", "status": "active", "subject": to("Patient/payet")},
    )
    reply = await server.ask("CareTeam/payet/$join", invites("Practitioner/gp"))
    assert reply.status == 200
    await server.ask("CareTeam/payet/$leave", invites("Practitioner/gp"))
    assert (await server.at(Key("CareTeam", "payet")))["meta"]["versionId"] == "3"


async def test_a_team_about_nobody_here_takes_somebody_in_and_names_no_patient(server: Any) -> None:
    await server.keep(
        {"resourceType": "Practitioner", "id": "gp"},
        {"resourceType": "CareTeam", "id": "c", "status": "active", "subject": {"display": "Marie"}},
    )

    for _ in range(2):
        reply = await server.ask("CareTeam/c/$join", invites("Practitioner/gp"))
        assert [one["name"] for one in decode(reply.body)["parameter"]] == ["circle"]


async def test_whom_the_last_member_leaves_is_still_a_sound_circle(server: Any) -> None:
    soon = {"member": to("Practitioner/gp"), "period": {"start": "2099-01-01"}}
    team = {"resourceType": "CareTeam", "id": "payet", "status": "active", "subject": to("Patient/payet")}
    await server.keep(
        {"resourceType": "Patient", "id": "payet"},
        {"resourceType": "Practitioner", "id": "gp"},
        {**team, "participant": [soon]},
    )

    for _ in range(2):  # the second time there is nobody to leave it
        await server.ask("CareTeam/payet/$leave", invites("Practitioner/gp"))

    circle = await server.at(Key("CareTeam", "payet"))
    assert circle["meta"]["versionId"] == "2"
    assert check(circle) == []


async def test_a_transaction_holds_none_of_them(guarded: Guarded) -> None:
    await guarded.keep(*CIRCLE)
    entry = {"resource": invites("PractitionerRole/helper")}
    entry["request"] = {"method": "POST", "url": "CareTeam/payet/$join"}
    with refused(400, "not-supported"):
        await guarded.transaction(entry)


@everywhere
async def test_a_consent_that_somebody_records_is_announced_to_the_person(guarded: Guarded) -> None:
    await guarded.keep(*CIRCLE)
    reply = await guarded.by(NURSE).create(decided("consentement-hors-equipe", "Organization/pharmacy"))
    assert reply.status == 201
    [announcement] = await guarded.by(CITIZEN).told()
    assert announcement["about"] == [to(str(reply.key))]
    assert await guarded.by(PHARMACIST).sees(PERSON)
