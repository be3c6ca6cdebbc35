"""The token that says what a resource is about: what lists of a type are mostly asked for by, beside a person.

Within the view of a caller, lists of one such code are gone through by person (`store/code_walk.py`), for which its
rows stand once more in the index. A parameter that comes to this table, or leaves it, needs `$reindex` of its type.
"""

from __future__ import annotations

from typing import Final

MAIN_CODES: Final = {
    "AllergyIntolerance": "code",
    "ChargeItem": "code",
    "Composition": "type",
    "Condition": "code",
    "DetectedIssue": "code",
    "DeviceRequest": "code",
    "DiagnosticReport": "code",
    "DocumentReference": "type",
    "FamilyMemberHistory": "code",
    "Immunization": "vaccine-code",
    "List": "code",
    "MedicationAdministration": "code",
    "MedicationDispense": "code",
    "MedicationRequest": "code",
    "MedicationStatement": "code",
    "Observation": "code",
    "Procedure": "code",
    "RequestGroup": "code",
    "ServiceRequest": "code",
    "Task": "code",
}
