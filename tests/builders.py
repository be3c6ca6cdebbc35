"""Minimal valid trees: the least that FHIR asks of a resource, and what a test wants said besides.

Every builder gives a new tree. Further elements are given by name and come last, in the order given.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fhir_server.kernel.keys import Key
from fhir_server.kernel.wire import Tree

SYSTEM = "https://example.org/identifiers"
EXTENSION = "https://example.org/extension"


def patient(identifier: str = "", *, family: str = "", **elements: Any) -> Tree:
    """A Patient; `identifier` is a value in `SYSTEM`."""
    tree: Tree = {"resourceType": "Patient"}
    if identifier:
        tree["identifier"] = [{"system": SYSTEM, "value": identifier}]
    if family:
        tree["name"] = [{"family": family}]
    return {**tree, **elements}


def organization(name: str = "A", **elements: Any) -> Tree:
    """An Organization, to be referred to."""
    return {"resourceType": "Organization", "name": name, **elements}


def observation(subject: str | Key = "", **elements: Any) -> Tree:
    """An Observation; `subject` is the text of a reference."""
    tree: Tree = {"resourceType": "Observation", "status": "final", "code": {"text": "weight"}}
    if subject:
        tree["subject"] = {"reference": str(subject)}
    return {**tree, **elements}


def search_parameter(code: str, /, **elements: Any) -> Tree:
    """An active SearchParameter of Patient."""
    return {
        "resourceType": "SearchParameter",
        "url": f"https://example.org/SearchParameter/{code}",
        "name": "Added",
        "status": "active",
        "description": "Added.",
        "code": code,
        "base": ["Patient"],
        "type": "token",
        "expression": "Patient.maritalStatus",
        **elements,
    }


def nested(times: int, **value: Any) -> Tree:
    """An extension with a value, inside as many others."""
    tree: Tree = {"url": EXTENSION, **value}
    for _ in range(times):
        tree = {"url": EXTENSION, "extension": [tree]}
    return tree


def narrative(inside: str = "x", status: str = "generated") -> Tree:
    """A Narrative around some XHTML."""
    return {"status": status, "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{inside}</div>'}


def extension(url: str = EXTENSION, **value: Any) -> Tree:
    """An Extension, with its value by name: `extension(valueUri="urn:x")`."""
    return {"url": url, **value}


def bundle(type: str, *entries: Tree, **elements: Any) -> Tree:
    """A Bundle. Without entries it has no `entry`, because FHIR JSON knows no empty lists."""
    tree: Tree = {"resourceType": "Bundle", "type": type, **elements}
    return {**tree, "entry": list(entries)} if entries else tree


def entry(method: str, url: str, resource: Tree | None = None, full_url: str = "", **request: str) -> Tree:
    """An entry of a batch or transaction; `request` holds `ifMatch`, `ifNoneExist` and their like."""
    tree: Tree = {"fullUrl": full_url} if full_url else {}
    if resource is not None:
        tree["resource"] = resource
    return {**tree, "request": {"method": method, "url": url, **request}}


def operation(type: str, path: str, **parts: Mapping[str, Any] | str) -> Tree:
    """An operation of a FHIRPath Patch; a value is given with its type: `value={"valueString": "x"}`."""
    listed: list[Tree] = [{"name": "type", "valueCode": type}, {"name": "path", "valueString": path}]
    for name, value in parts.items():
        listed.append({"name": name, **({"valueString": value} if isinstance(value, str) else value)})
    return {"name": "operation", "part": listed}


def fhirpath_patch(*operations: Tree) -> Tree:
    """The Parameters that a FHIRPath Patch is."""
    return {"resourceType": "Parameters", "parameter": list(operations)}


def urn(number: int) -> str:
    """The `urn:uuid` of a number, for full URLs."""
    return f"urn:uuid:00000000-0000-4000-8000-{number:012d}"
