"""Where the invalid examples of the guides we restate are wrong: at one place each, and at the one that is told.

That they are wrong, and the valid ones are not, is looked at in `test_sources`.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Final

import pytest

from fhir_server.kernel.wire import decode
from fhir_server.validation.judge import judge
from fhir_server.validation.world import World
from terminology.codes import codes_of
from tests.profiles.made import registry

SOURCES: Final = Path(__file__).parents[2] / "profiles/source/cordee.fr"
TOLD: Final = {
    path.parent / f"{name}.json": place
    for path in sorted(SOURCES.glob("*/examples/invalid/expected.toml"))
    for name, place in tomllib.loads(path.read_text("utf-8")).items()
}


@pytest.mark.parametrize(
    ("path", "place"), TOLD.items(), ids=[f"{path.parts[-4]}/{path.stem}" for path in TOLD]
)
def test_an_invalid_example_has_one_error_at_the_place_that_is_told(path: Path, place: str) -> None:
    issues = judge(decode(path.read_bytes()), World(registry(), codes_of(registry())))

    [error] = [issue for issue in issues if issue.severity in {"error", "fatal"}]

    assert error.expression == place
    assert error.french


def test_every_example_beside_one_whose_place_is_told_is_told_too() -> None:
    folders = {path.parent for path in TOLD}

    assert set(TOLD) == {path for folder in folders for path in folder.glob("*.json")}
