"""What every refusal of bad input is, whatever was bad."""

from __future__ import annotations

from typing import Any

import httpx

PATIENT = b'{"resourceType":"Patient"}'


async def newest(client: httpx.AsyncClient) -> Any:
    page = await client.get("_history?_count=1")
    assert page.status_code == 200, page.text
    return page.json().get("entry")


def check_refusal(response: httpx.Response) -> None:
    assert 400 <= response.status_code < 500, response.text
    if response.request.method != "HEAD":
        tree = response.json()
        assert tree["resourceType"] == "OperationOutcome"
        assert tree["issue"][0]["severity"] in {"error", "fatal"}
        assert tree["issue"][0]["diagnostics"]
