"""The statements of searches: composed once for each shape of query, and kept.

Composing a text costs more than running it (`binding.py`); queries that differ only in values share a statement.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Hashable
from functools import lru_cache
from typing import Any, Final, TypeVar

from fhir_server.definitions.parameters import Parameters
from fhir_server.kernel.values import immutable
from fhir_server.search.entries import Hasher
from fhir_server.search.query import Query
from fhir_server.store.binding import Template
from fhir_server.store.bodies import Paths, paths_in
from fhir_server.store.numbers import TYPE_NUMBERS
from fhir_server.store.pipeline import Statement
from fhir_server.store.predicates import Predicates
from fhir_server.store.shapes import Shape, shape_of

T = TypeVar("T")

_KEPT: Final = 4096  # shapes whose texts are remembered
_KEPT_CHARACTERS: Final = 16_000_000  # of these texts
_KEPT_RECENT: Final = 4096  # findings of a moment ago
RECENT_SECONDS: Final = 10.0


class Recent:
    """What was found a moment ago, which may be out of date."""

    __slots__ = ("_found",)

    def __init__(self) -> None:
        self._found: dict[Hashable, tuple[float, Any]] = {}

    def get(self, key: Hashable) -> Any:
        found = self._found.get(key)
        return found[1] if found is not None and time.monotonic() < found[0] else None

    def put(self, key: Hashable, value: object) -> None:
        if len(self._found) >= _KEPT_RECENT:
            self._found.clear()
        self._found[key] = time.monotonic() + RECENT_SECONDS, value


class Compiler:
    """Remembers, by the shape of queries, what is so for all that have it."""

    def __init__(self, hasher: Hasher) -> None:
        self.hasher = hasher
        self.recent = Recent()
        self._shapes: dict[Shape, Shaped] = {}
        self._characters = 0

    def shaped(self, shape: Shape) -> Shaped:
        found = self._shapes.get(shape)
        if found is None:
            if len(self._shapes) >= _KEPT or self._characters > _KEPT_CHARACTERS:
                self._shapes.clear()
                self._characters = 0
            found = self._shapes[shape] = Shaped(self._counted)
        return found

    def _counted(self, characters: int) -> None:
        self._characters += characters


class Shaped:
    """The statements of the queries of one shape, and what else is so for them: each found when it is first asked for.

    A shape is hashed once in a search, and what is found under it has a short name.
    """

    __slots__ = ("_composed", "_facts", "_templates")

    def __init__(self, composed: Callable[[int], None]) -> None:
        """`composed` is told of how many characters a statement has that was composed."""
        self._composed = composed
        self._templates: dict[Hashable, Template] = {}
        self._facts: dict[Hashable, Any] = {}

    def template(self, use: Hashable, compose: Callable[[], Template]) -> Template:
        found = self._templates.get(use)
        if found is None:
            found = self._templates[use] = compose()
            self._composed(len(found.statement.sql))
        return found

    def fact(self, name: Hashable, find: Callable[[], T]) -> T:
        if name not in self._facts:
            self._facts[name] = find()
        found: T = self._facts[name]
        return found


@immutable
class Form:
    """What is so of a query, whoever asks it and whatever for."""

    parameters: Parameters  # in force when it was found
    types: tuple[str, ...]
    parts: list[Any]
    paths: Paths
    shaped: Shaped


def form_of(query: Query, compiler: Compiler, parameters: Parameters) -> Form:
    """Found once for a query that comes again."""
    known: Form | None = query.made.get(compiler)
    if known is not None and known.parameters is parameters:
        return known
    types = tuple([one for one in query.types if one in TYPE_NUMBERS]) if query.types else ()
    shape, parts = shape_of(query)
    paths = paths_in(parts, query.sort, parameters)
    if paths:
        shape = (*shape, tuple(paths.items()))
    form = query.made[compiler] = Form(parameters, types, parts, paths, compiler.shaped(shape))
    return form


def template_of(sql: str, predicates: Predicates, *, before: str = "", loaded: bool = False) -> Template:
    """The statement of a text that was composed with `predicates`. `loaded`: its rows are resources."""
    if predicates.common:
        sql = f"with recursive {', '.join(predicates.common)} {sql}"
    statement = _statement(before + sql, tuple(predicates.parameters.oids), loaded=loaded)
    return Template(statement, predicates.parameters)


@lru_cache(maxsize=1024)
def _statement(sql: str, oids: tuple[int, ...], *, loaded: bool) -> Statement:
    """One object for one text, whatever the shapes that share it."""
    return Statement(f"search_{hashlib.blake2b(sql.encode(), digest_size=16).hexdigest()}", sql, oids, loaded)
