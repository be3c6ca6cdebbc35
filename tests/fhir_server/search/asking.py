"""Searches as tests write them: read, or refused."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from fhir_server.kernel.errors import Malformed
from fhir_server.search.parse import Parsed, query_of
from fhir_server.search.query import Name, Predicate, TokenValue

BASE = "https://here.example/fhir"


@dataclass(frozen=True)
class Limits:
    page: int = 20
    max_page: int = 100


def parsed(resource_type: str | None, text: str, *, lenient: bool = False, **rest: Any) -> Parsed:
    return query_of(resource_type, text, lenient=lenient, limits=Limits(), base=BASE, now=0, **rest)


def only(resource_type: str | None, text: str, **rest: Any) -> Predicate:
    """The one predicate of a search."""
    (predicate,) = parsed(resource_type, text, **rest).query.where
    return predicate


def refused(resource_type: str | None, text: str, *, lenient: bool = False, **rest: Any) -> list[str]:
    """What is said of a search that is refused."""
    with pytest.raises(Malformed) as caught:
        parsed(resource_type, text, lenient=lenient, **rest)
    return [issue.text for issue in caught.value.issues]


def name(code: str, type: str = "Patient") -> Name:
    return Name(type, code)


def either(code: str, system: str | None = None) -> tuple[TokenValue, ...]:
    """The two ways in which a code of who knows which system may be kept."""
    return TokenValue(system, code), TokenValue(system, code.casefold(), True)


def folded(code: str, system: str | None = None) -> TokenValue:
    return TokenValue(system, code, True)
