"""https://hl7.org/fhir/R4/search.html#searchcontexts"""

from __future__ import annotations

import pytest

from fhir_server.search.query import (
    AllOf,
    AnyOf,
    Has,
    Ids,
    Missing,
    Not,
    Nothing,
    OfTypes,
    Predicate,
    Strings,
    StringValue,
    Tokens,
    TokenValue,
    Words,
)
from fhir_server.search.several import joined
from tests.fhir_server.search.asking import name, only, parsed, refused

X = (StringValue("x"),)
MALE = (TokenValue("http://hl7.org/fhir/administrative-gender", "male"),)
BOTH = "_type=Patient,Practitioner&"


@pytest.mark.parametrize(
    ("text", "predicate"),
    [
        ("address=x", AnyOf((Strings(name("address"), X), Strings(name("address", "Practitioner"), X)))),
        (
            "gender:not=male",
            Not(AnyOf((Tokens(name("gender"), MALE), Tokens(name("gender", "Practitioner"), MALE)))),
        ),
        (
            "gender:missing=true",
            AnyOf(
                (
                    AllOf((OfTypes(("Patient",)), Missing(name("gender"), True))),
                    AllOf((OfTypes(("Practitioner",)), Missing(name("gender", "Practitioner"), True))),
                )
            ),
        ),
        (
            "gender:missing=false",
            AnyOf((Missing(name("gender"), False), Missing(name("gender", "Practitioner"), False))),
        ),
        ("_id=1", Ids(("1",))),
        ("_id:not=1", Not(Ids(("1",)))),
        ("_content=x", Words("content", "x")),
        ("gender=nobody", Nothing()),
        (
            "_has:Observation:patient:_id=1",
            AllOf((OfTypes(("Patient",)), Has(name("subject", "Observation"), Ids(("1",))))),
        ),
        (
            '_filter=name eq "x" or not (gender eq male)',
            AnyOf(
                tuple(
                    AllOf(
                        (
                            OfTypes((of,)),
                            AnyOf(
                                (
                                    Strings(name("name", of), (StringValue("x", "is"),)),
                                    Not(Tokens(name("gender", of), MALE)),
                                )
                            ),
                        )
                    )
                    for of in ("Patient", "Practitioner")
                )
            ),
        ),
    ],
)
def test_a_criterion_is_what_it_is_to_each_type(text: str, predicate: Predicate) -> None:
    assert only(None, BOTH + text) == predicate


def test_a_search_of_all_types_takes_what_all_have() -> None:
    query = parsed(None, "_lastUpdated=gt2024&_tag=a&_sort=-_lastUpdated,_id").query

    assert query.types == ()
    assert len(query.where) == 2
    assert "no search parameter 'name'" in refused(None, "name=x")[0]
    assert "no search parameter 'birthdate'" in refused(None, BOTH + "birthdate=2024")[0]


def test_types_are_listed_once() -> None:
    found = parsed(None, "_type=Patient,Practitioner,Patient")

    assert found.query.types == ("Patient", "Practitioner")
    assert found.understood == "_type=Patient,Practitioner,Patient"
    assert parsed("Patient", "_type=Patient,Group").query.types == ("Patient",)


@pytest.mark.parametrize(
    ("type", "text", "part"),
    [
        (None, "_type=Elephant", "does not know"),
        (None, "_type=Patient&_type=Group", "more than once"),
        (None, "_type:not=Patient", "no modifier"),
        ("Patient", "_type=Group", "leaves Patient out"),
    ],
)
def test_a_list_of_types_that_makes_no_sense_is_refused(type: str | None, text: str, part: str) -> None:
    assert part in refused(type, text, lenient=True)[0]


def test_what_differs_by_no_type_is_asked_once() -> None:
    assert joined([("Patient", Ids(("1",))), ("Group", Ids(("1",)))]) == Ids(("1",))
    assert joined([("Patient", Nothing()), ("Group", Nothing())]) == Nothing()


def test_many_values_on_all_types_are_too_many() -> None:
    assert "too many values" in refused(None, "_tag=" + ",".join(map(str, range(500))))[0]
