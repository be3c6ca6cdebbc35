"""Under which base URL a request reached this server: a setting, or what the request says of itself.

`Forwarded` and `X-Forwarded-*` count only when the peer is a trusted proxy; anybody can send them.

https://www.rfc-editor.org/rfc/rfc7239 · https://hl7.org/fhir/R4/http.html#general
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any

from starlette.types import Scope

from fhir_server.kernel.errors import Malformed

ROOT = "/fhir"
_HOST = re.compile(r"(?:[A-Za-z0-9._\-]{1,255}|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?")
_PREFIX = re.compile(r"(?:/[A-Za-z0-9._~\-]+)*/?")


class Origin:
    """The public base of requests. `base_url` empty: it is derived from each request."""

    def __init__(self, base_url: str = "", trusted_proxies: Sequence[str] = ()) -> None:
        """`trusted_proxies` are addresses or networks; `*` is everybody, for a server that only a proxy can reach.

        Raises `ValueError` for one that is neither.
        """
        self._fixed = base_url.rstrip("/")
        self._everybody = "*" in trusted_proxies
        self._networks = [ip_network(text) for text in trusted_proxies if text != "*"]

    def base(self, scope: Scope, headers: Mapping[bytes, bytes]) -> str:
        """The base, without a slash at the end. Raises `Malformed` when the request names an impossible host."""
        if self._fixed:
            return self._fixed
        host = headers.get(b"host") or _server_of(scope)
        if self.is_proxied(scope):
            return _forwarded_base(scope["scheme"], host, headers)
        return _base(scope["scheme"], host, "")

    def address(self, scope: Scope, headers: Mapping[bytes, bytes]) -> str:
        """The network address of who asks; behind trusted proxies, what the outermost of them saw.

        Empty where there is none: of a Unix socket.
        """
        client = scope.get("client")
        address: str = client[0] if client else ""
        if not self.is_proxied(scope):
            return address
        # Each proxy adds to the end whom it got the request from; what stands before that, anybody may have sent.
        for seen in _seen(headers):
            address = seen
            if self._everybody or not _is_within(seen, tuple(self._networks)):
                break
        return address

    def is_proxied(self, scope: Scope) -> bool:
        """Whether the peer is a proxy that is trusted."""
        return bool(self._networks or self._everybody) and self._trusts(scope.get("client"))

    def _trusts(self, client: Sequence[Any] | None) -> bool:
        return self._everybody or (client is not None and _is_within(client[0], tuple(self._networks)))


@lru_cache(maxsize=1024)
def _is_within(address: str, networks: tuple[IPv4Network | IPv6Network, ...]) -> bool:
    try:
        peer = ip_address(address)
    except ValueError:  # the name of a Unix socket
        return False
    return any(peer in network for network in networks)


def _forwarded_base(scheme: str, host: bytes, headers: Mapping[bytes, bytes]) -> str:
    told = _forwarded(headers[b"forwarded"]) if b"forwarded" in headers else {}
    scheme = told.get("proto") or _first(headers, b"x-forwarded-proto") or scheme
    if scheme.lower() not in {"http", "https"}:
        raise Malformed("The proxy forwarded a scheme that is neither http nor https", code="value")
    public = told.get("host") or _first(headers, b"x-forwarded-host") or host.decode("latin-1")
    port = _first(headers, b"x-forwarded-port")
    if port.isdigit() and "host" not in told and not re.search(r":\d+\Z", public):
        public = public if port == {"http": "80", "https": "443"}[scheme.lower()] else f"{public}:{port}"
    return _base(scheme.lower(), public.encode("latin-1"), _first(headers, b"x-forwarded-prefix"))


def _forwarded(value: bytes) -> dict[str, str]:
    """The parameters of the first element, which the proxy nearest to the client wrote."""
    found = {}
    for part in value.decode("latin-1").split(",")[0].split(";"):
        name, _, text = part.partition("=")
        found[name.strip().lower()] = text.strip().strip('"')
    return found


def _seen(headers: Mapping[bytes, bytes]) -> Iterator[str]:
    """The addresses that proxies noted, the last one first, up to what is none."""
    noted = headers.get(b"x-forwarded-for", b"")
    if noted:
        texts = [text.strip() for text in noted.decode("latin-1").split(",")]
    else:
        texts = [_forwarded(part).get("for", "") for part in headers.get(b"forwarded", b"").split(b",")]
    for text in reversed(texts):
        host = text[1:].partition("]")[0] if text.startswith("[") else text
        if host.count(":") == 1:
            host = host.partition(":")[0]
        try:
            yield str(ip_address(host))
        except ValueError:
            return


def _first(headers: Mapping[bytes, bytes], name: bytes) -> str:
    return headers.get(name, b"").decode("latin-1").split(",")[0].strip()


@lru_cache(maxsize=1024)
def _base(scheme: str, host: bytes, prefix: str) -> str:
    name = host.decode("latin-1")
    # It goes into Location and into every link: nothing but a host may pass.
    if not _HOST.fullmatch(name):
        raise Malformed("The Host header does not name a host", code="value")
    if not _PREFIX.fullmatch(prefix):
        raise Malformed("The proxy forwarded a prefix that is not a path", code="value")
    return f"{scheme}://{name}{prefix.rstrip('/')}{ROOT}"


def _server_of(scope: Scope) -> bytes:
    """The host of an HTTP/1.0 request, which need not name one."""
    name, port = scope.get("server") or ("localhost", None)
    return (f"{name}:{port}" if port else str(name)).encode()
