"""The background work of a worker: steps in turn, in one worker of all, for as long as it serves.

A step does a piece of work that is worth a commit, and says whether there was any. One that fails is logged, and tried
again with the others later.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Final

from fhir_server.kernel.errors import Unavailable
from fhir_server.store.contract import ResourceStore

Step = Callable[[], Awaitable[bool]]

IDLE_SECONDS: Final = 1.0  # without work; news ends it at once
_REST: Final = 1.0  # seconds of rest for a second of work: requests come first
_LONGEST_REST_SECONDS: Final = 1.0

_log = logging.getLogger(__name__)


class Upkeep:
    """Runs `steps` while this process leads. `rest`: 0 works without a pause."""

    def __init__(self, store: ResourceStore, steps: Sequence[Step], rest: float = _REST) -> None:
        self._store = store
        self._steps = tuple(steps)
        self._rest = rest
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._store.volunteer()
        self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Stop at once: whatever is under way is done again by whoever leads next."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        while True:
            began = time.monotonic()
            if await self._round():
                took = time.monotonic() - began
                await asyncio.sleep(min(_LONGEST_REST_SECONDS, took * self._rest))
            else:
                await self._store.definitions.heard(IDLE_SECONDS)

    async def _round(self) -> bool:
        """Each step once. False: nobody found anything to do."""
        worked = False
        for step in self._steps:
            if self._store.leading:
                worked |= await _tried(step)
        return worked


async def _tried(step: Step) -> bool:
    try:
        return await step()
    except Unavailable as error:
        _log.warning("A step of the background work has to wait: %s", error)
    except Exception:
        _log.exception("A step of the background work failed")
    return False
