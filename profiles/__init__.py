"""Conformance packages, and the one reader of their members.

A package is a zip archive with one member per definition, `Type/id.json`, beside a few lists that are always wanted
whole (`SearchParameter.json`). What is shipped stands in `packages.toml`.
"""

from __future__ import annotations

import zipfile
from functools import cache
from importlib.resources import as_file, files

R4_CORE = "hl7.fhir.r4.core"
FRENCH = "cordee.fr"


@cache
def _archive(package: str) -> zipfile.ZipFile:
    with as_file(files("profiles") / "packages" / f"{package}.zip") as path:
        return zipfile.ZipFile(path)


def members(package: str = R4_CORE) -> list[str]:
    """The names of a package's members, sorted."""
    return sorted(_archive(package).namelist())


def member(name: str, package: str = R4_CORE) -> bytes:
    """The JSON text of one member. Raises `KeyError` when the package has none of that name."""
    return _archive(package).read(name)
