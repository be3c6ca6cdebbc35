"""What is written in FHIR Shorthand, and what comes out of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tools.fsh.compiling import compiled
from tools.fsh.guides import Workspace
from tools.fsh.model import FshError

GUIDE = """
id = "t"
canonical = "https://t.example"
version = "{version}"
name = "t"
licence = "CC0-1.0"
dependencies = [{dependencies}]
"""
Compile = Callable[..., dict[str, dict[str, Any]]]


@pytest.fixture
def written(tmp_path: Path) -> Compile:
    """Compile a guide of one file, beside others (`folder` → version and text); definitions by id."""

    def compile_(text: str, **others: tuple[str, str]) -> dict[str, dict[str, Any]]:
        for name, (version, other) in others.items():
            _write(tmp_path / name, other, version, "")
        _write(tmp_path / "guide", text, "1.0.0", ", ".join(f'"{name}"' for name in others))
        workspace = Workspace(tmp_path)
        return {tree["id"]: tree for tree in compiled(workspace, workspace.guides["guide"])}

    return compile_


def _write(folder: Path, text: str, version: str, dependencies: str) -> None:
    folder.mkdir()
    (folder / "guide.toml").write_text(GUIDE.format(version=version, dependencies=dependencies), "utf-8")
    (folder / "a.fsh").write_text(text, "utf-8")


def elements_of(definition: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The differential without ids, paths and slice names, which follow from one another."""
    return {
        element["id"]: {k: v for k, v in element.items() if k not in {"id", "path", "sliceName"}}
        for element in definition["differential"]["element"]
    }


def profile(*rules: str, parent: str = "Patient") -> str:
    return "\n".join([f"Profile: Own\nParent: {parent}\nId: own", *(f"* {rule}" for rule in rules), ""])


# What a rule makes of an element of Patient (of Observation, where the path says so)
RULES = [
    ("name 1..* MS", "Patient.name", {"min": 1, "max": "*", "mustSupport": True}),
    ("gender 1..", "Patient.gender", {"min": 1}),
    ("contact ..3", "Patient.contact", {"max": "3"}),
    ("gender ?! SU", "Patient.gender", {"isModifier": True, "isSummary": True}),
    (
        "gender from http://v.example/vs (required)",
        "Patient.gender",
        {"binding": {"strength": "required", "valueSet": "http://v.example/vs"}},
    ),
    ("gender = #female", "Patient.gender", {"patternCode": "female"}),
    ('identifier.system = "urn:x" (exactly)', "Patient.identifier.system", {"fixedUri": "urn:x"}),
    (
        'maritalStatus = http://s.example#M "Married"',
        "Patient.maritalStatus",
        {
            "patternCodeableConcept": {
                "coding": [{"system": "http://s.example", "code": "M", "display": "Married"}]
            }
        },
    ),
    ("active = true", "Patient.active", {"patternBoolean": True}),
    ("birthDate = 1950-01-31", "Patient.birthDate", {"patternDate": "1950-01-31"}),
    ("deceased[x] only boolean", "Patient.deceased[x]", {"type": [{"code": "boolean"}]}),
    (
        "generalPractitioner only Reference(Organization or PractitionerRole)",
        "Patient.generalPractitioner",
        {
            "type": [
                {
                    "code": "Reference",
                    "targetProfile": [
                        "http://hl7.org/fhir/StructureDefinition/Organization",
                        "http://hl7.org/fhir/StructureDefinition/PractitionerRole",
                    ],
                }
            ]
        },
    ),
    ('name ^short = "What they are called"', "Patient.name", {"short": "What they are called"}),
]


@pytest.mark.parametrize(("rule", "id", "made"), RULES, ids=[rule for rule, _, _ in RULES])
def test_a_rule_says_its_part_of_an_element(
    written: Compile, rule: str, id: str, made: dict[str, Any]
) -> None:
    assert elements_of(written(profile(rule))["own"])[id] == made


def test_a_profile_says_what_it_is_about(written: Compile) -> None:
    own = written(profile("gender 1.."))["own"]

    assert own["url"] == "https://t.example/StructureDefinition/own"
    assert own["version"] == "1.0.0"
    assert own["fhirVersion"] == "4.0.1"
    assert (own["kind"], own["type"], own["derivation"]) == ("resource", "Patient", "constraint")
    assert own["baseDefinition"] == "http://hl7.org/fhir/StructureDefinition/Patient"


def test_elements_stand_in_the_order_of_r4_and_slices_after_their_element(written: Compile) -> None:
    own = written(
        profile(
            "birthDate 1..",
            "identifier ^slicing.discriminator.type = #value",
            'identifier ^slicing.discriminator.path = "system"',
            "identifier ^slicing.rules = #open",
            "identifier contains second 0..1 and first 0..1",
            "identifier[first].value 1..",
            "identifier[second].system 1..",
            "identifier.type 1..",
            "active 1..",
        )
    )["own"]

    assert [element["id"] for element in own["differential"]["element"]] == [
        "Patient",
        "Patient.identifier",
        "Patient.identifier.type",
        "Patient.identifier:second",
        "Patient.identifier:second.system",
        "Patient.identifier:first",
        "Patient.identifier:first.value",
        "Patient.active",
        "Patient.birthDate",
    ]


def test_a_slice_of_a_slice_has_both_names(written: Compile) -> None:
    own = written(
        profile(
            "identifier ^slicing.rules = #open",
            "identifier contains a 0..*",
            "identifier[a] ^slicing.rules = #open",
            "identifier[a] contains b 0..1",
            "identifier[a][b].system 1..",
        )
    )["own"]
    element = next(e for e in own["differential"]["element"] if e["id"] == "Patient.identifier:a/b")

    assert (element["path"], element["sliceName"]) == ("Patient.identifier", "a/b")
    assert "Patient.identifier:a/b.system" in elements_of(own)


def test_one_type_of_several_is_a_slice_of_the_choice(written: Compile) -> None:
    made = elements_of(written(profile("valueQuantity.code 1..", parent="Observation"))["own"])

    assert "Observation.value[x]:valueQuantity.code" in made


def test_a_choice_that_has_one_type_left_is_not_sliced(written: Compile) -> None:
    rules = ("value[x] only Quantity", "valueQuantity.code 1..")

    assert "Observation.value[x].code" in elements_of(written(profile(*rules, parent="Observation"))["own"])


def test_an_extension_has_its_url_and_either_parts_or_a_value(written: Compile) -> None:
    made = written(
        """
Extension: Simple
Id: simple
Context: Patient, "Patient.name"
* value[x] only Coding

Extension: Complex
Id: complex
* extension contains one 0..1 and inner 0..1
* extension[one].value[x] only string
* extension[inner].extension contains deep 0..1
* extension[inner].extension[deep].value[x] only date
"""
    )
    simple, parts = elements_of(made["simple"]), elements_of(made["complex"])

    assert made["simple"]["context"] == [
        {"type": "element", "expression": "Patient"},
        {"type": "fhirpath", "expression": "Patient.name"},
    ]
    assert simple["Extension.url"] == {"fixedUri": "https://t.example/StructureDefinition/simple"}
    assert simple["Extension.extension"] == {"max": "0"}
    assert parts["Extension.value[x]"] == {"max": "0"}
    assert parts["Extension.extension:one.url"] == {"fixedUri": "one"}
    assert parts["Extension.extension:one.extension"] == {"max": "0"}
    assert parts["Extension.extension:inner.value[x]"] == {"max": "0"}
    assert parts["Extension.extension:inner.extension:deep.extension"] == {"max": "0"}


def test_a_pattern_has_the_type_that_an_extension_gives_its_value(written: Compile) -> None:
    made = written(
        profile("extension contains state named state 0..1", "extension[state].value[x] = #VALI")
        + "\nExtension: State\nId: state\n* value[x] only Coding\n"
    )
    elements = elements_of(made["own"])

    assert elements["Patient.extension"]["slicing"]["discriminator"] == [{"type": "value", "path": "url"}]
    assert elements["Patient.extension:state"]["type"] == [
        {"code": "Extension", "profile": ["https://t.example/StructureDefinition/state"]}
    ]
    assert elements["Patient.extension:state.value[x]"] == {"patternCoding": {"code": "VALI"}}


def test_a_name_of_one_of_two_generations_has_its_version_but_not_as_a_target(written: Compile) -> None:
    base = "Profile: Base\nParent: Patient\nId: base\n\nValueSet: Sexes\nId: sexes\n* http://s.example#x\n"
    own = written(
        profile("link.other only Reference(base)", "gender from sexes", parent="base"),
        old=("0.1.0", base),
    )["own"]
    elements = elements_of(own)

    assert own["baseDefinition"] == "https://t.example/StructureDefinition/base|0.1.0"
    assert elements["Patient.gender"]["binding"]["valueSet"] == "https://t.example/ValueSet/sexes|0.1.0"
    assert elements["Patient.link.other"]["type"] == [
        {"code": "Reference", "targetProfile": ["https://t.example/StructureDefinition/base"]}
    ]


def test_an_invariant_is_a_constraint_of_whatever_obeys_it(written: Compile) -> None:
    made = written(
        profile("obeys own-1", "contact obeys own-1")
        + '\nInvariant: own-1\nDescription: "So it is"\nSeverity: #warning\nExpression: "name.exists()"\n'
    )
    said = {
        "key": "own-1",
        "severity": "warning",
        "human": "So it is",
        "expression": "name.exists()",
        "source": "https://t.example/StructureDefinition/own",
    }

    assert elements_of(made["own"])["Patient"]["constraint"] == [said]
    assert elements_of(made["own"])["Patient.contact"]["constraint"] == [said]


def test_a_rule_set_is_inserted_at_a_path_with_its_arguments(written: Compile) -> None:
    made = written(
        profile("identifier insert Sliced(value, [[extension('a, b').value]])")
        + """
RuleSet: Sliced(type, path)
* ^slicing.discriminator[+].type = #{type}
* ^slicing.discriminator[=].path = "{path}"
* ^slicing.rules = #open
* value 1..
"""
    )
    elements = elements_of(made["own"])

    assert elements["Patient.identifier"]["slicing"]["discriminator"] == [
        {"type": "value", "path": "extension('a, b').value"}
    ]
    assert elements["Patient.identifier.value"] == {"min": 1}


def test_a_text_in_two_languages_is_a_translation_beside_it(written: Compile) -> None:
    beside = ('^title.extension.url = "http://u.example"', '^title.extension.valueString = "Personne"')
    own = written(profile('^title = "Person"', *beside))["own"]

    assert own["title"] == "Person"
    assert own["_title"] == {"extension": [{"url": "http://u.example", "valueString": "Personne"}]}


def test_a_value_set_says_what_it_includes_and_what_not(written: Compile) -> None:
    made = written(
        """
Alias: $s = http://s.example

CodeSystem: Colours
Id: colours
* #warm "Warm"
* #warm #red "Red" "As a rose"
* #red ^designation[+].language = #fr
* #red ^designation[=].value = "Rouge"

ValueSet: Some
Id: some
* $s#a "A"
* $s#b
* include codes from system Colours where concept is-a #warm
* include codes from valueset http://v.example/one and other
* exclude $s#b

ValueSet: Other
Id: other
* include codes from system $s
"""
    )

    assert made["some"]["compose"] == {
        "include": [
            {"system": "http://s.example", "concept": [{"code": "a", "display": "A"}, {"code": "b"}]},
            {
                "system": "https://t.example/CodeSystem/colours",
                "filter": [{"property": "concept", "op": "is-a", "value": "warm"}],
            },
            {"valueSet": ["http://v.example/one", "https://t.example/ValueSet/other"]},
        ],
        "exclude": [{"system": "http://s.example", "concept": [{"code": "b"}]}],
    }
    assert made["colours"]["count"] == 2
    assert made["colours"]["concept"][0]["concept"] == [
        {
            "code": "red",
            "display": "Red",
            "definition": "As a rose",
            "designation": [{"language": "fr", "value": "Rouge"}],
        }
    ]


def test_a_definition_of_another_type_is_said_value_by_value(written: Compile) -> None:
    made = written(
        """
Instance: own-map
InstanceOf: NamingSystem
Usage: #definition
* name = "Own"
* status = #active
* kind = #identifier
* date = 2026-01-01
* uniqueId[+].type = #uri
* uniqueId[=].value = "urn:x"
"""
    )

    assert made["own-map"]["uniqueId"] == [{"type": "uri", "value": "urn:x"}]


MISTAKES = [
    ("nam 1..", "a.fsh:4: Patient has no element 'nam'"),
    ("name some..", "a.fsh:4: 'some..' is no rule that is read here"),
    ("name only Reference(Patient)", "a.fsh:4: the element does not hold a Reference"),
    ("name only Nowhere", "a.fsh:4: no StructureDefinition is known by the name 'Nowhere'"),
    ("obeys own-9", "a.fsh:4: no Invariant is known by the name 'own-9'"),
    ("insert Nothing", "a.fsh:4: there is no rule set 'Nothing'"),
    ("gender from x (perhaps)", "a.fsh:4: a binding is written"),
    ("gender = 5", "a.fsh:4: a value of this form does not fit an element of type code"),
    ("deceased[x] = #x", "a.fsh:4: the element has several types, boolean, dateTime: say which"),
    ('name ^shirt = "x"', "a.fsh:4: ElementDefinition has no element 'shirt'"),
    ('name ^short = "x', "a.fsh:4: a text in quotes does not end"),
    ('#x "X"', "a.fsh:4: codes are said of code systems and value sets"),
    ("identifier contains a 0..1", "a.fsh:4: 'identifier' is not sliced: say by what (^slicing) first"),
]


@pytest.mark.parametrize(("rule", "message"), MISTAKES, ids=[rule for rule, _ in MISTAKES])
def test_a_mistake_is_named_with_its_file_and_line(written: Compile, rule: str, message: str) -> None:
    with pytest.raises(FshError) as raised:
        written(profile(rule))

    assert message in str(raised.value)


def test_what_would_be_no_valid_definition_is_refused(written: Compile) -> None:
    with pytest.raises(FshError, match=r"a\.fsh:1: this makes no valid StructureDefinition"):
        written(profile("^status = #perhaps"))


def test_an_indented_rule_is_refused(written: Compile) -> None:
    with pytest.raises(FshError, match="starts in the first column"):
        written("Profile: Own\nParent: Patient\n  * name 1..\n")
