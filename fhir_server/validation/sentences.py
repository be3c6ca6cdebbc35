"""What judges say, in English and French, and R4's most broken constraints in French."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from fhir_server.kernel.issues import Issue


class Problem(NamedTuple):
    """An issue that does not know its place yet. `code` is of the value set IssueType."""

    code: str
    text: str
    french: str

    def at(self, place: str) -> Issue:
        return Issue(self.code, self.text, place, french=self.french)


# Key → the English of R4, ours. The English stands beside so that another guide's constraint of the same key is not
# taken for it.
FRENCH: Final[Mapping[str, tuple[str, str]]] = {
    "age-1": (
        "There SHALL be a code if there is a value and it SHALL be an expression of time.  If system is present, it "
        "SHALL be UCUM.  If value is present, it SHALL be positive.",
        "Un âge qui a une valeur a un code d'unité de temps ; le système, s'il est présent, est UCUM ; la valeur est "
        "positive",
    ),
    "ait-1": (
        "AllergyIntolerance.clinicalStatus SHALL be present if verificationStatus is not entered-in-error.",
        "AllergyIntolerance.clinicalStatus est présent si verificationStatus n'est pas entered-in-error",
    ),
    "ait-2": (
        "AllergyIntolerance.clinicalStatus SHALL NOT be present if verification Status is entered-in-error",
        "AllergyIntolerance.clinicalStatus est absent si verificationStatus est entered-in-error",
    ),
    "app-2": (
        "Either start and end are specified, or neither",
        "Le début et la fin sont précisés tous deux, ou aucun des deux",
    ),
    "app-3": (
        "Only proposed or cancelled appointments can be missing start and end dates",
        "Seuls des rendez-vous proposés ou annulés peuvent ne pas avoir de début et de fin",
    ),
    "att-1": (
        "If the Attachment has data, it SHALL have a contentType",
        "Une pièce jointe qui a des données a un contentType",
    ),
    "bdl-1": (
        "total only when a search or history",
        "Le total n'existe que pour une recherche ou un historique",
    ),
    "bdl-2": ("entry.search only when a search", "entry.search n'existe que pour une recherche"),
    "bdl-3": (
        "entry.request mandatory for batch/transaction/history, otherwise prohibited",
        "entry.request est obligatoire pour batch, transaction et history, et interdit sinon",
    ),
    "bdl-4": (
        "entry.response mandatory for batch-response/transaction-response/history, otherwise prohibited",
        "entry.response est obligatoire pour batch-response, transaction-response et history, et interdit sinon",
    ),
    "bdl-5": (
        "must be a resource unless there's a request or response",
        "Une entrée a une ressource, à moins d'avoir une requête ou une réponse",
    ),
    "bdl-7": (
        "FullUrl must be unique in a bundle, or else entries with the same fullUrl must have different "
        "meta.versionId (except in history bundles)",
        "Un fullUrl est unique dans un Bundle, ou ses entrées ont des meta.versionId différents (sauf dans un "
        "historique)",
    ),
    "bdl-8": (
        "fullUrl cannot be a version specific reference",
        "fullUrl n'est pas une référence à une version",
    ),
    "bdl-9": (
        "A document must have an identifier with a system and a value",
        "Un document a un identifiant avec un système et une valeur",
    ),
    "bdl-10": ("A document must have a date", "Un document a une date (timestamp)"),
    "bdl-11": (
        "A document must have a Composition as the first resource",
        "La première ressource d'un document est un Composition",
    ),
    "bdl-12": (
        "A message must have a MessageHeader as the first resource",
        "La première ressource d'un message est un MessageHeader",
    ),
    "cmp-1": (
        "A section must contain at least one of text, entries, or sub-sections",
        "Une section contient au moins un texte, des entrées ou des sous-sections",
    ),
    "cmp-2": (
        "A section can only have an emptyReason if it is empty",
        "Une section n'a de emptyReason que si elle est vide",
    ),
    "con-3": (
        "Condition.clinicalStatus SHALL be present if verificationStatus is not entered-in-error and category is "
        "problem-list-item",
        "Condition.clinicalStatus est présent si verificationStatus n'est pas entered-in-error et que la catégorie "
        "est problem-list-item",
    ),
    "con-4": (
        "If condition is abated, then clinicalStatus must be either inactive, resolved, or remission",
        "Si la pathologie a pris fin, clinicalStatus est inactive, resolved ou remission",
    ),
    "con-5": (
        "Condition.clinicalStatus SHALL NOT be present if verification Status is entered-in-error",
        "Condition.clinicalStatus est absent si verificationStatus est entered-in-error",
    ),
    "cpl-3": (
        "Provide a reference or detail, not both",
        "Une activité a une référence ou un détail, pas les deux",
    ),
    "cpt-2": (
        "A system is required if a value is provided.",
        "Un moyen de contact qui a une valeur a un système (phone, email…)",
    ),
    "drt-1": (
        "There SHALL be a code if there is a value and it SHALL be an expression of time.  If system is present, it "
        "SHALL be UCUM.",
        "Une durée qui a un code a une valeur, et son système est UCUM",
    ),
    "exp-1": (
        "An expression or a reference must be provided",
        "Une expression ou une référence est fournie",
    ),
    "lst-1": (
        "A list can only have an emptyReason if it is empty",
        "Une liste n'a de emptyReason que si elle est vide",
    ),
    "obs-3": (
        "Must have at least a low or a high or text",
        "Un intervalle de référence a au moins une borne ou un texte",
    ),
    "obs-6": (
        "dataAbsentReason SHALL only be present if Observation.value[x] is not present",
        "dataAbsentReason n'est présent que si Observation.value[x] est absent",
    ),
    "obs-7": (
        "If Observation.code is the same as an Observation.component.code then the value element associated with "
        "the code SHALL NOT be present",
        "Si Observation.code est aussi le code d'un composant, Observation.value[x] est absent",
    ),
    "org-1": (
        "The organization SHALL at least have a name or an identifier, and possibly more than one",
        "Une organisation a au moins un nom ou un identifiant",
    ),
    "org-2": (
        "An address of an organization can never be of use 'home'",
        "L'adresse d'une organisation n'est jamais d'usage « home »",
    ),
    "org-3": (
        "The telecom of an organization can never be of use 'home'",
        "Un moyen de contact d'une organisation n'est jamais d'usage « home »",
    ),
    "pat-1": (
        "SHALL at least contain a contact's details or a reference to an organization",
        "Un contact a au moins un nom, un moyen de contact, une adresse ou une organisation",
    ),
    "per-1": (
        "If present, start SHALL have a lower value than end",
        "Le début d'une période, s'il est présent, précède sa fin",
    ),
    "ppc-1": ("Either a Policy or PolicyRule", "Un consentement a un policy ou un policyRule"),
    "qrs-1": (
        "Nested item can't be beneath both item and answer",
        "Des éléments ne se placent pas à la fois sous l'élément et sous sa réponse",
    ),
    "qty-3": (
        "If a code for the unit is present, the system SHALL also be present",
        "Si le code de l'unité est présent, son système l'est aussi",
    ),
    "que-2": (
        "The link ids for groups and questions must be unique within the questionnaire",
        "Les linkId sont uniques dans un questionnaire",
    ),
    "que-12": (
        "If there are more than one enableWhen, enableBehavior must be specified",
        "S'il y a plusieurs enableWhen, enableBehavior est précisé",
    ),
    "rat-1": (
        "Numerator and denominator SHALL both be present, or both are absent. If both are absent, there SHALL be "
        "some extension present",
        "Numérateur et dénominateur sont tous deux présents ou tous deux absents ; dans ce cas, il y a une extension",
    ),
    "rng-2": (
        "If present, low SHALL have a lower value than high",
        "La borne inférieure, si elle est présente, est inférieure à la borne supérieure",
    ),
    "sqty-1": (
        "The comparator is not used on a SimpleQuantity",
        "Cette quantité n'a pas de comparateur",
    ),
    "tim-1": (
        "if there's a duration, there needs to be duration units",
        "Une durée a une unité",
    ),
    "tim-2": ("if there's a period, there needs to be period units", "Une période a une unité"),
}
