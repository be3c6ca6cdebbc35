"""metadata: the CapabilityStatement, made from what the server really does.

https://hl7.org/fhir/R4/http.html#capabilities · https://hl7.org/fhir/R4/capabilitystatement.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from importlib.metadata import version
from typing import Any
from urllib.parse import parse_qsl
from zlib import crc32

from fhir_server.definitions.catalogue import FHIR_VERSION, compartments, resource_types
from fhir_server.definitions.parameters import Parameter, Parameters, routes
from fhir_server.definitions.supported import supported_profiles
from fhir_server.interactions.call import Call, Limits, Offered, Reply, Server
from fhir_server.interactions.conditional import tags_in
from fhir_server.interactions.terminology_capabilities import terminology_capabilities
from fhir_server.kernel.errors import Malformed
from fhir_server.kernel.times import instant_text, now
from fhir_server.kernel.values import immutable
from fhir_server.kernel.wire import encode
from fhir_server.search.parse import searchable
from fhir_server.store.contract import Reader
from fhir_server.store.definitions import Job
from profiles.registry import Registry

FORMATS = ("application/fhir+json", "application/fhir+xml", "json", "xml")
PATCH_FORMATS = ("application/json-patch+json", "application/fhir+json", "application/fhir+xml")
_STARTED = instant_text(now())
_INTERACTIONS = (
    "read",
    "vread",
    "update",
    "patch",
    "delete",
    "history-instance",
    "history-type",
    "create",
    "search-type",
)
_SYSTEM_INTERACTIONS = ("transaction", "batch", "history-system", "search-system")
# Not SearchParameters of a type with an expression that is compiled: every type answers them.
_EVERYWHERE = (
    {"name": "_id", "definition": "http://hl7.org/fhir/SearchParameter/Resource-id", "type": "token"},
    {
        "name": "_lastUpdated",
        "definition": "http://hl7.org/fhir/SearchParameter/Resource-lastUpdated",
        "type": "date",
    },
)


async def capabilities(call: Call, reader: Reader, server: Server) -> Reply:
    """`mode` is `full` (the default), `normative` or `terminology`. Raises `Malformed` for another.

    The ETag is made of the content, so that it changes with it.
    """
    mode = dict(parse_qsl(call.query, keep_blank_values=True)).get("mode", "full")
    if mode not in {"full", "normative", "terminology"}:
        raise Malformed("The mode is one of full, normative and terminology", code="value")
    if mode == "terminology":
        body = await _terminology(call, server)
    else:
        body = _statement(await _offer(call, server))
    etag = crc32(body)
    known = call.conditions.if_none_match
    if known and (known.strip() == "*" or str(etag) in tags_in(known, "If-None-Match")):
        return Reply(304, version=etag)
    return Reply(200, body, version=etag)


async def _terminology(call: Call, server: Server) -> bytes:
    large = tuple((one.url, one.version) for one in await server.store.codes.systems())
    return terminology_capabilities(call.base, server.store.definitions.current.registry, large)


@immutable
class _Offer:
    """What a statement is made from; the same offer, the same statement."""

    base: str
    limits: Limits
    operations: tuple[Offered, ...]
    parameters: Parameters
    jobs: tuple[Job, ...]
    registry: Registry


async def _offer(call: Call, server: Server) -> _Offer:
    keeper = server.store.definitions
    jobs = tuple(await keeper.progress()) if keeper.current.jobs else ()
    return _Offer(
        call.base, server.limits, server.operations, keeper.current.parameters, jobs, server.registry
    )


@lru_cache(maxsize=16)
def _statement(offer: _Offer) -> bytes:
    return encode(
        {
            "resourceType": "CapabilityStatement",
            "id": "cordee",
            "url": f"{offer.base}/metadata",
            "version": version("cordee"),
            "name": "Cordee",
            "title": "Cordée",
            "status": "active",
            "date": _STARTED,
            "kind": "instance",
            "software": {"name": "Cordée", "version": version("cordee")},
            "implementation": {"description": "Cordée, a FHIR R4 server", "url": offer.base},
            "fhirVersion": FHIR_VERSION,
            "format": list(FORMATS),
            "patchFormat": list(PATCH_FORMATS),
            "rest": [
                {
                    "mode": "server",
                    "documentation": _documentation(offer.jobs),
                    "resource": [_resource(name, offer) for name in sorted(resource_types())],
                    "interaction": [{"code": code} for code in _SYSTEM_INTERACTIONS],
                    **_listed("operation", [_operation(one) for one in offer.operations if one.system]),
                    "compartment": sorted(definition["url"] for definition in compartments().values()),
                }
            ],
        }
    )


def _documentation(jobs: Sequence[Job]) -> str:
    text = "A base resource is validated on every write; see docs/ for policies."
    if jobs:
        types = ", ".join(f"{job.type} {job.percent} %" for job in jobs)
        text += f" The search index is being made anew: {types}."
    return text


def _resource(name: str, offer: _Offer) -> dict[str, Any]:
    limits = offer.limits
    found = searchable(name, offer.parameters)
    links = [p for p in found.values() if _is_link(p)]
    operations = [one for one in offer.operations if not {name, "Resource"}.isdisjoint(one.types)]
    return {
        "type": name,
        "profile": f"http://hl7.org/fhir/StructureDefinition/{name}",
        **_listed("supportedProfile", list(supported_profiles(offer.registry).get(name, ()))),
        "interaction": [{"code": code} for code in _INTERACTIONS],
        "versioning": "versioned-update",
        "readHistory": True,
        "updateCreate": limits.client_ids,
        "conditionalCreate": True,
        "conditionalRead": "full-support",
        "conditionalUpdate": True,
        "conditionalDelete": "multiple" if limits.delete_many else "single",
        "referencePolicy": ["literal", "logical", "local", *(["enforced"] if limits.references else [])],
        **_listed("searchInclude", ["*", *map(_named, links)] if links else []),
        **_listed("searchRevInclude", ["*", *_links_to(offer.parameters)[name]]),
        "searchParam": [*_EVERYWHERE, *(_parameter(p, offer.jobs) for p in _own(found))],
        **_listed("operation", [_operation(one) for one in operations]),
    }


@lru_cache(maxsize=16)
def _links_to(parameters: Parameters) -> Mapping[str, Sequence[str]]:
    """By type: what leads to it from anywhere, as `_revinclude` names it."""
    found: dict[str, list[str]] = {name: [] for name in resource_types()}
    for source in sorted(resource_types()):
        for parameter in filter(_is_link, searchable(source, parameters).values()):
            for target in parameter.targets:
                found[target].append(_named(parameter))
    return found


def _is_link(parameter: Parameter) -> bool:
    """Whether an include follows it: canonical URLs are not looked up for one."""
    return parameter.kind == "reference" and {route.type for route in routes(parameter)} != {"canonical"}


def _named(parameter: Parameter) -> str:
    return f"{parameter.type}:{parameter.code}"


def _own(found: Mapping[str, Parameter]) -> Iterator[Parameter]:
    listed = {one["name"] for one in _EVERYWHERE}
    return (parameter for parameter in found.values() if parameter.code not in listed)


def _parameter(parameter: Parameter, jobs: Sequence[Job]) -> dict[str, Any]:
    told = {"name": parameter.code, "definition": parameter.url, "type": parameter.kind}
    if parameter.indexing:
        percent = next((job.percent for job in jobs if job.type == parameter.type), 99)
        told["documentation"] = f"indexing: {percent} %; a search by it is refused until that is complete"
    return told


def _operation(offered: Offered) -> dict[str, Any]:
    return {"name": offered.name, "definition": offered.definition}


def _listed(name: str, items: list[Any]) -> dict[str, list[Any]]:
    """A property of FHIR JSON, which knows no empty lists."""
    return {name: items} if items else {}
