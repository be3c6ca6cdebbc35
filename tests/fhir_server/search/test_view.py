"""What a caller may see at all: how it narrows a query. What is found then is tried on the stores."""

from __future__ import annotations

from dataclasses import MISSING, fields

from fhir_server.kernel.keys import Key
from fhir_server.search.query import Ids, Include, Name, Query, Sort, Visible
from fhir_server.search.sight import Sight, Tie
from fhir_server.search.view import View, narrowed

NONE = (0,) * len(Tie)
VIEW = View(Sight((Key("Practitioner", "me"),), NONE, NONE, NONE, NONE, NONE, NONE, sensitive=5))
QUERY = Query(
    ("Observation",),
    (Ids(("o1",)),),
    (Sort("id", None),),
    count=7,
    cursor="somewhere",
    total="accurate",
    includes=(Include(Name("Observation", "subject")),),
)


def test_a_narrowed_query_asks_for_what_is_visible_and_keeps_all_else() -> None:
    found = narrowed(QUERY, VIEW)
    assert found.where == (*QUERY.where, Visible())
    assert found.sight is VIEW.sight
    for field in fields(Query):
        if field.name in {"where", "sight", "made"}:
            continue
        value = getattr(QUERY, field.name)
        assert field.default is MISSING or value != field.default, "each has a value of its own here"
        assert getattr(found, field.name) == value


def test_nothing_is_narrowed_for_whoever_sees_everything() -> None:
    assert narrowed(QUERY, None) is QUERY
