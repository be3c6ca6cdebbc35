"""`cordee packages`, as far as a person sees it."""

from __future__ import annotations

import gzip
import io
import signal
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from fhir_server.__main__ import main

Cordee = Callable[..., tuple[int, str]]


@pytest.fixture
def cordee(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], url: str) -> Iterator[Cordee]:
    """Runs `cordee packages …` on a database; the exit code and what was said."""
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("CORDEE_DATABASE__URL", url)
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}

    def run(*arguments: str | Path, **settings: str) -> tuple[int, str]:
        monkeypatch.setattr("sys.argv", ["cordee", "packages", *map(str, arguments)])
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        with pytest.raises(SystemExit) as ended:
            main()
        output = capsys.readouterr()
        return int(ended.value.code or 0), output.out + output.err

    yield run
    for number, handler in handlers.items():
        signal.signal(number, handler)


def package(folder: Path, version: str = "1.0.0", **manifest: Any) -> Path:
    said = {"name": "example.one", "version": version, **manifest}
    definition = {"resourceType": "ValueSet", "id": "a", "url": "https://example.org/ValueSet/a"}
    path = folder / f"{version}.tgz"
    # The same content is the same file, whenever it is written.
    with gzip.GzipFile(path, "wb", mtime=0) as packed, tarfile.open(fileobj=packed, mode="w") as out:
        for name, tree in (("package.json", said), ("a.json", definition), ("b.json", {})):
            content = orjson.dumps(tree)
            info = tarfile.TarInfo(f"package/{name}")
            info.size = len(content)
            out.addfile(info, io.BytesIO(content))
    return path


def test_packages_are_added_listed_and_removed(cordee: Cordee, tmp_path: Path) -> None:
    code, text = cordee("add", package(tmp_path), package(tmp_path, "1.1.0"))
    assert code == 0
    assert "example.one#1.0.0: 1 definitions added" in text
    assert "left out: b.json: no FHIR resource" in text

    code, text = cordee("list")
    assert code == 0
    assert all(name in text for name in ("hl7.fhir.r4.core", "cordee.fr", "1.0.0", "1.1.0"))

    assert cordee("remove", "example.one#1.0.0") == (0, "example.one#1.0.0: 1 definitions removed\n")
    assert "was there already" in cordee("add", package(tmp_path, "1.1.0"))[1]


def test_one_that_is_refused_keeps_the_others_out(cordee: Cordee, tmp_path: Path) -> None:
    bad = tmp_path / "bad.tgz"
    bad.write_bytes(b"no package")

    code, text = cordee("add", package(tmp_path), bad)

    assert code == 1
    assert "Not a gzip archive" in text
    assert "Nothing was added." in text
    assert "example.one" not in cordee("list")[1]


def test_the_largest_package_is_a_setting(cordee: Cordee, tmp_path: Path) -> None:
    code, text = cordee("add", package(tmp_path), CORDEE_MAX_PACKAGE_BYTES="1024")

    assert code == 1
    assert "more than 1,024 bytes" in text


def test_what_is_missing_is_said_with_the_way_out(cordee: Cordee, tmp_path: Path) -> None:
    needs = package(tmp_path, dependencies={"example.two": "1.0.0", "hl7.terminology.r4": "6.2.0"})

    code, text = cordee("add", needs)
    assert code == 1
    assert "example.one#1.0.0 depends on example.two#1.0.0, which is not there" in text
    assert "--without-dependencies" in text

    code, text = cordee("add", "--without-dependencies", needs)
    assert code == 0
    assert "hl7.terminology.r4#6.2.0, which is not there: what is bound to it cannot be checked" in text
    assert "example.two#1.0.0" in cordee("list")[1]


@pytest.mark.parametrize("name", ["example.one", "example.one#", "#1"])
def test_a_package_is_removed_by_name_and_version(cordee: Cordee, name: str) -> None:
    code, text = cordee("remove", name)

    assert code == 2
    assert "NAME#VERSION" in text
