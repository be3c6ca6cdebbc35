"""Extensions: which there are, where they may stand, what may be in them."""

from __future__ import annotations

import pytest

from fhir_server.kernel.wire import Tree
from tests.small_profiles import (
    BASE,
    OWN,
    element,
    errors,
    extension,
    judged,
    patient,
    slice_of,
    sliced,
    world_of,
)

URN = "urn:uuid:00000000-0000-0000-0000-000000000001"


class TestExtensions:
    COLOUR = extension(
        "colour",
        element("Extension.value[x]", min=1, type=[{"code": "code"}]),
        on=["Patient", "HumanName.family"],
    )

    @pytest.mark.parametrize(
        ("tree", "places"),
        [
            (patient(extension=[{"url": OWN + "colour", "valueCode": "red"}]), []),
            (
                patient(
                    name=[
                        {"family": "A", "_family": {"extension": [{"url": OWN + "colour", "valueCode": "x"}]}}
                    ]
                ),
                [],
            ),
            (
                patient(extension=[{"url": OWN + "colour", "valueString": "red"}]),
                ["Patient.extension[0].value"],
            ),
            (
                patient(name=[{"extension": [{"url": OWN + "colour", "valueCode": "red"}], "family": "A"}]),
                ["Patient.name[0]"],
            ),
            (
                patient(modifierExtension=[{"url": OWN + "colour", "valueCode": "red"}]),
                ["Patient.modifierExtension[0]"],
            ),
            (patient(extension=[{"url": "colour", "valueCode": "red"}]), ["Patient.extension[0]"]),
            (
                patient(extension=[{"url": OWN + "colour|1", "valueCode": "red"}]),
                ["Patient.extension[0]", "Patient.extension[0].url"],
            ),
        ],
    )
    def test_each_is_judged_by_its_definition(self, tree: Tree, places: list[str]) -> None:
        assert errors(tree, world_of(self.COLOUR)) == places

    def test_one_that_changes_meaning_stands_among_the_modifiers(self) -> None:
        negated = extension("negated", {"path": "Extension", "isModifier": True}, on=["Patient"])
        world = world_of(negated)
        item = {"url": OWN + "negated", "valueBoolean": True}

        assert errors(patient(modifierExtension=[item]), world) == []
        assert errors(patient(extension=[item]), world) == ["Patient.extension[0]"]

    def test_the_maturity_of_a_definition_stands_on_definitions_of_every_kind(self) -> None:
        mature = {"url": BASE + "structuredefinition-normative-version", "valueCode": "4.0.0"}
        operation: Tree = {
            "resourceType": "OperationDefinition",
            "extension": [mature],
            "name": "A",
            "status": "draft",
            "kind": "operation",
            "code": "a",
            "system": True,
            "type": False,
            "instance": False,
        }

        assert errors(operation, world_of()) == []
        assert errors(patient(extension=[mature]), world_of()) == ["Patient"]

    def test_one_may_ask_for_a_condition_of_where_it_stands(self) -> None:
        adult = extension("adult", on=["Patient"], contextInvariant=["birthDate.exists()"])
        item = {"url": OWN + "adult", "valueBoolean": True}

        assert errors(patient(birthDate="2000", extension=[item]), world_of(adult)) == []
        assert errors(patient(extension=[item]), world_of(adult)) == ["Patient"]

    def test_parts_have_the_names_that_the_definition_gives(self) -> None:
        whole = extension(
            "whole",
            sliced("Extension.extension", ("value", "url")),
            slice_of("Extension.extension", "part"),
            element("Extension.extension.url", fixedUri="part"),
        )
        world = world_of(whole)

        def made(url: str) -> Tree:
            return patient(
                extension=[{"url": OWN + "whole", "extension": [{"url": url, "valueString": "x"}]}]
            )

        assert errors(made("part"), world) == []
        assert errors(made("other"), world) == ["Patient.extension[0].extension[0]"]

    @pytest.mark.parametrize(
        ("option", "severities"), [("ignore", []), ("warn", ["warning"]), ("error", ["error"])]
    )
    def test_unknown_ones_weigh_as_the_options_say(self, option: str, severities: list[str]) -> None:
        tree = patient(extension=[{"url": "http://absent.test/x", "valueString": "x"}])

        assert [one.severity for one in judged(tree, world_of(unknown_extensions=option))] == severities

    def test_elements_of_later_versions_are_known_without_definition(self) -> None:
        url = "http://hl7.org/fhir/5.0/StructureDefinition/extension-Encounter.plannedStartDate"

        assert (
            judged(
                patient(extension=[{"url": url, "valueDateTime": "2020"}]),
                world_of(unknown_extensions="error"),
            )
            == []
        )
