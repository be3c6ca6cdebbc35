"""Keys that clients publish at an address of their own."""

from __future__ import annotations

import asyncio
import json
from functools import cache

import pytest
from joserfc.jwk import ECKey

from fhir_server.web.client_keys import ClientKeys
from fhir_server.web.public_documents import Document, Unfetchable

URL = "https://keys.example/jwks"


@cache
def key(kid: str) -> ECKey:
    return ECKey.generate_key("P-384", parameters={"kid": kid})


class Publisher:
    """An address with keys. `problem`: why it does not answer."""

    def __init__(self, *kids: str) -> None:
        self.kids = list(kids)
        self.asked = 0
        self.problem = ""
        self.body: bytes | None = None
        self.max_age: int | None = None

    async def fetch(self, url: str) -> Document:
        self.asked += 1
        await asyncio.sleep(0)
        if self.problem:
            raise Unfetchable(self.problem)
        keys = [key(kid).as_dict(private=False) for kid in self.kids]
        return Document(self.body or json.dumps({"keys": keys}).encode(), self.max_age)


async def kids(keys: ClientKeys, kid: str, now: float) -> list[str]:
    return [jwk["kid"] for jwk in await keys.at(URL, kid, now)]


async def test_keys_are_asked_for_once_in_a_while() -> None:
    publisher = Publisher("a")
    keys = ClientKeys(publisher.fetch)

    assert [await kids(keys, "a", now) for now in (0, 100, 299, 300, 301)] == [["a"]] * 5
    assert publisher.asked == 2


async def test_a_publisher_says_for_how_long_its_keys_are_good() -> None:
    publisher = Publisher("a")
    publisher.max_age = 1000
    keys = ClientKeys(publisher.fetch)

    for now in (0, 999, 1000):
        await kids(keys, "a", now)

    assert publisher.asked == 2


async def test_a_new_key_is_found_at_once() -> None:
    publisher = Publisher("a")
    keys = ClientKeys(publisher.fetch)
    await kids(keys, "a", 0)

    publisher.kids = ["a", "b"]

    assert await kids(keys, "b", 11) == ["a", "b"]


async def test_invented_keys_do_not_make_us_ask_each_time() -> None:
    publisher = Publisher("a")
    keys = ClientKeys(publisher.fetch)

    for number in range(100):
        assert await kids(keys, f"invented {number}", number / 10) == ["a"]

    assert publisher.asked == 1


async def test_those_who_want_the_same_ask_once_together() -> None:
    publisher = Publisher("a")
    keys = ClientKeys(publisher.fetch)

    await asyncio.gather(*(kids(keys, "a", 0) for _ in range(20)))

    assert publisher.asked == 1


async def test_a_key_that_was_taken_back_is_gone_after_the_next_question() -> None:
    publisher = Publisher("a", "b")
    keys = ClientKeys(publisher.fetch)
    await kids(keys, "a", 0)

    publisher.kids = ["b"]

    assert await kids(keys, "a", 301) == ["b"]


async def test_while_a_publisher_is_away_its_keys_are_believed_as_long_as_they_were_good_for() -> None:
    publisher = Publisher("a")
    keys = ClientKeys(publisher.fetch)
    await kids(keys, "a", 0)

    publisher.problem = "The server did not answer in time"

    assert await kids(keys, "b", 100) == ["a"]
    with pytest.raises(Unfetchable, match="in time"):
        await kids(keys, "a", 301)
    publisher.problem = ""
    with pytest.raises(Unfetchable):
        await kids(keys, "a", 302)
    assert await kids(keys, "a", 312) == ["a"]


@pytest.mark.parametrize("body", [b"nonsense", b"{}", b'{"keys": []}'])
async def test_a_document_without_keys_is_none(body: bytes) -> None:
    publisher = Publisher()
    publisher.body = body

    with pytest.raises(Unfetchable):
        await kids(ClientKeys(publisher.fetch), "a", 0)
