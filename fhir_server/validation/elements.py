"""What values of data types must be beyond their form: absolute addresses, sizes that are right, harmless texts.

Each rule is a function that says yes, fast, and an issue for where it says no.

https://hl7.org/fhir/R4/datatypes.html
"""

from __future__ import annotations

import binascii
import hashlib
import re
from base64 import b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from fhir_server.kernel.issues import Issue
from fhir_server.kernel.wire import Tree
from fhir_server.validation.finding import is_absolute, text_of
from fhir_server.validation.world import World

Test = Callable[[Any], bool]

_UUID: Final = re.compile(
    r"urn:uuid:[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}(?:[#|].*)?", re.DOTALL
)
_OID: Final = re.compile(r"urn:oid:[0-2](?:\.(?:0|[1-9][0-9]*))+(?:[#|].*)?", re.DOTALL)
_MARKUP: Final = re.compile(r"<[A-Za-z]\w*(?:\s[^<>]*)?/?>")
_EXAMPLES: Final = re.compile(r"(?:^|[/.@])(?:example\.org|acme\.com)", re.IGNORECASE)
_SYSTEMS: Final = ("http:", "https:", "urn:", "file:")
_NAMESPACES: Final = (*_SYSTEMS[:3], "ldap:")
_URI: Final = "urn:ietf:rfc:3986"


@dataclass(frozen=True, slots=True)
class Rule:
    """`test` says yes to what is right; `text` and `french` tell what would be."""

    test: Test
    code: str
    text: str
    french: str
    below: str = ""  # the child that is to blame
    sure: Callable[[Any, World], bool] | None = None  # whether a no is one, where the test alone cannot tell

    def issue(self, place: str) -> Issue:
        return Issue(self.code, self.text, f"{place}{self.below}", french=self.french)


def _data(attachment: Tree) -> bytes | None:
    data = text_of(attachment, "data")
    try:
        return b64decode("".join(data.split()), validate=True) if data else None
    except (binascii.Error, ValueError):
        return None


def _size_is_right(attachment: Tree) -> bool:
    if "size" not in attachment or "data" not in attachment:
        return True
    data = _data(attachment)
    return data is None or len(data) == attachment["size"]


def _hash_is_right(attachment: Tree) -> bool:
    if "hash" not in attachment or "data" not in attachment:
        return True
    data, given = _data(attachment), _data({"data": attachment["hash"]})
    return data is None or given is None or hashlib.sha1(data, usedforsecurity=False).digest() == given


def _has_system(coding: Tree) -> bool:
    system = coding.get("system")
    return system is None or system.startswith(_SYSTEMS)


def _has_code_system(coding: Tree) -> bool:
    return "/ValueSet/" not in coding.get("system", "")


def _is_value_set(coding: Tree, world: World) -> bool:
    system = coding["system"]
    known = world.registry.entry("ValueSet", system) is not None
    return known and world.registry.entry("CodeSystem", system) is None


def _has_namespace(identifier: Tree) -> bool:
    system = identifier.get("system")
    return system is None or system.startswith(_NAMESPACES)


def _is_uri_where_it_says_so(identifier: Tree) -> bool:
    return identifier.get("system") != _URI or "value" not in identifier or is_absolute(identifier["value"])


def _uri(value: str) -> bool:
    # Most start with `h` of http, and are done with.
    if value.startswith("urn:"):
        if value.startswith("urn:uuid:"):
            return _UUID.fullmatch(value) is not None
        return not value.startswith("urn:oid:") or _OID.fullmatch(value) is not None
    return not value.startswith(("oid:", "uuid:"))


def _canonical(value: str) -> bool:
    return value.startswith(("http", "#")) or is_absolute(value)


_WELL_FORMED: Final = Rule(
    _uri,
    "invalid",
    "A URI of an OID is urn:oid: and numbers with dots between them, one of a UUID urn:uuid: and the UUID",
    "L'URI d'un OID est urn:oid: suivi de nombres séparés par des points, celle d'un UUID urn:uuid: suivi de l'UUID",
)

OF_TYPE: Final[Mapping[str, tuple[Rule, ...]]] = {
    "Attachment": (
        Rule(
            _size_is_right,
            "structure",
            "Attachment.size is the number of bytes of the data, before base64",
            "Attachment.size est le nombre d'octets des données, avant base64",
        ),
        Rule(
            _hash_is_right,
            "structure",
            "Attachment.hash is the SHA-1 of the data, in base64",
            "Attachment.hash est le SHA-1 des données, en base64",
        ),
    ),
    "Coding": (
        Rule(
            _has_system,
            "code-invalid",
            "Coding.system is an absolute URI, not a local one",
            "Coding.system est une URI absolue, et non locale",
            ".system",
        ),
        Rule(
            _has_code_system,
            "code-invalid",
            "Coding.system names a value set; it must name a code system",
            "Coding.system désigne un jeu de valeurs ; il doit désigner un système de codes",
            ".system",
            _is_value_set,
        ),
    ),
    "Identifier": (
        Rule(
            _has_namespace,
            "code-invalid",
            "Identifier.system is an absolute URI, not a local one",
            "Identifier.system est une URI absolue, et non locale",
        ),
        Rule(
            _is_uri_where_it_says_so,
            "code-invalid",
            f"Where Identifier.system is {_URI}, the value is a whole URI",
            f"Là où Identifier.system est {_URI}, la valeur est une URI entière",
        ),
    ),
    "uri": (_WELL_FORMED,),
    "url": (_WELL_FORMED,),
    "oid": (_WELL_FORMED,),
    "uuid": (_WELL_FORMED,),
    "canonical": (
        _WELL_FORMED,
        Rule(
            _canonical,
            "invalid",
            "A canonical is an absolute URL, or '#' and the id of a contained resource",
            "Un canonical est une URL absolue, ou « # » et l'id d'une ressource contenue",
        ),
    ),
}

NO_EXAMPLES: Final = Rule(
    lambda value: _EXAMPLES.search(value) is None,
    "invalid",
    "A URL of examples (example.org, acme.com) is not allowed here",
    "Une URL d'exemple (example.org, acme.com) n'est pas admise ici",
)
NO_MARKUP: Final = Rule(
    lambda value: _MARKUP.search(value) is None,
    "security",
    "A string has no HTML in it: whoever shows it could run it",
    "Une chaîne ne contient pas de HTML : qui l'affiche pourrait l'exécuter",
)
ABSOLUTE_URL: Final = Rule(
    is_absolute,
    "invalid",
    "The URL of a definition is absolute",
    "L'URL d'une définition est absolue",
)
