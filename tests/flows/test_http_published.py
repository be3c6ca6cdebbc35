"""Definitions that packages bring, read like any other resource.

https://hl7.org/fhir/R4/structuredefinition.html
"""

from __future__ import annotations

import asyncio
from typing import Any

from tests.flows.asking import created, patient
from tests.flows.serving import Serve

INS = "https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-patient-ins"


async def test_shipped_definitions_are_found_and_have_been_there_from_the_beginning(serve: Serve) -> None:
    client = await serve(publish="packages")
    one = await created(client, patient())
    found: dict[str, Any] = {}
    async with asyncio.timeout(120):
        while not found.get("entry"):
            await asyncio.sleep(0.2)
            found = (await client.get(f"StructureDefinition?url={INS}&version=2.2.0")).json()

    (definition,) = [item["resource"] for item in found["entry"]]
    newest = (await client.get("_history?_count=1")).json()["entry"][0]["resource"]
    changed = await client.put(
        f"StructureDefinition/{definition['id']}", json={**definition, "status": "retired"}
    )

    assert definition["meta"]["source"] == "hl7.fhir.fr.core#2.2.0"
    assert newest["id"] == one["id"]
    assert changed.status_code == 409
