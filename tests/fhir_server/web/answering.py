"""FHIR REST over an engine that always says the same."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import httpx

from fhir_server.interactions.call import Call, Reply
from fhir_server.kernel.keys import Key
from fhir_server.web.rest import Rest, RestOptions

BODY = b'{"resourceType":"Patient","id":"7","meta":{"versionId":"3"},"active":true,"birthDate":"1980"}'
UPDATED = 1_709_978_400_123_000  # 2024-03-09T10:00:00.123Z
READ = Reply(200, BODY, Key("Patient", "7"), 3, UPDATED)
CREATED = Reply(201, BODY, Key("Patient", "7"), 3, UPDATED)
FHIR_JSON = {"content-type": "application/fhir+json"}
VERSION = "http://test/fhir/Patient/7/_history/3"
BINARY = (
    b'{"resourceType":"Binary","id":"b","contentType":"application/pdf",'
    b'"securityContext":{"reference":"Patient/7"},"data":"%s"}'
)


class Server:
    """The REST application over an engine that remembers its calls and always says the same."""

    def __init__(self, reply: Reply | Exception = READ, **options: Any) -> None:
        self.reply = reply
        self.calls: list[Call] = []
        self.app = Rest(self.perform, RestOptions(**options))

    async def perform(self, call: Call) -> Reply:
        self.calls.append(call)
        if isinstance(self.reply, Exception):
            raise self.reply
        return self.reply

    @property
    def call(self) -> Call:
        """What was asked, whatever id it got."""
        assert len(self.calls) == 1
        return replace(self.calls[0], request="")

    async def __call__(
        self, method: str, path: str, content: bytes | None = None, **headers: str
    ) -> httpx.Response:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app=self.app), base_url="http://test/fhir/"
        ) as client:
            return await client.request(method, path, content=content, headers=sent)


def issue_of(response: httpx.Response) -> dict[str, Any]:
    """The first issue of the OperationOutcome that an answer must be."""
    tree = response.json()
    assert tree["resourceType"] == "OperationOutcome"
    issue: dict[str, Any] = tree["issue"][0]
    return issue
