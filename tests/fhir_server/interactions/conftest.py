"""An engine over a store: in memory, or where a test asks for it (`both`) also on PostgreSQL."""

from __future__ import annotations

import pytest

from fhir_server.engine import Engine
from fhir_server.store.memory import MemoryStore
from tests.fhir_server.interactions.performing import Performer
from tests.guarded import Opened, guarded, on_postgres

__all__ = ["guarded", "on_postgres"]


@pytest.fixture
def perform(request: pytest.FixtureRequest) -> Performer:
    """A server with default settings and no resources. Indirect parameter: `memory` (the default) or `postgres`."""
    if getattr(request, "param", "memory") == "memory":
        return Performer(MemoryStore())
    opened: Opened = request.getfixturevalue("on_postgres")
    opened.empty()
    return Performer(opened.store)


@pytest.fixture
def engine(perform: Performer) -> Engine:
    return perform.engine
