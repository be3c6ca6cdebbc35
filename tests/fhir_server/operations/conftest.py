"""A server with default settings, over a store in memory; and one that knows who may see what."""

from __future__ import annotations

import pytest

from fhir_server.store.memory import MemoryStore
from tests.fhir_server.operations.asking import Operator
from tests.guarded import guarded, guarded_on_postgres

__all__ = ["guarded", "guarded_on_postgres"]


@pytest.fixture
def server() -> Operator:
    return Operator(MemoryStore())
