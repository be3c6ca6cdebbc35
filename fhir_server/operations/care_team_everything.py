"""CareTeam/$everything: the whole dossier that a circle of care shares, under a definition of ours.

`dossier.py` says what belongs to it.
"""

from __future__ import annotations

from typing import Final

from fhir_server.operations.dossier import dossier
from fhir_server.operations.everything import PARAMETERS
from fhir_server.operations.operation import Operation, own

OPERATION: Final = Operation(
    own(
        "CareTeam-everything",
        name="CareTeamEverything",
        title="The whole dossier of a circle of care",
        description=(
            "The team, its patient, and of the patient's record what is tied to the team (episodes of care, plans, "
            "their goals and actions …), what happened during its period, and what holds of the patient whatever the "
            "date (problems, allergies, consents, coverage …). These are matches. What they refer to and is nobody's "
            "(the team's members, organizations, locations, medications, attachments …) is included."
        ),
        resource=["CareTeam"],
        instance=True,
        parameter=PARAMETERS,
    ),
    ask=dossier,
)
