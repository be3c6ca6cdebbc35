"""The terminology service over HTTP.

https://hl7.org/fhir/R4/terminology-service.html
"""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from tests.flows.asking import FHIR_JSON, Tree, created, fresh

session = pytest.mark.asyncio(loop_scope="session")

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


# $lookup


@session
async def test_a_code_of_r4_is_looked_up(shared: httpx.AsyncClient) -> None:
    found = told(await ask(shared, "CodeSystem/$lookup", system=GENDER, code="female"))

    assert found["name"] == "AdministrativeGender"
    assert found["version"] == "4.0.1"
    assert found["display"] == "Female"


@session
async def test_a_stored_code_system_tells_its_properties_and_texts(shared: httpx.AsyncClient) -> None:
    own = await created(shared, system())

    answer = await post(
        shared,
        "CodeSystem/$lookup",
        sent(coding={"system": own["url"], "code": "escarre"}, displayLanguage="en"),
    )

    assert told(answer)["display"] == "Pressure ulcer"
    assert {"language": "en", "value": "Pressure ulcer"} in parts(answer, "designation")
    properties = {one["code"]: one["value"] for one in parts(answer, "property")}
    assert properties == {"definition": "Lésion de pression", "parent": "plaie"}


@session
async def test_only_the_properties_asked_for_are_told(shared: httpx.AsyncClient) -> None:
    answer = await ask(shared, "CodeSystem/$lookup", system=SERAFIN, code="1.1", property="child")

    assert {one["code"] for one in parts(answer, "property")} == {"child"}
    assert len(parts(answer, "property")) == 10
    assert not parts(answer, "designation")


@session
@pytest.mark.parametrize(
    ("inputs", "status", "code"),
    [
        ({"system": GENDER, "code": "none"}, 404, "not-found"),
        ({"system": "http://loinc.org", "code": "8480-6"}, 404, "not-found"),
        ({"system": GENDER, "code": "male", "version": "9"}, 404, "not-found"),
        ({"code": "male"}, 400, "required"),
        ({"system": GENDER}, 400, "required"),
    ],
)
async def test_what_cannot_be_looked_up_is_refused(
    shared: httpx.AsyncClient, inputs: dict[str, str], status: int, code: str
) -> None:
    answer = await ask(shared, "CodeSystem/$lookup", **inputs)

    assert answer.status_code == status
    assert issue_in(answer)["code"] == code


@session
async def test_refusals_are_told_in_french_to_those_who_read_it(shared: httpx.AsyncClient) -> None:
    answer = await shared.get(
        f"CodeSystem/$lookup?system={GENDER}&code=none", headers={"Accept-Language": "fr-FR,fr;q=0.9"}
    )

    assert "n'a pas ce code" in issue_in(answer)["diagnostics"]


@session
async def test_versions_of_a_code_system_stand_side_by_side(shared: httpx.AsyncClient) -> None:
    first = await created(shared, system())
    second = {**first, "version": "2", "concept": [{"code": "neuf", "display": "Neuf"}]}
    del second["id"], second["meta"]
    await created(shared, second)

    newest = await ask(shared, "CodeSystem/$lookup", system=first["url"], code="neuf")
    older = await ask(shared, "CodeSystem/$lookup", system=first["url"], code="escarre", version="1")

    assert told(newest)["version"] == "2"
    assert told(older)["version"] == "1"


@session
async def test_a_supplement_adds_a_french_text(shared: httpx.AsyncClient) -> None:
    base = await created(shared, system(language="en"))
    await created(
        shared,
        {
            "resourceType": "CodeSystem",
            "url": f"{base['url']}-fr",
            "status": "active",
            "content": "supplement",
            "supplements": base["url"],
            "concept": [{"code": "brulure", "designation": [{"language": "fr", "value": "Brûlure grave"}]}],
        },
    )

    found = told(
        await ask(shared, "CodeSystem/$lookup", system=base["url"], code="brulure", displayLanguage="fr")
    )

    assert found["display"] == "Brûlure grave"


# $validate-code


@session
@pytest.mark.parametrize(
    ("inputs", "result"),
    [
        ({"url": GENDERS, "system": GENDER, "code": "male"}, True),
        ({"url": GENDERS, "system": GENDER, "code": "man"}, False),
        ({"url": GENDERS, "system": "urn:other", "code": "male"}, False),
        ({"url": GENDERS, "system": GENDER, "code": "male", "display": "MALE"}, True),
        ({"url": GENDERS, "system": GENDER, "code": "male", "display": "Man"}, False),
        ({"url": f"{GENDERS}|4.0.1", "system": GENDER, "code": "male"}, True),
        ({"url": GENDERS, "valueSetVersion": "4.0.1", "system": GENDER, "code": "male"}, True),
        (
            {"context": "http://hl7.org/fhir/StructureDefinition/Patient#Patient.gender", "code": "female"},
            True,
        ),
        (
            {
                "url": "http://hl7.org/fhir/ValueSet/ucum-units",
                "system": "http://unitsofmeasure.org",
                "code": "mg/dL",
            },
            True,
        ),
        (
            {
                "url": "http://hl7.org/fhir/ValueSet/ucum-units",
                "system": "http://unitsofmeasure.org",
                "code": "mgs",
            },
            False,
        ),
        (
            {
                "url": "http://hl7.org/fhir/ValueSet/all-languages",
                "system": "urn:ietf:bcp:47",
                "code": "fr-CH",
            },
            True,
        ),
        (
            {
                "url": "http://hl7.org/fhir/ValueSet/all-languages",
                "system": "urn:ietf:bcp:47",
                "code": "qq-CH",
            },
            False,
        ),
        (
            {
                "url": "http://hl7.org/fhir/ValueSet/mimetypes",
                "system": "urn:ietf:bcp:13",
                "code": "text/plain",
            },
            True,
        ),
        (
            {
                "url": "http://hl7.org/fhir/ValueSet/currencies",
                "system": "urn:iso:std:iso:4217",
                "code": "EUR",
            },
            True,
        ),
    ],
)
async def test_a_code_is_of_a_value_set_or_not(
    shared: httpx.AsyncClient, inputs: dict[str, str], result: bool
) -> None:
    found = told(await ask(shared, "ValueSet/$validate-code", **inputs))

    assert found["result"] is result
    assert ("message" in found) is not result


@session
async def test_the_right_display_is_told_in_the_language_asked_for(shared: httpx.AsyncClient) -> None:
    own = await created(shared, system())

    found = told(
        await post(
            shared,
            "ValueSet/$validate-code",
            sent(
                valueSet=value_set({"system": own["url"]}),
                coding={"system": own["url"], "code": "brulure", "display": "Brulée"},
                displayLanguage="en",
            ),
        )
    )

    assert found["result"] is False
    assert found["display"] == "Burn"
    assert "Brulée" not in found["message"]


@session
async def test_one_good_coding_of_a_concept_is_enough(shared: httpx.AsyncClient) -> None:
    concept = {"coding": [{"system": "urn:x", "code": "a"}, {"system": GENDER, "code": "other"}]}

    found = told(await post(shared, "ValueSet/$validate-code", sent(url=GENDERS, codeableConcept=concept)))

    assert found == {"result": True, "display": "Other"}


@session
async def test_a_code_that_groups_others_may_be_ruled_out(shared: httpx.AsyncClient) -> None:
    own = await created(shared, system())
    asked = {"url": own["url"], "code": "plaie"}

    assert told(await ask(shared, "CodeSystem/$validate-code", **asked))["result"] is True
    assert told(await ask(shared, "CodeSystem/$validate-code", **asked, abstract="false"))["result"] is False


@session
async def test_a_stored_value_set_is_asked_at_its_address(shared: httpx.AsyncClient) -> None:
    own = await created(shared, system())
    stored = await created(
        shared,
        value_set(
            {"system": own["url"], "filter": [{"property": "concept", "op": "is-a", "value": "plaie"}]}
        ),
    )
    path = f"ValueSet/{stored['id']}/$validate-code"

    assert told(await ask(shared, path, system=own["url"], code="escarre"))["result"] is True
    assert told(await ask(shared, path, system=own["url"], code="ancien"))["result"] is False
    assert told(await ask(shared, f"CodeSystem/{own['id']}/$validate-code", code="escarre"))["result"] is True


@session
@pytest.mark.parametrize(
    ("path", "inputs", "status", "code"),
    [
        ("ValueSet", {"url": "urn:none", "system": GENDER, "code": "male"}, 404, "not-found"),
        ("CodeSystem", {"url": "http://loinc.org", "code": "8480-6"}, 404, "not-found"),
        (
            "ValueSet",
            {
                "url": "http://hl7.org/fhir/ValueSet/observation-codes",
                "system": "http://loinc.org",
                "code": "1-8",
            },
            422,
            "not-found",
        ),
        ("CodeSystem", {"url": FINESS, "code": "99999"}, 422, "not-supported"),
        ("ValueSet", {"url": GENDERS, "code": "male"}, 400, "required"),
        ("ValueSet", {"system": GENDER, "code": "male"}, 400, "required"),
        (
            "ValueSet",
            {"url": "http://snomed.info/sct?fhir_vs=ecl/<1", "system": "x", "code": "1"},
            422,
            "not-supported",
        ),
    ],
)
async def test_what_nobody_can_tell_is_neither_true_nor_false(
    shared: httpx.AsyncClient, path: str, inputs: dict[str, str], status: int, code: str
) -> None:
    answer = await ask(shared, f"{path}/$validate-code", **inputs)

    assert answer.status_code == status
    assert issue_in(answer)["code"] == code


@session
async def test_a_code_in_the_known_part_of_a_code_system_is_right(shared: httpx.AsyncClient) -> None:
    assert told(await ask(shared, "CodeSystem/$validate-code", url=FINESS, code="355"))["result"] is True


# $subsumes


@session
@pytest.mark.parametrize(
    ("one", "other", "outcome"),
    [
        ("1.1", "1.1.10", "subsumes"),
        ("1.1.10", "1.1", "subsumed-by"),
        ("1.1", "1.1", "equivalent"),
        ("1.1.1", "1.1.10", "not-subsumed"),
    ],
)
async def test_a_hierarchy_tells_what_subsumes_what(
    shared: httpx.AsyncClient, one: str, other: str, outcome: str
) -> None:
    found = told(await ask(shared, "CodeSystem/$subsumes", system=SERAFIN, codeA=one, codeB=other))

    assert found == {"outcome": outcome}


@session
async def test_subsumption_is_asked_of_a_stored_code_system_too(shared: httpx.AsyncClient) -> None:
    own = await created(shared, system())
    asked = sent(
        codingA={"system": own["url"], "code": "plaie"}, codingB={"system": own["url"], "code": "brulure"}
    )

    assert told(await post(shared, "CodeSystem/$subsumes", asked)) == {"outcome": "subsumes"}
    found = await ask(shared, f"CodeSystem/{own['id']}/$subsumes", codeA="escarre", codeB="plaie")
    assert told(found) == {"outcome": "subsumed-by"}


@session
@pytest.mark.parametrize(
    ("inputs", "status"),
    [
        ({"system": SERAFIN, "codeA": "1.1", "codeB": "none"}, 422),
        ({"system": SERAFIN, "codeA": "1.1"}, 400),
        ({"codeA": "1.1", "codeB": "1"}, 400),
    ],
)
async def test_subsumption_of_what_is_not_there_is_refused(
    shared: httpx.AsyncClient, inputs: dict[str, str], status: int
) -> None:
    assert (await ask(shared, "CodeSystem/$subsumes", **inputs)).status_code == status


# $expand


@session
async def test_a_value_set_is_expanded_by_url(shared: httpx.AsyncClient) -> None:
    answer = await ask(shared, "ValueSet/$expand", url=GENDERS)

    assert codes(answer) == ["male", "female", "other", "unknown"]
    tree = answer.json()
    assert tree["url"] == GENDERS
    assert "compose" not in tree
    assert tree["expansion"]["total"] == 4
    assert {"name": "used-codesystem", "valueUri": f"{GENDER}|4.0.1"} in tree["expansion"]["parameter"]


@session
async def test_a_whole_hierarchy_comes_nested(shared: httpx.AsyncClient) -> None:
    own = await created(shared, system())
    inline = sent(valueSet=value_set({"system": own["url"]}))

    nested = (await post(shared, "ValueSet/$expand", inline)).json()["expansion"]["contains"]
    flat = await post(
        shared, "ValueSet/$expand", sent(valueSet=value_set({"system": own["url"]}), excludeNested=True)
    )

    assert [one["code"] for one in nested] == ["plaie", "ancien"]
    assert [one["code"] for one in nested[0]["contains"]] == ["escarre", "brulure"]
    assert nested[0]["abstract"] is True
    assert nested[1]["inactive"] is True
    assert codes(flat) == ["plaie", "escarre", "brulure", "ancien"]
    assert all("contains" not in one for one in flat.json()["expansion"]["contains"])


@session
@pytest.mark.parametrize(
    ("inputs", "found"),
    [
        ({"activeOnly": True}, ["plaie", "escarre", "brulure"]),
        ({"excludeNotForUI": True, "excludeNested": True}, ["escarre", "brulure", "ancien"]),
        ({"filter": "brul"}, ["brulure"]),
        ({"filter": "ULCER press"}, ["escarre"]),
        ({"filter": "rulure"}, []),
        ({"offset": 1, "count": 2}, ["escarre", "brulure"]),
        ({"count": 0}, []),
        ({"offset": 9}, []),
    ],
)
async def test_the_inputs_narrow_an_expansion(
    shared: httpx.AsyncClient, inputs: dict[str, Any], found: list[str]
) -> None:
    own = await created(shared, system())

    answer = await post(
        shared, "ValueSet/$expand", sent(valueSet=value_set({"system": own["url"]}), **inputs)
    )

    assert codes(answer) == found
    echoed = {one["name"] for one in answer.json()["expansion"]["parameter"]}
    assert set(inputs) <= echoed


@session
async def test_a_page_tells_the_total_of_all(shared: httpx.AsyncClient) -> None:
    answer = await ask(shared, "ValueSet/$expand", url=GENDERS, offset="1", count="2")

    expansion = answer.json()["expansion"]
    assert codes(answer) == ["female", "other"]
    assert (expansion["total"], expansion["offset"]) == (4, 1)


@session
async def test_displays_come_in_the_language_asked_for_and_designations_if_wanted(
    shared: httpx.AsyncClient,
) -> None:
    own = await created(shared, system())
    asked = sent(
        valueSet=value_set({"system": own["url"], "concept": [{"code": "brulure"}]}),
        displayLanguage="en",
        includeDesignations=True,
        includeDefinition=True,
    )

    tree = (await post(shared, "ValueSet/$expand", asked)).json()

    (entry,) = tree["expansion"]["contains"]
    assert entry["display"] == "Burn"
    assert entry["designation"] == [{"language": "en", "value": "Burn"}]
    assert "compose" in tree


@session
async def test_versions_of_code_systems_can_be_chosen(shared: httpx.AsyncClient) -> None:
    first = await created(shared, system())
    url = first["url"]
    await created(
        shared,
        {
            **{k: v for k, v in first.items() if k not in {"id", "meta"}},
            "version": "2",
            "concept": [{"code": "neuf"}],
        },
    )
    free, pinned = value_set({"system": url}), value_set({"system": url, "version": "1"})

    async def expanded(tree: Tree, **inputs: str) -> httpx.Response:
        return await post(shared, "ValueSet/$expand", sent(valueSet=tree, **inputs))

    assert codes(await expanded(free)) == ["neuf"]
    assert "escarre" in codes(await expanded(pinned))
    assert "escarre" in codes(await expanded(free, system_version=f"{url}|1"))
    assert "escarre" in codes(await expanded(pinned, system_version=f"{url}|2"))
    assert codes(await expanded(pinned, force_system_version=f"{url}|2")) == ["neuf"]
    refused = await expanded(pinned, check_system_version=f"{url}|2")
    assert refused.status_code == 422
    assert issue_in(refused)["code"] == "business-rule"


@session
async def test_a_code_system_can_be_left_out(shared: httpx.AsyncClient) -> None:
    own = await created(shared, system())
    both = value_set({"system": own["url"]}, {"system": GENDER})

    answer = await post(shared, "ValueSet/$expand", sent(valueSet=both, exclude_system=own["url"]))

    assert codes(answer) == ["male", "female", "other", "unknown"]


@session
async def test_a_part_of_a_code_system_is_told_to_be_one(shared: httpx.AsyncClient) -> None:
    answer = await post(
        shared, "ValueSet/$expand", sent(valueSet=value_set({"system": FINESS}, status="draft", url="urn:d"))
    )

    expansion = answer.json()["expansion"]
    assert "355" in codes(answer)
    assert expansion["extension"][0]["url"].endswith("valueset-unclosed")
    assert {"name": "warning-fragment", "valueUri": FINESS} in expansion["parameter"]
    assert {"name": "warning-draft", "valueUri": "urn:d"} in expansion["parameter"]


@session
@pytest.mark.parametrize(
    ("url", "status", "code"),
    [
        ("urn:none", 404, "not-found"),
        ("http://snomed.info/sct?fhir_vs=isa/73211009", 422, "not-supported"),
        ("http://snomed.info/sct?fhir_vs=ecl/<73211009", 422, "not-supported"),
        ("http://loinc.org/vs/LL715-4", 422, "not-found"),
        ("http://hl7.org/fhir/ValueSet/all-languages", 422, "not-supported"),
    ],
)
async def test_what_cannot_be_expanded_says_why(
    shared: httpx.AsyncClient, url: str, status: int, code: str
) -> None:
    answer = await ask(shared, "ValueSet/$expand", url=url)

    assert answer.status_code == status
    assert issue_in(answer)["code"] == code


@session
async def test_a_value_set_that_includes_itself_is_refused(shared: httpx.AsyncClient) -> None:
    turn = await created(shared, value_set({"system": GENDER}))
    circle = await created(shared, value_set({"valueSet": [turn["url"]]}))
    turn["compose"] = {"include": [{"valueSet": [circle["url"]]}]}
    await shared.put(f"ValueSet/{turn['id']}", json=turn, headers=FHIR_JSON)

    expanded = await ask(shared, "ValueSet/$expand", url=turn["url"])
    validated = await ask(shared, "ValueSet/$validate-code", url=turn["url"], system="urn:x", code="a")

    assert (expanded.status_code, validated.status_code) == (422, 422)
    assert "includes itself" in issue_in(expanded)["diagnostics"]


@session
async def test_sets_within_sets_within_sets_cost_no_more_than_each_once(shared: httpx.AsyncClient) -> None:
    inner = await created(shared, value_set({"system": GENDER}))
    for _ in range(15):
        inner = await created(shared, value_set({"valueSet": [inner["url"]]}, {"valueSet": [inner["url"]]}))
    start = time.perf_counter()

    expanded = await ask(shared, "ValueSet/$expand", url=inner["url"])
    validated = await ask(shared, "ValueSet/$validate-code", url=inner["url"], system=GENDER, code="none")

    assert len(codes(expanded)) == 4
    assert told(validated)["result"] is False
    assert time.perf_counter() - start < 5


@session
async def test_more_codes_than_can_be_listed_are_refused_and_can_be_paged(shared: httpx.AsyncClient) -> None:
    many = await created(
        shared,
        system(concept=[{"code": f"c{number}", "display": f"Code {number}"} for number in range(12_000)]),
    )
    own = await created(shared, value_set({"system": many["url"]}))

    refused = await ask(shared, "ValueSet/$expand", url=own["url"])
    page = await ask(shared, "ValueSet/$expand", url=own["url"], offset="11990", count="100")

    assert refused.status_code == 422
    assert issue_in(refused)["code"] == "too-costly"
    assert codes(page) == [f"c{number}" for number in range(11_990, 12_000)]
    assert page.json()["expansion"]["total"] == 12_000


@session
@pytest.mark.parametrize("pattern", ["(a+)+b", "(((a{100}){100}){100})", "("])
async def test_a_regular_expression_cannot_keep_the_server_busy(
    shared: httpx.AsyncClient, pattern: str
) -> None:
    own = await created(shared, system(concept=[{"code": "a" * 60 + str(number)} for number in range(500)]))
    include = {"system": own["url"], "filter": [{"property": "code", "op": "regex", "value": pattern}]}
    start = time.perf_counter()

    answer = await post(shared, "ValueSet/$expand", sent(valueSet=value_set(include)))

    assert answer.status_code in {200, 422}
    assert time.perf_counter() - start < 5


# $translate


@session
async def test_a_code_is_translated_both_ways(shared: httpx.AsyncClient) -> None:
    url = "https://cordee.example/fhir/ConceptMap/gir-to-cisis"

    there = await ask(shared, "ConceptMap/$translate", url=url, system=GIR, code="gir-4")
    back = await ask(shared, "ConceptMap/$translate", url=url, system=CISIS, code="MED-342", reverse="true")

    assert told(there)["result"] is True
    assert parts(there, "match") == [
        {
            "equivalence": "equivalent",
            "concept": {"system": CISIS, "code": "MED-342", "display": "GIR-4"},
            "source": url,
        }
    ]
    assert parts(back, "match")[0]["concept"] == {"system": GIR, "code": "gir-4", "display": "GIR 4"}


@session
async def test_without_a_map_all_that_lead_to_the_target_are_asked(shared: httpx.AsyncClient) -> None:
    found = await ask(shared, "ConceptMap/$translate", system=GIR, code="gir-1", targetsystem=CISIS)
    none = await ask(shared, "ConceptMap/$translate", system=GIR, code="gir-1", targetsystem="urn:none")

    assert parts(found, "match")[0]["concept"]["code"] == "MED-339"
    assert told(none)["result"] is False
    assert "message" in told(none)


@session
async def test_the_scope_of_value_sets_chooses_the_map(shared: httpx.AsyncClient) -> None:
    answer = await ask(
        shared,
        "ConceptMap/$translate",
        system=GENDER,
        code="male",
        source=GENDERS,
        target="http://terminology.hl7.org/ValueSet/v2-0001",
    )

    assert [one["concept"]["code"] for one in parts(answer, "match")] == ["M"]


@session
@pytest.mark.parametrize(
    ("unmapped", "found"),
    [
        ({"mode": "provided"}, [("equal", "b")]),
        ({"mode": "fixed", "code": "z", "display": "Rest"}, [("inexact", "z")]),
        ({"mode": "other-map", "url": "https://cordee.example/fhir/ConceptMap/gir-to-cisis"}, []),
        (None, []),
    ],
)
async def test_what_a_map_does_not_know_goes_where_it_says(
    shared: httpx.AsyncClient, unmapped: Tree | None, found: list[tuple[str, str]]
) -> None:
    group: Tree = {
        "source": "urn:s",
        "target": "urn:t",
        "element": [{"code": "a", "target": [{"code": "A", "equivalence": "wider"}]}],
    }
    tree = {
        "resourceType": "ConceptMap",
        "url": f"http://example.org/{fresh('map')}",
        "status": "active",
        "group": [{**group, **({"unmapped": unmapped} if unmapped else {})}],
    }

    answer = await post(shared, "ConceptMap/$translate", sent(conceptMap=tree, system="urn:s", code="b"))
    known = await post(shared, "ConceptMap/$translate", sent(conceptMap=tree, system="urn:s", code="a"))
    back = await post(
        shared, "ConceptMap/$translate", sent(conceptMap=tree, system="urn:t", code="A", reverse=True)
    )

    assert [(one["equivalence"], one["concept"]["code"]) for one in parts(answer, "match")] == found
    assert parts(known, "match")[0]["equivalence"] == "wider"
    assert parts(back, "match")[0]["equivalence"] == "narrower"


@session
async def test_a_map_is_asked_at_its_address(shared: httpx.AsyncClient) -> None:
    stored = await created(
        shared,
        {
            "resourceType": "ConceptMap",
            "url": f"http://example.org/{fresh('map')}",
            "status": "active",
            "group": [
                {
                    "source": "urn:s",
                    "target": "urn:t",
                    "element": [{"code": "a", "target": [{"equivalence": "unmatched"}]}],
                }
            ],
        },
    )

    answer = await ask(shared, f"ConceptMap/{stored['id']}/$translate", system="urn:s", code="a")

    assert told(answer)["result"] is False
    assert parts(answer, "match")[0]["equivalence"] == "unmatched"


# As clients are


V3 = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
V3_CODES = "http://terminology.hl7.org/ValueSet/v3-ActCode"
ADDRESS_USE = "http://hl7.org/fhir/address-use"
ADDRESS_MAP = "http://hl7.org/fhir/ConceptMap/cm-address-use-v3"


@session
async def test_pages_of_an_expansion_are_together_the_whole_of_it(shared: httpx.AsyncClient) -> None:
    whole = codes(await ask(shared, "ValueSet/$expand", url=V3_CODES))
    pages: list[str] = []
    while page := codes(
        await ask(shared, "ValueSet/$expand", url=V3_CODES, offset=str(len(pages)), count="400")
    ):
        pages += page

    assert len(pages) == len(set(pages))
    assert sorted(pages) == sorted(whole)


@session
async def test_a_filter_that_is_still_empty_finds_everything(shared: httpx.AsyncClient) -> None:
    answer = await shared.get(f"ValueSet/$expand?url={GENDERS}&filter=")

    assert codes(answer) == ["male", "female", "other", "unknown"]


@session
async def test_an_expansion_as_of_another_day_is_refused(shared: httpx.AsyncClient) -> None:
    past = await ask(shared, "ValueSet/$expand", url=GENDERS, date="2001-01-01")
    future = await ask(shared, "ValueSet/$expand", url=GENDERS, date="2999")

    assert (past.status_code, issue_in(past)["code"]) == (422, "not-supported")
    assert future.status_code == 200


@session
async def test_a_version_that_is_forced_and_not_known_is_named(shared: httpx.AsyncClient) -> None:
    answer = await shared.get(f"ValueSet/$expand?url={GENDERS}&force-system-version={GENDER}|9")

    assert answer.status_code == 422
    assert f"{GENDER}|9" in issue_in(answer)["diagnostics"]


@session
async def test_a_property_comes_with_the_display_of_its_value(shared: httpx.AsyncClient) -> None:
    answer = await ask(shared, "CodeSystem/$lookup", system=V3, code="_ActEncounterCode")

    found = {one["code"]: one for one in parts(answer, "property") if one["code"] != "child"}
    assert found["parent"]["description"] == "act care provision"
    assert found["notSelectable"] == {"code": "notSelectable", "value": True}


@session
async def test_the_version_of_a_code_system_may_stand_behind_its_url(shared: httpx.AsyncClient) -> None:
    asked = {"url": GENDERS, "system": f"{GENDER}|4.0.1", "code": "male"}

    assert told(await ask(shared, "ValueSet/$validate-code", **asked))["result"] is True


@session
async def test_a_concept_in_words_alone_is_of_no_value_set(shared: httpx.AsyncClient) -> None:
    asked = sent(url=GENDERS, codeableConcept={"text": "a man"})

    found = told(await post(shared, "ValueSet/$validate-code", asked))

    assert found["result"] is False
    assert found["message"]


@session
async def test_a_coding_without_system_is_told_what_it_lacks(shared: httpx.AsyncClient) -> None:
    asked = sent(url=GENDERS, coding={"code": "male"})

    found = told(await post(shared, "ValueSet/$validate-code", asked))

    assert found["result"] is False
    assert "system" in found["message"]


@session
async def test_a_code_system_without_url_is_asked_too(shared: httpx.AsyncClient) -> None:
    nameless = system()
    del nameless["url"]
    stored = await created(shared, nameless)

    sent_along = await post(shared, "CodeSystem/$validate-code", sent(codeSystem=nameless, code="escarre"))
    there = await ask(shared, f"CodeSystem/{stored['id']}/$validate-code", code="none")

    assert told(sent_along)["result"] is True
    assert told(there)["result"] is False


@session
async def test_codes_of_two_versions_are_not_compared(shared: httpx.AsyncClient) -> None:
    one = {"system": V3, "code": "AMB", "version": "2018-08-12"}
    asked = sent(codingA=one, codingB={**one, "version": "1"})

    assert (await post(shared, "CodeSystem/$subsumes", asked)).status_code == 400


@session
async def test_questions_and_answers_may_be_xml(shared: httpx.AsyncClient) -> None:
    body = (
        f'<Parameters xmlns="http://hl7.org/fhir"><parameter><name value="url"/><valueUri value="{ADDRESS_MAP}"/>'
        f'</parameter><parameter><name value="coding"/><valueCoding><system value="{ADDRESS_USE}"/>'
        '<code value="home"/></valueCoding></parameter></Parameters>'
    )
    xml = "application/fhir+xml"

    answer = await shared.post(
        "ConceptMap/$translate", content=body, headers={"Content-Type": xml, "Accept": xml}
    )

    assert answer.status_code == 200
    assert '<name value="concept"/><valueCoding><system value="http://terminology.hl7.org/' in answer.text


@session
@pytest.mark.parametrize("mode", ["full", "terminology"])
async def test_what_the_server_says_of_itself_is_valid(shared: httpx.AsyncClient, mode: str) -> None:
    said = (await shared.get(f"metadata?mode={mode}")).json()

    outcome = await post(shared, f"{said['resourceType']}/$validate", said)

    assert not [one for one in outcome.json()["issue"] if one["severity"] in {"error", "fatal"}]


# Everywhere


@session
async def test_a_batch_asks_many_questions_at_once(shared: httpx.AsyncClient) -> None:
    def question(url: str) -> Tree:
        return {"request": {"method": "GET", "url": url}}

    bundle = {
        "resourceType": "Bundle",
        "type": "batch",
        "entry": [
            question(f"ValueSet/$validate-code?url={GENDERS}&system={GENDER}&code=male"),
            question(f"ValueSet/$expand?url={GENDERS}&count=1"),
            question(f"CodeSystem/$lookup?system={GENDER}&code=none"),
        ],
    }

    answers = (await post(shared, "", bundle)).json()["entry"]

    assert [one["response"]["status"][:3] for one in answers] == ["200", "200", "404"]
    assert answers[1]["resource"]["expansion"]["contains"][0]["code"] == "male"


@session
async def test_terminology_capabilities_list_the_code_systems(shared: httpx.AsyncClient) -> None:
    answer = await shared.get("metadata?mode=terminology")

    listed = {one["uri"]: one for one in answer.json()["codeSystem"]}
    assert listed[GENDER]["version"][0]["code"] == "4.0.1"
    assert SERAFIN in listed
    assert "http://unitsofmeasure.org" in listed


@session
async def test_searches_ask_the_same_definitions(shared: httpx.AsyncClient) -> None:
    own = await created(shared, system())
    subject = await created(shared, {"resourceType": "Patient"})
    condition = {
        "resourceType": "Condition",
        "subject": {"reference": f"Patient/{subject['id']}"},
        "code": {"coding": [{"system": own["url"], "code": "brulure"}]},
    }
    kept = await created(shared, condition)
    wanted = await created(shared, value_set({"system": own["url"]}))

    below = await shared.get(f"Condition?code:below={own['url']}|plaie")
    within = await shared.get(f"Condition?code:in={wanted['url']}")

    for answer in (below, within):
        assert [one["resource"]["id"] for one in answer.json()["entry"]] == [kept["id"]]
