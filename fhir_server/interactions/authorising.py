"""Whether a caller may write a version, and what the server makes of it: its category, its labels, its stamp.

Every version passes here on its way into a transaction, whatever request it comes from. A write refused on what the
caller sees is `Forbidden`; what they do not see is not there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from fhir_server.access.authority import Authority, require
from fhir_server.access.caller import Caller
from fhir_server.access.categories import ACTORS, DEFINITIONS
from fhir_server.access.standing import Warrant
from fhir_server.interactions.call import Call, Server
from fhir_server.interactions.references import attachments_of
from fhir_server.kernel.errors import NotFound
from fhir_server.kernel.keys import Key
from fhir_server.kernel.times import now
from fhir_server.kernel.values import immutable
from fhir_server.kernel.wire import Tree, decode
from fhir_server.search.sight import OPERATORS, PUBLIC, UNSTAMPED, Stamp
from fhir_server.store.contract import Method, Reader, Stored, Transaction

# The status of what was deleted by its author: https://hl7.org/fhir/R4/lifecycle.html
_ENDED: Final = {
    "DocumentReference": "entered-in-error",
    "Slot": "entered-in-error",
    "Appointment": "cancelled",
    "Subscription": "off",
}


@immutable
class Authorised:
    """A version as it is to be written. `hidden`: targets of new references that the caller does not see.

    `behind`: Binaries whose stamps change with this version, and how. `previous`: the stamp of what it supersedes.
    """

    tree: Tree
    stamp: Stamp = UNSTAMPED
    hidden: tuple[Key, ...] = ()
    behind: tuple[tuple[Key, Callable[[Stamp], Stamp]], ...] = ()
    previous: Stamp | None = None


async def authorised(
    tree: Tree,
    key: Key,
    before: Tree | None,
    method: Method,
    targets: Sequence[Key],
    call: Call,
    tx: Transaction,
    server: Server,
    *,
    lifting: bool = False,
    warrant: Warrant = "",
) -> Authorised:
    """`tree`: with its id. `before`: the live version that this one supersedes. `targets`: of references that are new.
    `lifting`: labels that are left out are taken away. `warrant`: what entitles to it instead of the matrix.

    Raises `Denied`, and `NotFound` for an id that is not the caller's to choose.
    """
    access = server.access
    if access is None:
        return Authorised(tree)
    writer = writer_of(call)
    bases = (call.base,) if call.base else ()
    previous = (await tx.stamps([key])).get(key) if before is not None else None
    tree = access.labelled(tree, before, writer, bases, lifting=lifting)
    known = access.sources_of(before, bases) if before is not None else ()
    inherited = await _inherited(access.sources_of(tree, bases), known, tx)
    stamp = access.stamp_of(tree, creator=writer, previous=previous, inherited=inherited, bases=bases)
    attached = attachments_of(tree, call.base)
    behind = _behind(key, stamp, previous, attached, access)
    if writer is None:
        return Authorised(tree, stamp, behind=behind, previous=previous)
    if before is None and method == "PUT" and not _is_open(key.type, writer, access):
        raise NotFound(f"{key} is not known here")
    persons = tuple({*stamp.persons, *(previous.persons if previous else ())})
    links = await tx.links(persons, actors_of(writer))
    moment = now()
    # With a warrant the operation has asked what there is to ask, and the table of links will be.
    if before is None and not warrant:
        born = _born(key, method, server)
        require(access.policy.may_create(writer, stamp, links, moment, type=key.type, born=born), persons)
    elif not warrant:
        assert previous is not None, "what is live has a stamp"
        require(
            access.policy.may_update(writer, previous, links, moment, type=key.type, after=stamp), persons
        )
    require(access.may_label(before, tree, writer, previous or stamp, stamp, links, moment), persons)
    if attached:
        known = attachments_of(before, call.base) if before is not None else ()
        targets = [*targets, *(one for one in attached if one not in known)]
    return Authorised(tree, stamp, tuple(await tx.unseen(targets)), behind, previous)


async def ending(current: Stored, call: Call, tx: Transaction, server: Server) -> Tree | None:
    """What a resource becomes when the caller deletes it: a person's is never taken away, it is said to be void.

    None: it is deleted. Raises `Denied`.
    """
    access, writer = server.access, writer_of(call)
    if access is None or writer is None:
        return None
    key = current.key
    stamp = (await tx.stamps([key]))[key]
    links = await tx.links(stamp.persons, actors_of(writer))
    require(access.policy.may_delete(writer, stamp, links, now(), type=key.type), stamp.persons)
    if stamp.cell in {PUBLIC, OPERATORS} or key.type not in _ENDED:
        return None
    return {**decode(current.body), "status": _ENDED[key.type]}


def _is_open(type: str, writer: Caller, access: Authority) -> bool:
    """Whether a caller sees all there is of a type: else an id that they choose may be that of something hidden."""
    view = access.view_of(writer)
    return view is None or (type in ACTORS | DEFINITIONS and view.reads(type))


def _behind(
    key: Key, stamp: Stamp, previous: Stamp | None, attached: Sequence[Key], access: Authority
) -> tuple[tuple[Key, Callable[[Stamp], Stamp]], ...]:
    """How the stamps of Binaries change: what stands behind a resource is as closed as the resource, for ever."""
    found = [(one, partial(access.behind, referrer=stamp)) for one in attached]
    if key.type == "Binary" and previous is not None:
        # A new version is as closed as the one before, whatever refers to it meanwhile.
        found.append((key, partial(access.behind, referrer=previous)))
    return tuple(found)


def writer_of(call: Call) -> Caller | None:
    """Who writes; None: the server itself, or anyone on a server that knows nobody."""
    return None if call.caller.kind == "anyone" else call.caller


def actors_of(caller: Caller) -> tuple[Key, ...]:
    """Who counts as the caller: who types, and for whom."""
    return caller.actors if caller.delegator is None else (*caller.actors, caller.delegator)


async def _inherited(sources: Sequence[Key], known: Sequence[Key], reader: Reader) -> list[Stamp]:
    """The stamps that a resource takes from others: a Provenance from what it is about.

    What is new and hidden has none here, as if it were not there: the write will be refused for pointing to it.
    """
    hidden = await reader.unseen([key for key in sources if key not in known]) if sources else []
    stamps = await reader.stamps([key for key in sources if key not in hidden]) if sources else {}
    return list(stamps.values())


def _born(key: Key, method: Method, server: Server) -> list[Key]:
    """The persons who come into being with this write or its transaction."""
    coming = {*server.born, key} if method == "POST" else server.born
    return [one for one in coming if one.type == "Patient"]
