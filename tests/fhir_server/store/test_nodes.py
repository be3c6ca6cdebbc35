from __future__ import annotations

import pytest

from fhir_server.kernel.errors import Malformed
from fhir_server.kernel.keys import Key
from fhir_server.search.query import (
    AllOf,
    AnyOf,
    Chain,
    Has,
    Ids,
    Missing,
    Name,
    Not,
    Predicate,
    References,
    Strings,
    StringValue,
    Tokens,
    TokenValue,
)
from fhir_server.store.nodes import (
    MOST_NODES,
    Back,
    Every,
    Leaf,
    Link,
    Node,
    Some,
    Unless,
    equal_leaves,
    nodes_of,
    types_of,
)

SUBJECT = Name("Observation", "subject")
CODE = Tokens(Name("Observation", "code"), (TokenValue("s", "a"),))
STATUS = Tokens(Name("Observation", "status"), (TokenValue(None, "a"),))
OF_SYSTEM = Tokens(Name("Observation", "status"), (TokenValue("s", None),))
ADA = Strings(Name("Patient", "name"), (StringValue("ada"),))
GROUP = Strings(Name("Group", "name"), (StringValue("ada"),))
INSIDE = Strings(Name("Observation.subject#Patient", "name"), (StringValue("ada"),))
OF_PATIENT = References(SUBJECT, (Key("Patient", "1"),))


def node(predicate: Predicate) -> Node:
    (found,) = nodes_of((predicate,))
    return found


def test_what_must_all_hold_is_one_list() -> None:
    where = (CODE, AllOf((STATUS, AllOf((ADA, GROUP)))))

    assert nodes_of(where) == (Leaf(CODE, 1), Leaf(STATUS, 3), Leaf(ADA, 5), Leaf(GROUP, 6))


def test_groups_in_groups_are_flat_and_keep_their_places() -> None:
    assert node(AnyOf((CODE, AnyOf((STATUS, ADA))))) == Some((Leaf(CODE, 2), Leaf(STATUS, 4), Leaf(ADA, 5)))
    assert node(AnyOf((CODE, AllOf((STATUS, ADA))))) == Some(
        (Leaf(CODE, 2), Every((Leaf(STATUS, 4), Leaf(ADA, 5))))
    )


def test_not_not_is_nothing() -> None:
    assert node(Not(CODE)) == Unless(Leaf(CODE, 2))
    assert node(Not(Not(CODE))) == Leaf(CODE, 3)


def test_chains_along_one_link_are_one() -> None:
    chains = AnyOf((Chain(SUBJECT, "Patient", ADA), INSIDE, Chain(SUBJECT, "Group", GROUP)))

    assert node(chains) == Some(
        (Link(SUBJECT, (("Patient", Leaf(ADA, 3)), ("Group", Leaf(GROUP, 6)))), Leaf(INSIDE, 4))
    )


@pytest.mark.parametrize(
    ("predicate", "leaves"),
    [
        (CODE, 1),
        (OF_PATIENT, 1),
        (AnyOf((CODE, AnyOf((STATUS, OF_PATIENT)))), 3),
        (OF_SYSTEM, 0),
        (AnyOf((CODE, OF_SYSTEM)), 0),
        (AnyOf((CODE, ADA)), 0),
        (Not(CODE), 0),
        (Chain(SUBJECT, "Patient", ADA), 0),
    ],
)
def test_alternatives_of_known_keys_are_one_question(predicate: Predicate, leaves: int) -> None:
    assert len(equal_leaves(node(predicate))) == leaves


@pytest.mark.parametrize(
    ("predicate", "types"),
    [
        (CODE, {"Observation"}),
        (INSIDE, {"Observation"}),
        (AnyOf((CODE, ADA)), {"Observation", "Patient"}),
        (AllOf((Ids(("1",)), ADA, CODE)), {"Patient"}),
        (Chain(SUBJECT, "Patient", ADA), {"Observation"}),
        (Has(SUBJECT, CODE), None),
        (Ids(("1",)), None),
        (Missing(CODE.name, True), None),
        (AnyOf((CODE, Ids(("1",)))), None),
    ],
)
def test_index_rows_tell_of_which_type_a_resource_is(predicate: Predicate, types: set[str] | None) -> None:
    found = nodes_of((predicate,))

    assert types_of(found[0] if len(found) == 1 else Every(found)) == types


def test_a_reverse_chain_is_about_what_points_here() -> None:
    assert node(Has(SUBJECT, AllOf((CODE, STATUS)))) == Back(SUBJECT, Every((Leaf(CODE, 3), Leaf(STATUS, 4))))


def test_more_than_anybody_means_is_refused() -> None:
    assert nodes_of((AnyOf((CODE,) * (MOST_NODES - 1)),))
    with pytest.raises(Malformed):
        nodes_of((AnyOf((CODE,) * MOST_NODES),))
