from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from fhir_server import importing_files
from fhir_server.importing_files import (
    NothingToImport,
    Part,
    Refusal,
    files_in,
    parts_of,
    pieces_of,
    split_mark,
)
from fhir_server.kernel.wire import decode

PATIENT = {"resourceType": "Patient", "id": "a", "active": True}
NAMELESS = {"resourceType": "Patient", "active": True}


def bundle(kind: str, *entries: dict[str, Any]) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": kind, "entry": list(entries)}


def parts(path: Path) -> list[Part]:
    found = list(parts_of(path))
    assert all(isinstance(part, Part) for part in found), found
    return [part for part in found if isinstance(part, Part)]


def refusal(path: Path) -> str:
    (found,) = parts_of(path)
    assert isinstance(found, Refusal)
    return f"{found.place}: {' '.join(found.reasons)}"


def requests(part: Part) -> list[tuple[str, str]]:
    entries = decode(part.body).get("entry", [])
    return [(entry["request"]["method"], entry["request"]["url"]) for entry in entries]


def write(path: Path, *trees: dict[str, Any]) -> Path:
    path.write_text("\n".join(map(json.dumps, trees)))
    return path


def test_a_transaction_is_sent_as_it_is(tmp_path: Path) -> None:
    text = '{"resourceType":"Bundle",  "type":"transaction", "entry":[{"n":1.10},{}]}'
    path = tmp_path / "a.json"
    path.write_text(text)

    (part,) = parts(path)

    assert part.body == text.encode()
    assert part.resources == 2
    assert part.place == "a.json"


def test_the_same_content_packed_or_not_is_known_by_the_same_hash(tmp_path: Path) -> None:
    plain = write(tmp_path / "a.json", bundle("transaction"))
    (tmp_path / "b.json.gz").write_bytes(gzip.compress(plain.read_bytes(), mtime=0))

    assert parts(plain)[0].digests == parts(tmp_path / "b.json.gz")[0].digests


@pytest.mark.parametrize(
    ("tree", "expected"),
    [
        (PATIENT, [("PUT", "Patient/a")]),
        (NAMELESS, [("POST", "Patient")]),
        (bundle("collection", {"resource": PATIENT}, {}), [("PUT", "Patient/a")]),
        (bundle("searchset", {"resource": NAMELESS, "search": {"mode": "match"}}), [("POST", "Patient")]),
        (
            bundle("batch", {"resource": PATIENT, "request": {"method": "PUT", "url": "Patient/a"}}),
            [("PUT", "Patient/a")],
        ),
        ({"resourceType": "Bundle", "type": "collection"}, []),
    ],
)
def test_anything_else_becomes_one_transaction(
    tmp_path: Path, tree: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    (part,) = parts(write(tmp_path / "a.json", tree))

    assert decode(part.body)["type"] == "transaction"
    assert requests(part) == expected
    assert part.resources == len(expected)


def test_entries_of_a_collection_keep_their_addresses_for_those_that_refer_to_them(tmp_path: Path) -> None:
    path = write(tmp_path / "a.json", bundle("collection", {"fullUrl": "urn:uuid:1", "resource": NAMELESS}))

    (part,) = parts(path)

    assert decode(part.body)["entry"][0]["fullUrl"] == "urn:uuid:1"


def test_lines_become_slices_that_name_their_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing_files, "LINES", 2)
    path = tmp_path / "a.ndjson"
    path.write_text("\n\n".join(json.dumps({**PATIENT, "id": str(n)}) for n in range(5)) + "\n")

    found = parts(path)

    assert [part.place for part in found] == [
        "a.ndjson, lines 1 to 3",
        "a.ndjson, lines 5 to 7",
        "a.ndjson, line 9",
    ]
    assert requests(found[1]) == [("PUT", "Patient/2"), ("PUT", "Patient/3")]
    assert len({digest for part in found for digest in part.digests}) == 5


def test_numbers_in_lines_keep_their_digits(tmp_path: Path) -> None:
    path = tmp_path / "a.ndjson"
    path.write_text('{"resourceType":"Observation","valueQuantity":{"value":1.10}}')

    assert b'"value":1.10' in parts(path)[0].body


def test_the_same_line_twice_is_two_resources(tmp_path: Path) -> None:
    (part,) = parts(write(tmp_path / "a.ndjson", NAMELESS, NAMELESS))

    first, second = pieces_of(part)

    assert first.body == second.body
    assert first.digests != second.digests
    assert (first.place, second.place) == ("a.ndjson, line 1", "a.ndjson, line 2")


def test_a_slice_that_is_taken_apart_leaves_a_mark_by_which_the_whole_is_known(tmp_path: Path) -> None:
    (part,) = parts(write(tmp_path / "a.ndjson", NAMELESS, NAMELESS))

    mark = split_mark(part)

    assert mark.digests == part.digests[1:]
    assert requests(mark) == []


def test_a_line_that_cannot_be_read_does_not_keep_out_the_others(tmp_path: Path) -> None:
    path = tmp_path / "a.ndjson"
    path.write_text('{"resourceType":"Patient"}\n{"resourceType":\n{"id":"x"}\n{"resourceType":"Patient"}\n')

    *refused, part = parts_of(path)

    assert [one.place for one in refused] == ["a.ndjson, line 2", "a.ndjson, line 3"]
    assert isinstance(part, Part)
    assert part.resources == 2


def test_members_of_a_joined_gzip_file_are_all_read(tmp_path: Path) -> None:
    path = tmp_path / "a.ndjson.gz"
    path.write_bytes(
        b"".join(gzip.compress(json.dumps(PATIENT).encode() + b"\n", mtime=0) for _ in range(3)) + b"\0" * 512
    )

    assert parts(path)[0].resources == 3


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("a.json.gz", b"not gzip at all", "not gzip"),
        ("a.json.gz", gzip.compress(b"{}" * 1000, mtime=0)[:-20], "cut short"),
        ("a.json", b"{", "JSON"),
        ("a.json", b"", "no body"),
        ("a.json", b"[]", "not an object"),
        ("a.json", b"{}", "no 'resourceType'"),
        ("a.json", b'{"resourceType":"Bundle","type":"collection","entry":[1]}', "list of entries"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_with_the_reason(
    tmp_path: Path, name: str, content: bytes, why: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)

    assert why in refusal(path)
    assert refusal(path).startswith(name)


def test_a_gzip_bomb_is_refused_before_it_fills_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing_files, "_LARGEST_BYTES", 100_000)
    path = tmp_path / "a.json.gz"
    path.write_bytes(gzip.compress(b" " * 60_000, mtime=0) * 2)

    assert "more than 100,000 bytes" in refusal(path)


def test_a_file_that_went_away_is_refused(tmp_path: Path) -> None:
    assert "cannot be read" in refusal(tmp_path / "a.json")


def test_folders_are_searched_and_each_file_is_found_once(tmp_path: Path) -> None:
    inside = tmp_path / "a" / "b"
    inside.mkdir(parents=True)
    for name in ("2.json", "1.ndjson.gz", "read.me", "3.JSON"):
        (inside / name).touch()

    found = files_in([tmp_path, inside / "2.json"])

    assert [path.name for path in found] == ["1.ndjson.gz", "2.json"]


@pytest.mark.parametrize("name", ["missing.json", "read.me", "empty"])
def test_what_holds_nothing_to_import_is_said(tmp_path: Path, name: str) -> None:
    (tmp_path / "read.me").touch()
    (tmp_path / "empty").mkdir()

    with pytest.raises(NothingToImport):
        files_in([tmp_path / name])
