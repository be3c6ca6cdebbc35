// What a structure makes of a decision: every fact is an input of a Task.

Alias: $inputs = https://interop.esante.gouv.fr/ig/fhir/sdo/CodeSystem/input-task-sdo-codesystem

RuleSet: Input(slice, type)
* input[{slice}].type = $inputs#{slice}
* input[{slice}].value[x] only {type}

RuleSet: CodedInput(slice, values)
* insert Input({slice}, CodeableConcept)
* input[{slice}].value[x] from {values} (required)

RuleSet: StateOfAPersonInAStructure
* obeys regle-StatutUnite
* meta.lastUpdated 1..
* status = #completed
* intent = #plan
* input 4..
* input insert SlicedBy(pattern, type)
* input contains
    idNat_Struct 1..1 and
    nomESMS 1..1 and
    statutESMS 0..1 and
    motifESMS 0..1 and
    dateStatutESMS 0..1 and
    idUnite 0..1 and
    nomUnite 0..1 and
    categorieOrganisation 0..1 and
    temporaliteAccueil 0..1 and
    accueilSequentiel 0..1 and
    modePriseCharge 0..1 and
    statutUnite 0..1 and
    dateStatutUnite 0..1 and
    motifUnite 0..1 and
    idDecision 1..1 and
    idNat_Decision 1..1
* insert Input(idNat_Struct, Identifier)
* insert Input(nomESMS, string)
* insert CodedInput(statutESMS, https://mos.esante.gouv.fr/NOS/JDV_J252-StatutPersonnePriseChargeESMS/FHIR/JDV-J252-StatutPersonnePriseChargeESMS)
* insert CodedInput(motifESMS, https://mos.esante.gouv.fr/NOS/JDV_J251-MotifStatutPersonnePriseChargeESMS/FHIR/JDV-J251-MotifStatutPersonnePriseChargeESMS)
* insert Input(dateStatutESMS, date)
* insert Input(idUnite, Identifier)
* insert Input(nomUnite, string)
* insert CodedInput(categorieOrganisation, https://mos.esante.gouv.fr/NOS/JDV_J34-CategorieOrganisation-ROR/FHIR/JDV-J34-CategorieOrganisation-ROR)
* insert CodedInput(temporaliteAccueil, https://mos.esante.gouv.fr/NOS/JDV_J30-TemporaliteAccueil-ROR/FHIR/JDV-J30-TemporaliteAccueil-ROR)
* insert Input(accueilSequentiel, boolean)
* input[modePriseCharge] obeys regle-ModePriseEnCharge
* insert CodedInput(modePriseCharge, https://mos.esante.gouv.fr/NOS/JDV_J264-ModeEtCentreDePriseEnCharge-MDPH/FHIR/JDV-J264-ModeEtCentreDePriseEnCharge-MDPH)
* input[modePriseCharge].value[x].coding 1..1
* insert CodedInput(statutUnite, https://mos.esante.gouv.fr/NOS/JDV_J253-StatutPersonnePriseChargeUnite/FHIR/JDV-J253-StatutPersonnePriseChargeUnite)
* insert Input(dateStatutUnite, date)
* insert CodedInput(motifUnite, https://mos.esante.gouv.fr/NOS/JDV_J250-MotifStatutPersonnePriseChargeUnite/FHIR/JDV-J250-MotifStatutPersonnePriseChargeUnite)
* insert Input(idDecision, Identifier)
* insert Input(idNat_Decision, Identifier)

Profile: ESMSTask
Parent: Task
Id: esms-task
Title: "State of a person in a structure, as the structure tells it"
Description: "Admitted, on a waiting list, refused …: what a medico-social structure makes of a decision."
* insert French([[Statut d'une personne dans un établissement ou service, transmis par celui-ci]])
* insert FrenchDescription([[Admise, sur liste d'attente, refusée… : la suite qu'un établissement ou service donne à une décision.]])
* insert StateOfAPersonInAStructure

Profile: SDOTask
Parent: Task
Id: sdo-task
Title: "State of a person in a structure, as the system of decisions tells it"
Description: "What other structures made of the same decision."
* insert French([[Statut d'une personne dans un établissement ou service, diffusé aux autres]])
* insert FrenchDescription([[La suite que d'autres établissements ou services ont donnée à la même décision.]])
* insert StateOfAPersonInAStructure

// The expression reads the text of a type: producers have to write the name of the input there, besides the coding.
Invariant: regle-StatutUnite
Description: "With statutUnite there are idUnite, nomUnite, categorieOrganisation, modePriseCharge and dateStatutUnite"
Severity: #error
Expression: "input.type.where(text='idUnite').exists() and input.type.where(text='nomUnite').exists() and input.type.where(text='categorieOrganisation').exists() and input.type.where(text='modePriseCharge').exists() and input.type.where(text='dateStatutUnite').exists() or input.type.where(text='statutUnite').exists().not()"
* insert HumanFrench([[Avec statutUnite sont présents idUnite, nomUnite, categorieOrganisation, modePriseCharge et dateStatutUnite]])

Invariant: regle-ModePriseEnCharge
Description: "The kind of stay is 46 (living in), 47 (by day) or 48 (by night)"
Severity: #error
Expression: "(value.coding.where(code='48').exists()) or (value.coding.where(code='47').exists()) or (value.coding.where(code='46').exists())"
* insert HumanFrench([[Le mode de prise en charge est 46 (hébergement), 47 (accueil de jour) ou 48 (accueil de nuit)]])

CodeSystem: InputTaskSDOCodeSystem
Id: input-task-sdo-codesystem
Title: "Facts on a person in a structure"
* insert French([[Éléments du statut d'une personne dans un établissement ou service]])
* #idNat_Struct "Identifiant national de la structure"
* #nomESMS "Nom de l'établissement ou service"
* #statutESMS "Statut dans l'établissement ou service"
* #motifESMS "Motif du statut dans l'établissement ou service"
* #dateStatutESMS "Date du statut dans l'établissement ou service"
* #idUnite "Identifiant de l'unité"
* #nomUnite "Nom de l'unité"
* #categorieOrganisation "Catégorie d'organisation"
* #temporaliteAccueil "Temporalité d'accueil"
* #accueilSequentiel "Accueil séquentiel"
* #modePriseCharge "Mode de prise en charge"
* #statutUnite "Statut dans l'unité"
* #dateStatutUnite "Date du statut dans l'unité"
* #motifUnite "Motif du statut dans l'unité"
* #typeDroitPrestation "Type de droit ou prestation"
* #idDecision "Identifiant de la décision"
* #idNat_Decision "Identifiant national de la décision"
