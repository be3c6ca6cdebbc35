"""Addresses of those who ask, behind proxies that are trusted and others."""

from __future__ import annotations

import pytest

from fhir_server.web.origin import Origin


@pytest.mark.parametrize(
    ("trusted", "headers", "address"),
    [
        ((), {b"x-forwarded-for": b"198.51.100.7"}, "10.0.0.1"),
        (("192.0.2.0/24",), {b"x-forwarded-for": b"198.51.100.7"}, "10.0.0.1"),
        (("10.0.0.0/8",), {}, "10.0.0.1"),
        (("10.0.0.0/8",), {b"x-forwarded-for": b"198.51.100.7"}, "198.51.100.7"),
        # What stands further left was written by the client itself.
        (("10.0.0.0/8",), {b"x-forwarded-for": b"203.0.113.9, 198.51.100.7"}, "198.51.100.7"),
        (("10.0.0.0/8",), {b"x-forwarded-for": b"198.51.100.7, 10.0.0.2"}, "198.51.100.7"),
        (("10.0.0.0/8",), {b"x-forwarded-for": b"198.51.100.7, nonsense"}, "10.0.0.1"),
        (("10.0.0.0/8",), {b"x-forwarded-for": b""}, "10.0.0.1"),
        (("*",), {b"x-forwarded-for": b"203.0.113.9, 198.51.100.7"}, "198.51.100.7"),
        (("10.0.0.0/8",), {b"forwarded": b"for=198.51.100.7;proto=https"}, "198.51.100.7"),
        (("10.0.0.0/8",), {b"forwarded": b'for="[2001:db8::1]:4711"'}, "2001:db8::1"),
        (("10.0.0.0/8",), {b"forwarded": b"for=203.0.113.9, proto=https;for=198.51.100.7"}, "198.51.100.7"),
        (("10.0.0.0/8",), {b"forwarded": b"for=_hidden"}, "10.0.0.1"),
        (("10.0.0.0/8",), {b"x-forwarded-for": b"198.51.100.7:4711"}, "198.51.100.7"),
    ],
)
def test_only_a_trusted_proxy_says_for_whom_it_asks(
    trusted: tuple[str, ...], headers: dict[bytes, bytes], address: str
) -> None:
    assert Origin("", trusted).address({"type": "http", "client": ("10.0.0.1", 1)}, headers) == address


def test_a_socket_has_no_address() -> None:
    assert Origin("", ("10.0.0.0/8",)).address({"type": "http", "client": None}, {}) == ""
