"""What somebody asks: kinds of requests, each a generator that yields requests and is sent the answers.

`Draw` chooses what they are about: what the asker sees and, as often, what they do not see and try to guess. An answer
is that of the world without the hidden, in names (`speaking.py`).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote, urlencode

from fhir_server.access.caller import Caller
from fhir_server.access.facts import key_of
from fhir_server.kernel.keys import Key
from fhir_server.kernel.wire import Tree
from tests.circles import to
from tests.flows.interference.speaking import Answer, Request
from tests.flows.interference.world import MAKERS, PAYET, PERSONS, Writer

Asking = Generator[Request, Answer, None]
Kind = Callable[["Draw"], Asking]
KINDS: Final[dict[str, Kind]] = {}
# Nobody is given anything good: nobody creates by PUT, deletes an actor, keeps a document of several categories; and
# decisions are explained to those alone who are not asked here.
REFUSED: Final = frozenset(
    {"addresses that are none", "update what is guessed", "delete an actor", "a document that is kept"}
    | {"$access-decision"}
)
MOST_PAGES: Final = 12


def kind(name: str) -> Callable[[Kind], Kind]:
    def registered(function: Kind) -> Kind:
        assert name not in KINDS
        KINDS[name] = function
        return function

    return registered


@dataclass
class Draw:
    """`seen`: what the asker sees; `lures`: what is hidden from them. Trees as they were at first."""

    random: random.Random
    caller: Caller
    seen: Sequence[Tree]
    lures: Sequence[Tree]
    made: list[Key] = field(default_factory=list)
    count: int = 0

    def tree(self, *types: str) -> Tree:
        """Something of one of the types, as often seen as not; an empty tree where there is none."""
        first, second = self.seen, self.lures
        if self.random.random() < 0.5:
            first, second = second, first
        for source in (first, second):
            found = [tree for tree in source if not types or tree["resourceType"] in types]
            if found:
                return self.random.choice(found)
        return {}

    def sight(self, *types: str) -> Tree:
        """Something that is seen."""
        found = [tree for tree in self.seen if not types or tree["resourceType"] in types]
        return self.random.choice(found) if found else {}

    def lure(self, *types: str) -> Key:
        found = [tree for tree in self.lures if not types or tree["resourceType"] in types]
        return key_of(self.random.choice(found)) if found else self.guess(*types)

    def guess(self, *types: str) -> Key:
        return Key(self.random.choice(types or tuple(MAKERS)), "guess")

    def key(self, *types: str) -> Key:
        """Of something that is seen, that was just written, that is hidden, or that is not there at all."""
        if self.made and self.random.random() < 0.15:
            kept = [key for key in self.made if not types or key.type in types]
            if kept:
                return self.random.choice(kept)
        if self.random.random() < 0.1:
            return self.guess(*types)
        tree = self.tree(*types)
        return key_of(tree) if tree else self.guess(*types)

    def type(self) -> str:
        return str((self.tree() or {"resourceType": "Observation"})["resourceType"])

    def person(self) -> Key:
        return self.key("Patient") if self.random.random() < 0.7 else self.random.choice(PERSONS)

    def new(self, type: str = "", person: Key | None = None) -> Tree:
        """A resource that the asker may be allowed to write; without an id."""
        chosen = type or self.random.choice(
            ("Observation", "Condition", "DocumentReference", "Communication", "Goal", "Task", "Flag", "List")
        )
        about = person or (PAYET if self.random.random() < 0.7 else self.person())
        self.count += 1
        numbers = iter([5000 + self.count])
        writer = Writer(self.random, about, ("nurse",), numbers)
        tree = {name: value for name, value in MAKERS[chosen](writer).items() if value != []}
        del tree["id"]
        return self._mine(tree)

    def _mine(self, tree: Tree) -> Tree:
        """In the name of the asker, where they can be an author."""
        if not self.caller.actors or self.caller.actors[0].type == "Organization":
            return tree
        me = to(self.caller.actors[0])
        for name in ("author", "performer", "recorder", "sender", "requester", "source", "owner"):
            if name in tree:
                tree = {**tree, name: [me] if isinstance(tree[name], list) else me}
        return tree

    def wrote(self, answer: Answer) -> None:
        """Remember what was made."""
        place = answer.header("location").rpartition("/fhir/")[2].split("/")
        if answer.status == 201 and len(place) > 1:
            self.made.append(Key(place[0], place[1]))


def get(path: str, **headers: str) -> Request:
    return Request("GET", path, headers=_spelt(headers))


def search(type: str, *criteria: tuple[str, Any]) -> Request:
    query = urlencode([(name, str(value)) for name, value in criteria], safe=":/|,$", quote_via=quote)
    return Request("GET", f"{type}?{query}" if query else type)


def post(path: str, tree: Tree | str, **headers: str) -> Request:
    return Request("POST", path, tree, _spelt(headers))


def put(path: str, tree: Tree, **headers: str) -> Request:
    return Request("PUT", path, tree, _spelt(headers))


def patch(path: str, tree: Tree | str, **headers: str) -> Request:
    kind = {} if isinstance(tree, dict) else {"content_type": "application/json-patch+json"}
    return Request("PATCH", path, tree, _spelt({**kind, **headers}))


def delete(path: str, **headers: str) -> Request:
    return Request("DELETE", path, headers=_spelt(headers))


def _spelt(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


def paged(request: Request) -> Asking:
    """The page, the pages that follow, and the way back from the last."""
    answer = yield request
    for _ in range(MOST_PAGES):
        link = answer.link("next")
        if not link:
            break
        answer = yield get(link)
    if link := answer.link("previous"):
        yield get(link)


def parameters(*listed: Tree) -> Tree:
    return {"resourceType": "Parameters", **({"parameter": list(listed)} if listed else {})}


def bundle(type: str, *entries: Tree) -> Tree:
    return {"resourceType": "Bundle", "type": type, "entry": list(entries)}


def entry(method: str, url: str, resource: Tree | None = None, full_url: str = "", **request: str) -> Tree:
    found: Tree = {"fullUrl": full_url} if full_url else {}
    if resource is not None:
        found["resource"] = resource
    return {**found, "request": {"method": method, "url": url, **request}}
