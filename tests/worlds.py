"""The world of a judgement in tests: R4's own definitions, and codes that nobody knows."""

from __future__ import annotations

from typing import Any

from fhir_server.definitions.packaged import SHIPPED
from fhir_server.validation.world import Options, Resolve, World
from terminology.membership import Code, Held


class NoCodes:
    """Knows the value sets and codes it is given, and no others."""

    pending = False

    def __init__(self, sets: dict[str, set[str]] | None = None, later: bool = False) -> None:
        self._sets = sets or {}
        self._unknown = Held.LATER if later else Held.UNKNOWN

    async def settle(self) -> None:
        """There is nothing to look up."""

    def within(self, value_set: str, code: Code) -> Held:
        if value_set not in self._sets:
            return self._unknown
        return Held.YES if code.code in self._sets[value_set] else Held.NO

    def known(self, code: Code) -> Held:
        return self.within(code.system or "", code)

    def displays(self, code: Code) -> frozenset[str] | None:
        return None

    def subsumes(self, general: Code, special: Code) -> Held:
        return Held.YES if special.code.startswith(general.code) else Held.NO

    def few(self, value_set: str) -> tuple[str, ...]:
        return ()


def world(codes: NoCodes | None = None, resolve: Resolve | None = None, **options: Any) -> World:
    return World(SHIPPED, codes or NoCodes(), resolve, Options(**{"best_practice": "ignore", **options}))
