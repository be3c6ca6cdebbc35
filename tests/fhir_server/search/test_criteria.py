"""https://hl7.org/fhir/R4/search.html#chaining · https://hl7.org/fhir/R4/search.html#has"""

from __future__ import annotations

import time

import pytest

from fhir_server.search.query import (
    AllOf,
    AnyOf,
    Chain,
    Dates,
    DateValue,
    Has,
    Ids,
    Missing,
    Not,
    Nothing,
    Predicate,
    Strings,
    StringValue,
    Tokens,
    TokenValue,
)
from fhir_server.search.spans import span_of
from tests.fhir_server.search.asking import either, folded, name, only, parsed, refused

SUBJECT = name("subject", "Observation")
PET = (StringValue("pet"),)


def test_a_chain_goes_to_a_stored_resource_or_a_contained_one() -> None:
    assert only("Observation", "subject:Patient.address=Pet") == AnyOf(
        (
            Chain(SUBJECT, "Patient", Strings(name("address"), PET)),
            Strings(name("address", "Observation.subject#Patient"), PET),
        )
    )


def test_a_chain_without_type_goes_to_every_type_that_has_the_rest() -> None:
    assert only("Observation", "subject.address=Pet") == AnyOf(
        tuple(
            way
            for target in ("Location", "Patient")
            for way in (
                Chain(SUBJECT, target, Strings(name("address", target), PET)),
                Strings(name("address", f"Observation.subject#{target}"), PET),
            )
        )
    )


def test_a_chain_from_a_parameter_that_shares_rows_goes_along_these() -> None:
    assert only("Observation", "patient.address=Pet") == only("Observation", "subject:Patient.address=Pet")


def test_a_chain_takes_a_modifier_at_its_end() -> None:
    assert only("Observation", "subject:Patient.name:exact=Pet") == AnyOf(
        (
            Chain(SUBJECT, "Patient", Strings(name("name"), (StringValue("Pet", "exact"),))),
            Strings(name("name", "Observation.subject#Patient"), (StringValue("Pet", "exact"),)),
        )
    )


def test_links_follow_one_another() -> None:
    inner = AnyOf(
        (
            Chain(name("organization"), "Organization", Strings(name("name", "Organization"), PET)),
            Strings(name("name", "Patient.organization#Organization"), PET),
        )
    )

    assert only("Observation", "subject:Patient.organization.name=Pet") == AnyOf(
        (
            Chain(SUBJECT, "Patient", inner),
            Chain(
                name("organization", "Observation.subject#Patient"),
                "Organization",
                Strings(name("name", "Organization"), PET),
            ),
        )
    )


def test_what_a_stored_resource_lacks_a_contained_one_must_be_there_to_lack() -> None:
    there = Missing(name("", "Observation.subject#Patient"), False)
    male = (TokenValue("http://hl7.org/fhir/administrative-gender", "male"),)

    assert only("Observation", "subject:Patient.gender:not=male") == AnyOf(
        (
            Chain(SUBJECT, "Patient", Not(Tokens(name("gender"), male))),
            AllOf((there, Not(Tokens(name("gender", "Observation.subject#Patient"), male)))),
        )
    )
    assert only("Observation", "subject:Patient.gender:missing=true") == AnyOf(
        (
            Chain(SUBJECT, "Patient", Missing(name("gender"), True)),
            AllOf((there, Missing(name("gender", "Observation.subject#Patient"), True))),
        )
    )


def test_an_id_is_only_of_a_stored_resource() -> None:
    assert only("Observation", "subject:Patient._id=1") == Chain(SUBJECT, "Patient", Ids(("1",)))
    assert only("Observation", "subject:Patient._id=../1") == Nothing()


def test_a_value_counts_for_the_types_that_can_read_it() -> None:
    """`Provenance.target` leads anywhere: a date of one type is a text of another."""
    predicate = only("Provenance", "target.date=2024")

    assert isinstance(predicate, AnyOf)
    assert Chain(
        name("target", "Provenance"),
        "Observation",
        Dates(name("date", "Observation"), (DateValue("eq", *span_of("2024")),)),
    ) in set(predicate.of)
    assert "Not a date" in refused("Provenance", "target.date=x")[0]


CODES = either("1234-5")


@pytest.mark.parametrize(
    ("text", "predicate"),
    [
        (
            "_has:Observation:patient:code=1234-5",
            Has(SUBJECT, Tokens(name("code", "Observation"), CODES)),
        ),
        (
            "_has:Observation:subject:code=1234-5",
            Has(SUBJECT, Tokens(name("code", "Observation"), CODES)),
        ),
        (
            "_has:Observation:patient:code:not=1234-5",
            Has(SUBJECT, Not(Tokens(name("code", "Observation"), CODES))),
        ),
        (
            "_has:Observation:patient:code:missing=true",
            Has(SUBJECT, Missing(name("code", "Observation"), True)),
        ),
        (
            "_has:Observation:patient:_has:AuditEvent:entity:agent-name=Pet",
            Has(
                SUBJECT,
                Has(
                    name("entity", "AuditEvent"),
                    Strings(name("agent-name", "AuditEvent"), PET),
                ),
            ),
        ),
        (
            "_has:Encounter:patient:service-provider.identifier=1",
            Has(
                name("subject", "Encounter"),
                AnyOf(
                    (
                        Chain(
                            name("service-provider", "Encounter"),
                            "Organization",
                            Tokens(name("identifier", "Organization"), (folded("1"),)),
                        ),
                        Tokens(name("identifier", "Encounter.service-provider#Organization"), (folded("1"),)),
                    )
                ),
            ),
        ),
        ("_has:Observation:patient:_id=../x", Nothing()),
    ],
)
def test_a_reverse_chain_asks_what_points_here(text: str, predicate: Predicate) -> None:
    assert only("Patient", text) == predicate


def test_a_chain_may_end_in_a_reverse_one() -> None:
    assert only("Encounter", "patient._has:Observation:patient:code=1234-5") == Chain(
        name("subject", "Encounter"), "Patient", Has(SUBJECT, Tokens(name("code", "Observation"), CODES))
    )


@pytest.mark.parametrize(
    ("type", "text", "part"),
    [
        ("Observation", "subject.nothing=x", "None of the types"),
        ("Observation", "subject:Patient.familly=x", "Patient has no search parameter 'familly'"),
        ("Patient", "family.x=x", "Patient has no search parameter 'family.x'. Did you mean 'family'?"),
        ("Patient", "nothing.x=x", "Patient has no search parameter 'nothing'"),
        ("Patient", "organization.partof.nothing=x", "Organization has no search parameter 'nothing'"),
        ("Patient", "_has:Elephant:patient:code=1", "a resource type that FHIR R4 does not know"),
        ("Patient", "_has:Observation:code:code=1", "Observation has no reference parameter"),
        ("Patient", "_has:Observation:nothing:code=1", "Observation has no reference parameter"),
        ("Patient", "_has:Observation:patient:nothing=1", "Observation has no search parameter 'nothing'"),
    ],
)
def test_a_chain_of_unknown_parameters_is_ignored_or_refused(type: str, text: str, part: str) -> None:
    assert part in refused(type, text)[0]
    found = parsed(type, text, lenient=True)
    assert (found.query.where, len(found.issues)) == ((), 1)


@pytest.mark.parametrize(
    ("type", "text", "part"),
    [
        ("Observation", "subject:Organization.name=x", "never points to the type Organization"),
        ("Observation", "subject:Elephant.name=x", "only a type can stand behind its colon"),
        ("Observation", "subject:identifier.name=x", "only a type can stand behind its colon"),
        ("Observation", "subject:Patient.gender:exact=x", "does not take the modifier"),
        ("Observation", "subject.birthdate=x", "Not a date"),
        ("Patient", "_has=x", "_has:Type:reference:parameter"),
        ("Patient", "_has:Observation=x", "_has:Type:reference:parameter"),
        ("Patient", "_has:Observation:patient=x", "_has:Type:reference:parameter"),
        ("Patient", "_has:Observation::code=x", "_has:Type:reference:parameter"),
        ("Practitioner", "_has:Observation:patient:code=1", "never points to the type Practitioner"),
        ("Organization", "partof." * 9 + "name=x", "more than 8 links"),
        ("Organization", "partof." * 500 + "name=x", "longer than 2000 characters"),
        ("Patient", "_has:Patient:link:" * 9 + "name=x", "more than 8 links"),
        ("Basic", "subject.subject.subject.subject.code=x", "more than 1000 things"),
        ("Basic", "subject.subject.subject.subject.subject.subject.subject.nothing=x", "None of the types"),
        ("Patient", "family=" + "a," * 1000 + "a", "at most 1000"),
        ("Basic", "subject.code=" + "a," * 900 + "a", "at most"),
        ("Patient", "family=,,", "no value between"),
    ],
)
def test_a_criterion_that_asks_for_what_cannot_be_is_refused_at_once(type: str, text: str, part: str) -> None:
    start = time.process_time()

    assert part in refused(type, text)[0]
    assert time.process_time() - start < 2


def test_eight_links_and_five_hundred_values_are_fine() -> None:
    assert only("Organization", "partof." * 8 + "name=x") != Nothing()
    predicate = only("Patient", "identifier=" + ",".join(f"urn:x|{n}" for n in range(500)))

    assert isinstance(predicate, Tokens)
    assert len(predicate.values) == 500
