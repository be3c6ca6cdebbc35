"""Where plans, notes and consents come from, and what clients say about it themselves."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import pytest

from fhir_server.access.caller import Caller
from fhir_server.access.grants import grants_of
from fhir_server.access.marks import LABEL_SYSTEM
from fhir_server.access.tables import shipped_tables
from fhir_server.interactions.call import Action, Call, Change, Reply
from fhir_server.interactions.provenance import VOUCHED, provenance_of
from fhir_server.kernel.errors import FhirError, Forbidden, Invalid, Malformed, NotFound, Unprocessable
from fhir_server.kernel.keys import Key
from fhir_server.kernel.wire import Tree, encode
from fhir_server.validation.validator import check
from tests.builders import bundle, entry, observation
from tests.circles import COORDINATOR, GP, HELPER, NURSE, PERSON, PHARMACIST, coding, consent, to
from tests.fhir_server.interactions.performing import BASE, Performer, both
from tests.guarded import Guarded, decided, everywhere, recognised

OURS: Final = "https://cordee.example/fhir/CodeSystem"
LIAISON: Final = "https://mos.esante.gouv.fr/NOS/TRE_R234-TypeNote/FHIR/TRE-R234-TypeNote"
CIRCLE: Final = recognised(
    "PractitionerRole/gp",
    "PractitionerRole/nurse",
    "PractitionerRole/coordinator",
    "PractitionerRole/helper",
    pcp="PractitionerRole/gp",
)
SAID: Final[Tree] = {
    "resourceType": "Provenance",
    "recorded": "2026-10-01T08:00:00Z",
    "agent": [{"who": to("PractitionerRole/nurse")}],
    "entity": [{"role": "source", "what": {"display": "by telephone"}}],
}


def plan(**more: Any) -> Tree:
    return {
        "resourceType": "CarePlan",
        "status": "active",
        "intent": "plan",
        "category": [coding(f"{OURS}/categorie-plan", "ppcs")],
        "subject": to(PERSON),
        "author": to("PractitionerRole/coordinator"),
        **more,
    }


def note(**more: Any) -> Tree:
    return {
        "resourceType": "DocumentReference",
        "status": "current",
        "type": coding(LIAISON, "OBS"),
        "subject": to(PERSON),
        "author": [to("PractitionerRole/nurse")],
        "content": [{"attachment": {"contentType": "text/plain", "data": "dGV4dGU="}}],
        **more,
    }


async def provenances(perform: Performer, of: Key) -> list[Tree]:
    """As whoever asks finds them, oldest first."""
    page = await perform.search("Provenance", f"target={of}&_sort=_lastUpdated")
    found = [one["resource"] for one in page.get("entry", ()) if one["search"]["mode"] == "match"]
    assert [check(one) for one in found] == [[]] * len(found)
    return found


def targets(tree: Tree) -> list[str]:
    return [one["reference"] for one in tree["target"]]


async def said(perform: Performer, tree: Tree, provenance: Any = SAID, **more: Any) -> Reply:
    """A create or an update with the header."""
    action = Action.UPDATE if "id" in tree else Action.CREATE
    header = provenance if isinstance(provenance, bytes) else encode(provenance)
    return await perform.perform(
        Call(
            action,
            tree["resourceType"],
            tree.get("id"),
            body=encode(tree),
            base=BASE,
            provenance=header,
            **more,
        )
    )


@everywhere
async def test_a_plan_comes_from_who_wrote_it(guarded: Guarded) -> None:
    await guarded.keep(*CIRCLE)
    coordinator = guarded.by(replace(COORDINATOR, purpose="COC"))

    key = await coordinator.made(plan())
    await coordinator.put({**plan(title="PPCS", meta={"source": "urn:message:1"}), "id": key.id})

    made, changed = await provenances(coordinator, key)
    assert targets(made) == [f"{key}/_history/1"]
    assert made["agent"] == [
        {
            "type": coding("http://terminology.hl7.org/CodeSystem/provenance-participant-type", "author"),
            "who": to("PractitionerRole/coordinator"),
            "onBehalfOf": to("Organization/dac"),
        }
    ]
    assert made["activity"]["coding"][0]["code"] == "CREATE"
    assert made["reason"][0]["coding"][0]["code"] == "COC"
    assert made["recorded"]
    assert "entity" not in made
    assert targets(changed) == [f"{key}/_history/2"]
    assert changed["activity"]["coding"][0]["code"] == "UPDATE"
    assert [(one["role"], one["what"]) for one in changed["entity"]] == [
        ("source", {"identifier": {"system": "urn:ietf:rfc:3986", "value": "urn:message:1"}}),
        ("revision", to(f"{key}/_history/1")),
    ]


@everywhere
async def test_a_note_that_its_author_takes_back_comes_from_them_too(guarded: Guarded) -> None:
    await guarded.keep(*CIRCLE)
    nurse = guarded.by(NURSE)
    key = await nurse.made(note())

    await nurse.delete(key)

    assert [targets(one) for one in await provenances(nurse, key)] == [
        [f"{key}/_history/1"],
        [f"{key}/_history/2"],
    ]


@everywhere
async def test_every_entry_of_a_transaction_or_batch_comes_from_somewhere(guarded: Guarded) -> None:
    await guarded.keep(*CIRCLE)
    coordinator = guarded.by(COORDINATOR)

    for kind in ("transaction", "batch"):
        reply = await coordinator.perform(
            Call(
                Action.BUNDLE,
                body=encode(
                    bundle(kind, entry("POST", "CarePlan", plan()), entry("POST", "CarePlan", plan()))
                ),
                base=BASE,
            )
        )
        plans = [change.key for change in reply.changes if change.key.type == "CarePlan"]
        assert len(plans) == 2
        for key in plans:
            assert [targets(one) for one in await provenances(coordinator, key)] == [[f"{key}/_history/1"]]


@everywhere
async def test_what_is_no_plan_note_decision_or_consent_is_not_vouched_for(guarded: Guarded) -> None:
    await guarded.keep(*CIRCLE)

    reply = await guarded.by(GP).create(observation(str(PERSON)))
    unchanged = await guarded.by(COORDINATOR).made(plan())
    before = await guarded.count("Provenance")
    again = await guarded.by(COORDINATOR).put({**(await guarded.at(unchanged))})

    assert [change.key.type for change in reply.changes] == ["Observation"]
    assert again.changes == ()
    assert await guarded.count("Provenance") == before


@everywhere
async def test_who_sees_a_resource_sees_where_it_comes_from_and_nobody_else(guarded: Guarded) -> None:
    await guarded.keep(*CIRCLE)
    key = await guarded.by(COORDINATOR).made(plan())
    [known] = await provenances(guarded, key)
    provenance = Key("Provenance", known["id"])

    for caller, seen in (
        (COORDINATOR, True),
        (NURSE, True),
        (GP, True),
        (PHARMACIST, False),
        (HELPER, False),
    ):
        client = guarded.by(caller)
        assert (await client.store.stamps([key]))[key].cell == (await client.store.stamps([provenance]))[
            provenance
        ].cell
        if seen:
            assert (await client(Action.READ, *key)).status == 200
        else:
            with pytest.raises(NotFound):
                await client(Action.READ, *key)
        assert len(await provenances(client, key)) == seen


@everywhere
async def test_when_a_resource_is_hidden_so_is_where_it_comes_from(guarded: Guarded) -> None:
    await guarded.keep(*CIRCLE)
    nurse, gp = guarded.by(NURSE), guarded.by(GP)
    key = await nurse.made(note())
    assert len(await provenances(gp, key)) == 1
    inside = {"security": [{"system": LABEL_SYSTEM, "code": "interne-structure"}]}

    await nurse.put({**note(meta=inside), "id": key.id})

    assert await provenances(gp, key) == []
    assert len(await provenances(nurse, key)) == 2


@everywhere
async def test_what_a_client_says_is_written_instead(guarded: Guarded) -> None:
    await guarded.keep(*CIRCLE)
    nurse = guarded.by(NURSE)

    reply = await said(nurse, note())
    key = reply.key
    assert key is not None
    await said(nurse, note(id=key.id, description="x"))
    measured = await said(nurse, observation(str(PERSON)))

    for found, version in zip(await provenances(nurse, key), (1, 2), strict=True):
        assert targets(found) == [f"{key}/_history/{version}"]
        assert {name: found[name] for name in SAID} == SAID
    assert measured.key is not None
    assert len(await provenances(nurse, measured.key)) == 1


@everywhere
async def test_what_a_client_says_of_a_transaction_is_about_all_of_it(guarded: Guarded) -> None:
    await guarded.keep(*CIRCLE)
    nurse = guarded.by(NURSE)
    body = encode(
        bundle(
            "transaction",
            entry("POST", "DocumentReference", note()),
            entry("POST", "DocumentReference", note()),
        )
    )

    reply = await nurse.perform(Call(Action.BUNDLE, body=body, base=BASE, provenance=encode(SAID)))

    first, second = [change.key for change in reply.changes if change.key.type != "Provenance"]
    assert targets(*await provenances(nurse, first)) == [f"{first}/_history/1", f"{second}/_history/1"]


@everywhere
async def test_a_transaction_that_says_it_in_an_entry_says_it_once(guarded: Guarded) -> None:
    await guarded.keep(*CIRCLE)
    nurse = guarded.by(NURSE)

    reply = await nurse.perform(
        Call(
            Action.BUNDLE,
            body=encode(
                bundle(
                    "transaction",
                    {
                        **entry("POST", "DocumentReference", note()),
                        "fullUrl": "urn:uuid:6b1e7a1e-4f7c-4f5e-9d53-1d9f4f3b9a01",
                    },
                    entry(
                        "POST",
                        "Provenance",
                        {**SAID, "target": [to("urn:uuid:6b1e7a1e-4f7c-4f5e-9d53-1d9f4f3b9a01")]},
                    ),
                )
            ),
            base=BASE,
        )
    )

    assert sorted(change.key.type for change in reply.changes) == ["DocumentReference", "Provenance"]


@everywhere
async def test_whoever_writes_is_named_whatever_they_say(guarded: Guarded) -> None:
    """The author is somebody else, whose words they enter."""
    await guarded.keep(*CIRCLE)
    nurse = guarded.by(NURSE)

    reply = await said(nurse, note(), {**SAID, "agent": [{"who": to("PractitionerRole/gp")}]})

    assert reply.key is not None
    [found] = await provenances(nurse, reply.key)
    first, second = found["agent"]
    assert first == {"who": to("PractitionerRole/gp")}
    assert (second["who"], second["onBehalfOf"]) == (to("PractitionerRole/nurse"), to("Organization/ssiad"))
    assert second["type"]["coding"][0]["code"] == "enterer"


@everywhere
async def test_nobody_says_that_somebody_else_entered_it(guarded: Guarded) -> None:
    await guarded.keep(*CIRCLE)
    enterer = coding("http://terminology.hl7.org/CodeSystem/provenance-participant-type", "enterer")
    before = await guarded.count("DocumentReference")

    for agent in (
        {"type": enterer, "who": to("PractitionerRole/gp")},
        {"who": to("PractitionerRole/nurse"), "onBehalfOf": to("Organization/dac")},
    ):
        with pytest.raises(Forbidden) as told:
            await said(guarded.by(NURSE), note(), {**SAID, "agent": [agent]})
        assert told.value.issues[0].expression == "http.X-Provenance"

    assert await guarded.count("DocumentReference") == before


@everywhere
async def test_an_entry_that_says_somebody_else_wrote_it_does_not_stand_alone(guarded: Guarded) -> None:
    await guarded.keep(*CIRCLE)
    nurse, name = guarded.by(NURSE), "urn:uuid:6b1e7a1e-4f7c-4f5e-9d53-1d9f4f3b9a02"
    told = {**SAID, "agent": [{"who": to("PractitionerRole/gp")}], "target": [to(name)]}
    body = bundle(
        "transaction",
        {**entry("POST", "DocumentReference", note()), "fullUrl": name},
        entry("POST", "Provenance", told),
    )

    reply = await nurse.perform(Call(Action.BUNDLE, body=encode(body), base=BASE))

    [key] = [change.key for change in reply.changes if change.key.type == "DocumentReference"]
    agents = [one["agent"][0]["who"] for one in await provenances(nurse, key)]
    assert sorted(agents, key=str) == [to("PractitionerRole/gp"), to("PractitionerRole/nurse")]


WRONG: Final[dict[str, tuple[Any, type[FhirError], str]]] = {
    "no JSON": (b"{", Malformed, "http.X-Provenance"),
    "no object": (b"[]", Malformed, "http.X-Provenance"),
    "no type": (b"{}", Malformed, "http.X-Provenance"),
    "another resource": ({"resourceType": "Patient"}, Malformed, "http.X-Provenance.resourceType"),
    "a target": ({**SAID, "target": [to("Patient/payet")]}, Malformed, "http.X-Provenance.target"),
    "no agent": ({**SAID, "agent": []}, Invalid, "http.X-Provenance.agent"),
    "a time that is none": ({**SAID, "recorded": "soon"}, Invalid, "http.X-Provenance.recorded"),
    "nobody": (
        {**SAID, "agent": [{"who": to("Practitioner/none")}]},
        Unprocessable,
        "http.X-Provenance.agent[0].who.reference",
    ),
}


@pytest.mark.parametrize(("provenance", "error", "place"), WRONG.values(), ids=WRONG)
@everywhere
async def test_what_is_wrong_with_it_is_told_and_nothing_is_written(
    guarded: Guarded, provenance: Any, error: type[FhirError], place: str
) -> None:
    await guarded.keep(*CIRCLE)
    before = await guarded.count("DocumentReference")

    with pytest.raises(error) as told:
        await said(guarded.by(NURSE), note(), provenance)

    assert told.value.issues[0].expression == place
    assert await guarded.count("DocumentReference") == before


async def test_a_client_that_may_not_write_it_is_refused(guarded: Guarded) -> None:
    await guarded.keep(*CIRCLE)
    granted = replace(NURSE, grants=grants_of("user/DocumentReference.cruds user/*.rs"))

    with pytest.raises(Forbidden) as told:
        await said(guarded.by(granted), note())

    assert told.value.issues[0].expression == "http.X-Provenance"
    assert (await guarded.by(granted).create(note())).status == 201  # the server vouches for it


@both
async def test_without_access_control_only_what_the_client_says_counts(perform: Performer) -> None:
    somebody = {"display": "somebody"}
    written = plan(subject=to(await perform.made({"resourceType": "Patient"})), author=somebody)

    silent = await perform.made(written)
    told = (await said(perform, written, {**SAID, "agent": [{"who": somebody}]})).key

    assert told is not None
    assert await provenances(perform, silent) == []
    assert len(await provenances(perform, told)) == 1


def test_the_table_names_categories_that_there_are() -> None:
    cells = shipped_tables().cells()

    for categories in VOUCHED.values():
        assert cells.bits(categories)


DOCUMENT: Final = Change(
    Key("Consent", "c"), 3, "PUT", consent("x", sourceReference=to("DocumentReference/scan")), before={}
)
WHO: Final = {
    "with a delegate, who answers for it is the author": (
        Caller(
            "professional",
            actors=(Key("PractitionerRole", "secretary"),),
            organisation=Key("Organization", "msp"),
            delegator=Key("PractitionerRole", "gp"),
        ),
        [
            ("author", to("PractitionerRole/gp"), to("Organization/msp")),
            ("enterer", to("PractitionerRole/secretary"), to("PractitionerRole/gp")),
        ],
    ),
    "an organisation acts for itself": (
        Caller("system", actors=(Key("Organization", "msp"),), organisation=Key("Organization", "msp")),
        [("author", to("Organization/msp"), None)],
    ),
    "who is no resource here is named as their issuer does": (
        Caller("system", issuer="https://i.example", subject="dui", actors=(Key("class", "annuaire"),)),
        [("author", {"identifier": {"system": "https://i.example", "value": "dui"}}, None)],
    ),
}


@pytest.mark.parametrize(("caller", "agents"), WHO.values(), ids=WHO)
def test_who_wrote_it_is_named(caller: Caller, agents: list[Any]) -> None:
    tree = provenance_of(DOCUMENT, caller, 1_790_000_000_000_000)

    assert [
        (agent["type"]["coding"][0]["code"], agent["who"], agent.get("onBehalfOf")) for agent in tree["agent"]
    ] == agents
    assert check({**tree, "id": "x"}) == []
    assert tree["entity"][0] == {"role": "source", "what": to("DocumentReference/scan")}


@everywhere
async def test_a_consent_comes_from_who_recorded_it(guarded: Guarded) -> None:
    await guarded.keep(*CIRCLE)

    reply = await guarded.by(GP).create(decided("opposition-partage"))

    assert reply.key is not None
    [found] = await provenances(guarded.by(GP), reply.key)
    assert found["agent"][0]["who"] == to("PractitionerRole/gp")
