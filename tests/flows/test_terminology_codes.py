"""What is known of one code: `$lookup`, `$validate-code` and `$subsumes`.

https://hl7.org/fhir/R4/terminology-service.html
"""

from __future__ import annotations

import httpx
import pytest

from tests.flows.asking import created
from tests.flows.terminology_asking import (
    FINESS,
    GENDER,
    GENDERS,
    SERAFIN,
    ask,
    issue_in,
    parts,
    post,
    sent,
    system,
    told,
    value_set,
)

session = pytest.mark.asyncio(loop_scope="session")


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
