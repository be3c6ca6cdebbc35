"""The names that a generated function uses: constants, and what is different for each database and type.

The source of a walk is made once for a type. It is run under a secret, and for a contained resource under the names
that it has in its container: each time only what the names stand for is made anew.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import partial
from types import CodeType
from typing import Any

from fhir_server.definitions.targets import points_to
from fhir_server.search.entries import Hasher

Make = Callable[[Hasher, str], Any]  # with the secret and the type of the `Name`s


class Names:
    """Names in the order in which they were asked for."""

    def __init__(self) -> None:
        self._constants: dict[int, tuple[str, Any]] = {}
        self._made: dict[Hashable, tuple[str, Make]] = {}

    def constant(self, value: Any) -> str:
        """The name of a value that is the same for everybody."""
        return self._constants.setdefault(id(value), (f"c{len(self._constants)}", value))[0]

    def made(self, key: Hashable, make: Make) -> str:
        """The name of what `make` makes. The same key is the same name."""
        return self._made.setdefault(key, (f"m{len(self._made)}", make))[0]

    def seed(self, code: str) -> str:
        """The name of the seed of a parameter."""
        return self.made(("seed", code), partial(_seed, code))

    def bound(self, hasher: Hasher, type: str) -> dict[str, Any]:
        """What the names stand for under a secret, for the parameters that are called `Name(type, …)`."""
        found: dict[str, Any] = {"points_to": points_to}
        found.update(self._constants.values())
        found.update((name, make(hasher, type)) for name, make in self._made.values())
        return found


def _seed(code: str, hasher: Hasher, type: str) -> int:
    return hasher.seed(type, code)


def compiled(lines: list[str], title: str) -> CodeType:
    """The code of a module with these lines."""
    return compile("\n".join(lines), f"<search {title}>", "exec")


def function(code: CodeType, names: dict[str, Any]) -> Any:
    """The function `walk` of a module whose names stand for this."""
    # The source is made of definitions that were read, with every name and literal in it written by repr().
    exec(code, names)  # noqa: S102
    return names["walk"]
