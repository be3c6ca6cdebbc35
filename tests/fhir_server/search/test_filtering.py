"""https://hl7.org/fhir/R4/search_filter.html#ops"""

from __future__ import annotations

from urllib.parse import quote

import pytest

from fhir_server.kernel.keys import Key
from fhir_server.search.query import (
    AllOf,
    AnyOf,
    Chain,
    Coded,
    Dates,
    DateValue,
    Has,
    Ids,
    Missing,
    Not,
    Predicate,
    Quantities,
    QuantityValue,
    References,
    Strings,
    StringValue,
    Terms,
    Tokens,
    TokenValue,
    Updated,
    Words,
)
from fhir_server.search.spans import span_of
from tests.fhir_server.search.asking import either, folded, name, only, refused


def asked(type: str, text: str) -> Predicate:
    return only(type, f"_filter={quote(text)}")


MALE = TokenValue("http://hl7.org/fhir/administrative-gender", "male")
CODE = name("code", "Observation")
DAY = span_of("2014-10-10")
PET = (StringValue("pet", "contains"),)


@pytest.mark.parametrize(
    ("type", "text", "predicate"),
    [
        ("Patient", 'name co "pet"', Strings(name("name"), PET)),
        ("Patient", 'given eq "Péter"', Strings(name("given"), (StringValue("peter", "is"),))),
        ("Patient", "given sw pet", Strings(name("given"), (StringValue("pet"),))),
        ("Patient", "given ew pet", Strings(name("given"), (StringValue("pet", "ends"),))),
        (
            "Patient",
            r'given eq "a\\b,c$d|e"',
            Strings(name("given"), (StringValue("a b c d e", "is"),)),
        ),
        (
            "Patient",
            "given ne pet",
            AllOf(
                (
                    Missing(name("given"), False),
                    Not(Strings(name("given"), (StringValue("pet", "is"),))),
                )
            ),
        ),
        ("Patient", "given pr true", Missing(name("given"), False)),
        ("Patient", "given pr false", Missing(name("given"), True)),
        ("Patient", "birthdate ge 2014-10-10", Dates(name("birthdate"), (DateValue("ge", *DAY),))),
        ("Patient", "birthdate ne 2014-10-10", Dates(name("birthdate"), (DateValue("ne", *DAY),))),
        ("Patient", "birthdate po 2014-10-10", Dates(name("birthdate"), (DateValue("ap", *DAY),))),
        ("Patient", "_lastUpdated sa 2014-10-10", Updated((DateValue("sa", *DAY),))),
        ("Patient", "gender eq male", Tokens(name("gender"), (MALE,))),
        (
            "Patient",
            "gender ne male",
            AllOf((Missing(name("gender"), False), Not(Tokens(name("gender"), (MALE,))))),
        ),
        ("Observation", "code eq loinc|1234-5", Tokens(CODE, (folded("1234-5", "http://loinc.org"),))),
        ("Observation", "code eq a,b", Tokens(CODE, either("a,b"))),
        (
            "Observation",
            "code ss snomed|1",
            Coded(CODE, "below", "http://snomed.info/sct", "1"),
        ),
        ("Observation", "code sb http://x|1", Coded(CODE, "above", "http://x", "1")),
        ("Observation", "code in http://x/vs", Coded(CODE, "in", None, "http://x/vs")),
        ("Observation", "code ni http://x/vs", Not(Coded(CODE, "in", None, "http://x/vs"))),
        ("Patient", "_id eq 1", Ids(("1",))),
        ("Patient", "id eq 1", Ids(("1",))),
        ("Patient", "_text co chute", Words("narrative", "chute")),
        ("RiskAssessment", "probability gt 5", None),
        (
            "Observation",
            "value-quantity gt 5.4|urn:x|mg",
            Quantities(
                name("value-quantity", "Observation"), (QuantityValue("gt", 5.4, 5.35, 5.45, "urn:x|mg"),)
            ),
        ),
        (
            "Observation",
            "subject re Patient/1",
            References(name("subject", "Observation"), (Key("Patient", "1"),)),
        ),
        (
            "ValueSet",
            "url sw http://x",
            Terms(name("url", "ValueSet"), (StringValue("http://x", "starts"),)),
        ),
        (
            "Observation",
            "code-value-string eq http://x|a$b",
            AllOf(
                (
                    Tokens(CODE, (folded("a", "http://x"),)),
                    Strings(name("code-value-string$a", "Observation"), (StringValue("b"),)),
                )
            ),
        ),
        (
            "Patient",
            "_has:Observation:patient:code eq x",
            Has(name("subject", "Observation"), Tokens(CODE, either("x"))),
        ),
    ],
)
def test_a_test_is_what_the_parameter_would_be(type: str, text: str, predicate: Predicate | None) -> None:
    found = asked(type, text)

    assert predicate is None or found == predicate


def test_tests_are_joined() -> None:
    given = Strings(name("given"), (StringValue("p", "is"),))
    born = Dates(name("birthdate"), (DateValue("ge", *DAY),))
    male = Tokens(name("gender"), (MALE,))

    assert asked("Patient", "given eq p and birthdate ge 2014-10-10") == AllOf((given, born))
    assert asked("Patient", "given eq p or not (birthdate ge 2014-10-10 and gender eq male)") == AnyOf(
        (given, Not(AllOf((born, male))))
    )


def test_a_path_is_a_chain() -> None:
    link = name("subject", "Observation")

    assert asked("Observation", "subject:Patient.name co pet") == AnyOf(
        (
            Chain(link, "Patient", Strings(name("name"), PET)),
            Strings(name("name", "Observation.subject#Patient"), PET),
        )
    )
    assert asked("Observation", "subject.name co pet") == AnyOf(
        tuple(
            way
            for target in ("Location", "Patient")
            for way in (
                Chain(link, target, Strings(name("name", target), PET)),
                Strings(name("name", f"Observation.subject#{target}"), PET),
            )
        )
    )


def test_brackets_ask_the_same_resource_twice() -> None:
    inner = (Tokens(name("gender"), (MALE,)), Strings(name("name"), PET))
    group = "Observation.subject#Patient"
    moved = (Tokens(name("gender", group), (MALE,)), Strings(name("name", group), PET))

    assert asked("Observation", "subject[gender eq male].name co pet") == AnyOf(
        (Chain(name("subject", "Observation"), "Patient", AllOf(inner)), AllOf(moved))
    )


def test_brackets_on_a_group_are_a_composite() -> None:
    assert asked("Group", "characteristic[code eq http://x|a].value eq http://x|b") == only(
        "Group", "characteristic-value=http://x|a$http://x|b"
    )
    assert asked("DocumentReference", "relatesTo[code eq replaces].target re DocumentReference/1") == only(
        "DocumentReference", "relationship=DocumentReference/1$replaces"
    )


@pytest.mark.parametrize(
    ("type", "text", "part"),
    [
        ("Patient", "familly eq x", "Patient has no search parameter 'familly'. Did you mean 'family'?"),
        ("Patient", "age eq 3", "does not support searching by 'age'"),
        ("Patient", "family eq x and familly eq x", "familly"),
        ("Patient", "family gt x", "does not take gt"),
        ("Patient", "gender co male", "does not take co; eq, in, ne, ni, sb, ss and pr"),
        ("Patient", "birthdate co 2014", "does not take co"),
        ("Patient", "birthdate ge yesterday", "Not a date"),
        ("Patient", "birthdate po yesterday", "Not a date"),
        ("Patient", "family re Patient/1", "does not take re"),
        ("Patient", "family pr maybe", "pr is either true or false"),
        ("Patient", "active in http://x", "does not take the modifier ':in'"),
        ("Patient", "family.name eq x", "leads nowhere"),
        ("Patient", "organization.nothing eq x", "Organization has no search parameter 'nothing'"),
        ("Patient", "organization:Group.name eq x", "never points to the type Group"),
        ("Patient", "family[name eq x].name eq x", "leads nowhere"),
        ("Patient", "_has:Observation:patient:code ne x", "'_has' takes eq here"),
        ("Patient", "_has:x eq x", "_has:Type:reference:parameter"),
        ("Group", "characteristic[code ne x].value eq y", "is all that this server answers"),
        ("Group", "characteristic.value eq y", "is all that this server answers"),
        ("Organization", "partof." * 9 + "name eq x", "more than 8 links"),
        ("Basic", "subject.subject.subject.code eq x", "too many things"),
        ("Patient", "family eq", "a value"),
    ],
)
def test_what_a_filter_cannot_ask_is_refused_whatever_prefer_says(type: str, text: str, part: str) -> None:
    assert part in refused(type, f"_filter={quote(text)}", lenient=True)[0]
