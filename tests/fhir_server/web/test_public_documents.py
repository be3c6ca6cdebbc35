"""Documents at addresses that somebody outside wrote down."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from fhir_server.web.public_documents import Document, Unfetchable, fetched, is_public, require_allowed


@asynccontextmanager
async def server(answer: bytes, heard: list[bytes] | None = None) -> AsyncIterator[int]:
    """A server on loopback that answers everything with the same bytes; gives its port."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        if heard is not None:
            heard.append(request)
        writer.write(answer)
        await writer.drain()
        writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with listening:
        yield listening.sockets[0].getsockname()[1]


def http(body: bytes, *headers: bytes, status: bytes = b"200 OK") -> bytes:
    return b"\r\n".join([b"HTTP/1.1 " + status, b"content-length: %d" % len(body), *headers, b"", body])


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.8.8.8",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "255.255.255.255",
        "224.0.0.1",
        "240.0.0.1",
        "192.0.2.1",
        "::",
        "::1",
        "fe80::1",
        "fe80::1%eth0",
        "fc00::1",
        "fd12::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b::a00:1",
        "2002:7f00:1::",
        "2001::1",
        "2001:db8::1",
    ],
)
def test_addresses_of_networks_inside_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["1.1.1.1", "193.0.6.139", "2606:4700:4700::1111", "::ffff:1.1.1.1"])
def test_addresses_of_the_internet_are_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "url",
    [
        "http://keys.example.org/",
        "ftp://keys.example.org/",
        "file:///etc/passwd",
        "https://",
        "https:///path",
        "https://user@keys.example.org/",
        "https://user:password@keys.example.org/",
        "https://keys.example.org/#fragment",
        "https://[::1",
        "keys.example.org",
        "",
    ],
)
def test_some_addresses_are_never_asked(url: str) -> None:
    with pytest.raises(Unfetchable):
        require_allowed(url)


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "[::1]", "169.254.169.254", "10.0.0.1", "0.0.0.0", "2130706433", "0x7f000001"],
)
async def test_nobody_inside_is_ever_asked(host: str) -> None:
    with pytest.raises(Unfetchable, match=r"network that is not public|no address"):
        await fetched(f"https://{host}/jwks")


async def test_a_host_that_the_operator_trusts_is_asked_wherever_it_is() -> None:
    heard: list[bytes] = []
    async with server(http(b"{}", b"cache-control: public, max-age=90"), heard) as port:
        found = await fetched(f"http://127.0.0.1:{port}/jwks?a=b", {f"127.0.0.1:{port}"})

    assert found == Document(b"{}", 90)
    assert heard[0].startswith(b"GET /jwks?a=b HTTP/1.1\r\n")


async def test_a_trusted_port_does_not_open_the_others_of_its_host() -> None:
    async with server(http(b"{}")) as port:
        with pytest.raises(Unfetchable):
            await fetched(f"http://127.0.0.1:{port}/", {"127.0.0.1:1"})


async def test_the_connection_goes_to_the_address_that_was_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name server that says something else the second time is not asked a second time."""
    heard: list[bytes] = []
    asked: list[Any] = []
    loop = asyncio.get_running_loop()
    resolve = loop.getaddrinfo

    async def resolving(host: Any, port: Any, **options: Any) -> Any:
        asked.append(host)
        return await resolve("127.0.0.1" if host == "keys.example" else host, port, **options)

    monkeypatch.setattr(loop, "getaddrinfo", resolving)
    async with server(http(b"{}"), heard) as port:
        await fetched(f"http://keys.example:{port}/", {"keys.example"})

    assert asked.count("keys.example") == 1
    assert f"host: keys.example:{port}".encode() in heard[0].lower()


async def test_one_address_inside_among_others_is_enough_to_refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    async def resolving(host: Any, port: Any, **options: Any) -> Any:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (text, port)) for text in ("1.1.1.1", "10.0.0.1")]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", resolving)

    with pytest.raises(Unfetchable, match="not public"):
        await fetched("https://keys.example/")


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (http(b"", b"location: http://127.0.0.1/", status=b"302 Found"), "no such document"),
        (http(b"", status=b"404 Not Found"), "no such document"),
        (http(b"{}", b"content-encoding: gzip"), "no such document"),
        (http(b"a" * 300_000), "more than"),
        (b"nonsense\r\n\r\n", "HTTP"),
        (b"", "HTTP"),
    ],
    ids=["redirect", "absent", "compressed", "long", "nonsense", "nothing"],
)
async def test_an_answer_of_another_kind_is_none(answer: bytes, reason: str) -> None:
    async with server(answer) as port:
        with pytest.raises(Unfetchable, match=reason):
            await fetched(f"http://127.0.0.1:{port}/", {"127.0.0.1"})


async def test_a_host_that_is_away_is_said_to_be() -> None:
    with pytest.raises(Unfetchable):
        await fetched("http://127.0.0.1:1/", {"127.0.0.1"})
    with pytest.raises(Unfetchable, match="no address"):
        await fetched("https://nothing.invalid/")


async def test_a_proxy_of_the_environment_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")

    async with server(http(b"{}")) as port:
        assert (await fetched(f"http://127.0.0.1:{port}/", {"127.0.0.1"})).body == b"{}"
