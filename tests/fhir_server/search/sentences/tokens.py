"""Parameters of type token. https://hl7.org/fhir/R4/search.html#token"""

from __future__ import annotations

from typing import Any

from fhir_server.kernel.wire import Tree
from tests.fhir_server.interactions.performing import BASE
from tests.fhir_server.search.sentences.table import (
    SNOMED,
    UCUM,
    Chapter,
    coded,
    condition,
    observation,
    one,
    says,
    to,
)

ACME = "http://acme.org/codes"
GENDERS = "http://hl7.org/fhir/administrative-gender"
MRN = "http://acme.org/mrn"
TYPES = "http://terminology.hl7.org/CodeSystem/v2-0203"
BOOLEANS = "http://hl7.org/fhir/special-values"


def identified(id: str, *identifiers: Tree, **elements: Any) -> Tree:
    return one("Patient", id, **({"identifier": list(identifiers)} if identifiers else {}), **elements)


def typed(value: str, *codings: str, text: str = "") -> Tree:
    return {"type": coded(*codings, text=text), "system": "http://acme.org/other", "value": value}


def contact(system: str, value: str) -> Tree:
    return {"telecom": [{"system": system, "value": value}]}


def document(id: str, content_type: str) -> Tree:
    attachment = {"contentType": content_type, "url": "http://acme.org/x"}
    return one("DocumentReference", id, status="current", content=[{"attachment": attachment}])


def composition(id: str, *sections: str) -> Tree:
    return one(
        "Composition",
        id,
        status="final",
        type={"text": "x"},
        date="2020",
        author=[to("Practitioner/nobody")],
        title="x",
        **(
            {"section": [{"title": s, "code": coded(s), "text": NARRATIVE} for s in sections]}
            if sections
            else {}
        ),
    )


def message(id: str, **event: Any) -> Tree:
    return one("MessageHeader", id, source={"endpoint": "http://acme.org/x"}, **event)


def concept(code: str, *below: Tree) -> Tree:
    return {"code": code, **({"concept": list(below)} if below else {})}


NARRATIVE = {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">x</div>'}

CHAPTER = Chapter(
    "tokens",
    (
        condition("acme", code=coded(f"{ACME}|ha125|Headache")),
        condition("other", code=coded("http://other.org/codes|ha125|Mal de tête")),
        condition("bare", code=coded("ha125")),
        condition("two", code=coded(f"{SNOMED}|25064002", f"{ACME}|ha125", text="Céphalée du matin")),
        condition("zz", code=coded(f"{ACME}|zz9|Tension-type headache", text="Stress")),
        condition("worded", code=coded(text="headache, mild")),
        observation("meter", valueCodeableConcept=coded(f"{UCUM}|m")),
        observation("mega", valueCodeableConcept=coded(f"{UCUM}|M")),
        identified("a2345", {"system": MRN, "value": "2345"}, gender="male", active=True),
        identified(
            "b2345", {"system": "http://other.org/mrn", "value": "2345"}, gender="female", active=False
        ),
        identified("c2345", {"value": "2345"}, gender="other"),
        identified("mixed", {"system": MRN, "value": "AbC-12"}),
        identified(
            "record", typed("446053", f"{TYPES}|MR", "http://acme.org/types|file", text="Dossier local")
        ),
        identified("license", typed("446053", f"{TYPES}|DL|Permis de conduire")),
        identified("root", {"system": "urn:oid:1.2.3", "value": "9"}),
        identified("rootvalue", {"value": "urn:oid:1.2.3"}),
        identified("phone", **contact("phone", "0262 90 50 50")),
        identified("mail", **contact("email", "Anne@acme.org")),
        document("xml", "text/xml"),
        document("xml8", "text/xml; charset=UTF-8"),
        document("xsl", "text/xsl"),
        composition("allergies", "48765-2"),
        composition("both", "48765-2", "11450-4"),
        composition("problems", "11450-4"),
        composition("nosection"),
        message("admitted", eventUri="http://acme.org/events/admit"),
        message("coded", eventCoding={"system": "http://acme.org/events", "code": "admit"}),
        one("ValueSet", "beta", status="draft", version="1.0-Beta"),
        one(
            "ValueSet",
            "heads",
            status="active",
            url="http://acme.org/ValueSet/heads",
            compose={"include": [{"system": ACME, "concept": [{"code": "ha125"}, {"code": "ha126"}]}]},
        ),
        one(
            "ValueSet",
            "named",
            status="active",
            url=f"{BASE}/ValueSet/own",
            compose={"include": [{"system": ACME, "concept": [{"code": "zz9"}]}]},
        ),
        one(
            "CodeSystem",
            "codes",
            status="active",
            content="complete",
            url=ACME,
            hierarchyMeaning="is-a",
            concept=[concept("pain", concept("ha125", concept("ha126"))), concept("zz9")],
        ),
    ),
    (
        says(
            "token",
            "A code alone matches in every system and in none",
            ("Condition?code=ha125", "acme other bare two"),
            ("Condition?code=zz9", "zz"),
            ("Condition?code=ha12", ""),
            ("Patient?identifier=2345", "a2345 b2345 c2345"),
        ),
        says(
            "token",
            "A system and a code must stand in one coding",
            (f"Condition?code={ACME}|ha125", "acme two"),
            (f"Condition?code={SNOMED}|ha125", ""),
            (f"Condition?code={SNOMED}|25064002", "two"),
            (f"Patient?identifier={MRN}|2345", "a2345"),
            ("Patient?identifier=http://acme.org/none|2345", ""),
        ),
        says(
            "token",
            "A bar in front means a code without a system",
            ("Condition?code=|ha125", "bare"),
            ("Patient?identifier=|2345", "c2345"),
            ("Condition?code=|zz9", ""),
        ),
        says(
            "token",
            "A bar behind means any code of the system",
            (f"Condition?code={ACME}|", "acme two zz"),
            (f"Patient?identifier={MRN}|", "a2345 mixed"),
            ("Condition?code=http://acme.org/none|", ""),
            ("Condition?code=|", 400),
        ),
        says(
            "token",
            "Every coding of a concept counts, and nothing of its text",
            ("Condition?code=25064002", "two"),
            ("Condition?code=headache", ""),
        ),
        says(
            "token",
            "Case matters in systems where two codes differ by it alone, and in doubt it does not",
            (f"Condition?code={ACME}|HA125", "acme two"),
            ("Condition?code=HA125", "acme other bare two"),
            (f"Patient?identifier={MRN}|abc-12", "mixed"),
            ("Patient?identifier=ABC-12", "mixed"),
            (f"Observation?value-concept={UCUM}|m", "meter"),
            (f"Observation?value-concept={UCUM}|M", "mega"),
            ("Patient?gender=MALE", ""),
            ("ValueSet?version=1.0-beta", "beta"),
        ),
        says(
            "token",
            "An element of type code has the system that its value set gives it",
            ("Patient?gender=male", "a2345"),
            (f"Patient?gender={GENDERS}|male", "a2345"),
            ("Patient?gender=http://acme.org/genders|male", ""),
            (f"Patient?gender={GENDERS}|", "a2345 b2345 c2345"),
            ("Patient?gender=male,female", "a2345 b2345"),
        ),
        says(
            "token",
            "A boolean is true or false, which are codes of their own system",
            ("Patient?active=true", "a2345"),
            ("Patient?active=false", "b2345"),
            (f"Patient?active={BOOLEANS}|true", "a2345"),
        ),
        says(
            "token",
            "A contact point is found by its value",
            ("Patient?phone=0262 90 50 50", "phone"),
            ("Patient?telecom=0262 90 50 50", "phone"),
            ("Patient?email=anne@acme.org", "mail"),
            ("Patient?email=0262 90 50 50", ""),
            ("Patient?telecom=Anne@acme.org", "mail"),
        ),
        says(
            "token",
            "A uri is a token without a system",
            ("MessageHeader?event=http://acme.org/events/admit", "admitted"),
            ("MessageHeader?event=admit", "coded"),
            ("MessageHeader?event=http://acme.org/events|admit", "coded"),
        ),
        says(
            "token",
            "A root of CDA may stand as the system or as a value without one",
            ("Patient?identifier=|urn:oid:1.2.3,urn:oid:1.2.3|", "root rootvalue"),
            ("Patient?identifier=urn:oid:1.2.3", "rootvalue"),
        ),
        says(
            "token",
            "The text modifier searches the words beside a code, as a text is searched",
            ("Condition?code:text=headache", "acme worded zz"),
            ("Condition?code:text=HEAD", "acme worded zz"),
            ("Condition?code:text=mal de tete", "other"),
            ("Condition?code:text=cephalee", "two"),
            ("Condition?code:text=ha125", ""),
            ("Condition?code:text=headache,céphalée", "acme worded two zz"),
            ("Patient?identifier:text=dossier", "record"),
        ),
        says(
            "token",
            "The words beside a code are found from any of them on, together and in their order",
            ("Condition?code:text=matin", "two"),
            ("Condition?code:text=type head", "zz"),
            ("Condition?code:text=mild,tete", "other worded"),
            ("Condition?code:text=tension headache", ""),
            ("Condition?code:text=ache", ""),
            ("Condition?code:text=headache&code:text=stress", "zz"),
            ("Patient?identifier:text=local", "record"),
        ),
        says(
            "token",
            "Not turns the match around, for the whole of a resource, and takes those without any value",
            ("Patient?gender:not=male", "b2345 c2345 mixed record license root rootvalue phone mail"),
            ("Patient?gender:not=male,female", "c2345 mixed record license root rootvalue phone mail"),
            ("Condition?code:not=ha125", "zz worded"),
            (f"Condition?code:not={ACME}|ha125", "other bare zz worded"),
            (f"Condition?code:not={ACME}|", "other bare worded"),
            ("Composition?section=48765-2", "allergies both"),
            ("Composition?section:not=48765-2", "problems nosection"),
            ("Patient?active:not=false&active:missing=false", "a2345"),
        ),
        says(
            "token",
            "Of type finds an identifier by any code of its type, and by its value",
            (f"Patient?identifier:of-type={TYPES}|MR|446053", "record"),
            (f"Patient?identifier:ofType={TYPES}|MR|446053", "record"),
            ("Patient?identifier:of-type=http://acme.org/types|file|446053", "record"),
            (f"Patient?identifier:of-type={TYPES}|DL|446053", "license"),
            (f"Patient?identifier:of-type={TYPES}|MR|44605", ""),
            (f"Patient?identifier:of-type={TYPES}|MR|1,{TYPES}|DL|446053", "license"),
            (f"Patient?identifier:of-type={TYPES}|MR", 400),
            ("Patient?identifier:of-type=|MR|446053", 400),
            (f"Patient?identifier:of-type={TYPES}|MR|", 400),
            ("Patient?identifier:of-type=446053", 400),
        ),
        says(
            "token",
            "In asks a value set, by its address here or by its url",
            ("Condition?code:in=http://acme.org/ValueSet/heads", "acme two"),
            ("Condition?code:in=ValueSet/heads", "acme two"),
            (f"Condition?code:in={BASE}/ValueSet/heads", "acme two"),
            (f"Condition?code:in={BASE}/ValueSet/own", "zz"),
            (f"Condition?code:in={BASE}/ValueSet/nothing", 400),
            (f"Condition?code:in={BASE}/ValueSet/heads/_history/1", 400),
            (f"Condition?code:in={BASE}/CodeSystem/codes", 400),
            ("Condition?code:in=http://other.org/fhir/ValueSet/heads", 400),
            ("Condition?code:not-in=http://acme.org/ValueSet/heads", "other bare zz worded"),
            (f"Condition?code:not-in={BASE}/ValueSet/heads", "other bare zz worded"),
            (f"Condition?_filter=code in {BASE}/ValueSet/heads", "acme two"),
            (f"Condition?_filter=code ni {BASE}/ValueSet/heads", "other bare zz worded"),
            ("Patient?gender:in=http://hl7.org/fhir/ValueSet/administrative-gender", "a2345 b2345 c2345"),
        ),
        says(
            "token",
            "Below is what a code subsumes and above what subsumes it, the code among them",
            (f"Condition?code:below={ACME}|pain", "acme two"),
            (f"Condition?code:below={ACME}|ha125", "acme two"),
            (f"Condition?code:below={ACME}|ha126", ""),
            (f"Condition?code:above={ACME}|ha126", "acme two"),
            (f"Condition?code:above={ACME}|zz9", "zz"),
            (f"Condition?code:above={ACME}|pain", ""),
        ),
        says(
            "mimetype",
            "Below a mime type are its parameters",
            ("DocumentReference?contenttype=text/xml", "xml"),
            ("DocumentReference?contenttype:below=text/xml", "xml xml8"),
        ),
        says(
            "missing",
            "A code may be missing, which no other value of the same parameter can be combined with",
            ("Patient?gender:missing=true", "mixed record license root rootvalue phone mail"),
            ("Patient?gender:missing=false", "a2345 b2345 c2345"),
            ("Patient?gender=male&gender:missing=true", ""),
            ("Condition?code:missing=true", ""),
            ("Patient?gender:missing=male", 400),
        ),
        says(
            "combining",
            "A comma is either code, a repetition is both",
            ("Condition?code=zz9,25064002", "two zz"),
            (f"Condition?code=ha125&code={SNOMED}|25064002", "two"),
            ("Composition?section=48765-2&section=11450-4", "both"),
            ("Composition?section=48765-2,11450-4", "allergies both problems"),
            ("Composition?section=48765-2&section:not=11450-4", "allergies"),
        ),
        says(
            "modifiers",
            "A code takes no modifier of texts or links",
            ("Condition?code:exact=ha125", 400),
            ("Condition?code:contains=ha125", 400),
            ("Patient?gender:Patient=male", 400),
            ("Patient?gender:=male", 400),
            ("Patient?identifier:in=http://acme.org/ValueSet/heads", 400),
            ("Condition?code:of-type=a|b|c", 400),
            ("Patient?active:text=true", 400),
            ("Condition?code:identifier=a|b", 400),
            ("Condition?code:iterate=ha125", 400),
        ),
    ),
)
