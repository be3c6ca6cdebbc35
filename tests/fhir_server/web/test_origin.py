from __future__ import annotations

from typing import Any

import pytest

from fhir_server.kernel.errors import Malformed
from fhir_server.web.origin import Origin


def scope(peer: str | None = "10.0.0.9") -> dict[str, Any]:
    return {"scheme": "http", "server": ("127.0.0.1", 8080), "client": None if peer is None else (peer, 5)}


def test_a_set_base_goes_before_everything() -> None:
    origin = Origin("https://fhir.example.org/r4/", ["*"])

    assert origin.base(scope(), {b"host": b"x", b"x-forwarded-host": b"y"}) == "https://fhir.example.org/r4"


def test_without_a_setting_the_host_header_says_it() -> None:
    assert Origin().base(scope(), {b"host": b"localhost:8080"}) == "http://localhost:8080/fhir"
    assert Origin().base(scope(), {b"host": b"[::1]:8080"}) == "http://[::1]:8080/fhir"


def test_without_a_host_header_the_socket_says_it() -> None:
    assert Origin().base(scope(), {}) == "http://127.0.0.1:8080/fhir"


@pytest.mark.parametrize(
    ("headers", "base"),
    [
        ({b"x-forwarded-proto": b"https"}, "https://inside/fhir"),
        ({b"x-forwarded-proto": b"https", b"x-forwarded-host": b"out.org"}, "https://out.org/fhir"),
        ({b"x-forwarded-host": b"out.org, inner.org"}, "http://out.org/fhir"),
        ({b"x-forwarded-host": b"out.org", b"x-forwarded-port": b"8443"}, "http://out.org:8443/fhir"),
        ({b"x-forwarded-proto": b"https", b"x-forwarded-port": b"443"}, "https://inside/fhir"),
        ({b"x-forwarded-host": b"out.org:1", b"x-forwarded-port": b"2"}, "http://out.org:1/fhir"),
        ({b"x-forwarded-prefix": b"/care/"}, "http://inside/care/fhir"),
        (
            {b"forwarded": b'for=1.2.3.4;proto=https;host="out.org:444", for=5.6.7.8'},
            "https://out.org:444/fhir",
        ),
        ({b"forwarded": b"proto=HTTPS;host=a.org", b"x-forwarded-host": b"b.org"}, "https://a.org/fhir"),
    ],
)
def test_a_trusted_proxy_tells_the_public_address(headers: dict[bytes, bytes], base: str) -> None:
    assert Origin("", ["10.0.0.0/8"]).base(scope(), {b"host": b"inside", **headers}) == base


@pytest.mark.parametrize("peer", ["192.0.2.1", "unix:", None])
def test_nobody_else_can(peer: str | None) -> None:
    headers = {b"host": b"inside", b"x-forwarded-host": b"evil.org", b"forwarded": b"host=evil.org"}

    assert Origin("", ["10.0.0.9"]).base(scope(peer), headers) == "http://inside/fhir"


def test_behind_a_star_everybody_is_a_proxy() -> None:
    assert Origin("", ["*"]).base(scope(None), {b"x-forwarded-host": b"out.org"}) == "http://out.org/fhir"


@pytest.mark.parametrize(
    "headers",
    [
        {b"host": b"a b"},
        {b"host": b"evil.org/path"},
        {b"host": b"user@evil.org"},
        {b"host": b"x", b"x-forwarded-host": b"<script>"},
        {b"host": b"x", b"x-forwarded-proto": b"javascript"},
        {b"host": b"x", b"x-forwarded-prefix": b"//evil.org"},
    ],
)
def test_what_cannot_be_a_host_never_gets_into_a_link(headers: dict[bytes, bytes]) -> None:
    with pytest.raises(Malformed):
        Origin("", ["*"]).base(scope(), headers)


def test_a_proxy_that_is_no_address_is_refused_at_the_start() -> None:
    with pytest.raises(ValueError, match="does not appear to be"):
        Origin("", ["proxy.local"])
