from __future__ import annotations

import csv
from base64 import b64decode, b64encode
from collections.abc import Iterator
from hashlib import sha1
from pathlib import Path
from typing import Any

import pytest
from fhir.resources.R4B import get_fhir_model_class

from fhir_server.definitions.catalogue import OWN, structure
from fhir_server.definitions.model import R4
from fhir_server.demo import ADDRESSES, dossier
from fhir_server.fhirpath.evaluator import evaluate
from fhir_server.fhirpath.values import system_of
from fhir_server.interactions.references import references_in
from fhir_server.kernel.wire import Tree, decode
from fhir_server.validation.validator import check, check_shell

TERMINOLOGY = Path(__file__).parents[3] / "../shared/terminology"

BUNDLE = decode(dossier())
RESOURCES: dict[str, Tree] = {entry["request"]["url"]: entry["resource"] for entry in BUNDLE["entry"]}

INS_TEST = "urn:oid:1.2.250.1.213.1.4.10"
INS_REAL = {"urn:oid:1.2.250.1.213.1.4.8", "urn:oid:1.2.250.1.213.1.4.9"}
NATIONAL = ("https://hl7.fr/ig/fhir/core/", "https://interop.esante.gouv.fr/ig/fhir/")

# dom-3 as published cannot be evaluated (`as()` on many items); the validator judges it. dom-6 is a good practice.
NOT_HERE = {"dom-3", "dom-6"}
DATATYPES = ["Attachment", "Coding", "Identifier", "Narrative", "Period", "Quantity", "Reference"]
AGGIR = ["b160", "b114", "d510", "d540", "d550", "d530", "d410", "d4600"]


def of_type(resource_type: str) -> list[Tree]:
    return [resource for resource in RESOURCES.values() if resource["resourceType"] == resource_type]


def everything(value: Any) -> Iterator[dict[str, Any]]:
    """Every object in a tree, itself first."""
    if isinstance(value, dict):
        yield value
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from everything(item)


def constraints(name: str) -> Iterator[tuple[str, str, str]]:
    """The invariants of a type that must hold: their key, where they apply, and what they say."""
    for element in structure(name)["snapshot"]["element"]:
        for constraint in element.get("constraint", ()):
            if constraint.get("expression") and constraint["key"] not in NOT_HERE:
                yield constraint["key"], element["path"].replace("[x]", ""), constraint["expression"]


def test_it_is_a_transaction_of_updates_that_can_be_repeated() -> None:
    assert check_shell(BUNDLE) == []
    assert BUNDLE["type"] == "transaction"
    assert {entry["request"]["method"] for entry in BUNDLE["entry"]} == {"PUT"}
    assert len(RESOURCES) == len(BUNDLE["entry"])
    assert all(url == f"{resource['resourceType']}/{resource['id']}" for url, resource in RESOURCES.items())


@pytest.mark.parametrize("url", RESOURCES)
def test_every_resource_is_valid_for_the_server(url: str) -> None:
    assert check(RESOURCES[url]) == []


@pytest.mark.parametrize("url", RESOURCES)
def test_every_resource_is_valid_for_another_judge(url: str) -> None:
    resource = RESOURCES[url]

    get_fhir_model_class(resource["resourceType"]).model_validate(resource)


@pytest.mark.parametrize("url", RESOURCES)
def test_every_invariant_of_r4_holds(url: str) -> None:
    resource = RESOURCES[url]
    questions = [
        *((key, f"{path}.all({says})") for key, path, says in constraints(resource["resourceType"])),
        *(
            (key, f"descendants().ofType({name}).all({says})")
            for name in DATATYPES
            for key, path, says in constraints(name)
            if path == name
        ),
    ]

    broken = [
        key for key, text in questions if [system_of(node) for node in evaluate(text, resource, R4)] != [True]
    ]

    assert broken == []


def test_every_reference_leads_to_a_resource_of_the_dossier() -> None:
    literals = {text for resource in RESOURCES.values() for _, text in references_in(resource)}

    assert {text for text in literals if not text.startswith("#")} <= set(RESOURCES)


def test_only_national_profiles_and_ours_are_claimed() -> None:
    claimed = {url for r in RESOURCES.values() for url in r.get("meta", {}).get("profile", ())}

    assert claimed
    assert all(url.startswith((*NATIONAL, OWN)) for url in claimed)


def test_the_ins_is_of_the_test_domain_with_a_right_key() -> None:
    [ins] = [i["value"] for i in RESOURCES["Patient/payet"]["identifier"] if i["system"] == INS_TEST]

    assert int(ins[13:]) == 97 - int(ins[:13]) % 97
    assert ADDRESSES[0][0].endswith(f"{INS_TEST}|{ins}")
    assert not {node.get("system") for node in everything(BUNDLE)} & INS_REAL


def test_texts_stand_as_base64_and_documents_are_pdf_of_the_declared_size_and_hash() -> None:
    [note] = RESOURCES["DocumentReference/payet-note-chute"]["content"]
    assert "Mme Payet était assise par terre" in b64decode(note["attachment"]["data"]).decode()

    documents = [a for node in everything(BUNDLE) if (a := node.get("attachment")) and "url" in a]
    assert len(documents) == len(of_type("Binary")) == 3
    for attachment in documents:
        content = b64decode(RESOURCES[attachment["url"]]["data"], validate=True)
        assert content.startswith(b"%PDF-")
        assert content.endswith(b"%%EOF\n")
        assert attachment["size"] == len(content)
        assert attachment["hash"] == b64encode(sha1(content).digest()).decode()
        start = int(content.split(b"startxref\n")[1].split(b"\n")[0])
        assert content[start:].startswith(b"xref\n")
        assert attachment["title"].encode("cp1252") in content


def test_the_circle_has_one_attending_doctor_and_members_of_the_right_kinds() -> None:
    [circle] = of_type("CareTeam")
    codes = [c["code"] for p in circle["participant"] for role in p["role"] for c in role["coding"]]
    kinds = {p["member"]["reference"].partition("/")[0] for p in circle["participant"]}

    assert codes.count("PCP") == 1
    assert kinds == {"PractitionerRole", "RelatedPerson", "Organization"}
    assert all(p["period"]["start"] >= circle["period"]["start"] for p in circle["participant"])


def test_the_plan_has_six_actions_of_five_people_each_for_one_of_its_goals() -> None:
    [plan] = of_type("CarePlan")
    goals = {goal["reference"] for goal in plan["goal"]}
    actions = [task for task in of_type("Task") if "basedOn" in task]

    assert len(actions) == 6
    assert len({action["owner"]["reference"] for action in actions}) == 5
    assert {action["focus"]["reference"] for action in actions} < goals
    assert {f"Task/{action['id']}" for action in actions} < {
        activity["reference"]["reference"] for activity in plan["activity"] if "reference" in activity
    }
    problems = [RESOURCES[problem["reference"]]["code"]["coding"][0]["code"] for problem in plan["addresses"]]
    assert problems == ["MED-056", "MED-057", "MED-058"]


@pytest.mark.skipif(not TERMINOLOGY.is_dir(), reason="the AGGIR tables of ../shared are not there")
@pytest.mark.parametrize(("number", "letters"), [(1, "ABBBAABB"), (2, "ABCCABCB")])
def test_the_gir_is_what_the_law_computes_from_the_letters(number: int, letters: str) -> None:
    gir = RESOURCES[f"Observation/payet-gir-{number}"]
    parts = {
        c["code"].get("text"): c.get("valueInteger") or c.get("valueString")
        for c in gir["component"]
        if "coding" not in c["code"]
    }

    assert "".join(_letters(gir)[icf] for icf in AGGIR) == letters
    group, rank, group_of_six = _by_law(letters)
    assert (parts["Groupe décisif"], parts["Rang"]) == (group, rank)
    assert gir["valueCodeableConcept"]["coding"][0]["code"] == f"MED-{338 + group_of_six}"


@pytest.mark.parametrize("number", [1, 2])
def test_the_graded_answers_agree_with_their_adverbs_and_with_the_letters(number: int) -> None:
    [root] = RESOURCES[f"QuestionnaireResponse/payet-aggir-{number}"]["item"]
    grades: dict[str, str] = {}
    for item in root["answer"][0]["item"]:
        [answer] = item["answer"]
        adverbs = [child["answer"][0]["valueBoolean"] for child in answer["item"]]
        assert len(adverbs) == 4
        grades[item["linkId"]] = "A" if all(adverbs) else "B" if any(adverbs) else "C"
        assert answer["valueCoding"]["code"] == {"A": "qf0", "B": "qf2", "C": "qf4"}[grades[item["linkId"]]]
    letters = _letters(RESOURCES[f"Observation/payet-gir-{number}"])

    def together(*parts: str) -> str:
        found = {grades[part] for part in parts}
        return found.pop() if len(found) == 1 else "B"

    assert letters["b160"] == grades["fonction-pensee"]
    assert letters["b114"] == grades["fonction-orientation"]
    assert letters["d510"] == together("se-laver", "prendre-soin")
    assert letters["d540"] == together("mettre-vetement", "motricite-fine", "mettre-chaussure")
    assert letters["d550"] == together("manger", "passage-aliment")
    assert letters["d530"] == together("assurer-regulation-miction", "assurer-regulation-defecation")
    assert letters["d410"] == grades["position-corps"]
    assert letters["d4600"] == grades["deplacer-maison"]
    assert letters["d4602"] == grades["deplacer-dehors"]
    assert letters["d3608"] == grades["appareil-communication"]


def _letters(gir: Tree) -> dict[str, str]:
    """ICF code of a variable → its letter."""
    return {
        c["code"]["coding"][0]["code"]: c["valueCodeableConcept"]["text"]
        for c in gir["component"]
        if "coding" in c["code"]
    }


def _by_law(letters: str) -> tuple[str, int, int]:
    """The group that decides, the rank and the GIR: CASF, annexe 2-2."""
    weights = {(row["group"], row["modality"]): [*row.values()][2:10] for row in _rows("aggir-weights.csv")}
    for row in _rows("aggir-ranks.csv"):
        total = sum(
            int(weights[row["group"], letter][i]) for i, letter in enumerate(letters) if letter != "A"
        )
        if not row["sum_at_least"] or total >= int(row["sum_at_least"]):
            return row["group"], int(row["rank"]), int(row["gir"])
    raise AssertionError("the last row always decides")


def _rows(name: str) -> list[dict[str, str]]:
    with (TERMINOLOGY / name).open(encoding="utf-8") as file:
        return list(csv.DictReader(file))
