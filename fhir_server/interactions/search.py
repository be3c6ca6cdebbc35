"""search: a page of stored bodies joined into a searchset, with links that lead through the rest.

On a type, on several or all of them, in a compartment.

https://hl7.org/fhir/R4/search.html · https://hl7.org/fhir/R4/bundle.html#searchset
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from fhir_server.interactions import bundles
from fhir_server.interactions.call import Call, Reply, Server
from fhir_server.interactions.contained import shown_inside
from fhir_server.kernel import times
from fhir_server.kernel.errors import Forbidden
from fhir_server.kernel.issues import Issue
from fhir_server.kernel.wire import encode
from fhir_server.search.parse import CURSOR, Inside, Parsed, query_of
from fhir_server.search.query import Query
from fhir_server.search.terms import settled
from fhir_server.store.contract import Page, Reader, Stored

_NAMED: Final = 20  # matches that a hint may name one by one


async def search(call: Call, reader: Reader, server: Server) -> Reply:
    """Unknown parameters are refused under `Prefer: handling=strict`, else ignored with a warning in the Bundle."""
    parsed = query_of(
        call.type,
        call.query,
        lenient=call.conditions.prefer_handling != "strict",
        limits=server.limits,
        base=call.base,
        compartment=call.compartment,
        parameters=server.store.definitions.current.parameters,
    )
    registry = server.store.definitions.current.registry
    query = await settled(parsed.query, reader, registry, server.store.codes)
    if parsed.explain:
        return await _explained(call, query, reader, server)
    page = await reader.search(query)
    address = _address(call)
    issues = [*parsed.issues, *_cut(parsed, page, call.base, address)]
    links = _links(address, parsed.understood, parsed.query.cursor, page)
    matches: Sequence[Stored | bundles.Match] = page.items
    total = page.total
    if parsed.inside is not None and parsed.inside.shown == "contained":
        # The store counts containers, which may hold several.
        matches, total = (
            shown_inside(page.items, await _known(parsed.inside, reader, server), server, call.base),
            None,
        )
    body = bundles.searchset(matches, page.included, issues, links, total, call.base, updated=times.now())
    return Reply(200, body)


def _address(call: Call) -> str:
    """What was searched, as a URL without parameters."""
    if call.compartment is not None:
        return f"{call.base}/{call.compartment}/{call.type or '*'}"
    return f"{call.base}/{call.type}" if call.type else call.base


def _links(address: str, understood: str, cursor: str, page: Page) -> list[tuple[str, str]]:
    first = f"{address}?{understood}" if understood else address

    def link(at: str) -> str:
        return f"{first}{'&' if understood else '?'}{CURSOR}={at}" if at else first

    links = [("self", link(cursor))]
    if cursor or page.next:
        links.append(("first", first))
    if page.previous:
        links += bundles.back(link(page.previous))
    if page.next:
        links.append(("next", link(page.next)))
    return links


def _cut(parsed: Parsed, page: Page, base: str, address: str) -> Iterator[Issue]:
    """The warning that not everything asked for came along, with what to ask for the rest."""
    if not page.truncated:
        return
    ways = [*_directly(parsed, page, base)] if len(page.items) <= _NAMED else []
    if not ways:
        others = [part for part in parsed.understood.split("&") if part and not part.startswith("_count=")]
        fewer = max(1, len(page.items) // 10)
        ways = [f"{address}?{'&'.join([*others, f'_count={fewer}'])}"]
    yield Issue(
        "incomplete",
        f"More resources belong to this page than the {len(page.included)} included ones that it brings along."
        f" These find the rest: {' '.join(ways)}",
        severity="warning",
    )


def _directly(parsed: Parsed, page: Page, base: str) -> Iterator[str]:
    """The searches that find, by themselves, what `_revinclude` of the page's matches was to bring."""
    named = ",".join(str(stored.key) for stored in page.items)
    for include in parsed.query.includes:
        if include.reverse and "*" not in {include.name.type, include.name.code}:
            yield f"{base}/{include.name.type}?{include.name.code}={named}"


async def _known(inside: Inside, reader: Reader, server: Server) -> Inside:
    """The same, with what terminology says of its codes."""
    registry = server.store.definitions.current.registry
    query = Query(inside.types, inside.where)
    return replace(inside, where=(await settled(query, reader, registry, server.store.codes)).where)


async def _explained(call: Call, query: Query, reader: Reader, server: Server) -> Reply:
    """How the store would find the page, instead of the page: for operators."""
    if not call.caller.operates:
        raise Forbidden("Searches are explained to operators", french="Réservé aux opérateurs")
    if not server.limits.explain:
        raise Forbidden("This server does not explain searches; an operator can set CORDEE_EXPLAIN=true")
    statements = [
        {
            "name": "statement",
            "part": [{"name": "sql", "valueString": sql}, {"name": "plan", "valueString": plan}],
        }
        for sql, plan in await reader.explain(query)
    ]
    return Reply(
        200, encode({"resourceType": "Parameters", **({"parameter": statements} if statements else {})})
    )
