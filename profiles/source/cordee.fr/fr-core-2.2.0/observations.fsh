// Vital signs.

Profile: FRCoreMedicationAdministrationInhaledOxygenProfile
Parent: MedicationAdministration
Id: fr-core-medication-administration-inhaled-oxygen
Title: "Inhaled oxygen"
* insert French([[Oxygène inhalé]])
* meta.profile insert SlicedBy(value, $this)
* meta.profile contains fr-canonical 0..1
* meta.profile[fr-canonical] = "https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-medication-administration-inhaled-oxygen|2.2.0"
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
* meta.profile[fr-canonical] = "https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-observation-bmi|2.2.0"
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
* meta.profile[fr-canonical] = "https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-observation-body-height|2.2.0"
* extension contains fr-core-observation-height-body-position named bodyposition 0..1
* extension contains http://hl7.org/fhir/StructureDefinition/workflow-supportingInfo named supportingInfo 0..1 MS
* code.coding 1..
* subject only Reference(fr-core-patient)
* encounter only Reference(fr-core-encounter)
* performer only Reference(CareTeam or RelatedPerson or fr-core-patient or fr-core-practitioner or PractitionerRole or fr-core-organization)
* method from fr-core-vs-height-meas-method (example)

Profile: FRCoreObservationBodyTemperatureProfile
Parent: http://hl7.org/fhir/StructureDefinition/bodytemp
Id: fr-core-observation-body-temperature
Title: "Body temperature"
* insert French([[Température corporelle]])
* meta.profile insert SlicedBy(value, $this)
* meta.profile contains fr-canonical 0..1
* meta.profile[fr-canonical] = "https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-observation-body-temperature|2.2.0"
* extension contains fr-core-observation-level-of-exertion named levelOfExertion 0..1
* extension contains http://hl7.org/fhir/StructureDefinition/workflow-supportingInfo named supportingInfo 0..1 MS
* code.coding 1..
* subject only Reference(fr-core-patient)
* encounter only Reference(fr-core-encounter)
* performer only Reference(CareTeam or RelatedPerson or fr-core-practitioner or fr-core-patient or fr-core-organization or PractitionerRole)
* bodySite from fr-core-vsbody-temp-meas-body-location (example)

Profile: FRCoreObservationBodyWeightProfile
Parent: http://hl7.org/fhir/StructureDefinition/bodyweight
Id: fr-core-observation-body-weight
Title: "Weight"
* insert French([[Poids]])
* meta.profile insert SlicedBy(value, $this)
* meta.profile contains fr-canonical 0..1
* meta.profile[fr-canonical] = "https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-observation-body-weight|2.2.0"
* extension contains http://hl7.org/fhir/StructureDefinition/workflow-supportingInfo named supportingInfo 0..1
* code.coding 1..
* subject only Reference(fr-core-patient)
* encounter only Reference(fr-core-encounter)
* performer only Reference(CareTeam or RelatedPerson or fr-core-practitioner or PractitionerRole or fr-core-organization or fr-core-patient)

Profile: FRCoreObservationBpProfile
Parent: http://hl7.org/fhir/StructureDefinition/bp
Id: fr-core-observation-bp
Title: "Blood pressure"
* insert French([[Pression artérielle]])
* meta.profile insert SlicedBy(value, $this)
* meta.profile contains fr-canonical 0..1
* meta.profile[fr-canonical] = "https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-observation-bp|2.2.0"
* extension contains http://hl7.org/fhir/StructureDefinition/workflow-supportingInfo named supportingInfo 0..1
* code.coding 1..
* encounter only Reference(fr-core-encounter)
* performer only Reference(CareTeam or fr-core-patient or fr-core-practitioner or PractitionerRole or fr-core-organization or fr-core-related-person)
* value[x] ..0
* bodySite from fr-core-vs-spo2-body-location (example)
* method from fr-core-vs-bp-meas-method (example)
* component[SystolicBP].code.coding 1..
* component[DiastolicBP].code.coding 1..
* component contains MeanBP 0..1
* component[MeanBP].code.coding insert SlicedBy(value, code)
* component[MeanBP].code.coding insert AlsoBy(value, system)
* component[MeanBP].code.coding 1..
* component[MeanBP].code.coding contains MBPCode 1..1
* component[MeanBP].code.coding[MBPCode].system 1..
* component[MeanBP].code.coding[MBPCode].system = "http://loinc.org"
* component[MeanBP].code.coding[MBPCode].code 1..
* component[MeanBP].code.coding[MBPCode].code = #8478-0

Profile: FRCoreObservationHeadCircumProfile
Parent: http://hl7.org/fhir/StructureDefinition/headcircum
Id: fr-core-observation-head-circum
Title: "Head circumference"
* insert French([[Périmètre crânien]])
* meta.profile insert SlicedBy(value, $this)
* meta.profile contains fr-canonical 0..1
* meta.profile[fr-canonical] = "https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-observation-head-circum|2.2.0"
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
* meta.profile[fr-canonical] = "https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-observation-heartrate|2.2.0"
* extension contains fr-core-observation-level-of-exertion named levelOfExertion 0..1
* extension contains fr-core-observation-body-position-ext named bodyPosition 0..1
* extension contains http://hl7.org/fhir/StructureDefinition/workflow-supportingInfo named supportingInfo 0..1 MS
* code.coding 1..
* subject only Reference(fr-core-patient)
* encounter only Reference(fr-core-encounter)
* performer only Reference(CareTeam or fr-core-practitioner or PractitionerRole or fr-core-organization or fr-core-patient or fr-core-related-person)
* bodySite from fr-core-vs-heartrate-body-location (example)
* method from fr-core-vs-heartrate-measurement-method (example)

Profile: FRCoreObservationRespRateProfile
Parent: http://hl7.org/fhir/StructureDefinition/resprate
Id: fr-core-observation-resp-rate
Title: "Respiratory rate"
* insert French([[Fréquence respiratoire]])
* meta.profile insert SlicedBy(value, $this)
* meta.profile contains fr-canonical 0..1
* meta.profile[fr-canonical] = "https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-observation-resp-rate|2.2.0"
* extension contains fr-core-observation-body-position-ext named bodyPosition 0..1
* extension contains fr-core-observation-level-of-exertion named levelOfExertion 0..1
* extension contains http://hl7.org/fhir/StructureDefinition/workflow-supportingInfo named supportingInfo 0..1 MS
* code.coding 1..
* subject only Reference(fr-core-patient)
* encounter only Reference(fr-core-encounter)
* performer only Reference(CareTeam or fr-core-patient or fr-core-practitioner or PractitionerRole or fr-core-organization or fr-core-related-person)
* method from fr-core-vs-respiratory-rate-meas-method (example)

Profile: FRCoreObservationOxygenSaturationProfile
Parent: http://hl7.org/fhir/StructureDefinition/oxygensat
Id: fr-core-observation-saturation-oxygen
Title: "Oxygen saturation"
* insert French([[Saturation en oxygène]])
* meta.profile insert SlicedBy(value, $this)
* meta.profile contains fr-canonical 0..1
* meta.profile[fr-canonical] = "https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-observation-saturation-oxygen|2.2.0"
* extension contains http://hl7.org/fhir/StructureDefinition/workflow-supportingInfo named supportingInfoAdministrationOxygen 0..1
* partOf ..1 MS
* partOf only Reference(fr-core-medication-administration-inhaled-oxygen)
* code.coding 1..
* subject only Reference(Patient or fr-core-patient)
* encounter only Reference(Encounter or fr-core-encounter)
* performer only Reference(CareTeam or RelatedPerson or fr-core-patient or fr-core-practitioner or PractitionerRole or fr-core-organization)
* bodySite from fr-core-vs-spo2-body-location (example)

Extension: FRCoreObservationBodyPositionExtExtension
Id: fr-core-observation-body-position-ext
Title: "Position of the body"
Context: Observation
* insert French([[Position du corps]])
* value[x] only CodeableConcept
* value[x] from fr-core-vs-body-position (example)

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

ValueSet: FRCoreValueSetBodyPosition
Id: fr-core-vs-body-position
Title: "Positions of the body"
* insert French([[Positions du corps]])
* $sct#30212006
* $sct#26527006
* $sct#102536004
* $sct#414585002
* $sct#10904000
* $sct#1240000
* $sct#102538003
* $sct#423413008
* $sct#102535000
* $sct#415346000
* $sct#33586001
* $sct#40199007
* $sct#34106002

ValueSet: FRCoreValueSetBloodPressureMeasurementBodyLocation
Id: fr-core-vs-bp-meas-body-location
Title: "Where blood pressure is taken"
* insert French([[Sites de mesure de la pression artérielle]])
* $sct#49256001
* $sct#368469003
* $sct#17137000
* $sct#723961002
* $sct#723962009
* $sct#7657000
* $sct#113270003
* $sct#69833005
* $sct#45631007
* $sct#368504007
* $sct#368503001
* $sct#13363002
* $sct#214912001
* $sct#214811007
* $sct#54247002
* $sct#281130003
* $sct#57034009
* $sct#7832008

ValueSet: FRCoreValueSetBloodPressureMeasurementMethod
Id: fr-core-vs-bp-meas-method
Title: "How blood pressure is taken"
* insert French([[Méthodes de mesure de la pression artérielle]])
* $sct#77938009
* $sct#17146006
* $sct#37931006
* $sct#765172009
* $sct#13385008
* $sct#113011001
* $sct#31813000

ValueSet: FRCoreValueSetBPMeasurementMethod
Id: fr-core-vs-bp-method
Title: "How blood pressure is taken, instruments"
* insert French([[Instruments de mesure de la pression artérielle]])
* $sct#37931006
* $sct#113011001
* $sct#61284002
* $sct#10179008

ValueSet: FRCoreValueSetHeartRateMeasurementBodyLocation
Id: fr-core-vs-heartrate-body-location
Title: "Where heart rate is taken"
* insert French([[Sites de mesure de la fréquence cardiaque]])
* $sct#32062004
* $sct#113263003
* $sct#65355003
* $sct#13383001
* $sct#17137000
* $sct#86547008
* $sct#7657000
* $sct#723961002
* $sct#792817008
* $sct#113270003
* $sct#25885001
* $sct#214912001
* $sct#50408007
* $sct#368504007
* $sct#1268741004
* $sct#368506009
* $sct#43899006
* $sct#13363002
* $sct#45631007
* $sct#723962009
* $sct#792816004
* $sct#69833005
* $sct#57832007
* $sct#368503001
* $sct#214811007
* $sct#78480002
* $sct#1268742006
* $sct#368505008
* $sct#15672000
* $sct#44984001

ValueSet: FRCoreValueSetHeartRateMeasurementMethod
Id: fr-core-vs-heartrate-measurement-method
Title: "How heart rate is taken"
* insert French([[Méthodes de mesure de la fréquence cardiaque]])
* $sct#37931006
* $sct#268447006
* $sct#29303009
* $sct#13385008
* $sct#264598005
* $sct#113011001
* $sct#277917001
* $sct#239516002

ValueSet: FRCoreValueSetHeightBodyPosition
Id: fr-core-vs-height-body-position
Title: "Positions in which height is taken"
* insert French([[Positions lors de la mesure de la taille]])
* include codes from system $sct where concept is-a #10904000
* include codes from system $sct where concept is-a #102538003

ValueSet: FRCoreValueSetHeightMeasurementMethod
Id: fr-core-vs-height-meas-method
Title: "How height is taken"
* insert French([[Méthodes de mesure de la taille]])
* $sct#414135002
* $sct#258104002
* $sct#733985002

ValueSet: FRCoreValueSetRespiratoryRateMeasurementMethod
Id: fr-core-vs-respiratory-rate-meas-method
Title: "How respiratory rate is taken"
* insert French([[Méthodes de mesure de la fréquence respiratoire]])
* $sct#37931006
* $sct#32750006
* $sct#239516002

ValueSet: FRCoreValueSetSPO2BodyLocation
Id: fr-core-vs-spo2-body-location
Title: "Where oxygen saturation is taken"
* insert French([[Sites de mesure de la saturation]])
* $sct#48800003
* $sct#7569003
* $sct#52795006
* $sct#29707007

ValueSet: FRCoreValueSetBodyTemperatureMeasurementBodyLocation
Id: fr-core-vsbody-temp-meas-body-location
Title: "Where body temperature is taken"
* insert French([[Sites de mesure de la température]])
* $sct#117590005
* $sct#7569003
* $sct#52795006
* $sct#279549004
* $sct#71836000
* $sct#74262004
* $sct#34402009
* $sct#422543003
* $sct#29707007
* $sct#42859004
* $sct#89837001
