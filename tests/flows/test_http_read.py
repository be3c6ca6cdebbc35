"""read, vread and their conditional forms, HEAD, and parts of resources.

https://hl7.org/fhir/R4/http.html#read · https://hl7.org/fhir/R4/http.html#vread
"""

from __future__ import annotations

from datetime import timedelta
from email.utils import format_datetime, parsedate_to_datetime

import httpx
import pytest

from fhir_server.web.xml import tree_of
from tests.flows.asking import FHIR_JSON, created, fresh, issue_of, observation, patient

pytestmark = pytest.mark.asyncio(loop_scope="session")

FORMS = ["application/fhir+json", "application/fhir+xml"]


async def test_a_read_gives_the_resource_with_its_id_and_the_headers_of_its_version(
    shared: httpx.AsyncClient,
) -> None:
    kept = await created(shared, patient(active=True))

    response = await shared.get(f"Patient/{kept['id']}")

    assert response.status_code == 200
    assert response.json() == kept
    assert response.headers["etag"] == 'W/"1"'
    assert response.headers["content-type"] == "application/fhir+json;charset=utf-8"
    assert response.headers["content-location"] == f"http://test.example/fhir/Patient/{kept['id']}/_history/1"
    shown = parsedate_to_datetime(response.headers["last-modified"])
    assert kept["meta"]["lastUpdated"].startswith(shown.strftime("%Y-%m-%dT%H:%M:%S"))
    assert "location" not in response.headers


@pytest.mark.parametrize("form", FORMS)
async def test_the_resource_carries_the_id_of_its_address(shared: httpx.AsyncClient, form: str) -> None:
    kept = await created(shared, patient(active=True))

    response = await shared.get(f"Patient/{kept['id']}", headers={"Accept": form})

    tree = response.json() if "json" in form else tree_of(response.content)
    assert response.headers["content-type"].startswith(form)
    assert tree["id"] == kept["id"]
    assert tree["meta"]["versionId"] == "1"


@pytest.mark.parametrize("form", FORMS)
async def test_a_vread_gives_the_version_that_was_asked_for(shared: httpx.AsyncClient, form: str) -> None:
    kept = await created(shared, patient(gender="male"))
    await shared.put(f"Patient/{kept['id']}", json=patient(id=kept["id"], gender="female"))

    old = await shared.get(f"Patient/{kept['id']}/_history/1", headers={"Accept": form})
    new = await shared.get(f"Patient/{kept['id']}/_history/2", headers={"Accept": form})

    trees = [r.json() if "json" in form else tree_of(r.content) for r in (old, new)]
    assert [tree["id"] for tree in trees] == [kept["id"], kept["id"]]
    assert [tree["meta"]["versionId"] for tree in trees] == ["1", "2"]
    assert [tree["gender"] for tree in trees] == ["male", "female"]
    assert [r.headers["etag"] for r in (old, new)] == ['W/"1"', 'W/"2"']
    assert old.headers["last-modified"]


async def test_an_unknown_resource_is_404_and_a_deleted_one_410(shared: httpx.AsyncClient) -> None:
    kept = await created(shared, patient())
    await shared.delete(f"Patient/{kept['id']}")

    issue_of(await shared.get(f"Patient/{fresh()}"), 404, "not-found")
    gone = await shared.get(f"Patient/{kept['id']}")
    issue_of(gone, 410, "deleted")
    assert gone.headers["etag"] == 'W/"2"'


async def test_an_id_of_one_type_is_unknown_under_another(shared: httpx.AsyncClient) -> None:
    kept = await created(shared, patient())

    issue_of(await shared.get(f"Practitioner/{kept['id']}"), 404, "not-found")


@pytest.mark.parametrize("version", ["2", "0", "01", "-1", "abc", "1.0", "99999999999999999999"])
async def test_a_version_that_never_was_is_404(shared: httpx.AsyncClient, version: str) -> None:
    kept = await created(shared, patient())

    issue_of(await shared.get(f"Patient/{kept['id']}/_history/{version}"), 404, "not-found")


async def test_a_vread_of_a_deletion_is_410_and_of_the_version_before_it_200(
    shared: httpx.AsyncClient,
) -> None:
    kept = await created(shared, patient())
    await shared.delete(f"Patient/{kept['id']}")

    issue_of(await shared.get(f"Patient/{kept['id']}/_history/2"), 410, "deleted")
    before = await shared.get(f"Patient/{kept['id']}/_history/1")
    assert before.json() == kept


@pytest.mark.parametrize("tag", ['W/"1"', '"1"', '"7", W/"1"', "*", "1"])
async def test_if_none_match_of_the_current_version_is_304_without_a_body(
    shared: httpx.AsyncClient, tag: str
) -> None:
    kept = await created(shared, patient())

    response = await shared.get(f"Patient/{kept['id']}", headers={"If-None-Match": tag})

    assert response.status_code == 304
    assert response.content == b""
    assert response.headers["etag"] == 'W/"1"'


async def test_if_none_match_of_another_version_is_200(shared: httpx.AsyncClient) -> None:
    kept = await created(shared, patient())

    response = await shared.get(f"Patient/{kept['id']}", headers={"If-None-Match": 'W/"9"'})

    assert response.status_code == 200
    assert response.json() == kept


async def test_if_modified_since_compares_with_the_last_update(shared: httpx.AsyncClient) -> None:
    kept = await created(shared, patient())
    address = f"Patient/{kept['id']}"
    shown = (await shared.get(address)).headers["last-modified"]
    before = format_datetime(parsedate_to_datetime(shown) - timedelta(seconds=1), usegmt=True)

    same = await shared.get(address, headers={"If-Modified-Since": shown})
    changed = await shared.get(address, headers={"If-Modified-Since": before})
    unreadable = await shared.get(address, headers={"If-Modified-Since": "yesterday"})

    assert [r.status_code for r in (same, changed, unreadable)] == [304, 200, 200]


async def test_if_none_match_wins_over_if_modified_since(shared: httpx.AsyncClient) -> None:
    kept = await created(shared, patient())
    address = f"Patient/{kept['id']}"
    shown = (await shared.get(address)).headers["last-modified"]

    response = await shared.get(address, headers={"If-None-Match": 'W/"9"', "If-Modified-Since": shown})

    assert response.status_code == 200


@pytest.mark.parametrize(
    "path", ["{0}", "{0}/_history/1", "{0}/_history", "Patient?_id={1}", "metadata", "Patient/nobody"]
)
async def test_head_answers_like_get_without_the_body(shared: httpx.AsyncClient, path: str) -> None:
    kept = await created(shared, patient())
    path = path.format(f"Patient/{kept['id']}", kept["id"])

    got, head = await shared.get(path), await shared.head(path)

    assert head.status_code == got.status_code
    assert head.content == b""
    for name in ("content-type", "etag", "last-modified", "content-location"):
        if not (name == "last-modified" and "_history" in path):
            assert head.headers.get(name) == got.headers.get(name)


async def test_head_of_a_deleted_resource_is_410(shared: httpx.AsyncClient) -> None:
    kept = await created(shared, patient())
    await shared.delete(f"Patient/{kept['id']}")

    assert (await shared.head(f"Patient/{kept['id']}")).status_code == 410


@pytest.mark.parametrize("path", ["Patient/{}", "Patient/{}/", "Patient/{}/_history/1/"])
async def test_a_slash_at_the_end_changes_nothing(shared: httpx.AsyncClient, path: str) -> None:
    kept = await created(shared, patient())

    response = await shared.get(path.format(kept["id"]))

    assert response.status_code == 200
    assert response.json() == kept


@pytest.mark.parametrize("path", ["Patient", "Patient/", "metadata", "metadata/", "_history", "_history/"])
async def test_both_forms_of_an_address_work_without_a_redirect(shared: httpx.AsyncClient, path: str) -> None:
    assert (await shared.get(path)).status_code == 200


async def test_addresses_are_case_sensitive(shared: httpx.AsyncClient) -> None:
    kept = await created(shared, patient())

    issue_of(await shared.get(f"patient/{kept['id']}"), 404)
    issue_of(await shared.get(f"Patient/{kept['id'].upper()}X"), 404)


async def test_http_and_https_name_the_same_resource(shared: httpx.AsyncClient) -> None:
    kept = await created(shared, patient())

    plain = await shared.get(f"http://test.example/fhir/Patient/{kept['id']}")
    secure = await shared.get(f"https://test.example/fhir/Patient/{kept['id']}")

    assert plain.content == secure.content
    assert secure.headers["content-location"].startswith("https://")


async def test_a_summary_is_a_part_and_says_so(shared: httpx.AsyncClient) -> None:
    kept = await created(shared, patient(active=True, contact=[{"name": {"family": "Hoarau"}}]))

    whole = await shared.get(f"Patient/{kept['id']}?_summary=false")
    part = (await shared.get(f"Patient/{kept['id']}?_summary=true")).json()

    assert whole.json() == kept
    assert part["active"] is True
    assert "contact" not in part
    assert "SUBSETTED" in [tag["code"] for tag in part["meta"]["tag"]]


async def test_elements_gives_what_is_named_and_what_is_mandatory(shared: httpx.AsyncClient) -> None:
    kept = await created(shared, observation(note=[{"text": "x"}], valueInteger=4))

    part = (await shared.get(f"Observation/{kept['id']}?_elements=note")).json()

    assert set(part) == {"resourceType", "id", "meta", "note", "status", "code"}
    assert part["meta"]["tag"][0]["code"] == "SUBSETTED"


@pytest.mark.parametrize("query", ["_summary=all", "_pretty=2", "_elements=shoe", "_summary=count"])
async def test_a_presentation_that_cannot_be_is_400(shared: httpx.AsyncClient, query: str) -> None:
    kept = await created(shared, patient())

    issue_of(await shared.get(f"Patient/{kept['id']}?{query}"), 400)


async def test_pretty_changes_the_layout_and_not_the_content(shared: httpx.AsyncClient) -> None:
    kept = await created(shared, patient(active=True))

    response = await shared.get(f"Patient/{kept['id']}?_pretty=true")

    assert b"\n" in response.content
    assert response.json() == kept


async def test_a_binary_is_served_in_its_own_form_or_as_a_resource(shared: httpx.AsyncClient) -> None:
    sent = await shared.post("Binary", content=b"%PDF-1.7", headers={"Content-Type": "application/pdf"})
    address = sent.headers["location"].partition("/_history")[0]

    raw = await shared.get(address, headers={"Accept": "application/pdf"})
    anything = await shared.get(address, headers={"Accept": "*/*"})
    resource = await shared.get(address, headers={"Accept": "application/fhir+json"})

    assert sent.status_code == 201
    assert raw.headers["content-type"] == anything.headers["content-type"] == "application/pdf"
    assert raw.content == anything.content == b"%PDF-1.7"
    assert raw.headers["etag"] == 'W/"1"'
    assert resource.json()["resourceType"] == "Binary"
    assert resource.json()["data"] == "JVBERi0xLjc="


async def test_a_read_under_json_content_type_needs_no_body(shared: httpx.AsyncClient) -> None:
    kept = await created(shared, patient())

    assert (await shared.get(f"Patient/{kept['id']}", headers=FHIR_JSON)).json() == kept
