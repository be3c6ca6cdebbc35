"""Archives and folders, and what only looks like one."""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path

import pytest

from terminology.loading.archives import Caps, joined, source_of
from terminology.loading.release import Unloadable
from tests.releases import folder, zipped


def test_a_folder_an_archive_and_a_file_are_read_alike(tmp_path: Path) -> None:
    files = {"a/one.txt": "one", "two.txt": "two"}
    sources = [source_of(folder(tmp_path / "f", files)), source_of(zipped(tmp_path / "z.zip", files))]

    for source in sources:
        assert source.names == ["a/one.txt", "two.txt"]
        assert source.beginning("a/one.txt") == b"one"
    assert sources[0].sha256(files) == sources[1].sha256(files)
    assert source_of(tmp_path / "f/two.txt").names == ["two.txt"]


def test_several_archives_are_one_release(tmp_path: Path) -> None:
    sources = [source_of(zipped(tmp_path / f"{name}.zip", {"same.txt": name})) for name in ("a", "b")]

    source = joined(sources)

    assert [source.beginning(name) for name in source.names] == [b"a", b"b"]
    assert source.label == "a.zip + b.zip"


@pytest.mark.parametrize("name", ["../up.txt", "/root.txt", "a/../../b", "a\\b.txt", "C:/x.txt"])
def test_a_name_that_leads_out_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(Unloadable, match="leads out"):
        source_of(zipped(tmp_path / "z.zip", {name: "x"}))


def test_links_are_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "z.zip", "w") as archive:
        link = zipfile.ZipInfo("link")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/hostname")
    folder(tmp_path / "f", {"a.txt": "x"})
    (tmp_path / "f/link").symlink_to("/etc/hostname")

    for path in (tmp_path / "z.zip", tmp_path / "f"):
        with pytest.raises(Unloadable, match="It is a link"):
            source_of(path)


def test_what_unfolds_too_far_is_refused(tmp_path: Path) -> None:
    bomb = zipped(tmp_path / "z.zip", {"zeros.txt": b"0" * 3_000_000})

    with pytest.raises(Unloadable, match="200 times its size"):
        source_of(bomb)


@pytest.mark.parametrize(
    ("caps", "reason"), [(Caps(files=1), "more than 1 files"), (Caps(bytes=3), "3 bytes")]
)
def test_too_many_files_or_bytes_are_refused(tmp_path: Path, caps: Caps, reason: str) -> None:
    files = {"a.txt": "aa", "b.txt": "bb"}

    for path in (folder(tmp_path / "f", files), zipped(tmp_path / "z.zip", files)):
        with pytest.raises(Unloadable, match=reason):
            source_of(path, caps)


def test_a_member_that_is_larger_than_it_says_is_never_read_past_that(tmp_path: Path) -> None:
    path = zipped(tmp_path / "z.zip", {"a.txt": "a" * 5000})
    data = bytearray(path.read_bytes())
    at = data.rindex(b"PK\x01\x02") + 24  # the size, in the directory
    data[at : at + 4] = struct.pack("<I", 10)
    path.write_bytes(data)
    source = source_of(path)

    with pytest.raises(Unloadable, match="cannot be read"):
        source.beginning("a.txt")


def test_two_members_of_one_name_are_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "z.zip", "w") as archive:
        archive.writestr("a.txt", "1")
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("a.txt", "2")

    with pytest.raises(Unloadable, match="two files of this name"):
        source_of(tmp_path / "z.zip")


def test_an_encrypted_member_is_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "z.zip", {"a.txt": "x"})
    data = bytearray(path.read_bytes())
    data[data.rindex(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)

    with pytest.raises(Unloadable, match="encrypted"):
        source_of(path)


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(Unloadable, match="no such file"):
        source_of(tmp_path / "nothing.zip")
