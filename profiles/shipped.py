"""The definitions of the packages that Cordée brings, as entries of a registry: told by the index of each archive.

Opening reads the index alone; the text of a definition is read from its archive when it is asked for.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from functools import cache, partial
from importlib.resources import files
from typing import Any

import orjson

import profiles
from profiles.registry import Entry


@cache
def packages() -> dict[str, str]:
    """The version of each package by its name, from the weakest: of two with the same definition the later one wins."""
    listed = tomllib.loads((files("profiles") / "packages.toml").read_text("utf-8"))["package"]
    return {package["name"]: package["version"] for package in listed}


def entries(package: str) -> Iterator[Entry]:
    """The definitions of a package."""
    own = f"{package}#{packages()[package]}"
    for record in orjson.loads(profiles.member(profiles.INDEX, package)):
        body = partial(_body, record["member"], package, record.get("at"))
        guide = record.get("package", own)
        yield Entry(record["kind"], record["url"], record["version"], record["id"], guide, body)


def _body(member: str, package: str, place: int | None) -> bytes:
    return (
        profiles.member(member, package) if place is None else orjson.dumps(_listed(member, package)[place])
    )


@cache
def _listed(member: str, package: str) -> list[Any]:
    listed: list[Any] = orjson.loads(profiles.member(member, package))
    return listed
