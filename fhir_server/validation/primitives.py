"""The lexical rules of R4's primitive types: which JSON values each one takes, and in words what it expects.

Every rule runs in time linear to the value. Dates are real days: the patterns hold the calendar, leap years included,
so that one call of the regular expression engine decides.

https://hl7.org/fhir/R4/datatypes.html#primitive
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from fhir_server.definitions.elements import Child
from fhir_server.kernel.wire import Number
from fhir_server.validation.narrative import is_narrative, wrong_with_narrative
from fhir_server.validation.sentences import Problem

# Truthy: fine. Called with a value of another kind it may raise TypeError, which also means no.
Leaf = Callable[[Any], object]

MAX_STRING = 1024 * 1024
_INT32 = 2**31

_YEAR = "(?!0000)[0-9]{4}"
_MONTH = "(?:0[1-9]|1[0-2])"
_LEAP_YEAR = "(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:0[48]|[2468][048]|[13579][26])00)"
_DAY = (
    f"(?:{_YEAR}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])"
    "|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)"
    "|02-(?:0[1-9]|1[0-9]|2[0-8]))"
    f"|{_LEAP_YEAR}-02-29)"
)
# A day that every month of every year has: most are, and they are decided soonest.
_USUAL_DAY = "(?:[12][0-9]{3}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8]))"
_TIME = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:(?:[0-5][0-9]|60)(?:\.[0-9]+)?"
_ZONE = "(?:Z|[+-](?:(?:0[0-9]|1[0-3]):[0-5][0-9]|14:00))"

# A day of any calendar: what separates "no such day" from "not written as a date".
_ANY_DAY = re.compile(rf"{_YEAR}-{_MONTH}-(?:0[1-9]|[12][0-9]|3[01])(?:T.*)?", re.DOTALL)
_BASE64 = re.compile("[A-Za-z0-9+/]+={0,2}")


def _matches(pattern: str) -> Leaf:
    return re.compile(pattern).fullmatch


def _boolean(value: Any) -> bool:
    return value is True or value is False


def _integer(value: Any) -> bool:
    # `type is` and not isinstance: True is an int to Python, and `-0` comes as a Number.
    return (type(value) is int and -_INT32 <= value < _INT32) or _negative_zero(value)


def _unsigned_int(value: Any) -> bool:
    return type(value) is int and 0 <= value < _INT32


def _positive_int(value: Any) -> bool:
    return type(value) is int and 0 < value < _INT32


def _decimal(value: Any) -> bool:
    return type(value) is int or type(value) is Number


def _negative_zero(value: Any) -> bool:
    return type(value) is Number and bytes(value) == b"-0"


def _base64(value: str) -> bool:
    # White space is removed first: the pattern of R4 backtracks without end on long values.
    packed = value if _BASE64.fullmatch(value) else "".join(value.split())
    return len(packed) % 4 == 0 and _BASE64.fullmatch(packed) is not None


_string = _matches(rf"[^\x00-\x08\x0b\x0c\x0e-\x1f]{{1,{MAX_STRING}}}")
_uri = _matches(r"[^\s\x00-\x1f]+")

LEAVES: Mapping[str, Leaf] = {
    "base64Binary": _base64,
    "boolean": _boolean,
    "canonical": _uri,
    "code": _matches(r"[^\s\x00-\x1f]+(?: [^\s\x00-\x1f]+)*"),
    "date": _matches(f"{_USUAL_DAY}|{_DAY}|{_YEAR}(?:-{_MONTH})?"),
    "dateTime": _matches(f"(?:{_USUAL_DAY}|{_DAY})(?:T{_TIME}{_ZONE})?|{_YEAR}(?:-{_MONTH})?"),
    "decimal": _decimal,
    "id": _matches(r"[A-Za-z0-9\-.]{1,64}"),
    "instant": _matches(f"(?:{_USUAL_DAY}|{_DAY})T{_TIME}{_ZONE}"),
    "integer": _integer,
    "markdown": _string,
    "oid": _matches(r"urn:oid:[0-2](?:\.(?:0|[1-9][0-9]*))+"),
    "positiveInt": _positive_int,
    "string": _string,
    "time": _matches(_TIME),
    "unsignedInt": _unsigned_int,
    "uri": _uri,
    "url": _uri,
    "uuid": _matches("urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"),
    "xhtml": is_narrative,
}

_TEXT = "one character or more, at most 1,048,576, no control characters but tab and line ends"
_EXPECTED: Mapping[str, str] = {
    "base64Binary": "base64 in groups of four characters (A-Z a-z 0-9 + / =)",
    "boolean": "true or false, without quotes",
    "canonical": "a URI without white space, not empty",
    "code": "words of printable characters with single spaces between them",
    "date": "YYYY, YYYY-MM or YYYY-MM-DD",
    "dateTime": "YYYY, YYYY-MM, YYYY-MM-DD or YYYY-MM-DDThh:mm:ss+zz:zz (a time has seconds and a time zone)",
    "decimal": "a number, without quotes",
    "id": "1 to 64 characters of A-Z a-z 0-9 - .",
    "instant": "YYYY-MM-DDThh:mm:ss+zz:zz, with seconds and a time zone",
    "integer": "a whole number from -2,147,483,648 to 2,147,483,647, without quotes, fraction or exponent",
    "markdown": _TEXT,
    "oid": "urn:oid: and numbers with dots between them",
    "positiveInt": "a whole number from 1 to 2,147,483,647, without quotes, fraction or exponent",
    "string": _TEXT,
    "time": "hh:mm:ss, up to 23:59:59, without a time zone",
    "unsignedInt": "a whole number from 0 to 2,147,483,647, without quotes, fraction or exponent",
    "uri": "a URI without white space, not empty",
    "url": "a URL without white space, not empty",
    "uuid": "urn:uuid: and a UUID in lower case",
    "xhtml": "XHTML in a string, starting with <div",
}
_TEXTE = "un caractère au moins, 1 048 576 au plus, sans caractères de contrôle autres que tabulation et fins de ligne"
_ATTENDU: Mapping[str, str] = {
    "base64Binary": "du base64 par groupes de quatre caractères (A-Z a-z 0-9 + / =)",
    "boolean": "true ou false, sans guillemets",
    "canonical": "une URI sans espace, non vide",
    "code": "des mots de caractères visibles, séparés par une seule espace",
    "date": "AAAA, AAAA-MM ou AAAA-MM-JJ",
    "dateTime": (
        "AAAA, AAAA-MM, AAAA-MM-JJ ou AAAA-MM-JJThh:mm:ss+zz:zz (une heure a des secondes et un fuseau horaire)"
    ),
    "decimal": "un nombre, sans guillemets",
    "id": "1 à 64 caractères parmi A-Z a-z 0-9 - .",
    "instant": "AAAA-MM-JJThh:mm:ss+zz:zz, avec secondes et fuseau horaire",
    "integer": "un entier de -2 147 483 648 à 2 147 483 647, sans guillemets, décimales ni exposant",
    "markdown": _TEXTE,
    "oid": "urn:oid: suivi de nombres séparés par des points",
    "positiveInt": "un entier de 1 à 2 147 483 647, sans guillemets, décimales ni exposant",
    "string": _TEXTE,
    "time": "hh:mm:ss, jusqu'à 23:59:59, sans fuseau horaire",
    "unsignedInt": "un entier de 0 à 2 147 483 647, sans guillemets, décimales ni exposant",
    "uri": "une URI sans espace, non vide",
    "url": "une URL sans espace, non vide",
    "uuid": "urn:uuid: suivi d'un UUID en minuscules",
    "xhtml": "du XHTML dans une chaîne, qui commence par <div",
}
_EN_FRANCAIS = {"boolean": "booléen", "number": "nombre", "string": "chaîne"}
_VOWEL = {"id", "instant", "integer", "oid", "unsignedInt", "xhtml"}
_NUMERIC = {"integer", "unsignedInt", "positiveInt", "decimal"}


def is_of(type_: str, value: Any) -> bool:
    """Whether `value` is one of the primitive type `type_`."""
    try:
        return bool(LEAVES[type_](value))
    except TypeError:
        return False


def may_be_extended(child: Child) -> bool:
    """Whether a primitive element may have an id or extensions: XML attributes and XHTML have no room for them."""
    return not child.attribute and child.type != "xhtml"


def wrong_with(type_: str, value: Any) -> Problem:
    """For a value that `is_of` refuses: what is wrong, without repeating the value."""
    wanted = "boolean" if type_ == "boolean" else "number" if type_ in _NUMERIC else "string"
    name = f"an {type_}" if type_ in _VOWEL else f"a {type_}"
    if _json_kind(value) != wanted:
        return Problem(
            "structure",
            f"Not a JSON {wanted}: {name} is {_EXPECTED[type_]}",
            f"La valeur JSON attendue est de type {_EN_FRANCAIS[wanted]} ; pour {type_} : {_ATTENDU[type_]}",
        )
    if type_ == "xhtml":
        return wrong_with_narrative(value)
    if (
        type_ in {"date", "dateTime", "instant"}
        and _ANY_DAY.fullmatch(value)
        and not is_of("date", value[:10])
    ):
        return Problem(
            "value",
            f"Not {name}: the month has no such day",
            f"La valeur n'est pas de type {type_} : le mois n'a pas ce jour",
        )
    return Problem(
        "value",
        f"Not {name}: expected is {_EXPECTED[type_]}",
        f"La valeur n'est pas de type {type_} ; attendu : {_ATTENDU[type_]}",
    )


def _json_kind(value: Any) -> str:
    match value:
        case bool():
            return "boolean"
        case int() | Number():
            return "number"
        case str():
            return "string"
        case _:
            return "other"
