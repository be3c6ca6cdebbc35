"""The form of the archives in `profiles/packages`: sorted members of a fixed date, and an index of the definitions.

The same members give the same bytes. What `index.json` says is told in `profiles/__init__.py`.
"""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import orjson

INDEX: Final = "index.json"
Date = tuple[int, int, int, int, int, int]


def index_of(members: Mapping[str, bytes], packages: Mapping[str, str] | None = None) -> bytes:
    """The index of an archive with these members. `packages`: whose a member is, where the archive holds several."""
    records = []
    for member in sorted(members):
        content = orjson.loads(members[member])
        for place, definition in _definitions_in(content):
            record = {
                "member": member,
                "kind": definition["resourceType"],
                "url": definition["url"],
                "version": definition.get("version", ""),
                "id": definition["id"],
            }
            if place is not None:
                record["at"] = place
            if packages and member in packages:
                record["package"] = packages[member]
            records.append(record)
    return orjson.dumps(records)


def write(
    target: Path, members: Mapping[str, bytes], date: Date, packages: Mapping[str, str] | None = None
) -> None:
    """Write the archive with its index, and say what `packages.toml` is to say of it."""
    whole = {**members, INDEX: index_of(members, packages)}
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, data in sorted(whole.items()):
            info = zipfile.ZipInfo(name, date)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o644 << 16
            archive.writestr(info, data)
    digest = hashlib.sha256(target.read_bytes()).hexdigest()
    print(f"{target.name}: {target.stat().st_size:,} bytes, sha-256 {digest}")


def _definitions_in(content: Any) -> Iterator[tuple[int | None, dict[str, Any]]]:
    """The definitions of a member, with their places if it is a list of them."""
    listed = list(enumerate(content)) if isinstance(content, list) else [(None, content)]
    for place, one in listed:
        if isinstance(one, dict) and "resourceType" in one and "url" in one:
            yield place, one
