"""Order, includes and contained resources. https://hl7.org/fhir/R4/search.html#return"""

from __future__ import annotations

from typing import Any

from fhir_server.kernel.wire import Tree
from tests.fhir_server.search.sentences.table import Chapter, coded, named, observation, one, says, to, ucum


def measured(id: str, **elements: Any) -> Tree:
    return observation(id, **elements)


def request(id: str, *contained: Tree, **elements: Any) -> Tree:
    tree = one(
        "MedicationRequest",
        id,
        **{
            "status": "active",
            "intent": "order",
            "subject": to("Patient/zoe"),
            "medicationCodeableConcept": {"text": "x"},
            **elements,
        },
    )
    return {**tree, "contained": list(contained)} if contained else tree


def medication(id: str, ingredient: str) -> Tree:
    return one(
        "Medication", id, ingredient=[{"itemCodeableConcept": coded(f"http://acme.org/med|{ingredient}")}]
    )


def holding(id: str) -> Tree:
    """A request for a Medication that it contains."""
    tree = request(id, medication("m1", "abc"), medicationReference=to("#m1"))
    del tree["medicationCodeableConcept"]
    return tree


def dispense(id: str) -> Tree:
    return one(
        "MedicationDispense",
        id,
        status="completed",
        medicationCodeableConcept={"text": "x"},
        subject=to("Patient/zoe"),
        authorizingPrescription=[to("MedicationRequest/plain")],
    )


def provenance(id: str, target: str) -> Tree:
    return one(
        "Provenance",
        id,
        target=[to(target)],
        recorded="2020-01-01T00:00:00Z",
        agent=[{"who": to("Practitioner/doc")}],
    )


CHAPTER = Chapter(
    "results",
    (
        named("zoe", "payet", "Zoé", "Abel", birthDate="1950", gender="female"),
        named("mia", "PAYET", "Mia", birthDate="1940", gender="male"),
        named("eva", "Éthève", "Eva", birthDate="1960-05", gender="female"),
        named("noah", "", "Noah", birthDate="1960-04-01"),
        named("anon"),
        measured(
            "five", valueQuantity=ucum(5, "mg"), subject=to("Patient/zoe"), effectiveDateTime="2020-01-01"
        ),
        measured(
            "span",
            valueQuantity=ucum(50, "mg"),
            subject=to("Patient/zoe"),
            effectivePeriod={"start": "2019-01-01", "end": "2021-01-01"},
            hasMember=[to("Observation/five"), to("Observation/gone")],
        ),
        measured(
            "top",
            valueQuantity=ucum(500, "mg"),
            subject=to("Group/g1"),
            effectiveDateTime="2020-06-01",
            hasMember=[to("Observation/span")],
        ),
        measured("blank"),
        one("Group", "g1", type="person", actual=True),
        one("Practitioner", "doc", name=[{"family": "Doc"}]),
        request("plain", requester=to("Practitioner/doc")),
        holding("holds"),
        request("far", subject=to("http://other.org/fhir/Patient/zoe")),
        medication("stored", "abc"),
        dispense("given"),
        provenance("origin", "MedicationRequest/plain"),
    ),
    (
        says(
            "sort",
            "A sort goes up, or down behind a minus, and what has no value comes last either way",
            ("Patient?_sort=birthdate", "mia > zoe > noah > eva > anon"),
            ("Patient?_sort=-birthdate", "eva > noah > zoe > mia > anon"),
            ("Patient?_sort=_id", "anon > eva > mia > noah > zoe"),
            ("Patient?_sort=-_id", "zoe > noah > mia > eva > anon"),
        ),
        says(
            "sort",
            "Texts are sorted without case and accents, and further keys decide between equals",
            ("Patient?_sort=family,birthdate,_id", "eva > mia > zoe > noah > anon"),
            ("Patient?_sort=family,-birthdate,_id", "eva > zoe > mia > noah > anon"),
            ("Patient?_sort=-family,-birthdate,_id", "zoe > mia > eva > noah > anon"),
            ("Patient?_sort=gender,family,_id", "eva > zoe > mia > anon > noah"),
        ),
        says(
            "sort",
            "Of several values the one counts that comes first in that order",
            ("Patient?_sort=given", "zoe > eva > mia > noah > anon"),
            ("Patient?_sort=-given", "zoe > noah > mia > eva > anon"),
        ),
        says(
            "sort",
            "Amounts, dates and links are sorted too",
            ("Observation?_sort=value-quantity", "five > span > top > blank"),
            ("Observation?_sort=-value-quantity", "top > span > five > blank"),
            ("Observation?_sort=date", "span > five > top > blank"),
            ("Observation?_sort=-date", "span > top > five > blank"),
            ("Observation?_sort=subject,date", "top > span > five > blank"),
        ),
        says(
            "sort",
            "A sort applies to what was found",
            ("Patient?gender=female&_sort=-birthdate", "eva > zoe"),
            ("Observation?date=ge2020&_sort=-value-quantity", "top > span > five"),
        ),
        says(
            "sort",
            "What cannot be sorted by is refused to those who ask strictly",
            ("Patient?_sort=shoe", 400),
            ("Patient?_sort=_score", 400),
            ("Patient?_sort:asc=family", 400),
        ),
        says(
            "include",
            "An include brings along what the matches point to",
            ("MedicationRequest?_include=MedicationRequest:patient", "plain holds far +zoe"),
            ("MedicationRequest?_id=plain&_include=MedicationRequest:requester", "plain +doc"),
            ("MedicationDispense?_include=MedicationDispense:prescription", "given +plain"),
            ("Observation?_id=top&_include=Observation:subject", "top +g1"),
        ),
        says(
            "include",
            "A third part says which type of target is wanted",
            ("Observation?_id=top,five&_include=Observation:subject:Patient", "top five +zoe"),
            ("Observation?_id=top,five&_include=Observation:subject:Group", "top five +g1"),
            ("Observation?_id=top,five&_include=Observation:subject", "top five +zoe +g1"),
        ),
        says(
            "include",
            "What is not here is left out without an error",
            ("MedicationRequest?_id=far&_include=MedicationRequest:patient", "far"),
            ("Observation?_id=span&_include=Observation:has-member", "span +five"),
            ("Observation?_id=blank&_include=Observation:subject", "blank"),
        ),
        says(
            "revinclude",
            "A reverse include brings along what points to the matches",
            ("MedicationRequest?_revinclude=Provenance:target", "plain holds far +origin"),
            ("Patient?_id=zoe&_revinclude=Observation:subject", "zoe +five +span"),
            ("Patient?_id=zoe&_revinclude=Observation:subject:Patient", "zoe +five +span"),
            ("Patient?_id=mia&_revinclude=Observation:subject", "mia"),
        ),
        says(
            "include",
            "Includes are repeated, one criterion each",
            (
                "MedicationRequest?_id=plain&_include=MedicationRequest:patient"
                "&_include=MedicationRequest:requester&_revinclude=Provenance:target",
                "plain +zoe +doc +origin",
            ),
        ),
        says(
            "include",
            "An include goes one step, unless it iterates",
            ("Observation?_id=top&_include=Observation:has-member", "top +span"),
            ("Observation?_id=top&_include:iterate=Observation:has-member", "top +span +five"),
            (
                "MedicationDispense?_include=MedicationDispense:prescription"
                "&_include=MedicationRequest:requester",
                "given +plain",
            ),
            (
                "MedicationDispense?_include=MedicationDispense:prescription"
                "&_include:iterate=MedicationRequest:requester",
                "given +plain +doc",
            ),
            (
                "Practitioner?_id=doc&_revinclude=MedicationRequest:requester"
                "&_revinclude:iterate=Provenance:target",
                "doc +plain +origin",
            ),
        ),
        says(
            "include",
            "A star stands for every reference",
            ("MedicationRequest?_id=plain&_include=*", "plain +zoe +doc"),
            ("MedicationRequest?_id=plain&_include=MedicationRequest:*", "plain +zoe +doc"),
            ("MedicationRequest?_id=plain&_revinclude=*", "plain +given +origin"),
            ("MedicationRequest?_id=plain&_revinclude=Provenance:*", "plain +origin"),
        ),
        says(
            "include",
            "What matches is not included as well",
            ("Observation?_id=span,five&_include=Observation:has-member", "span five"),
            ("Observation?_id=top,span&_include:iterate=Observation:has-member", "top span +five"),
        ),
        says(
            "include",
            "An include names a type and a reference",
            ("Observation?_include=subject", 400),
            ("Observation?_include=Observation:code", 400),
            ("Observation?_include=Shoe:subject", 400),
            ("Observation?_include:shoe=Observation:subject", 400),
        ),
        says(
            "contained",
            "Contained resources match when they are asked for, and show what contains them",
            ("Medication?ingredient-code=abc", "stored"),
            ("Medication?ingredient-code=abc&_contained=false", "stored"),
            ("Medication?ingredient-code=abc&_contained=true", "holds"),
            ("Medication?ingredient-code=abc&_contained=both", "stored holds"),
            ("Medication?ingredient-code=xyz&_contained=both", ""),
            ("Medication?ingredient-code=abc&_contained=true&_containedType=container", "holds"),
            ("Medication?ingredient-code=abc&_contained=perhaps", 400),
        ),
        says(
            "containedType",
            "Or they are shown alone, by the address of their container",
            ("Medication?ingredient-code=abc&_contained=true&_containedType=contained", "holds#m1"),
            ("Medication?ingredient-code=abc&_contained=both&_containedType=contained", "stored holds#m1"),
            ("Medication?ingredient-code=abc&_contained=true&_containedType=shell", 400),
        ),
    ),
)
