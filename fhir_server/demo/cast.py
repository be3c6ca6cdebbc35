"""Who may look at the demonstration dossier, so that anybody can see in a minute what each of them sees.

Madame Payet and her daughter, the professionals of her circle, one who is not of it, the software of a service, and who
looks after the server. `cordee token --as ROLE` prints a token for one of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal


@dataclass(frozen=True, slots=True)
class Player:
    """One of the cast. `actors`: their resources in the dossier, who acts first in front; may be empty."""

    name: str  # what `--as` takes
    who: str  # in French, for the person at the terminal
    kind: Literal["professional", "citizen", "system", "operator"]
    roles: tuple[str, ...]  # of the access matrix
    actors: tuple[str, ...] = ()
    organisation: str = ""
    purpose: str = "TREAT"
    scope: str = "user/*.cruds"
    level: str = "eidas2"


def _professional(name: str, who: str, role: str, person: str, organisation: str, *more: str) -> Player:
    """Somebody of the circle, by their PractitionerRole and Practitioner, which have the same id."""
    place = f"Organization/{organisation}"
    actors = (f"PractitionerRole/{person}", f"Practitioner/{person}", place)
    return Player(name, who, "professional", tuple(sorted((role, *more))), actors, place)


CAST: Final[tuple[Player, ...]] = (
    _professional(
        "medecin-traitant",
        "Dr Hélène Auvray, médecin traitant de Mme Payet, MSP des Hortensias",
        "medecin",
        "helene-auvray",
        "msp-des-hortensias",
    ),
    _professional(
        "infirmier",
        "Karim Belhadj, infirmier libéral du cercle, MSP des Hortensias",
        "infirmier",
        "karim-belhadj",
        "msp-des-hortensias",
    ),
    _professional(
        "pharmacien",
        "Sylvie Duhamel, pharmacienne du cercle, Pharmacie du Beffroi",
        "pharmacien",
        "sylvie-duhamel",
        "pharmacie-du-beffroi",
    ),
    _professional(
        "coordonnateur",
        "Mathilde Cauchois, coordinatrice et assistante de service social, DAC Caux-Seine",
        "coordonnateur",
        "mathilde-cauchois",
        "dac-caux-seine",
        "travailleur-social",
    ),
    _professional(
        "aide-domicile",
        "Rosa Ferreira, aide à domicile du cercle, Maison et Compagnie",
        "aide-domicile",
        "rosa-ferreira",
        "saa-maison-et-compagnie",
    ),
    _professional(
        "cardiologue",
        "Dr Thomas Lemarchand, cardiologue, CH du Val de Caux",
        "medecin",
        "thomas-lemarchand",
        "ch-du-val-de-caux",
    ),
    _professional(
        "geriatre",
        "Dr Anouk Lesage, gériatre, CH du Val de Caux\u202f: le séjour est fini, elle ne voit plus que l'annuaire",
        "medecin",
        "anouk-lesage",
        "ch-du-val-de-caux",
    ),
    Player(
        "personne",
        "Madeleine Payet, qui lit son propre dossier",
        "citizen",
        ("personne",),
        ("Patient/payet",),
        purpose="PATRQT",
    ),
    Player(
        "aidant",
        "Isabelle Payet, sa fille, aidante",
        "citizen",
        ("aidant",),
        ("RelatedPerson/payet-isabelle",),
        purpose="PATRQT",
    ),
    Player(
        "medecin-inconnu",
        "Un médecin qui n'est d'aucun cercle\u202f: il ne voit que l'annuaire",
        "professional",
        ("medecin",),
    ),
    Player(
        "logiciel-ssiad",
        "Le logiciel du SSIAD des Trois Clochers",
        "system",
        ("aide-soignant", "infirmier"),
        ("Organization/ssiad-des-trois-clochers",),
        "Organization/ssiad-des-trois-clochers",
        scope="system/*.cruds",
        level="",
    ),
    Player(
        "annuaire",
        "Le connecteur de l'annuaire\u202f: il écrit les professionnels et les structures",
        "system",
        ("annuaire",),
        purpose="HOPERAT",
        scope="system/*.cruds",
        level="",
    ),
    Player(
        "dpo",
        "La déléguée à la protection des données\u202f: traces et consentements",
        "system",
        ("dpo",),
        purpose="HSYSADMIN",
        scope="system/*.cruds",
        level="",
    ),
    Player(
        "operateur",
        "L'opérateur de la plateforme\u202f: la configuration, aucune donnée de personne",
        "operator",
        ("operateur",),
        purpose="HSYSADMIN",
        scope="system/*.cruds",
        level="",
    ),
)


def player(name: str) -> Player | None:
    """The one whom `--as` names; None: nobody of the cast."""
    return next((one for one in CAST if one.name == name), None)
