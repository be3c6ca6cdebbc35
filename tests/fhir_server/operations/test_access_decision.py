"""$access-decision: it says what would happen, to those who may know."""

from __future__ import annotations

from typing import Any

import pytest

from fhir_server.access.caller import Caller
from fhir_server.kernel.errors import Conflict, Forbidden, NotFound
from fhir_server.kernel.keys import Key
from fhir_server.kernel.wire import Tree, decode
from fhir_server.validation.validator import check
from tests.builders import observation
from tests.circles import CITIZEN, COORDINATOR, GP, HELPER, NURSE, PERSON, PHARMACIST, circle, member, to
from tests.fhir_server.interactions.performing import refused
from tests.fhir_server.operations.asking import Operator, parameters
from tests.guarded import CIRCLE, DIRECTORY, DPO, OPERATOR, SINCE, Guarded, decided, everywhere

EVERYBODY = {"gp": GP, "nurse": NURSE, "helper": HELPER, "pharmacist": PHARMACIST, "person": CITIZEN}


def described(who: Caller, action: str = "read", **asked: Any) -> Tree:
    listed: list[Tree] = [
        {"name": "kind", "valueCode": who.kind},
        {"name": "action", "valueCode": action},
        *({"name": "role", "valueString": role} for role in who.roles),
        *({"name": "actor", "valueReference": to(one)} for one in who.actors if one.type != "class"),
    ]
    for name, value in asked.items():
        kind = "resource" if name == "resource" else "valueCode" if name == "type" else "valueReference"
        listed.append({"name": name, kind: value if name in {"resource", "type"} else to(value)})
    return parameters(*listed)


async def decision(server: Operator, body: Tree) -> tuple[bool, int, str, str]:
    """Whether it is allowed, the gate, the rule and the category."""
    answer = decode((await server.ask("$access-decision", body)).body)
    assert check(answer) == []
    code, gate, rule, category = [
        next(value for name, value in one.items() if name != "name") for one in answer["parameter"]
    ]
    return code == "allow", gate, rule, category


@everywhere
async def test_a_read_is_decided_as_it_would_be(guarded: Guarded) -> None:
    await guarded.keep(*CIRCLE)
    weight = await guarded.made(observation(PERSON))
    stored = [PERSON, weight, Key("CareTeam", "payet"), Key("Organization", "ssiad")]
    seen = 0
    for who in EVERYBODY.values():
        for key in stored:
            allowed, gate, rule, _ = await decision(guarded.by(OPERATOR), described(who, reference=key))
            assert allowed == await guarded.by(who).sees(key), (who, key, rule)
            assert 1 <= gate <= 7
            seen += allowed
    assert len(stored) < seen < len(stored) * len(EVERYBODY)


@everywhere
async def test_a_create_is_decided_as_it_would_be(guarded: Guarded) -> None:
    await guarded.keep(*CIRCLE)
    joining = circle(
        member("PractitionerRole/pharmacist", SINCE), id="another"
    )  # beside the one that there is
    proposed = circle(member("PractitionerRole/pharmacist", SINCE), id="proposed", status="proposed")
    for name, who in EVERYBODY.items():
        for tree in (observation(PERSON), joining, proposed):
            allowed, _, rule, _ = await decision(
                guarded.by(OPERATOR), described(who, "create", resource=tree)
            )
            assert allowed == await _succeeds(guarded.by(who), tree), (name, tree["resourceType"], rule)


async def _succeeds(asked: Guarded, tree: Tree) -> bool:
    try:
        return (await asked.create(tree)).status == 201
    except (Forbidden, NotFound, Conflict):
        return False


@everywhere
async def test_it_names_the_gate_and_the_rule(guarded: Guarded) -> None:
    await guarded.keep(*CIRCLE, decided("exclusion-acteur", "PractitionerRole/nurse", type="deny"))
    asked = guarded.by(OPERATOR)
    assert await decision(asked, described(PHARMACIST, reference=PERSON)) == (
        False,
        2,
        "no link to the person",
        "identite",
    )
    assert await decision(asked, described(NURSE, reference=PERSON)) == (
        False,
        3,
        "exclusion-acteur",
        "identite",
    )
    message = {"resourceType": "Communication", "status": "completed", "subject": to(PERSON)}
    allowed, gate, _, category = await decision(asked, described(COORDINATOR, "create", resource=message))
    assert (allowed, gate, category) == (False, 2, "message")


@everywhere
async def test_an_update_is_decided_with_what_it_would_become(guarded: Guarded) -> None:
    await guarded.keep(*CIRCLE)
    weight = await guarded.by(NURSE).made(observation(PERSON))
    asked = guarded.by(OPERATOR)
    assert (await decision(asked, described(NURSE, "update", reference=weight)))[0]
    elsewhere = observation("Patient/somebody-else")
    allowed, gate, *_ = await decision(
        asked, described(NURSE, "update", reference=weight, resource=elsewhere)
    )
    assert (allowed, gate) == (False, 2)
    assert not (await decision(asked, described(CITIZEN, "update", reference=weight)))[0]


@everywhere
async def test_any_resource_of_a_type_may_be_asked_about(guarded: Guarded) -> None:
    await guarded.keep(*CIRCLE)
    asked = guarded.by(OPERATOR)
    assert (await decision(asked, described(NURSE, type="Observation", patient=PERSON)))[0]
    assert not (await decision(asked, described(PHARMACIST, type="Observation", patient=PERSON)))[0]
    assert await decision(asked, described(PHARMACIST, type="Organization")) == (
        True,
        4,
        "public: seen without a link",
        "public",
    )


@pytest.mark.parametrize("asking", [NURSE, CITIZEN, GP], ids=["nurse", "person", "gp"])
async def test_decisions_are_not_explained_to_everybody(guarded: Guarded, asking: Caller) -> None:
    await guarded.keep(*CIRCLE)
    for key in (PERSON, Key("Patient", "nobody")):
        with refused(403):
            await guarded.by(asking).ask("$access-decision", described(PHARMACIST, reference=key))
    assert not (await decision(guarded.by(DPO), described(PHARMACIST, reference=PERSON)))[0]


async def test_a_server_without_authentication_tells_anyone_what_the_shipped_policy_would_do(
    server: Operator,
) -> None:
    await server.keep(*DIRECTORY, *CIRCLE)
    weight = await server.made(observation(PERSON))
    assert (await decision(server, described(NURSE, reference=weight)))[0]
    assert await decision(server, described(PHARMACIST, reference=weight)) == (
        False,
        2,
        "no link to the person",
        "sante",
    )


@pytest.mark.parametrize(
    "tree",
    [
        {"resourceType": "Nonsense"},
        {},
        {**observation(PERSON), "meta": 7},
        {**observation(PERSON), "meta": {"security": [7]}},
        {**observation(PERSON), "subject": "Patient/payet"},
        {**observation(PERSON), "code": {"coding": [None]}},
        {**observation(PERSON), "id": ["x"]},
    ],
)
async def test_what_could_not_be_written_is_not_asked_about(guarded: Guarded, tree: Tree) -> None:
    asked, described_by = guarded.by(OPERATOR), "kind=operator&action=create"
    with refused(422):
        await asked.ask("$access-decision", described(OPERATOR, "create", resource=tree))
    with refused(422 if "resourceType" in tree else 400):
        await asked.ask(f"$access-decision?{described_by}", tree or {"id": "x"})


async def test_a_question_must_make_sense(guarded: Guarded) -> None:
    asked = guarded.by(OPERATOR)
    for body, code in (
        (described(NURSE), "required"),
        (described(NURSE, "admire", type="Patient"), "value"),
        (described(NURSE, type="Wizard"), "value"),
        (described(Caller("professional", roles=("wizard",)), type="Patient"), "value"),
    ):
        with refused(400, code):
            await asked.ask("$access-decision", body)
    with refused(404):
        await asked.ask("$access-decision", described(NURSE, reference="Patient/nobody"))
