// Vital signs.

Profile: FRCoreMedicationAdministrationInhaledOxygenProfile
Parent: MedicationAdministration
Id: fr-core-medication-administration-inhaled-oxygen
Title: "Inhaled oxygen"
* insert French([[Oxygène inhalé]])
* meta.profile insert SlicedBy(value, $this)
* meta.profile contains fr-canonical 0..1
* meta.profile[fr-canonical] = "https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-medication-administration-inhaled-oxygen"
* medication[x] only CodeableConcept
* medication[x].coding 1..1
* medication[x].coding.system 1..
* medication[x].coding.system = "http://snomed.info/sct" (exactly)
* medication[x].coding.code 1..
* medication[x].coding.code = #767111007 (exactly)
* subject only Reference(fr-core-patient)
* performer.actor only Reference(RelatedPerson or Device or fr-core-practitioner or PractitionerRole or fr-core-patient)

Profile: FRCoreObservationBmiProfile
Parent: http://hl7.org/fhir/StructureDefinition/bmi
Id: fr-core-observation-bmi
Title: "Body mass index"
* insert French([[Indice de masse corporelle]])
* meta.profile insert SlicedBy(value, $this)
* meta.profile contains fr-canonical 0..1
* meta.profile[fr-canonical] = "https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-observation-bmi"
* extension contains http://hl7.org/fhir/StructureDefinition/workflow-supportingInfo named supportingInfo 0..1
* code.coding 1..
* subject only Reference(fr-core-patient)
* encounter only Reference(fr-core-encounter)
* performer only Reference(CareTeam or RelatedPerson or fr-core-practitioner or PractitionerRole or fr-core-organization or fr-core-patient)

Profile: FRCoreObservationBodyHeightProfile
Parent: http://hl7.org/fhir/StructureDefinition/bodyheight
Id: fr-core-observation-body-height
Title: "Height"
* insert French([[Taille]])
* meta.profile insert SlicedBy(value, $this)
* meta.profile contains fr-canonical 0..1
* meta.profile[fr-canonical] = "https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-observation-body-height"
* extension contains fr-core-observation-height-body-position named bodyposition 0..1
* extension contains http://hl7.org/fhir/StructureDefinition/workflow-supportingInfo named supportingInfo 0..1 MS
* code.coding 1..
* subject only Reference(fr-core-patient)
* encounter only Reference(fr-core-encounter)
* performer only Reference(CareTeam or RelatedPerson or fr-core-patient or fr-core-practitioner or PractitionerRole or fr-core-organization)
* method from http://models.opencimi.org/ig/vital-signs-fhir-profiles/ValueSet-heightLengthMeasMethodVS (example)

Profile: FRCoreObservationBodyTemperatureProfile
Parent: http://hl7.org/fhir/StructureDefinition/bodytemp
Id: fr-core-observation-body-temperature
Title: "Body temperature"
* insert French([[Température corporelle]])
* meta.profile insert SlicedBy(value, $this)
* meta.profile contains fr-canonical 0..1
* meta.profile[fr-canonical] = "https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-observation-body-temperature"
* extension contains fr-core-observation-level-of-exertion named levelOfExertion 0..1
* extension contains http://hl7.org/fhir/StructureDefinition/workflow-supportingInfo named supportingInfo 0..1 MS
* code.coding 1..
* subject only Reference(fr-core-patient)
* encounter only Reference(fr-core-encounter)
* performer only Reference(CareTeam or RelatedPerson or fr-core-practitioner or fr-core-patient or fr-core-organization or PractitionerRole)
* bodySite from http://hl7.org/fhir/hspc/ValueSet/bodyTempMeasBodyLocationPrecoordVS (example)

Profile: FRCoreObservationBodyWeightProfile
Parent: http://hl7.org/fhir/StructureDefinition/bodyweight
Id: fr-core-observation-body-weight
Title: "Weight"
* insert French([[Poids]])
* meta.profile insert SlicedBy(value, $this)
* meta.profile contains fr-canonical 0..1
* meta.profile[fr-canonical] = "https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-observation-body-weight"
* extension contains http://hl7.org/fhir/StructureDefinition/workflow-supportingInfo named supportingInfo 0..1
* code.coding 1..
* subject only Reference(fr-core-patient)
* encounter only Reference(fr-core-encounter)
* performer only Reference(CareTeam or RelatedPerson or fr-core-practitioner or PractitionerRole or fr-core-organization or fr-core-patient)
* method from https://hl7.fr/ig/fhir/core/ValueSet/fr-core-vs-weight-measurement-method (example)

Profile: FRCoreObservationBpProfile
Parent: http://hl7.org/fhir/StructureDefinition/bp
Id: fr-core-observation-bp
Title: "Blood pressure"
* insert French([[Pression artérielle]])
* meta.profile insert SlicedBy(value, $this)
* meta.profile contains fr-canonical 0..1
* meta.profile[fr-canonical] = "https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-observation-bp"
* extension contains http://hl7.org/fhir/StructureDefinition/workflow-supportingInfo named supportingInfo 0..1
* code.coding 1..
* encounter only Reference(fr-core-encounter)
* performer only Reference(CareTeam or fr-core-patient or fr-core-practitioner or PractitionerRole or fr-core-organization or fr-core-related-person)
* value[x] ..0
* bodySite from http://hl7.org/fhir/hspc/ValueSet/bpMeasBodyLocationPrecoordVS (example)
* method from https://hl7.fr/ig/fhir/core/ValueSet/fr-core-vs-bp-measurement-method (example)
* component[SystolicBP].code.coding 1..
// CONTENTREF component[SystolicBP].referenceRange http://hl7.org/fhir/StructureDefinition/Observation#Observation.referenceRange
* component[DiastolicBP].code.coding 1..
// CONTENTREF component[DiastolicBP].referenceRange http://hl7.org/fhir/StructureDefinition/Observation#Observation.referenceRange
* component contains MeanBP 0..1
* component[MeanBP].code.coding insert SlicedBy(value, code)
* component[MeanBP].code.coding insert AlsoBy(value, system)
* component[MeanBP].code.coding 1..
* component[MeanBP].code.coding contains MBPCode 1..1
* component[MeanBP].code.coding[MBPCode].system 1..
* component[MeanBP].code.coding[MBPCode].system = "http://loinc.org" (exactly)
* component[MeanBP].code.coding[MBPCode].code 1..
* component[MeanBP].code.coding[MBPCode].code = #8478-0 (exactly)
// CONTENTREF component[MeanBP].referenceRange http://hl7.org/fhir/StructureDefinition/Observation#Observation.referenceRange

Profile: FRCoreObservationHeadCircumProfile
Parent: http://hl7.org/fhir/StructureDefinition/headcircum
Id: fr-core-observation-head-circum
Title: "Head circumference"
* insert French([[Périmètre crânien]])
* meta.profile insert SlicedBy(value, $this)
* meta.profile contains fr-canonical 0..1
* meta.profile[fr-canonical] = "https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-observation-head-circum"
* extension contains http://hl7.org/fhir/StructureDefinition/workflow-supportingInfo named supportingInfo 0..1 MS
* code.coding 1..
* subject only Reference(fr-core-patient)
* encounter only Reference(fr-core-encounter)
* performer only Reference(CareTeam or RelatedPerson or fr-core-practitioner or PractitionerRole or fr-core-patient or fr-core-organization)

Profile: FRCoreObservationHeartRateProfile
Parent: http://hl7.org/fhir/StructureDefinition/heartrate
Id: fr-core-observation-heartrate
Title: "Heart rate"
* insert French([[Fréquence cardiaque]])
* meta.profile insert SlicedBy(value, $this)
* meta.profile contains fr-canonical 0..1
* meta.profile[fr-canonical] = "https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-observation-heartrate"
* extension contains fr-core-observation-level-of-exertion named levelOfExertion 0..1
* extension contains fr-core-observation-body-position-ext named bodyPosition 0..1
* extension contains http://hl7.org/fhir/StructureDefinition/workflow-supportingInfo named supportingInfo 0..1 MS
* code.coding 1..
* subject only Reference(fr-core-patient)
* encounter only Reference(fr-core-encounter)
* performer only Reference(CareTeam or fr-core-practitioner or PractitionerRole or fr-core-organization or fr-core-patient or fr-core-related-person)
* bodySite from http://hl7.org/fhir/hspc/ValueSet/heartRateMeasBodyLocationPrecoordVS (example)
* bodySite.coding from https://hl7.fr/ig/fhir/core/ValueSet/fr-core-vs-heart-rate-body-position (example)
* method from http://hl7.org/fhir/hspc/ValueSet/heartRateMeasMethodVS (example)
* method.coding from https://hl7.fr/ig/fhir/core/ValueSet/fr-core-vs-heart-rate-method (example)

Profile: FRCoreObservationRespRateProfile
Parent: http://hl7.org/fhir/StructureDefinition/resprate
Id: fr-core-observation-resp-rate
Title: "Respiratory rate"
* insert French([[Fréquence respiratoire]])
* meta.profile insert SlicedBy(value, $this)
* meta.profile contains fr-canonical 0..1
* meta.profile[fr-canonical] = "https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-observation-resp-rate"
* extension contains fr-core-observation-body-position-ext named bodyPosition 0..1
* extension contains fr-core-observation-level-of-exertion named levelOfExertion 0..1
* extension contains http://hl7.org/fhir/StructureDefinition/workflow-supportingInfo named supportingInfo 0..1 MS
* code.coding 1..
* subject only Reference(fr-core-patient)
* encounter only Reference(fr-core-encounter)
* performer only Reference(CareTeam or fr-core-patient or fr-core-practitioner or PractitionerRole or fr-core-organization or fr-core-related-person)
* method from http://hl7.org/fhir/hspc/ValueSet/respiratoryRateMeasMethodVS (example)

Profile: FRCoreObservationOxygenSaturationProfile
Parent: http://hl7.org/fhir/StructureDefinition/oxygensat
Id: fr-core-observation-saturation-oxygen
Title: "Oxygen saturation"
* insert French([[Saturation en oxygène]])
* meta.profile insert SlicedBy(value, $this)
* meta.profile contains fr-canonical 0..1
* meta.profile[fr-canonical] = "https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-observation-saturation-oxygen"
* extension contains http://hl7.org/fhir/StructureDefinition/workflow-supportingInfo named supportingInfoAdministrationOxygen 0..1
* partOf ..1 MS
* partOf only Reference(fr-core-medication-administration-inhaled-oxygen)
* code.coding 1..
* subject only Reference(Patient or fr-core-patient)
* encounter only Reference(Encounter or fr-core-encounter)
* performer only Reference(CareTeam or RelatedPerson or fr-core-patient or fr-core-practitioner or PractitionerRole or fr-core-organization)
* bodySite from http://hl7.org/fhir/hspc/ValueSet/sPO2BodyLocationVS (example)

Extension: FRCoreObservationBodyPositionExtExtension
Id: fr-core-observation-body-position-ext
Title: "Position of the body"
Context: Observation
* insert French([[Position du corps]])
* value[x] only CodeableConcept
* value[x] from http://hl7.org/fhir/hspc/ValueSet/bodyPositionVS (example)

Extension: FRCoreObservationHeightBodyPositionExtension
Id: fr-core-observation-height-body-position
Title: "Position in which the height was taken"
Context: Observation
* insert French([[Position lors de la mesure de la taille]])
* value[x] only CodeableConcept
* value[x] from fr-core-vs-height-body-position (example)

Extension: FRCoreObservationLevelOfExertionExtension
Id: fr-core-observation-level-of-exertion
Title: "Level of exertion"
Context: Observation
* insert French([[Niveau d'effort]])
* value[x] only CodeableConcept

ValueSet: FRCoreValueSetBPMeasurementMethod
Id: fr-core-vs-bp-method
Title: "How blood pressure is taken, instruments"
* insert French([[Instruments de mesure de la pression artérielle]])
* $sct#37931006
* $sct#113011001
* $sct#61284002
* $sct#10179008

ValueSet: FRCoreValueSetHeightBodyPosition
Id: fr-core-vs-height-body-position
Title: "Positions in which height is taken"
* insert French([[Positions lors de la mesure de la taille]])
* include codes from system $sct where concept is-a #10904000
* include codes from system $sct where concept is-a #102538003
