"""What the operations of the name $everything share: their inputs, and pages of a Bundle whose links lead on.

https://hl7.org/fhir/R4/patient-operation-everything.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from fhir_server.definitions.catalogue import resource_types
from fhir_server.interactions import bundles
from fhir_server.interactions.call import Call, Limits, Reply
from fhir_server.interactions.read import key_of
from fhir_server.kernel import times
from fhir_server.kernel.errors import Gone, Malformed, NotFound
from fhir_server.kernel.keys import Key, is_id
from fhir_server.operations.compartment import Wanted
from fhir_server.operations.inputs import CURSOR, Inputs
from fhir_server.operations.operation import given, taken
from fhir_server.search.spans import BEGINNING, END, span_of
from fhir_server.store.contract import Reader, Stored

# As `Patient-everything` of R4 has them.
PARAMETERS: Final = (
    taken(
        "start",
        "date",
        "First day of the care that is asked for. What has no care date comes whatever the days.",
    ),
    taken("end", "date", "Last day of the care that is asked for."),
    taken("_since", "instant", "Only what was changed at this moment or later."),
    taken("_type", "code", "Only resources of these types; several with commas between them.", max="*"),
    taken("_count", "integer", "Most resources on a page."),
    given("Bundle", "A Bundle of type searchset; where it has a link 'next', that leads to the rest."),
)

INCLUDED: Final = "included:"  # begins the cursor of a page where what is included begins or goes on


@dataclass(slots=True)
class Page:
    """What one answer holds, `room` resources at most. `next`: the cursor of the next page; empty: this is the last."""

    room: int
    matches: list[Stored]
    included: list[Stored]
    next: str = ""

    def include(self, several: Mapping[Key, Stored], cursor: str) -> None:
        """Put into the room left what is included and stands behind the cursor, of either kind."""
        last = cursor.removeprefix(INCLUDED) if cursor.startswith(INCLUDED) else ""
        behind = keys_behind(several, last)
        shown = behind[: self.left]
        self.included += (several[key] for key in shown)
        if len(shown) < len(behind):
            self.next = f"{INCLUDED}{shown[-1] if shown else last}"

    @property
    def left(self) -> int:
        return self.room - len(self.matches) - len(self.included)


def wanted_in(inputs: Inputs) -> Wanted:
    """Raises `Malformed`."""
    types = [name for text in inputs.all("_type") for name in text.split(",")]
    if not resource_types().issuperset(types):
        raise Malformed("The input '_type' names something that is no resource type of FHIR R4", code="value")
    start, end, since = inputs.one("start"), inputs.one("end"), inputs.one("_since")
    care = span_of(start)[0] if start else BEGINNING, span_of(end)[1] if end else END
    if care[0] >= care[1]:
        raise Malformed("The input 'end' lies before 'start'", code="value")
    return Wanted(frozenset(types) or None, span_of(since) if since else None, care if start or end else None)


def page_in(inputs: Inputs, limits: Limits) -> Page:
    """An empty page of the size asked for. Without `_count` it is as large as this server's pages get.

    Raises `Malformed`.
    """
    count = inputs.one("_count")
    if count is not None and count < 1:
        raise Malformed("The input '_count' is a whole number of 1 or more", code="value")
    return Page(min(count or limits.max_page, limits.max_page), [], [])


async def focus_of(call: Call, reader: Reader) -> Stored:
    """The resource that the operation is about. Raises `NotFound` and `Gone`."""
    key = key_of(call)
    stored = await reader.read(key)
    if stored is None:
        raise NotFound(f"{key} is not known here")
    if stored.deleted:
        raise Gone(f"{key} was deleted", version=stored.version)
    return stored


def keys_behind(keys: Iterable[Key], cursor: str, first: Sequence[Key] = ()) -> list[Key]:
    """`keys` in order, `first` before the others, behind the one that the cursor (`Type/id`) names.

    Raises `Malformed`.
    """

    def place(key: Key) -> tuple[int, Key]:
        return (first.index(key) if key in first else len(first)), key

    last = Key(*cursor.split("/", 1)) if "/" in cursor else Key(cursor, "")
    if cursor and not (last.type in resource_types() and is_id(last.id)):
        raise Malformed("This cursor is not one of this server's", code="value")
    return sorted((key for key in keys if not cursor or place(key) > place(last)), key=place)


def reply_of(page: Page, call: Call, inputs: Inputs) -> Reply:
    """The total is told where all is on one page; to count the rest would be to read it."""
    address = "/".join(part for part in (call.base, call.type, call.id, call.operation) if part)

    def link(cursor: str) -> str:
        query = urlencode([*inputs.given, *([(CURSOR, cursor)] if cursor else [])])
        return f"{address}?{query}" if query else address

    links = [("self", link(inputs.cursor))]
    if inputs.cursor or page.next:
        links.append(("first", link("")))
    if page.next:
        links.append(("next", link(page.next)))
    total = None if inputs.cursor or page.next else len(page.matches)
    body = bundles.searchset(page.matches, page.included, (), links, total, call.base, updated=times.now())
    return Reply(200, body)
