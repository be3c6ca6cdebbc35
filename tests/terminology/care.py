"""A small code system with everything that tells of concepts: nested ones, parents, children, states, values."""

from __future__ import annotations

from typing import Any

ROLE = "http://hl7.org/fhir/concept-properties#"
TREE: dict[str, Any] = {
    "resourceType": "CodeSystem",
    "url": "http://example.org/soins",
    "version": "3",
    "content": "complete",
    "caseSensitive": True,
    "property": [
        {"code": "up", "uri": f"{ROLE}parent", "type": "code"},
        {"code": "state", "uri": f"{ROLE}status", "type": "code"},
        {"code": "weight", "type": "decimal"},
        {"code": "kind", "type": "Coding"},
        {"code": "home", "type": "boolean"},
    ],
    "concept": [
        {
            "code": "care",
            "display": "Care",
            "property": [{"code": "notSelectable", "valueBoolean": True}],
            "concept": [
                {
                    "code": "nursing",
                    "display": "Nursing care",
                    "concept": [{"code": "dressing", "definition": "…"}],
                },
                {"code": "rehab", "property": [{"code": "home", "valueBoolean": True}]},
            ],
        },
        {
            "code": "walking",
            "property": [
                {"code": "up", "valueCode": "rehab"},
                {"code": "up", "valueCode": "sport"},
                {"code": "weight", "valueDecimal": 1.5},
                {"code": "kind", "valueCoding": {"system": "http://example.org/k", "code": "leg"}},
            ],
        },
        {"code": "sport", "property": [{"code": "child", "valueCode": "rehab"}]},
        {"code": "old", "property": [{"code": "state", "valueCode": "retired"}]},
        {"_code": {"extension": [{"url": "http://example.org/none", "valueBoolean": True}]}},
    ],
}
