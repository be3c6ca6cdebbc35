"""https://hl7.org/fhir/R4/operationdefinition.html"""

from __future__ import annotations

import pytest

from fhir_server.kernel.wire import decode
from fhir_server.operations.operation import Operation
from fhir_server.operations.registry import offered, operations
from fhir_server.validation.validator import check
from tests.fhir_server.interactions.performing import refused
from tests.fhir_server.operations.asking import Operator, parameters


@pytest.mark.parametrize("operation", operations(), ids=lambda one: one.definition["id"])
def test_every_operation_has_a_sound_definition_and_one_handler(operation: Operation) -> None:
    assert check(operation.definition) == []
    assert (operation.ask is None) != (operation.act is None)
    assert operation.url.startswith(("http://hl7.org/fhir/", "https://cordee.example/fhir/"))


def test_no_two_operations_share_an_address() -> None:
    addresses = [
        (operation.name, level, name)
        for operation in operations()
        for level in ("system", "type", "instance")
        if operation.definition[level]
        for name in operation.types
    ]

    assert len(addresses) == len(set(addresses))


def test_operations_are_offered_by_name_and_definition() -> None:
    found = {(one.name, one.types, one.system): one.definition for one in offered()}

    assert (
        found["everything", ("Patient",), False]
        == "http://hl7.org/fhir/OperationDefinition/Patient-everything"
    )
    assert found["meta", ("Resource",), True] == "http://hl7.org/fhir/OperationDefinition/Resource-meta"
    assert found["everything", ("CareTeam",), False].startswith("https://cordee.example/")


@pytest.mark.parametrize(
    ("address", "text"),
    [
        ("Patient/1/$everythin", "Did you mean $everything?"),
        ("Patient/$evrything", "Did you mean $everything?"),
        ("Observation/$last", "Did you mean $lastn?"),
        ("Patient/$lastn", "elsewhere: Observation/$lastn would be right"),
        ("$lastn", "elsewhere: Observation/$lastn would be right"),
        ("Observation/1/$lastn", "elsewhere: Observation/$lastn would be right"),
        ("EpisodeOfCare/$everything", "EpisodeOfCare/[id]/$everything"),
        ("Patient/$meta-add", "[type]/[id]/$meta-add would be right"),
        ("$everything", "Patient/$everything"),
        ("Patient/1/$nonsense", "There are "),
        ("Patient/1/_history/1/$everything", "current version"),
        ("Patient/1/_history/1/$meta-add", "current version"),
    ],
)
async def test_an_unknown_operation_is_404_and_says_which_there_are(
    server: Operator, address: str, text: str
) -> None:
    with refused(404, "not-supported") as texts:
        await server.ask(address)

    assert text in texts[0]
    assert "nonsense" not in texts[0]


async def test_get_never_changes_anything(server: Operator) -> None:
    with refused(405, "not-supported") as texts:
        await server.ask("Patient/1/$meta-add")

    assert "POST" in texts[0]


async def test_what_only_asks_works_by_post_too(server: Operator) -> None:
    await server.keep({"resourceType": "Patient", "id": "1"})

    by_get = await server.bundle("Patient/1/$everything?_type=Patient")
    by_post = await server.bundle(
        "Patient/1/$everything", parameters({"name": "_type", "valueCode": "Patient"})
    )
    empty = await server.bundle("Patient/1/$everything", {})

    assert by_get["entry"] == by_post["entry"] == empty["entry"]
    assert by_get["link"] == by_post["link"]


@pytest.mark.parametrize("operation", operations(), ids=lambda one: one.definition["id"])
async def test_the_definition_of_an_operation_can_be_read(server: Operator, operation: Operation) -> None:
    reply = await server.ask(f"OperationDefinition/{operation.url.rpartition('/')[2]}")

    assert decode(reply.body) == operation.definition


async def test_a_definition_that_was_stored_takes_the_place_of_ours(server: Operator) -> None:
    own = {**operations()[0].definition, "title": "Mine"}
    await server.keep(own)

    assert decode((await server.ask(f"OperationDefinition/{own['id']}")).body)["title"] == "Mine"


async def test_a_definition_of_nothing_is_404(server: Operator) -> None:
    for address in ("OperationDefinition/nothing", "StructureDefinition/Patient-everything"):
        with refused(404, "not-found"):
            await server.ask(address)
