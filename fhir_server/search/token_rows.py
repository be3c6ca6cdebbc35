"""What is tested for equality: tokens, references and uris, as hashes.

- token: code and system, the code in lower case unless its system says that case matters (`cases.py`). An element of
  type `code` carries the system of the value set it is bound to.
- the words beside a code, folded, as tokens of their own and in the dictionary, where they stand from each word on; an
  identifier also by its type.
- reference: the number of `Type/id` for a resource of this server, a hash of the text for any other. A versioned
  reference or canonical is there with its version and without. What lies below a base of the server is there as if it
  were written relative. A contained target is noted; a purely logical one gives the identifier.
- uri, and canonical of another server: as it is, and in the dictionary.

https://hl7.org/fhir/R4/search.html#token · https://hl7.org/fhir/R4/search.html#reference
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from fhir_server.definitions.targets import local_key, relative
from fhir_server.kernel.keys import Key
from fhir_server.kernel.wire import Tree
from fhir_server.search.cases import is_sensitive
from fhir_server.search.entries import Hasher
from fhir_server.search.folding import cut, tails
from fhir_server.search.rows import KEPT, LENGTH, Rows, Said, Slot, Writer

BOOLEANS = "http://hl7.org/fhir/special-values"  # the code system of true and false, says the specification
LONGEST_TERM = (
    500  # characters of a uri in the dictionary, whose index takes no more; longer ones are found whole
)

# Tokens -------------------------------------------------------------------------------------------------------------


def _say(rows: Rows, slot: Slot, system: str | None, code: str | None, words: str | None) -> None:
    """A code of a system, and the words beside it. Any of them may be absent."""
    known = slot.said.get((system, code, words))
    if known is None:
        known = _said(rows.hasher, slot, system, code, words)
        if len(slot.said) < KEPT and sum(len(text or "") for text in (system, code, words)) < LENGTH:
            slot.said[system, code, words] = known
    rows.tokens.update(known.tokens)
    rows.codes.update(known.codes)
    rows.present.update(known.present)
    for term in known.terms:
        rows.terms.add(term)
        seed, text, key = term
        for rest in tails(text):  # not remembered: of many short words they are long
            rows.terms.add((seed, rest, key))


def _said(hasher: Hasher, slot: Slot, system: str | None, code: str | None, words: str | None) -> Said:
    tokens: list[tuple[int, int]] = []
    terms: list[tuple[int, str, int]] = []
    if code is not None:
        exact = system is not None and is_sensitive(system)
        key = hasher.code(slot.seed, code) if exact else hasher.folded(slot.seed, code.casefold())
        tokens.append((key, hasher.space(system or "")))
    codes = tuple(tokens) if slot.main else ()
    folded = cut(words) if words and slot.text is not None else ""
    if folded and slot.text is not None:
        key = hasher.of(f"{slot.text}={folded}")
        tokens.append((key, 0))
        terms.append((slot.text, folded, key))
    present = (hasher.system(slot.seed, system),) if system else ()
    return Said(tuple(tokens), codes, tuple(terms), present)


def _coding(rows: Rows, slot: Slot, value: Tree) -> None:
    _say(rows, slot, value.get("system"), value.get("code"), value.get("display"))


def _codeable_concept(rows: Rows, slot: Slot, value: Tree) -> None:
    for coding in value.get("coding", ()):
        _say(rows, slot, coding.get("system"), coding.get("code"), coding.get("display"))
    text = value.get("text")
    if text is not None:
        _say(rows, slot, None, None, text)


def _identifier(rows: Rows, slot: Slot, value: Tree) -> None:
    text, system, kind = value.get("value"), value.get("system"), value.get("type")
    space = _space(rows, slot, system) if system else 0
    if text is not None:
        # Hashed and not kept: no other resource has the same.
        _add(rows, slot, (rows.hasher.of(slot.folded + text.casefold()), space))
    if kind is not None and slot.text is not None:
        if "text" in kind:
            _say(rows, slot, None, None, kind["text"])
        if text is not None:
            _typed(rows, slot, kind, text)


def _typed(rows: Rows, slot: Slot, kind: Tree, text: str) -> None:
    """An identifier by its type."""
    for coding in kind.get("coding", ()):
        if "code" in coding:
            key = rows.hasher.of(f"{slot.of_type}{coding['code'].casefold()}|{text.casefold()}")
            rows.tokens.add((key, rows.hasher.space(coding.get("system", ""))))


def _code(rows: Rows, slot: Slot, value: str) -> None:
    for system in slot.bound.get(value, (None,)):
        _say(rows, slot, system, value, None)
        if system is None and "/" in value:  # a MIME type: `:below` finds it with its parameters
            folded = value.casefold()
            rows.terms.add((slot.seed, folded, rows.hasher.folded(slot.seed, folded)))


def _boolean(rows: Rows, slot: Slot, value: bool) -> None:
    _say(rows, slot, BOOLEANS, "true" if value else "false", None)


def _space(rows: Rows, slot: Slot, system: str) -> int:
    """The number of a system, which the resource then has a token of."""
    known = slot.systems.get(system)
    if known is None:
        known = rows.hasher.system(slot.seed, system), rows.hasher.space(system)
        if len(slot.systems) < KEPT and len(system) < LENGTH:
            slot.systems[system] = known
    rows.present.add(known[0])
    return known[1]


def _plain(rows: Rows, slot: Slot, value: str) -> None:
    _add(rows, slot, (rows.hasher.of(slot.folded + value.casefold()), 0))


def _add(rows: Rows, slot: Slot, token: tuple[int, int]) -> None:
    rows.tokens.add(token)
    if slot.main:
        rows.codes.add(token)


def _count(rows: Rows, slot: Slot, value: int) -> None:
    _plain(rows, slot, str(value))


def _contact_point(rows: Rows, slot: Slot, value: Tree) -> None:
    text = value.get("value")
    if text is not None:
        _plain(rows, slot, text)


# References and uris ------------------------------------------------------------------------------------------------


def _reference(rows: Rows, slot: Slot, value: Tree) -> None:
    text = value.get("reference")
    if text is not None:
        _target(rows, slot, text)
    if slot.identifier is not None and "identifier" in value:
        _identifier(rows, slot.identifier, value["identifier"])


def _target(rows: Rows, slot: Slot, text: str) -> None:
    if text.startswith("#"):
        if slot.code:
            rows.inner.append((slot.code, text[1:]))
        return
    text = relative(text, rows.bases)
    key = _local_key(text)
    if key is None:
        if not slot.shared:
            _verbatim(rows, slot, text)
            if "/_history/" in text:
                _verbatim(rows, slot, text.partition("/_history/")[0])
        return
    rows.references.add((slot.seed, key))
    if not slot.shared:
        hasher = rows.hasher
        rows.tokens.add((hasher.reference(slot.seed, hasher.kept(f"{key[0]}/{key[1]}")), 0))
        if "/_history/" in text:
            _verbatim(rows, slot, text)


def _local_key(text: str) -> Key | None:
    return _kept_key(text) if len(text) < 500 else None


# Many resources point to the same patient.
_kept_key = lru_cache(maxsize=8192)(local_key)


def _verbatim(rows: Rows, slot: Slot, text: str) -> None:
    rows.tokens.add((rows.hasher.of(slot.exact + text), 0))


def _canonical(rows: Rows, slot: Slot, value: str) -> None:
    """A canonical may be local too (`Questionnaire/1`): a query that says so is about the resource of that id.

    What stands as a text is in the dictionary, where `:below` finds the versions.
    """
    value = relative(value, rows.bases)
    plain, bar, _ = value.partition("|")
    if bar and not slot.shared:
        _address(rows, slot, value)
    if slot.shared or plain.startswith("#") or _local_key(plain):
        _target(rows, slot, plain)
    else:
        _address(rows, slot, plain)


def _first_resource(rows: Rows, slot: Slot, value: Tree) -> None:
    """A resource inside a Bundle: found by its type and id, and by its values, yet no reference to anything stored."""
    rows.entered.append((slot.code, value))
    if "id" in value:
        text = f"{value['resourceType']}/{value['id']}"
        rows.tokens.add((rows.hasher.reference(slot.seed, rows.hasher.of(text)), 0))


def _uri(rows: Rows, slot: Slot, value: str) -> None:
    _address(rows, slot, value)
    plain, bar, _ = value.partition("|")
    if bar:
        _address(rows, slot, plain)


def _address(rows: Rows, slot: Slot, text: str) -> None:
    key = rows.hasher.code(slot.seed, text)
    rows.tokens.add((key, 0))
    if len(text) <= LONGEST_TERM:
        rows.terms.add((slot.seed, text, key))


_PLAIN = ("string", "id", "uri", "url", "canonical", "oid", "uuid", "markdown")
_COUNTS = ("integer", "positiveInt", "unsignedInt")  # a guide has the priority of an Appointment as a token
TOKENS: Mapping[tuple[str, str], Writer] = {
    ("token", "Coding"): _coding,
    ("token", "CodeableConcept"): _codeable_concept,
    ("token", "Identifier"): _identifier,
    ("token", "ContactPoint"): _contact_point,
    ("token", "code"): _code,
    ("token", "boolean"): _boolean,
    **{("token", name): _plain for name in _PLAIN},
    **{("token", name): _count for name in _COUNTS},
    ("reference", "Reference"): _reference,
    ("reference", "canonical"): _canonical,
    ("reference", "uri"): _canonical,
    ("reference", "Resource"): _first_resource,
    **{("uri", name): _uri for name in ("uri", "url", "canonical", "oid", "uuid")},
}

# Composites: which codes a value has, as `_said` writes them -------------------------------------------------------


def _codes_of_concept(codes: set[str], bound: Mapping[str, tuple[str, ...]], value: Tree) -> None:
    for coding in value.get("coding", ()):
        _codes_of_coding(codes, bound, coding)


def _codes_of_coding(codes: set[str], bound: Mapping[str, tuple[str, ...]], value: Tree) -> None:
    code = value.get("code")
    if code is not None:
        codes.add(_as_kept(value.get("system"), code))


def _codes_of_code(codes: set[str], bound: Mapping[str, tuple[str, ...]], value: str) -> None:
    for system in bound.get(value, (None,)):
        codes.add(_as_kept(system, value))


def _as_kept(system: str | None, code: str) -> str:
    return code if system is not None and is_sensitive(system) else code.casefold()


# Type of element → what adds the codes of a value to a set. The mapping is `Slot.bound`.
CODES: Mapping[str, Callable[[set[str], Mapping[str, tuple[str, ...]], Any], None]] = {
    "CodeableConcept": _codes_of_concept,
    "Coding": _codes_of_coding,
    "code": _codes_of_code,
}
