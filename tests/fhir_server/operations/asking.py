"""Operations in the words of tests: asked by address, as a client does, on an engine over a store in memory."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from fhir_server.interactions.address import entry_call_of
from fhir_server.interactions.call import Action, Call, Conditions, Reply
from fhir_server.kernel.keys import Key
from fhir_server.kernel.wire import Tree, decode
from fhir_server.validation.validator import check
from tests.fhir_server.interactions.performing import BASE, Performer

_OUTER = Call(Action.BUNDLE, base=BASE)


class Operator(Performer):
    async def ask(self, address: str, body: Tree | None = None, **conditions: Any) -> Reply:
        """The reply to GET, or to POST where there is a body (`{}`: an empty one)."""
        call = entry_call_of("GET" if body is None else "POST", address, _OUTER, Conditions(**conditions))
        return await self.perform(replace(call, tree=body or None))

    async def bundle(self, address: str, body: Tree | None = None, **conditions: Any) -> Tree:
        """The Bundle that answers; a sound one."""
        reply = await self.ask(address, body, **conditions)
        assert reply.status == 200
        found = decode(reply.body)
        assert check(found) == []
        assert found["resourceType"] == "Bundle"
        return found

    async def keep(self, *trees: Tree) -> None:
        """Put each under its own id."""
        for tree in trees:
            await self.put(tree)

    async def pages(self, address: str) -> list[Tree]:
        """The Bundle and those that its links lead to."""
        found = []
        while address:
            found.append(await self.bundle(address))
            assert len(found) < 100
            address = link_in(found[-1], "next")
        return found


def link_in(bundle: Tree, relation: str) -> str:
    """Empty: there is none."""
    return next((link["url"] for link in bundle["link"] if link["relation"] == relation), "")


def keys_in(bundle: Tree, mode: str = "") -> list[str]:
    """`Type/id` of the entries, in order; of all, or of those of a mode."""
    return [
        str(Key(entry["resource"]["resourceType"], entry["resource"]["id"]))
        for entry in bundle.get("entry", ())
        if mode in {"", entry["search"]["mode"]} and "id" in entry["resource"]
    ]


def parameters(*listed: Tree) -> Tree:
    """A Parameters resource."""
    tree: Tree = {"resourceType": "Parameters"}
    return {**tree, "parameter": list(listed)} if listed else tree


def reference(target: str) -> Tree:
    return {"reference": target}
