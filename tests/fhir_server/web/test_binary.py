from __future__ import annotations

import pytest

from fhir_server.kernel.wire import Tree, decode
from fhir_server.web.binary import native_of, wrapped


def binary(content_type: str, **more: object) -> Tree:
    return {"resourceType": "Binary", "contentType": content_type, "data": "YWJj", **more}


def test_content_is_wrapped_and_unwrapped_unchanged() -> None:
    tree = decode(wrapped(b"\x00\xffabc", "image/png", "Patient/1", "b1"))

    found = native_of(tree)

    assert tree["id"] == "b1"
    assert found is not None
    content, headers = found
    assert content == b"\x00\xffabc"
    assert (b"content-type", b"image/png") in headers
    assert (b"x-security-context", b"Patient/1") in headers


@pytest.mark.parametrize(
    ("content_type", "download"),
    [
        ("application/pdf", False),
        ("image/png", False),
        ("text/plain; charset=utf-8", False),
        ("text/html", True),
        ("TEXT/HTML", True),
        ("image/svg+xml", True),
        ("application/xml", True),
        ("text/javascript", True),
        ("image/png,text/html", True),
    ],
)
def test_what_a_browser_could_run_is_a_download(content_type: str, download: bool) -> None:
    found = native_of(binary(content_type))

    assert found is not None
    headers = dict(found[1])
    assert (headers.get(b"content-disposition") == b"attachment") is download
    assert headers[b"content-security-policy"] == b"default-src 'none'; frame-ancestors 'none'; sandbox"


def test_a_stored_value_cannot_add_a_header() -> None:
    found = native_of(
        binary("text/plain\r\nSet-Cookie: a=b", securityContext={"reference": "Patient/1\r\nX: y"})
    )

    assert found is not None
    assert dict(found[1])[b"content-type"] == b"application/octet-stream"
    assert b"x-security-context" not in dict(found[1])


def test_without_data_the_content_is_empty_and_broken_data_has_no_content() -> None:
    empty = native_of({"resourceType": "Binary", "contentType": "text/plain"})

    assert empty is not None
    assert empty[0] == b""
    assert native_of(binary("text/plain", data="YWJ")) is None
