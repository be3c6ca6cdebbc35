"""What is foretold of a read is, filled in, what is said of it afterwards."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_server.access.audit import trace_of
from fhir_server.access.caller import Caller
from fhir_server.access.foretelling import foretold, foretold_list
from fhir_server.interactions.call import Action, Call, Reply
from fhir_server.kernel.keys import Key
from fhir_server.kernel.trace import AROUND_NUMBER, DONE, Foretold

AT = 1_772_000_000_000_000
NURSE = Caller(
    "professional",
    issuer="https://auth.example",
    subject='of "quotes" and é',
    client="dui",
    roles=("infirmier",),
    actors=(Key("PractitionerRole", "ide"), Key("Practitioner", "p")),
    organisation=Key("Organization", "ssiad"),
    level="eidas2",
    purpose="TREAT",
)
IDS = st.text("abcXYZ019-.", min_size=1, max_size=12)
KEYS = st.builds(Key, st.sampled_from(["Patient", "Observation", "Organization"]), IDS)


def filled(trace: Foretold, version: int, person: int | None) -> bytes:
    """As the statement of the store does it."""
    return trace.before + b"%d" % version + rest(trace, person)


def rest(trace: Foretold, person: int | None) -> bytes:
    """What is said behind the version."""
    numbered = "" if person is None else str(person).join(AROUND_NUMBER)
    return trace.middle + numbered.encode() + trace.ending


@given(
    key=KEYS,
    version=st.integers(1, 2**31 - 1),
    person=st.none() | st.integers(-(2**63), 2**63 - 1),
    address=st.text(max_size=8),
    request=st.text(max_size=8),
)
def test_what_was_foretold_is_what_is_said_afterwards(
    key: Key, version: int, person: int | None, address: str, request: str
) -> None:
    call = Call(Action.READ, key.type, key.id, caller=NURSE, address=address, request=request)
    told = foretold(call, key, NURSE, at=AT)

    trace = trace_of(
        call,
        Reply(200, b"{}", key, version),
        NURSE,
        at=AT,
        address=address,
        numbers=[] if person is None else [person],
    )

    assert filled(told, version, person) == trace.data
    assert {told.thing} == set(trace.things)
    assert told.agents == trace.agents
    assert trace.outcome == DONE
    assert not told.written


@pytest.mark.parametrize("purpose", ["TREAT", "COVERAGE"])
def test_each_caller_is_told_as_they_are(purpose: str) -> None:
    key, caller = Key("Patient", "1"), replace(NURSE, purpose=purpose)

    told = foretold(Call(Action.READ, "Patient", "1"), key, caller, at=AT)

    assert purpose.encode() in told.before


@given(
    query=st.sampled_from(
        ["patient=p1", "subject=Patient/p1&_count=7", "subject=p1", "patient=Patient%2Fp1", ""]
    ),
    person=st.none() | st.integers(-(2**63), 2**63 - 1),
    address=st.text(max_size=8),
    request=st.text(max_size=8),
)
def test_what_was_foretold_of_a_list_is_what_is_said_afterwards(
    query: str, person: int | None, address: str, request: str
) -> None:
    call = Call(Action.SEARCH, "Observation", query=query, caller=NURSE, address=address, request=request)
    told = foretold_list(call, "Observation", query, NURSE, at=AT)

    numbers = [] if person is None else [person]
    trace = trace_of(call, Reply(200, b"{}"), NURSE, at=AT, address=address, numbers=numbers)

    assert told.before + rest(told, person) == trace.data
    assert told.thing is None
    assert trace.things == ()
    assert told.agents == trace.agents
    assert trace.outcome == DONE
