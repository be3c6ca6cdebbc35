"""Where a search happens: everywhere, in some types, in a compartment; and `near`.

https://hl7.org/fhir/R4/search.html#Introduction · https://hl7.org/fhir/R4/search.html#type
"""

from __future__ import annotations

from fhir_server.kernel.wire import Tree
from tests.fhir_server.search.sentences.table import (
    LOINC,
    Chapter,
    coded,
    coding,
    condition,
    named,
    observation,
    one,
    says,
    to,
)

TAG = "http://acme.org/tags"
MARKED = {"tag": [coding(f"{TAG}|x")]}


def place(id: str, latitude: float, longitude: float) -> Tree:
    return one("Location", id, position={"latitude": latitude, "longitude": longitude})


CHAPTER = Chapter(
    "contexts",
    (
        named("p1", "Payet", birthDate="1950", meta=MARKED),
        named("p2", "Hoarau", birthDate="1960"),
        observation(
            "o1",
            code=coded(f"{LOINC}|1-8", text="x"),
            subject=to("Patient/p1"),
            meta=MARKED,
        ),
        observation("o2", code=coded(f"{LOINC}|1-8"), subject=to("Patient/p2")),
        observation("o3", code=coded(f"{LOINC}|2-6"), performer=[to("Patient/p1")]),
        condition("c1", code=coded(f"{LOINC}|1-8"), subject=to("Patient/p1")),
        condition("c2", code=coded(f"{LOINC}|1-8"), subject=to("Patient/p2"), asserter=to("Practitioner/d1")),
        one("Practitioner", "d1", name=[{"family": "Payet"}]),
        one("Organization", "org", name="Payet SA"),
        place("denis", -20.8789, 55.4481),
        place("pierre", -21.3393, 55.4781),
        place("paris", 48.8566, 2.3522),
        place("taveuni", 0.0, 179.9),
        one("Location", "nowhere", name="x"),
    ),
    (
        says(
            "Introduction",
            "A search at the base is about every type, by what all types have",
            (f"?_tag={TAG}|x", "p1 o1"),
            ("?_id=p1,o2,c1", "p1 o2 c1"),
            (f"?_tag:not={TAG}|x&_id=p1,p2", "p2"),
            ("?_lastUpdated=gt2020&_id=denis", "denis"),
            ("?birthdate=1950", 400),
            ("?code=1-8", 400),
        ),
        says(
            "type",
            "Types narrow it, and may share a parameter then",
            ("?_type=Observation,Condition&code=1-8", "o1 o2 c1 c2"),
            (f"?_type=Observation,Condition&code={LOINC}|2-6", "o3"),
            ("?_type=Observation,Condition&patient=p1", "o1 c1"),
            ("?_type=Observation,Condition&subject:Patient.family=hoarau", "o2 c2"),
            ("?_type=Observation&code=2-6", "o3"),
            ("?_type=Patient,Practitioner&family=payet", "p1 d1"),
            ("?_type=Patient,Practitioner,Organization&name=payet", "p1 d1 org"),
            ("?_type=Observation,Condition&code:not=1-8", "o3"),
            ("?_type=Observation,Patient&birthdate=1950", 400),
            ("?_type=Shoe&_id=1", 400),
        ),
        says(
            "Introduction",
            "A compartment holds what is about its resource",
            ("Patient/p1/Observation?", "o1 o3"),
            ("Patient/p1/Observation?code=1-8", "o1"),
            ("Patient/p1/Condition?", "c1"),
            ("Patient/p2/Condition?code=1-8", "c2"),
            ("Patient/p9/Condition?", ""),
            ("Practitioner/d1/Condition?", "c2"),
            ("Patient/p1/Organization?", ""),
        ),
        says(
            "Introduction",
            "All types of a compartment can be searched at once",
            ("Patient/p1/*?_type=Observation,Condition", "o1 o3 c1"),
            ("Patient/p1/*?_type=Observation,Condition&code=1-8", "o1 c1"),
            (f"Patient/p2/*?_tag={TAG}|x", ""),
        ),
        says(
            "special",
            "Near is within a distance, along the globe",
            ("Location?near=-20.88|55.45|5|km", "denis"),
            ("Location?near=-20.88|55.45|60|km", "denis pierre"),
            ("Location?near=-20.88|55.45|5000|m", "denis"),
            ("Location?near=-20.88|55.45|45|km", "denis"),
            ("Location?near=-20.88|55.45|30000|km", "denis pierre paris taveuni"),
            ("Location?near=0|-179.95|20|km", "taveuni"),
            ("Location?near=0|-179.95|10|km", ""),
            ("Location?near=48.85|2.35|5|km,-20.88|55.45|5|km", "paris denis"),
        ),
        says(
            "special",
            "A place is written with bars and in degrees",
            ("Location?near=here", 400),
            ("Location?near=-20.88", 400),
            ("Location?near=-100|55|5|km", 400),
            ("Location?near=-20.88|55.45|5|parsec", 400),
            ("Location?near:exact=-20.88|55.45|5|km", 400),
        ),
    ),
)
