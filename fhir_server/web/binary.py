"""A Binary as the document that it carries: served in its own form, and made of whatever was sent.

https://hl7.org/fhir/R4/binary.html#rest
"""

from __future__ import annotations

import binascii
import re
from base64 import b64decode, b64encode

from fhir_server.kernel.wire import Tree, encode
from fhir_server.web.security_headers import SANDBOXED

Headers = list[tuple[bytes, bytes]]

# A header must not carry what could end it.
_VISIBLE = re.compile(r"[\x20-\x7e]+")
# Forms that a browser shows without running anything. Every other one is offered as a download.
_PASSIVE = re.compile(
    r"(?:image/(?:png|jpeg|gif|webp|bmp|tiff)|application/(?:pdf|dicom)|text/plain|audio/[\w.+\-]+|video/[\w.+\-]+)"
    r"\s*(?:;.*)?",
    re.IGNORECASE,
)


def native_of(tree: Tree) -> tuple[bytes, Headers] | None:
    """The content of a Binary, and the headers to serve it with; None when its data is not base64.

    What somebody stored is never run by the browser of somebody else: no scripts, no sniffing, and a download where the
    form could be active.
    """
    try:
        content = b64decode(tree.get("data", ""))
    except (binascii.Error, TypeError, ValueError):
        return None
    content_type = _visible(tree.get("contentType")) or "application/octet-stream"
    headers = [
        (b"content-type", content_type.encode()),
        (b"content-security-policy", SANDBOXED),  # also of a server without authentication
    ]
    if not _PASSIVE.fullmatch(content_type):
        headers.append((b"content-disposition", b"attachment"))
    context = tree.get("securityContext")
    if isinstance(context, dict) and (reference := _visible(context.get("reference"))):
        headers.append((b"x-security-context", reference.encode()))
    return content, headers


def wrapped(content: bytes, content_type: str, security_context: str, id: str | None) -> bytes:
    """The Binary resource that carries `content`. `security_context` is a reference, or empty."""
    tree: Tree = {"resourceType": "Binary"}
    if id is not None:
        tree["id"] = id
    tree["contentType"] = content_type
    if security_context:
        tree["securityContext"] = {"reference": security_context}
    tree["data"] = b64encode(content).decode()
    return encode(tree)


def _visible(text: object) -> str:
    return text if isinstance(text, str) and _VISIBLE.fullmatch(text) else ""
