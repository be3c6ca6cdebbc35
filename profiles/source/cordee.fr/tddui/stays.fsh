// Stays, and what happens in them.

Profile: TDDUIEncounterSejour
Parent: Encounter
Id: tddui-encounter-sejour
Title: "Stay"
Description: "The time a person is looked after by a structure."
* insert French([[Séjour]])
* insert FrenchDescription([[Le temps pendant lequel une structure accompagne une personne.]])
* extension contains
    tddui-admission-date named TDDUIAdmissionDate 0..1 and
    tddui-entry-mode-label named TDDUIEntryModelabel 0..1 and
    tddui-exit-mode-label named TDDUIExitModeLabel 0..1 and
    tddui-comment named TDDUIComment 0..1
* identifier 1..
* identifier insert SlicedBy(pattern, type)
* identifier contains idStay 1..1
* identifier[idStay].type 1..
* identifier[idStay].type = TDDUIEncounterIdentifierCs#SEJ
* identifier[idStay].system 1..
* identifier[idStay].system = "https://identifiant-medicosocial-sejour.esante.gouv.fr"
* identifier[idStay].value 1..
* subject 1..
* subject only Reference(tddui-patient or tddui-patient-ins)
* serviceProvider 1..
* serviceProvider only Reference(tddui-organization)

Profile: TDDUIEncounterEvenement
Parent: Encounter
Id: tddui-encounter-evenement
Title: "Event"
Description: "Something done with a person or a group: planned, or over."
* insert French([[Évènement]])
* insert FrenchDescription([[Ce qui se fait avec une personne ou un groupe : prévu, ou passé.]])
* extension contains
    tddui-ressources-used named TDDUIRessourcesUsed 0..* and
    tddui-event-label named TDDUIEventLabel 0..1 and
    tddui-comment named TDDUIComment 0..* and
    tddui-event-report named TDDUIEventReport 0..1 and
    tddui-attachment named TDDUIAttachment 0..* and
    tddui-event-reason named TDDUIEventReason 0..1 and
    tddui-patient-validation named TDDUIPatientValidation 0..1
* insert OwnIdentifier(evenement)
* type insert SlicedBy(pattern, coding.system)
* type contains ssiad 0..* and serafin 0..* and text 0..*
* type[ssiad].coding 1..1
* type[ssiad].coding.system 1..
* type[ssiad].coding.system = "https://smt.esante.gouv.fr/fhir/CodeSystem/terminologie-cisis"
* type[ssiad].coding.code 1..
* type[serafin].coding 1..1
* type[serafin].coding.system 1..
* type[serafin].coding.system = "https://smt.esante.gouv.fr/terminologie-SERAFINPH"
* type[serafin].coding.code 1..
* type[text].coding.system 1..
* type[text].coding.system = "http://terminology.hl7.org/CodeSystem/data-absent-reason"
* type[text].coding.code = #not-permitted
* type[text].text 1..
* subject 1..
* subject only Reference(tddui-patient or tddui-patient-ins or Group)
* period.start 1..
* period.end 1..
* location ..1
* serviceProvider only Reference(tddui-organization)
* partOf only Reference(tddui-encounter-sejour)

CodeSystem: TDDUIEncounterIdentifierCs
Id: tddui-encounter-identifier
Title: "Identifiers of stays"
* insert French([[Identifiants de séjours]])
* ^content = #fragment
* #SEJ "Identifiant du séjour"

Extension: TDDUIAdmissionDate
Id: tddui-admission-date
Title: "Date of admission"
Description: "When the structure decided to take the person in."
Context: Encounter
* insert French([[Date d'admission]])
* insert FrenchDescription([[Date à laquelle la structure a décidé d'accueillir la personne.]])
* value[x] only dateTime

Extension: TDDUIEntryModeLabel
Id: tddui-entry-mode-label
Title: "Way in"
Description: "How the person came to the structure, in words."
Context: Encounter
* insert French([[Mode d'entrée]])
* insert FrenchDescription([[Comment la personne est arrivée dans la structure, en toutes lettres.]])
* value[x] only string

Extension: TDDUIExitModeLabel
Id: tddui-exit-mode-label
Title: "Way out"
Description: "How the person left the structure, in words."
Context: Encounter
* insert French([[Mode de sortie]])
* insert FrenchDescription([[Comment la personne a quitté la structure, en toutes lettres.]])
* value[x] only string

Extension: TDDUIEventLabel
Id: tddui-event-label
Title: "Name of an event"
Description: "What the event is called."
Context: Encounter
* insert French([[Libellé d'un évènement]])
* insert FrenchDescription([[Le nom donné à l'évènement.]])
* value[x] only string

Extension: TDDUIEventReason
Id: tddui-event-reason
Title: "Reason of an event"
Description: "Why the event takes place, in words."
Context: Encounter
* insert French([[Motif d'un évènement]])
* insert FrenchDescription([[Pourquoi l'évènement a lieu, en toutes lettres.]])
* value[x] only string

Extension: TDDUIEventReport
Id: tddui-event-report
Title: "Report of an event"
Description: "How the event went, in words."
Context: Encounter
* insert French([[Compte rendu d'un évènement]])
* insert FrenchDescription([[Comment l'évènement s'est passé, en toutes lettres.]])
* value[x] only string

Extension: TDDUIPatientValidation
Id: tddui-patient-validation
Title: "Accepted by the person"
Description: "Whether the person agreed to the event."
Context: Encounter
* insert French([[Validation par l'usager]])
* insert FrenchDescription([[Indique si la personne a accepté l'évènement.]])
* value[x] only boolean

Extension: TDDUIRessourcesUsed
Id: tddui-ressources-used
Title: "What an event uses"
Description: "Material or a place that is needed for an event."
Context: Encounter
* insert French([[Ressources utilisées]])
* insert FrenchDescription([[Le matériel ou le lieu nécessaire à un évènement.]])
* extension contains TDDUIRessourceType 0..1 and TDDUIMaterialDetail 0..1 and TDDUIFacilityResource 0..1
* extension[TDDUIRessourceType].value[x] only CodeableConcept
* extension[TDDUIMaterialDetail].value[x] only CodeableConcept
