"""http://hl7.org/fhirpath/N1/#type-safety-and-strict-evaluation"""

from __future__ import annotations

import pytest

from fhir_server.definitions.catalogue import structure
from fhir_server.definitions.elements import shape_of
from fhir_server.definitions.model import R4
from fhir_server.fhirpath.checking import check
from fhir_server.fhirpath.errors import Meaningless
from fhir_server.fhirpath.parser import parse

TYPES = (
    "Patient",
    "Observation",
    "Questionnaire",
    "Bundle",
    "ValueSet",
    "CarePlan",
    "Timing",
    "StructureDefinition",
)


@pytest.mark.parametrize(
    ("expression", "position"),
    [
        ("name.given1", 6),
        ("Patient.name.given1", 14),
        ("Encounter.name", 1),
        ("name.where(Encounter.status = 'x')", 12),
        ("deceasedBoolean", 1),
        ("(multipleBirth as integer).unit", 28),
        ("multipleBirth.ofType(Period).unit", 30),
        ("name.exists(given1 = 'x')", 13),
        ("name.first().given.select(length().unit)", 36),
        ("children().first()", 12),
        ("descendants()[0]", 14),
        ("Patient.children().where($this is HumanName).skip(1)", 46),
        ("iif('a', 1, 2)", 1),
        ("iif(name, 1, 2)", 1),
        ("name.startsWith('a')", 6),
        ("birthDate.substring(1)", 11),
        ("1.upper()", 3),
        ("name.nonsense()", 6),
        ("name.first(1)", 6),
        ("%unknown", 1),
        ("%resource.given", 11),
        ("'a'.b", 5),
        ("name.union(telecom).unit", 21),
        ("true and name.x = 1", 15),
        ("-name.x.y", 7),
        ("name[x]", 6),
    ],
)
def test_what_can_mean_nothing_is_refused_at_its_place(expression: str, position: int) -> None:
    with pytest.raises(Meaningless) as refusal:
        check(parse(expression), "Patient", R4)

    assert refusal.value.position == position - 1
    assert refusal.value.status == 422


@pytest.mark.parametrize(
    "expression",
    [
        "name.given.first().startsWith('a')",
        "Patient.name.select(given | family).distinct().count()",
        "Resource.id | DomainResource.text",
        "contained.name.given",
        "contained.ofType(Patient).name",
        "contained.where(Organization.name = 'x')",
        "children().name.anything",
        "extension('u').value.code",
        "managingOrganization.resolve().name",
        "birthDate.value.toString().upper()",
        "name.given.id | birthDate.extension.url",
        "type().name.upper()",
        "iif(active, name, telecom).use",
        "iif(deceased, 1, 2)",
        "repeat(contact).name.family",
        "name.sort(-family).first()",
        "(1 | 2 | 3).aggregate($total + $this, 0)",
        "name.select($index + 1)",
        "%context.name.given & %sct",
        "%mine.anything",
        "name.as(HumanName).given",
        "name.is(HumanName) and name.type().name = 'x'",
        "{}.anything",
        "name.trace('n', given).given",
    ],
)
def test_what_can_mean_something_is_let_through(expression: str) -> None:
    check(parse(expression), "Patient", R4, variables=("mine",))


def test_from_an_element_the_resource_is_another_type() -> None:
    expression = parse("given.exists() and %resource.birthDate.exists() and %context.family.exists()")

    check(expression, "HumanName", R4, resource="Patient")
    with pytest.raises(Meaningless):
        check(expression, "HumanName", R4)


@pytest.mark.parametrize("name", TYPES)
def test_the_constraints_of_r4_mean_something(name: str) -> None:
    """Those that ask what lies in a resource of any kind are asked nothing."""
    for element in structure(name)["snapshot"]["element"]:
        inside = element["path"] if _is_shape(element["path"]) else _type_of(element)
        for constraint in element.get("constraint", ()):
            if inside is not None and "expression" in constraint:
                check(parse(constraint["expression"]), inside, R4, resource=name)


def _is_shape(path: str) -> bool:
    try:
        shape_of(path)
    except KeyError:
        return False
    return True


def _type_of(element: dict[str, object]) -> str | None:
    types = element.get("type")
    if not isinstance(types, list) or len(types) != 1 or not R4.knows(types[0]["code"]):
        return None
    return str(types[0]["code"])
