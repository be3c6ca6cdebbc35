"""Requests that a fuzzer sends: every route, with headers, queries and bodies that are almost right.

Valid resources come from the official examples where they are there, else from a few of our own; bodies are changed in
their tree (a value of a wrong kind, a missing or unknown property) or in their bytes (cut, flipped).
"""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from hypothesis import strategies as st

from fhir_server.definitions.catalogue import resource_types
from fhir_server.kernel import wire
from fhir_server.kernel.errors import FhirError
from fhir_server.search.parse import searchable
from fhir_server.web.xml import xml_of

EXAMPLES = Path(__file__).parents[2] / "../shared/conformance/r4-examples"
OWN: list[dict[str, Any]] = [
    {
        "resourceType": "Patient",
        "id": "f1",
        "identifier": [{"system": "urn:oid:1.2.3", "value": "7"}],
        "name": [{"family": "Payet", "given": ["Marie", "Lina"]}],
        "birthDate": "1950-02-03",
        "managingOrganization": {"reference": "Organization/f1"},
    },
    {
        "resourceType": "Observation",
        "id": "f1",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "29463-7"}]},
        "subject": {"reference": "Patient/f1"},
        "effectiveDateTime": "2024-03-09T10:00:00+04:00",
        "valueQuantity": {"value": 72.50, "unit": "kg"},
    },
    {"resourceType": "Organization", "id": "f1", "name": "Maison", "active": True},
    {"resourceType": "Binary", "id": "f1", "contentType": "text/plain", "data": "YQ=="},
    {
        "resourceType": "Basic",
        "id": "f1",
        "code": {"text": "x"},
        "extension": [{"url": "http://x.example/a", "valueDecimal": 1.10}],
    },
]


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    target: bytes  # path and query, percent-encoded
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes


@cache
def seeds() -> list[tuple[str, dict[str, Any]]]:
    """(type, resource), small ones."""
    files = sorted(EXAMPLES.glob("*.json"))
    trees = OWN + [json.loads(file.read_bytes()) for file in files if file.stat().st_size < 12_000]
    return [(tree["resourceType"], tree) for tree in trees]


TYPES = sorted(resource_types())
COMMON = ["Patient", "Observation", "Organization", "Basic", "Binary"]
IDS = ["f1", "f2", "f3", "example", "a" * 64]
SHORT = st.text(max_size=8)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**6), 10**6),
    st.sampled_from([10**30, -1, 0, 2**63, 2**31]),
    st.floats(allow_nan=False, allow_infinity=False),
    SHORT,
    st.sampled_from(
        ["2024-02-30", "2024", "Patient/f1", "urn:uuid:x", "#a", "\0", "../x", "é" * 300, "", " ", "http://"]
    ),
)
JSONS = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(["resourceType", "id", "extension", "url", "_id", "x"]) | SHORT, inner
        ),
    ),
    max_leaves=4,
)


def places_in(tree: Any) -> list[tuple[Any, Any]]:
    """Every (holder, key) of a tree."""
    found: list[tuple[Any, Any]] = []
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
        for key, value in items:
            found.append((node, key))
            waiting.append(value)
    return found


@st.composite
def resources(draw: st.DrawFn, of: str = "") -> dict[str, Any]:
    fitting = [tree for name, tree in seeds() if of in {"", name}]
    tree: dict[str, Any] = json.loads(json.dumps(fitting[draw(st.integers(0, len(fitting) - 1))]))
    if draw(st.booleans()):
        tree["id"] = draw(st.sampled_from(IDS))
    for _ in range(draw(st.sampled_from([0, 0, 1, 1, 2, 4]))):
        places = places_in(tree)
        if not places:
            break
        holder, key = places[draw(st.integers(0, 10**6)) % len(places)]
        match draw(st.sampled_from(["set", "set", "drop", "wrap", "add", "other"])):
            case "set":
                holder[key] = draw(JSONS)
            case "drop":
                del holder[key]
            case "wrap":
                holder[key] = [holder[key]] if draw(st.booleans()) else {"value": holder[key]}
            case "add" if isinstance(holder, dict):
                holder[draw(SHORT | st.sampled_from(["extension", "_id", "contained", "meta"]))] = draw(JSONS)
            case _:
                other, name = places[draw(st.integers(0, 10**6)) % len(places)]
                holder[key] = json.loads(json.dumps(other[name]))
    return tree


@st.composite
def json_patches(draw: st.DrawFn) -> list[Any]:
    paths = st.sampled_from(
        ["/active", "/name/0/family", "/name/-", "/name/0", "/meta", "/id", "", "/resourceType", "/extension"]
    )
    one = st.fixed_dictionaries(
        {
            "op": st.sampled_from(["add", "replace", "remove", "test", "copy", "move", "x"]),
            "path": paths | SHORT,
        },
        optional={"value": JSONS, "from": paths | SHORT},
    )
    return draw(st.lists(one | JSONS, max_size=3))


@st.composite
def fhirpath_patches(draw: st.DrawFn) -> dict[str, Any]:
    paths = st.sampled_from(
        [
            "Patient",
            "Patient.name",
            "Patient.active",
            "Patient.name[0].given",
            "Patient.where(active)",
            "1+1",
            "(",
        ]
    )
    operations = []
    for _ in range(draw(st.integers(0, 2))):
        kind = draw(st.sampled_from(["add", "insert", "delete", "replace", "move", "x"]))
        parts: list[Any] = [
            {"name": "type", "valueCode": kind},
            {"name": "path", "valueString": draw(paths | SHORT)},
            {"name": "name", "valueString": draw(st.sampled_from(["active", "name", "birthDate"]) | SHORT)},
            {"name": "index", "valueInteger": draw(st.integers(-1, 3))},
            {"name": "source", "valueInteger": 0},
            {"name": "destination", "valueInteger": 1},
            {
                "name": "value",
                draw(
                    st.sampled_from(["valueBoolean", "valueString", "valueHumanName", "valueDate", "part"])
                ): draw(JSONS),
            },
        ]
        operations.append({"name": "operation", "part": parts})
    tree = {"resourceType": "Parameters", "parameter": operations}
    places = places_in(tree)
    if draw(st.booleans()):
        holder, key = places[draw(st.integers(0, 10**6)) % len(places)]
        holder[key] = draw(JSONS)
    return tree


@st.composite
def bundles(draw: st.DrawFn) -> dict[str, Any]:
    entries: list[Any] = []
    for number in range(draw(st.integers(0, 4))):
        method = draw(st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"]))
        kind = draw(st.sampled_from(COMMON))
        url = draw(urls(kind))
        entry: dict[str, Any] = {"request": {"method": method, "url": url}}
        if draw(st.booleans()):
            entry["fullUrl"] = f"urn:uuid:{number:08d}-0000-4000-8000-000000000000"
        if method in {"POST", "PUT"} or draw(st.booleans()):
            entry["resource"] = draw(resources(kind))
        elif method == "PATCH":
            entry["resource"] = draw(fhirpath_patches())
        if draw(st.booleans()):
            entry["request"][draw(st.sampled_from(["ifMatch", "ifNoneExist", "ifNoneMatch"]))] = draw(
                st.sampled_from(['W/"1"', "identifier=urn:oid:1.2.3|7", "*", "", "x"])
            )
        entries.append(entry)
    tree: dict[str, Any] = {
        "resourceType": "Bundle",
        "type": draw(st.sampled_from(["batch", "transaction", "transaction", "collection"])),
        "entry": entries,
    }
    if entries and draw(st.integers(0, 3)) == 0:
        places = places_in(tree)
        holder, key = places[draw(st.integers(0, 10**6)) % len(places)]
        holder[key] = draw(JSONS)
    return tree


VALUES = st.one_of(
    st.sampled_from(
        [
            "f1",
            "Payet",
            "pay",
            "urn:oid:1.2.3|7",
            "|7",
            "a|",
            "|",
            "ge2024",
            "2024-02-30",
            "ap1950-02-03",
            "ne2024-01-01T10:00:00Z",
            "Patient/f1",
            "http://test.example/fhir/Patient/f1",
            "true",
            "a,b,c",
            "a\\,b",
            "$",
            "72.5|http://unitsofmeasure.org|kg",
            "gt1e400",
            "-1",
            "99999999999999999999",
            "Patient:subject",
            "-birthdate,_id",
            "x" * 3000,
        ]
    ),
    SHORT,
)
CONTROLS = [
    "_id",
    "_lastUpdated",
    "_count",
    "_sort",
    "_total",
    "_summary",
    "_elements",
    "_include",
    "_revinclude",
    "_has:Observation:patient:code",
    "_since",
    "_at",
    "_cursor",
    "_format",
    "_pretty",
    "_type",
    "mode",
    "_filter",
]
MODIFIERS = ["", "", "", ":exact", ":missing", ":not", ":contains", ":Patient", ":text", ":in", ":x", ".name"]


@st.composite
def queries(draw: st.DrawFn, type: str) -> str:
    known = [*searchable(type)] if type in resource_types() else []
    names = st.sampled_from([*known, *known, *CONTROLS])
    parts = []
    for _ in range(draw(st.integers(0, 3))):
        name = draw(SHORT if one_in(draw, 12) else names) + draw(st.sampled_from(MODIFIERS))
        text = f"{quote(name, safe=':._')}={quote(draw(VALUES), safe='|:/,$')}"
        parts.append(
            text if draw(st.integers(0, 9)) else draw(st.sampled_from(["%", "%ff", "%00", "a", "=", "%u1"]))
        )
    return "&".join(parts)


@st.composite
def urls(draw: st.DrawFn, of: str = "") -> str:
    name = of or draw(SHORT if one_in(draw, 12) else st.sampled_from(COMMON * 20 + TYPES))
    identity = draw(SHORT if one_in(draw, 12) else st.sampled_from(IDS * 3 + ["_x", "..", "%00", "a" * 65]))
    path = draw(
        st.sampled_from(
            [
                "T",
                "T",
                "T",
                "T/I",
                "T/I",
                "T/I",
                "T/I",
                "",
                "metadata",
                "_history",
                "_search",
                "T/_history",
                "T/_search",
                "T/I/_history",
                "T/I/_history/1",
                "T/I/_history/V",
                "T/I/Observation",
                "T/I/*",
                "T/I/$everything",
                "$x",
                "T/$validate",
                "T/I/V/V",
            ]
        )
    )
    path = path.replace("V", draw(st.sampled_from(["1", "2", "0", "x", "9" * 30])))
    path = path.replace("T", quote(name)).replace("I", quote(identity, safe="%."))
    query = draw(queries(name))
    return f"{path}?{query}" if query or not draw(st.integers(0, 9)) else path


HEADERS: dict[bytes, list[bytes]] = {
    b"accept": [
        b"application/fhir+json",
        b"application/fhir+xml",
        b"text/html",
        b"image/png",
        b"*/*;q=0",
        b";;,",
        b"application/fhir+json;fhirVersion=3.0",
    ],
    b"accept-encoding": [b"gzip", b"gzip;q=0", b"br", b"*"],
    b"if-match": [b'W/"1"', b'"1"', b"*", b"1", b'W/"x", W/"2"', b""],
    b"if-none-match": [b'W/"1"', b"*", b"x", b'""'],
    b"if-modified-since": [b"Sat, 01 Jan 2124 00:00:00 GMT", b"x", b"Sat, 99 Jan 99999 00:00:00 GMT", b"0"],
    b"if-none-exist": [
        b"identifier=urn:oid:1.2.3|7",
        b"_id=f1",
        b"x=1",
        b"",
        b"%00=",
        b"\xff",
        b"name:exact=a",
    ],
    b"prefer": [
        b"return=minimal",
        b"return=OperationOutcome",
        b"return=representation",
        b"handling=strict",
        b"=;,",
        b"respond-async",
    ],
    b"host": [b"test.example", b"[::1]:80", b"a b", b"x" * 300, b"test.example:99999999"],
    b"origin": [b"http://a.example", b"null"],
    b"x-forwarded-host": [b"evil.example"],
    b"forwarded": [b"host=evil.example;proto=gopher"],
    b"x-request-id": [b"a", b"\xe9", b"x" * 500],
    b"x-import-file": [b"0" * 64, b"x"],
    b"x-http-method-override": [b"DELETE"],
    b"access-control-request-method": [b"PUT"],
}
TYPES_SENT = [
    b"application/fhir+json",
    b"application/fhir+json",
    b"application/fhir+json",
    b"application/json",
    b"application/json-patch+json",
    b"application/fhir+xml",
    b"application/x-www-form-urlencoded",
    b"text/plain",
    b"application/fhir+json; charset=latin-1",
    b"",
]


@st.composite
def requests(draw: st.DrawFn) -> Request:
    """Half of them aimed, body and address agreeing; half of them anything to anywhere."""
    method, url, body, content_type = draw(aimed() if draw(st.booleans()) else wild())
    headers: dict[bytes, bytes] = {}
    for name in draw(st.lists(st.sampled_from(sorted(HEADERS)), max_size=2)):
        headers[name] = draw(st.sampled_from(HEADERS[name]))
    if one_in(draw, 8):
        content_type = draw(st.sampled_from(TYPES_SENT))
    if content_type:
        headers[b"content-type"] = content_type
    if body and one_in(draw, 12):
        at = draw(st.integers(0, len(body) - 1))
        junk = draw(st.sampled_from([b"", b"\x00", b"\xff", b"{", b'"']))
        body = body[:at] + junk + body[at + draw(st.integers(0, 1)) :] if one_in(draw, 2) else body[:at]
    if one_in(draw, 20):
        headers[b"content-encoding"] = draw(st.sampled_from([b"gzip", b"br", b"identity"]))
        body = gzip.compress(body, mtime=0) if draw(st.booleans()) else body
    root = "/fhir/" if url or draw(st.booleans()) else "/fhir"
    return Request(method, (root + url).encode(), tuple(headers.items()), body)


Parts = tuple[str, str, bytes, bytes]  # method, URL below the base, body, Content-Type


@st.composite
def aimed(draw: st.DrawFn) -> Parts:
    common = draw(st.sampled_from(COMMON))
    criteria = f"{common}?{draw(queries(common)) or '_id=f1'}"
    place = criteria if one_in(draw, 4) else f"{common}/{draw(st.sampled_from(IDS))}"
    match draw(
        st.sampled_from(["create", "update", "json patch", "fhirpath patch", "bundle", "search", "form"])
    ):
        case "create" | "update" as action:
            tree = draw(resources("" if one_in(draw, 2) else common))
            found = tree.get("resourceType")
            name = found if found in TYPES else common
            if action == "create":
                return "POST", name, *_written(draw, tree)
            if not one_in(draw, 4):
                place = f"{name}/{quote(str(tree.get('id', 'f1')), safe='')}"
            return "PUT", place, *_written(draw, tree)
        case "json patch":
            return "PATCH", place, _encoded(draw(json_patches())), b"application/json-patch+json"
        case "fhirpath patch":
            return "PATCH", place, *_written(draw, draw(fhirpath_patches()))
        case "bundle":
            return "POST", "", *_written(draw, draw(bundles()))
        case "form":
            body = draw(queries(common)).encode()
            return "POST", f"{common}/_search", body, b"application/x-www-form-urlencoded"
        case _:
            return "GET", criteria, b"", b""


@st.composite
def wild(draw: st.DrawFn) -> Parts:
    method = draw(
        st.sampled_from(["GET", "GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "PROPFIND"])
    )
    url = draw(urls())
    if method in {"POST", "PUT", "PATCH"} or one_in(draw, 20):
        return method, url, *draw(bodies())
    return method, url, b"", b""


@st.composite
def bodies(draw: st.DrawFn) -> tuple[bytes, bytes]:
    """A body and the Content-Type that it asks for."""
    match draw(st.sampled_from(["resource", "patch", "fhirpath", "bundle", "form", "junk"])):
        case "resource":
            return _written(draw, draw(resources()))
        case "patch":
            return _encoded(draw(json_patches())), b"application/json-patch+json"
        case "fhirpath":
            return _written(draw, draw(fhirpath_patches()))
        case "bundle":
            return _written(draw, draw(bundles()))
        case "form":
            return draw(queries("Patient")).encode(), b"application/x-www-form-urlencoded"
        case _:
            return draw(st.binary(max_size=40) | JSONS.map(_encoded)), b"application/fhir+json"


def one_in(draw: st.DrawFn, many: int) -> bool:
    return draw(st.integers(0, many - 1)) == many - 1


def _written(draw: st.DrawFn, tree: dict[str, Any]) -> tuple[bytes, bytes]:
    """The resource in JSON, or in XML where that can say it."""
    body = _encoded(tree)
    if one_in(draw, 4):
        try:
            return xml_of(wire.decode(body)), b"application/fhir+xml"
        except FhirError:
            pass
    return body, b"application/fhir+json"


def _encoded(tree: Any) -> bytes:
    return json.dumps(tree).encode()
