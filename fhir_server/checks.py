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
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, urlsplit

from pydantic import BaseModel

from fhir_server.app import opened
from fhir_server.auditing import files_of
from fhir_server.definitions.catalogue import resource_types
from fhir_server.definitions.elements import shape_of
from fhir_server.definitions.parameters import CORE, Parameters, fallback
from fhir_server.kernel.errors import FhirError
from fhir_server.settings import Settings, is_loopback
from fhir_server.store.migrations.migrate import WrongSchema
from fhir_server.store.packages import installed, missing_of

_OTHERS = ("CORDEE_TEST_",)  # variables that are not the server's
PACKAGES = ("fhir_server", "connectors", "mappings", "terminology", "profiles")
_OPEN: Final = 0o077  # to others than the owner
_WRITABLE: Final = 0o022  # by others than the owner
_ENCRYPTED: Final = frozenset({"require", "verify-ca", "verify-full"})


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
    yield _check("access", _access(settings), "nobody does what they may not")
    yield _check("addresses", _addresses(settings), "nobody else can say who a caller is, or listen")
    yield _check("secrets", _secrets(settings), "no file of them is open to others")
    yield _names()
    yield from _packages()
    yield _definitions()
    database = _database(settings)
    yield database
    if settings.database.url and database.good:
        yield from _installed(settings.database.url)


def _settings(environment: Mapping[str, str]) -> Check:
    """A setting with a misspelt name would be silently without effect."""
    known = set(_names_in(Settings, "CORDEE_"))
    ours = (name for name in environment if name.startswith("CORDEE_") and not name.startswith(_OTHERS))
    unknown = sorted(name for name in ours if name.upper() not in known)
    if unknown:
        return Check("settings", False, f"no such setting: {', '.join(unknown)}; docs/settings.md lists them")
    return Check("settings", True, "each is known and can be read")


def _names_in(model: type[BaseModel], prefix: str) -> Iterator[str]:
    for name, field in model.model_fields.items():
        yield prefix + name.upper()
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from _names_in(field.annotation, f"{prefix}{name.upper()}__")


def _check(subject: str, faults: Iterator[str], good: str) -> Check:
    found = "; ".join(faults)
    return Check(subject, not found, found or good)


def _access(settings: Settings) -> Iterator[str]:
    """What lets in whoever comes, or shows callers what is for operators."""
    beyond = not is_loopback(settings.host)
    if settings.auth.mode == "none":
        if beyond:
            yield "CORDEE_AUTH__MODE is none, and CORDEE_HOST not loopback, which serve refuses: tokens would be right"
        return
    if settings.demo and beyond:
        yield "CORDEE_DEMO is true, and tokens of the demonstration open data of real persons: false would be right"
    if settings.explain:
        yield "CORDEE_EXPLAIN is true, and plans count what their reader may not see: false would be right"


def _addresses(settings: Settings) -> Iterator[str]:
    """What lets others listen, or say who somebody is."""
    beyond = not is_loopback(settings.host)
    if settings.auth.mode != "none" and (beyond or settings.trusted_proxies):
        if not settings.base_url:
            yield "CORDEE_BASE_URL is empty, so that each request says it: the public address would be right"
        elif not settings.base_url.startswith("https://"):
            yield "CORDEE_BASE_URL is not https, so that whoever listens has the tokens: https would be right"
    if beyond and "*" in settings.trusted_proxies:
        yield "CORDEE_TRUSTED_PROXIES has *, so that anybody says their address and certificate: the proxies are right"
    if beyond and not settings.trusted_proxies:
        yield "CORDEE_HOST reaches beyond loopback without a trusted proxy, and nothing else does TLS"
    database = urlsplit(settings.database.url)
    asked = parse_qs(database.query)
    host = database.hostname or asked.get("host", [""])[0]
    mode = asked.get("sslmode", [os.environ.get("PGSSLMODE", "")])[0]
    if host and not host.startswith("/") and not is_loopback(host) and mode not in _ENCRYPTED:
        yield "CORDEE_DATABASE__URL leads to another machine without TLS: sslmode=verify-full would be right"
    collector = urlsplit(settings.audit.collector)
    if collector.scheme in {"udp", "tcp"} and not is_loopback(collector.hostname or ""):
        yield "CORDEE_AUDIT__COLLECTOR gets traces without TLS: tls:// would be right"


def _secrets(settings: Settings) -> Iterator[str]:
    """What others on this machine can read or write."""
    audit = files_of(settings)
    yield from _faults(audit.key, _OPEN, optional=True)
    yield from _faults(audit.heads, _WRITABLE, optional=True)
    for issuer in settings.auth.issuers:
        if issuer.client_secret_file is not None:
            yield from _faults(issuer.client_secret_file, _OPEN)
        if issuer.jwks_file is not None:
            yield from _faults(issuer.jwks_file, _WRITABLE)


def _faults(path: Path, closed: int, *, optional: bool = False) -> Iterator[str]:
    """`closed`: the bits of its mode that must not be there. `optional`: so may be the file."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        if not optional:
            yield f"{path} is not there"
    except OSError as error:
        yield f"{path} cannot be looked at: {error.strerror}"
    else:
        if mode & closed:
            done, right = ("read", "600") if closed == _OPEN else ("written", "go-w")
            yield f"{path} can be {done} by others than its owner: chmod {right} would be right"


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
