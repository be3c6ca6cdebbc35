"""Composition/$document: a Composition and all that it refers to, as a document Bundle.

Directly and indirectly: a document must be readable without this server. A reference to a version brings that version.
The same content has the same identifier, so that a document that is kept is kept once.

https://hl7.org/fhir/R4/composition-operation-document.html · https://hl7.org/fhir/R4/documents.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, Final
from uuid import NAMESPACE_URL, uuid5

import orjson

from fhir_server.definitions.targets import local_key
from fhir_server.interactions.call import Call, Reply, Server
from fhir_server.interactions.conditional import matches_of
from fhir_server.interactions.drafting import put
from fhir_server.interactions.judging import require_sound
from fhir_server.interactions.references import references_in
from fhir_server.kernel import times
from fhir_server.kernel.errors import Malformed, Unprocessable
from fhir_server.kernel.issues import Issue
from fhir_server.kernel.keys import Key, is_id
from fhir_server.kernel.times import instant_text
from fhir_server.kernel.wire import Tree, decode
from fhir_server.operations.everything import focus_of
from fhir_server.operations.inputs import Inputs
from fhir_server.operations.operation import Operation, standard
from fhir_server.operations.supporting import fetched, links_in
from fhir_server.store.contract import Reader, Stored, Transaction

MOST = 2000  # resources of a document
_SYSTEM = "urn:ietf:rfc:3986"
_VERSION = re.compile(r"/_history/([0-9]{1,9})(?:#.*)?\Z")
Wish = tuple[Key, int | None]  # a resource, in a version or (None) as it is now


async def document(call: Call, inputs: Inputs, tx: Transaction, server: Server) -> Reply:
    if inputs.one("graph") is not None:
        raise Malformed(
            "This server makes documents of what the Composition refers to, not by a 'graph'",
            code="not-supported",
        )
    call = replace(call, id=_id_in(call, inputs))
    composition = await focus_of(call, tx)
    content = [composition, *await _content(composition, tx, call.base)]
    identifier = _identifier_of(content, call.base)
    if not inputs.one("persist"):
        return Reply(200, _bundle(content, identifier, call.base))
    kept = await matches_of("Bundle", f"identifier={_SYSTEM}|{identifier}", tx, call.base)
    if kept:
        same = kept[0]
        return Reply(200, same.body, same.key, same.version, same.updated)
    tree = require_sound(decode(_bundle(content, identifier, call.base)), server)
    return await put(tree, Key("Bundle", server.store.new_id()), "POST", None, call, tx, server)


def _id_in(call: Call, inputs: Inputs) -> str:
    """The id of the Composition, from the address or the input. Raises `Malformed`."""
    given = inputs.one("id")
    if call.id is not None:
        if given is not None:
            raise Malformed(
                "The address names the Composition: the input 'id' belongs to [base]/Composition",
                code="value",
            )
        return call.id
    if given is None:
        raise Malformed(
            "Which Composition? The input 'id', or Composition/[id]/$document, would be right",
            code="required",
        )
    if is_id(given):
        return str(given)
    key = local_key(given, (call.base,))
    if key is None or key.type != "Composition":
        raise Malformed("The input 'id' is no Composition of this server", code="not-supported")
    return key.id


async def _content(composition: Stored, reader: Reader, base: str) -> list[Stored]:
    """All that the composition refers to, step by step, sorted by key and version, itself aside.

    Other documents that it relates to are not part of it. Raises `Unprocessable` when something it refers to itself is
    not here, or when it is too much.
    """
    tree = {name: value for name, value in decode(composition.body).items() if name != "relatesTo"}
    wishes = _wishes(tree, base)
    _require_local(tree, base)
    found: dict[Wish, Stored] = {(composition.key, composition.version): composition}
    seen: set[Wish] = {(composition.key, None)}
    direct = True
    while wishes := wishes - seen:
        seen |= wishes
        step = await _fetched(reader, wishes)
        if direct and (missing := {key for key, _ in wishes} - {stored.key for stored in step}):
            raise _not_here(tree, missing, base)
        direct, wishes = False, set()
        for stored in step:
            found[stored.key, stored.version] = stored
            wishes |= _wishes(decode(stored.body), base)
        if len(found) > MOST:
            raise Unprocessable(f"The document would hold more than {MOST:,} resources", code="too-costly")
    del found[composition.key, composition.version]
    return [found[wish] for wish in sorted(found, key=lambda wish: (wish[0], wish[1] or 0))]


def _wishes(tree: Tree, base: str) -> set[Wish]:
    found: set[Wish] = {(key, None) for key in links_in(tree, base) if key.type == "Binary"}
    for _, literal in references_in(tree):
        key, version = local_key(literal, (base,)), _VERSION.search(literal)
        if key is not None:
            found.add((key, int(version[1]) if version else None))
    return found


async def _fetched(reader: Reader, wishes: Iterable[Wish]) -> list[Stored]:
    found = await fetched(reader, (key for key, version in wishes if version is None))
    for key, version in wishes:
        if version is not None:
            stored = await reader.read(key, version)
            if stored is not None and not stored.deleted:
                found.append(stored)
    return found


def _require_local(tree: Tree, base: str) -> None:
    """Raises `Unprocessable` when the composition refers to something that is not on this server."""
    issues = [
        Issue("not-supported", "What is referred to here is on another server", place)
        for literal, place in _literals(tree, "Composition")
        if not literal.startswith("#") and local_key(literal, (base,)) is None
    ]
    if issues:
        raise _refusal(issues)


def _not_here(tree: Tree, missing: set[Key], base: str) -> Unprocessable:
    return _refusal(
        [
            Issue("not-found", "What is referred to here does not exist", place)
            for literal, place in _literals(tree, "Composition")
            if local_key(literal, (base,)) in missing
        ]
    )


def _literals(value: Any, place: str) -> Iterator[tuple[str, str]]:
    """Every literal reference, with where it stands."""
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _literals(item, f"{place}[{index}]")
    elif isinstance(value, dict):
        if isinstance(literal := value.get("reference"), str):
            yield literal, f"{place}.reference"
        for name, item in value.items():
            if isinstance(item, dict | list):
                yield from _literals(item, f"{place}.{name}")


def _refusal(issues: list[Issue]) -> Unprocessable:
    refusal = Unprocessable("The document would not be whole")
    refusal.issues = tuple(issues) or refusal.issues
    return refusal


def _identifier_of(content: Iterable[Stored], base: str) -> str:
    """The same for the same versions of the same resources, and for no others."""
    versions = " ".join(f"{base}/{stored.key}/_history/{stored.version}" for stored in content)
    return uuid5(NAMESPACE_URL, versions).urn


def _bundle(content: Iterable[Stored], identifier: str, base: str) -> bytes:
    entries = b",".join(
        b'{"fullUrl":%s,"resource":%s}' % (orjson.dumps(f"{base}/{stored.key}"), stored.body)
        for stored in content
    )
    return b'{"resourceType":"Bundle","identifier":%s,"type":"document","timestamp":"%s","entry":[%s]}' % (
        orjson.dumps({"system": _SYSTEM, "value": identifier}),
        instant_text(times.now()).encode(),
        entries,
    )


OPERATION: Final = Operation(standard("Composition-document"), act=document)
