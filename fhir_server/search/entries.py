"""What one resource says to a search: the rows that stand for it in the index.

Everything tested for equality (token, reference, uri) is a *keyed* hash, so that one narrow table answers all of it.
The secret differs per database: nobody outside can make two values collide on purpose.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from fhir_server.kernel.keys import Key
from fhir_server.search.sight import UNSTAMPED, Stamp

STRING_LENGTH = 200  # characters of a folded string that are indexed


class Hasher:
    """64-bit signed hashes under the database's secret (16 to 64 bytes). Pure: same secret, same numbers."""

    __slots__ = ("_secret", "_seen")

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self._seen: dict[str, int] = {}

    def of(self, text: str) -> int:
        """The hash of `text`."""
        digest = hashlib.blake2b(text.encode(), digest_size=8, key=self._secret).digest()
        return int.from_bytes(digest, "big", signed=True)

    def kept(self, text: str) -> int:
        """The same, remembered: for seeds, systems and codes, which come back with every resource."""
        if len(text) > 200:  # whoever sends a 6 kB code must not make us keep it
            return self.of(text)
        found = self._seen.get(text)
        if found is None:
            if len(self._seen) >= 65536:
                self._seen.clear()
            found = self._seen[text] = self.of(text)
        return found

    def seed(self, resource_type: str, parameter: str) -> int:
        """The number of a search parameter of a type; `parameter` in every entry."""
        return self.kept(f"?{resource_type}.{parameter}")

    def code(self, seed: int, code: str) -> int:
        """`key` of a token or uri entry."""
        return self.kept(f"{seed}={code}")

    def folded(self, seed: int, code: str) -> int:
        """`key` of a token whose case does not matter; `code` is in lower case. Never the key of an exact one."""
        return self.kept(f"{seed}~{code}")

    def space(self, system: str) -> int:
        """`space` of a token entry: the code system; 0 stands for no system."""
        return self.kept(f"|{system}") if system else 0

    def system(self, seed: int, system: str) -> int:
        """A member of `present`: the parameter has a token of this system. It answers `system|` without a row."""
        return self.kept(f"{seed}|{system}")

    def self_of(self, key: Key) -> int:
        """`resource.self`: the number of `Patient/123`. Kept, because one patient's resources name it over and over."""
        return self.kept(f"{key.type}/{key.id}")

    def reference(self, seed: int, target: int) -> int:
        """`key` of a reference entry, from the seed and the target's `self_of`. SQL makes it as `seed # self`."""
        return seed ^ target

    def sign(self, data: bytes) -> bytes:
        """16 bytes that only who knows the secret can make for `data`."""
        return hashlib.blake2b(data, digest_size=16, key=self._secret, person=b"sign").digest()


@dataclass(slots=True)
class Entries:
    """The index rows of one resource version. Lists hold no duplicates; order is of no importance."""

    tokens: list[tuple[int, int]] = field(default_factory=list)  # (key, space): tokens, references, uris
    # Of the tokens, the main codes: see `main_codes.py`.
    codes: list[tuple[int, int]] = field(default_factory=list)
    strings: list[tuple[int, str]] = field(default_factory=list)  # (parameter seed, folded text, cut)
    dates: list[tuple[int, int, int]] = field(default_factory=list)  # (seed, low, high) µs, high excluded
    # (seed, unit, low, high): a number as it stands has unit 0, and low = high; one with a comparator, or a Range, is
    # open. (seed of `near`, 0, latitude, longitude) is a position.
    quantities: list[tuple[int, int, float, float]] = field(default_factory=list)
    # (seed, text, key): the dictionary says that `text` stands for the token (key, 0), which is among `tokens`. Words
    # beside a code stand for it from each of them on; whoever has one term of a key has all of it.
    terms: list[tuple[int, str, int]] = field(default_factory=list)
    # sorted: seeds of the parameters that have a value, and `Hasher.system` of each system in their tokens
    present: list[int] = field(default_factory=list)
    references: list[tuple[int, Key]] = field(default_factory=list)  # (seed, local target): for _include
    moment: int | None = None  # where the main date of the type ends (high, µs); None: it has none
    stamp: Stamp = UNSTAMPED  # who sees it
