// Measurements for which fr-core has a profile.

Alias: $PhdDevice = http://hl7.org/fhir/uv/phd/StructureDefinition/PhdDevice
Alias: $interpretation = http://hl7.org/fhir/ValueSet/observation-interpretation
Alias: $supportingInfo = http://hl7.org/fhir/StructureDefinition/workflow-supportingInfo

RuleSet: Measurement
* subject only Reference(fr-core-patient)
* encounter only Reference(fr-core-encounter)
* device only Reference($PhdDevice)
* device MS
* device ^comment = "Required where a connected device measured."

RuleSet: WithReason
* extension contains mesures-reason-for-measurement named MesReasonForMeasurement 0..1

RuleSet: WithMoment
* extension contains mesures-moment-of-measurement named MesMomentOfMeasurement 0..1

RuleSet: InUnit(unit)
* value[x] only Quantity
* valueQuantity = $ucum#{unit}
* valueQuantity.system 1..
* valueQuantity.code 1..

// A code that is there is given by its system, too.
RuleSet: FullyCoded(element)
* {element}.coding.system 1..
* {element}.coding.code 1..

RuleSet: MethodFrom(values)
* method MS
* method from https://mos.esante.gouv.fr/NOS/{values} (extensible)

Profile: MesFrObservationBp
Parent: fr-core-observation-bp
Id: mesures-fr-observation-bp
Title: "Blood pressure"
Description: "A blood pressure, at one time."
* insert French([[Pression artérielle]])
* insert FrenchDescription([[Une pression artérielle, à un moment donné.]])
* insert WithReason
* insert WithMoment
* insert Measurement
* category[VSCat].coding.display = "vital-signs"
* subject 1..1
* effective[x] only dateTime
* bodySite from https://mos.esante.gouv.fr/NOS/JDV_J149-BodySiteBP-ENS/FHIR/JDV-J149-BodySiteBP-ENS (required)
* insert FullyCoded(bodySite)
* insert MethodFrom(JDV_J150-MethodBP-ENS/FHIR/JDV-J150-MethodBP-ENS)
* interpretation from $interpretation (extensible)

Profile: MesFrObservationBodyWeight
Parent: fr-core-observation-body-weight
Id: mesures-fr-observation-body-weight
Title: "Weight"
Description: "A weight in kilograms."
* insert French([[Poids]])
* insert FrenchDescription([[Un poids en kilogrammes.]])
* insert WithReason
* insert Measurement
* insert InUnit(kg)
* insert FullyCoded(dataAbsentReason)
* insert MethodFrom(JDV_J145-MethodBodyWeight-ENS/FHIR/JDV-J145-MethodBodyWeight-ENS)

Profile: MesFrObservationBodyHeight
Parent: fr-core-observation-body-height
Id: mesures-fr-observation-bodyheight
Title: "Height"
Description: "A height in centimetres."
* insert French([[Taille]])
* insert FrenchDescription([[Une taille en centimètres.]])
* insert Measurement
* insert InUnit(cm)
* insert FullyCoded(dataAbsentReason)
* insert MethodFrom(JDV_J146-MethodBodyHeight-ENS/FHIR/JDV-J146-MethodBodyHeight-ENS)
* interpretation from $interpretation (extensible)

Profile: MesFrObservationBmi
Parent: fr-core-observation-bmi
Id: mesures-fr-observation-bmi
Title: "Body mass index"
Description: "A body mass index; it is computed, not sent."
* insert French([[Indice de masse corporelle]])
* insert FrenchDescription([[Un indice de masse corporelle ; il est calculé, et non transmis.]])
* insert Measurement
* insert FullyCoded(dataAbsentReason)
* interpretation from $interpretation (extensible)

Profile: MesFrObservationBodyTemperature
Parent: fr-core-observation-body-temperature
Id: mesures-fr-observation-body-temperature
Title: "Body temperature"
Description: "A temperature in degrees Celsius."
* insert French([[Température corporelle]])
* insert FrenchDescription([[Une température en degrés Celsius.]])
* insert WithReason
* insert Measurement
* insert InUnit(Cel)
* insert FullyCoded(dataAbsentReason)
* bodySite from https://mos.esante.gouv.fr/NOS/JDV_J151-BodySiteBodyTemperature-ENS/FHIR/JDV-J151-BodySiteBodyTemperature-ENS (required)
* insert FullyCoded(bodySite)
* insert MethodFrom(JDV_J152-MethodBodyTemperature-ENS/FHIR/JDV-J152-MethodBodyTemperature-ENS)
* interpretation from $interpretation (extensible)

Profile: MesFrObservationHeartrate
Parent: fr-core-observation-heartrate
Id: mesures-fr-observation-heartrate
Title: "Heart rate"
Description: "Beats per minute."
* insert French([[Fréquence cardiaque]])
* insert FrenchDescription([[Le nombre de battements par minute.]])
* insert WithMoment
* insert Measurement
* value[x] only Quantity
* insert FullyCoded(dataAbsentReason)
* insert MethodFrom(JDV_J147-MethodHeartrate-ENS/FHIR/JDV-J147-MethodHeartrate-ENS)
* interpretation from $interpretation (extensible)

Profile: MesFrObservationOxygenSat
Parent: fr-core-observation-saturation-oxygen
Id: mesures-fr-observation-oxygen-sat
Title: "Oxygen saturation"
Description: "The oxygen saturation of the blood, in percent."
* insert French([[Saturation en oxygène]])
* insert FrenchDescription([[La saturation du sang en oxygène, en pourcentage.]])
* insert WithMoment
* insert Measurement
* category[VSCat].coding.display = "vital-signs"
* method MS

Profile: MesFrObservationRespiratoryRate
Parent: fr-core-observation-resp-rate
Id: mesures-fr-observation-resp-rate
Title: "Respiratory rate"
Description: "Breaths per minute."
* insert French([[Fréquence respiratoire]])
* insert FrenchDescription([[Le nombre de respirations par minute.]])
* insert WithMoment
* insert Measurement
* category[VSCat].coding.display = "vital-signs"
