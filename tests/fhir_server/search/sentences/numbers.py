"""Parameters of type number. https://hl7.org/fhir/R4/search.html#number"""

from __future__ import annotations

from typing import Any

from fhir_server.kernel.wire import Tree
from tests.fhir_server.search.sentences.table import Chapter, one, says, to


def charge(id: str, factor: float | None) -> Tree:
    elements: dict[str, Any] = {"status": "billable", "code": {"text": "x"}, "subject": to("Patient/nobody")}
    if factor is not None:
        elements["factorOverride"] = factor
    return one("ChargeItem", id, **elements)


def risk(id: str, **probability: Any) -> Tree:
    return one(
        "RiskAssessment", id, status="final", subject=to("Patient/nobody"), prediction=[{**probability}]
    )


def sequence(id: str, **window: int) -> Tree:
    where = {"strand": "watson", "windowStart": 0, **window}
    return one("MolecularSequence", id, coordinateSystem=0, referenceSeq=where)


CHAPTER = Chapter(
    "numbers",
    (
        charge("n94", 94),
        charge("n96", 96),
        charge("n99d5", 99.5),
        charge("n100", 100),
        charge("n100d003", 100.003),
        charge("n100d4", 100.4),
        charge("n100d5", 100.5),
        charge("n104", 104),
        charge("n106", 106),
        charge("minus5", -5),
        charge("small", 0.0054),
        charge("none", None),
        risk("r25", probabilityDecimal=25),
        risk("r20to30", probabilityRange={"low": {"value": 20}, "high": {"value": 30}}),
        risk("rto30", probabilityRange={"high": {"value": 30}}),
        sequence("first", windowEnd=1),
        sequence("fifth", windowEnd=5),
        sequence("sixth", windowEnd=6),
        sequence("endless"),
    ),
    (
        says(
            "number",
            "Written digits say how much a number leaves open, half a unit of the last one each way",
            ("ChargeItem?factor-override=100", "n99d5 n100 n100d003 n100d4"),
            ("ChargeItem?factor-override=100.00", "n100 n100d003"),
            ("ChargeItem?factor-override=100.5", "n100d5"),
            ("ChargeItem?factor-override=-5", "minus5"),
            ("ChargeItem?factor-override=0.005", "small"),
            ("ChargeItem?factor-override=0.0054", "small"),
            ("ChargeItem?factor-override=0.00540", "small"),
            ("ChargeItem?factor-override=0.006", ""),
        ),
        says(
            "number",
            "Exponents are a way to write digits, and a lone one with an exponent leaves 5 of 100 open",
            ("ChargeItem?factor-override=1e2", "n96 n99d5 n100 n100d003 n100d4 n100d5 n104"),
            ("ChargeItem?factor-override=1.0e2", "n96 n99d5 n100 n100d003 n100d4 n100d5 n104"),
            ("ChargeItem?factor-override=1.00e2", "n99d5 n100 n100d003 n100d4"),
            ("ChargeItem?factor-override=1.0000E2", "n100 n100d003"),
            ("ChargeItem?factor-override=5.4e-3", "small"),
            ("ChargeItem?factor-override=5.40e-3", "small"),
            ("ChargeItem?factor-override=gt1e2", "n100d003 n100d4 n100d5 n104 n106"),
        ),
        says(
            "prefix",
            "Without a prefix a number is meant to be equal",
            ("ChargeItem?factor-override=eq100", "n99d5 n100 n100d003 n100d4"),
            ("ChargeItem?factor-override=eq104", "n104"),
        ),
        says(
            "number",
            "Not equal is outside of what the digits leave open, and there must be a value",
            ("ChargeItem?factor-override=ne100", "n94 n96 n100d5 n104 n106 minus5 small"),
            ("ChargeItem?factor-override=ne100.00", "n94 n96 n99d5 n100d4 n100d5 n104 n106 minus5 small"),
        ),
        says(
            "number",
            "Less and greater are compared with exactly the number, however precisely it is written",
            ("ChargeItem?factor-override=lt100", "n94 n96 n99d5 minus5 small"),
            ("ChargeItem?factor-override=lt100.00", "n94 n96 n99d5 minus5 small"),
            ("ChargeItem?factor-override=le100", "n94 n96 n99d5 n100 minus5 small"),
            ("ChargeItem?factor-override=gt100", "n100d003 n100d4 n100d5 n104 n106"),
            ("ChargeItem?factor-override=gt100.00", "n100d003 n100d4 n100d5 n104 n106"),
            ("ChargeItem?factor-override=ge100", "n100 n100d003 n100d4 n100d5 n104 n106"),
            ("ChargeItem?factor-override=lt0", "minus5"),
            ("ChargeItem?factor-override=gt-6&factor-override=lt0", "minus5"),
        ),
        says(
            "prefix",
            "Starting after and ending before ignore the precision too",
            ("ChargeItem?factor-override=sa100", "n100d003 n100d4 n100d5 n104 n106"),
            ("ChargeItem?factor-override=eb100", "n94 n96 n99d5 minus5 small"),
            ("ChargeItem?factor-override=sa100.5", "n104 n106"),
            ("ChargeItem?factor-override=eb99.5", "n94 n96 minus5 small"),
        ),
        says(
            "prefix",
            "About a number is a tenth of it either way",
            ("ChargeItem?factor-override=ap100", "n94 n96 n99d5 n100 n100d003 n100d4 n100d5 n104 n106"),
            ("ChargeItem?factor-override=ap115", "n104 n106"),
            ("ChargeItem?factor-override=ap-5.2", "minus5"),
        ),
        says(
            "number",
            "Whole numbers in resources are met exactly, and never by a fraction",
            ("MolecularSequence?window-end=5", "fifth"),
            ("MolecularSequence?window-end=5.0", "fifth"),
            ("MolecularSequence?window-end=5.5", ""),
            ("MolecularSequence?window-end=gt5", "sixth"),
            ("MolecularSequence?window-end=ge5", "fifth sixth"),
            ("MolecularSequence?window-end=ne5", "first sixth"),
        ),
        says(
            "prefix",
            "A range in the resource is equal where it lies within, and else compared by its ends",
            ("RiskAssessment?probability=25", "r25"),
            ("RiskAssessment?probability=ne25", "r20to30 rto30"),
            ("RiskAssessment?probability=gt25", "r20to30 rto30"),
            ("RiskAssessment?probability=lt25", "r20to30 rto30"),
            ("RiskAssessment?probability=ge30", "r20to30 rto30"),
            ("RiskAssessment?probability=gt30", ""),
            ("RiskAssessment?probability=sa15", "r25 r20to30"),
            ("RiskAssessment?probability=sa25", ""),
            ("RiskAssessment?probability=eb35", "r25 r20to30 rto30"),
            ("RiskAssessment?probability=eb30", "r25"),
            ("RiskAssessment?probability=ap25", "r25 r20to30 rto30"),
            ("RiskAssessment?probability=ap40", ""),
        ),
        says(
            "combining",
            "One of several numbers is enough, and several parameters must all hold",
            ("ChargeItem?factor-override=104,106", "n104 n106"),
            ("ChargeItem?factor-override=lt0,gt105", "minus5 n106"),
            ("ChargeItem?factor-override=gt100&factor-override=lt105", "n100d003 n100d4 n100d5 n104"),
        ),
        says(
            "missing",
            "A number may be asked to be there, or not to be",
            ("ChargeItem?factor-override:missing=true", "none"),
            ("MolecularSequence?window-end:missing=false", "first fifth sixth"),
        ),
        says(
            "ptypes",
            "What is no number is refused",
            ("ChargeItem?factor-override=many", 400),
            ("ChargeItem?factor-override=gt", 400),
            ("ChargeItem?factor-override=1e", 400),
            ("ChargeItem?factor-override=1,5x", 400),
            ("ChargeItem?factor-override=100|kg", 400),
            ("ChargeItem?factor-override=about100", 400),
        ),
        says(
            "modifiers",
            "A number takes no modifier of texts, codes or links",
            ("ChargeItem?factor-override:exact=100", 400),
            ("ChargeItem?factor-override:not=100", 400),
            ("ChargeItem?factor-override:below=100", 400),
            ("ChargeItem?factor-override:Patient=100", 400),
            ("ChargeItem?factor-override:shoe=100", 400),
        ),
    ),
)
