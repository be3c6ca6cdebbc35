from __future__ import annotations

import hashlib
import tomllib
import zipfile
from importlib.resources import files
from typing import Any

import pytest

FOLDER = files("profiles")
PACKAGES: list[dict[str, Any]] = tomllib.loads((FOLDER / "packages.toml").read_text("utf-8"))["package"]


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package["name"])
def test_a_package_has_the_bytes_that_its_line_names(package: dict[str, Any]) -> None:
    content = (FOLDER / "packages" / f"{package['name']}.zip").read_bytes()

    assert hashlib.sha256(content).hexdigest() == package["sha256"]


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package["name"])
def test_a_package_is_an_archive_of_definitions(package: dict[str, Any]) -> None:
    with (
        (FOLDER / "packages" / f"{package['name']}.zip").open("rb") as file,
        zipfile.ZipFile(file) as archive,
    ):
        assert archive.testzip() is None
        assert archive.namelist()


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package["name"])
def test_a_package_says_where_it_comes_from_and_how_it_may_be_used(package: dict[str, Any]) -> None:
    assert all(package[field] for field in ("version", "origin", "licence"))


def test_no_package_lies_there_without_a_line() -> None:
    lying = {
        path.name.removesuffix(".zip")
        for path in (FOLDER / "packages").iterdir()
        if path.name.endswith(".zip")
    }

    assert lying == {package["name"] for package in PACKAGES}
