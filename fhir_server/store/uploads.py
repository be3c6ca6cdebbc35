"""Definitions that were uploaded, as a process knows them: what of them is in force, over those of the packages.

It is told of versions in any order, and keeps the newest of each resource. Texts are kept packed.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from functools import partial
from typing import Final

from fhir_server.definitions.packaged import KINDS, Packaged
from fhir_server.kernel.keys import Key
from fhir_server.kernel.values import immutable
from fhir_server.kernel.wire import decode
from fhir_server.store.contract import Draft, Stored
from profiles.registry import Entry, Registry

_LEVEL: Final = 1  # a text is packed in every process, and unpacked seldom


@immutable
class _Known:
    """A version; of a deletion, and of what has no URL, there is no entry."""

    updated: int
    entry: Entry | None


def is_definition(key: Key) -> bool:
    """Whether a resource may be a definition to judge by."""
    return key.type in KINDS


class Uploads:
    """The uploaded definitions of one store."""

    def __init__(self) -> None:
        self._known: dict[Key, _Known] = {}

    def learn(self, versions: Iterable[Stored | Draft]) -> bool:
        """Take note of current versions. Whether anything is in force now that was not, or the other way round."""
        changed = False
        for one in versions:
            before = self._known.get(one.key)
            if before is None or before.updated < one.updated:
                entry = None if one.deleted else _entry_of(one.key, one.body)
                self._known[one.key] = _Known(one.updated, entry)
                changed = changed or entry is not None or (before is not None and before.entry is not None)
        return changed

    def over(self, packaged: Packaged) -> Registry:
        """What is in force. Of two uploads with one URL and version, the later one is; a copy of a packaged one is not.

        The entries of packages stay as they are: whoever made something of one need not make it again.
        """
        found = (known for known in self._known.values() if known.entry is not None)
        ordered = sorted(found, key=lambda known: known.updated)
        entries = [known.entry for known in ordered if known.entry is not None]
        return packaged.registry.over(
            entry
            for entry in entries
            if packaged.registry.exactly(entry.kind, entry.url, entry.version) is None
        )


def _entry_of(key: Key, body: bytes) -> Entry | None:
    tree = decode(body)
    url, version = tree.get("url"), tree.get("version", "")
    if not (isinstance(url, str) and url and isinstance(version, str)):
        return None
    packed = zlib.compress(body, _LEVEL)
    return Entry(key.type, url, version, key.id, "", partial(zlib.decompress, packed))
