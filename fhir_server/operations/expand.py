"""ValueSet/$expand: the codes of a value set, all or a page of them.

https://hl7.org/fhir/R4/valueset-operation-expand.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final
from uuid import uuid4

from fhir_server.interactions.call import Call, Reply, Server
from fhir_server.kernel import times
from fhir_server.kernel.errors import Malformed, Unprocessable
from fhir_server.kernel.issues import Issue
from fhir_server.kernel.wire import encode
from fhir_server.operations.inputs import Inputs
from fhir_server.operations.operation import Operation, standard
from fhir_server.operations.terminology import answer_of, definition_of, library_of, missing
from fhir_server.operations.validate_code import bound_at
from fhir_server.store.contract import Reader
from terminology.expanding import Asked, expanded
from terminology.expansion import MOST_CODES
from terminology.library import Versions
from terminology.systems import Tree

# The inputs that shape the answer, and the type that `expansion.parameter` has for each.
_SAID: Final = {
    "filter": "valueString",
    "offset": "valueInteger",
    "count": "valueInteger",
    "includeDesignations": "valueBoolean",
    "designation": "valueString",
    "includeDefinition": "valueBoolean",
    "activeOnly": "valueBoolean",
    "excludeNested": "valueBoolean",
    "excludeNotForUI": "valueBoolean",
    "displayLanguage": "valueCode",
    "exclude-system": "valueUri",
    "system-version": "valueUri",
    "check-system-version": "valueUri",
    "force-system-version": "valueUri",
}


async def expand(call: Call, inputs: Inputs, reader: Reader, server: Server) -> Reply:
    tree = await definition_of(call, inputs, reader, server, "valueSetVersion")
    if tree is None:
        context = inputs.one("context")
        if context is None:
            raise missing(
                "The value set is required: 'url', 'valueSet' or 'context'",
                "Le jeu de valeurs est requis : « url », « valueSet » ou « context »",
            )
        tree = bound_at(context, server)
    _require_present(inputs)
    asked, said = _asked(inputs), list(_said(inputs))
    library = library_of(server, versions=versions_in(inputs))
    stamp, urn = times.instant_text(times.now()), f"urn:uuid:{uuid4()}"
    body = await answer_of(
        lambda: encode(expanded(tree, library, asked, said=said, stamp=stamp, urn=urn)), library
    )
    return Reply(200, body)


def _require_present(inputs: Inputs) -> None:
    """Raises `Unprocessable` for a date in the past: R4 wants an expansion as of then, or a refusal."""
    date = str(inputs.one("date") or "")[: len("2020-12-31")]
    if date and date < times.instant_text(times.now())[: len(date)]:
        text = (
            "Definitions are expanded as they are today: those of another day are asked for by their versions"
        )
        error = Unprocessable(text, code="not-supported")
        french = (
            "Les définitions sont énumérées telles qu'elles sont aujourd'hui ; celles d'un autre jour se "
            "demandent par leur version"
        )
        error.issues = (Issue("not-supported", text, french=french),)
        raise error


def versions_in(inputs: Inputs) -> Versions:
    """Which versions of code systems are meant."""
    return Versions(
        _by_url(inputs.all("system-version")),
        _by_url(inputs.all("force-system-version")),
        _by_url(inputs.all("check-system-version")),
    )


def _by_url(canonicals: Iterable[str]) -> Mapping[str, str]:
    return {url: version for url, _, version in (one.partition("|") for one in canonicals) if version}


def _asked(inputs: Inputs) -> Asked:
    """Raises `Malformed`."""
    offset, count = inputs.one("offset") or 0, inputs.one("count")
    if offset < 0 or (count is not None and count < 0):
        text = "The inputs 'offset' and 'count' are not negative"
        error = Malformed(text, code="value")
        error.issues = (
            Issue("value", text, french="Les entrées « offset » et « count » ne sont pas négatives"),
        )
        raise error
    return Asked(
        text=inputs.one("filter") or "",
        offset=offset,
        count=None if count is None else min(count, MOST_CODES),
        designations=inputs.one("includeDesignations") is True or bool(inputs.all("designation")),
        wanted_designations=inputs.all("designation"),
        definition=inputs.one("includeDefinition") is True,
        active_only=inputs.one("activeOnly") is True,
        flat=inputs.one("excludeNested") is True,
        for_ui=inputs.one("excludeNotForUI") is True,
        language=inputs.one("displayLanguage") or "",
        without={
            url: version for url, _, version in (one.partition("|") for one in inputs.all("exclude-system"))
        },
    )


def _said(inputs: Inputs) -> Iterator[Tree]:
    for name, key in _SAID.items():
        for value in inputs.all(name):
            told: Any = value
            yield {"name": name, key: told}


OPERATION: Final = Operation(standard("ValueSet-expand"), ask=expand)
