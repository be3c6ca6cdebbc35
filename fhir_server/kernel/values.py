"""Values that every request makes several of: immutable to the type checker, cheap at run time.

A frozen dataclass sets each field through `object.__setattr__`: 4 µs for a Call, on every read. mypy keeps anybody from
assigning to these all the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True)
def immutable(cls: type[T]) -> type[T]:
    """Like `dataclass(frozen=True, slots=True)`, enforced by the type checker alone."""
    return dataclass(slots=True, unsafe_hash=True)(cls)
