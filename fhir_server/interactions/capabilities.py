"""metadata: the CapabilityStatement, made from what the server really does.

https://hl7.org/fhir/R4/http.html#capabilities · https://hl7.org/fhir/R4/capabilitystatement.html
"""

from __future__ import annotations

from functools import lru_cache
from importlib.metadata import version
from typing import Any
from urllib.parse import parse_qsl
from zlib import crc32

from fhir_server.definitions.catalogue import FHIR_VERSION, resource_types
from fhir_server.interactions.call import Call, Limits, Reply, Server
from fhir_server.interactions.conditional import tags_in
from fhir_server.kernel.errors import Malformed
from fhir_server.kernel.times import instant_text, now
from fhir_server.kernel.wire import encode
from fhir_server.search.parse import searchable
from fhir_server.store.contract import Reader

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
_SYSTEM_INTERACTIONS = ("transaction", "batch", "history-system")
# Not SearchParameters of a type with an expression that is compiled: every type answers them.
_EVERYWHERE = (
    ("_id", "token", "http://hl7.org/fhir/SearchParameter/Resource-id"),
    ("_lastUpdated", "date", "http://hl7.org/fhir/SearchParameter/Resource-lastUpdated"),
)


async def capabilities(call: Call, reader: Reader, server: Server) -> Reply:
    """`mode` is `full` (the default), `normative` or `terminology`. Raises `Malformed` for another.

    The ETag is made of the content, so that it changes with it.
    """
    mode = dict(parse_qsl(call.query, keep_blank_values=True)).get("mode", "full")
    if mode not in {"full", "normative", "terminology"}:
        raise Malformed("The mode is one of full, normative and terminology", code="value")
    body = _terminology(call.base) if mode == "terminology" else _statement(call.base, server.limits)
    etag = crc32(body)
    known = call.conditions.if_none_match
    if known and (known.strip() == "*" or str(etag) in tags_in(known, "If-None-Match")):
        return Reply(304, version=etag)
    return Reply(200, body, version=etag)


@lru_cache(maxsize=16)
def _statement(base: str, limits: Limits) -> bytes:
    return encode(
        {
            "resourceType": "CapabilityStatement",
            "id": "cordee",
            "url": f"{base}/metadata",
            "version": version("cordee"),
            "name": "Cordee",
            "title": "Cordée",
            "status": "active",
            "date": _STARTED,
            "kind": "instance",
            "software": {"name": "Cordée", "version": version("cordee")},
            "implementation": {"description": "Cordée, a FHIR R4 server", "url": base},
            "fhirVersion": FHIR_VERSION,
            "format": list(FORMATS),
            "patchFormat": list(PATCH_FORMATS),
            "rest": [
                {
                    "mode": "server",
                    "documentation": "A base resource is validated on every write; see docs/ for policies.",
                    "resource": [_resource(name, limits) for name in sorted(resource_types())],
                    "interaction": [{"code": code} for code in _SYSTEM_INTERACTIONS],
                }
            ],
        }
    )


def _resource(name: str, limits: Limits) -> dict[str, Any]:
    parameters = [{"name": code, "definition": url, "type": kind} for code, kind, url in _EVERYWHERE]
    parameters += [
        {"name": parameter.code, "definition": parameter.url, "type": parameter.kind}
        for parameter in searchable(name).values()
        if not parameter.code.startswith(("_id", "_lastUpdated"))
    ]
    return {
        "type": name,
        "profile": f"http://hl7.org/fhir/StructureDefinition/{name}",
        "interaction": [{"code": code} for code in _INTERACTIONS],
        "versioning": "versioned-update",
        "readHistory": True,
        "updateCreate": limits.client_ids,
        "conditionalCreate": True,
        "conditionalRead": "full-support",
        "conditionalUpdate": True,
        "conditionalDelete": "multiple" if limits.delete_many else "single",
        "referencePolicy": ["literal", "logical", "local", *(["enforced"] if limits.references else [])],
        "searchParam": parameters,
    }


@lru_cache(maxsize=16)
def _terminology(base: str) -> bytes:
    """No code system is served yet, and this says so."""
    return encode(
        {
            "resourceType": "TerminologyCapabilities",
            "id": "cordee",
            "url": f"{base}/metadata?mode=terminology",
            "version": version("cordee"),
            "name": "CordeeTerminology",
            "status": "active",
            "date": _STARTED,
            "kind": "instance",
            "software": {"name": "Cordée", "version": version("cordee")},
            "implementation": {"description": "Cordée, a FHIR R4 server", "url": base},
        }
    )
