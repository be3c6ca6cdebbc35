"""$fhirpath: https://hl7.org/fhir/R4/fhirpath.html"""

from __future__ import annotations

import pytest

from fhir_server.kernel.errors import FhirError
from fhir_server.kernel.wire import Tree, decode, encode
from fhir_server.validation.validator import check
from tests.fhir_server.operations.asking import Operator, parameters, reference

PATIENT: Tree = {
    "resourceType": "Patient",
    "id": "p",
    "text": {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">x</div>'},
    "active": True,
    "name": [{"family": "Payet", "given": ["Marie", "Ange"]}, {"use": "usual", "given": ["Mimi"]}],
    "birthDate": "1950-03",
    "_birthDate": {"extension": [{"url": "urn:x", "valueCode": "x"}]},
    "contact": [{"name": {"family": "Hoarau"}}],
    "managingOrganization": reference("Organization/o"),
    "contained": [{"resourceType": "Organization", "id": "i", "name": "Inside"}],
    "generalPractitioner": [reference("#i")],
}


def asked(expression: str, resource: Tree = PATIENT, context: str = "") -> Tree:
    more = [{"name": "context", "valueString": context}] if context else []
    return parameters(
        {"name": "expression", "valueString": expression}, {"name": "resource", "resource": resource}, *more
    )


async def parts(server: Operator, body: Tree) -> list[Tree]:
    reply = await server.ask("$fhirpath", body)
    assert reply.status == 200
    tree = decode(reply.body)
    assert check(tree) == []
    (result,) = tree["parameter"]
    assert result["name"] == "result"
    found: list[Tree] = result["part"]
    return found


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ("name.given", '[{"name":"string","valueString":"Marie"},{"name":"string","valueString":"Ange"},'
                       '{"name":"string","valueString":"Mimi"}]'),
        ("name[1]", '[{"name":"HumanName","valueHumanName":{"use":"usual","given":["Mimi"]}}]'),
        ("active", '[{"name":"boolean","valueBoolean":true}]'),
        ("birthDate", '[{"name":"date","valueDate":"1950-03",'
                      '"_valueDate":{"extension":[{"url":"urn:x","valueCode":"x"}]}}]'),
        ("contained", '[{"name":"Organization","resource":'
                      '{"resourceType":"Organization","id":"i","name":"Inside"}}]'),
        ("contact", '[{"name":"Patient.contact","valueString":"{\\"name\\":{\\"family\\":\\"Hoarau\\"}}"}]'),
        ("1 | 1.50 | true | 'x'", '[{"name":"integer","valueInteger":1},{"name":"decimal","valueDecimal":1.50},'
                                  '{"name":"boolean","valueBoolean":true},{"name":"string","valueString":"x"}]'),
        ("@2014 | @2014-01-01T10:00:00Z | @T10:00:00", '[{"name":"date","valueDate":"2014"},'
         '{"name":"dateTime","valueDateTime":"2014-01-01T10:00:00Z"},{"name":"time","valueTime":"10:00:00"}]'),
        ("@T10", '[{"name":"time","valueString":"10"}]'),
        ("1.50 'mg'", '[{"name":"Quantity","valueQuantity":{"value":1.50,"unit":"mg",'
                      '"system":"http://unitsofmeasure.org","code":"mg"}}]'),
        ("3 days", '[{"name":"Quantity","valueQuantity":{"value":3,"unit":"day"}}]'),
        ("''", '[{"name":"string","valueString":"\\"\\""}]'),
        ("1.type()", '[{"name":"SimpleTypeInfo","valueString":'
                     '"{\\"namespace\\":\\"System\\",\\"name\\":\\"Integer\\",\\"baseType\\":\\"System.Any\\"}"}]'),
        ("generalPractitioner.resolve().name", '[{"name":"string","valueString":"Inside"}]'),
        ("text.div.htmlChecks()", '[{"name":"boolean","valueBoolean":true}]'),
        ("name.first().elementDefinition().path", '[{"name":"string","valueString":"Patient.name"}]'),
        ("deceased.elementDefinition() | elementDefinition().path", '[{"name":"string","valueString":"Patient"}]'),
        ("// all\n  2 +\t2", '[{"name":"integer","valueInteger":4}]'),
    ],
)  # fmt: skip
async def test_the_answer_has_a_part_for_each_item(server: Operator, expression: str, found: str) -> None:
    assert encode(await parts(server, asked(expression))).decode() == found


@pytest.mark.parametrize(
    ("expression", "holds"),
    [
        ("gender.memberOf('http://hl7.org/fhir/ValueSet/administrative-gender')", True),
        ("gender.memberOf('http://hl7.org/fhir/ValueSet/address-use')", False),
        ("conformsTo('http://hl7.org/fhir/StructureDefinition/Patient')", True),
        ("conformsTo('https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-patient-ins')", False),
    ],
)
async def test_codes_and_profiles_are_those_of_this_server(
    server: Operator, expression: str, holds: bool
) -> None:
    tree: Tree = {"resourceType": "Patient", "gender": "female"}

    assert await parts(server, asked(expression, tree)) == [{"name": "boolean", "valueBoolean": holds}]


async def test_an_empty_collection_has_no_result(server: Operator) -> None:
    reply = await server.ask("$fhirpath", asked("name.where(use = 'old')"))

    assert decode(reply.body) == {"resourceType": "Parameters"}


async def test_in_a_context_the_expression_is_asked_of_each_item(server: Operator) -> None:
    found = await parts(server, asked("given.count() + 10 * %resource.name.count()", context="Patient.name"))

    assert [part["valueInteger"] for part in found] == [22, 21]


async def test_references_lead_to_the_resources_of_this_server_and_on(server: Operator) -> None:
    await server.keep(
        {"resourceType": "Organization", "id": "top", "name": "Top"},
        {"resourceType": "Organization", "id": "o", "name": "Ours", "partOf": reference("Organization/top")},
    )
    path = "managingOrganization.resolve()"

    found = await parts(
        server, asked(f"{path}.name | {path}.partOf.resolve().name | 'Organization/none'.resolve()")
    )

    assert [part["valueString"] for part in found] == ["Ours", "Top"]


async def test_a_resource_that_is_not_sound_is_asked_all_the_same(server: Operator) -> None:
    broken: Tree = {"resourceType": "Patient", "name": [{"family": 5, "nonsense": 1}], "gender": "x"}

    assert await parts(server, asked("name.family | gender | name", broken)) == [
        {"name": "string", "valueString": "5"},
        {"name": "code", "valueCode": "x"},
        {"name": "HumanName", "valueString": '{"family":5,"nonsense":1}'},
    ]


@pytest.mark.parametrize(
    ("expression", "context", "status", "text"),
    [
        ("name.", "", 400, "character 6"),
        ("2 + 2 /", "", 400, "character 8"),
        ("name", "(", 400, "character 2"),
        ("name.given1", "", 422, "character 6"),
        ("Observation.status", "", 422, "character 1"),
        ("unit", "name", 422, "character 1"),
        ("name.single()", "", 422, "character 6"),
        ("name.given.first().memberOf('urn:x')", "", 422, "cannot be told"),
        ("Patient" + ".select(%resource.descendants())" * 9, "", 422, "than allowed"),
        ("'" + "a" * 40 + "'.matches('(a+)+(b')", "", 422, "regular expression"),
    ],
)
async def test_an_expression_that_is_wrong_is_refused_at_its_place(
    server: Operator, expression: str, context: str, status: int, text: str
) -> None:
    with pytest.raises(FhirError) as refusal:
        await server.ask("$fhirpath", asked(expression, context=context))

    assert refusal.value.status == status
    assert text in refusal.value.issues[0].text
    assert refusal.value.issues[0].expression.startswith("Parameters.parameter.where(name = '")


@pytest.mark.parametrize(
    "body",
    [
        parameters({"name": "expression", "valueString": "name"}),
        parameters({"name": "resource", "resource": PATIENT}),
        asked("name", {"resourceType": "Nonsense"}),
        parameters({"name": "expression", "valueString": "name"}, {"name": "resource", "valueString": "x"}),
    ],
)
async def test_expression_and_resource_are_required(server: Operator, body: Tree) -> None:
    with pytest.raises(FhirError) as refusal:
        await server.ask("$fhirpath", body)

    assert refusal.value.status in {400, 422}
