"""A server as it is started, attacked on its socket and looked at from outside; and its secrets.

https://www.rfc-editor.org/rfc/rfc9112#section-11
"""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
import pytest

from fhir_server.checks import checks_of
from fhir_server.settings import DatabaseSettings, Settings
from tests.processes import Cordee


@pytest.fixture(scope="module")
def process(databases: Any, migrated: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cordee]:
    """`cordee serve --auth tokens`, as it is started."""
    url = databases.create(migrated)
    folder = tmp_path_factory.mktemp("audit")
    settings = {
        "CORDEE_AUDIT__KEY_FILE": str(folder / "key"),
        "CORDEE_AUDIT__HEADS_FILE": str(folder / "heads"),
    }
    arguments = ("serve", "--port", "0", "--workers", "1", "--auth", "tokens")
    with Cordee(*arguments, CORDEE_DATABASE__URL=url, CORDEE_LOG_LEVEL="DEBUG", **settings) as server:
        server.base()
        yield server
    databases.drop(url)


def told(process: Cordee, request: bytes, *, ends: bool = True) -> bytes:
    """What a connection that sends this is told until it is closed. `ends`: it says that no more will come.

    uvicorn closes such a connection, so that only what is answered at once arrives.
    """
    host, port = urlsplit(process.base()).netloc.split(":")
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall(request)
        if ends:
            connection.shutdown(socket.SHUT_WR)
        parts = []
        with contextlib.suppress(ConnectionResetError):
            while part := connection.recv(65_536):
                parts.append(part)
    return b"".join(parts)


_HEAD: Final = b"POST /fhir/Patient/_search HTTP/1.1\r\nHost: a.example\r\n"
_HIDDEN: Final = b"GET /fhir/metadata HTTP/1.1\r\nHost: a.example\r\n\r\n"


@pytest.mark.parametrize(
    "request_",
    [
        pytest.param(
            _HEAD + b"Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + _HIDDEN,
            id="both lengths",
        ),
        pytest.param(
            _HEAD + b"Transfer-Encoding: chunked\r\nContent-Length: 6\r\n\r\n0\r\n\r\n" + _HIDDEN,
            id="the other way",
        ),
        pytest.param(_HEAD + b"Content-Length: 0\r\nContent-Length: 60\r\n\r\n" + _HIDDEN, id="two lengths"),
        pytest.param(_HEAD + b"Content-Length: +0\r\n\r\n" + _HIDDEN, id="a length with a sign"),
        pytest.param(_HEAD + b"Content-Length : 60\r\n\r\n" + _HIDDEN, id="a space before the colon"),
        pytest.param(
            _HEAD + b"Transfer-Encoding: chunked, x\r\n\r\n0\r\n\r\n" + _HIDDEN, id="another coding"
        ),
        pytest.param(
            _HEAD + b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n" + _HIDDEN, id="a tab in a coding"
        ),
        pytest.param(
            _HEAD + b"Transfer-Encoding: chunked\r\n\r\n0x0\r\n\r\n" + _HIDDEN, id="a chunk that is none"
        ),
        pytest.param(_HEAD + b"X: a\x00b\r\n\r\n" + _HIDDEN, id="a null in a header"),
        pytest.param(_HEAD + b"X: a\rGET /fhir/metadata HTTP/1.1\r\n\r\n", id="a bare return"),
        pytest.param(b"GET /fhir/metadata HTTP/1.1 x\r\n\r\n", id="a line of too many words"),
    ],
)
def test_a_request_that_can_be_read_in_two_ways_is_not_read(process: Cordee, request_: bytes) -> None:
    answer = told(process, request_)

    assert b"CapabilityStatement" not in answer
    assert answer.count(b"HTTP/1.1 ") == 1
    assert answer.startswith(b"HTTP/1.1 400")


def test_two_headers_that_contradict_each_other_are_refused(process: Cordee) -> None:
    hosts = told(
        process,
        b"GET /fhir/metadata HTTP/1.1\r\nHost: a.example\r\nHost: b.example\r\nConnection: close\r\n\r\n",
    )
    tokens = told(
        process,
        b"GET /fhir/Patient HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer a\r\nAuthorization: Bearer b\r\n"
        b"Connection: close\r\n\r\n",
        ends=False,
    )

    assert hosts.startswith(b"HTTP/1.1 400")
    assert tokens.startswith(b"HTTP/1.1 401")


def test_an_answer_does_not_say_what_made_it(process: Cordee) -> None:
    for path in ("/fhir/metadata", "/fhir/Patient", "/", "/healthz", "/nothing", "/fhir/auth/token"):
        answer = httpx.get(f"{process.base().removesuffix('/fhir')}{path}")

        assert not {"server", "x-powered-by", "via"} & set(answer.headers)
        assert "uvicorn" not in str(answer.headers).lower()


def test_the_logs_of_a_worker_are_lines_of_json_without_addresses(process: Cordee) -> None:
    httpx.get(
        f"{process.base()}/Patient?name=Zephirine-7f3", headers={"Authorization": "Bearer Zephirine-7f3"}
    )
    told(process, b"GET /Zephirine-7f3 HTTP/9.9\r\n\r\n")

    said = process.said
    lines = [line for line in said.splitlines() if line.startswith("{")]
    assert "Zephirine" not in said
    assert "Traceback" not in said
    assert all(json.loads(line)["text"] for line in lines)


PASSWORD: Final = "hush-hush"


def test_no_secret_is_in_a_representation_of_the_settings() -> None:
    settings = Settings(database=DatabaseSettings(url=f"postgresql://cordee:{PASSWORD}@db.example/cordee"))

    assert PASSWORD not in repr(settings) + str(settings) + repr(settings.database)


def test_no_check_shows_a_secret(databases: Any) -> None:
    url = f"postgresql://cordee:{PASSWORD}@127.0.0.1:1/cordee"
    settings = Settings(database=DatabaseSettings(url=url))

    assert PASSWORD not in repr(list(checks_of(settings)))
