"""The predicates of a query as a statement is composed of them: each with its place, groups flat, chains joined.

A chain whose link may lead to several types comes as one chain for each of them. Here they are one `Link`, which
follows the reference once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from typing import TypeAlias

from fhir_server.kernel.errors import Malformed
from fhir_server.kernel.keys import Key
from fhir_server.search.query import (
    AllOf,
    AnyOf,
    Chain,
    Dates,
    Has,
    Name,
    Near,
    Not,
    Predicate,
    Quantities,
    References,
    Strings,
    Terms,
    Tokens,
)
from fhir_server.store.shapes import FIRST, inner_of, tokens_form

MOST_NODES = 5000  # beyond, planning a statement takes longer than a search may


@dataclass(frozen=True, slots=True)
class Leaf:
    """A predicate that holds no others, and its place among the parts of the query."""

    predicate: Predicate
    place: int


@dataclass(frozen=True, slots=True)
class Some:
    """Any of at least two."""

    nodes: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Every:
    """All of them."""

    nodes: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Unless:
    node: Node


@dataclass(frozen=True, slots=True)
class Link:
    """A reference leads to a resource of one of the types, which meets the node beside it."""

    link: Name
    ways: tuple[tuple[str, Node], ...]


@dataclass(frozen=True, slots=True)
class Back:
    """A resource of the link's type points here with it, and meets the node."""

    link: Name
    node: Node


Node: TypeAlias = Leaf | Some | Every | Unless | Link | Back


def nodes_of(where: Sequence[Predicate]) -> tuple[Node, ...]:
    """The nodes that must all hold. Raises `Malformed` for a query that nobody could have meant."""
    if sum(1 for predicate in where for _ in _walk(predicate)) > MOST_NODES:
        raise Malformed("The query asks for too much at once", code="too-costly")
    places = count(FIRST)
    found: list[Node] = []
    for predicate in where:
        node = _node(predicate, places)
        found += node.nodes if isinstance(node, Every) else (node,)
    return tuple(found)


def _walk(predicate: Predicate) -> Iterator[Predicate]:
    yield predicate
    for inner in inner_of(predicate):
        yield from _walk(inner)


def _node(predicate: Predicate, places: Iterator[int]) -> Node:
    """`places` go on in the order of `shapes.py`: a predicate, then what is inside it."""
    place = next(places)
    match predicate:
        case AnyOf(of):
            return _some([_node(one, places) for one in of])
        case AllOf(of):
            return _every([_node(one, places) for one in of])
        case Not(inner):
            node = _node(inner, places)
            return node.node if isinstance(node, Unless) else Unless(node)
        case Chain(link, target, inner):
            return Link(link, ((target, _node(inner, places)),))
        case Has(link, inner):
            return Back(link, _node(inner, places))
        case _:
            return Leaf(predicate, place)


def _every(nodes: Sequence[Node]) -> Node:
    flat = [one for node in nodes for one in (node.nodes if isinstance(node, Every) else (node,))]
    return flat[0] if len(flat) == 1 else Every(tuple(flat))


def _some(nodes: Sequence[Node]) -> Node:
    flat: list[Node] = []
    links: dict[Name, int] = {}
    for node in nodes:
        for one in node.nodes if isinstance(node, Some) else (node,):
            if isinstance(one, Link):
                known = links.setdefault(one.link, len(flat))
                if known < len(flat):
                    other = flat[known]
                    assert isinstance(other, Link)
                    flat[known] = Link(one.link, other.ways + one.ways)
                    continue
            flat.append(one)
    return flat[0] if len(flat) == 1 else Some(tuple(flat))


def equal_leaves(node: Node) -> tuple[Leaf, ...]:
    """The leaves, if all that a node asks for is that one of some known keys is there; else none."""
    match node:
        case Leaf(References()):
            return (node,)
        case Leaf(Tokens() as tokens) if "s" not in tokens_form(tokens):
            return (node,)
        case Some(nodes):
            found = [equal_leaves(one) for one in nodes]
            return tuple([leaf for leaves in found for leaf in leaves]) if all(found) else ()
        case _:
            return ()


def person_in(nodes: Sequence[Node]) -> int | None:
    """The place of a reference to one Patient, whom most of what is found is about; None: there is none."""
    leaves = [leaf for node in nodes for leaf in equal_leaves(node)]
    for leaf in leaves:
        match leaf.predicate:
            case References(_, (Key("Patient"),), ()):
                return leaf.place
    return None


def types_of(node: Node) -> frozenset[str] | None:
    """The types of which a resource must be for the node to hold; None: its index rows do not tell."""
    match node:
        case Leaf(
            Tokens(name)
            | References(name)
            | Strings(name)
            | Dates(name)
            | Quantities(name)
            | Terms(name)
            | Near(name)
        ):
            return frozenset({_holder(name)})
        case Link(link):
            return frozenset({_holder(link)})
        case Some(nodes):
            found = [types_of(one) for one in nodes]
            known = [types for types in found if types is not None]
            return frozenset().union(*known) if len(known) == len(found) else None
        case Every(nodes):
            return next((types for one in nodes if (types := types_of(one)) is not None), None)
        case _:
            return None


def _holder(name: Name) -> str:
    """Whose row it is, though the name may be of a resource inside it."""
    return name.type.partition(".")[0].partition("#")[0]
