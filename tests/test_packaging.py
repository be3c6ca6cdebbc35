"""The wheel and the installation: five packages, their data, and nobody else's names."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = {"fhir_server", "connectors", "mappings", "terminology", "profiles"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The names in a wheel built from this tree."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder],
        cwd=ROOT,
        check=True,
        capture_output=True,
        timeout=120,
    )
    (built,) = folder.glob("*.whl")
    with zipfile.ZipFile(built) as archive:
        return archive.namelist()


def test_the_wheel_holds_the_five_packages_and_nothing_else(wheel: list[str]) -> None:
    names = {name.partition("/")[0] for name in wheel}

    assert {name for name in names if not name.endswith(".dist-info")} == PACKAGES
    assert len(names) == len(PACKAGES) + 1


def test_the_wheel_holds_every_file_of_the_packages(wheel: list[str]) -> None:
    tracked = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--deduplicate", *sorted(PACKAGES)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    if tracked.returncode != 0:
        pytest.skip("this is not a checkout of git")

    present = {name for name in tracked.stdout.split() if (ROOT / name).exists()}
    sources = {name for name in present if name.startswith("profiles/source/")}

    assert present - sources == present & set(wheel)
    assert "profiles/packages.toml" in present
    assert "fhir_server/demo/payet.json" in present
    assert any(name.startswith("profiles/packages/") and name.endswith(".zip") for name in present)


def test_our_package_names_are_not_owned_by_another_distribution() -> None:
    owners = packages_distributions()

    assert {name: set(owners.get(name, ["cordee"])) for name in PACKAGES} == {
        name: {"cordee"} for name in PACKAGES
    }
