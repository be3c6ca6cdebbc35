"""Words that the black-box HTTP tests share: small resources, entries of Bundles, and what an answer must be."""

from __future__ import annotations

from itertools import count
from typing import Any
from uuid import uuid4

import httpx

Tree = dict[str, Any]

SYSTEM = "urn:oid:1.2.3"
FHIR_JSON = {"Content-Type": "application/fhir+json"}
FHIR_XML = {"Content-Type": "application/fhir+xml"}
JSON_PATCH = {"Content-Type": "application/json-patch+json"}
_numbers = count(1)


def fresh(prefix: str = "t") -> str:
    """A value that no other test uses: an id, or the value of an identifier."""
    return f"{prefix}-{next(_numbers)}-{uuid4().hex[:8]}"


def patient(identifier: str = "", **elements: Any) -> Tree:
    tree: Tree = {"resourceType": "Patient"}
    if identifier:
        tree["identifier"] = [{"system": SYSTEM, "value": identifier}]
    return {**tree, **elements}


def observation(subject: str = "", **elements: Any) -> Tree:
    tree: Tree = {"resourceType": "Observation", "status": "final", "code": {"text": "weight"}}
    if subject:
        tree["subject"] = {"reference": subject}
    return {**tree, **elements}


def operation(type: str, path: str, **parts: Tree | str) -> Tree:
    """One operation of a FHIRPath Patch; `value` is given as `{"valueString": "x"}`."""
    listed: list[Tree] = [
        {"name": "type", "valueCode": type},
        {"name": "path", "valueString": path},
    ]
    for name, value in parts.items():
        listed.append({"name": name, **(value if isinstance(value, dict) else {"valueString": value})})
    return {"name": "operation", "part": listed}


def fhirpath_patch(*operations: Tree) -> Tree:
    return {"resourceType": "Parameters", "parameter": list(operations)}


def entry(method: str, url: str, resource: Tree | None = None, full_url: str = "", **request: str) -> Tree:
    """An entry of a request Bundle; `request` holds ifMatch, ifNoneExist and their like."""
    tree: Tree = {"fullUrl": full_url} if full_url else {}
    if resource is not None:
        tree["resource"] = resource
    tree["request"] = {"method": method, "url": url, **request}
    return tree


def bundle(type: str, *entries: Tree) -> Tree:
    tree: Tree = {"resourceType": "Bundle", "type": type}
    if entries:
        tree["entry"] = list(entries)
    return tree


async def send(client: httpx.AsyncClient, type: str, *entries: Tree, **headers: str) -> httpx.Response:
    """POST a batch or transaction to the base."""
    return await client.post("", json=bundle(type, *entries), headers={**FHIR_JSON, **headers})


async def created(client: httpx.AsyncClient, tree: Tree) -> Tree:
    """The resource as the server keeps it after a create."""
    response = await client.post(tree["resourceType"], json=tree, headers=FHIR_JSON)
    assert response.status_code == 201, response.text
    kept: Tree = response.json()
    return kept


def issue_of(response: httpx.Response, status: int, code: str = "", expression: str = "") -> Tree:
    """The first issue of the OperationOutcome that a refusal must be, with its parts in order."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"].startswith("application/fhir+json")
    tree = response.json()
    assert tree["resourceType"] == "OperationOutcome"
    issue: Tree = tree["issue"][0]
    assert issue["severity"] in {"error", "fatal"}
    assert issue["diagnostics"]
    if code:
        assert issue["code"] == code, issue
    if expression:
        assert issue["expression"] == [expression], issue
    return issue


def link_of(page: Tree, relation: str) -> str:
    """The URL of a link; empty when the page has none."""
    return next((link["url"] for link in page["link"] if link["relation"] == relation), "")


def resources_of(page: Tree) -> list[Tree]:
    return [item["resource"] for item in page.get("entry", ()) if "resource" in item]
