"""Conformance packages, and the one reader of their members.

A package is a zip archive with one member per definition, `Type/id.json`, beside a few lists that are always wanted
whole (`SearchParameter.json`). What is shipped stands in `packages.toml`.

`index.json`, written with the archive, says what is in it, so that nothing else is read before it is wanted:

    [{"member": "StructureDefinition/Patient.json", "kind": "StructureDefinition",
      "url": "http://hl7.org/fhir/StructureDefinition/Patient", "version": "4.0.1", "id": "Patient"}, …]

It lists every member of one definition that has a `url`, by member. An empty `version` is "". A package that holds
several guides says of each definition whose it is: `"package": "hl7.fhir.fr.core#2.2.0"` (optional; else the archive's
own name and version of `packages.toml`). Lists such as `SearchParameter.json` are in it too, one record a definition,
all with the same `member` and with their `"at"` in it, counted from 0.
"""

from __future__ import annotations

import zipfile
from functools import cache
from importlib.resources import as_file, files

R4_CORE = "hl7.fhir.r4.core"
FRENCH = "cordee.fr"
INDEX = "index.json"


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
