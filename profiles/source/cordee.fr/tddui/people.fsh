// The person cared for and the structure; the transaction that transfers a file.

Profile: TDDUIBundle
Parent: Bundle
Id: tddui-bundle
Title: "Transfer of a file"
Description: "One transaction with all resources of the files that change hands."
* insert French([[Transfert de dossier]])
* insert FrenchDescription([[Une transaction avec toutes les ressources des dossiers transférés.]])
* type = #transaction

Profile: TDDUIPatient
Parent: fr-core-patient
Id: tddui-patient
Title: "Person cared for, without INS"
Description: "A person with name, birth date and order of birth, as long as the national identity is not known."
* insert French([[Usager sans INS]])
* insert FrenchDescription([[Une personne avec nom, date et ordre de naissance, tant que son identité nationale n'est pas connue.]])
* name 1..
* name[officialName] 1..1
* gender from https://hl7.fr/ig/fhir/core/ValueSet/fr-core-vs-patient-gender-INS (required)
* birthDate 1..
* birthDate.extension contains tddui-birth-order named tddui-birth-order 1..1

Profile: TDDUIPatientINS
Parent: fr-core-patient-ins
Id: tddui-patient-ins
Title: "Person cared for, with INS"
Description: "A person with a qualified national identity, one of each kind at most."
* insert French([[Usager avec INS]])
* insert FrenchDescription([[Une personne dont l'identité nationale est qualifiée, une au plus de chaque sorte.]])
* identifier[INS-NIR] ..1
* identifier[INS-NIR-TEST] ..1
* identifier[INS-NIR-DEMO] ..1
* identifier[INS-NIA] ..1
* name[usualName] ..1

Extension: TDDUIBirthOrder
Id: tddui-birth-order
Title: "Order of birth"
Description: "The three digits of the NIR before its key, which tell apart the births of a place and month."
Context: Patient.birthDate
* insert French([[Rang de naissance]])
* insert FrenchDescription([[Les trois chiffres du NIR avant sa clé, qui distinguent les naissances d'un même lieu et d'un même mois.]])
* value[x] only positiveInt

Profile: TDDUIOrganization
Parent: fr-core-organization
Id: tddui-organization
Title: "Medico-social structure"
Description: "A structure with its national identifier."
* insert French([[Établissement ou service médico-social]])
* insert FrenchDescription([[Une structure avec son identifiant national.]])
* identifier 1..
* identifier[idNatSt] 1..
