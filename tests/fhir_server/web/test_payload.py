from __future__ import annotations

import gzip
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from fhir_server.kernel.errors import Malformed, TooLarge, UnsupportedMediaType
from fhir_server.web.payload import Disconnected, payload_of

GZIP = {b"content-encoding": b"gzip"}


def source(*chunks: bytes, leaves: bool = False) -> Callable[[], Awaitable[dict[str, Any]]]:
    """What a server gives to an application: the chunks, and then perhaps a client that goes away."""
    messages: list[dict[str, Any]] = [
        {"type": "http.request", "body": chunk, "more_body": leaves or place < len(chunks) - 1}
        for place, chunk in enumerate(chunks)
    ]
    messages.append({"type": "http.disconnect"})

    async def receive() -> dict[str, Any]:
        return messages.pop(0)

    return receive


async def test_chunks_are_put_together() -> None:
    assert await payload_of(source(b"ab", b"", b"c"), {}, 10) == b"abc"
    assert await payload_of(source(b"abc"), {b"content-encoding": b"identity"}, 3) == b"abc"
    assert await payload_of(source(b""), {}, 3) == b""


async def test_gzip_is_unpacked_in_all_its_members() -> None:
    packed = gzip.compress(b"abc", mtime=0) + gzip.compress(b"def", mtime=0)

    assert await payload_of(source(packed[:5], packed[5:]), GZIP, 100) == b"abcdef"


@pytest.mark.parametrize("length", [b"11", b"9" * 30])
async def test_an_announced_length_beyond_the_cap_is_refused_before_anything_is_read(length: bytes) -> None:
    with pytest.raises(TooLarge):
        await payload_of(source(), {b"content-length": length}, 10)


async def test_an_endless_body_is_refused_at_the_cap() -> None:
    given = 0

    async def receive() -> dict[str, Any]:
        nonlocal given
        given += 1
        return {"type": "http.request", "body": b"x" * 10, "more_body": True}

    with pytest.raises(TooLarge):
        await payload_of(receive, {}, 25)

    assert given == 3


async def test_a_gzip_bomb_is_refused_at_the_cap() -> None:
    bomb = gzip.compress(bytes(20_000_000), mtime=0)
    many = gzip.compress(bytes(600), mtime=0) * 3

    for packed in (bomb, many):
        with pytest.raises(TooLarge):
            await payload_of(source(packed), GZIP, max(1000, len(packed)))


@pytest.mark.parametrize(
    "packed", [b"not gzip", gzip.compress(b"abc", mtime=0)[:-3], gzip.compress(b"abc", mtime=0) + b"rest"]
)
async def test_broken_gzip_is_malformed(packed: bytes) -> None:
    with pytest.raises(Malformed):
        await payload_of(source(packed), GZIP, 100)


async def test_other_encodings_are_not_supported() -> None:
    with pytest.raises(UnsupportedMediaType):
        await payload_of(source(b"x"), {b"content-encoding": b"br"}, 100)


async def test_a_client_that_leaves_is_noticed() -> None:
    with pytest.raises(Disconnected):
        await payload_of(source(b"ab", leaves=True), {}, 100)
