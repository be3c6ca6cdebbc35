"""The demonstration dossier: Mme Payet, 87, who wants to stay at home, and everyone around her.

Nobody in it exists: the INS is of the test domain (1.2.250.1.213.1.4.10) with a commune that there is not, the RPPS and
FINESS numbers are invented, the telephone numbers are of the range kept for fiction.

In `payet.json` every `data` is kept readable: the text itself where the content is plain text, the name of the file
beside it where it is a PDF. Every entry is a PUT to a fixed id, so loading the dossier again changes nothing.
"""

from __future__ import annotations

import json
from base64 import b64encode
from importlib.resources import files
from typing import Any

ADDRESSES: tuple[tuple[str, str], ...] = (
    (
        "Patient?identifier=urn:oid:1.2.250.1.213.1.4.10|239027699900145",
        "Mme Payet, found by her (test) INS",
    ),
    (
        "CarePlan?subject=Patient/payet&_include=CarePlan:goal&_include=CarePlan:activity-reference",
        "her coordination plan, with its goals and the actions of everyone",
    ),
    (
        "Observation?patient=Patient/payet&code=http://loinc.org|85354-9&_sort=-date",
        "her blood pressure, the latest first",
    ),
)


def dossier() -> bytes:
    """The transaction Bundle, as JSON in UTF-8, ready to be sent to the base of a server."""
    text = (files(__name__) / "payet.json").read_text("utf-8")
    bundle = json.loads(text, object_hook=_with_content)
    return json.dumps(bundle, ensure_ascii=False).encode()


def _with_content(node: dict[str, Any]) -> dict[str, Any]:
    """`node` with its readable `data` replaced by what FHIR wants there: the content in base64."""
    if "contentType" in node and "data" in node:
        data: str = node["data"]
        content = (
            data.encode() if node["contentType"] == "text/plain" else (files(__name__) / data).read_bytes()
        )
        node["data"] = b64encode(content).decode()
    return node
