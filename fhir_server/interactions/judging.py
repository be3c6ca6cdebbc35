"""The judgement of a resource that is to be written, or that somebody asks about.

Base R4 always, in a few microseconds. Then the profiles that the resource declares, or that this server requires of its
type: only there a judgement may need what is not at hand. It is made with what is known, what it asked for in vain is
looked up in one go, and it is made again.

https://hl7.org/fhir/R4/validation.html
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from time import monotonic
from typing import Final

from fhir_server.definitions.targets import local_key
from fhir_server.interactions.call import Call, Reply, Server
from fhir_server.interactions.rewriting import without_linked_urns
from fhir_server.kernel.errors import Invalid
from fhir_server.kernel.issues import Issue
from fhir_server.kernel.keys import Key
from fhir_server.kernel.wire import Tree, decode
from fhir_server.store.contract import Reader
from fhir_server.validation.judge import judge
from fhir_server.validation.world import LATER, Later, Options, World

_MOST_ROUNDS: Final = 6  # answers that lead to further questions
_MOST_LINKS: Final = 500  # references that one judgement follows
_LARGE: Final = 500_000  # bytes: from here on base R4 alone would hold up the other requests of this worker
_SECONDS: Final = 30.0  # for all rounds of a judgement
_GRAVE: Final = frozenset({"error", "fatal"})


@dataclass(slots=True)
class Links:
    """What references lead to on this server. See `validation.world.Resolve`."""

    base: str
    coming: Mapping[Key, Tree]  # of the same transaction
    found: dict[str, Tree | None] = field(default_factory=dict)
    missing: dict[str, None] = field(default_factory=dict)

    def resolve(self, link: str) -> Tree | Later | None:
        if link in self.found:
            return self.found[link]
        key = local_key(link, (self.base,))
        if key is None:
            return None
        if key in self.coming:
            return self.coming[key]
        if len(self.found) + len(self.missing) >= _MOST_LINKS:
            return None
        self.missing[link] = None
        return LATER

    async def follow(self, reader: Reader) -> None:
        """Read what was asked for."""
        asked, self.missing = self.missing, {}
        for link in asked:
            key = local_key(link, (self.base,))
            stored = None if key is None else await reader.read(key)
            self.found[link] = decode(stored.body) if stored is not None and stored.body else None


async def judgement(
    tree: Tree,
    profiles: Sequence[str],
    reader: Reader,
    server: Server,
    base: str,
    options: Options,
) -> list[Issue]:
    """Everything that can be said about a resource; empty: nothing.

    It is made in a thread: definitions that come from anybody may make the smallest resource cost seconds.
    """
    links, codes = Links(base, server.coming), server.codes()
    world = World(server.registry, codes, links.resolve, options)
    deadline = monotonic() + _SECONDS
    for _ in range(_MOST_ROUNDS):
        issues = await asyncio.to_thread(judge, tree, world, profiles)
        if not codes.pending and not links.missing:
            return issues
        if monotonic() > deadline:
            break
        await codes.settle()
        await links.follow(reader)
    return [*issues, _unsettled(tree)]


async def judged(tree: Tree, call: Call, reader: Reader, server: Server) -> tuple[Issue, ...]:
    """What there is to say about a resource that may be written. Raises `Invalid` when it may not.

    A remark costs time that is wasted if nobody reads it, so profiles that are not enforced are only looked at when the
    client wants an OperationOutcome.
    """
    if len(call.body) >= _LARGE:
        await asyncio.to_thread(require_sound, tree, server)
    else:
        require_sound(tree, server)
    asked = server.standards.of(tree)
    remarks: list[Issue] = []
    if asked.enforced:
        remarks = await _by_profiles(tree, asked.enforced, call, reader, server)
        breaches = [issue for issue in remarks if issue.severity in _GRAVE]
        if breaches:
            raise Invalid(breaches)
    if asked.told and call.conditions.prefer_return == "OperationOutcome":
        remarks += await _by_profiles(tree, asked.told, call, reader, server)
    return tuple(dict.fromkeys(map(_remark, remarks)))


def require_sound(tree: Tree, server: Server) -> Tree:
    """`tree`, if it is sound by base R4. Raises `Invalid` with everything that is wrong."""
    issues = server.judge(tree)
    if issues and (plain := without_linked_urns(tree)) is not tree:
        issues = server.judge(plain)
    if issues:
        raise Invalid(issues)
    return tree


async def _by_profiles(
    tree: Tree, profiles: Sequence[str], call: Call, reader: Reader, server: Server
) -> list[Issue]:
    said = server.standards.options
    options = replace(
        said, declared=False, unknown_extensions="ignore" if said.unknown_extensions == "ignore" else "warn"
    )
    return await judgement(tree, profiles, reader, server, call.base, options)


def _unsettled(tree: Tree) -> Issue:
    return Issue(
        "too-costly",
        "What this resource leads to was not all looked up: there may be more to say",
        str(tree.get("resourceType", "")),
        "warning",
        french="Tout ce à quoi cette ressource renvoie n'a pas été consulté : il peut rester à dire",
    )


def _remark(issue: Issue) -> Issue:
    """What is wrong by a profile that is not enforced is a warning: the resource is written all the same."""
    return replace(issue, severity="warning") if issue.severity in _GRAVE else issue


def remarked(reply: Reply, remarks: tuple[Issue, ...]) -> Reply:
    """The same reply with remarks on what was written."""
    return replace(reply, issues=(*reply.issues, *remarks)) if remarks else reply
