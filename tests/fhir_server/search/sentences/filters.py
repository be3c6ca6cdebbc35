"""`_filter`. https://hl7.org/fhir/R4/search.html#filter · https://hl7.org/fhir/R4/search_filter.html"""

from __future__ import annotations

from tests.fhir_server.search.sentences.table import (
    LOINC,
    UCUM,
    Chapter,
    coded,
    named,
    observation,
    one,
    says,
    to,
    ucum,
)

CHAPTER = Chapter(
    "filters",
    (
        named("peter", "Chalmers", "Peter", birthDate="2014-12-01", gender="male", active=True),
        named("petra", "Carpet", "Petra", birthDate="2010-01-01", gender="female", active=False),
        named("anna", "Hoarau", "Anna", birthDate="2014-11-01"),
        observation(
            "k6", code=coded(f"{LOINC}|2823-3"), subject=to("Patient/peter"), valueQuantity=ucum(6, "mmol/L")
        ),
        observation(
            "k4", code=coded(f"{LOINC}|2823-3"), subject=to("Patient/petra"), valueQuantity=ucum(4, "mmol/L")
        ),
        observation(
            "na", code=coded(f"{LOINC}|2951-2"), subject=to("Patient/peter"), effectiveDateTime="2020-05"
        ),
        one("ValueSet", "v", status="draft", url="http://acme.org/fhir/ValueSet/v"),
    ),
    (
        says(
            "filter",
            "A test has a parameter, an operator and a value",
            ('Patient?_filter=given eq "Peter"', "peter"),
            ('Patient?_filter=name co "pet"', "peter petra"),
            ('Patient?_filter=family sw "car"', "petra"),
            ('Patient?_filter=family ew "mers"', "peter"),
            ("Patient?_filter=gender eq male", "peter"),
            ("Patient?_filter=birthdate ge 2014-10-10", "peter anna"),
            ("Patient?_filter=birthdate lt 2014", "petra"),
            (f"Observation?_filter=code eq {LOINC}|2951-2", "na"),
            ("Patient?_filter=_id eq anna", "anna"),
        ),
        says(
            "filter",
            "Tests are joined by and, or, not, and parentheses",
            ('Patient?_filter=given eq "Peter" and birthdate ge 2014-10-10', "peter"),
            ('Patient?_filter=given eq "Petra" or birthdate ge 2014-10-10', "peter petra anna"),
            ('Patient?_filter=not (name co "pet")', "anna"),
            ('Patient?_filter=name co "pet" and (gender eq female or active eq true)', "peter petra"),
            ("Patient?_filter=gender eq female or not (gender pr true)", "petra anna"),
        ),
        says(
            "filter",
            "Whether there is a value can be asked, beside other tests",
            ("Patient?_filter=gender pr true", "peter petra"),
            ("Patient?_filter=gender pr false", "anna"),
            ("Patient?_filter=active eq true or active pr false", "peter anna"),
        ),
        says(
            "filter",
            "Paths follow references, and may filter on the way",
            (f'Observation?_filter=code eq {LOINC}|2823-3 and subject.name co "peter"', "k6"),
            ("Observation?_filter=subject re Patient/petra", "k4"),
            ('Observation?_filter=subject[gender eq male].given eq "Peter"', "k6 na"),
        ),
        says(
            "filter",
            "Amounts and times are compared as elsewhere",
            (f"Observation?_filter=value-quantity gt 5|{UCUM}|mmol/L", "k6"),
            ("Observation?_filter=value-quantity le 4", "k4"),
            ("Observation?_filter=date po 2020", "na"),
            ("Observation?_filter=date sa 2019", "na"),
            ("Observation?_filter=date eb 2020", ""),
        ),
        says(
            "filter",
            "It is one criterion among others",
            ("Patient?_filter=gender pr true&active=true", "peter"),
            ("Patient?_filter=gender pr true&_filter=active eq false", "petra"),
        ),
        says(
            "filter",
            "What cannot be read is refused",
            ("Patient?_filter=given", 400),
            ("Patient?_filter=given is Peter", 400),
            ('Patient?_filter=given eq "Peter', 400),
            ("Patient?_filter=(gender eq male", 400),
            ("Patient?_filter=gender eq male and", 400),
            ("Patient?_filter=shoe eq 42", 400),
            ("Patient?_filter=birthdate gt soon", 400),
        ),
    ),
)
