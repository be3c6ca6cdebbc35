"""A server with default settings, over a store in memory."""

from __future__ import annotations

import pytest

from fhir_server.store.memory import MemoryStore
from tests.fhir_server.operations.asking import Operator


@pytest.fixture
def server() -> Operator:
    return Operator(MemoryStore())
