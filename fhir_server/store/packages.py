"""Packages that an operator installs: each whole or not at all, with what it depends on, beside other versions of it.

Nothing is fetched: what a package depends on is there, or it is told what is missing. R4's own definitions are always
there; the terminology and the extensions of HL7 are missing in most places and needed by few, so of those it is told
that they are missing, and no more.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import orjson
import psycopg

from fhir_server.definitions.packaged import CANONICAL, SHIPPED
from fhir_server.kernel.errors import Conflict, FhirError, Malformed, NotFound
from fhir_server.kernel.issues import Issue
from fhir_server.kernel.times import now
from fhir_server.store.connections import translated
from fhir_server.store.telling import BEHIND, HEARD_LOCKS, PACKAGES, TELL
from profiles import shipped
from profiles.archives import Depending, Package, Refused, in_order, satisfies

_COMMON: Final = ("hl7.terminology", "hl7.fhir.uv.extensions")
_CORE: Final = ("hl7.fhir.r4.", "hl7.fhir.core")  # its examples and expansions are nothing to judge by
_ONE_AT_A_TIME: Final = 0x434B << 48  # the advisory lock of whoever changes packages

_INSTALLED: Final = """
    select p.name, p.version, canonical, dependencies, sha256, installed, count(d.url)
    from package p left join package_definition d using (name, version)
    group by p.name, p.version order by installed, p.name, p.version"""
_PATIENCE_SECONDS: Final = 10.0  # with servers that are busy
_PAUSE_SECONDS: Final = 0.02


@dataclass(frozen=True, slots=True)
class Installed:
    """A package that is installed."""

    name: str
    version: str
    canonical: str
    dependencies: Mapping[str, str]
    sha256: str
    at: int  # µs
    definitions: int

    def __str__(self) -> str:
        return f"{self.name}#{self.version}"


@dataclass(frozen=True, slots=True)
class Missing:
    """What a package depends on and nobody has."""

    package: str  # `name#version` of the one that needs it
    name: str
    version: str
    there: tuple[str, ...]  # other versions; may be empty

    @property
    def serious(self) -> bool:
        return not self.name.startswith(_COMMON)

    def __str__(self) -> str:
        other = f" ({', '.join(self.there)} is there)" if self.there else ""
        return f"{self.package} depends on {self.name}#{self.version}, which is not there{other}"


@dataclass(frozen=True, slots=True)
class Added:
    """What became of a package that was to be installed."""

    package: Package
    new: bool  # False: it was there already


def installed(url: str) -> list[Installed]:
    """The packages of a database, in the order in which they came."""
    with _connected(url) as connection:
        return _installed(connection)


def add(
    url: str, packages: Sequence[Package], *, without_dependencies: bool = False
) -> tuple[list[Added], list[Missing]]:
    """Install packages, all or none. Gives what became of each, and what they depend on that is missing.

    Raises `Conflict` for another package of the same name and version, `Malformed` where something is missing that
    must not be, or they depend on one another in a circle.
    """
    with _changing(url) as change:
        connection = change.connection
        there = _installed(connection)
        known = {(one.name, one.version): one.sha256 for one in there}
        fresh: list[Package] = []
        for package in packages:
            before = known.get((package.name, package.version))
            if before is None:
                fresh.append(package)
                known[package.name, package.version] = package.sha256
            elif before != package.sha256:
                raise Conflict(
                    f"{package} is installed from another file. `cordee packages remove {package}` takes that away",
                    code="duplicate",
                )
        _require_order([*there, *packages])
        missing = missing_of(packages, [*there, *packages])
        if not without_dependencies and any(one.serious for one in missing):
            raise _refusal(missing)
        first = max([now(), *(one.at + 1 for one in there)])
        for at, package in enumerate(fresh, first):  # clocks may stand still, or go back
            _write(connection, package, at)
        change.done = bool(fresh)
        return [Added(package, package in fresh) for package in packages], missing


def remove(url: str, name: str, version: str, *, force: bool = False) -> Installed:
    """Take a package away. `force`: even if others depend on it.

    Raises `NotFound`, and `Conflict` where others depend on it.
    """
    with _changing(url) as change:
        connection = change.connection
        there = _installed(connection)
        one = next((one for one in there if (one.name, one.version) == (name, version)), None)
        if one is None:
            raise NotFound(f"{name}#{version} is not installed; `cordee packages list` says what is")
        rest = [other for other in there if other is not one]
        before = {(missing.package, missing.name) for missing in missing_of(there, there)}
        lost = [m for m in missing_of(rest, rest) if (m.package, m.name) not in before]
        if lost and not force:
            users = ", ".join(sorted({missing.package for missing in lost}))
            raise Conflict(f"{one} cannot be removed: {users} depends on it. --force removes it all the same")
        connection.execute("delete from package where name = %s and version = %s", (name, version))
        change.done = True
        return one


def missing_of(packages: Iterable[Depending], there: Collection[Depending]) -> list[Missing]:
    """What packages depend on that is neither `there` nor shipped."""
    versions: dict[str, set[str]] = {}
    for name, version in (*((one.name, one.version) for one in there), *_shipped()):
        versions.setdefault(name, set()).add(version)
    return [
        Missing(str(package), name, version, tuple(sorted(versions.get(name, ()))))
        for package in packages
        for name, version in package.dependencies.items()
        if not name.startswith(_CORE) and not any(satisfies(one, version) for one in versions.get(name, ()))
    ]


def _shipped() -> Iterator[tuple[str, str]]:
    """Names and versions of the packages that Cordée brings, and of the guides that they restate."""
    yield from shipped.packages().items()
    for package in sorted({entry.package for entry in SHIPPED.entries()}):
        name, _, version = package.partition("#")
        yield name, version


def _require_order(packages: Sequence[Depending]) -> None:
    try:
        in_order(packages)
    except Refused as error:
        raise Malformed(str(error)) from error


def _refusal(missing: Sequence[Missing]) -> FhirError:
    error = Malformed(
        "; ".join(str(one) for one in missing if one.serious)
        + ". Nothing is fetched: give the files together, or --without-dependencies"
    )
    error.issues = tuple(Issue("not-found", str(one), "") for one in missing if one.serious)
    return error


def _installed(connection: psycopg.Connection[Any]) -> list[Installed]:
    return [
        Installed(name, version, canonical, orjson.loads(dependencies), sha256, at, count)
        for name, version, canonical, dependencies, sha256, at, count in connection.execute(_INSTALLED)
    ]


def _write(connection: psycopg.Connection[Any], package: Package, at: int) -> None:
    connection.execute(
        "insert into package (name, version, canonical, dependencies, sha256, installed)"
        " values (%s, %s, %s, %s, %s, %s)",
        (
            package.name,
            package.version,
            package.canonical,
            orjson.dumps(package.dependencies).decode(),
            package.sha256,
            at,
        ),
    )
    with (
        connection.cursor() as cursor,
        cursor.copy(
            "copy package_definition (name, version, kind, url, own_version, id, packed) from stdin"
        ) as copy,
    ):
        for one in package.definitions:
            if one.kind in CANONICAL:
                copy.write_row(
                    (package.name, package.version, one.kind, one.url, one.version, one.id, one.packed)
                )


@contextmanager
def _connected(url: str) -> Iterator[psycopg.Connection[Any]]:
    with translated(), psycopg.connect(url) as connection:
        yield connection


class _Change:
    """A change of packages under way; `done`: there is something to tell."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self.connection = connection
        self.done = False


@contextmanager
def _changing(url: str) -> Iterator[_Change]:
    """One at a time: what a package depends on must not go while it comes. Ends when every server knows."""
    with _connected(url) as connection:
        connection.execute("select pg_advisory_xact_lock(%s)", (_ONE_AT_A_TIME,))
        change = _Change(connection)
        yield change
        if not change.done:
            return
        cursor = psycopg.RawCursor(connection)
        row = cursor.execute(TELL.sql, ([PACKAGES],)).fetchone()
        connection.commit()
        assert row is not None
        end = time.monotonic() + _PATIENCE_SECONDS
        while time.monotonic() < end:
            if cursor.execute(BEHIND.sql, (HEARD_LOCKS >> 48, row[0])).fetchone() == (False,):
                return
            time.sleep(_PAUSE_SECONDS)
