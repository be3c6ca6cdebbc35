"""Texts, as SQL: those of the index, those of the dictionary, and what was written in a body."""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType
from typing import Any, Final

import orjson

from fhir_server.search.entries import Hasher
from fhir_server.search.query import Strings, Terms
from fhir_server.store.binding import Parts
from fhir_server.store.bodies import Paths, texts
from fhir_server.store.comparisons import RANGES, any_of, end_of, start_of, term_end, term_start
from fhir_server.store.keys import Keys
from fhir_server.store.nodes import Leaf
from fhir_server.store.shapes import modes_of
from fhir_server.store.trigrams import pattern_of

SAMPLE: Final = 400  # texts of a parameter, those that come first
OFTEN: Final = 16  # of these: what is in so many is in many


class Texts(Keys):
    """`paths`: see `bodies.py`."""

    def __init__(self, types: tuple[str, ...], hasher: Hasher, paths: Paths = MappingProxyType({})) -> None:
        super().__init__(types, hasher)
        self._paths = paths
        self._often: dict[int, str] = {}  # by place: whether a text inside others is in many

    def terms(self, leaf: Leaf) -> str:
        """A select of the keys that the dictionary has for texts."""
        terms = leaf.predicate
        assert isinstance(terms, Terms)
        place, modes, seed = leaf.place, modes_of(terms), self.seed(terms.name)
        parts = []
        if RANGES.intersection(modes):
            lows, highs = self.bind_all(("text[]", "text[]"), stretches(place, term_start, term_end))
            parts.append(
                f"select t.key from unnest({lows}, {highs}) v(low, high) cross join lateral (select key from entry_term"
                f" where parameter = {seed} and value >= v.low and value < v.high offset 0) t"
            )
        if "contains" in modes or "ends" in modes:
            holds = self._holds(place).format(s="s")
            parts.append(f"select s.key from entry_term s where s.parameter = {seed} and {holds}")
        return f"select distinct t.key from ({' union all '.join(parts)}) t"

    def text(self, strings: Strings, place: int) -> str:
        """That a row, called {s}, of the candidate {c} has one of the texts."""
        modes = modes_of(strings)
        # The index is folded. What was written stands in the body, as a whole JSON string.
        written = exists(
            "resource x where x.pk = {{c}}.pk and position({text} in x.body) > 0" + self._stands(strings)
        )
        if len(modes) == 1 and modes[0] in RANGES:
            low = self.bind_taken("text", lambda parts: start_of(parts[place].values[0]))
            high = self.bind_taken("text", lambda parts: end_of(parts[place].values[0]))
            found = f"{{s}}.value >= {low} and {{s}}.value < {high}"
            if modes[0] != "exact":
                return found
            body = self.bind_taken("bytea[]", lambda parts: [orjson.dumps(parts[place].values[0].text)])
            return f"{found} and {written.format(text=f'({body})[1]')}"
        parts = []
        if RANGES.intersection(modes):
            lows, highs = self.bind_all(("text[]", "text[]"), stretches(place, start_of, end_of))
            texts = self.bind_taken(
                "bytea[]",
                lambda parts: [
                    orjson.dumps(v.text) if v.mode == "exact" else None
                    for v in parts[place].values
                    if v.mode in RANGES
                ],
            )
            parts.append(
                f"exists (select 1 from unnest({lows}, {highs}, {texts}) v(low, high, text)"
                " where {s}.value >= v.low and {s}.value < v.high"
                f" and (v.text is null or {written.format(text='v.text')}))"
            )
        if "contains" in modes or "ends" in modes:
            parts.append(self._holds(place))
        return any_of(parts)

    def inside(self, strings: Strings, place: int) -> str:
        """A select of the pks of those that have one of the texts inside theirs. It `has_trigrams`.

        The index of trigrams is of all parameters, and all that it finds is found before the first is told. What is in
        every few texts of a parameter is met sooner by going through these.
        """
        seed = self.seed(strings.name)
        patterns = self.bind_taken("text[]", lambda parts: [*map(pattern_of, parts[place].values)])
        if place not in self._often:
            self._often[place] = name = f"often{place}"
            self.common.append(
                f"{name} as materialized (select count(*) < {SAMPLE} or"
                f" count(*) filter (where s.value like any({patterns})) >= {OFTEN} as often"
                f" from (select value from entry_string where parameter = {seed} limit {SAMPLE}) s)"
            )
        often = f"(select often from {self._often[place]})"
        return (
            f"select c.pk from (select value, pk from entry_string where parameter = {seed} offset 0) c"
            f" where {often} and c.value like any({patterns}) union all"
            f" select c.pk from unnest({patterns}) v(pattern) cross join lateral (select * from entry_string"
            f" where value like v.pattern offset 0) c where not {often} and c.parameter = {seed}"
        )

    def _stands(self, strings: Strings) -> str:
        """And it is a value of the parameter: {text} has it as JSON."""
        paths = self._paths.get(strings.name)
        if not paths:
            return ""
        found = texts("x.body", self.bind("text[]", list(paths)))
        return " and " + exists(f"{found} where x.value = convert_from({{text}}, 'UTF8')::jsonb")

    def _holds(self, place: int) -> str:
        """That the text of a row, called {s}, contains one of those at `place`, or ends in it, as its mode asks."""
        inside, endings = self.bind_all(
            ("text[]", "text[]"),
            lambda parts: tuple(
                [v.text for v in parts[place].values if v.mode == mode] for mode in ("contains", "ends")
            ),
        )
        return (
            f"(exists (select 1 from unnest({inside}) v(text) where position(v.text in {{s}}.value) > 0)"
            f" or exists (select 1 from unnest({endings}) v(text) where right({{s}}.value, length(v.text)) = v.text))"
        )


def stretches(place: int, start: Callable[[Any], str], end: Callable[[Any], str]) -> Callable[[Parts], Any]:
    """Where those of the texts at a place that are stretches begin, and where they end."""

    def take(parts: Parts) -> tuple[list[str], list[str]]:
        values = [value for value in parts[place].values if value.mode in RANGES]
        return [start(value) for value in values], [end(value) for value in values]

    return take


def exists(sql: str) -> str:
    return f"exists (select 1 from {sql} offset 0)"
