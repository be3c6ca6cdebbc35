from __future__ import annotations

from fhir_server.web.sessions import Session, Sessions


def test_a_session_is_found_until_it_ends() -> None:
    sessions = Sessions(10)
    session = Session(100)
    sessions.put(b"a", session, 0)

    assert sessions.get(b"a", 99) is session
    assert sessions.get(b"b", 99) is None
    assert sessions.get(b"a", 100) is None
    assert len(sessions) == 0


def test_the_one_longest_out_of_use_goes_first() -> None:
    sessions = Sessions(2)
    sessions.put(b"a", Session(100), 0)
    sessions.put(b"b", Session(100), 0)
    sessions.get(b"a", 1)

    sessions.put(b"c", Session(100), 1)

    assert sessions.get(b"b", 1) is None
    assert sessions.get(b"a", 1) is not None
    assert len(sessions) == 2


def test_what_has_ended_is_not_remembered() -> None:
    sessions = Sessions(2)

    sessions.put(b"a", Session(100), 100)

    assert len(sessions) == 0
