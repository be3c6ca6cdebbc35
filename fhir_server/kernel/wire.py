"""Bytes and trees: FHIR JSON as plain `dict` and `list`, with every number as it was written.

A tree holds `dict` (in the sender's key order), `list`, `str`, `bool`, `int` and `Number`. A `Number` is a decimal that
remembers its text, because `1.10` and `1.1` are different measurements to FHIR.

https://hl7.org/fhir/R4/json.html · https://hl7.org/fhir/R4/datatypes.html#decimal
"""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any

import jiter
import orjson

from fhir_server.kernel.errors import Malformed, TooLarge
from fhir_server.kernel.places import place_of
from fhir_server.kernel.times import instant_text

Tree = dict[str, Any]
Number = jiter.LosslessFloat

# The parser stops at 200 levels; R4's deepest real resources (nested Questionnaire items) stay far below.
MAX_DEPTH = 200
# Levels of a resource that is kept: pages, answers of batches and traces, which it is read within, add theirs.
MAX_DEPTH_KEPT = 190
_NEGATIVE_ZERO = re.compile(rb"-0\s*[,\]}]")  # begins with a literal, which is searched for at full speed
_AT_AN_ELEMENT = ("expected value", "key must be a string", "trailing comma")
_PLACE = re.compile(r" at line (\d+) column (\d+)$")


def decode(body: bytes, *, max_bytes: int | None = None) -> Tree:
    """The tree of one JSON object.

    Raises `Malformed` when `body` is empty, not UTF-8, not JSON, not an object, nests more than 200 deep, repeats a key
    or has a control character in a string; `TooLarge` when it is longer than `max_bytes`.
    """
    if max_bytes is not None and len(body) > max_bytes:
        raise TooLarge(f"The body has {len(body):,} bytes; this server takes at most {max_bytes:,}")
    if not body or body.isspace():
        raise Malformed("The request has no body; a JSON object with a 'resourceType' is expected")
    if body.startswith(b"\xef\xbb\xbf"):
        body = body[3:]
    tree = value_of(body)
    if not isinstance(tree, dict):
        raise Malformed("The body is JSON but not an object; a resource starts with '{'")
    return tree


def value_of(body: bytes) -> Any:
    """The value of any JSON text, numbers exact. Raises `Malformed` as `decode` does."""
    try:
        value = jiter.from_json(
            body,
            allow_inf_nan=False,
            cache_mode="keys",
            catch_duplicate_keys=True,
            float_mode="lossless-float",
        )
    except ValueError as error:
        raise Malformed(_reason(str(error)), _place(str(error), body)) from None
    if _NEGATIVE_ZERO.search(body):  # the one number whose text the parser does not keep
        value = json.loads(body, parse_int=_integer, parse_float=_number)
    return value


def encode(tree: Any, *, pretty: bool = False) -> bytes:
    """The JSON text of a tree, numbers digit for digit as they were read; `pretty` with line breaks and indents."""
    return _text(tree, orjson.OPT_INDENT_2 if pretty else None)


def number(text: str) -> Number:
    """The number written `text` (JSON number syntax), as a tree holds it."""
    return Number(text.encode())


def decimal_of(value: int | Number) -> Decimal:
    """The exact value of a number in a tree."""
    return Decimal(value) if isinstance(value, int) else value.as_decimal()


def depth_of(value: Any) -> int:
    """How many objects and lists lie within one another; 0 for a simple value."""
    if isinstance(value, dict):
        return 1 + max(map(depth_of, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(depth_of, value), default=0)
    return 0


def require_shallow(tree: Tree, body: bytes) -> None:
    """Refuse a resource that nests too deep to be kept. `body`: its JSON, alone or within more.

    Raises `Malformed`.
    """
    # An object or a list holds an object, a list none but objects: most have too few of them to nest that deep.
    if 2 * body.count(b"{") > MAX_DEPTH_KEPT and depth_of(tree) > MAX_DEPTH_KEPT:
        raise Malformed(
            f"A resource that is kept nests at most {MAX_DEPTH_KEPT} levels deep", tree["resourceType"]
        )


def same(one: Any, other: Any) -> bool:
    """Whether two trees say the same, key order aside, numbers by their text."""
    return _text(one, orjson.OPT_SORT_KEYS) == _text(other, orjson.OPT_SORT_KEYS)


def stamp(tree: Tree, id: str, version: int, updated: int) -> None:
    """Set `id`, `meta.versionId` and `meta.lastUpdated` in place, and touch nothing else.

    `updated` is in microseconds since 1970 and is written in milliseconds, UTC. An absent `id` goes behind
    `resourceType` and an absent `meta` behind `id`, where readers expect them; what is there keeps its place.
    """
    meta = tree.get("meta")
    stamps = {"versionId": str(version), "lastUpdated": instant_text(updated)}
    if isinstance(meta, dict):
        meta.update(stamps)
    before = "resourceType"
    if "id" in tree:
        before = "id"
        tree["id"] = id
        if meta is not None:
            return
    given = list(tree.items())
    tree.clear()
    for name, value in given:
        tree[name] = value
        if name == before:
            tree["id"] = id
            if meta is None:
                tree["meta"] = stamps


def _number(text: str) -> Number:
    return Number(text.encode())


def _integer(text: str) -> int | Number:
    return Number(b"-0") if text == "-0" else int(text)


def _text(tree: Any, option: int | None) -> bytes:
    try:
        return orjson.dumps(tree, default=_fragment, option=option)
    except TypeError:  # an integer beyond 64 bits, which only a decimal element may hold
        return orjson.dumps(_with_fragments(tree), default=_fragment, option=option)


def _fragment(value: Any) -> orjson.Fragment:
    if isinstance(value, Number):
        return orjson.Fragment(bytes(value))
    raise TypeError(f"{type(value).__name__} does not belong in a tree")


def _with_fragments(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _with_fragments(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_with_fragments(v) for v in value]
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() > 63:
        return orjson.Fragment(str(value).encode())
    return value


def _place(text: str, body: bytes) -> str:
    """The element where reading stopped. Where a comma or a bracket is missing, what was meant is not known."""
    found = _PLACE.search(text)
    if found is None or not text.startswith(_AT_AN_ELEMENT):
        return ""
    inside = text.startswith("expected value")
    return place_of(body, int(found[1]), int(found[2]), inside=inside)


def _reason(text: str) -> str:
    """The parser's complaint without the keys and values that it may quote."""
    place = _PLACE.search(text)
    where = f" (line {place[1]}, column {place[2]})" if place else ""
    if "Detected duplicate key" in text:
        return f"A key is there twice in the same object{where}"
    if "recursion limit" in text:
        return f"The body nests more than {MAX_DEPTH} levels deep{where}"
    if "unicode" in text or "hex escape" in text or "surrogate" in text:
        return f"The body is not valid UTF-8{where}"
    if "control character" in text:
        return f"A string holds a control character that is not escaped{where}"
    return f"The body is not JSON: {text.removesuffix(place[0]) if place else text}{where}"
