"""https://hl7.org/fhir/R4/http.html#history"""

from __future__ import annotations

from urllib.parse import quote, urlsplit

import pytest

from fhir_server.interactions.call import Action
from fhir_server.kernel.keys import Key
from fhir_server.kernel.times import instant_text
from fhir_server.kernel.wire import Tree, decode
from fhir_server.validation.validator import check
from tests.builders import organization, patient
from tests.fhir_server.interactions.performing import BASE, Performer, both, refused

A = Key("Patient", "a")


def versions_in(page: Tree) -> list[str]:
    """`3 DELETE`, `2 PUT` …, as the entries say."""
    return [
        f"{entry['response']['etag'][3:-1]} {entry['request']['method']}" for entry in page.get("entry", ())
    ]


def links_in(page: Tree) -> dict[str, str]:
    return {link["relation"]: link["url"] for link in page["link"]}


async def followed(perform: Performer, url: str) -> Tree:
    """The page at a link."""
    parts = urlsplit(url)
    segments = parts.path.removeprefix("/fhir/").split("/")
    return decode((await perform(Action.HISTORY, *segments[:-1], query=parts.query)).body)


async def thrice(perform: Performer) -> None:
    """Version 1 and 2 of `Patient/a`, and its deletion."""
    for value in "12":
        await perform.put(patient(value, id="a"))
    await perform.delete(A)


@both
async def test_a_history_shows_versions_and_deletions_newest_first(perform: Performer) -> None:
    await thrice(perform)

    page = await perform.history(*A)

    assert check(page) == []
    assert (page["type"], page["total"]) == ("history", 3)
    assert versions_in(page) == ["3 DELETE", "2 PUT", "1 PUT"]
    deletion, _, creation = page["entry"]
    assert deletion["fullUrl"] == f"{BASE}/Patient/a"
    assert "resource" not in deletion
    assert deletion["response"]["status"] == "204 No Content"
    assert creation["resource"] == await perform.at(A, 1)
    assert creation["response"]["status"] == "201 Created"
    assert creation["response"]["lastModified"] == creation["resource"]["meta"]["lastUpdated"]


async def test_a_history_says_how_each_version_came_to_be(perform: Performer) -> None:
    key = await perform.made(patient())
    await perform.patch(key, [{"op": "add", "path": "/active", "value": True}])
    await perform.delete(key)
    await perform.put(patient(id=key.id))

    page = await perform.history(*key)

    assert versions_in(page) == ["4 PUT", "3 DELETE", "2 PATCH", "1 POST"]
    assert [entry["request"]["url"] for entry in page["entry"]] == [str(key)] * 3 + ["Patient"]


@both
async def test_histories_of_a_type_and_of_the_system(perform: Performer) -> None:
    await thrice(perform)
    await perform.made(organization())

    assert versions_in(await perform.history("Patient")) == ["3 DELETE", "2 PUT", "1 PUT"]
    assert versions_in(await perform.history()) == ["1 POST", "3 DELETE", "2 PUT", "1 PUT"]
    assert links_in(await perform.history())["self"] == f"{BASE}/_history"


async def test_what_never_was_has_no_history(perform: Performer) -> None:
    with refused(404, "not-found"):
        await perform.history(*A)

    assert (await perform.history("Patient"))["total"] == 0


@both
async def test_pages_are_linked_in_both_directions(perform: Performer) -> None:
    await thrice(perform)

    first = await perform.history(*A, query="_count=1")
    second = await followed(perform, links_in(first)["next"])
    third = await followed(perform, links_in(second)["next"])

    assert [versions_in(page) for page in (first, second, third)] == [["3 DELETE"], ["2 PUT"], ["1 PUT"]]
    assert [sorted(links_in(page)) for page in (first, second, third)] == [
        ["next", "self"],
        ["first", "next", "prev", "previous", "self"],
        ["first", "prev", "previous", "self"],
    ]
    assert versions_in(await followed(perform, links_in(third)["previous"])) == ["2 PUT"]
    assert versions_in(await followed(perform, links_in(third)["first"])) == ["3 DELETE"]
    assert versions_in(await followed(perform, links_in(third)["self"])) == ["1 PUT"]
    assert {page["total"] for page in (first, second, third)} == {3}


async def test_a_page_may_be_of_nothing_but_the_total(perform: Performer) -> None:
    await thrice(perform)

    for query in ("_count=0", "_summary=count"):
        page = await perform.history(*A, query=query)
        assert (page["total"], versions_in(page)) == (3, [])


async def test_a_page_is_no_larger_than_the_server_allows(perform: Performer) -> None:
    await thrice(perform)

    small = perform.with_settings(max_page_size=2, page_size=1)

    assert len(versions_in(await small.history(*A))) == 1
    assert len(versions_in(await small.history(*A, query="_count=100"))) == 2


@both
async def test_since_is_inclusive(perform: Performer) -> None:
    await thrice(perform)
    at = [(await perform.at(A, version))["meta"]["lastUpdated"] for version in (1, 2)]

    assert versions_in(await perform.history(*A, query=f"_since={at[1]}")) == ["3 DELETE", "2 PUT"]
    assert versions_in(await perform.history(*A, query=f"_since={at[0]}")) == ["3 DELETE", "2 PUT", "1 PUT"]
    later = await perform.history(*A, query="_since=2099")
    assert (later["total"], versions_in(later)) == (0, [])


async def test_the_plus_of_a_time_zone_may_be_bare(perform: Performer) -> None:
    await thrice(perform)

    for text in ("2001-01-01T00:00:00+01:00", quote("2001-01-01T00:00:00+01:00")):
        page = await perform.history(*A, query=f"_since={text}")
        assert page["total"] == 3
        assert links_in(page)["self"].startswith(f"{BASE}/Patient/a/_history?_since=2001-01-01T00%3A00%3A00")


@both
async def test_at_asks_for_what_was_current_then(perform: Performer) -> None:
    await thrice(perform)
    first = await perform.store.read(A, 1)
    second = await perform.store.read(A, 2)
    assert first is not None
    assert second is not None

    assert versions_in(await perform.history(*A, query=f"_at={instant_text(first.updated)}")) == ["1 PUT"]
    assert versions_in(await perform.history(*A, query=f"_at={instant_text(second.updated)}")) == ["2 PUT"]
    assert versions_in(await perform.history(*A, query="_at=2001")) == []
    assert versions_in(await perform.history(*A, query="_at=2099")) == ["3 DELETE"]


@pytest.mark.parametrize(
    "query",
    [
        "_since=yesterday",
        "_since=",
        "_at=2024-13",
        "_count=-1",
        "_count=x",
        "_count=٣",
        "_count=1&_count=2",
        "_since=2024&_since=2025",
        "_cursor=nonsense",
        f"_count={'9' * 10}",
    ],
)
async def test_what_cannot_be_read_is_refused(perform: Performer, query: str) -> None:
    with refused(400):
        await perform.history("Patient", query=query)


async def test_a_cursor_serves_its_own_question_only(perform: Performer) -> None:
    await thrice(perform)
    cursor = urlsplit(links_in(await perform.history(*A, query="_count=1"))["next"]).query

    with refused(400):
        await perform.history("Patient", query=cursor)


async def test_unknown_parameters_are_ignored_unless_handling_is_strict(perform: Performer) -> None:
    await thrice(perform)

    page = await perform.history(*A, query="nonsense=1&_format=json&_count=5")

    assert links_in(page)["self"] == f"{BASE}/Patient/a/_history?_format=json&_count=5"
    with refused(400, "not-supported"):
        await perform.history(*A, query="nonsense=1", prefer_handling="strict")
    await perform.history(*A, query="_pretty=true", prefer_handling="strict")


@both
async def test_a_client_that_resumes_where_a_page_ended_misses_nothing(perform: Performer) -> None:
    seen: set[str] = set()
    since = "2001"
    for number in range(4):
        await perform.put(patient(str(number), id="a"))
        page = await perform.history(query=f"_since={since}")
        seen |= {version.split()[0] for version in versions_in(page)}
        since = page["meta"]["lastUpdated"]

    assert seen == {"1", "2", "3", "4"}
