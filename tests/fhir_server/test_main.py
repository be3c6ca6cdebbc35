"""The command line in this process, as far as it starts nothing; `test_worker.py` starts what is started."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fhir_server.__main__ import main

Cordee = Callable[..., tuple[int, str]]
COMMANDS = ("serve", "import", "demo", "check", "migrate", "backup", "restore", "upgrade", "packages")


@pytest.fixture
def cordee(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Cordee]:
    """Runs `cordee …` with the settings given; the exit code and what was said."""
    for name in list(os.environ):
        if name.startswith("CORDEE_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("COLUMNS", "100")
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}

    def run(*arguments: str | Path, **settings: str) -> tuple[int, str]:
        monkeypatch.setattr("sys.argv", ["cordee", *map(str, arguments)])
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        with pytest.raises(SystemExit) as ended:
            main()
        output = capsys.readouterr()
        return int(ended.value.code or 0), output.out + output.err

    yield run
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.fixture
def database(database_url: str) -> dict[str, str]:
    """The settings of an empty database."""
    return {"CORDEE_DATABASE__URL": database_url}


def test_help_teaches_the_first_command_and_names_all_the_others(cordee: Cordee) -> None:
    code, text = cordee("--help")

    assert code == 0
    assert "cordee serve --demo" in text
    assert all(f" {command} " in text for command in COMMANDS)
    assert "Exit codes" in text


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_that_fits_the_screen(cordee: Cordee, command: str) -> None:
    code, text = cordee(command, "--help")

    assert code == 0
    assert len(text.splitlines()) < 45
    assert all(len(line) <= 100 for line in text.splitlines())


def test_the_version_is_said(cordee: Cordee) -> None:
    assert cordee("--version") == (0, "cordee 0.1.0\n")


@pytest.mark.parametrize(
    ("arguments", "settings", "code", "text"),
    [
        (("serve", "--host", "0.0.0.0"), {}, 2, "0.0.0.0 is not a loopback address"),
        (("serve", "--host", "fhir.example.org"), {}, 2, "is not a loopback address"),
        (("serve",), {"CORDEE_HOST": "::"}, 2, ":: is not a loopback address"),
        (("serve", "--port", "65536"), {}, 2, "--port"),
        (("serve",), {"CORDEE_PORT": "abc"}, 2, "CORDEE_PORT: "),
        (("serve",), {"CORDEE_DATABASE__POOL_SIZE": "0"}, 2, "CORDEE_DATABASE__POOL_SIZE: "),
        (("serve",), {"CORDEE_TRUSTED_PROXIES": "abc"}, 2, "CORDEE_TRUSTED_PROXIES cannot be read"),
        (
            ("migrate",),
            {"CORDEE_DATABASE__URL": "host=h password=secret"},
            2,
            "CORDEE_DATABASE__URL: postgresql://user@host/database would be right.",
        ),
        (("migrate",), {"CORDEE_DATABASE__URL": "postgresql://localhost:1/x"}, 1, "cannot be reached"),
        (("migrate",), {"CORDEE_DATABASE__URL": "postgresql://u:secret@[::1/x"}, 1, "cannot be read"),
        (
            ("migrate", "--data-dir", "d"),
            {"CORDEE_DATABASE__URL": "postgresql://h/x"},
            2,
            "--data-dir is for the embedded",
        ),
        (("upgrade",), {"CORDEE_DATABASE__URL": "postgresql://h/x"}, 2, "not ours to upgrade"),
        (("import", "no-such-file.json"), {}, 1, "no-such-file.json does not exist."),
        (("import", "pyproject.toml"), {}, 1, "no file to import"),
        (("import", "--url", "http://127.0.0.1:1/fhir", "{folder}"), {}, 1, "No FHIR server answers at"),
        (("backup", "a.dump", "--data-dir", "{folder}"), {}, 2, "holds no data of Cordée."),
        (
            ("restore", "no-such.dump"),
            {"CORDEE_DATABASE__URL": "postgresql://h/x"},
            1,
            "no-such.dump cannot be",
        ),
        (("frobnicate",), {}, 2, "No such command"),
        (("backup",), {}, 2, "Missing argument"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(
    cordee: Cordee, tmp_path: Path, arguments: tuple[str, ...], settings: dict[str, str], code: int, text: str
) -> None:
    (tmp_path / "a.json").write_text("{}")

    ended, said = cordee(*(argument.format(folder=tmp_path) for argument in arguments), **settings)

    assert ended == code
    assert text in said
    assert "secret" not in said
    assert "Traceback" not in said


def test_tables_are_made_once(cordee: Cordee, database: dict[str, str]) -> None:
    assert cordee("migrate", **database) == (0, "The tables were brought to this version.\n")
    assert cordee("migrate") == (0, "The tables are of this version already.\n")


def test_check_says_what_is_missing_and_then_that_all_is_well(
    cordee: Cordee, database: dict[str, str]
) -> None:
    code, text = cordee("check", **database)
    assert (code, text.count("FAIL")) == (1, 1)
    assert "FAIL database: The database has no Cordée schema yet" in text

    cordee("migrate")
    code, text = cordee("check")
    assert (code, text.count("FAIL")) == (0, 0)
    assert "ok   database: " in text


def test_check_makes_no_database(cordee: Cordee, tmp_path: Path) -> None:
    code, text = cordee("check", "--data-dir", tmp_path / "data")

    assert code == 0
    assert "none yet" in text
    assert not (tmp_path / "data").exists()


def test_check_looks_at_the_key_of_the_audit_log_where_serve_makes_it(cordee: Cordee, tmp_path: Path) -> None:
    """Beside the database, wherever the option says that is."""
    key = tmp_path / "data/audit/key"
    key.parent.mkdir(parents=True)
    key.touch(mode=0o644)
    (tmp_path / "other").mkdir()

    code, text = cordee("check", "--data-dir", tmp_path / "data", CORDEE_DATA_DIR=str(tmp_path / "other"))

    assert code == 1
    assert f"{key} can be read by others" in text.replace("\n", "")
    assert cordee("check", "--data-dir", tmp_path / "other")[0] == 0


def test_the_demonstration_dossier_is_loaded_once(cordee: Cordee, database: dict[str, str]) -> None:
    assert cordee("demo", **database) == (0, "The demonstration dossier is loaded.\n")
    assert cordee("demo") == (0, "The demonstration dossier is loaded.\n")


def test_what_was_backed_up_is_there_after_a_restore(
    cordee: Cordee, make_database_url: Callable[[], str], tmp_path: Path
) -> None:
    patient = tmp_path / "patient.json"
    patient.write_text(json.dumps({"resourceType": "Patient", "id": "p"}))
    dump = tmp_path / "a.dump"

    assert cordee("import", patient, CORDEE_DATABASE__URL=make_database_url())[0] == 0
    assert cordee("backup", dump)[0] == 0
    assert cordee("backup", dump)[0] == 1
    assert cordee("backup", dump, "--overwrite")[0] == 0
    code, text = cordee("restore", dump, CORDEE_DATABASE__URL=make_database_url())

    assert (code, text) == (0, "Restored.\n")
    assert "1 transaction had been loaded before" in cordee("import", patient)[1]
    assert cordee("restore", dump)[0] == 1
    assert cordee("restore", dump, "--replace")[0] == 0
