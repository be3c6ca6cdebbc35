"""Who asks, in the statement of a search: as parameters of it, each there once, wherever it needs them."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType

from fhir_server.search.entries import Hasher
from fhir_server.store import seeing
from fhir_server.store.bodies import Paths
from fhir_server.store.seeing import COLUMNS, PLAIN_COLUMNS, packed, packed_plainly, single, untied_cells
from fhir_server.store.texts import Texts


class Sighted(Texts):
    """`person`: the place of the reference to the one Patient whom the search is about; None: of many."""

    def __init__(
        self,
        types: tuple[str, ...],
        hasher: Hasher,
        paths: Paths = MappingProxyType({}),
        person: int | None = None,
    ) -> None:
        super().__init__(types, hasher, paths)
        self._place_of_person = person
        self._person = ""
        self._sight: list[str] = []
        self._untied = ""

    def is_seen(self, row: str) -> str:
        """That a row of `resource` is seen."""
        return seeing.is_seen(row, self._sight_names(), self._the_person())

    def is_plain(self, row: str) -> str:
        """That it is plainly seen; of one that is not, `is_seen` tells."""
        hasher = self.hasher
        names = self.parameters.taken_packed(
            PLAIN_COLUMNS, lambda parts: packed_plainly(parts[0].sight, hasher)
        )
        return seeing.is_plain(row, names, person=self._the_person())

    @property
    def actors(self) -> str:
        """Who asks."""
        return self._sight_names()[0]

    @property
    def now(self) -> str:
        """When they ask."""
        return single(self._sight_names(), "moment")

    @property
    def untied(self) -> str:
        """The cells of which they see something without a tie."""
        if not self._untied:
            (self._untied,) = self.parameters.taken_packed(
                ("smallint[]",), lambda parts: (untied_cells(parts[0].sight),)
            )
        return self._untied

    def _sight_names(self) -> Sequence[str]:
        """The SQL of the `COLUMNS`."""
        if not self._sight:
            hasher = self.hasher
            self._sight = self.parameters.taken_packed(COLUMNS, lambda parts: packed(parts[0].sight, hasher))
        return self._sight

    def _the_person(self) -> str:
        """The one whom the search is about, as most of what is found; empty: there is none."""
        place, hasher = self._place_of_person, self.hasher
        if place is not None and not self._person:
            self._person = self.bind_taken("bigint", lambda parts: hasher.self_of(parts[place].keys[0]))
        return self._person
