"""What a process takes note of, in whatever order it hears of it."""

from __future__ import annotations

from itertools import permutations

import orjson
import pytest

from fhir_server.definitions.packaged import Packaged
from fhir_server.kernel.keys import Key
from fhir_server.store.contract import Stored
from fhir_server.store.telling import News, news_of
from fhir_server.store.uploads import Uploads, is_definition
from profiles.registry import Entry, Registry

URL = "https://example.org/ValueSet/a"
NOTHING = Packaged(Registry([]))


def version(number: int, title: str = "", name: str = "a", **elements: str) -> Stored:
    """A version of an upload; without a title, its deletion."""
    key = Key("ValueSet", name)
    tree = {"resourceType": "ValueSet", "url": URL, "title": title, **elements}
    body = orjson.dumps(tree) if title else b""
    return Stored(key, number, number * 1000, body, not title)


def title(uploads: Uploads, packaged: Packaged = NOTHING, canonical: str = URL) -> str | None:
    found = uploads.over(packaged).find("ValueSet", canonical)
    return None if found is None else found["title"]


@pytest.mark.parametrize("heard", list(permutations([version(1, "one"), version(2), version(3, "three")])))
def test_the_newest_version_counts_whatever_is_heard_last(heard: tuple[Stored, ...]) -> None:
    uploads = Uploads()

    for one in heard:
        uploads.learn([one])

    assert title(uploads) == "three"


def test_it_says_whether_anything_is_otherwise_now() -> None:
    uploads = Uploads()

    assert uploads.learn([version(1, "one")])
    assert not uploads.learn([version(1, "one")])
    assert uploads.learn([version(2)])
    assert not uploads.learn([version(3)])
    assert not uploads.learn([version(4, "four", url="")])
    assert title(uploads) is None


def test_of_two_uploads_with_one_canonical_the_later_one_is_in_force() -> None:
    uploads = Uploads()

    uploads.learn([version(2, "later", "b"), version(1, "earlier", "a")])

    assert title(uploads) == "later"


def test_what_a_package_says_stays_as_it_is() -> None:
    packed = orjson.dumps({"title": "packaged"})
    packaged = Packaged(Registry([[Entry("ValueSet", URL, "1", "a", "example.one#1", lambda: packed)]]))
    uploads = Uploads()

    uploads.learn([version(1, "upload", version="1"), version(2, "newer", "b", version="2")])

    assert title(uploads, packaged, f"{URL}|1") == "packaged"
    assert title(uploads, packaged) == "newer"


def test_only_what_is_judged_by_is_a_definition() -> None:
    assert is_definition(Key("StructureDefinition", "a"))
    assert not is_definition(Key("Patient", "a"))


def test_notifications_say_what_has_changed_and_up_to_which_edition() -> None:
    said = ["", "7 ValueSet/a", "9 packages", "8 ValueSet/a"]

    assert news_of(said) == News(True, True, frozenset({Key("ValueSet", "a")}), 9)
    assert news_of(["7 ValueSet/a"]) == News(False, False, frozenset({Key("ValueSet", "a")}), 7)
