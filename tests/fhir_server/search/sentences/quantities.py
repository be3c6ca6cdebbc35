"""Parameters of type quantity. https://hl7.org/fhir/R4/search.html#quantity"""

from __future__ import annotations

from typing import Any

from fhir_server.kernel.wire import Tree
from tests.fhir_server.search.sentences.table import (
    UCUM,
    Chapter,
    condition,
    observation,
    one,
    says,
    ucum,
)

EUROS = "urn:iso:std:iso:4217"
LOCAL = "http://acme.org/units"
DOSES = "mg54 g0054 ug5400 mg538 mg546 under5 over10"


def measured(id: str, **quantity: Any) -> Tree:
    return observation(id, valueQuantity=quantity)


def invoice(id: str, value: float, currency: str) -> Tree:
    return one("Invoice", id, status="issued", totalNet={"value": value, "currency": currency})


def began(id: str, **onset: Any) -> Tree:
    return condition(id, **onset)


CHAPTER = Chapter(
    "quantities",
    (
        measured("mg54", **ucum(5.4, "mg")),
        measured("g0054", **ucum(0.0054, "g")),
        measured("ug5400", **ucum(5400, "ug")),
        measured("mg538", **ucum(5.38, "mg")),
        measured("mg546", **ucum(5.46, "mg")),
        measured("under5", **ucum(5, "mg", comparator="<")),
        measured("over10", **ucum(10, "mg", comparator=">")),
        measured("ml54", **ucum(5.4, "mL")),
        measured("bare", value=5.4),
        measured("cm12", **ucum(12, "cm")),
        measured("cmtext", value=12, unit="cm"),
        measured("cmlocal", value=12, unit="Zentimeter", system=LOCAL, code="cm"),
        measured("worded", value=12, unit="centimètres", system=UCUM, code="cm"),
        measured("fever", **ucum(101.3, "[degF]")),
        measured("warm", **ucum(37.0, "Cel")),
        measured("kpa", **ucum(16, "kPa")),
        measured("sodium", **ucum(140, "mmol/L")),
        measured("speed", **ucum(23, "mm/h")),
        observation("silent"),
        invoice("euros", 12.5, "EUR"),
        invoice("dollars", 12.5, "USD"),
        began("at25", onsetAge=ucum(25, "a")),
        began("at6months", onsetAge=ucum(6, "mo")),
        began("twenties", onsetRange={"low": ucum(20, "a"), "high": ucum(30, "a")}),
        began("from40", onsetRange={"low": ucum(40, "a")}),
    ),
    (
        says(
            "quantity",
            "A number, a system and a code find the amount in that unit, as precisely as it is written",
            (f"Observation?value-quantity=5.4|{UCUM}|mg", "mg54 g0054 ug5400 mg538"),
            (f"Observation?value-quantity=5.40|{UCUM}|mg", "mg54 g0054 ug5400"),
            (f"Observation?value-quantity=5|{UCUM}|mg", "mg54 g0054 ug5400 mg538 mg546"),
            (f"Observation?value-quantity=5.4|{UCUM}|mL", "ml54"),
            (f"Observation?value-quantity=5.4|{UCUM}|MG", ""),
            (f"Observation?value-quantity=5.4|{LOCAL}|mg", ""),
            (f"Observation?value-quantity=12|{LOCAL}|cm", "cmlocal"),
            (f"Observation?value-quantity=12|{UCUM}|cm", "cm12 worded"),
        ),
        says(
            "quantity",
            "Units of UCUM are converted on both sides",
            (f"Observation?value-quantity=5.40e-3|{UCUM}|g", "mg54 g0054 ug5400"),
            (f"Observation?value-quantity=5400|{UCUM}|ug", "mg54 g0054 ug5400"),
            (f"Observation?value-quantity=0.12|{UCUM}|m", "cm12 worded"),
            (f"Observation?value-quantity=0.140|{UCUM}|mol/L", "sodium"),
            (f"Observation?value-quantity=0.023|{UCUM}|m/h", "speed"),
            (f"Observation?value-quantity=120|{UCUM}|mm[Hg]", "kpa"),
            (f"Observation?value-quantity=38.5|{UCUM}|Cel", "fever"),
            (f"Observation?value-quantity=gt38|{UCUM}|Cel", "fever"),
            (f"Observation?value-quantity=lt100|{UCUM}|[degF]", "warm"),
        ),
        says(
            "quantity",
            "Without a system the unit is meant as a code or as the words for people",
            ("Observation?value-quantity=12||cm", "cm12 cmtext cmlocal worded"),
            ("Observation?value-quantity=12||centimètres", "worded"),
            ("Observation?value-quantity=12||Zentimeter", "cmlocal"),
            ("Observation?value-quantity=12||inch", ""),
        ),
        says(
            "quantity",
            "A number alone is compared in whatever unit",
            ("Observation?value-quantity=5.4", "mg54 mg538 ml54 bare"),
            ("Observation?value-quantity=12", "cm12 cmtext cmlocal worded"),
            ("Observation?value-quantity=gt1000", "ug5400 over10"),
            ("Observation?value-quantity=5.40", "mg54 ml54 bare"),
        ),
        says(
            "quantity",
            "Prefixes compare in the unit, and a comparator in the resource leaves its side open",
            (f"Observation?value-quantity=lt5.4|{UCUM}|mg", "mg538 under5"),
            (f"Observation?value-quantity=le5.4|{UCUM}|mg", "mg54 g0054 ug5400 mg538 under5"),
            (f"Observation?value-quantity=gt5.4|{UCUM}|mg", "mg546 over10"),
            (f"Observation?value-quantity=ge5.4|{UCUM}|mg", "mg54 g0054 ug5400 mg546 over10"),
            (f"Observation?value-quantity=sa5.4|{UCUM}|mg", "mg546 over10"),
            (f"Observation?value-quantity=eb5.4|{UCUM}|mg", "mg538 under5"),
            (f"Observation?value-quantity=ne5.4|{UCUM}|mg", "mg546 under5 over10"),
            (f"Observation?value-quantity=ap5.4|{UCUM}|mg", "mg54 g0054 ug5400 mg538 mg546 under5"),
            (f"Observation?value-quantity=gt1|{UCUM}|mg", DOSES),
            (f"Observation?value-quantity=lt0.001|{UCUM}|g", "under5"),
            (f"Observation?value-quantity=gt1|{UCUM}|g", "over10"),
            (f"Observation?value-quantity=5|{UCUM}|kg", ""),
        ),
        says(
            "quantity",
            "The number may have an exponent",
            (f"Observation?value-quantity=5.40e0|{UCUM}|mg", "mg54 g0054 ug5400"),
            (f"Observation?value-quantity=ge1.40e2|{UCUM}|mmol/L", "sodium"),
            (f"Observation?value-quantity=1.40E-1|{UCUM}|mol/L", "sodium"),
        ),
        says(
            "table",
            "An age is a quantity, and a range of ages is compared by its ends",
            (f"Condition?onset-age=25|{UCUM}|a", "at25"),
            (f"Condition?onset-age=gt25|{UCUM}|a", "twenties from40"),
            (f"Condition?onset-age=lt25|{UCUM}|a", "at6months twenties"),
            (f"Condition?onset-age=ge25|{UCUM}|a", "at25 twenties from40"),
            (f"Condition?onset-age=sa19|{UCUM}|a", "at25 twenties from40"),
            (f"Condition?onset-age=eb31|{UCUM}|a", "at25 at6months twenties"),
            (f"Condition?onset-age=ap22|{UCUM}|a", "twenties"),
            (f"Condition?onset-age=0.50|{UCUM}|a", "at6months"),
            (f"Condition?onset-age=gt90|{UCUM}|a", "from40"),
        ),
        says(
            "table",
            "Money is a quantity in its currency",
            (f"Invoice?totalnet=12.5|{EUROS}|EUR", "euros"),
            ("Invoice?totalnet=12.50", "euros dollars"),
            ("Invoice?totalnet=12.5||USD", "dollars"),
            (f"Invoice?totalnet=lt20|{EUROS}|EUR", "euros"),
        ),
        says(
            "combining",
            "Several amounts are alternatives, each in a unit of its own",
            (f"Observation?value-quantity=5.4|{UCUM}|mL,140|{UCUM}|mmol/L", "ml54 sodium"),
            (f"Observation?value-quantity=gt5.45|{UCUM}|mg&value-quantity=lt6|{UCUM}|mg", "mg546"),
        ),
        says(
            "missing",
            "An amount may be missing",
            ("Observation?value-quantity:missing=true", "silent"),
            ("Invoice?totalnet:missing=true", ""),
        ),
        says(
            "quantity",
            "An amount has one part or three, and begins with a number",
            (f"Observation?value-quantity=|{UCUM}|mg", 400),
            ("Observation?value-quantity=5.4|mg", 400),
            (f"Observation?value-quantity=5.4|{UCUM}", 400),
            (f"Observation?value-quantity=5.4|{UCUM}|mg|x", 400),
            ("Observation?value-quantity=much", 400),
            (f"Observation?value-quantity=5.4mg|{UCUM}|mg", 400),
            ("Observation?value-quantity:text=5.4", 400),
            ("Observation?value-quantity:exact=5.4", 400),
        ),
    ),
)
