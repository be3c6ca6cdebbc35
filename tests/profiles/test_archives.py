"""Packages from files that nobody vouches for."""

from __future__ import annotations

import gzip
import io
import tarfile
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from profiles import archives
from profiles.archives import Package, Refused, in_order, read, satisfies

MANIFEST = {
    "name": "example.fhir",
    "version": "1.0.0",
    "canonical": "https://example.org",
    "fhirVersions": ["4.0.1"],
    "dependencies": {"hl7.fhir.r4.core": "4.0.1"},
}


def value_set(name: str = "a", **elements: Any) -> dict[str, Any]:
    return {
        "resourceType": "ValueSet",
        "id": name,
        "url": f"https://example.org/ValueSet/{name}",
        "version": "1.0.0",
        **elements,
    }


def packed(*members: tuple[str | tarfile.TarInfo, bytes]) -> bytes:
    """A .tgz with these members."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, content in members:
            info = tarfile.TarInfo(name) if isinstance(name, str) else name
            if info.isreg():
                info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


def sound(*more: tuple[str | tarfile.TarInfo, bytes], **manifest: Any) -> bytes:
    """A package that can be read, with other members or another manifest."""
    return packed(
        ("package/package.json", orjson.dumps({**MANIFEST, **manifest})),
        ("package/ValueSet-a.json", orjson.dumps(value_set())),
        *more,
    )


def special(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type = kind
    info.linkname = target
    return info


@pytest.fixture
def reading(tmp_path: Path) -> Callable[..., Package]:
    def read_it(content: bytes, **options: Any) -> Package:
        file = tmp_path / "package.tgz"
        file.write_bytes(content)
        return read(file, **options)

    return read_it


def test_a_package_is_read_with_its_name_its_dependencies_and_its_definitions(
    reading: Callable[..., Package],
) -> None:
    package = reading(sound())

    assert str(package) == "example.fhir#1.0.0"
    assert package.canonical == "https://example.org"
    assert package.dependencies == {"hl7.fhir.r4.core": "4.0.1"}
    (definition,) = package.definitions
    assert orjson.loads(definition.text) == value_set()
    assert package.skipped == ()


def test_what_is_no_definition_is_left_out_and_told(reading: Callable[..., Package]) -> None:
    package = reading(
        sound(
            ("package/.index.json", b"{}"),
            ("package/README.md", b"# x"),
            ("package/example/Patient-a.json", b'{"resourceType":"Patient"}'),
            ("package/broken.json", b"{"),
            ("package/list.json", b"[]"),
            ("package/Patient-a.json", b'{"resourceType":"Patient","id":"a"}'),
            ("package/ValueSet-b.json", orjson.dumps(value_set("b", id=None))),
            ("package/ValueSet-c.json", orjson.dumps(value_set(url="https://example.org/a|1"))),
            ("package/ValueSet-again.json", orjson.dumps(value_set())),
            (
                "package/StructureDefinition-d.json",
                orjson.dumps({**value_set(), "resourceType": "StructureDefinition", "fhirVersion": "5.0.0"}),
            ),
        )
    )

    assert len(package.definitions) == 1
    assert [one.name for one in package.skipped] == [
        "broken.json",
        "list.json",
        "Patient-a.json",
        "ValueSet-b.json",
        "ValueSet-c.json",
        "ValueSet-again.json",
        "StructureDefinition-d.json",
    ]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (sound(("../../etc/cron.d/x", b"{}")), "outside"),
        (sound(("/etc/passwd", b"{}")), "outside"),
        (sound(("package\\..\\x.json", b"{}")), "outside"),
        (sound(("c:/x.json", b"{}")), "outside"),
        (sound((special("package/x.json", tarfile.SYMTYPE, "/etc/passwd"), b"")), "link or a device"),
        (
            sound((special("package/x.json", tarfile.LNKTYPE, "package/package.json"), b"")),
            "link or a device",
        ),
        (sound((special("package/x.json", tarfile.CHRTYPE), b"")), "link or a device"),
        (sound((special("package/x.json", tarfile.FIFOTYPE), b"")), "link or a device"),
        (sound((special("../x", tarfile.DIRTYPE), b"")), "outside"),
        (sound(("package/ValueSet-a.json", b"{}")), "same name"[5:]),
        (sound(("package/./ValueSet-a.json", b"{}")), "have the name"),
        (b"PK\x03\x04 no gzip", "Not a gzip"),
        (gzip.compress(b"no tar" * 1000), "Not a tar"),
        (sound()[:200], "ends too early"),
        (sound(name="../../x"), "`name`"),
        (sound(version="1 0"), "`version`"),
        (sound(fhirVersions=["5.0.0"]), "4.0.1"),
        (sound(dependencies={"example.fhir": "1.0.0"}), "depends on itself"),
        (sound(dependencies=["a"]), "dependencies"),
        (sound(dependencies={"a": "../1"}), "dependency"),
        (packed(("package/package.json", b"[]")), "not a JSON object"),
        (packed(("package/package.json", orjson.dumps(MANIFEST))), "no definitions"),
        (packed(("package/ValueSet-a.json", orjson.dumps(value_set()))), "no package.json"),
    ],
    ids=[
        "above the folder",
        "absolute",
        "with backslashes",
        "on a drive",
        "symbolic link",
        "hard link",
        "device",
        "pipe",
        "folder above",
        "twice",
        "twice, written otherwise",
        "zip",
        "not a tar",
        "cut off",
        "name that climbs",
        "version with a space",
        "another FHIR",
        "depends on itself",
        "dependencies as a list",
        "version of a dependency that climbs",
        "manifest that is no object",
        "no definitions",
        "no manifest",
    ],
)
def test_what_could_do_harm_is_refused_with_the_reason(
    reading: Callable[..., Package], content: bytes, told: str
) -> None:
    with pytest.raises(Refused, match=told):
        reading(content)


def test_a_name_from_an_archive_cannot_speak_to_the_terminal(reading: Callable[..., Package]) -> None:
    with pytest.raises(Refused) as refused:
        reading(sound(("../\x1b]0;x\x07" + "a" * 500, b"{}")))

    assert "\x1b" not in str(refused.value)
    assert len(str(refused.value)) < 200


def bomb(size: int) -> bytes:
    return packed(("package/package.json", orjson.dumps(MANIFEST)), ("package/ValueSet-a.json", b" " * size))


def large(size: int) -> bytes:
    """Not compressible, so that only its size can be wrong."""
    noise = orjson.dumps(value_set(title="".join(f"{number:x}" for number in range(size // 5))))
    return packed(("package/package.json", orjson.dumps(MANIFEST)), ("package/ValueSet-a.json", noise))


@pytest.mark.parametrize(
    ("content", "told"),
    [(bomb(40_000_000), "times its size"), (large(5_000_000), "more than 3,000,000 bytes")],
    ids=["bomb", "large"],
)
def test_a_bomb_costs_no_more_than_the_limit(
    reading: Callable[..., Package], content: bytes, told: str
) -> None:
    start = time.monotonic()
    tracemalloc.start()
    try:
        with pytest.raises(Refused, match=told):
            reading(content, most_bytes=100_000_000 if "times" in told else 3_000_000)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert most < 60_000_000  # the room for one definition, and little else
    assert time.monotonic() - start < 5


def test_a_header_that_claims_too_much_is_refused_before_it_is_read(reading: Callable[..., Package]) -> None:
    info = tarfile.TarInfo("package/x.json")
    info.size = 300_000_000
    content = gzip.compress(info.tobuf() + b" " * 1024)

    with pytest.raises(Refused, match="says that it has more"):
        reading(content)


def test_one_file_cannot_be_larger_than_any_definition(
    reading: Callable[..., Package], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "MOST_DEFINITION_BYTES", 1000)

    with pytest.raises(Refused, match="no definition does"):
        reading(sound(("package/ValueSet-b.json", orjson.dumps(value_set("b", title="x" * 1000)))))


def test_an_archive_cannot_have_any_number_of_members(
    reading: Callable[..., Package], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "MOST_MEMBERS", 3)

    with pytest.raises(Refused, match="more than 3 members"):
        reading(sound(("package/a.md", b""), ("package/b.md", b"")))


@pytest.mark.parametrize("inside", ["package", "."])
def test_a_folder_is_a_package_too(tmp_path: Path, inside: str) -> None:
    folder = tmp_path / "x" / inside
    folder.mkdir(parents=True)
    (folder / "package.json").write_bytes(orjson.dumps(MANIFEST))
    (folder / "ValueSet-a.json").write_bytes(b"\xef\xbb\xbf" + orjson.dumps(value_set()))
    (folder / "other").mkdir()

    package = read(tmp_path / "x")

    assert str(package) == "example.fhir#1.0.0"
    assert [one.url for one in package.definitions] == ["https://example.org/ValueSet/a"]


def test_a_folder_of_definitions_is_one_when_its_name_is_given(tmp_path: Path) -> None:
    (tmp_path / "ValueSet-a.json").write_bytes(orjson.dumps(value_set()))

    with pytest.raises(Refused, match="--name and --version"):
        read(tmp_path)

    assert str(read(tmp_path, name="example.fhir", version="2.0.0")) == "example.fhir#2.0.0"


def test_a_folder_with_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "package.json").symlink_to("/etc/passwd")

    with pytest.raises(Refused, match="link or a device"):
        read(tmp_path)


def test_a_folder_that_is_too_large_is_refused(tmp_path: Path) -> None:
    (tmp_path / "ValueSet-a.json").write_bytes(orjson.dumps(value_set(title="x" * 1000)))

    with pytest.raises(Refused, match="more than 500 bytes"):
        read(tmp_path, most_bytes=500, name="a", version="1")


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="cannot be read"):
        read(tmp_path / "absent.tgz")


def package(name: str, **dependencies: str) -> Package:
    return Package(name, "1", "", dependencies, "", (), ())


def test_packages_come_behind_those_that_they_depend_on() -> None:
    given = [package("a", b="1", c="1"), package("b", c="1"), package("c", d="1")]

    assert [one.name for one in in_order(given)] == ["c", "b", "a"]


def test_packages_that_depend_on_one_another_are_refused_and_the_circle_is_told() -> None:
    with pytest.raises(Refused, match=r"a#1 → b#1 → c#1 → a#1"):
        in_order([package("a", b="1"), package("b", c="1"), package("c", a="1")])


def test_a_long_chain_of_dependencies_needs_no_deep_stack() -> None:
    given = [package(f"p{number}", **{f"p{number + 1}": "1"}) for number in range(1500)]

    assert len(in_order(given)) == 1500


@pytest.mark.parametrize(
    ("version", "wanted", "good"),
    [
        ("4.0.1", "4.0.1", True),
        ("4.0.1", "4.0.x", True),
        ("4.1.0", "4.0.x", False),
        ("2.1.0", "2.0.1", False),
    ],
)
def test_a_dependency_asks_for_one_version_or_for_any_patch_of_it(
    version: str, wanted: str, *, good: bool
) -> None:
    assert satisfies(version, wanted) is good
