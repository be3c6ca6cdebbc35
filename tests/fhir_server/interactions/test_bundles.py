"""https://hl7.org/fhir/R4/bundle.html"""

from __future__ import annotations

from typing import Any

import pytest

from fhir_server.interactions import bundles
from fhir_server.kernel.issues import Issue
from fhir_server.kernel.keys import Key
from fhir_server.kernel.wire import Tree, decode
from fhir_server.store.contract import Method, Stored
from fhir_server.validation.validator import check

NOON = 1_710_000_000_000_000
SELF = [("self", "https://fhir.example.org/fhir/Patient?name=a%22b")]


def stored(id: str, version: int = 1, method: Method = "PUT", *, deleted: bool = False) -> Stored:
    body = b"" if deleted else b'{"resourceType":"Patient","id":"%s"}' % id.encode()
    return Stored(Key("Patient", id), version, NOON, body, deleted, method)


def searchset(**parts: Any) -> Tree:
    given = {"matches": (), "included": (), "issues": (), "total": None, **parts}
    body = bundles.searchset(**given, links=SELF, base="https://fhir.example.org/fhir", updated=NOON)
    tree = decode(body)
    assert check(tree) == []
    return tree


def test_an_empty_page_has_no_entries() -> None:
    assert searchset() == {
        "resourceType": "Bundle",
        "meta": {"lastUpdated": "2024-03-09T16:00:00.000Z"},
        "type": "searchset",
        "link": [{"relation": "self", "url": SELF[0][1]}],
    }


def test_a_total_of_nothing_is_shown() -> None:
    assert searchset(total=0)["total"] == 0


def test_matches_come_before_what_is_included_and_remarks_last() -> None:
    remark = Issue("not-supported", 'a "quoted" text', severity="warning")

    page = searchset(matches=[stored("a")], included=[stored("b")], issues=[remark])

    assert [entry["search"]["mode"] for entry in page["entry"]] == ["match", "include", "outcome"]
    assert page["entry"][0] == {
        "fullUrl": "https://fhir.example.org/fhir/Patient/a",
        "resource": {"resourceType": "Patient", "id": "a"},
        "search": {"mode": "match"},
    }
    assert page["entry"][2]["resource"]["issue"][0]["diagnostics"] == 'a "quoted" text'


@pytest.mark.parametrize(
    ("version", "method", "deleted", "status", "url"),
    [
        (1, "POST", False, "201 Created", "Patient"),
        (1, "PUT", False, "201 Created", "Patient/a"),
        (2, "PUT", False, "200 OK", "Patient/a"),
        (2, "PATCH", False, "200 OK", "Patient/a"),
        (2, "DELETE", True, "204 No Content", "Patient/a"),
    ],
)
def test_a_version_says_how_it_came_to_be(
    version: int, method: Method, deleted: bool, status: str, url: str
) -> None:
    body = bundles.history(
        [stored("a", version, method, deleted=deleted)], SELF, 1, "https://fhir.example.org/fhir", NOON
    )

    tree = decode(body)
    assert check(tree) == []
    (entry,) = tree["entry"]
    assert ("resource" in entry) != deleted
    assert entry["request"] == {"method": method, "url": url}
    assert entry["response"] == {
        "status": status,
        "etag": f'W/"{version}"',
        "lastModified": "2024-03-09T16:00:00.000Z",
    }
