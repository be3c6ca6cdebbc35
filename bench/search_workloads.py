"""Searches as workloads, over the pools of `search_seeding.py`.

What a search costs is told in two ways: with 16 clients as a share of the limit, and with one client as a multiple of
the read by id. https://hl7.org/fhir/R4/search.html
"""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

from bench import skewed
from bench.asking import Ask, Workload
from bench.data import CODES, SYSTEM

READ: Final = "read"  # what the others are a multiple of

_FOUND: Final = '"entry"'
_IDENTIFIER: Final = quote(SYSTEM, safe="") + "%7C"
_LOINC: Final = "http://loinc.org%7C"
_MMOL: Final = "%7Chttp://unitsofmeasure.org%7Cmmol/L"
_BUSY: Final = _LOINC + skewed.BUSY[0]
_SELECTIVE: Final = _LOINC + skewed.SELECTIVE[0]
_TAG: Final = quote("|".join(skewed.TAG), safe=":/")


def _search(
    name: str,
    path: str,
    of: str = "",
    *,
    target: float | None = None,
    multiple: float | None = None,
    holds: str = _FOUND,
    counts: bool = False,
) -> Workload:
    """`of`: the pool of `@it@`; `holds`: what every answer contains."""
    ask = Ask("GET", f"/fhir/{path}", "select", of=of, holds=holds)
    return Workload(name, (ask,), target, multiple=multiple, counts=counts)


WORKLOADS: Final = (
    _search(READ, "Patient/@it@", "quiet", holds='"Patient"'),
    _search("20 rows", f"Observation?code={_LOINC}@it@&_count=20", "codes", target=0.10),
    # The targets were set with patients of a few Observations each; those of the Synthea set have several hundred.
    _search(
        "patient and code by date",
        f"Observation?patient=@it@&code={_LOINC}{CODES[0][0]}&_sort=-date",
        "record",
        target=0.15,
        holds='"searchset"',
    ),
    _search(
        "patient and code by date: of a long record",
        f"Observation?patient=@it@&code={_LOINC}29463-7&_sort=-date",
        "records",
    ),
    _search(
        "patient and code by date: 10 000 of one patient",
        f"Observation?patient=@it@&code={_BUSY}&_sort=-date",
        "heavy",
    ),
    _search("identifier", f"Patient?identifier={_IDENTIFIER}@it@", "numbers"),
    _search("chain", f"Observation?patient.identifier={_IDENTIFIER}@it@", "followed", multiple=4),
    _search(
        "missing and common token",
        f"Observation?code={_LOINC}none-@n@&status=final",
        multiple=2,
        holds='"total":0',
    ),
    _search("common token by date", "Observation?status=final&_sort=-date"),
    _search("token of every row and a code", f"Observation?_tag={_TAG}&code={_LOINC}@it@", "analytes"),
    _search(
        "has: a selective token",
        f"Patient?_has:Observation:patient:code={_SELECTIVE}",
        multiple=20,
    ),
    _search(
        "has: a name prefix",
        f"Patient?family={skewed.ALIKE_PREFIX}&_has:Observation:patient:code={_BUSY}",
        multiple=200,
    ),
    _search(
        "count of 16 000",
        f"Observation?code={_BUSY}&_summary=count",
        multiple=40,
        holds=f'"total":{skewed.HEAVY_OBSERVATIONS + skewed.BUSY_ELSEWHERE}',
        counts=True,
    ),
    _search("date range, sorted", "Observation?date=@it@&_sort=-date", "months"),
    _search("include", f"Observation?code={_LOINC}@it@&_include=Observation:patient", "analytes"),
    _search(
        "revinclude",
        f"Patient?identifier={_IDENTIFIER}@it@&_revinclude=Observation:patient",
        "followed",
    ),
    _search("everything", "Patient/@it@/$everything", "record"),
    _search("everything: 100 of a long record", "Patient/@it@/$everything?_count=100", "records"),
    _search("quantity with unit", f"Observation?value-quantity=@it@{_MMOL}", "amounts"),
    _search("composite", f"Observation?component-code-value-quantity={_LOINC}8480-6$gt150", counts=False),
    _search("string prefix", "Patient?family=@it@", "prefixes"),
    _search("string contains", "Patient?family:contains=@it@", "parts"),
    _search("content", "Condition?_content=@it@", "words"),
)
