"""`cordee check`: what must be true before the server can be trusted with data.

Every check says what it looked at and, when it fails, what would be right.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import packages_distributions
from importlib.resources import files

from fhir_server.app import opened
from fhir_server.definitions.catalogue import resource_types
from fhir_server.definitions.elements import shape_of
from fhir_server.definitions.parameters import CORE, Parameters, fallback
from fhir_server.kernel.errors import FhirError
from fhir_server.settings import DatabaseSettings, Settings
from fhir_server.store.migrations.migrate import WrongSchema
from fhir_server.store.packages import installed, missing_of

_OTHERS = ("CORDEE_TEST_",)  # variables that are not the server's
PACKAGES = ("fhir_server", "connectors", "mappings", "terminology", "profiles")


@dataclass(frozen=True, slots=True)
class Check:
    """One answer, for a person."""

    subject: str
    good: bool
    text: str


def checks_of(settings: Settings) -> Iterator[Check]:
    """Every check, one after the other; those of the database and of what is installed in it come last.

    Without a database URL there is no database yet, which is no fault: the first start makes one.
    """
    yield _settings(os.environ)
    yield _names()
    yield from _packages()
    yield _definitions()
    database = _database(settings)
    yield database
    if settings.database.url and database.good:
        yield from _installed(settings.database.url)


def _settings(environment: Mapping[str, str]) -> Check:
    """A setting with a misspelt name would be silently without effect."""
    nested = {f"CORDEE_DATABASE__{name.upper()}" for name in DatabaseSettings.model_fields}
    known = nested | {f"CORDEE_{name.upper()}" for name in Settings.model_fields}
    ours = (name for name in environment if name.startswith("CORDEE_") and not name.startswith(_OTHERS))
    unknown = sorted(name for name in ours if name.upper() not in known)
    if unknown:
        return Check("settings", False, f"no such setting: {', '.join(unknown)}; docs/settings.md lists them")
    return Check("settings", True, "each is known and can be read")


def _names() -> Check:
    """`profiles` and `connectors` are ordinary words: another distribution could own a package of that name."""
    owners = packages_distributions()
    foreign = [name for name in PACKAGES if set(owners.get(name, ["cordee"])) != {"cordee"}]
    if foreign:
        text = f"{', '.join(foreign)} also comes from another distribution; install Cordée in an environment of its own"
        return Check("package names", False, text)
    return Check("package names", True, "all five are Cordée's own")


def _packages() -> Iterator[Check]:
    folder = files("profiles")
    for package in tomllib.loads((folder / "packages.toml").read_text("utf-8"))["package"]:
        content = (folder / "packages" / f"{package['name']}.zip").read_bytes()
        good = hashlib.sha256(content).hexdigest() == package["sha256"]
        text = (
            "as published"
            if good
            else "its bytes are not those that packages.toml names; install Cordée again"
        )
        yield Check(f"definitions {package['name']} {package['version']}", good, text)


def _installed(url: str) -> Iterator[Check]:
    """The packages that were added, and what they need."""
    there = installed(url)
    for package in there:
        missing = [one for one in missing_of([package], there) if one.serious]
        text = (
            "; ".join(map(str, missing))
            or f"{package.definitions:,} definitions, and what they depend on is there"
        )
        yield Check(f"package {package}", not missing, text)


def _definitions() -> Check:
    for name in resource_types():
        shape_of(name)
    count = sum(len(CORE.of(name)) for name in resource_types())
    return Check(
        "compiled definitions",
        True,
        f"{len(resource_types())} resource types, {count:,} search parameters{evaluated_in(CORE)}",
    )


def evaluated_in(parameters: Parameters) -> str:
    """Those that slow down every write of their type, as the end of a sentence; empty when there are none."""
    each = (parameter for name in sorted(resource_types()) for parameter in parameters.of(name).values())
    found = [f"{parameter.type}.{parameter.code}" for parameter in each if fallback(parameter) is not None]
    if not found:
        return ""
    return f"; FHIRPath reads {', '.join(found)}, a hundred times as slowly as a plain path is read"


def _database(settings: Settings) -> Check:
    if not settings.database.url:
        return Check("database", True, "none yet: the first start makes one")

    async def ready() -> Parameters | None:
        async with opened(settings) as engine:
            return engine.server.store.definitions.current.parameters if await engine.ready() else None

    try:
        parameters = asyncio.run(ready())
    except (WrongSchema, FhirError) as error:
        return Check("database", False, str(error))
    if parameters is None:
        return Check("database", False, "does not answer")
    return Check("database", True, f"answers, and its tables are of this version{evaluated_in(parameters)}")
