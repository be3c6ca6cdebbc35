"""Questions to the terminology service, and what its answers say."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import httpx

from tests.flows.asking import FHIR_JSON, Tree, fresh

GENDER = "http://hl7.org/fhir/administrative-gender"
GENDERS = "http://hl7.org/fhir/ValueSet/administrative-gender"
SERAFIN = "https://smt.esante.gouv.fr/terminologie-SERAFINPH"
FINESS = "https://mos.esante.gouv.fr/NOS/TRE_R66-CategorieEtablissement/FHIR/TRE-R66-CategorieEtablissement"
CISIS = "https://smt.esante.gouv.fr/fhir/CodeSystem/terminologie-cisis"
GIR = "https://cordee.example/fhir/CodeSystem/gir"


def system(**elements: Any) -> Tree:
    """A code system of wounds under a URL of its own."""
    return {
        "resourceType": "CodeSystem",
        "url": f"http://example.org/{fresh('plaies')}",
        "version": "1",
        "status": "active",
        "name": "Plaies",
        "title": "Plaies",
        "language": "fr",
        "content": "complete",
        "caseSensitive": True,
        "concept": [
            {
                "code": "plaie",
                "display": "Plaie",
                "property": [{"code": "notSelectable", "valueBoolean": True}],
                "concept": [
                    {
                        "code": "escarre",
                        "display": "Escarre",
                        "definition": "Lésion de pression",
                        "designation": [{"language": "en", "value": "Pressure ulcer"}],
                    },
                    {
                        "code": "brulure",
                        "display": "Brûlure",
                        "designation": [{"language": "en", "value": "Burn"}],
                    },
                ],
            },
            {"code": "ancien", "display": "Ancien", "property": [{"code": "status", "valueCode": "retired"}]},
        ],
        **elements,
    }


def value_set(*include: Tree, **elements: Any) -> Tree:
    return {
        "resourceType": "ValueSet",
        "url": f"http://example.org/{fresh('jeu')}",
        "status": "active",
        "compose": {"include": list(include)},
        **elements,
    }


def sent(**inputs: Any) -> Tree:
    """Parameters; the type of a value is told by its Python type, or by the name: `coding`, `valueSet`."""
    found = []
    for key, value in inputs.items():
        name = key.replace("_", "-")
        if isinstance(value, bool):
            found.append({"name": name, "valueBoolean": value})
        elif isinstance(value, int):
            found.append({"name": name, "valueInteger": value})
        elif isinstance(value, str):
            kind = {"code": "Code", "url": "Uri", "system": "Uri", "target": "Uri", "source": "Uri"}
            found.append({"name": name, f"value{kind.get(name, 'String')}": value})
        elif "resourceType" in value:
            found.append({"name": name, "resource": value})
        else:
            kind_of = {"codeableConcept": "CodeableConcept"}
            found.append({"name": name, f"value{kind_of.get(name, 'Coding')}": value})
    return {"resourceType": "Parameters", "parameter": found}


def told(answer: httpx.Response) -> dict[str, Any]:
    """The parameters of an answer that hold a value."""
    assert answer.status_code == 200, answer.text
    return {
        one["name"]: next(value for name, value in one.items() if name.startswith("value"))
        for one in answer.json()["parameter"]
        if any(name.startswith("value") for name in one)
    }


def parts(answer: httpx.Response, name: str) -> list[dict[str, Any]]:
    """What the parameters of a name hold as parts."""
    return [
        {part["name"]: next(v for n, v in part.items() if n != "name") for part in one["part"]}
        for one in answer.json()["parameter"]
        if one["name"] == name
    ]


def issue_in(answer: httpx.Response) -> Tree:
    """The first issue of an outcome."""
    found: Tree = answer.json()["issue"][0]
    return found


async def ask(client: httpx.AsyncClient, path: str, **inputs: str) -> httpx.Response:
    return await client.get(f"{path}?{urlencode(inputs)}")


async def post(client: httpx.AsyncClient, path: str, body: Tree, **headers: str) -> httpx.Response:
    return await client.post(path, json=body, headers={**FHIR_JSON, **headers})


def codes(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text

    def walk(entries: list[Tree]) -> list[str]:
        return [code for one in entries for code in (one["code"], *walk(one.get("contains", [])))]

    return walk(answer.json()["expansion"].get("contains", []))
