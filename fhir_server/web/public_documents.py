"""A document fetched from an address that somebody outside wrote down, without ever asking the network inside.

The name is resolved once, every address it has must be a public one, and the connection goes to the very address that
was looked at: a name that means another host a moment later finds nothing. No redirects, no proxies, no compression,
little time and few bytes.

https://cheatsheetseries.owasp.org/cheatsheets/Server_Side_Request_Forgery_Prevention_Cheat_Sheet.html
"""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
from collections.abc import Collection, Sequence
from functools import cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final

import httpx

from fhir_server.kernel.values import immutable

_TIMEOUT_SECONDS: Final = 5.0  # for all of it
_MOST_BYTES: Final = 256_000
_TRIED: Final = 2  # addresses of a name
# Networks that lead to addresses of IPv4, which a gateway may route to where we must not go.
_TRANSLATED: Final = tuple(
    ip_network(text) for text in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32")
)
_MAX_AGE: Final = re.compile(r"(?:^|[\s,])max-age=(\d{1,9})(?:$|[\s,])")


class Unfetchable(Exception):
    """The document was not fetched; the text says why, and repeats nothing that a server answered."""


@immutable
class Document:
    """What was fetched. `max_age`: for how many seconds its server says that it stays true; None: not said."""

    body: bytes
    max_age: int | None = None


async def fetched(url: str, private_hosts: Collection[str] = ()) -> Document:
    """The document at an https address.

    `private_hosts`: names, or names with a port, that an operator trusts wherever they lead, by http too. Raises
    `Unfetchable`.
    """
    try:
        async with asyncio.timeout(_TIMEOUT_SECONDS):
            return await _fetched(url, frozenset(private_hosts))
    except TimeoutError:
        raise Unfetchable("The server did not answer in time") from None
    except httpx.HTTPError:
        raise Unfetchable("The server did not answer as HTTP has it") from None


def require_allowed(url: str, private_hosts: Collection[str] = ()) -> httpx.URL:
    """The address, taken apart. Raises `Unfetchable` for one that is never asked, whatever its name leads to."""
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, UnicodeError):
        raise Unfetchable("The address cannot be read") from None
    trusted = _is_trusted(parsed, private_hosts)
    if parsed.scheme != "https" and not (trusted and parsed.scheme == "http"):
        raise Unfetchable("The address is none of https")
    if not parsed.host or parsed.userinfo or parsed.fragment:
        raise Unfetchable("The address must name a host, and neither a user nor a fragment")
    return parsed


def is_public(address: str) -> bool:
    """Whether an IP address is of the public network, and leads nowhere else."""
    parsed = ip_address(address.partition("%")[0])
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped is not None:
            return _is_public(parsed.ipv4_mapped)
        if any(parsed in network for network in _TRANSLATED):
            return False
    return _is_public(parsed)


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)


def _is_trusted(url: httpx.URL, private_hosts: Collection[str]) -> bool:
    return url.host in private_hosts or f"{url.host}:{_port(url)}" in private_hosts


def _port(url: httpx.URL) -> int:
    return url.port or (443 if url.scheme == "https" else 80)


async def _fetched(url: str, private_hosts: frozenset[str]) -> Document:
    parsed = require_allowed(url, private_hosts)
    addresses = await _addresses(parsed)
    if not _is_trusted(parsed, private_hosts) and not all(map(is_public, addresses)):
        raise Unfetchable("The address leads to a network that is not public")
    # Verified against the system's authorities, as `SSL_CERT_FILE` changes them; never a proxy of the environment.
    transport = httpx.AsyncHTTPTransport(verify=_trust(), retries=0)
    async with httpx.AsyncClient(transport=transport, trust_env=False, follow_redirects=False) as client:
        for place, address in enumerate(addresses[:_TRIED], start=1):
            try:
                return await _asked(client, parsed, address)
            except httpx.ConnectError:
                if place == len(addresses[:_TRIED]):
                    raise
    raise Unfetchable("The name has no address")


async def _addresses(url: httpx.URL) -> Sequence[str]:
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(url.raw_host.decode("ascii"), _port(url), type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise Unfetchable("The name has no address") from None
    return list(dict.fromkeys(str(place[4][0]) for place in found))


async def _asked(client: httpx.AsyncClient, url: httpx.URL, address: str) -> Document:
    request = client.build_request(
        "GET",
        url.copy_with(host=address),
        headers={
            "Host": url.netloc.decode("ascii"),
            "Accept": "application/json",
            "Accept-Encoding": "identity",
        },
        # The certificate must be that of the name, although the connection goes to an address.
        extensions={"sni_hostname": url.raw_host.decode("ascii")},
    )
    answer = await client.send(request, stream=True)
    try:
        if answer.status_code != 200 or answer.headers.get("content-encoding", "identity") != "identity":
            raise Unfetchable("The server has no such document")
        body = bytearray()
        async for part in answer.aiter_raw():
            body += part
            if len(body) > _MOST_BYTES:
                raise Unfetchable(f"The document has more than {_MOST_BYTES} bytes")
    finally:
        await answer.aclose()
    told = _MAX_AGE.search(answer.headers.get("cache-control", "").lower())
    return Document(bytes(body), int(told[1]) if told else None)


@cache
def _trust() -> ssl.SSLContext:
    return ssl.create_default_context()
