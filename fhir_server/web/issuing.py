"""Asking an issuer over HTTP: bounded in time and size, no redirects, and whatever goes wrong is `Unavailable`.

What is asked and answered is never logged: it has tokens, secrets and people in it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Final, NamedTuple

import httpx

from fhir_server.kernel.errors import Unavailable

_LARGEST: Final = 1_000_000  # bytes of an answer

logger = logging.getLogger(__name__)


class Answer(NamedTuple):
    status: int
    media_type: str  # in lower case, without parameters
    body: bytes


async def ask(
    client: httpx.AsyncClient,
    method: str,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    form: Mapping[str, str] | None = None,
    login: tuple[str, str] | None = None,
) -> Answer:
    """One question to an issuer. `login`: our client id and secret, escaped as RFC 6749 wants them.

    Raises `Unavailable` when there is no answer, or it is a redirect, too long, 429 or 5xx.
    """
    try:
        # The limit of a client is of each part of an exchange; here it is of the whole.
        async with (
            asyncio.timeout(client.timeout.read),
            client.stream(
                method, url, headers=headers, data=form, auth=login, follow_redirects=False
            ) as response,
        ):
            body = bytearray()
            async for part in response.aiter_bytes():
                body += part
                if len(body) > _LARGEST:
                    raise unavailable(url, "the answer is too long")
            media_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
            status = response.status_code
    except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
        raise unavailable(url, type(error).__name__) from None
    if status == 429 or not 200 <= status < 500 or 300 <= status < 400:
        raise unavailable(url, f"status {status}")
    return Answer(status, media_type, bytes(body))


def unavailable(url: str, reason: str) -> Unavailable:
    """The refusal of a request because an issuer does not answer as it should; the log says which and why."""
    logger.warning("An issuer did not answer: %s at %s", reason, httpx.URL(url).host)
    return Unavailable(
        "The issuer of the token does not answer; the same request may succeed later",
        french="L'émetteur du jeton ne répond pas\u202f; la même requête peut réussir plus tard",
    )
