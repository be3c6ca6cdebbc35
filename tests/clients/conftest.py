"""The real server with the demonstration dossier, for clients that other people wrote and nobody changed."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.processes import Cordee


@pytest.fixture(scope="session")
def base(open_directories: Callable[[], Path]) -> Iterator[str]:
    """The base address of a server as an operator starts one: two workers, and a PostgreSQL of its own.

    All clients share it and the dossier in it, and keep to resources that they made when they write.
    """
    directory = open_directories()
    try:
        with Cordee("serve", "--demo", "--port", "0", "--data-dir", directory / "data") as server:
            yield server.base()
    finally:
        shutil.rmtree(directory, ignore_errors=True)
