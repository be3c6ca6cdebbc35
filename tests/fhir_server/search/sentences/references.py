"""Parameters of type reference. https://hl7.org/fhir/R4/search.html#reference"""

from __future__ import annotations

from fhir_server.kernel.wire import Tree
from tests.fhir_server.interactions.performing import BASE
from tests.fhir_server.search.sentences.table import Chapter, observation, one, says, to

MRN = "http://acme.org/mrn"
FORM = "http://acme.org/Questionnaire/q"
URN = "urn:uuid:53fefa32-fcbb-4ff8-8a92-55ee120877b7"
HERE = "relative absolute versioned absoluteversion"
ASKED = f"{BASE}/Questionnaire/asked"


def about(id: str, **subject: object) -> Tree:
    return observation(id, subject=subject)


def filled(id: str, questionnaire: str) -> Tree:
    return one("QuestionnaireResponse", id, status="completed", questionnaire=questionnaire)


def listing(id: str, *items: str) -> Tree:
    return one("List", id, status="current", mode="working", entry=[{"item": to(item)} for item in items])


def document(id: str, composition: str) -> Tree:
    first = {
        "resourceType": "Composition",
        "id": composition,
        "status": "final",
        "type": {"text": "x"},
        "date": "2020",
        "author": [to("Practitioner/nobody")],
        "title": "x",
    }
    return one(
        "Bundle",
        id,
        type="document",
        identifier={"system": "urn:ietf:rfc:3986", "value": URN},
        timestamp="2020-01-01T00:00:00Z",
        entry=[{"fullUrl": f"{BASE}/Composition/{composition}", "resource": first}],
    )


CHAPTER = Chapter(
    "references",
    (
        about("relative", reference="Patient/23"),
        about("absolute", reference=f"{BASE}/Patient/23"),
        about("versioned", reference="Patient/23/_history/1"),
        about("absoluteversion", reference=f"{BASE}/Patient/23/_history/1"),
        about("elsewhere", reference="http://other.org/fhir/Patient/23"),
        about("group", reference="Group/99"),
        about("logical", identifier={"system": MRN, "value": "123"}),
        about("twofold", reference="Patient/24", identifier={"system": MRN, "value": "124"}),
        about("urn", reference=URN),
        observation("nobody"),
        filled("any", FORM),
        filled("q10", f"{FORM}|1.0"),
        filled("q11", f"{FORM}|1.1"),
        filled("q20", f"{FORM}|2.0"),
        filled("longer", f"{FORM}2|1.0"),
        filled("own", ASKED),
        filled("own1", f"{ASKED}|1.0"),
        filled("own2", "Questionnaire/asked|2.0"),
        listing("kept", f"{BASE}/Patient/23/_history/1", "Patient/24/_history/2"),
        document("report", "c1"),
        document("letter", "c2"),
        one("Procedure", "here", status="completed", subject=to("Patient/23"), location=to("Location/42")),
    ),
    (
        says(
            "reference",
            "An id means a resource of this server, of whatever type the parameter points to",
            ("Observation?subject=23", HERE),
            ("Observation?subject=99", "group"),
            ("Observation?patient=23", HERE),
            ("Observation?subject=0", ""),
        ),
        says(
            "reference",
            "A type and an id mean one resource of this server, relative or absolute",
            ("Observation?subject=Patient/23", HERE),
            ("Observation?subject=Group/99", "group"),
            ("Observation?subject=Patient/99", ""),
            (f"Observation?subject={BASE}/Patient/23", HERE),
            ("Observation?patient=Patient/23", HERE),
            (f"Observation?patient={BASE}/Patient/23", HERE),
        ),
        says(
            "reference",
            "The address on another server means just that",
            ("Observation?subject=http://other.org/fhir/Patient/23", "elsewhere"),
            ("Observation?subject=http://third.org/fhir/Patient/23", ""),
            (f"Observation?subject={URN}", "urn"),
        ),
        says(
            "reference",
            "A type behind the name says which resource an id means",
            ("Observation?subject:Patient=23", HERE),
            ("Observation?subject:Patient=Patient/23", HERE),
            ("Observation?subject:Group=99", "group"),
            ("Observation?subject:Group=23", ""),
            ("Observation?subject:Device=23", ""),
            ("Observation?subject:Medication=23", 400),
            ("Observation?subject:patient=23", 400),
        ),
        says(
            "reference",
            "A parameter for patients sees no other subjects",
            ("Observation?patient=99", ""),
            ("Observation?patient:Patient=24", "twofold"),
        ),
        says(
            "versions",
            "A reference to a version is a reference to the resource",
            ("Observation?subject=Patient/23/_history/1", "versioned absoluteversion"),
            ("Observation?subject=Patient/23/_history/2", ""),
        ),
        says(
            "reference",
            "A version of a resource of this server is the same, relative or absolute",
            (f"Observation?subject={BASE}/Patient/23/_history/1", "versioned absoluteversion"),
            (
                f"Observation?subject={BASE.replace('https', 'http')}/Patient/23/_history/1",
                "versioned absoluteversion",
            ),
            (f"Observation?patient={BASE}/Patient/23/_history/1", "versioned absoluteversion"),
            (f"Observation?subject={BASE}/Patient/23/_history/2", ""),
            ("Observation?subject=http://other.org/fhir/Patient/23/_history/1", ""),
            ("Observation?_filter=subject re Patient/23/_history/1", "versioned absoluteversion"),
            (f"Observation?_filter=subject re {BASE}/Patient/23/_history/1", "versioned absoluteversion"),
            ("List?item=Patient/23/_history/1", "kept"),
            (f"List?item={BASE}/Patient/24/_history/2", "kept"),
            (f"List?item={BASE}/Patient/24/_history/1", ""),
        ),
        says(
            "reference",
            "The identifier modifier searches the identifier in the reference as a token",
            (f"Observation?subject:identifier={MRN}|123", "logical"),
            ("Observation?subject:identifier=124", "twofold"),
            (f"Observation?subject:identifier={MRN}|", "logical twofold"),
            ("Observation?subject:identifier=|123", ""),
            (f"Observation?subject:identifier={MRN}|123,{MRN}|124", "logical twofold"),
            ("Observation?subject=123", ""),
        ),
        says(
            "reference",
            "No chain follows an identifier, and a canonical has none",
            ("Observation?subject:identifier.name=x", 400),
            ("QuestionnaireResponse?questionnaire:identifier=x", 400),
        ),
        says(
            "versions",
            "A canonical is found in every version, or in the one behind the bar",
            (f"QuestionnaireResponse?questionnaire={FORM}", "any q10 q11 q20"),
            (f"QuestionnaireResponse?questionnaire={FORM}|1.0", "q10"),
            (f"QuestionnaireResponse?questionnaire={FORM}|3.0", ""),
            ("QuestionnaireResponse?questionnaire=http://acme.org/Questionnaire", ""),
        ),
        says(
            "versions",
            "Below a canonical are its versions, or those that begin with the one behind the bar",
            (f"QuestionnaireResponse?questionnaire:below={FORM}", "any q10 q11 q20"),
            (f"QuestionnaireResponse?questionnaire:below={FORM}|1", "q10 q11"),
        ),
        says(
            "reference",
            "A canonical of this server is the same, relative or absolute",
            ("QuestionnaireResponse?questionnaire=Questionnaire/asked", "own own1 own2"),
            (f"QuestionnaireResponse?questionnaire={ASKED}", "own own1 own2"),
            ("QuestionnaireResponse?questionnaire=Questionnaire/asked|1.0", "own1"),
            (f"QuestionnaireResponse?questionnaire={ASKED}|2.0", "own2"),
            ("QuestionnaireResponse?questionnaire:below=Questionnaire/asked", "own own1 own2"),
            (f"QuestionnaireResponse?questionnaire:below={ASKED}", "own own1 own2"),
            ("QuestionnaireResponse?questionnaire:below=Questionnaire/asked|1", "own1"),
            (f"QuestionnaireResponse?questionnaire:below={ASKED}|2", "own2"),
        ),
        says(
            "reference",
            "A resource inside a Bundle is referred to by its place there",
            ("Bundle?composition=c1", "report"),
            ("Bundle?composition=Composition/c2", "letter"),
            ("Bundle?composition=c3", ""),
        ),
        says(
            "recursive",
            "Hierarchies of references are not followed, and that is said",
            ("Procedure?location=42", "here"),
            ("Procedure?location:below=42", 400),
            ("Procedure?location:above=42", 400),
        ),
        says(
            "combining",
            "A comma is either target",
            ("Observation?subject=Patient/23,Group/99", f"{HERE} group"),
            ("Observation?subject=24,99", "twofold group"),
            ("Observation?subject=Patient/23&subject=Patient/24", ""),
        ),
        says(
            "missing",
            "A reference may be missing",
            ("Observation?subject:missing=true", "nobody"),
            ("Procedure?location:missing=false", "here"),
        ),
        says(
            "modifiers",
            "A reference takes no modifier of texts or codes",
            ("Observation?subject:exact=23", 400),
            ("Observation?subject:not=Patient/23", 400),
            ("Observation?subject:contains=23", 400),
            ("Observation?subject:in=http://acme.org/x", 400),
        ),
    ),
)
