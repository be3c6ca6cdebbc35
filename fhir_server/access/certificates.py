"""The certificate of a client, as a proxy in front of the server tells it, reduced to its thumbprint.

A token may be bound to the certificate of whoever it was issued to: it is worth nothing to anybody else. The proxy ends
TLS and passes on in a header what the client showed: the certificate itself, or its SHA-256.

https://www.rfc-editor.org/rfc/rfc8705#section-3 · https://www.rfc-editor.org/rfc/rfc9440
"""

from __future__ import annotations

import base64
import binascii
import re
from hashlib import sha256
from typing import Final
from urllib.parse import unquote

_LARGEST: Final = 32_768  # bytes of a header that can be a certificate
_ARMOUR: Final = re.compile(r"-----(?:BEGIN|END) CERTIFICATE-----")
_HEX: Final = re.compile(r"(?:[0-9A-Fa-f]{2}:?){31}[0-9A-Fa-f]{2}\Z")
_THUMBPRINT: Final = re.compile(r"[A-Za-z0-9_-]{43}\Z")


def thumbprint_of(header: bytes) -> str:
    """The thumbprint (`x5t#S256`) of the certificate that a header tells; empty when it tells none.

    Read are: `:MII…:` (RFC 9440, HAProxy), PEM with `%` escapes, armoured (nginx, Apache) or not (Traefik), and SHA-256
    in hexadecimal or base64url. Several, as when a client sent that header too, are none.
    """
    if not header or len(header) > _LARGEST:
        return ""
    text = header.decode("latin-1").strip()
    if _THUMBPRINT.match(text):
        return text
    if _HEX.match(text):
        return _base64url(bytes.fromhex(text.replace(":", "")))
    if text.startswith(":") and text.endswith(":"):
        return _digest(text.strip(":"))
    return _digest(_ARMOUR.sub("", unquote(text)))


def _digest(encoded: str) -> str:
    try:
        der = base64.b64decode("".join(encoded.split()), validate=True)
    except (binascii.Error, ValueError):
        return ""
    # Anything may be base64; a certificate is an ASN.1 sequence.
    return _base64url(sha256(der).digest()) if der.startswith(b"\x30") else ""


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
