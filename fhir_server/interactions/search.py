"""search: a page of stored bodies joined into a searchset, with links that lead through the rest.

https://hl7.org/fhir/R4/search.html · https://hl7.org/fhir/R4/bundle.html#searchset
"""

from __future__ import annotations

from fhir_server.interactions import bundles
from fhir_server.interactions.call import Call, Reply, Server
from fhir_server.kernel import times
from fhir_server.kernel.errors import Malformed
from fhir_server.search.parse import CURSOR, query_of
from fhir_server.store.contract import Page, Reader


async def search(call: Call, reader: Reader, server: Server) -> Reply:
    """Unknown parameters are refused under `Prefer: handling=strict`, else ignored with a warning in the Bundle."""
    if call.type is None or call.compartment is not None:
        raise Malformed(
            "This server searches one type at a time, outside of compartments: [base]/Type?…",
            code="not-supported",
        )
    parsed = query_of(
        call.type,
        call.query,
        lenient=call.conditions.prefer_handling != "strict",
        limits=server.limits,
        base=call.base,
    )
    page = await reader.search(parsed.query)
    links = _links(f"{call.base}/{call.type}", parsed.understood, parsed.query.cursor, page)
    body = bundles.searchset(
        page.items, page.included, parsed.issues, links, page.total, call.base, updated=times.now()
    )
    return Reply(200, body)


def _links(address: str, understood: str, cursor: str, page: Page) -> list[tuple[str, str]]:
    def link(at: str) -> str:
        query = "&".join(part for part in (understood, f"{CURSOR}={at}" if at else "") if part)
        return f"{address}?{query}" if query else address

    links = [("self", link(cursor))]
    if cursor or page.next:
        links.append(("first", link("")))
    if page.previous:
        links += bundles.back(link(page.previous))
    if page.next:
        links.append(("next", link(page.next)))
    return links
