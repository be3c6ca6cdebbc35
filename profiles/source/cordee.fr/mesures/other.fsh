// Measurements for which fr-core has no profile, and the transaction that sends one.

Alias: $vitalsigns = http://hl7.org/fhir/StructureDefinition/vitalsigns

RuleSet: MeasurementOfItsOwn
* extension contains $supportingInfo named supportingInfo 0..1
* insert WithReason
* insert Measurement
* performer only Reference(CareTeam or RelatedPerson or fr-core-practitioner or PractitionerRole or fr-core-organization or fr-core-patient)

// One coding is the one of LOINC; others may stand beside it.
RuleSet: CodedBy(slice, code)
* code.coding insert SlicedBy(value, code)
* code.coding insert AlsoBy(value, system)
* code.coding contains {slice} 1..1
* code.coding[{slice}].system 1..
* code.coding[{slice}].system = "http://loinc.org"
* code.coding[{slice}].code 1..
* code.coding[{slice}].code = #{code}

Profile: MesObservationGlucose
Parent: $vitalsigns
Id: mesures-observation-glucose
Title: "Glucose"
Description: "Glucose in blood or tissue, glycated haemoglobin, or the index that estimates it."
* insert French([[Glycémie]])
* insert FrenchDescription([[Glucose sanguin ou interstitiel, hémoglobine glyquée, ou l'index qui l'estime.]])
* insert MeasurementOfItsOwn
* insert WithMoment
* extension contains mesures-number-of-days named MesNumberOfDays 0..1
* extension[MesMomentOfMeasurement].value[x] from https://mos.esante.gouv.fr/NOS/JDV_J157-MomentGlucose-ENS/FHIR/JDV-J157-MomentGlucose-ENS (required)
* extension[MesMomentOfMeasurement] ^comment = "For glucose in blood."
* extension[MesNumberOfDays] ^comment = "For glucose in tissue, and for the index."
* category[VSCat].coding.display = "vital-signs"
* code from https://mos.esante.gouv.fr/NOS/JDV_J154-TypeGlucose-ENS/FHIR/JDV-J154-TypeGlucose-ENS (extensible)
* insert FullyCoded(code)
* effective[x] only dateTime
* value[x] only Quantity
* valueQuantity.system 1..
* valueQuantity.system = "http://unitsofmeasure.org"
* valueQuantity.code 1..
* valueQuantity.code from https://mos.esante.gouv.fr/NOS/JDV_J163-GlucoseUnits-ENS/FHIR/JDV-J163-GlucoseUnits-ENS (required)
* insert FullyCoded(dataAbsentReason)
* method MS
* referenceRange.appliesTo from https://mos.esante.gouv.fr/NOS/JDV_J148-ReferenceRangeAppliesTo-CISIS/FHIR/JDV-J148-ReferenceRangeAppliesTo-CISIS (required)
* insert FullyCoded(referenceRange.appliesTo)

Profile: MesObservationPainSeverity
Parent: $vitalsigns
Id: mesures-observation-pain-severity
Title: "Severity of pain"
Description: "How strong a pain is, on a scale."
* insert French([[Niveau de douleur]])
* insert FrenchDescription([[L'intensité d'une douleur, sur une échelle.]])
* insert MeasurementOfItsOwn
* category[VSCat].coding.display = "vital-signs"
* insert CodedBy(painServerCode, 72514-3)
* effective[x] only dateTime
* value[x] only Quantity
* valueQuantity.code 1..
* insert FullyCoded(dataAbsentReason)
* insert MethodFrom(JDV_J159-MethodPainSeverity-ENS/FHIR/JDV-J159-MethodPainSeverity-ENS)

Profile: MesObservationHeadCircumference
Parent: $vitalsigns
Id: mesures-observation-head-circumference
Title: "Head circumference"
Description: "The circumference of a head in centimetres."
* insert French([[Périmètre crânien]])
* insert FrenchDescription([[Le tour de la tête en centimètres.]])
* insert MeasurementOfItsOwn
* insert CodedBy(headCircumCode, 8287-5)
* value[x] only Quantity
* valueQuantity.unit = "cm"
* valueQuantity.value 1..
* valueQuantity.code 1..

Profile: MesObservationWaistCircumference
Parent: $vitalsigns
Id: mesures-observation-waist-circumference
Title: "Waist circumference"
Description: "The circumference of a waist in centimetres."
* insert French([[Tour de taille]])
* insert FrenchDescription([[Le tour de taille en centimètres.]])
* insert MeasurementOfItsOwn
* insert CodedBy(waistCircumCode, 8280-0)
* insert InUnit(cm)
* insert FullyCoded(dataAbsentReason)

Profile: MesObservationStepsByDay
Parent: $vitalsigns
Id: mesures-observation-steps-by-day
Title: "Steps in a day"
Description: "How many steps someone took in a day."
* insert French([[Nombre de pas par jour]])
* insert FrenchDescription([[Le nombre de pas faits en une journée.]])
* insert MeasurementOfItsOwn
* insert CodedBy(stepsBDCode, 41950-7)
* insert InUnit([[1/(24.h)]])
* valueQuantity.unit 1..
* valueQuantity.unit = "steps/day"
* insert FullyCoded(dataAbsentReason)
* insert MethodFrom(JDV_J158-MethodStepsByDay-ENS/FHIR/JDV-J158-MethodStepsByDay-ENS)

Profile: MesBundleFluxAlimentation
Parent: Bundle
Id: mesures-bundle-flux-alimentation
Title: "Measurement to send"
Description: "One transaction with one measurement, and the device that made it."
* insert French([[Mesure à transmettre]])
* insert FrenchDescription([[Une transaction avec une mesure, et l'appareil qui l'a faite.]])
* type = #transaction
* entry insert SlicedBy(value, request.url)
* entry contains mes-observation 1..1 and mes-device 0..1
* entry[mes-observation].resource only mesures-fr-observation-bmi or mesures-fr-observation-bodyheight or mesures-fr-observation-body-temperature or mesures-fr-observation-body-weight or mesures-fr-observation-bp or mesures-fr-observation-heartrate or mesures-fr-observation-oxygen-sat or mesures-fr-observation-resp-rate or mesures-observation-glucose or mesures-observation-head-circumference or mesures-observation-pain-severity or mesures-observation-steps-by-day or mesures-observation-waist-circumference
* entry[mes-observation].request 1..
* entry[mes-observation].request.method = #POST
* entry[mes-observation].request.url = "Observation"
* entry[mes-device].resource only Device
* entry[mes-device].request 1..
* entry[mes-device].request.method = #POST
* entry[mes-device].request.url = "Device"
