"""Parameters of type date. https://hl7.org/fhir/R4/search.html#date

Without a time zone a time is read in the server's, which is UTC.
"""

from __future__ import annotations

from typing import Any

from fhir_server.kernel.wire import Tree
from tests.fhir_server.search.sentences.table import Chapter, observation, one, says, to


def procedure(id: str, **performed: Any) -> Tree:
    return one("Procedure", id, status="completed", subject=to("Patient/nobody"), **performed)


def period(id: str, **ends: str) -> Tree:
    return procedure(id, performedPeriod=ends)


def request(id: str, **timing: Any) -> Tree:
    subject = to("Patient/nobody")
    return one(
        "ServiceRequest", id, status="active", intent="order", subject=subject, occurrenceTiming=timing
    )


POINTS = "midnight ten instant next day month year west old"

CHAPTER = Chapter(
    "dates",
    (
        observation("midnight", effectiveDateTime="2013-01-14T00:00:00Z"),
        observation("ten", effectiveDateTime="2013-01-14T10:00:00Z"),
        observation("instant", effectiveInstant="2013-01-14T10:00:00.123Z"),
        observation("next", effectiveDateTime="2013-01-15T00:00:00Z"),
        observation("day", effectiveDateTime="2013-01-14"),
        observation("month", effectiveDateTime="2013-01"),
        observation("year", effectiveDateTime="2013"),
        observation("west", effectiveDateTime="2013-01-14T23:30:00-05:00"),
        observation("old", effectiveDateTime="2001-05-05T12:00:00Z"),
        observation("undated"),
        period("from", start="2013-01-21"),
        period("later", start="2013-03-15"),
        period("until", end="2013-01-21"),
        period("february", start="2013-02-01", end="2013-02-28"),
        period("morning", start="2013-03-14T08:00:00Z", end="2013-03-14T12:00:00Z"),
        procedure("someday", performedString="some day"),
        request("course", repeat={"boundsPeriod": {"start": "2013-01-31", "end": "2013-03-24"}}),
        request("doses", event=["2014-05-01T08:00:00Z", "2014-05-03T08:00:00Z"]),
        one("Patient", "y2000", birthDate="2000"),
        one("Patient", "april", birthDate="2000-04"),
        one("Patient", "ides", birthDate="2000-04-15"),
        one("Patient", "eighties", birthDate="1980-02-29"),
        one("Patient", "unknown", _birthDate={"extension": [{"url": "http://acme.org/x", "valueCode": "u"}]}),
    ),
    (
        says(
            "date",
            "A day is equal to every time within it and to nothing wider",
            ("Observation?date=2013-01-14", "midnight ten instant day"),
            ("Observation?date=eq2013-01-14", "midnight ten instant day"),
            ("Observation?date=eq2013-01-15", "next west"),
            ("Observation?date=ne2013-01-14", "next month year west old"),
            ("Observation?date=ne2013", "old"),
        ),
        says(
            "date",
            "A day in the resource holds times before and after any of its moments",
            ("Observation?date=lt2013-01-14T10:00Z", "midnight day month year old"),
            ("Observation?date=gt2013-01-14T10:00Z", "next day month year west"),
        ),
        says(
            "prefix",
            "At or before and at or after take in what lies within the value as well",
            ("Observation?date=le2013-01-14T10:00Z", "midnight ten instant day month year old"),
            ("Observation?date=ge2013-01-14T10:00Z", "ten instant next day month year west"),
            ("Observation?date=ge2013-01-14", "midnight ten instant next day month year west"),
            ("Observation?date=le2013-01-14", "midnight ten instant day month year old"),
        ),
        says(
            "prefix",
            "Before and after are strict about a whole day",
            ("Observation?date=gt2013-01-14", "next month year west"),
            ("Observation?date=lt2013-01-14", "month year old"),
            ("Observation?date=gt2013", ""),
            ("Observation?date=lt2013", "old"),
        ),
        says(
            "prefix",
            "What starts after or ends before shares no moment with the value",
            ("Observation?date=sa2013-01-14", "next west"),
            ("Observation?date=eb2013-01-15", "midnight ten instant day old"),
            ("Observation?date=sa2012", "midnight ten instant next day month year west"),
            ("Observation?date=eb2013", "old"),
        ),
        says(
            "prefix",
            "About a date takes in its neighbours, the further the longer ago it is",
            ("Observation?date=ap2013-01-14", "midnight ten instant next day month year west"),
            ("Observation?date=ap2001-05-05", "old"),
            ("Procedure?date=ap2013-03-14", "from later until february morning"),
        ),
        says(
            "date",
            "A date that is only written in part stands for all of its time",
            ("Observation?date=2013-01", "midnight ten instant next day month west"),
            ("Observation?date=2013", "midnight ten instant next day month year west"),
            ("Patient?birthdate=2000", "y2000 april ides"),
            ("Patient?birthdate=2000-04", "april ides"),
            ("Patient?birthdate=2000-04-15", "ides"),
            ("Patient?birthdate=1980-02", "eighties"),
            ("Patient?birthdate=ge2000-04-15", "y2000 april ides"),
            ("Patient?birthdate=le2000-04-15", "y2000 april ides eighties"),
            ("Patient?birthdate=lt2000-04-15", "y2000 april eighties"),
            ("Patient?birthdate=gt2000-04-15", "y2000 april"),
            ("Patient?birthdate=sa2000-04-14", "ides"),
            ("Patient?birthdate=eb2000-04-15", "eighties"),
        ),
        says(
            "date",
            "A time is as long as its last written part, down to less than a second",
            ("Observation?date=2013-01-14T10:00Z", "ten instant"),
            ("Observation?date=2013-01-14T10:00:00Z", "ten instant"),
            ("Observation?date=2013-01-14T10:00:00.123Z", "instant"),
            ("Observation?date=2013-01-14T10:00:00.124Z", ""),
            ("Observation?date=2013-01-14T10:01Z", ""),
        ),
        says(
            "date",
            "Offsets count, on both sides",
            ("Observation?date=2013-01-14T11:00:00+01:00", "ten instant"),
            ("Observation?date=2013-01-15T04:30:00Z", "west"),
            ("Observation?date=2013-01-14T23:30:00-05:00", "west"),
            ("Observation?date=2013-01-15T08:30:00+04:00", "west"),
            ("Observation?date=2013-01-14T10:00:00+01:00", ""),
        ),
        says(
            "date",
            "A time without a zone is in the zone of the server",
            ("Observation?date=2013-01-14T10:00:00", "ten instant"),
            ("Observation?date=lt2013-01-14T00:00:00", "month year old"),
        ),
        says(
            "date",
            "A colon may come escaped",
            ("Observation?date=2013-01-14T10%3A00Z", "ten instant"),
            ("Observation?date=2013-01-14T11%3A00%3A00%2B01%3A00", "ten instant"),
        ),
        says(
            "date",
            "A period is open at the end that it does not name",
            ("Procedure?date=ge2013-03-14", "from later morning"),
            ("Procedure?date=le2013-03-14", "from until february morning"),
            ("Procedure?date=gt2013-03-14", "from later"),
            ("Procedure?date=lt2013-03-14", "from until february"),
            ("Procedure?date=gt2999", "from later"),
            ("Procedure?date=lt1000", "until"),
        ),
        says(
            "date",
            "An open period starts where it starts, and does not end",
            ("Procedure?date=sa2013-03-14", "later"),
            ("Procedure?date=eb2013-03-14", "until february"),
            ("Procedure?date=sa2013-01-20", "from later february morning"),
            ("Procedure?date=eb2013-01-22", "until"),
            ("Procedure?date=eb2013-01-21", ""),
        ),
        says(
            "prefix",
            "A period is equal to what contains all of it",
            ("Procedure?date=2013-03-14", "morning"),
            ("Procedure?date=2013-02", "february"),
            ("Procedure?date=2013", "february morning"),
            ("Procedure?date=2013-01-21", ""),
            ("Procedure?date=ne2013-02", "from later until morning"),
            ("Procedure?date=ne2013", "from later until"),
        ),
        says(
            "date",
            "Of a timing only the outer limits count, not the days between",
            ("ServiceRequest?occurrence=2013", "course"),
            ("ServiceRequest?occurrence=ge2013-02-01&occurrence=le2013-02-01", "course"),
            ("ServiceRequest?occurrence=sa2013-01-30", "course doses"),
            ("ServiceRequest?occurrence=eb2013-03-25", "course"),
            ("ServiceRequest?occurrence=2014-05", "doses"),
            ("ServiceRequest?occurrence=gt2014-05-02", "doses"),
            ("ServiceRequest?occurrence=2014-05-02", ""),
        ),
        says(
            "date",
            "Two comparisons make a span of time",
            ("Procedure?date=ge2013-02-01&date=le2013-02-28", "from february"),
            ("Observation?date=ge2013-01-14&date=lt2013-01-15", "midnight ten instant day month year"),
            ("Observation?date=2001,2013-01-15", "next west old"),
            ("Observation?date=lt2002,sa2013-01-14", "old next west"),
        ),
        says(
            "date",
            "A date is written from the left, with minutes where there is an hour",
            ("Observation?date=2013-01-14T10", 400),
            ("Observation?date=01-14", 400),
            ("Observation?date=--01-14", 400),
            ("Observation?date=2013--14", 400),
            ("Observation?date=10:00", 400),
        ),
        says(
            "errors",
            "What is no date is refused",
            ("Observation?date=23 May 2009", 400),
            ("Observation?date=2013-13", 400),
            ("Observation?date=2013-02-30", 400),
            ("Observation?date=2013-1-4", 400),
            ("Observation?date=13", 400),
            ("Observation?date=gt", 400),
            ("Observation?date=2013-01-14T25:00Z", 400),
            ("Observation?date=2013,soon", 400),
            ("Observation?date=xx2013", 400),
        ),
        says(
            "modifiers",
            "Nothing is missing but what has no value, even if there is an extension in its place",
            ("Observation?date:missing=true", "undated"),
            ("Observation?date:missing=false", POINTS),
            ("Patient?birthdate:missing=true", "unknown"),
            ("Procedure?date:missing=true", "someday"),
        ),
        says(
            "modifiers",
            "A date takes no modifier of texts or codes",
            ("Observation?date:exact=2013", 400),
            ("Observation?date:text=1995", 400),
            ("Observation?date:contains=2013", 400),
            ("Observation?date:not=2013", 400),
        ),
    ),
)
