"""The composition root: settings → parts → ASGI application. The only place that builds things."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import TYPE_CHECKING, Final

from starlette.types import ASGIApp

from fhir_server.access.guessing import Guesses
from fhir_server.definitions.packaged import NONE_INSTALLED
from fhir_server.definitions.parameters import Parameters
from fhir_server.engine import Engine
from fhir_server.interactions.auditing import Auditor
from fhir_server.interactions.call import Call, Limits, Reply, Server
from fhir_server.kernel.errors import FhirError, Unavailable
from fhir_server.kernel.wire import Tree
from fhir_server.operations.publishing import Publishing
from fhir_server.operations.registry import offered
from fhir_server.operations.reindexing import Reindexing
from fhir_server.search.entries import Entries
from fhir_server.search.extract import entries_of
from fhir_server.search.units import UCUM, named
from fhir_server.settings import Settings
from fhir_server.store.classifying import unguarded
from fhir_server.store.contract import ResourceStore
from fhir_server.store.postgres import PostgresStore
from fhir_server.upkeep import Upkeep
from fhir_server.validation.standards import Standards
from fhir_server.validation.validator import check, check_shell
from fhir_server.validation.world import Options
from fhir_server.web.api import api_of
from fhir_server.web.front import Front
from fhir_server.web.rest import RestOptions
from fhir_server.web.security_headers import Secured

if TYPE_CHECKING:
    from fhir_server.access.authority import Authority
    from fhir_server.admitting import Door

_SETTLED_SECONDS: Final = 2.0  # after the start, when the other workers have started too


def server_of(store: ResourceStore, settings: Settings) -> Server:
    """The parts that handlers use, over a store that is open."""
    own = (settings.base_url,) if settings.base_url else ()

    def extract(tree: Tree, base: str, /, parameters: Parameters | None = None) -> Entries:
        known = parameters or store.definitions.current.parameters
        return entries_of(tree, store.hasher, (base, *own), known)

    return Server(
        store,
        check,
        check_shell,
        extract,
        limits_of(settings),
        offered(),
        standards_of(settings),
        _authority(settings),
        Guesses(settings.limits.wrong_presentations_per_hour, settings.workers),
    )


# What only a server that knows its callers needs is imported by such a one: signatures and HTTP take half a second.


def _authority(settings: Settings) -> Authority | None:
    if settings.auth.mode == "none":
        return None
    from fhir_server.admitting import authority_of  # noqa: PLC0415

    return authority_of(settings)


def _door(settings: Settings) -> Door | None:
    if settings.auth.mode == "none":
        return None
    from fhir_server.admitting import Door  # noqa: PLC0415

    return Door(settings)


def limits_of(settings: Settings) -> Limits:
    return Limits(
        max_entries=settings.max_bundle_entries,
        page=settings.page_size,
        max_page=settings.max_page_size,
        client_ids=settings.client_ids,
        references=settings.references == "enforce",
        delete_many=settings.conditional_delete == "multiple",
        max_bytes=settings.max_body_bytes,
        explain=settings.explain,
        definitions=settings.definitions == "open",
        emergencies=settings.limits.emergencies_per_hour,
        invitation_days=settings.limits.invitation_days,
    )


def standards_of(settings: Settings) -> Standards:
    asked = settings.validation
    options = Options(
        unknown_extensions=asked.unknown_extensions,
        examples=asked.example_urls == "allow",
        no_markup=asked.markup == "error",
    )
    return Standards(asked.declared, asked.enforced, asked.required, options)


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Engine]:
    """An engine on the database of `settings`, open for as long as the block runs."""
    database = settings.database
    store = await PostgresStore.open(
        database.url,
        statement_timeout_seconds=database.statement_timeout_seconds,
        search_timeout_seconds=database.search_timeout_seconds,
        pool_size=database.pool_size,
        in_flight=database.in_flight,
        base=settings.base_url,
    )
    async with AsyncExitStack() as held:
        held.push_async_callback(store.close)
        server = server_of(store, settings)
        if server.access is None:
            # What is written now has no stamps: who begins to ask for tokens is told so.
            await held.enter_async_context(unguarded(database.url))
            yield Engine(server)
        else:
            from fhir_server.auditing import observer_of  # noqa: PLC0415

            yield Engine(server, Auditor(store.audit, observer_of(settings), server))


@asynccontextmanager
async def kept_up(engine: Engine, rest: float = 1.0, settings: Settings | None = None) -> AsyncIterator[None]:
    """Do the background work, if no other process does, for as long as the block runs. `rest`: see `Upkeep`.

    `settings`: of a server, which also publishes what packages bring.
    """
    store = engine.server.store
    steps = [Reindexing(engine.server).step, store.index_words]
    if settings is not None and settings.publish != "off":
        steps.append(Publishing(engine.server, settings.base_url, core=settings.publish == "all").step)
    upkeep = Upkeep(store, steps, rest)
    upkeep.start()
    try:
        yield
    finally:
        await upkeep.close()


@asynccontextmanager
async def warmed() -> AsyncIterator[None]:
    """Read soon after the start what is large, and not in the request that first needs it: units, definitions."""

    async def warm() -> None:
        await asyncio.sleep(_SETTLED_SECONDS)
        await asyncio.to_thread(named, UCUM, "1")
        await asyncio.to_thread(lambda: NONE_INSTALLED.by_key)

    warming = asyncio.create_task(warm())
    try:
        yield
    finally:
        warming.cancel()
        with suppress(asyncio.CancelledError):
            await warming


def application(settings: Settings) -> ASGIApp:
    """The whole server as one ASGI application. The database is opened when the application starts."""
    parts = AsyncExitStack()
    engines: list[Engine] = []
    door = _door(settings)

    async def startup() -> None:
        engine = await parts.enter_async_context(opened(settings))
        if door is not None:
            store = engine.server.store
            assert isinstance(store, PostgresStore), "a server keeps its resources in PostgreSQL"
            await door.open(store)
            parts.push_async_callback(door.close)
            from fhir_server.auditing import sealing  # noqa: PLC0415

            await parts.enter_async_context(sealing(store, settings))
        await parts.enter_async_context(kept_up(engine, settings=settings))
        await parts.enter_async_context(warmed())
        engines.append(engine)

    async def shutdown() -> None:
        engines.clear()
        await parts.aclose()

    async def perform(call: Call) -> Reply:
        if not engines:
            raise Unavailable("The server is starting")
        reply = await engines[0].perform(call)
        if door is not None and reply.changes:
            door.noticed(reply.changes)
        return reply

    async def unread(call: Call, error: FhirError) -> None:
        if engines:
            await engines[0].unread(call, error)

    async def ready() -> bool:
        return bool(engines) and await engines[0].ready()

    options = RestOptions(
        base_url=settings.base_url,
        trusted_proxies=settings.trusted_proxies,
        cors_origins=settings.cors_origins,
        max_body_bytes=settings.max_body_bytes,
    )
    front = Front(
        perform,
        options,
        api_of(ready, [door.routes] if door else []),
        authenticate=door.caller_of if door else None,
        unread=unread if door else None,
        startup=startup,
        shutdown=shutdown,
    )
    return front if door is None else Secured(front, settings.base_url)
