"""Code systems into PostgreSQL and out of it."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread
from typing import Any

import psycopg
import pytest

from fhir_server.kernel.errors import Unavailable
from fhir_server.store.codes_loading import Outcome, load, loaded, remove
from terminology.indexing import Entry
from terminology.loading.release import Position, Release, Unloadable
from tests.releases import release

HEAD = {
    "resourceType": "CodeSystem",
    "url": "https://example.org/cs",
    "version": "1",
    "title": "Some",
    "content": "complete",
}
TABLES = ("concept", "concept_parent", "concept_term")


def some(count: int, sha256: str, **more: Any) -> Release:
    concepts = [{"code": f"c{number}", "display": f"Word {number}"} for number in range(count)]
    nested = [{**concepts[0], "concept": concepts[1:]}]
    return release({**HEAD, **more, "concept": nested}, sha256)


def rows(url: str) -> dict[str, int]:
    with psycopg.connect(url) as connection:
        counts = [connection.execute(f"select count(*) from {table}").fetchone() for table in TABLES]
    return {table: count[0] for table, count in zip(TABLES, counts, strict=True) if count}


def test_progress_is_told_and_what_is_loaded_is_listed(url: str) -> None:
    told: list[tuple[int, int | None]] = []

    outcome = load(url, some(2500, "a"), lambda done, total: told.append((done, total)))

    assert outcome is Outcome.LOADED
    assert told == [(1000, None), (2000, None), (2500, 2500)]
    (found,) = loaded(url)
    assert (found.url, found.version, found.title, found.count) == (HEAD["url"], "1", "Some", 2500)
    assert found.head == HEAD
    assert rows(url)["concept_parent"] == 2499


def test_the_same_files_again_change_nothing(url: str) -> None:
    load(url, some(10, "a"))
    before = loaded(url), rows(url)

    def entries() -> Iterator[Entry]:
        raise AssertionError("Nothing is read")

    assert load(url, Release(HEAD, "a", entries, Position("x"))) is Outcome.KNOWN
    assert (loaded(url), rows(url)) == before


def test_other_files_of_a_version_take_the_place_of_the_first(url: str) -> None:
    load(url, some(10, "a"))

    assert load(url, some(20, "b")) is Outcome.REPLACED

    assert [one.count for one in loaded(url)] == [20]
    assert rows(url)["concept"] == 20


def test_versions_stand_side_by_side_until_they_are_removed(url: str) -> None:
    for version in ("1", "2"):
        load(url, some(10, version, version=version))

    assert remove(url, HEAD["url"], "1")
    assert not remove(url, HEAD["url"], "1")

    assert [one.version for one in loaded(url)] == ["2"]
    assert remove(url, HEAD["url"], "2")
    assert set(rows(url).values()) == {0}


@pytest.mark.parametrize(
    ("concepts", "reason"),
    [
        ([], "It has no concepts"),
        ([{"code": "a"}, {"code": "b"}, {"code": "a"}], "The code a comes twice"),
        ([{"display": "nameless"}], "no code"),
        ([{"code": "a" * 401}], "longer than 400"),
        ([{"code": "a", "property": [{"code": "p" * 201, "valueCode": "x"}]}], "longer than 200"),
        (
            [
                {"code": "a", "property": [{"code": "parent", "valueCode": "b"}]},
                {"code": "b", "property": [{"code": "parent", "valueCode": "a"}]},
            ],
            "stands below itself",
        ),
    ],
)
def test_what_cannot_be_kept_leaves_what_was_there(url: str, concepts: list[Any], reason: str) -> None:
    load(url, some(10, "a"))
    before = loaded(url), rows(url)

    with pytest.raises(Unloadable, match=reason):
        load(url, release({**HEAD, "concept": concepts}, "b"))

    assert (loaded(url), rows(url)) == before


def test_a_file_that_breaks_off_leaves_what_was_there(url: str) -> None:
    load(url, some(10, "a"))

    def entries() -> Iterator[Entry]:
        yield Entry({"code": "x"})
        raise Unloadable("file, line 2", "It breaks off")

    with pytest.raises(Unloadable, match="line 2"):
        load(url, Release(HEAD, "b", entries, Position("x")))

    assert rows(url)["concept"] == 10


def test_long_and_odd_texts_are_kept(url: str) -> None:
    concepts = [
        {
            "code": "é\U0001f600",
            "display": "\x00 nul " + "w" * 5000,
            "property": [{"code": "p", "valueString": "\x00" + "v" * 5000}],
        }
    ]

    load(url, release({**HEAD, "concept": concepts}, "a"))

    assert rows(url)["concept"] == 1


def test_a_load_that_is_killed_leaves_what_was_there(url: str) -> None:
    load(url, some(10, "a"))
    code = f"""
import itertools, time
from fhir_server.store.codes_loading import load
from terminology.indexing import Entry
from terminology.loading.release import Position, Release
def entries():
    for number in itertools.count():
        if number == 5000:
            print("reading", flush=True)
            time.sleep(60)
        yield Entry({{"code": str(number)}})
load({url!r}, Release({HEAD!r}, "b", entries, Position("x")))
"""
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, cwd=Path(__file__).parents[3]
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"reading\n"

    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()

    assert load(url, some(10, "a")) is Outcome.KNOWN
    assert rows(url)["concept"] == 10


def test_readers_see_the_old_release_until_the_new_one_is_whole(url: str) -> None:
    load(url, some(10, "a"))
    reading, go_on = Event(), Event()

    def entries() -> Iterator[Entry]:
        yield Entry({"code": "x"})
        reading.set()
        go_on.wait(20)

    thread = Thread(target=load, args=(url, Release(HEAD, "b", entries, Position("x"))))
    thread.start()
    assert reading.wait(20)
    start = time.monotonic()
    during = [one.count for one in loaded(url)]
    waited = time.monotonic() - start
    go_on.set()
    thread.join()

    assert (during, [one.count for one in loaded(url)]) == ([10], [1])
    assert waited < 5


def test_a_database_that_is_away_is_said() -> None:
    with pytest.raises(Unavailable):
        loaded("postgresql://nobody@127.0.0.1:1/nothing?connect_timeout=1")
