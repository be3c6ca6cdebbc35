"""Several values, composites and escapes. https://hl7.org/fhir/R4/search.html#combining"""

from __future__ import annotations

from typing import Any

from fhir_server.kernel.wire import Tree
from tests.fhir_server.search.sentences.table import (
    LOINC,
    SNOMED,
    UCUM,
    Chapter,
    coded,
    condition,
    observation,
    one,
    says,
    to,
    ucum,
)

ACME = "http://acme.org/codes"
FOCUS = "http://terminology.hl7.org/CodeSystem/usage-context-type"


def speaks(id: str, *languages: str) -> Tree:
    spoken = [{"language": coded(f"urn:ietf:bcp:47|{language}")} for language in languages]
    return one("Patient", id, communication=spoken)


def pressure(id: str, systolic: float, diastolic: float) -> Tree:
    component = [
        {"code": coded(f"{LOINC}|8480-6"), "valueQuantity": ucum(systolic, "mm[Hg]")},
        {"code": coded(f"{LOINC}|8462-4"), "valueQuantity": ucum(diastolic, "mm[Hg]")},
    ]
    return observation(id, code=coded(f"{LOINC}|85354-9"), component=component)


def seen(id: str, code: str, **value: Any) -> Tree:
    return observation(id, code=coded(f"{LOINC}|{code}"), **value)


def herd(id: str, *characteristics: Tree) -> Tree:
    return one("Group", id, type="animal", actual=True, characteristic=list(characteristics))


def trait(code: str, **value: Any) -> Tree:
    return {"code": coded(f"{ACME}|{code}"), "exclude": False, **value}


def questionnaire(id: str, code: str, value: str) -> Tree:
    context = {"code": {"system": FOCUS, "code": code}, "valueCodeableConcept": coded(value)}
    return one("Questionnaire", id, status="active", useContext=[context])


def document(id: str, code: str, target: str) -> Tree:
    content = [{"attachment": {"url": "http://acme.org/x"}}]
    relates = [{"code": code, "target": to(target)}]
    return one("DocumentReference", id, status="current", content=content, relatesTo=relates)


def sequence(id: str, chromosome: str, start: int, end: int) -> Tree:
    where = {
        "chromosome": coded(f"http://terminology.hl7.org/CodeSystem/chromosome-human|{chromosome}"),
        "strand": "watson",
        "windowStart": start,
        "windowEnd": end,
    }
    return one("MolecularSequence", id, coordinateSystem=0, referenceSeq=where)


CHAPTER = Chapter(
    "combining",
    (
        speaks("french", "fr"),
        speaks("dutch", "nl"),
        speaks("french-dutch", "fr", "nl"),
        speaks("french-english", "fr", "en"),
        speaks("english", "en"),
        pressure("low", 55, 90),
        pressure("high", 150, 50),
        seen("potassium4", "2823-3", valueQuantity=ucum(4, "mmol/L")),
        seen("potassium6", "2823-3", valueQuantity=ucum(6, "mmol/L")),
        seen("sodium", "2951-2", valueQuantity=ucum(150, "mmol/L")),
        seen("blood", "883-9", valueCodeableConcept=coded(f"{SNOMED}|112144000", text="A")),
        seen("rhesus", "10331-7", valueCodeableConcept=coded(f"{SNOMED}|165747007")),
        seen("noted", "8251-1", valueString="Bien dormi, $5"),
        seen("due", "11778-8", valueDateTime="2024-05-01"),
        herd("mixed", trait("gender", valueCodeableConcept=coded(f"{ACME}|mixed"))),
        herd(
            "owned",
            trait("owner", valueCodeableConcept=coded(f"{ACME}|Eve")),
            trait("gender", valueCodeableConcept=coded(f"{ACME}|male")),
        ),
        questionnaire("abuse", "focus", f"{SNOMED}|408934002"),
        questionnaire("venue", "venue", f"{SNOMED}|408934002"),
        document("replacing", "replaces", "DocumentReference/d1"),
        document("appending", "appends", "DocumentReference/d1"),
        sequence("one", "1", 100, 200),
        sequence("two", "2", 100, 200),
        condition("a", code=coded("a")),
        condition("b", code=coded("b")),
        condition("comma", code=coded("a,b")),
        condition("worded", code=coded(f"{ACME}|a", text="x")),
        condition("barred", code={"coding": [{"system": ACME, "code": "a|b"}]}),
        condition("dollar", code={"coding": [{"system": ACME, "code": "a$b"}]}),
        condition("slash", code={"coding": [{"code": "a\\b"}]}),
    ),
    (
        says(
            "combining",
            "A repeated parameter must hold each time",
            ("Patient?language=fr&language=nl", "french-dutch"),
            ("Patient?language=fr&language=en&language=nl", ""),
        ),
        says(
            "combining",
            "A comma parts alternatives",
            ("Patient?language=fr,nl", "french dutch french-dutch french-english"),
            ("Patient?language=nl,en,", "dutch french-dutch french-english english"),
        ),
        says(
            "combining",
            "Alternatives and repetitions go together",
            ("Patient?language=fr,nl&language=en", "french-english"),
        ),
        says(
            "combining",
            "With a modifier a comma parts alternatives too",
            ("Patient?language:not=fr,nl", "english"),
            ("Condition?code:text=X,y", "worded"),
        ),
        says(
            "composite",
            "A code and an amount must stand in the same part of the resource",
            (f"Observation?component-code-value-quantity={LOINC}|8480-6$lt60", "low"),
            (f"Observation?component-code-value-quantity={LOINC}|8462-4$lt60", "high"),
            ("Observation?component-code-value-quantity=8480-6$lt60", "low"),
            (f"Observation?component-code-value-quantity={LOINC}|8480-6$gt60", "high"),
            (f"Observation?component-code-value-quantity={LOINC}|8480-6$150|{UCUM}|mm[Hg]", "high"),
            (f"Observation?component-code-value-quantity={LOINC}|8480-6$90", ""),
            (f"Observation?component-code-value-quantity={LOINC}|85354-9$lt60", ""),
            (f"Observation?code-value-quantity={LOINC}|8480-6$lt60", ""),
        ),
        says(
            "composite",
            "The second part is written as its own parameter has it",
            (f"Observation?code-value-quantity={LOINC}|2823-3$gt5.4|{UCUM}|mmol/L", "potassium6"),
            (f"Observation?code-value-quantity={LOINC}|2823-3$gt0.0054|{UCUM}|mol/L", "potassium6"),
            (f"Observation?code-value-quantity={LOINC}|2823-3$le4", "potassium4"),
            (f"Observation?code-value-quantity={LOINC}|2823-3$150", ""),
            ("Observation?code-value-quantity=2951-2$ge150", "sodium"),
            (f"Observation?code-value-concept={LOINC}|883-9${SNOMED}|112144000", "blood"),
            (f"Observation?code-value-concept={LOINC}|10331-7${SNOMED}|112144000", ""),
            ("Observation?code-value-concept=883-9$112144000", "blood"),
            (f"Observation?code-value-string={LOINC}|8251-1$bien", "noted"),
            (f"Observation?code-value-date={LOINC}|11778-8$2024-05", "due"),
            (f"Observation?code-value-date={LOINC}|11778-8$gt2024-05-02", ""),
        ),
        says(
            "composite",
            "A composite over several paths is met by either",
            (f"Observation?combo-code-value-quantity={LOINC}|8480-6$lt60", "low"),
            (f"Observation?combo-code-value-quantity={LOINC}|2823-3$gt5", "potassium6"),
            (f"Observation?combo-code={LOINC}|8480-6", "low high"),
            (f"Observation?combo-code={LOINC}|2823-3", "potassium4 potassium6"),
            (f"Observation?combo-value-quantity=150|{UCUM}|mm[Hg]", "high"),
            ("Observation?combo-value-quantity=150", "high sodium"),
            (f"Observation?combo-code-value-concept={LOINC}|883-9${SNOMED}|112144000", "blood"),
        ),
        says(
            "composite",
            "Composites are alternatives and repeat like any value",
            (
                f"Observation?component-code-value-quantity={LOINC}|8480-6$lt60,{LOINC}|8462-4$lt60",
                "low high",
            ),
            (
                f"Observation?component-code-value-quantity={LOINC}|8480-6$gt100"
                f"&component-code-value-quantity={LOINC}|8462-4$lt60",
                "high",
            ),
            ("Group?characteristic-value=gender$mixed,owner$Eve", "mixed owned"),
        ),
        says(
            "composite",
            "A key and its value belong together",
            ("Group?characteristic-value=gender$mixed", "mixed"),
            (f"Group?characteristic-value={ACME}|gender${ACME}|male", "owned"),
            ("Group?characteristic-value=owner$male", ""),
            (f"Questionnaire?context-type-value=focus${SNOMED}|408934002", "abuse"),
            (f"Questionnaire?context-type-value={FOCUS}|venue${SNOMED}|408934002", "venue"),
            ("DocumentReference?relationship=DocumentReference/d1$replaces", "replacing"),
            ("DocumentReference?relationship=DocumentReference/d2$replaces", ""),
        ),
        says(
            "composite",
            "A composite may have three parts",
            ("MolecularSequence?chromosome-window-coordinate=1$lt150$gt150", "one"),
            ("MolecularSequence?chromosome-window-coordinate=2$lt150$gt150", "two"),
            ("MolecularSequence?chromosome-window-coordinate=1$lt50$gt150", ""),
            ("MolecularSequence?chromosome-window-coordinate=1$lt150", 400),
        ),
        says(
            "composite",
            "A composite has all of its parts and no modifier",
            (f"Observation?code-value-quantity={LOINC}|2823-3", 400),
            (f"Observation?code-value-quantity={LOINC}|2823-3$", 400),
            (f"Observation?code-value-quantity={LOINC}|2823-3$5$6", 400),
            (f"Observation?code-value-quantity={LOINC}|2823-3$much", 400),
            (f"Observation?code-value-quantity:exact={LOINC}|2823-3$5", 400),
            ("Observation?code-value-quantity:missing=true", 400),
        ),
        says(
            "escaping",
            "A backslash takes its meaning from the sign behind it",
            ("Condition?code=a,b", "a b worded"),
            ("Condition?code=a\\,b", "comma"),
            ("Condition?code=a\\|b", "barred"),
            (f"Condition?code={ACME}|a\\|b", "barred"),
            ("Condition?code=a\\$b", "dollar"),
            ("Condition?code=a\\\\b", "slash"),
            ("Condition?code=a\\,b,b", "comma b"),
            (f"Observation?code-value-string={LOINC}|8251-1$Bien dormi\\, \\$5", "noted"),
        ),
        says(
            "escaping",
            "A backslash before anything else is wrong",
            ("Condition?code=a\\b", 400),
            ("Condition?code=ab\\", 400),
        ),
        says(
            "escaping",
            "Percent-encoding is taken away first, and is no escape",
            ("Condition?code=a%2Cb", "a b worded"),
            ("Condition?code=a%5C%2Cb", "comma"),
            (f"Condition?code={ACME}%7Ca%5C%7Cb", "barred"),
        ),
        says(
            "missing",
            "What is missing is asked for on its own",
            ("Condition?code=a&code:missing=true", ""),
            ("Condition?code:missing=true,false", 400),
        ),
    ),
)
