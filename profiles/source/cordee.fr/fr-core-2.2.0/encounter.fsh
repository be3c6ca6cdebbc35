// Stays and contacts.

Profile: FRCoreEncounterProfile
Parent: Encounter
Id: fr-core-encounter
Title: "Stay or contact"
* insert French([[Venue]])
* meta.profile insert SlicedBy(value, $this)
* meta.profile contains fr-canonical 0..1
* meta.profile[fr-canonical] = "https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-encounter|2.2.0"
* extension contains fr-core-estimated-discharge-date named estimatedDischargeDate 0..1
* identifier 1..
* identifier.type 1..
* identifier.type from fr-core-vs-encounter-identifier-type (extensible)
* identifier.system 1..
* identifier.value 1..
* identifier.assigner only Reference(fr-core-organization)
* class.system 1..
* class.code 1..
* type from fr-core-vs-encounter-type (example)
* subject only Reference(fr-core-patient or Group)
* participant.individual only Reference(RelatedPerson or fr-core-practitioner or PractitionerRole)
* appointment only Reference(fr-core-appointment)
* period 1..
* account ..1
* hospitalization.preAdmissionIdentifier.type 1..
* hospitalization.preAdmissionIdentifier.type from fr-core-vs-encounter-identifier-type (extensible)
* hospitalization.preAdmissionIdentifier.system 1..
* hospitalization.preAdmissionIdentifier.system = "1.2.250.1.71.4.2.2+.n°FINESS" (exactly)
* hospitalization.preAdmissionIdentifier.value 1..
* hospitalization.preAdmissionIdentifier.assigner only Reference(fr-core-organization)
* hospitalization.origin only Reference(fr-core-location or fr-core-organization)
* hospitalization.destination only Reference(fr-core-location or fr-core-organization)
* hospitalization.dischargeDisposition from fr-core-vs-encounter-discharge-disposition (example)
* location.location only Reference(fr-core-location)
* location.physicalType from fr-core-vs-location-type (example)
* serviceProvider only Reference(fr-core-organization)
* partOf only Reference(fr-core-encounter)

Extension: FRCoreEncounterEstimatedDischargeDateExtension
Id: fr-core-estimated-discharge-date
Title: "Expected date of leaving"
Context: Encounter
* insert French([[Date de sortie prévue]])
* value[x] only date

ValueSet: FRCoreValueSetEncounterClass
Id: fr-core-vs-encounter-class
Title: "Classes of stays"
* insert French([[Classes de venues]])
* http://terminology.hl7.org/CodeSystem/v3-ActCode#ACUTE
* http://terminology.hl7.org/CodeSystem/v3-ActCode#NONAC
* http://terminology.hl7.org/CodeSystem/v3-ActCode#PRENC
* http://terminology.hl7.org/CodeSystem/v3-ActCode#SS
* http://terminology.hl7.org/CodeSystem/v3-ActCode#VR

ValueSet: FRCoreValueSetEncounterDischargeDisposition
Id: fr-core-vs-encounter-discharge-disposition
Title: "Ways to leave a stay"
* insert French([[Circonstances de sortie]])
* include codes from system fr-core-cs-circonstances-sortie
* include codes from system http://terminology.hl7.org/CodeSystem/discharge-disposition

ValueSet: FRCoreValueSetEncounterIdentifierType
Id: fr-core-vs-encounter-identifier-type
Title: "Kinds of identifiers of stays"
* insert French([[Types d'identifiants de venues]])
* include codes from system fr-core-cs-identifier-type

ValueSet: FRCoreValueSetEncounterType
Id: fr-core-vs-encounter-type
Title: "Kinds of stays"
* insert French([[Types de venues]])
* http://terminology.hl7.org/CodeSystem/v2-0007#C
* http://terminology.hl7.org/CodeSystem/v2-0007#L
* http://terminology.hl7.org/CodeSystem/v2-0007#N
* http://terminology.hl7.org/CodeSystem/v2-0007#R
* http://terminology.hl7.org/CodeSystem/v2-0007#U
* fr-core-cs-type-admission#RM
* fr-core-cs-type-admission#IE

CodeSystem: FRCoreCodeSystemCirconstancesSortie
Id: fr-core-cs-circonstances-sortie
Title: "Ways to leave a stay"
* insert French([[Circonstances de sortie]])
* #2 "Mesure disciplinaire"
* #3 "Décision médicale"
* #4 "Contre avis médical"
* #5 "en attente d'examen"
* #6 "Convenance personnelle"
* #R "Essai (contexte psychiatrique)"
* #E "Evasion"
* #F "Fugue"
* #A "Absence ( < 12h)"
* #P "Permission ( <72h)"
* #S "Sortie avec programme de soins"
* #B "Départ vers MCO"
* #REO "Réorientation"
* #PSA "Patient parti sans attendre les soins"

CodeSystem: FRCoreCodeSystemTypeAdmission
Id: fr-core-cs-type-admission
Title: "Kinds of admission"
* insert French([[Types d'admission]])
* #RM "Rétrocession de médicament"
* #IE "Prestation inter-établissements"

CodeSystem: FRCoreCodeSystemv2_3307
Id: fr-core-cs-v2-3307
Title: "Kinds of organisation or stay (HL7 v2 table 3307)"
* insert French([[Types de venue (table 3307)]])
* #GHT "Groupement hospitalier de territoire"
* #LEGAL-ENTITY "Entité légale"
* #GEOGRAPHICAL-ENTITY "Entité géographique"
* #GROUP "Groupe privé/hospitalier"
* #STRUCT-INTERNE "Structure interne"
* #SECTEUR "Secteur"
* #DEPARTEMENT "Département"
* #SERVICE "Service"
* #UM "Unité médicale"
* #UAC "Unité d'activité"
* #POLE "Pôle"
* #CENTRE-RESP "Centre de responsabilité"
* #CENTRE-ACTIVITE "Centre d'activité"
* #UF "Unité fonctionnelle"

CodeSystem: FRCoreCodeSystemv2_3311
Id: fr-core-cs-v2-3311
Title: "Kinds of movement (HL7 v2 table 3311)"
* insert French([[Types de mouvement (table 3311)]])
* #MCO "MCO"
* #SSR "SSR"
* #HD "HAD"
* #EHPD "EHPAD"
* #LG_SJR "Long séjour"
* #MSN_RTRT "Maison de retraite"
* #PSY "Psy"
* #URG "Urgence"
