"""What only the body of a resource tells: texts as they were written, found by jsonpath.

The index is folded, and tokens are hashes. So `:exact` is judged on the body, and a sort by codes, identifiers or
references reads it. `tree_of` (migration 0005) is null for a body that PostgreSQL cannot read as JSON, because of a
number of a million digits, say.

https://www.postgresql.org/docs/current/functions-json.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from fhir_server.definitions.parameters import Parameters
from fhir_server.kernel.errors import Malformed
from fhir_server.search.query import Name, Sort, Strings
from fhir_server.search.texts import json_paths

Paths: TypeAlias = Mapping[Name, tuple[str, ...]]
"""The jsonpaths to the values of search parameters in a body."""


def paths_in(parts: Sequence[Any], sort: Sequence[Sort], parameters: Parameters) -> Paths:
    """Those that a query needs. `parts`: its predicates. Raises `Malformed` for a sort that cannot be done."""
    found = {
        part.name: _paths(part.name, parameters)
        for part in parts
        if type(part) is Strings and any(value.mode == "exact" for value in part.values)
    }
    for one in sort:
        if one.kind == "text" and one.name is not None:
            paths = _paths(one.name, parameters)
            if not paths:
                raise Malformed("This server does not sort by this parameter", code="not-supported")
            found[one.name] = paths
    return found


def _paths(name: Name, parameters: Parameters) -> tuple[str, ...]:
    """Empty where the values are found in no such way."""
    outer, inside, inner = name.type.partition("#")
    parameter = parameters.of(inner if inside else outer).get(name.code)
    paths = (json_paths(parameter) if parameter else None) or ()
    if not inside:
        return paths
    return tuple(f'$.** ? (@."resourceType" == "{inner}"){path.removeprefix("$")}' for path in paths)


def texts(body: str, paths: str) -> str:
    """What follows `from`: `x.value`, as jsonb, of all that the paths (SQL, an array) find in a body (SQL)."""
    return (
        f"(select tree_of({body}) as tree offset 0) b cross join unnest({paths}) p(path)"
        " cross join lateral jsonb_path_query(b.tree, p.path::jsonpath) x(value)"
    )
