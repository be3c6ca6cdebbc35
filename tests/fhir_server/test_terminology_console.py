"""`cordee terminology`, as far as a person sees it."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from fhir_server.__main__ import cli
from fhir_server.store.codes_loading import loaded
from fhir_server.targeting import UsageError
from fhir_server.terminology_loading_console import KINDS, load_files
from terminology.loading.release import Wanted
from tests.releases import Rf2, folder, small_rf2, zipped
from tests.terminology.test_loading_fhir import TREE, XML

TABLE = "code,display,parent\n1,Un,\n2,Deux,1\n"


@pytest.fixture(autouse=True)
def settings(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CORDEE_DATABASE__URL", url)


def run(*arguments: str | Path) -> tuple[int, str]:
    """The exit code, and what was said."""
    result = CliRunner().invoke(cli, ["terminology", *map(str, arguments)], catch_exceptions=True)
    if isinstance(result.exception, UsageError):
        raise result.exception
    return result.exit_code, " ".join(result.output.split())


def test_a_table_is_loaded_listed_and_removed(url: str, tmp_path: Path) -> None:
    folder(tmp_path, {"t.csv": TABLE})
    address = "https://example.org/t"

    assert run("load", tmp_path / "t.csv", "--url", address, "--version", "1")[0] == 0
    assert [(one.url, one.version, one.count) for one in loaded(url)] == [(address, "1", 2)]
    assert f"{address} 1 t 2" in run("list")[1]
    assert run("remove", address)[0] == 0
    assert loaded(url) == []
    assert run("remove", address)[0] == 1


def test_what_was_loaded_and_at_which_rate_is_said(url: str, tmp_path: Path) -> None:
    shown = io.StringIO()
    say = Console(file=shown, force_terminal=True, color_system=None, width=200)
    archive = zipped(tmp_path / "s.zip", small_rf2().files())

    assert load_files([archive], "", Wanted(), url, say)
    assert load_files([archive], "", Wanted(), url, say)

    assert "5 concepts loaded in" in shown.getvalue()
    assert "nothing was done" in shown.getvalue()


def test_several_archives_of_snomed_are_one_release(url: str, tmp_path: Path) -> None:
    french = Rf2("11000315107", "20240621", "FR")
    french.concept("2001", "Français", ["1001"])
    paths = [zipped(tmp_path / f"{n}.zip", one.files()) for n, one in enumerate((small_rf2(), french))]

    assert load_files(paths, "", Wanted(), url, Console(file=io.StringIO()))

    (found,) = loaded(url)
    assert (found.count, found.version) == (6, "http://snomed.info/sct/11000315107/version/20240621")


def test_of_an_archive_each_code_system_is_loaded_once_and_what_is_wrong_is_listed(
    url: str, tmp_path: Path
) -> None:
    files = {
        "a.json": json.dumps(TREE),
        "a.xml": XML,  # the same in another form
        "b.json": json.dumps({**TREE, "url": "https://example.org/b", "content": "not-present"}),
        "c.json": json.dumps({**TREE, "url": "https://example.org/c"}, indent=1).replace('"d"', '"a"'),
        "d.json": json.dumps({**TREE, "url": "https://example.org/d"}),
    }

    code, said = run("load", zipped(tmp_path / "nos.zip", files))

    assert code == 1
    assert [one.url for one in loaded(url)] == ["https://example.org/cs", "https://example.org/d"]
    assert "nos.zip: c.json, line 39: The code a comes twice" in said
    assert "b.json" not in said


def test_a_file_that_cannot_be_read_is_said(url: str, tmp_path: Path) -> None:
    code, said = run("load", tmp_path / "nothing.zip")

    assert code == 1
    assert "There is no such file" in said


def test_one_of_several_versions_must_be_named(url: str, tmp_path: Path) -> None:
    folder(tmp_path, {"t.csv": TABLE, "u.csv": TABLE + "3,Trois,\n"})
    address = "https://example.org/t"
    for name, version in (("t.csv", "1"), ("u.csv", "2")):
        run("load", tmp_path / name, "--url", address, "--version", version)

    with pytest.raises(UsageError, match=r"https://example.org/t\|2, https://example.org/t\|1"):
        run("remove", address)
    assert run("remove", f"{address}|1")[0] == 0
    assert [one.version for one in loaded(url)] == ["2"]


def test_kinds_are_named_in_the_help_and_others_refused(url: str, tmp_path: Path) -> None:
    assert all(kind in run("load", "--help")[1] for kind in KINDS)
    with pytest.raises(UsageError, match="--kind is one of"):
        run("load", tmp_path, "--kind", "icd")


def test_an_empty_list_says_so(url: str) -> None:
    assert "No code system is loaded" in run("list")[1]
