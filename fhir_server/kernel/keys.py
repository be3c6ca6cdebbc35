"""Names of resources: (type, id), and how references to them are written."""

from __future__ import annotations

import re
from typing import NamedTuple

# https://hl7.org/fhir/R4/datatypes.html#id
ID = re.compile(r"[A-Za-z0-9\-.]{1,64}\Z")


class Key(NamedTuple):
    """The identity of a resource on this server."""

    type: str
    id: str

    def __str__(self) -> str:
        return f"{self.type}/{self.id}"


def is_id(text: str) -> bool:
    """Whether `text` may be the logical id of a resource."""
    return ID.match(text) is not None
