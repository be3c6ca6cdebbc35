from __future__ import annotations

import base64
from hashlib import sha256
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_server.access.certificates import thumbprint_of

DER = b"\x30\x82\x01\x0a" + bytes(range(256))  # begins as any certificate does
ENCODED = base64.b64encode(DER).decode()
DIGEST = sha256(DER)
THUMBPRINT = base64.urlsafe_b64encode(DIGEST.digest()).decode().rstrip("=")
PEM = f"-----BEGIN CERTIFICATE-----\n{ENCODED[:64]}\n{ENCODED[64:]}\n-----END CERTIFICATE-----\n"


@pytest.mark.parametrize(
    "header",
    [
        f":{ENCODED}:",  # RFC 9440
        quote(PEM, safe=""),  # nginx
        quote(ENCODED, safe=""),  # Traefik
        DIGEST.hexdigest(),
        DIGEST.hexdigest().upper(),
        DIGEST.digest().hex(":"),
        THUMBPRINT,
    ],
)
def test_a_certificate_is_read_as_proxies_write_it(header: str) -> None:
    assert thumbprint_of(header.encode()) == THUMBPRINT


@pytest.mark.parametrize(
    "header",
    [
        "",
        "x",
        "YWJj",  # base64, and no certificate
        f"{DIGEST.hexdigest()}, {DIGEST.hexdigest()}",  # a client and a proxy
        f":{ENCODED}:, :{ENCODED}:",
        f"{ENCODED},{ENCODED}",
        "-----BEGIN CERTIFICATE-----",
        "A" * 40_000,
    ],
)
def test_what_is_no_certificate_has_no_thumbprint(header: str) -> None:
    assert thumbprint_of(header.encode()) == ""


@given(st.binary(max_size=200))
def test_any_header_is_a_thumbprint_or_none(header: bytes) -> None:
    assert len(thumbprint_of(header)) in {0, 43}
