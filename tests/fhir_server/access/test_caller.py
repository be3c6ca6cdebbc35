"""Who asks, as a value: what makes two callers the same, and who acts for them."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any, Final

import pytest

from fhir_server.access.caller import ANYONE, Caller
from fhir_server.access.grants import grants_of
from fhir_server.access.roles import OPERATOR
from fhir_server.kernel.keys import Key

ROLE, TEAM = Key("PractitionerRole", "nurse"), Key("Organization", "team")
NURSES: Final = Key("class", "infirmier")
OTHERWISE: Final[dict[str, Any]] = {
    "kind": "system",
    "issuer": "https://issuer.example",
    "subject": "other",
    "client": "other",
    "roles": ("medecin",),
    "actors": (TEAM,),
    "organisation": Key("Organization", "other"),
    "level": "eidas1",
    "purpose": "BTG",
    "grants": grants_of("user/Patient.r"),
    "patient": Key("Patient", "1"),
    "delegator": Key("PractitionerRole", "doctor"),
    "expires": 1,
}


def nurse() -> Caller:
    return Caller("professional", subject="nurse", roles=("infirmier",), actors=(ROLE, TEAM, NURSES))


def test_equal_callers_are_equal_whatever_was_made_of_them() -> None:
    one, other = nurse(), nurse()

    one.made["view"] = "something"

    assert one == other
    assert hash(one) == hash(other)
    assert repr(one) == repr(other)
    assert other.made == {}


@pytest.mark.parametrize("changes", [{}, {"purpose": "BTG"}, {"grants": None}])
def test_a_copy_leaves_behind_what_was_made_of_its_original(changes: dict[str, Any]) -> None:
    one = nurse()
    one.made["view"] = "something"

    copy = replace(one, **changes)

    assert copy.made == {}
    copy.made["view"] = "another"
    assert one.made == {"view": "something"}


@pytest.mark.parametrize("name", OTHERWISE)
def test_callers_that_differ_in_anything_else_are_not_the_same(name: str) -> None:
    assert replace(nurse(), **{name: OTHERWISE[name]}) != nurse()


def test_everything_but_what_was_made_tells_callers_apart() -> None:
    assert {one.name for one in fields(Caller)} - {"made"} == OTHERWISE.keys()


@pytest.mark.parametrize(
    ("caller", "expected"),
    [
        (ANYONE, True),
        (Caller("operator"), True),
        (Caller("professional", roles=("infirmier", OPERATOR)), True),
        (Caller("system", roles=(OPERATOR,)), True),
        (Caller("system"), False),
        (Caller("professional", roles=("dpo",)), False),
        (Caller("citizen", roles=("personne",)), False),
    ],
)
def test_the_server_is_an_operators_to_run_and_anyones_where_nobody_is_known(
    caller: Caller, *, expected: bool
) -> None:
    assert caller.operates is expected


@pytest.mark.parametrize(
    ("actors", "acting"),
    [
        ((), None),
        ((ROLE, TEAM, NURSES), ROLE),
        ((TEAM, ROLE), TEAM),
        ((NURSES,), None),
        ((NURSES, ROLE), None),  # the first alone acts
    ],
)
def test_the_first_actor_acts_unless_it_is_a_class(actors: tuple[Key, ...], acting: Key | None) -> None:
    assert Caller("professional", actors=actors).acting == acting


def test_who_acts_for_another_acts_all_the_same() -> None:
    secretary = replace(nurse(), delegator=Key("PractitionerRole", "doctor"))

    assert secretary.acting == ROLE


def test_where_nobody_is_known_nothing_is_said_of_who_asks() -> None:
    assert Caller("anyone") == ANYONE
    assert ANYONE.acting is None
    assert ANYONE.grants is None
