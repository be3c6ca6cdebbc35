"""Make `profiles/packages/hl7.fhir.r4.core.zip` from a folder of R4 4.0.1 definitions.

One archive member per definition (`StructureDefinition/Patient.json`), so that a process reads only what it needs.
Members are sorted and carry a fixed date: the same input gives the same archive.

    python -m tools.vendor_r4 FOLDER
"""

from __future__ import annotations

import gzip
import sys
from collections.abc import Iterator
from pathlib import Path

import orjson

from tools.archive import write

TARGET = Path(__file__).parent.parent / "profiles/packages/hl7.fhir.r4.core.zip"
EPOCH = (2019, 11, 1, 0, 0, 0)
TOGETHER = {"SearchParameter", "CompartmentDefinition"}  # always wanted whole: one member, one parse


def members_of(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(folder.glob("*.json*")):
        if path.name in {"required-bindings.json", "compartmentdefinition-patient.json"}:
            continue
        raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        resources = [entry["resource"] for entry in orjson.loads(raw)["entry"]]
        for kind in {r["resourceType"] for r in resources}:
            of_kind = [r for r in resources if r["resourceType"] == kind]
            if kind == "StructureDefinition" and "resources" in path.name:
                concrete = (
                    r["type"] for r in of_kind if not r["abstract"] and r["derivation"] == "specialization"
                )
                yield "resource-types.json", orjson.dumps(sorted(concrete))
            if kind in TOGETHER:
                yield f"{kind}.json", orjson.dumps(of_kind)
            else:
                yield from ((f"{kind}/{r['id']}.json", orjson.dumps(r)) for r in of_kind)
    yield (
        "required-bindings.json",
        orjson.dumps(orjson.loads((folder / "required-bindings.json").read_bytes())),
    )


def main(folder: Path) -> None:
    write(TARGET, dict(members_of(folder)), EPOCH)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
