"""history of an instance, a type and the system: order, deletions, limits in time, and pages.

https://hl7.org/fhir/R4/http.html#history
"""

from __future__ import annotations

import asyncio

import httpx
import pytest

from fhir_server.web.xml import tree_of
from tests.flows.asking import JSON_PATCH, Tree, created, fresh, issue_of, link_of, patient
from tests.flows.serving import Serve

session = pytest.mark.asyncio(loop_scope="session")


async def lived(client: httpx.AsyncClient, type: str = "Patient") -> str:
    """The id of a resource that was created, updated, patched, deleted and created again: five versions."""
    chosen = fresh()
    tree = {"resourceType": type, "id": chosen}
    if type == "Basic":
        tree["code"] = {"text": "x"}  # type: ignore[assignment]
    await client.put(f"{type}/{chosen}", json=tree)
    await client.put(f"{type}/{chosen}", json={**tree, "language": "fr"})
    await client.patch(
        f"{type}/{chosen}", json=[{"op": "replace", "path": "/language", "value": "en"}], headers=JSON_PATCH
    )
    await client.delete(f"{type}/{chosen}")
    await client.put(f"{type}/{chosen}", json=tree)
    return chosen


def versions_of(page: Tree) -> list[str]:
    return [item["response"]["etag"] for item in page.get("entry", ())]


@session
@pytest.mark.parametrize("form", ["json", "xml"])
async def test_an_instance_history_has_every_version_newest_first(
    shared: httpx.AsyncClient, form: str
) -> None:
    chosen = await lived(shared)

    response = await shared.get(f"Patient/{chosen}/_history", headers={"Accept": f"application/fhir+{form}"})

    page = response.json() if form == "json" else tree_of(response.content)
    assert response.status_code == 200
    assert (page["resourceType"], page["type"], page["total"]) == ("Bundle", "history", 5)
    assert versions_of(page) == [f'W/"{n}"' for n in (5, 4, 3, 2, 1)]
    assert [item["request"]["method"] for item in page["entry"]] == ["PUT", "DELETE", "PATCH", "PUT", "PUT"]
    assert {item["request"]["url"] for item in page["entry"]} == {f"Patient/{chosen}"}
    assert {item["fullUrl"] for item in page["entry"]} == {f"http://test.example/fhir/Patient/{chosen}"}
    assert link_of(page, "self") == f"http://test.example/fhir/Patient/{chosen}/_history"


@session
async def test_every_entry_of_a_history_has_its_resource_but_a_deletion_has_none(
    shared: httpx.AsyncClient,
) -> None:
    chosen = await lived(shared)

    page = (await shared.get(f"Patient/{chosen}/_history")).json()

    assert ["resource" in item for item in page["entry"]] == [True, False, True, True, True]
    assert [item["response"]["status"][:3] for item in page["entry"]][1] == "204"
    assert [item["response"]["status"][:3] for item in page["entry"]][-1] == "201"
    for item in page["entry"]:
        assert item["response"]["lastModified"]
        if "resource" in item:
            assert item["resource"]["meta"]["lastUpdated"] == item["response"]["lastModified"]
            assert f'W/"{item["resource"]["meta"]["versionId"]}"' == item["response"]["etag"]


@session
async def test_a_create_shows_as_post_to_its_type(shared: httpx.AsyncClient) -> None:
    kept = await created(shared, patient())

    page = (await shared.get(f"Patient/{kept['id']}/_history")).json()

    assert page["entry"][0]["request"] == {"method": "POST", "url": "Patient"}
    assert page["entry"][0]["response"]["status"] == "201 Created"
    assert page["entry"][0]["resource"] == kept


@session
async def test_a_conditional_write_shows_as_the_plain_one(shared: httpx.AsyncClient) -> None:
    identifier = fresh()
    chosen = (await shared.put(f"Patient?identifier={identifier}", json=patient())).json()["id"]
    found = patient(identifier)
    await shared.put(f"Patient/{chosen}", json={**found, "id": chosen})
    await shared.put(f"Patient?identifier={identifier}", json={**found, "active": True})
    await shared.delete(f"Patient?identifier={identifier}")

    page = (await shared.get(f"Patient/{chosen}/_history")).json()

    assert [(e["request"]["method"], e["request"]["url"]) for e in page["entry"]] == [
        ("DELETE", f"Patient/{chosen}"),
        ("PUT", f"Patient/{chosen}"),
        ("PUT", f"Patient/{chosen}"),
        ("PUT", f"Patient/{chosen}"),
    ]


@session
async def test_a_deleted_resource_keeps_its_history_and_an_unknown_one_is_404(
    shared: httpx.AsyncClient,
) -> None:
    kept = await created(shared, patient())
    await shared.delete(f"Patient/{kept['id']}")

    page = (await shared.get(f"Patient/{kept['id']}/_history")).json()

    assert [item["request"]["method"] for item in page["entry"]] == ["DELETE", "POST"]
    issue_of(await shared.get(f"Patient/{fresh()}/_history"), 404, "not-found")


async def test_a_type_history_has_that_type_alone_and_the_system_history_all(serve: Serve) -> None:
    client = await serve()
    one, other = await lived(client), await lived(client, "Basic")

    of_type = (await client.get("Patient/_history")).json()
    of_all = (await client.get("_history")).json()

    assert {item["fullUrl"].rpartition("/fhir/")[2] for item in of_type["entry"]} == {f"Patient/{one}"}
    assert {item["fullUrl"].rpartition("/fhir/")[2] for item in of_all["entry"]} == {
        f"Patient/{one}",
        f"Basic/{other}",
    }
    assert len(of_type["entry"]) == 5
    assert len(of_all["entry"]) == 10
    times = [item["response"]["lastModified"] for item in of_all["entry"]]
    assert times == sorted(times, reverse=True)


async def test_an_empty_server_has_an_empty_history(serve: Serve) -> None:
    client = await serve()

    page = (await client.get("_history")).json()

    assert (page["type"], page.get("total", 0)) == ("history", 0)
    assert "entry" not in page


@session
async def test_since_is_inclusive_and_leaves_out_what_is_older(shared: httpx.AsyncClient) -> None:
    chosen = await lived(shared)
    page = (await shared.get(f"Patient/{chosen}/_history")).json()
    third = page["entry"][2]["response"]["lastModified"]

    since = (await shared.get(f"Patient/{chosen}/_history", params={"_since": third})).json()
    future = (
        await shared.get(f"Patient/{chosen}/_history", params={"_since": "2999-01-01T00:00:00Z"})
    ).json()

    assert versions_of(since) == ['W/"5"', 'W/"4"', 'W/"3"']
    assert versions_of(future) == []
    assert "_since=" in link_of(since, "self")


@session
@pytest.mark.parametrize("plus", ["+", "%2B"])
async def test_since_may_name_a_time_zone(shared: httpx.AsyncClient, plus: str) -> None:
    kept = await created(shared, patient())

    page = await shared.get(f"Patient/{kept['id']}/_history?_since=2001-01-01T00:00:00{plus}02:00")

    assert versions_of(page.json()) == ['W/"1"']


@session
async def test_at_gives_the_version_that_was_current_then(shared: httpx.AsyncClient) -> None:
    chosen = await lived(shared)
    page = (await shared.get(f"Patient/{chosen}/_history")).json()
    second = page["entry"][3]["response"]["lastModified"]

    at = (await shared.get(f"Patient/{chosen}/_history", params={"_at": second})).json()
    before = (await shared.get(f"Patient/{chosen}/_history", params={"_at": "2001"})).json()

    assert 'W/"2"' in versions_of(at)
    assert 'W/"5"' not in versions_of(at)
    assert versions_of(before) == []


@session
@pytest.mark.parametrize("count", [1, 2, 3])
async def test_pages_lead_through_all_versions_once(shared: httpx.AsyncClient, count: int) -> None:
    chosen = await lived(shared)
    url, seen, sizes = f"Patient/{chosen}/_history?_count={count}", [], []

    while url:
        page = (await shared.get(url)).json()
        seen += versions_of(page)
        sizes.append(len(page["entry"]))
        assert link_of(page, "self")
        assert page["total"] == 5
        url = link_of(page, "next")

    assert seen == [f'W/"{n}"' for n in (5, 4, 3, 2, 1)]
    assert max(sizes) == count


@session
async def test_pages_lead_back_too(shared: httpx.AsyncClient) -> None:
    chosen = await lived(shared)
    first = (await shared.get(f"Patient/{chosen}/_history?_count=2")).json()
    second = (await shared.get(link_of(first, "next"))).json()

    back = (await shared.get(link_of(second, "previous"))).json()
    start = (await shared.get(link_of(second, "first"))).json()

    assert versions_of(back) == versions_of(start) == versions_of(first)
    assert link_of(first, "previous") == ""


@session
async def test_a_page_does_not_shift_when_new_versions_come(shared: httpx.AsyncClient) -> None:
    chosen = await lived(shared)
    first = (await shared.get(f"Patient/{chosen}/_history?_count=2")).json()
    await shared.put(f"Patient/{chosen}", json=patient(id=chosen, active=True))

    second = (await shared.get(link_of(first, "next"))).json()

    assert versions_of(second) == ['W/"3"', 'W/"2"']


@session
@pytest.mark.parametrize(
    "query",
    [
        "_count=-1",
        "_count=many",
        "_since=yesterday",
        "_at=2024-13",
        "_cursor=forged",
        "_count=1&_count=2",
        "_since=2024-01-01T00:00:00Z&_since=2024-01-02T00:00:00Z",
        "_at=2024&_at=2025",
    ],
)
async def test_a_parameter_that_cannot_be_read_or_is_there_twice_is_400(
    shared: httpx.AsyncClient, query: str
) -> None:
    kept = await created(shared, patient())

    issue_of(await shared.get(f"Patient/{kept['id']}/_history?{query}"), 400)


@session
async def test_an_unknown_parameter_is_refused_when_the_client_is_strict(shared: httpx.AsyncClient) -> None:
    kept = await created(shared, patient())
    address = f"Patient/{kept['id']}/_history?_color=red"

    lenient = await shared.get(address)
    strict = await shared.get(address, headers={"Prefer": "handling=strict"})

    assert lenient.status_code == 200
    assert "_color" not in link_of(lenient.json(), "self")
    issue_of(strict, 400)


@session
@pytest.mark.parametrize("query", ["_count=0", "_summary=count"])
async def test_a_count_of_none_gives_the_total_alone(shared: httpx.AsyncClient, query: str) -> None:
    chosen = await lived(shared)

    page = (await shared.get(f"Patient/{chosen}/_history?{query}")).json()

    assert page["total"] == 5
    assert "entry" not in page


async def test_a_client_that_polls_with_since_misses_nothing(serve: Serve) -> None:
    client = await serve()
    seen: set[str] = set()
    since = "2001-01-01T00:00:00Z"

    async def poll() -> str:
        url, last = f"_history?_since={since}&_count=7", since
        while url:
            page = (await client.get(url)).json()
            for item in page.get("entry", ()):
                seen.add(item["fullUrl"])
                last = max(last, item["response"]["lastModified"])
            url = link_of(page, "next")
        return last

    async def write() -> list[str]:
        return [(await client.post("Patient", json=patient())).json()["id"] for _ in range(15)]

    writers = [asyncio.create_task(write()) for _ in range(4)]
    while not all(task.done() for task in writers):
        since = await poll()
    since = await poll()

    made = {f"http://test.example/fhir/Patient/{chosen}" for task in writers for chosen in task.result()}
    assert made == seen


@session
async def test_a_history_can_be_summarised(shared: httpx.AsyncClient) -> None:
    chosen = await lived(shared)

    page = (await shared.get(f"Patient/{chosen}/_history?_elements=language")).json()

    assert page["entry"][0]["resource"]["meta"]["tag"][0]["code"] == "SUBSETTED"
