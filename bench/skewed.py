"""A generated set that is hard on an index: one patient with 10 000 Observations, one tag on every row, long lists.

Names are in several scripts, and nearly half of the families begin alike. The same for the same seed.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any, Final

from bench.data import CODES, FAMILIES, observation, patient

PATIENTS: Final = 8000
ALIKE: Final = 3600  # of them whose family begins with `ALIKE_PREFIX`
ALIKE_PREFIX: Final = "Payet"
HEAVY: Final = 0  # the patient with very many Observations
HEAVY_OBSERVATIONS: Final = 10_000  # all of `BUSY`
BUSY: Final = ("19999", "Analyte courant")  # on 16 000 Observations
BUSY_ELSEWHERE: Final = 6000
BUSY_ALIKE: Final = 25  # of those, about patients whose families are alike
SELECTIVE: Final = ("19998", "Analyte rare")  # on as many Observations as patients
SELECTIVE_OBSERVATIONS: Final = 900
FOLLOWED: Final = 500  # patients with `EACH` Observations more
EACH: Final = 8
OTHERS: Final = 12_000  # Observations of any of `CODES` about any patient
TAG: Final = ("https://example.org/CodeSystem/bench", "everywhere")

_FAMILIES: Final = (
    *FAMILIES,
    "Παπαδόπουλος",
    "Соколова",
    "田中",
    "王",
    "الحسن",
    "Çelik",
    "Åkerström",
    "Żółkiewska",
    "L'Hôpital",
    "Saint-Étienne",
)


def patients() -> list[dict[str, Any]]:
    """Each number of an identifier is the place in this list."""
    rng = random.Random(71)
    made = []
    for number in range(PATIENTS):
        one = patient(number, rng)
        family = rng.choice(_FAMILIES[1:])
        one["name"][1]["family"] = rng.choice(_FAMILIES[1:])
        if _is_alike(number):
            family = f"{ALIKE_PREFIX}-{family}"
        one["name"][0]["family"] = family
        made.append(_tagged(one))
    return made


def observations(ids: list[str]) -> Iterator[dict[str, Any]]:
    """`ids`: those that the `patients` were given, in their order."""
    rng = random.Random(72)
    alike = [one for number, one in enumerate(ids) if _is_alike(number)]
    others = [one for number, one in enumerate(ids) if not _is_alike(number) and number != HEAVY]
    for _ in range(HEAVY_OBSERVATIONS):
        yield _of(ids[HEAVY], rng, BUSY)
    for number in range(BUSY_ELSEWHERE):
        yield _of(alike[number] if number < BUSY_ALIKE else rng.choice(others), rng, BUSY)
    for one in rng.sample(ids, SELECTIVE_OBSERVATIONS):
        yield _of(one, rng, SELECTIVE)
    for one in ids[1 : FOLLOWED + 1]:
        for _ in range(EACH):
            yield _of(one, rng, rng.choice(CODES))
    for _ in range(OTHERS):
        yield _of(rng.choice(ids), rng, rng.choice(CODES))


def _is_alike(number: int) -> bool:
    return FOLLOWED < number <= FOLLOWED + ALIKE


def _of(id: str, rng: random.Random, code: tuple[str, str]) -> dict[str, Any]:
    made = observation(id, rng)
    made["code"] = {
        "coding": [{"system": "http://loinc.org", "code": code[0], "display": code[1]}],
        "text": code[1],
    }
    return _tagged(made)


def _tagged(resource: dict[str, Any]) -> dict[str, Any]:
    resource["meta"]["tag"] = [{"system": TAG[0], "code": TAG[1]}]
    return resource
