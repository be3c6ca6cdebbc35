"""EpisodeOfCare/$everything: the whole dossier of a support, under a definition of ours.

`dossier.py` says what belongs to it.
"""

from __future__ import annotations

from typing import Final

from fhir_server.operations.dossier import dossier
from fhir_server.operations.everything import PARAMETERS
from fhir_server.operations.operation import Operation, own

OPERATION: Final = Operation(
    own(
        "EpisodeOfCare-everything",
        name="EpisodeOfCareEverything",
        title="The whole dossier of an episode of care",
        description=(
            "The episode, its patient, and of the patient's record what is tied to the episode or its team, what "
            "happened during its period and is not tied to another episode, and what holds of the patient whatever the "
            "date (problems, allergies, consents, coverage …). These are matches. What they refer to and is nobody's "
            "(practitioners, organizations, locations, medications, attachments …) is included."
        ),
        resource=["EpisodeOfCare"],
        instance=True,
        parameter=PARAMETERS,
    ),
    ask=dossier,
)
