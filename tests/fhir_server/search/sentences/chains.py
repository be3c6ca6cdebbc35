"""Chains of references, forwards and backwards. https://hl7.org/fhir/R4/search.html#chaining"""

from __future__ import annotations

from typing import Any

from fhir_server.kernel.wire import Tree
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


def practitioner(id: str, family: str, state: str) -> Tree:
    return one("Practitioner", id, name=[{"family": family}], address=[{"state": state}])


def organization(id: str, name: str, **elements: Any) -> Tree:
    return one("Organization", id, name=name, **elements)


def report(id: str, subject: str, **elements: Any) -> Tree:
    return one("DiagnosticReport", id, status="final", code={"text": "x"}, subject=to(subject), **elements)


def seen(id: str, code: str, subject: str, **elements: Any) -> Tree:
    return observation(id, code=coded(f"{LOINC}|{code}"), subject=to(subject), **elements)


def audit(id: str, agent: str, what: str) -> Tree:
    return one(
        "AuditEvent",
        id,
        type={"code": "rest"},
        recorded="2020-01-01T00:00:00Z",
        agent=[{"requestor": True, "name": agent}],
        source={"observer": {"display": "x"}},
        entity=[{"what": to(what)}],
    )


def encounter(id: str, subject: str) -> Tree:
    return one("Encounter", id, status="planned", **{"class": {"code": "HH"}}, subject=to(subject))


def prescription(id: str, *contained: Tree, medication: str) -> Tree:
    tree = one(
        "MedicationRequest",
        id,
        status="active",
        intent="order",
        medicationReference=to(medication),
        subject=to("Patient/peter"),
    )
    return {**tree, "contained": list(contained)} if contained else tree


def medication(id: str, ingredient: str) -> Tree:
    return one(
        "Medication", id, ingredient=[{"itemCodeableConcept": coded(f"http://acme.org/med|{ingredient}")}]
    )


def plan(id: str, *members: str) -> Tree:
    """A CarePlan that contains its CareTeam."""
    team = one("CareTeam", "team", status="active", participant=[{"member": to(m)} for m in members])
    return one(
        "CarePlan",
        id,
        contained=[team],
        status="active",
        intent="plan",
        subject=to("Patient/peter"),
        careTeam=[to("#team")],
    )


CHAPTER = Chapter(
    "chains",
    (
        organization("north", "North group"),
        organization("hospital", "Hospital", partOf=to("Organization/north")),
        organization("ward", "Ward 9", partOf=to("Organization/hospital")),
        practitioner("joe", "Joe", "CA"),
        practitioner("jane", "Jane", "MN"),
        named(
            "peter",
            "Peters",
            "Peter",
            birthDate="1940",
            gender="male",
            managingOrganization=to("Organization/ward"),
            generalPractitioner=[to("Practitioner/joe"), to("Practitioner/jane")],
        ),
        named("anna", "Annas", "Anna", birthDate="1990", managingOrganization=to("Organization/hospital")),
        named("bare"),
        one("Group", "g1", type="person", actual=True, member=[{"entity": to("Patient/anna")}]),
        report("peters", "Patient/peter", result=[to("Observation/k6")]),
        report("annas", "Patient/anna", result=[to("Observation/k4")]),
        report("groups", "Group/g1"),
        report("lost", "Patient/gone"),
        seen(
            "k6",
            "2823-3",
            "Patient/peter",
            valueQuantity=ucum(6, "mmol/L"),
            performer=[to("Practitioner/joe")],
        ),
        seen("k4", "2823-3", "Patient/anna", valueQuantity=ucum(4, "mmol/L"), status="amended"),
        seen("na", "2951-2", "Patient/peter", valueQuantity=ucum(140, "mmol/L")),
        audit("read", "MyUserId", "Observation/k4"),
        encounter("visit", "Patient/anna"),
        encounter("stay", "Patient/peter"),
        prescription("compound", medication("m1", "abc"), medication="#m1"),
        prescription("stored", medication="Medication/xyz"),
        medication("xyz", "xyz"),
        one("Procedure", "past", status="completed", subject=to("Patient/peter/_history/1")),
        plan("home", "Practitioner/joe", "Patient/peter"),
        plan("alone", "Patient/peter"),
    ),
    (
        says(
            "chaining",
            "A dot leads to what a reference points to",
            ("DiagnosticReport?subject:Patient.name=peter", "peters"),
            ("DiagnosticReport?patient.name=peter", "peters"),
            ("DiagnosticReport?patient.family=nobody", ""),
            ("DiagnosticReport?patient._id=anna", "annas"),
            ("DiagnosticReport?subject:Group._id=g1", "groups"),
            ("DiagnosticReport?subject:Patient.active=true", ""),
        ),
        says(
            "chaining",
            "Without a type the chain goes to every type that has the parameter",
            ("DiagnosticReport?subject.name=peter", "peters"),
            ("DiagnosticReport?subject.member=Patient/anna", "groups"),
            ("DiagnosticReport?subject.birthdate=lt1950", "peters"),
        ),
        says(
            "chaining",
            "Chains go on from link to link",
            ("Observation?subject:Patient.organization.name=ward", "k6 na"),
            ("Observation?subject:Patient.organization.partof.name=hospital", "k6 na"),
            ("Observation?subject:Patient.organization.partof.name=north", "k4"),
            ("Observation?subject:Patient.organization.partof.partof.name=north", "k6 na"),
            ("DiagnosticReport?result.subject:Patient.organization:Organization.partof.name=north", "annas"),
            ("Observation?patient.general-practitioner:Practitioner.family=jane", "k6 na"),
        ),
        says(
            "chaining",
            "The end of a chain takes prefixes, modifiers and alternatives as if it stood alone",
            ("DiagnosticReport?subject:Patient.birthdate=ge1980", "annas"),
            ("DiagnosticReport?subject:Patient.family:exact=Peters", "peters"),
            ("DiagnosticReport?subject:Patient.family:exact=peters", ""),
            ("DiagnosticReport?subject:Patient.name:contains=nn", "annas"),
            ("DiagnosticReport?subject:Patient.name=peter,anna", "peters annas"),
            ("DiagnosticReport?subject:Patient.gender:missing=true", "annas"),
            ("DiagnosticReport?subject:Patient.gender:not=female", "peters annas"),
            ("DiagnosticReport?subject:Patient.organization=Organization/ward", "peters"),
            ("DiagnosticReport?subject:Patient.organization:missing=false", "peters annas"),
        ),
        says(
            "chaining",
            "Each chain is tried on its own, on one target or another",
            ("Patient?general-practitioner.name=Joe&general-practitioner.address-state=MN", "peter"),
            ("Patient?general-practitioner:Practitioner.name=Jim", ""),
        ),
        says(
            "composite",
            "A chain may end in a composite",
            (
                f"DiagnosticReport?result.code-value-quantity={LOINC}|2823-3$gt5.4|{UCUM}|mmol/L",
                "peters",
            ),
            ("DiagnosticReport?result.code-value-quantity=2823-3$lt5.4", "annas"),
        ),
        says(
            "chaining",
            "What is no link leads nowhere",
            ("DiagnosticReport?code.name=peter", 400),
            ("DiagnosticReport?subject:Patient.shoe=42", 400),
            ("DiagnosticReport?subject:Medication.code=x", 400),
            ("DiagnosticReport?subject:Patient.=x", 400),
            ("DiagnosticReport?subject:Patient.birthdate=soon", 400),
            ("DiagnosticReport?subject:Patient.family:not=x", 400),
        ),
        says(
            "contained",
            "A chain goes into what the resource contains",
            ("MedicationRequest?medication.ingredient-code=abc", "compound"),
            ("MedicationRequest?medication:Medication.ingredient-code=abc", "compound"),
            ("MedicationRequest?medication.ingredient-code=xyz", "stored"),
            ("MedicationRequest?medication.ingredient-code=abc,xyz", "compound stored"),
            ("MedicationRequest?medication.ingredient-code:missing=true", ""),
            ("CarePlan?care-team.participant=Practitioner/joe", "home"),
            ("CarePlan?care-team.participant=Patient/peter", "home alone"),
            ("CarePlan?care-team.participant:Practitioner.family=joe", "home"),
            ("CarePlan?care-team.status=active", "home alone"),
            ("CarePlan?care-team.status:not=active", ""),
        ),
        says(
            "contained",
            "What is contained is no match itself",
            ("Medication?ingredient-code=abc", ""),
            ("Medication?ingredient-code=xyz", "xyz"),
            ("CareTeam?status=active", ""),
        ),
        says(
            "versions",
            "A reference to a version leads to the resource as it is now",
            ("Procedure?patient.name=peter", "past"),
            ("Procedure?_include=Procedure:patient", "past +peter"),
            ("Patient?_has:Procedure:patient:status=completed", "peter"),
        ),
        says(
            "has",
            "Reversed, a chain asks what points here",
            ("Patient?_has:Observation:patient:code=2951-2", "peter"),
            ("Patient?_has:Observation:patient:code=1234-5", ""),
            (f"Patient?_has:Observation:subject:code={LOINC}|2823-3", "peter anna"),
            ("Observation?_has:DiagnosticReport:result:status=final", "k6 k4"),
            ("Patient?_has:Group:member:_id=g1", "anna"),
        ),
        says(
            "has",
            "Its value takes alternatives, modifiers and prefixes",
            ("Patient?_has:Observation:patient:code=2951-2,1234-5", "peter"),
            ("Patient?_has:Observation:patient:status:not=final", "anna"),
            ("Patient?_has:Observation:patient:value-quantity=lt5", "anna"),
            (f"Patient?_has:Observation:patient:code-value-quantity={LOINC}|2823-3$gt5", "peter"),
        ),
        says(
            "has",
            "Two of them may be met by two resources",
            ("Patient?_has:Observation:patient:code=2823-3&_has:Observation:patient:code=2951-2", "peter"),
            ("Patient?_has:Observation:patient:code=2823-3&_has:Group:member:_id=g1", "anna"),
            ("Patient?_has:Observation:patient:code=2823-3&gender=male", "peter"),
        ),
        says(
            "has",
            "They nest, and mix with chains",
            ("Patient?_has:Observation:patient:_has:AuditEvent:entity:agent-name=MyUserId", "anna"),
            ("Patient?_has:Observation:patient:_has:AuditEvent:entity:agent-name=nobody", ""),
            ("Encounter?patient._has:Group:member:_id=g1", "visit"),
            ("Encounter?subject:Patient._has:Observation:patient:code=2951-2", "stay"),
            ("Patient?_has:Observation:patient:performer:Practitioner.family=joe", "peter"),
            (
                "Practitioner?_has:Patient:general-practitioner:_has:Observation:patient:code=2951-2",
                "joe jane",
            ),
            ("Organization?_has:Patient:organization:family=peters", "ward"),
        ),
        says(
            "has",
            "What is written wrong is refused",
            ("Patient?_has:Observation:patient=x", 400),
            ("Patient?_has:Observation:code:status=final", 400),
            ("Patient?_has:Shoe:patient:size=42", 400),
            ("Patient?_has:Observation:patient:shoe=42", 400),
            ("Patient?_has=x", 400),
            ("Patient?_has:DiagnosticReport:result:status=final", 400),
        ),
        says(
            "modifiers",
            "A chain takes one modifier, at its end",
            ("DiagnosticReport?subject:missing.name=peter", 400),
            ("DiagnosticReport?subject:Patient:missing=true", 400),
        ),
    ),
)
