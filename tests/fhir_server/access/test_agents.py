"""Who acted, as clients say it of themselves: the caller is always named, and nobody in their place."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import pytest

from fhir_server.access.agents import PARTICIPANTS, agents_of, may_say, names, with_caller
from fhir_server.access.caller import Caller
from fhir_server.kernel.keys import Key
from fhir_server.kernel.wire import Tree
from tests.circles import GP, NURSE, coding, to

BASES: Final = ("https://fhir.example/fhir",)
SECRETARY: Final = replace(NURSE, actors=(*NURSE.actors, *GP.actors), delegator=Key("Practitioner", "gp"))
SYSTEM: Final = Caller(
    "system",
    issuer="urn:cordee",
    subject="dui",
    actors=(Key("Organization", "ssiad"),),
    organisation=Key("Organization", "ssiad"),
)
NOBODY: Final = Caller("operator", issuer="urn:cordee", subject="ops")


def agent(who: str | Tree, part: str = "", behind: str = "") -> Tree:
    tree: Tree = {"who": to(who) if isinstance(who, str) else who}
    if part:
        tree["type"] = coding(PARTICIPANTS, part)
    if behind:
        tree["onBehalfOf"] = to(behind)
    return tree


@pytest.mark.parametrize(
    ("caller", "who", "named"),
    [
        (NURSE, "PractitionerRole/nurse", True),
        (NURSE, "Practitioner/nurse", True),
        (NURSE, "https://fhir.example/fhir/Practitioner/nurse", True),
        (NURSE, "https://other.example/fhir/Practitioner/nurse", False),
        (NURSE, "Practitioner/gp", False),
        (NURSE, "Organization/ssiad", False),  # which of its employees?
        (NURSE, {"display": "Practitioner/nurse"}, False),
        (SECRETARY, "PractitionerRole/nurse", True),
        (SECRETARY, "Practitioner/gp", False),  # for whom they act
        (SYSTEM, "Organization/ssiad", True),
        (SYSTEM, {"identifier": {"system": "urn:cordee", "value": "dui"}}, True),
        (SYSTEM, {"identifier": {"system": "urn:other", "value": "dui"}}, False),
        (SYSTEM, "Practitioner/nurse", False),
        (NOBODY, {"identifier": {"system": "urn:cordee", "value": "ops"}}, True),
        (NOBODY, {"display": "ops"}, False),
    ],
)
def test_an_agent_is_the_caller_or_somebody_else(caller: Caller, who: str | Tree, *, named: bool) -> None:
    assert names([agent(who)], caller, BASES) is named


@pytest.mark.parametrize("caller", [NURSE, SECRETARY, SYSTEM, NOBODY])
def test_whoever_is_not_named_is_added_once(caller: Caller) -> None:
    other = agent("Practitioner/other", "author")

    found = with_caller([other], caller, BASES)

    assert found[0] == other
    assert len(found) == 2
    assert names(found[1:], caller, BASES)
    assert with_caller(found, caller, BASES) == found
    assert may_say(found, caller, BASES)


@pytest.mark.parametrize("caller", [NURSE, SECRETARY, SYSTEM, NOBODY])
def test_what_the_server_would_say_may_be_said(caller: Caller) -> None:
    said = list(agents_of(caller))

    assert may_say(said, caller, BASES)
    assert with_caller(said, caller, BASES) == said


@pytest.mark.parametrize(
    ("caller", "said", "may"),
    [
        (NURSE, agent("Practitioner/gp", "author"), True),  # whose words they enter
        (NURSE, agent("Device/scale", "performer"), True),
        (NURSE, agent("Practitioner/gp", "enterer"), False),
        (NURSE, agent({"display": "Docteur Hoarau"}, "enterer"), False),
        (NURSE, agent("Device/scanner", "enterer"), True),
        (NURSE, agent("Practitioner/nurse", "enterer", "Organization/ssiad"), True),
        (NURSE, agent("Practitioner/nurse", "", "Patient/payet"), True),
        (NURSE, agent("Practitioner/nurse", "", "Organization/dac"), False),
        (NURSE, agent("Practitioner/nurse", "", "Practitioner/gp"), False),
        (NURSE, {**agent("Practitioner/nurse"), "onBehalfOf": {"display": "DAC"}}, False),
        (SECRETARY, agent("Practitioner/nurse", "enterer", "Practitioner/gp"), True),
        (SYSTEM, agent("Practitioner/nurse", "enterer"), True),  # as its users did
        (SYSTEM, agent("Organization/ssiad", "", "Organization/dac"), False),
    ],
)
def test_nobody_says_that_they_are_somebody_else(caller: Caller, said: Tree, *, may: bool) -> None:
    assert bool(may_say([said], caller, BASES)) is may
