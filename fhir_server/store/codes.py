"""Large code systems on PostgreSQL: where their terms and concepts lie (`terminology.selecting.Shelf`).

Each question is one statement that reads rows by their primary keys. A code system never changes under its number: a
new release gets a number of its own and takes the old one's place in one commit (`codes_loading.py`), so what a process
remembers of a number stays true. Which numbers there are is asked anew each time.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final

import orjson

from fhir_server.store.binary import (
    BOOL,
    INT2,
    INT2_ARRAY,
    INT4,
    INT4_ARRAY,
    TEXT,
    TEXT_ARRAY,
    pack_bool,
    pack_int2,
    pack_int2s,
    pack_int4,
    pack_int4s,
    pack_text,
    pack_texts,
    unpack_int,
)
from fhir_server.store.connections import translated
from fhir_server.store.pipeline import Row, Statement
from fhir_server.store.watermark import Run
from terminology.errors import UnknownDefinition
from terminology.indexing import Kind, Term, is_case_sensitive
from terminology.large import LargeSystem, Summary
from terminology.selecting import Shelved
from terminology.shelf import Fetched, Held
from terminology.systems import Tree
from terminology.versions import matching, newest_first

_KEPT: Final = 32  # code systems that are remembered
_LAST: Final = "\U0010ffff"
_SUMMARY: Final = "pk, url, version, sha256, loaded, count, head"

# `lateral … offset 0`: row by row, by the primary key. To statistics a code system that was just loaded is empty, and a
# plan might go through all of it for each row.
_ALL: Final = Statement("code_systems", f"select {_SUMMARY} from code_system", ())
_VERSIONS: Final = Statement(
    "code_system_versions", "select pk, version, loaded from code_system where url = $1", (TEXT,)
)
_ONE: Final = Statement("code_system", f"select {_SUMMARY} from code_system where pk = $1", (INT4,))
_THERE: Final = Statement("code_system_there", "select 1 from code_system where pk = $1", (INT4,))
_FETCH: Final = Statement(
    "concept_fetch",
    """
    select u.kind, u.key, t.places, null::integer
    from unnest($2::smallint[], $3::text[]) u(kind, key) cross join lateral (
        select places from concept_term where system = $1 and kind = u.kind and key = u.key offset 0) t
    union all
    select null::smallint, u.key, null::bytea, c.place
    from unnest($4::text[]) u(key) cross join lateral (
        select place from concept where system = $1 and key = u.key offset 0) c""",
    (INT4, INT2_ARRAY, TEXT_ARRAY, TEXT_ARRAY),
)
_STRETCH: Final = Statement(
    "concept_stretch",
    """
    select key, places from concept_term
    where system = $1 and kind = $2 and key >= $3 and key < $4 order by key limit $5""",
    (INT4, INT2, TEXT, TEXT, INT4),
)
_BEGINNING: Final = Statement(
    "concept_beginning",
    "select place from concept where system = $1 and key >= $2 and key < $3 order by key limit $4",
    (INT4, TEXT, TEXT, INT4),
)
_FOUND: Final = Statement(
    "concept_found",
    """
    select u.key, c.tree from unnest($2::text[]) u(key) cross join lateral (
        select tree from concept where system = $1 and key = u.key offset 0) c""",
    (INT4, TEXT_ARRAY),
)
_AT: Final = Statement(
    "concept_at",
    """
    select c.tree from unnest($2::integer[]) with ordinality u(place, number) cross join lateral (
        select tree from concept where system = $1 and place = u.place offset 0) c
    order by u.number""",
    (INT4, INT4_ARRAY),
)
_PARENTS: Final = Statement(
    "concept_parents",
    """
    with recursive above(place) as (
        select p.parent from concept c cross join lateral (
            select parent from concept_parent where system = $1 and place = c.place offset 0) p
        where c.system = $1 and c.key = $2
        union
        select p.parent from above a cross join lateral (
            select parent from concept_parent where system = $1 and place = a.place offset 0) p
        where $3)
    select place from above order by place""",
    (INT4, TEXT, BOOL),
)


class PostgresCodes:
    """See `terminology.large.LargeSystems`. `read` is for what is short, `search` for what may take a while."""

    def __init__(self, read: Run, search: Run) -> None:
        self._read = read
        self._search = search
        self._held = Held()
        self._known: dict[int, LargeSystem] = {}

    async def systems(self) -> list[Summary]:
        with translated():
            rows = await self._read(_ALL, ())
        return newest_first(summary_of(row) for row in rows)

    async def open(self, url: str, version: str = "") -> LargeSystem | None:
        with translated():
            rows = await self._read(_VERSIONS, (pack_text(url),))
            versions = {_number(pk): (_text(name), _number(loaded)) for pk, name, loaded in rows}
            pk = matching(versions, version)
            if pk is None:
                return None
            if pk not in self._known:
                found = await self._read(_ONE, (pack_int4(pk),))
                if not found:  # replaced in this moment
                    return await self.open(url, version)
                shelf = _Shelf(self._read, self._search, pk, summary_of(found[0]))
                while len(self._known) >= _KEPT:
                    del self._known[next(iter(self._known))]
                self._known[pk] = Shelved(shelf, self._held, pk)
        return self._known[pk]


class _Shelf:
    def __init__(self, read: Run, search: Run, pk: int, summary: Summary) -> None:
        self.summary = summary
        self._read = read
        self._search = search
        self._pk = pack_int4(pk)

    async def fetch(self, terms: Collection[Term], keys: Collection[str]) -> Fetched:
        rows = await self._rows(
            self._read,
            _FETCH,
            pack_int2s([int(term.kind) for term in terms]),
            pack_texts([term.key for term in terms]),
            pack_texts(list(keys)),
        )
        kept = {
            Term(Kind(unpack_int(kind)), _text(key)): places or b""
            for kind, key, places, _ in rows
            if kind is not None
        }
        return Fetched(kept, {_text(key): _number(place) for kind, key, _, place in rows if kind is None})

    async def stretch(self, kind: Kind, low: str, high: str, most: int) -> Sequence[tuple[str, bytes]]:
        rows = await self._rows(
            self._search, _STRETCH, pack_int2(kind), pack_text(low), pack_text(high), pack_int4(most)
        )
        return [(_text(key), places or b"") for key, places in rows]

    async def beginning(self, key: str, most: int) -> Sequence[int]:
        rows = await self._rows(
            self._search, _BEGINNING, pack_text(key), pack_text(key + _LAST), pack_int4(most)
        )
        return [_number(place) for (place,) in rows]

    async def found(self, keys: Collection[str]) -> Mapping[str, Tree]:
        rows = await self._rows(self._read, _FOUND, pack_texts(list(keys)))
        return {_text(key): orjson.loads(tree or b"") for key, tree in rows}

    async def at(self, places: Sequence[int]) -> Sequence[Tree]:
        if not places:
            return ()
        rows = await self._rows(self._read, _AT, pack_int4s(places))
        return [orjson.loads(tree or b"") for (tree,) in rows]

    async def parents(self, key: str, *, all: bool) -> Sequence[int]:
        rows = await self._rows(self._read, _PARENTS, pack_text(key), pack_bool(all))
        return [_number(place) for (place,) in rows]

    async def _rows(self, run: Run, statement: Statement, *params: bytes) -> list[Row]:
        """A statement sees all of a code system or, once it is gone, nothing: so only then is there a question."""
        with translated():
            rows = await run(statement, (self._pk, *params))
            if not rows and not await self._read(_THERE, (self._pk,)):
                summary = self.summary
                raise UnknownDefinition(
                    "code system", f"{summary.url}|{summary.version}" if summary.version else summary.url
                )
        return rows


def summary_of(row: Row) -> Summary:
    """From the columns of `_SUMMARY`, in binary."""
    _, url, version, sha256, loaded, count, head = row
    return summary(
        orjson.loads(head or b""), _text(url), _text(version), _text(sha256), _number(loaded), _number(count)
    )


def summary(head: Tree, url: str, version: str, sha256: str, loaded: int, count: int) -> Summary:
    return Summary(
        url,
        version,
        head.get("title") or head.get("name") or "",
        count,
        head.get("content", "complete"),
        is_case_sensitive(head),
        sha256,
        loaded,
        head,
    )


def _text(data: bytes | None) -> str:
    assert data is not None
    return data.decode()


def _number(data: bytes | None) -> int:
    assert data is not None
    return unpack_int(data)
