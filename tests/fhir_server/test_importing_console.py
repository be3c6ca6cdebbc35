from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from fhir_server.importing import Report
from fhir_server.importing_console import NoServer, into_server, into_store, tell
from fhir_server.importing_files import Refusal
from fhir_server.settings import DatabaseSettings, Settings
from fhir_server.store.migrations.migrate import migrate


def console() -> Console:
    return Console(file=io.StringIO(), width=100, highlight=False, soft_wrap=True)


def said(say: Console) -> str:
    assert isinstance(say.file, io.StringIO)
    return say.file.getvalue()


def told(report: Report) -> str:
    say = console()
    tell(report, 2.0, say)
    return said(say)


def test_the_count_and_the_rate_are_told() -> None:
    assert told(Report(loaded=3000)) == "3,000 resources loaded in 2.0 s (1,500/s).\n"


def test_what_was_there_before_is_told() -> None:
    assert "2 transactions had been loaded before: nothing was added." in told(Report(parts_known=2))


def test_what_was_refused_is_listed_with_reasons_even_when_they_look_like_markup() -> None:
    text = told(Report(refusals=[Refusal("a.json", ("Bundle.entry[0]: [red]no[/red]", "another"))]))

    assert "Not loaded: 1" in text
    assert "  a.json\n      Bundle.entry[0]: [red]no[/red]\n      another\n" in text


def test_long_lists_are_cut_and_say_so() -> None:
    text = told(Report(refusals=[Refusal(f"{n}.json", tuple(map(str, range(9)))) for n in range(60)]))

    assert text.count(".json") == 50
    assert "      … and 4 more\n" in text
    assert text.endswith("  … and 10 more\n")


def test_an_import_that_ended_early_says_how_to_go_on() -> None:
    assert "The database was away. Run the same command again" in told(Report(away="The database was away"))


async def test_files_are_loaded_straight_into_the_store_and_once(database_url: str, tmp_path: Path) -> None:
    migrate(database_url)
    settings = Settings(database=DatabaseSettings(url=database_url))
    path = tmp_path / "a.ndjson"
    path.write_text(json.dumps({"resourceType": "Patient"}))

    first, second = console(), console()
    results = [await into_store([path], settings, say) for say in (first, second)]

    assert results == [True, True]
    assert said(first).startswith("1 resource loaded")
    assert "1 transaction had been loaded before" in said(second)


async def test_a_refused_file_makes_the_import_fail(database_url: str, tmp_path: Path) -> None:
    migrate(database_url)
    settings = Settings(database=DatabaseSettings(url=database_url))
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"resourceType": "Patient", "gender": "xyz"}))
    say = console()

    assert not await into_store([path], settings, say)

    assert "Not loaded: 1" in said(say)


@pytest.mark.parametrize("base", ["http://127.0.0.1:1/fhir", "not an address", "http://[::1"])
async def test_an_address_where_no_server_answers_is_said_at_once(base: str, tmp_path: Path) -> None:
    with pytest.raises(NoServer, match="No FHIR server answers"):
        await into_server([tmp_path / "a.json"], base, console())
