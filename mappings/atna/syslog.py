"""A line of syslog around an audit message, as RFC 5424 and IHE's ITI-20 want it, and the frame of RFC 5425.

https://www.rfc-editor.org/rfc/rfc5424 · https://profiles.ihe.net/ITI/TF/Volume2/ITI-20.html
"""

from __future__ import annotations

import re
from typing import Final

PRIORITY: Final = 10 * 8 + 5  # security and authorization; normal but significant
WARNING: Final = 10 * 8 + 4
MESSAGE_ID: Final = "IHE+RFC-3881"

_UNPRINTABLE = re.compile(r"[^\x21-\x7e]")
_MARK: Final = b"\xef\xbb\xbf"  # the message is UTF-8


def line_of(
    message: bytes, time: str, *, host: str, application: str, process: str, serious: bool = False
) -> bytes:
    """`time`: of the event, as FHIR writes an instant. `serious`: a refusal or a failure.

    A line break within would end the line at some receivers: it becomes a space.
    """
    head = " ".join(
        (
            f"<{WARNING if serious else PRIORITY}>1",
            time,
            _word(host, 255),
            _word(application, 48),
            _word(process, 128),
            MESSAGE_ID,
            "-",
        )
    )
    return head.encode("ascii") + b" " + _MARK + message.replace(b"\r", b" ").replace(b"\n", b" ")


def framed(line: bytes) -> bytes:
    """As it goes over TCP and TLS: its length in octets first. https://www.rfc-editor.org/rfc/rfc5425#section-4.3"""
    return b"%d %b" % (len(line), line)


def _word(text: str, most: int) -> str:
    """A field of the header: printable ASCII without spaces, or nothing."""
    return _UNPRINTABLE.sub("_", text)[:most] or "-"
