"""Where a version comes from: who wrote it, for whom, when, and from what; written along with it, in its transaction.

The server says it of plans, notes, decisions and consents. A client may say it of anything that it writes, in the
header X-Provenance, and what it says is written instead, with the caller in it (`access/agents.py`). Who sees a
resource sees where it comes from: when a resource's stamp changes, those of its Provenances follow.

https://hl7.org/fhir/R4/provenance.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final
from urllib.parse import urlencode

from fhir_server.access.agents import agents_of, may_say, names, with_caller
from fhir_server.access.authority import Authority, require
from fhir_server.access.caller import ANYONE, Caller
from fhir_server.definitions.targets import local_key
from fhir_server.interactions.admission import admitted
from fhir_server.interactions.authorising import writer_of
from fhir_server.interactions.call import NONE, Action, Call, Change, Server
from fhir_server.interactions.drafting import put, type_in
from fhir_server.interactions.judging import judged
from fhir_server.kernel.errors import FhirError, Malformed
from fhir_server.kernel.keys import Key
from fhir_server.kernel.times import instant_text
from fhir_server.kernel.wire import Tree, decode
from fhir_server.search.parse import criteria_of
from fhir_server.search.sight import Stamp
from fhir_server.store.contract import Stored, Transaction

TYPE: Final = "Provenance"
HEADER: Final = "http.X-Provenance"  # the place of the header, in an issue

# What the server vouches for by itself: resources of these categories.
VOUCHED: Final[Mapping[str, frozenset[str]]] = {
    **dict.fromkeys(("CarePlan", "Goal", "Task"), frozenset({"plan", "projet", "mdph"})),
    **dict.fromkeys(("DocumentReference", "Composition"), frozenset({"liaison", "coordination", "mdph"})),
    "Basic": frozenset({"mdph"}),
    "Consent": frozenset({"consentement"}),
}

_ACTIVITIES: Final = "http://terminology.hl7.org/CodeSystem/v3-DataOperation"
_REASONS: Final = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
_URI: Final = "urn:ietf:rfc:3986"
_PAGE: Final = 200


async def vouched(
    changes: Sequence[Change], call: Call, tx: Transaction, server: Server
) -> tuple[Change, ...]:
    """Write where the versions of a transaction come from: what was written besides.

    Raises what a create of the header's Provenance would, with the place in the header; and `NeedsLocks`.
    """
    access = server.access
    if access is not None:
        for change in changes:
            if change.previous is not None and change.previous != change.stamp:
                await _follow(change, call, tx, access, server)
    if call.provenance:
        written = [change for change in changes if change.tree is not None]
        return await _said(written, call, tx, server) if written else ()
    caller = writer_of(call)
    if access is None or caller is None:
        return ()
    cells = access.policy.cells
    written = [
        change
        for change in changes
        if change.tree is not None
        and change.key.type in VOUCHED
        and cells.name(change.stamp.cell) in VOUCHED[change.key.type]
    ]
    if not written:
        return ()
    told = set(_targets(changes, caller, call))
    recorded = await tx.stamp()
    found: tuple[Change, ...] = ()
    for change in written:
        if change.key not in told:
            tree = provenance_of(change, caller, recorded)
            found += await _own(tree, call, tx, server)
    return found


def provenance_of(change: Change, caller: Caller, recorded: int) -> Tree:
    """Where a version comes from, as the server knows it. `recorded`: µs."""
    tree: Tree = {
        "resourceType": TYPE,
        "target": [_version(change.key, change.version)],
        "recorded": instant_text(recorded),
    }
    if caller.purpose:
        tree["reason"] = [_concept(_REASONS, caller.purpose)]
    tree["activity"] = _concept(_ACTIVITIES, "CREATE" if change.before is None else "UPDATE")
    tree["agent"] = list(agents_of(caller))
    if entities := list(_entities(change)):
        tree["entity"] = entities
    return tree


def _entities(change: Change) -> Iterator[Tree]:
    """From what a version was made: the document or the message behind it, and the version before."""
    tree = change.tree or {}
    source = tree.get("sourceReference", {}).get("reference", "") if change.key.type == "Consent" else ""
    if source and not source.startswith("#"):
        yield {"role": "source", "what": {"reference": source}}
    if message := tree.get("meta", {}).get("source"):
        yield {"role": "source", "what": {"identifier": {"system": _URI, "value": message}}}
    if change.before is not None:
        yield {"role": "revision", "what": _version(change.key, change.version - 1)}


def _version(key: Key, version: int) -> Tree:
    return {"reference": f"{key}/_history/{version}"}


def _concept(system: str, code: str) -> Tree:
    return {"coding": [{"system": system, "code": code}]}


def _targets(changes: Sequence[Change], caller: Caller, call: Call) -> Iterator[Key]:
    """What the Provenances among the changes are about: those that say who wrote it."""
    for change in changes:
        if (
            change.key.type == TYPE
            and change.tree is not None
            and names(change.tree["agent"], caller, (call.base,))
        ):
            for target in change.tree["target"]:
                key = local_key(target.get("reference", ""), (call.base,))
                if key is not None:
                    yield key


async def _own(tree: Tree, call: Call, tx: Transaction, server: Server) -> tuple[Change, ...]:
    """The server's own. An actor whom it names may have been taken out of the directory since they came in."""
    itself = replace(call, caller=ANYONE, provenance=b"")
    trusting = replace(server, limits=replace(server.limits, references=False))
    key = Key(TYPE, server.store.new_id())
    return (await put(tree, key, "POST", None, itself, tx, trusting)).changes


async def _said(changes: Sequence[Change], call: Call, tx: Transaction, server: Server) -> tuple[Change, ...]:
    """What the client says, completed by what it is about."""
    create = Call(
        Action.CREATE,
        TYPE,
        body=call.provenance,
        conditions=NONE,
        base=call.base,
        language=call.language,
        caller=call.caller,
        address=call.address,
    )
    try:
        tree = decode(call.provenance)
        if type_in(tree) != TYPE:
            raise Malformed("The header has a Provenance, and no other resource", "Provenance.resourceType")
        if "target" in tree:
            raise Malformed(
                "The server says what the Provenance of the header is about: without 'target' it would be right",
                "Provenance.target",
                french="Le serveur dit lui-même sur quoi porte la Provenance de l'en-tête\u202f: ôter « target »",
            )
        admitted(create, server)
        tree = {**tree, "target": [_version(change.key, change.version) for change in changes]}
        await judged(tree, create, tx, server)
        writer = writer_of(call)
        if server.access is not None and writer is not None:
            require(may_say(tree["agent"], writer, (call.base,)))
            tree["agent"] = with_caller(tree["agent"], writer, (call.base,))
        key = Key(TYPE, server.store.new_id())
        return (await put(tree, key, "POST", None, create, tx, server)).changes
    except FhirError as error:
        error.issues = tuple(issue.within(HEADER) for issue in error.issues)
        raise


async def _follow(change: Change, call: Call, tx: Transaction, access: Authority, server: Server) -> None:
    """Give what says where a resource comes from the stamp that the resource has by now."""
    bases = (call.base,) if call.base else ()
    for stored in await _about(change.key, call, server):
        tree = decode(stored.body)
        stamps = list((await tx.stamps(access.sources_of(tree, bases))).values())
        await tx.restamp(stored.key, _Given(access.stamp_of(tree, inherited=stamps, bases=bases)))


class _Given:
    """A stamp, whatever there was."""

    def __init__(self, stamp: Stamp) -> None:
        self._stamp = stamp

    def __call__(self, stamp: Stamp) -> Stamp:
        return self._stamp


async def _about(key: Key, call: Call, server: Server) -> list[Stored]:
    """The Provenances of a resource that are committed, whoever sees them."""
    criteria = urlencode({"target": str(key)})
    query = criteria_of(TYPE, criteria, call.base, server.parameters)
    query = replace(query, count=_PAGE, total="none")
    found: list[Stored] = []
    while True:
        page = await server.store.search(query)
        found += page.items
        if not page.next:
            return found
        query = replace(query, cursor=page.next)
