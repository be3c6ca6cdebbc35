"""What an operation is: its OperationDefinition, and the handler that performs it.

A handler that only asks has the form `Asking`; one that writes has the form `Acting`, and is given a transaction that
the engine commits, or performs again when a race was lost. Both find their inputs read and checked by the definition.

https://hl7.org/fhir/R4/operationdefinition.html
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from fhir_server.definitions.catalogue import OWN, operation_definition
from fhir_server.interactions.call import Call, Reply, Server
from fhir_server.kernel.wire import Tree
from fhir_server.operations.inputs import Inputs
from fhir_server.store.contract import Reader, Transaction

Asking: TypeAlias = Callable[[Call, Inputs, Reader, Server], Awaitable[Reply]]
Acting: TypeAlias = Callable[[Call, Inputs, Transaction, Server], Awaitable[Reply]]


@dataclass(frozen=True, slots=True)
class Operation:
    """Exactly one of `ask` and `act` is there. `definition` says by which addresses and with which inputs it works.

    `searching`: takes search parameters of its type beside the inputs that the definition lists. `versions`: works on
    an old version too (`[type]/[id]/_history/[version]/$meta`). `whole`: it acts on everything there is, whoever asks,
    answers nothing that is not for the caller to know, and is no part of a transaction of others.
    """

    definition: Tree
    ask: Asking | None = None
    act: Acting | None = None
    searching: bool = False
    versions: bool = False
    whole: bool = False

    @property
    def name(self) -> str:
        """As in an address: `$everything`."""
        return f"${self.definition['code']}"

    @property
    def url(self) -> str:
        """The canonical URL of the definition."""
        url: str = self.definition["url"]
        return url

    @property
    def types(self) -> tuple[str, ...]:
        """The resource types it works on; `Resource`: every one."""
        return tuple(self.definition.get("resource", ()))

    @property
    def affects_state(self) -> bool:
        """Whether GET is refused. R4's own definitions leave it open, so `standard` says it."""
        return bool(self.definition.get("affectsState"))

    @property
    def inputs(self) -> Mapping[str, Mapping[str, Any]]:
        """The `parameter`s of use `in`, by name."""
        return {
            parameter["name"]: parameter
            for parameter in self.definition.get("parameter", ())
            if parameter["use"] == "in"
        }

    def works_on(self, type: str | None, *, instance: bool) -> bool:
        """Whether it is there at the level of an address. `type` None: the system."""
        if type is None:
            return bool(self.definition["system"])
        level = "instance" if instance else "type"
        return bool(self.definition[level]) and not {type, "Resource"}.isdisjoint(self.types)


def standard(id: str, *, affects_state: bool = False) -> Tree:
    """The definition of R4 with this id (`Patient-everything`)."""
    return {**operation_definition(id), "affectsState": affects_state}


def own(
    id: str,
    *,
    name: str,
    title: str,
    description: str,
    resource: Sequence[str],
    parameter: Sequence[Tree],
    system: bool = False,
    type: bool = False,
    instance: bool = False,
    affects_state: bool = False,
) -> Tree:
    """A definition of ours. `id` is `Type-code`, as R4 has them."""
    return {
        "resourceType": "OperationDefinition",
        "id": id,
        "url": f"{OWN}/OperationDefinition/{id}",
        "version": "1.0.0",
        "name": name,
        "title": title,
        "status": "active",
        "kind": "operation",
        "description": description,
        "affectsState": affects_state,
        "code": id.partition("-")[2],
        "resource": list(resource),
        "system": system,
        "type": type,
        "instance": instance,
        "parameter": list(parameter),
    }


def taken(name: str, type: str, documentation: str, *, min: int = 0, max: str = "1") -> Tree:
    """A parameter of use `in`."""
    return {"name": name, "use": "in", "min": min, "max": max, "documentation": documentation, "type": type}


def given(type: str, documentation: str) -> Tree:
    """The parameter `return`."""
    return answered("return", type, documentation)


def answered(name: str, type: str, documentation: str, *, min: int = 1) -> Tree:
    """A parameter of use `out`."""
    return {
        "name": name,
        "use": "out",
        "min": min,
        "max": "1",
        "documentation": documentation,
        "type": type,
    }
