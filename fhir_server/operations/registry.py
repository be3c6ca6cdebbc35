"""Every operation of this server, found by the address that it is asked at.

https://hl7.org/fhir/R4/operations.html#executing
"""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator
from difflib import get_close_matches
from functools import cache
from importlib import import_module

import fhir_server.operations as package
from fhir_server.interactions.call import Call, Offered, Reply, Server
from fhir_server.kernel.errors import Malformed, MethodNotAllowed, NotFound
from fhir_server.operations.inputs import Inputs, inputs_of
from fhir_server.operations.operation import Operation
from fhir_server.store.contract import Transaction


@cache
def operations() -> tuple[Operation, ...]:
    """All of them, sorted by name and definition."""
    return tuple(sorted(_collected(), key=lambda operation: (operation.name, operation.url)))


def _collected() -> Iterator[Operation]:
    for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        found = import_module(module.name)
        yield from getattr(found, "OPERATIONS", ())
        if isinstance(one := getattr(found, "OPERATION", None), Operation):
            yield one


def offered() -> tuple[Offered, ...]:
    """The operations as a CapabilityStatement lists them."""
    return tuple(
        Offered(
            operation.definition["code"],
            operation.url,
            operation.types if operation.definition["type"] or operation.definition["instance"] else (),
            bool(operation.definition["system"]),
        )
        for operation in operations()
    )


def operation_of(call: Call) -> Operation:
    """The operation that a call is about. Raises `NotFound` and `MethodNotAllowed`."""
    here = [one for one in operations() if one.works_on(call.type, instance=call.id is not None)]
    found = next((one for one in here if one.name == call.operation), None)
    if found is None:
        raise _unknown(call, here)
    if call.version is not None and not found.versions:
        raise NotFound(
            f"{found.name} works on the current version: [base]/{call.type}/[id]/{found.name} would be right",
            code="not-supported",
        )
    if call.safe and found.affects_state:
        raise MethodNotAllowed(
            f"{found.name} changes what is stored: POST would be right", allow=("POST", "OPTIONS")
        )
    return found


async def perform(call: Call, tx: Transaction, server: Server) -> Reply:
    """A call of the action OPERATION in a transaction, as its other calls see it. Raises as `operation_of` does."""
    operation = operation_of(call)
    if operation.whole:
        raise Malformed(
            f"{operation.name} is asked on its own or in a batch, not in a transaction", code="not-supported"
        )
    handler = operation.act or operation.ask
    assert handler is not None, "an operation has one of both"
    return await handler(call, inputs_for(operation, call, server), tx, server)


def inputs_for(operation: Operation, call: Call, server: Server) -> Inputs:
    """What the call gives to the operation. Raises as `inputs_of` does."""
    return inputs_of(call, operation.inputs, server, searching=operation.searching)


def _unknown(call: Call, here: list[Operation]) -> NotFound:
    """Says where the operation is instead, or which one is meant; the name that was sent stays out of the text."""
    elsewhere = [one for one in operations() if one.name == call.operation]
    if elsewhere:
        places = sorted({place for one in elsewhere for place in _places(one)})
        return NotFound(
            f"This operation is elsewhere: {', '.join(places)} would be right", code="not-supported"
        )
    names = sorted({one.name for one in here})
    near = get_close_matches(call.operation, names, n=1)
    hint = (
        f"Did you mean {near[0]}?"
        if near
        else f"There are {', '.join(names)} here"
        if names
        else "None is here"
    )
    return NotFound(f"There is no operation of this name here. {hint}", code="not-supported")


def _places(operation: Operation) -> Iterator[str]:
    if operation.definition["system"]:
        yield f"[base]/{operation.name}"
    for name in operation.types:
        shown = "[type]" if name == "Resource" else name
        if operation.definition["type"]:
            yield f"{shown}/{operation.name}"
        if operation.definition["instance"]:
            yield f"{shown}/[id]/{operation.name}"
