// The plan of what a person wants and needs, and of what is done: CarePlan, goals, needs, tasks, agreements.

Profile: TDDUICarePlanProjetPersonnalise
Parent: CarePlan
Id: tddui-careplan-projet-personnalise
Title: "Personal plan"
Description: "What a person and a structure agreed to do together; the agreement of the structure is part of it."
* insert French([[Projet personnalisé]])
* insert FrenchDescription([[Ce qu'une personne et une structure conviennent de faire ensemble ; l'accord de la structure en fait partie.]])
* extension contains tddui-attachment named entrantProjetPerso 0..*
* insert OwnIdentifier(projetpersonnalise)
* status.extension contains tddui-status-author named auteurStatut 0..1
* category ..1
* category from https://mos.esante.gouv.fr/NOS/JDV_J367-TypeProjetPersonnaliseMs/FHIR/JDV-J367-TypeProjetPersonnaliseMs (required)
* title 1..
* subject only Reference(tddui-patient or tddui-patient-ins)
* supportingInfo insert SlicedBy(pattern, [[extension('https://interop.esante.gouv.fr/ig/fhir/tddui/StructureDefinition/tddui-discriminator').value]])
* supportingInfo contains accordUsager 0..* and accordStructure 1..*
* supportingInfo[accordUsager] only Reference(tddui-consent-accord)
* insert ToldBy(supportingInfo, accordUsager)
* supportingInfo[accordStructure] only Reference(tddui-consent-accord)
* insert ToldBy(supportingInfo, accordStructure)
* note ..1

Profile: TDDUIConsentAccord
Parent: Consent
Id: tddui-consent-accord
Title: "Agreement to a plan"
Description: "One party agrees, at a date."
* insert French([[Accord sur un projet]])
* insert FrenchDescription([[Une des parties donne son accord, à une date.]])
* dateTime 1..
* performer 1..1
* performer only Reference(tddui-organization or PractitionerRole or Practitioner or RelatedPerson or tddui-patient or tddui-patient-ins)

Profile: TDDUIGoalAttente
Parent: Goal
Id: tddui-goal-attente
Title: "Wish"
Description: "What a person hopes for."
* insert French([[Attente]])
* insert FrenchDescription([[Ce qu'une personne souhaite.]])
* extension contains tddui-careplan-reference named referenceProjetPerso 1..1
* insert OwnIdentifier(attente)
* subject only Reference(tddui-patient or tddui-patient-ins)

Profile: TDDUIGoalObjectif
Parent: Goal
Id: tddui-goal-objectif
Title: "Objective"
Description: "What is aimed at to meet a need."
* insert French([[Objectif]])
* insert FrenchDescription([[Ce que l'on vise pour répondre à un besoin.]])
* extension contains
    tddui-careplan-reference named referenceProjetPerso 1..1 and
    tddui-attachment named pieceJointeObjectif 0..*
* insert OwnIdentifier(objectif)
* subject only Reference(tddui-patient or tddui-patient-ins)
* target.detail[x] only string
* addresses 1..1
* addresses only Reference(tddui-service-request-besoin)
* note insert SlicedBy(pattern, [[extension('https://interop.esante.gouv.fr/ig/fhir/tddui/StructureDefinition/tddui-discriminator').value]])
* note contains titreObjectif 1..1 and avisUsagerObjectif 0..1 and strategieMiseEnOeuvreObjectif 0..1
* insert ToldBy(note, titreObjectif)
* insert ToldBy(note, avisUsagerObjectif)
* insert ToldBy(note, strategieMiseEnOeuvreObjectif)

Extension: TDDUICarePlanReference
Id: tddui-careplan-reference
Title: "Plan of a goal"
Description: "The plan that a wish or an objective belongs to."
Context: Goal
* insert French([[Projet de rattachement]])
* insert FrenchDescription([[Le projet auquel se rattache une attente ou un objectif.]])
* value[x] only Reference(CarePlan)

Profile: TDDUIServiceRequestBesoin
Parent: ServiceRequest
Id: tddui-service-request-besoin
Title: "Need"
Description: "What a person needs, as professionals see it."
* insert French([[Besoin]])
* insert FrenchDescription([[Ce dont une personne a besoin, selon les professionnels.]])
* extension contains tddui-attachment named pieceJointeBesoin 0..*
* insert OwnIdentifier(besoin)
* basedOn 1..1
* basedOn only Reference(tddui-careplan-projet-personnalise)
* category ..1
* category from https://mos.esante.gouv.fr/NOS/JDV_J285-Besoins-SERAFIN/FHIR/JDV-J285-Besoins-SERAFIN (required)
* code 1..
* subject only Reference(tddui-patient or tddui-patient-ins)
