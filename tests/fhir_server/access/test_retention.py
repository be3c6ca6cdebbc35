"""Retention by the rules that come with the server: when a step is due, and what stops it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_server.access.retention import (
    Fate,
    Piece,
    Record,
    Verdict,
    rules_of,
    shipped_rules,
    verdicts,
    without,
    years_before,
)
from fhir_server.access.shipped import BadTable, shipped
from fhir_server.kernel.keys import Key
from fhir_server.kernel.times import moment_of

RULES = shipped_rules()
PERSON = Key("Patient", "payet")
DAY = 86_400_000_000


def day(text: str) -> int:
    return moment_of(datetime.fromisoformat(text).replace(tzinfo=UTC))


def patient() -> Piece:
    return Piece(PERSON, "identite")


def finding(last: str | None, id: str = "o", category: str = "sante", *refers: Key) -> Piece:
    return Piece(
        Key("Observation", id), category, None if last is None else day(last), refers=(*refers, PERSON)
    )


def dossier(end: str | None) -> Piece:
    until = None if end is None else day(end)
    return Piece(
        Key("EpisodeOfCare", "d"), "coordination", until, until, is_open=until is None, refers=(PERSON,)
    )


def record(*pieces: Piece, born: str = "", died: str = "", held: Key | None = None) -> Record:
    return Record(
        PERSON,
        (patient(), *pieces),
        day(born) if born else None,
        day(died) if died else None,
        frozenset({held} if held else ()),
    )


def fates(found: Record, now: str) -> dict[str, Fate]:
    return {str(one.key): one.fate for one in verdicts(found, RULES, day(now))}


@pytest.mark.parametrize(
    ("last", "born", "died", "due"),
    [
        ("2000-05-10", "1939-02-17", "", "2020-05-10"),  # 20 years from the last stay or consultation
        ("2000-02-29", "1939-02-17", "", "2020-02-29"),
        ("2000-05-10", "1995-06-01", "", "2023-06-01"),  # until the 28th birthday
        ("2000-05-10", "1991-06-01", "", "2020-05-10"),
        ("2000-05-10", "1939-02-17", "2004-01-01", "2014-01-01"),  # 10 years after the death
        ("2000-05-10", "1995-06-01", "2004-01-01", "2014-01-01"),
        ("2000-05-10", "1939-02-17", "2012-01-01", "2020-05-10"),  # who died later than that: as ever
        ("2000-05-10", "", "", "2020-05-10"),
    ],
)
def test_health_is_kept_as_long_as_the_law_says(last: str, born: str, died: str, due: str) -> None:
    kept = record(finding(last), born=born, died=died)
    before = datetime.fromtimestamp((day(due) - DAY) / 1e6, UTC).date().isoformat()

    assert fates(kept, before)["Observation/o"] == "keep"
    assert fates(kept, due) == {"Observation/o": "purge", "Patient/payet": "purge"}


def test_a_later_consultation_keeps_what_is_older() -> None:
    kept = record(finding("1990-01-01"), finding("2015-01-01", "later"))

    assert fates(kept, "2020-01-01")["Observation/o"] == "keep"


@pytest.mark.parametrize(
    ("category", "last", "now", "fate"),
    [
        ("social", "2020-01-01", "2021-12-31", "keep"),
        ("social", "2020-01-01", "2022-01-01", "archive"),
        ("social", "2020-01-01", "2090-01-01", "archive"),  # deletion or public archives: an operator decides
        ("mdph", "2020-01-01", "2022-01-01", "archive"),
        ("plan", "2020-01-01", "2022-01-01", "archive"),
        ("plan", "2020-01-01", "2040-01-01", "purge"),
        ("liaison", "2020-01-01", "2040-01-01", "purge"),
        ("sante", "2020-01-01", "2022-01-01", "keep"),
    ],
)
def test_the_rest_is_archived_two_years_after_the_last_contact(
    category: str, last: str, now: str, fate: Fate
) -> None:
    assert fates(record(finding(last, category=category)), now)["Observation/o"] == fate


def test_nothing_of_the_follow_up_is_due_while_a_dossier_is_open() -> None:
    kept = record(finding("2000-01-01", category="social"), dossier(None))

    assert set(fates(kept, "2015-01-01").values()) == {"keep"}


def test_a_record_is_counted_from_the_exit() -> None:
    kept = record(finding("2000-01-01", category="plan"), dossier("2010-01-01"))

    assert fates(kept, "2011-12-31")["Observation/o"] == "keep"
    assert fates(kept, "2012-01-01")["Observation/o"] == "archive"


@pytest.mark.parametrize(("with_dossier", "fate"), [(False, "purge"), (True, "archive")])
def test_a_sollicitation_without_dossier_goes_after_two_years(*, with_dossier: bool, fate: Fate) -> None:
    closed = Piece(Key("Task", "t"), "sollicitation", day("2020-01-01"), day("2020-01-01"), refers=(PERSON,))
    kept = record(closed, *([dossier("2020-02-01")] if with_dossier else []))

    assert fates(kept, "2022-03-01")["Task/t"] == fate


def test_a_message_goes_a_year_after_its_conversation_unless_it_was_promoted() -> None:
    conversation = Piece(Key("Communication", "c"), "message", until=day("2020-01-01"))
    message = Piece(Key("Communication", "m"), "message", until=day("2020-01-01"), refers=(conversation.key,))
    note = finding("2020-01-01", "n", "liaison", message.key)

    assert fates(record(conversation, message), "2021-01-01")["Communication/m"] == "purge"
    promoted = fates(record(conversation, message, note), "2021-01-01")
    assert (promoted["Communication/m"], promoted["Communication/c"]) == ("needed", "needed")
    still = record(Piece(Key("Communication", "c"), "message"))
    assert fates(still, "2050-01-01")["Communication/c"] == "keep"


def test_who_the_person_is_goes_with_the_last_of_the_rest() -> None:
    kept = record(finding("2000-01-01"), finding("2000-01-01", "p", "plan"))

    assert fates(kept, "2010-01-01")["Patient/payet"] == "keep"
    assert fates(record(finding("2000-01-01", "p", "plan")), "2010-01-01")["Patient/payet"] == "archive"
    assert fates(kept, "2020-01-01")["Patient/payet"] == "purge"


def test_a_person_of_whom_there_is_nothing_else_stays() -> None:
    assert fates(record(), "2090-01-01") == {"Patient/payet": "keep"}


def test_a_consent_stays_five_years_after_its_withdrawal() -> None:
    consent = Piece(Key("Consent", "c"), "consentement", until=day("2018-01-01"), refers=(PERSON,))
    kept = record(finding("2000-01-01"), consent)

    found = fates(kept, "2020-01-01")
    assert (found["Consent/c"], found["Patient/payet"]) == ("archive", "needed")
    assert set(fates(kept, "2023-01-01").values()) == {"purge"}


def test_a_provenance_goes_with_what_it_is_about() -> None:
    old, new = finding("2000-01-01", "a", "plan"), finding("2015-01-01", "b", "sante")
    source = Piece(Key("Provenance", "s"), "trace", day("2000-01-01"), refers=(old.key,))
    both = Piece(Key("Provenance", "t"), "trace", day("2000-01-01"), refers=(old.key, new.key))

    found = fates(record(old, new, source, dossier("2000-01-01")), "2021-01-01")
    assert found["Provenance/s"] == "purge"
    assert found["Observation/a"] == "purge"
    assert fates(record(old, new, both, dossier("2000-01-01")), "2021-01-01")["Observation/a"] == "needed"


def test_a_file_goes_with_what_refers_to_it() -> None:
    file = Piece(Key("Binary", "f"), "")
    letter = finding("2000-01-01", "l", "sante", file.key)

    assert fates(record(file, letter), "2020-01-01")["Binary/f"] == "purge"
    assert fates(record(file, letter, finding("2010-01-01", "x")), "2020-01-01")["Binary/f"] == "keep"


@pytest.mark.parametrize("held", [PERSON, Key("Observation", "o")])
def test_a_hold_stops_the_purge_and_not_the_archive(held: Key) -> None:
    found = fates(record(finding("2000-01-01"), held=held), "2030-01-01")
    assert found["Observation/o"] == "held"
    assert found["Patient/payet"] in {"held", "needed"}

    social = record(finding("2000-01-01", category="social"), held=held)
    assert fates(social, "2030-01-01")["Observation/o"] == "archive"


def test_what_is_about_somebody_else_as_well_stays() -> None:
    both = Piece(Key("Appointment", "a"), "coordination", day("2000-01-01"), shared=True, refers=(PERSON,))

    assert set(fates(record(both), "2090-01-01").values()) == {"keep"}


def test_what_says_no_date_is_told() -> None:
    assert fates(record(finding(None)), "2090-01-01") == {"Observation/o": "undated", "Patient/payet": "keep"}


def test_what_is_needed_elsewhere_keeps_what_it_refers_to() -> None:
    kept = record(finding("2000-01-01"), finding("2000-01-01", "other"))
    found = verdicts(kept, RULES, day("2020-01-01"))

    after = {one.key.id: one.fate for one in without(found, kept, [Key("Observation", "o")])}

    assert after == {"payet": "needed", "o": "needed", "other": "purge"}


moments = st.integers(day("1950-01-01"), day("2050-01-01"))
categories = st.sampled_from(["sante", "social", "plan", "message", "sollicitation", "identite", "trace", ""])


@st.composite
def records(draw: st.DrawFn) -> Record:
    size = draw(st.integers(0, 6))
    keys = [Key("Basic", str(number)) for number in range(size)]
    maybe = st.none() | moments
    pieces = [
        Piece(
            key,
            draw(categories),
            draw(maybe),
            draw(maybe),
            draw(st.booleans()),
            draw(st.booleans()),
            draw(st.booleans()),
            tuple(draw(st.lists(st.sampled_from(keys), unique=True, max_size=2))),
        )
        for key in keys
    ]
    held = draw(st.sets(st.sampled_from([*keys, PERSON]), max_size=1))
    return Record(PERSON, (patient(), *pieces), draw(maybe), draw(maybe), frozenset(held))


@given(records(), moments)
def test_nothing_goes_that_something_refers_to_which_stays(kept: Record, now: int) -> None:
    found = verdicts(kept, RULES, now)

    going = {one.key for one in found if one.fate == "purge"}
    assert [one.key for one in found] == [piece.key for piece in kept.pieces]
    assert not any(key in going for piece in kept.pieces if piece.key not in going for key in piece.refers)
    assert not going & kept.held
    assert PERSON not in kept.held or not going


@given(records(), moments, st.integers(0, 50))
def test_time_alone_never_brings_anything_back(kept: Record, now: int, years: int) -> None:
    order: dict[Fate, int] = {
        "keep": 0,
        "undated": 0,
        "archive": 1,
        "archived": 1,
        "needed": 2,
        "held": 2,
        "purge": 2,
    }

    def reached(found: tuple[Verdict, ...]) -> list[int]:
        return [order[one.fate] for one in found]

    earlier = reached(verdicts(kept, RULES, now))
    later = reached(verdicts(kept, RULES, now + years * 366 * DAY))

    assert all(before <= after for before, after in zip(earlier, later, strict=True))


@pytest.mark.parametrize(
    ("then", "years", "before"),
    [("2026-11-22", 10, "2016-11-22"), ("2024-02-29", 1, "2023-02-28"), ("2024-02-29", 4, "2020-02-29")],
)
def test_years_are_counted_back_to_the_same_day(then: str, years: int, before: str) -> None:
    assert years_before(day(then), years) == day(before)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("sante sante-sensible", "sante sante-sensibl", "line 2: column 'categories'"),
        ("sante sante-sensible", "sante", "'sante-sensible' has no rule"),
        ("social administratif", "social sante", "line 3: 'sante' has a rule already"),
        (",yes,exit,", ",no,exit,", "has a rule already"),
        (",exit,2,20", ",exit,two,20", "line 4: column 'archive'"),
        (",care,,20", ",caring,,20", "line 2: column 'since'"),
        (",yes,exit", ",oui,exit", "line 5: column 'dossier'"),
    ],
)
def test_rules_that_cannot_be_meant_are_refused(old: str, new: str, told: str) -> None:
    table = shipped("retention").decode().replace(old, new, 1)

    with pytest.raises(BadTable, match=told):
        rules_of(table.encode())
