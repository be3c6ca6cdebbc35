"""An ASGI application asked without a network, and its answers in names that two servers share.

What a server makes up (ids, UUIDs, cursors) is named in the order in which a client meets it, so that two servers that
made up different ones can be compared; a request in these names is put into the words of each server before it is sent.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from starlette.types import ASGIApp, Message

from fhir_server.kernel.wire import Tree

BASE: Final = "http://test.example/fhir"
JSON: Final = "application/fhir+json"

# In the order in which they are looked for: a cursor may hold anything. Each begins with a letter, to be found soon.
_MADE: Final = {
    "cursor": re.compile(r"(_cursor=)([^\"&<\s]+)"),
    "uuid": re.compile(r"(urn:uuid:)([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"),
    "code": re.compile(r"()([A-Z2-7]{4}(?:-[A-Z2-7]{4}){7})"),
    "id": re.compile(r"()(0(?<![0-9A-Za-z]0)[0-9a-hjkmnp-tv-z]{12})(?![0-9A-Za-z])"),
}
_NAMED: Final = re.compile(r"named-(?:cursor|uuid|code|id)-[0-9]+")
# Follows from the body, which has been renamed.
_LENGTH: Final = "content-length"
_TRACE: Final = (
    "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"  # else each request had an id of its own
)


@dataclass(frozen=True)
class Request:
    """`path`: behind the base, with its query. `content`: a tree, or bytes of the type that the headers name."""

    method: str
    path: str
    content: Tree | str | None = None
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def body(self) -> str:
        content = self.content
        return content if isinstance(content, str) else json.dumps(content) if content is not None else ""

    def __str__(self) -> str:
        return f"{self.method} {self.path} {self.headers or ''} {self.body[:2000]}".rstrip()


@dataclass(frozen=True)
class Answer:
    status: int
    headers: tuple[tuple[str, str], ...]
    body: str

    @property
    def tree(self) -> Tree:
        """The body, where it is a resource in JSON; else an empty tree."""
        if not self.body.startswith("{"):
            return {}
        found: Tree = json.loads(self.body)
        return found

    def header(self, name: str) -> str:
        return dict(self.headers).get(name, "")

    def link(self, relation: str) -> str:
        """A link of a Bundle, behind the base; empty: there is none."""
        urls = [link["url"] for link in self.tree.get("link", ()) if link["relation"] == relation]
        return urls[0].removeprefix(BASE).lstrip("/") if urls else ""

    @property
    def resources(self) -> list[Tree]:
        return [entry["resource"] for entry in self.tree.get("entry", ()) if "resource" in entry]


class Names:
    """What one server made up, by the names that its client gave."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._made: dict[str, str] = {}
        self._counts = dict.fromkeys(_MADE, 0)

    def named(self, text: str) -> str:
        for kind, made in _MADE.items():
            text = made.sub(partial(self._name, kind), text)
        return text

    def made(self, text: str) -> str:
        """The text in the server's own words again."""
        return _NAMED.sub(lambda found: self._made.get(found[0], found[0]), text)

    def _name(self, kind: str, found: re.Match[str]) -> str:
        before, made = found.groups()
        if _NAMED.fullmatch(made):
            return found[0]
        if made not in self._names:
            self._counts[kind] += 1
            name = f"named-{kind}-{self._counts[kind]}"
            self._names[made], self._made[name] = name, made
        return f"{before}{self._names[made]}"


class Asker:
    """One client of one server."""

    def __init__(self, app: ASGIApp, tick: Callable[[], None]) -> None:
        """`tick`: moves the clock on, before a request."""
        self._app = app
        self._tick = tick
        self._names = Names()

    async def __call__(self, request: Request) -> Answer:
        self._tick()
        names = self._names
        path, _, query = names.made(request.path).partition("?")
        body = names.made(request.body).encode()
        given = {"host": "test.example", "traceparent": _TRACE, **request.headers}
        if body and "content-type" not in given:
            given["content-type"] = JSON
        headers = [(name.encode(), names.made(value).encode()) for name, value in given.items()]
        full = f"/fhir/{path}".rstrip("/") if path else "/fhir"
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": request.method,
            "scheme": "http",
            "path": full,
            "raw_path": full.encode(),
            "query_string": query.encode(),
            "headers": [*headers, (b"content-length", b"%d" % len(body))],
            "client": ("192.0.2.1", 1234),
            "server": ("test.example", 80),
        }
        start, content = await self._send(scope, body)
        found = [(name.decode(), names.named(value.decode())) for name, value in start["headers"]]
        shown = names.named(content.decode("utf-8", "surrogateescape"))
        kept = tuple(sorted((name, value) for name, value in found if name != _LENGTH))
        return Answer(start["status"], kept, shown)

    async def _send(self, scope: dict[str, Any], body: bytes) -> tuple[Message, bytes]:
        said: list[Message] = []

        async def receive() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Message) -> None:
            said.append(message)

        await self._app(scope, receive, send)
        start, *rest = said
        return start, b"".join(message.get("body", b"") for message in rest)
