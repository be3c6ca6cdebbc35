"""How a search is asked over HTTP: where, by GET or POST, and what becomes of what the server does not understand.

https://hl7.org/fhir/R4/search.html#Introduction · https://hl7.org/fhir/R4/search.html#errors
"""

from __future__ import annotations

from collections import Counter

import httpx
import pytest

from tests.flows.asking import (
    FHIR_JSON,
    Tree,
    created,
    fresh,
    issue_of,
    link_of,
    observation,
    patient,
    resources_of,
)

pytestmark = pytest.mark.asyncio(loop_scope="session")

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
STRICT = {"Prefer": "handling=strict"}
LENIENT = {"Prefer": "handling=lenient"}
TAGS = "http://acme.org/tags"


def tagged(tag: str, tree: Tree) -> Tree:
    return {**tree, "meta": {"tag": [{"system": TAGS, "code": tag}]}}


def ids_of(page: Tree) -> set[str]:
    return {item["resource"]["id"] for item in page.get("entry", ()) if item["search"]["mode"] == "match"}


def outcome_of(page: Tree) -> list[Tree]:
    """The issues of the entry that tells about the search itself."""
    told = [item["resource"] for item in page.get("entry", ()) if item["search"]["mode"] == "outcome"]
    return [issue for outcome in told for issue in outcome["issue"]]


@pytest.mark.parametrize("path", ["Patient", "Patient/"])
async def test_a_search_of_a_type_has_an_address_of_its_own(shared: httpx.AsyncClient, path: str) -> None:
    kept = await created(shared, patient(fresh()))

    page = (await shared.get(f"{path}?_id={kept['id']}")).json()

    assert ids_of(page) == {kept["id"]}
    assert link_of(page, "self") == f"http://test.example/fhir/Patient?_id={kept['id']}"


@pytest.mark.parametrize("method", ["get", "post"])
async def test_every_type_is_searched_at_the_base(shared: httpx.AsyncClient, method: str) -> None:
    tag = fresh("tag")
    person = await created(shared, tagged(tag, patient()))
    seen = await created(shared, tagged(tag, observation(f"Patient/{person['id']}")))

    if method == "get":
        response = await shared.get(f"?_tag={tag}")
    else:
        response = await shared.post("_search", content=f"_tag={tag}", headers=FORM)

    page = response.json()
    assert response.status_code == 200, response.text
    assert ids_of(page) == {person["id"], seen["id"]}
    assert link_of(page, "self") == f"http://test.example/fhir?_tag={tag}"


async def test_several_types_are_searched_by_what_they_share(shared: httpx.AsyncClient) -> None:
    person = await created(shared, patient(fresh()))
    seen = await created(shared, observation(f"Patient/{person['id']}"))
    ill = await created(
        shared, {"resourceType": "Condition", "subject": {"reference": f"Patient/{person['id']}"}}
    )

    page = (await shared.get(f"?_type=Observation,Condition&patient={person['id']}")).json()

    assert ids_of(page) == {seen["id"], ill["id"]}
    assert page["total"] == 2
    assert "_type=Observation,Condition" in link_of(page, "self")


@pytest.mark.parametrize("query", ["_type=Observation,Patient&birthdate=1950", "birthdate=1950"])
async def test_what_not_all_types_have_does_not_search_them(shared: httpx.AsyncClient, query: str) -> None:
    issue_of(await shared.get(f"?{query}", headers=STRICT), 400, "not-supported")
    lenient = (await shared.get(f"?{query}&_count=1", headers=LENIENT)).json()

    assert outcome_of(lenient)
    assert "birthdate" not in link_of(lenient, "self")


@pytest.mark.parametrize("method", ["get", "post"])
async def test_a_compartment_is_searched_by_type_or_whole(shared: httpx.AsyncClient, method: str) -> None:
    person, other = await created(shared, patient()), await created(shared, patient())
    seen = await created(shared, observation(f"Patient/{person['id']}"))
    await created(shared, observation(f"Patient/{other['id']}"))

    async def searched(path: str, query: str) -> Tree:
        if method == "get":
            response = await shared.get(f"{path}?{query}")
        else:
            response = await shared.post(f"{path}/_search", content=query, headers=FORM)
        assert response.status_code == 200, response.text
        page: Tree = response.json()
        return page

    of_type = await searched(f"Patient/{person['id']}/Observation", "status=final")
    whole = await searched(f"Patient/{person['id']}/*", "_type=Observation")

    assert ids_of(of_type) == ids_of(whole) == {seen["id"]}
    assert link_of(of_type, "self").endswith(f"/Patient/{person['id']}/Observation?status=final")


async def test_parameters_of_the_url_and_of_the_form_are_repetitions_of_one_another(
    shared: httpx.AsyncClient,
) -> None:
    both = await created(shared, patient(name=[{"given": ["Anna", given := fresh("Maria")]}]))
    await created(shared, patient(name=[{"given": [given]}]))

    page = (await shared.post("Patient/_search?given=anna", data={"given": given})).json()

    assert ids_of(page) == {both["id"]}
    assert link_of(page, "self").count("given=") == 2


async def test_an_empty_parameter_is_no_error(shared: httpx.AsyncClient) -> None:
    kept = await created(shared, patient(fresh()))

    page = (await shared.get(f"Patient?_id={kept['id']}&birthdate=&family=")).json()

    assert ids_of(page) == {kept["id"]}
    assert "birthdate" not in link_of(page, "self")


@pytest.mark.parametrize("headers", [{}, LENIENT])
async def test_an_unknown_parameter_is_passed_over_with_a_warning(
    shared: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    kept = await created(shared, patient(fresh()))

    page = (await shared.get(f"Patient?_id={kept['id']}&myInvalidParameter=true", headers=headers)).json()

    assert ids_of(page) == {kept["id"]}
    assert page["total"] == 1
    assert {issue["severity"] for issue in outcome_of(page)} == {"warning"}
    assert "myInvalidParameter" not in link_of(page, "self")


@pytest.mark.parametrize(
    "query",
    [
        "myInvalidParameter=true",
        "Family=Payet",
        "subject=1",
        "_sort=shoe",
        "code.x=1",
        "_include=Patient:shoe",
    ],
)
async def test_strictly_an_unknown_parameter_is_an_error(shared: httpx.AsyncClient, query: str) -> None:
    issue_of(await shared.get(f"Patient?{query}", headers=STRICT), 400, "not-supported")


@pytest.mark.parametrize("headers", [{}, LENIENT, STRICT])
@pytest.mark.parametrize(
    "query",
    [
        "family:not=Payet",
        "birthdate:exact=1950",
        "birthdate:text=1995",
        "gender:contains=male",
        "identifier:in=http://acme.org/x",
        "general-practitioner:Medication=1",
        "general-practitioner:below=1",
        "family:shoe=Payet",
        "gender:=male",
        "_id:exact=1",
        "_sort:asc=family",
        "_count:x=1",
        "address:of-type=a|b|c",
    ],
)
async def test_a_modifier_that_does_not_apply_is_always_refused(
    shared: httpx.AsyncClient, query: str, headers: dict[str, str]
) -> None:
    response = await shared.get(f"Patient?{query}", headers=headers)

    issue = issue_of(response, 400)
    assert query.partition(":")[0] in issue["diagnostics"]


@pytest.mark.parametrize("headers", [{}, STRICT])
@pytest.mark.parametrize(
    "query", ["birthdate=23%20May%202009", "_lastUpdated=yesterday", "family:missing=maybe", "_count=some"]
)
async def test_a_value_that_cannot_be_read_is_an_error(
    shared: httpx.AsyncClient, query: str, headers: dict[str, str]
) -> None:
    issue = issue_of(await shared.get(f"Patient?{query}", headers=headers), 400, "value")

    assert "May" not in issue["diagnostics"]
    assert "yesterday" not in issue["diagnostics"]


@pytest.mark.parametrize("query", ["subject=101", "code=http://loinc.org|1234-1", "date=lt1000", "_id=never"])
async def test_what_nothing_can_meet_is_an_empty_result(shared: httpx.AsyncClient, query: str) -> None:
    response = await shared.get(f"Observation?{query}")

    assert response.status_code == 200
    assert response.json()["total"] == 0
    assert ids_of(response.json()) == set()


async def test_escaped_colons_in_names_and_values_are_colons(shared: httpx.AsyncClient) -> None:
    person = await created(shared, patient())
    seen = await created(
        shared, observation(f"Patient/{person['id']}", effectiveDateTime="2024-02-03T10:00:00+04:00")
    )

    page = (
        await shared.get(
            f"Observation?subject%3APatient={person['id']}&date=2024-02-03T10%3A00%3A00%2B04%3A00"
        )
    ).json()

    assert ids_of(page) == {seen["id"]}


async def test_a_token_without_a_system_takes_no_bar(shared: httpx.AsyncClient) -> None:
    mail = f"{fresh()}@example.org"
    kept = await created(shared, patient(telecom=[{"system": "email", "value": mail}]))

    assert ids_of((await shared.get("Patient", params={"email": mail})).json()) == {kept["id"]}
    assert ids_of((await shared.get("Patient", params={"email": f"email|{mail}"})).json()) == set()


async def test_the_id_is_matched_exactly_and_has_no_system(shared: httpx.AsyncClient) -> None:
    own = fresh("Id")
    await shared.put(f"Patient/{own}", json=patient(id=own), headers=FHIR_JSON)

    async def found(value: str) -> set[str]:
        return ids_of((await shared.get("Patient", params={"_id": value})).json())

    assert await found(own) == {own}
    assert await found(own.upper()) == set()
    assert await found(own[:-1]) == set()
    assert await found(f"http://acme.org|{own}") == set()


@pytest.mark.parametrize("headers", [{}, LENIENT, STRICT])
async def test_a_named_query_that_is_not_known_is_refused(
    shared: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    issue_of(await shared.get("Patient?_query=current-high-risk", headers=headers), 400)


async def test_names_of_parameters_differ_by_more_than_case(shared: httpx.AsyncClient) -> None:
    rest = (await shared.get("metadata")).json()["rest"][0]

    for listed in [rest, *rest["resource"]]:
        names = Counter(parameter["name"].casefold() for parameter in listed.get("searchParam", ()))
        assert set(names.values()) <= {1}, listed.get("type")


async def test_the_statement_says_what_can_be_searched_and_included(shared: httpx.AsyncClient) -> None:
    rest = (await shared.get("metadata")).json()["rest"][0]
    listed = next(one for one in rest["resource"] if one["type"] == "Observation")
    names = {parameter["name"] for parameter in listed["searchParam"]}

    assert {"_id", "code", "subject", "date", "value-quantity", "code-value-quantity"} <= names
    assert {interaction["code"] for interaction in listed["interaction"]} >= {"search-type"}
    assert {interaction["code"] for interaction in rest["interaction"]} >= {"search-system"}
    for name in sorted(names):
        missing = await shared.get(f"Observation?{name}=&_count=0", headers=LENIENT)
        assert missing.status_code == 200, name


async def test_a_search_changes_nothing(shared: httpx.AsyncClient) -> None:
    kept = await created(shared, patient(fresh()))

    await shared.get(f"Patient?_id={kept['id']}")
    await shared.post("Patient/_search", data={"_id": kept["id"]})

    history = (await shared.get(f"Patient/{kept['id']}/_history")).json()
    assert history["total"] == 1
    assert resources_of(history) == [kept]
