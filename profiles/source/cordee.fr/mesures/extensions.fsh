// What is told of a measurement beside its value.

Extension: MesReasonForMeasurement
Id: mesures-reason-for-measurement
Title: "Reason for a measurement"
Description: "Why it was measured, in words."
Context: Observation
* insert French([[Motif de la mesure]])
* insert FrenchDescription([[Pourquoi la mesure a été faite, en toutes lettres.]])
* value[x] only string

Extension: MesMomentOfMeasurement
Id: mesures-moment-of-measurement
Title: "Moment of a measurement"
Description: "When in the day or beside which event it was measured: before a meal, at rest …"
Context: Observation
* insert French([[Moment de la mesure]])
* insert FrenchDescription([[À quel moment de la journée ou autour de quel évènement la mesure a été faite : avant un repas, au repos…]])
* value[x] only CodeableConcept
* value[x].coding ..1
* value[x].coding.system 1..
* value[x].coding.code 1..

Extension: MesNumberOfDays
Id: mesures-number-of-days
Title: "Number of days"
Description: "Over how many days a sensor of glucose measured."
Context: Observation
* insert French([[Nombre de jours]])
* insert FrenchDescription([[Nombre de jours sur lesquels un capteur de glucose a mesuré.]])
* value[x] only CodeableConcept

Extension: MesDiabetisType
Id: mesures-diabetis-type
Title: "Kind of diabetes"
Description: "Which diabetes the person has."
Context: Observation
* insert French([[Type de diabète]])
* insert FrenchDescription([[Le type de diabète de la personne.]])
* value[x] only CodeableConcept
* value[x] from https://mos.esante.gouv.fr/NOS/JDV_J153-TypeDiabete-ENS/FHIR/JDV-J153-TypeDiabete-ENS (required)
* value[x].coding.system 1..
* value[x].coding.code 1..
