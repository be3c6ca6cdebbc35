"""JSON Patch on trees: RFC 6902, with numbers kept as they were written.

A patch document that is not one is refused before anything is changed (400); a patch that does not fit the resource is
refused by the first operation that does not apply (422). What is given back is a new tree.

https://www.rfc-editor.org/rfc/rfc6902 · https://www.rfc-editor.org/rfc/rfc6901 · https://hl7.org/fhir/R4/http.html#patch
"""

from __future__ import annotations

import base64
import binascii
import decimal
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fhir_server.kernel.errors import Malformed, TooLarge, Unprocessable, UnsupportedMediaType
from fhir_server.kernel.wire import MAX_DEPTH, Number, Tree, decimal_of, depth_of, value_of

MEDIA_TYPE = "application/json-patch+json"
MAX_OPERATIONS = 10_000
MAX_BYTES = 50_000_000  # that `copy` may add in all, roughly as JSON

_INDEX = re.compile(r"(0|[1-9][0-9]{0,9})\Z", re.ASCII)
_BAD_ESCAPE = re.compile(r"~(?![01])")
_NEEDS_VALUE = frozenset({"add", "replace", "test"})
_NEEDS_FROM = frozenset({"move", "copy"})
_OPERATIONS = _NEEDS_VALUE | _NEEDS_FROM | {"remove"}
_LONGEST_POINTER = 200  # shown in a message


@dataclass(frozen=True, slots=True)
class _Operation:
    op: str
    path: tuple[str, ...]  # the pointer's tokens, unescaped
    value: Any  # for add, replace and test
    source: tuple[str, ...]  # `from`, for move and copy
    place: str  # how messages name it: `Operation 3 (replace /name/0)`


def apply(tree: Tree, body: bytes) -> Tree:
    """The resource after a JSON Patch document; `tree` itself is not changed.

    Raises `Malformed` when `body` is no patch document, `Unprocessable` when it does not apply, and `TooLarge` when it
    has too many operations or copies too much.
    """
    patched = apply_operations(tree, operations_of(body))
    if not isinstance(patched, dict):
        raise Unprocessable("The patch leaves something that is not a JSON object; a resource is one")
    return patched


def apply_operations(document: Any, operations: Sequence[_Operation]) -> Any:
    """Any JSON value after the operations, in order. `document` itself is not changed."""
    holder = {"": copy_of(document)}  # so that the root has a parent like everything else
    room = MAX_BYTES
    for operation in operations:
        path, place = ("", *operation.path), operation.place
        match operation.op:
            case "add":
                _add(holder, path, copy_of(operation.value), place)
            case "replace":
                _remove(holder, path, place, keep=operation.value)
            case "remove":
                _require_below_root(operation.path, place)
                _remove(holder, path, place)
            case "test":
                if not _equal(_get(holder, path, place), operation.value):
                    raise Unprocessable(f"{place}: the value there is another one")
            case "copy":
                value = _get(holder, ("", *operation.source), place)
                room -= size_of(value)
                if room < 0:
                    raise TooLarge(f"{place}: the patch copies more than {MAX_BYTES:,} bytes")
                _add(holder, path, copy_of(value), place)
            case "move":
                _move(holder, operation)
    return holder[""]


def operations_of(body: bytes) -> list[_Operation]:
    """The operations of a patch document. Raises `Malformed`, or `TooLarge` for more than `MAX_OPERATIONS`."""
    document = value_of(body)
    if not isinstance(document, list):
        raise Malformed("A JSON Patch is an array of operations")
    if len(document) > MAX_OPERATIONS:
        raise TooLarge(
            f"The patch has {len(document):,} operations; this server takes at most {MAX_OPERATIONS:,}"
        )
    return [_operation(item, number) for number, item in enumerate(document)]


def body_of_binary(binary: Tree) -> bytes:
    """The patch document in a Binary, as a PATCH entry of a Bundle carries it.

    https://hl7.org/fhir/R4/http.html#transaction ("PATCH … as a Binary resource")

    Raises `UnsupportedMediaType` for another `contentType` than JSON Patch, `Malformed` for data that is not base64.
    """
    media_type = str(binary.get("contentType", "")).partition(";")[0].strip().lower()
    if media_type != MEDIA_TYPE:
        raise UnsupportedMediaType(
            f"A Binary that is a patch has the contentType {MEDIA_TYPE}", "Binary.contentType"
        )
    try:
        # Line breaks are allowed in base64Binary, and nothing else that is not base64.
        return base64.b64decode("".join(str(binary.get("data", "")).split()), validate=True)
    except (binascii.Error, ValueError):
        raise Malformed("Not base64", "Binary.data") from None


def copy_of(value: Any) -> Any:
    """A deep copy; `Number` cannot change, so it is shared."""
    if isinstance(value, dict):
        return {key: copy_of(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [copy_of(inner) for inner in value]
    return value


def size_of(value: Any) -> int:
    """About how many bytes a value has as JSON."""
    if isinstance(value, dict):
        return 2 + sum(len(key) + 4 + size_of(inner) for key, inner in value.items())
    if isinstance(value, list):
        return 2 + sum(1 + size_of(inner) for inner in value)
    return len(value) + 2 if isinstance(value, str) else 8


def _operation(item: Any, number: int) -> _Operation:
    place = f"Operation {number}"
    if not isinstance(item, dict):
        raise Malformed(f"{place}: an operation is an object with 'op' and 'path'")
    op = item.get("op")
    if not isinstance(op, str) or op not in _OPERATIONS:
        raise Malformed(f"{place}: 'op' is one of {', '.join(sorted(_OPERATIONS))}")
    if op in _NEEDS_VALUE and "value" not in item:
        raise Malformed(f"{place}: '{op}' needs a 'value'")
    path = _tokens(item.get("path"), place, "path")
    source = _tokens(item.get("from"), place, "from") if op in _NEEDS_FROM else ()
    shown = item["path"] if len(item["path"]) <= _LONGEST_POINTER else item["path"][:_LONGEST_POINTER] + "…"
    return _Operation(op, path, item.get("value"), source, f"{place} ({op} {shown or 'the whole document'})")


def _tokens(pointer: Any, place: str, member: str) -> tuple[str, ...]:
    """A JSON Pointer as keys. https://www.rfc-editor.org/rfc/rfc6901#section-3"""
    if not isinstance(pointer, str):
        raise Malformed(f"{place}: '{member}' is missing; it is a JSON Pointer like /name/0/family")
    if pointer and not pointer.startswith("/"):
        raise Malformed(f"{place}: '{member}' is a JSON Pointer, which is empty or starts with '/'")
    if _BAD_ESCAPE.search(pointer):
        raise Malformed(f"{place}: in '{member}', '~' is followed by 0 or 1")
    return tuple(token.replace("~1", "/").replace("~0", "~") for token in pointer.split("/")[1:])


def _get(holder: Any, path: Sequence[str], place: str) -> Any:
    value = holder
    for token in path:
        if isinstance(value, dict) and token in value:
            value = value[token]
        elif isinstance(value, list):
            value = value[_index(value, token, len(value), place)]
        else:
            raise Unprocessable(f"{place}: there is nothing at this place")
    return value


def _add(holder: Any, path: Sequence[str], value: Any, place: str) -> None:
    if len(path) - 1 + depth_of(value) > MAX_DEPTH:
        raise Unprocessable(f"{place}: the result would nest more than {MAX_DEPTH} levels deep")
    parent, last = _get(holder, path[:-1], place), path[-1]
    if isinstance(parent, dict):
        parent[last] = value
    elif isinstance(parent, list):
        parent.insert(len(parent) if last == "-" else _index(parent, last, len(parent) + 1, place), value)
    else:
        raise Unprocessable(f"{place}: its parent is neither an object nor an array")


_GONE: Any = object()


def _remove(holder: Any, path: Sequence[str], place: str, keep: Any = _GONE) -> Any:
    """Take out what is at `path`, or put `keep` in its stead; give back what was there."""
    found = _get(holder, path, place)
    parent, last = _get(holder, path[:-1], place), path[-1]
    key: Any = last if isinstance(parent, dict) else int(last)
    if keep is _GONE:
        del parent[key]
    elif len(path) - 1 + depth_of(keep) > MAX_DEPTH:
        raise Unprocessable(f"{place}: the result would nest more than {MAX_DEPTH} levels deep")
    else:
        parent[key] = copy_of(keep)
    return found


def _move(holder: Any, operation: _Operation) -> None:
    source, path, place = operation.source, operation.path, operation.place
    if len(source) < len(path) and path[: len(source)] == source:
        raise Unprocessable(f"{place}: a value cannot be moved into itself")
    if source == path:
        _get(holder, ("", *source), place)
        return
    _require_below_root(source, place)
    _add(holder, ("", *path), _remove(holder, ("", *source), place), place)


def _require_below_root(path: Sequence[str], place: str) -> None:
    if not path:
        raise Unprocessable(f"{place}: the whole document cannot be removed")


def _index(items: list[Any], token: str, end: int, place: str) -> int:
    if not _INDEX.match(token):
        raise Unprocessable(f"{place}: an array is indexed by a number without leading zeros")
    index = int(token)
    if index >= end:
        raise Unprocessable(f"{place}: the array has only {len(items)} items")
    return index


def _equal(one: Any, other: Any) -> bool:
    """Equality of RFC 6902, section 4.6: numbers by value, objects without regard to order."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_equal(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_equal, one, other))
    if _is_number(one) and _is_number(other):
        try:
            return decimal_of(one) == decimal_of(other)
        except decimal.InvalidOperation:  # an exponent beyond what decimals hold
            return str(one) == str(other)
    return type(one) is type(other) and bool(one == other)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | Number) and not isinstance(value, bool)
