"""What the text of a reference says: which type, and which resource of this server.

A reference is local when it is relative (`Patient/1`) or absolute below one of the server's own bases. A version
(`/_history/2`) names a moment of the same resource.

https://hl7.org/fhir/R4/references.html#literal
"""

from __future__ import annotations

import re

from fhir_server.definitions.catalogue import resource_types
from fhir_server.kernel.keys import Key
from fhir_server.kernel.wire import Tree

_RELATIVE = re.compile(
    r"([A-Z][A-Za-z]+)/([A-Za-z0-9\-.]{1,64})(?:/_history/[A-Za-z0-9\-.]{1,64})?(?:#.*)?\Z"
)
_TYPED = re.compile(r"(?:.*/)?([A-Z][A-Za-z]+)/[A-Za-z0-9\-.]{1,64}(?:/_history/[A-Za-z0-9\-.]{1,64})?\Z")


def local_key(text: str, bases: tuple[str, ...] = ()) -> Key | None:
    """The resource of this server that a reference names, or None when it is not local.

    `bases` are the public base URLs of the server, without a slash at the end.
    """
    found = _RELATIVE.match(relative(text, bases))
    if found is None or found[1] not in resource_types():
        return None
    return Key(found[1], found[2])


def relative(text: str, bases: tuple[str, ...]) -> str:
    """A reference as it is written relative to this server; itself where it lies below none of the `bases`."""
    if text.startswith(("http://", "https://")):
        # http and https are never two different things: https://hl7.org/fhir/R4/http.html#root
        address = text.partition("://")[2]
        for base in bases:
            own = base.partition("://")[2] + "/"
            if own != "/" and address.startswith(own):
                return address[len(own) :]
    return text


def type_in(text: str) -> str:
    """The resource type that a reference's text names; empty when it names none (`urn:uuid:…`, `#a`)."""
    found = _TYPED.match(text)
    return found[1] if found and found[1] in resource_types() else ""


def points_to(reference: Tree, resource_type: str, root: Tree) -> bool:
    """Whether a Reference in the resource `root` says that its target is a `resource_type`.

    The text decides where it names a type (`Patient/1`, `https://x.example/fhir/Patient/1`) or a contained resource;
    otherwise `Reference.type` does.
    """
    text = reference.get("reference")
    if text:
        if text.startswith(resource_type + "/"):
            return True
        if text[0] == "#":
            return any(
                inner.get("id") == text[1:] and inner.get("resourceType") == resource_type
                for inner in root.get("contained", ())
            )
        named = type_in(text)
        if named:
            return named == resource_type
    said: str = reference.get("type", "")
    return said.rpartition("/")[2] == resource_type
