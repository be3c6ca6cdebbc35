"""Generated resources: fictitious people under test systems, the same for the same seed."""

from __future__ import annotations

import random
from typing import Any

FAMILIES = (
    "Payet",
    "Le Goff",
    "N'Diaye",
    "Œuvrard",
    "Dupont-Müller",
    "García",
    "Lefèvre",
    "Nguyễn",
    "O'Brien",
)
GIVENS = ("Jeanne", "Élodie", "Jean-Noël", "Aïcha", "Zoë", "Mathis", "Léa", "François", "Inès")
CODES = tuple((str(10_000 + n), f"Analyte {n}") for n in range(200))
SYSTEM = "urn:oid:1.2.250.1.999.1"  # a test arc


def patient(number: int, rng: random.Random) -> dict[str, Any]:
    """A Patient of about 1.8 kB with an identifier of its own."""
    family = rng.choice(FAMILIES)
    return {
        "resourceType": "Patient",
        "meta": {"profile": ["https://example.org/StructureDefinition/bench-patient"]},
        "text": {
            "status": "generated",
            "div": f'<div xmlns="http://www.w3.org/1999/xhtml"><p>{family}, {"fiche de test. " * 18}</p></div>',
        },
        "identifier": [
            {"use": "official", "system": SYSTEM, "value": f"{number:015d}"},
            {"use": "usual", "system": f"{SYSTEM}.2", "value": f"L{number}"},
        ],
        "active": True,
        "name": [
            {"use": "official", "family": family, "given": rng.sample(GIVENS, 2), "prefix": ["Mme"]},
            {"use": "maiden", "family": rng.choice(FAMILIES), "given": [rng.choice(GIVENS)]},
        ],
        "telecom": [
            {"system": "phone", "value": f"01990{number % 100_000:05d}", "use": "home"},
            {"system": "email", "value": f"personne{number}@example.org"},
        ],
        "gender": rng.choice(("female", "male")),
        "birthDate": f"{rng.randrange(1925, 2020)}-{rng.randrange(1, 13):02d}-{rng.randrange(1, 29):02d}",
        "address": [
            {
                "use": "home",
                "line": [f"{rng.randrange(1, 200)} rue des Essais"],
                "city": "Testville",
                "postalCode": f"{rng.randrange(1000, 96000):05d}",
                "country": "FRA",
            }
        ],
        "maritalStatus": {
            "coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-MaritalStatus", "code": "M"}]
        },
        "communication": [
            {"language": {"coding": [{"system": "urn:ietf:bcp:47", "code": "fr"}]}, "preferred": True}
        ],
    }


def observation(patient_id: str, rng: random.Random) -> dict[str, Any]:
    """An Observation of about 1 kB about a patient that exists."""
    code, display = rng.choice(CODES)
    return {
        "resourceType": "Observation",
        "meta": {"profile": ["https://example.org/StructureDefinition/bench-observation"]},
        "text": {
            "status": "generated",
            "div": f'<div xmlns="http://www.w3.org/1999/xhtml"><p>{display}: {"mesure de test. " * 10}</p></div>',
        },
        "status": "final",
        "category": [
            {
                "coding": [
                    {
                        "system": "http://terminology.hl7.org/CodeSystem/observation-category",
                        "code": "laboratory",
                    }
                ]
            }
        ],
        "code": {
            "coding": [{"system": "http://loinc.org", "code": code, "display": display}],
            "text": display,
        },
        "subject": {"reference": f"Patient/{patient_id}"},
        "effectiveDateTime": f"{rng.randrange(2015, 2026)}-{rng.randrange(1, 13):02d}-{rng.randrange(1, 29):02d}"
        f"T{rng.randrange(24):02d}:{rng.randrange(60):02d}:00+01:00",
        "issued": "2026-01-05T10:00:00.000+01:00",
        "valueQuantity": {
            "value": rng.randrange(1, 3000) / 10,
            "unit": "mmol/L",
            "system": "http://unitsofmeasure.org",
            "code": "mmol/L",
        },
        "referenceRange": [
            {"low": {"value": 3.5, "unit": "mmol/L"}, "high": {"value": 5.1, "unit": "mmol/L"}}
        ],
    }
