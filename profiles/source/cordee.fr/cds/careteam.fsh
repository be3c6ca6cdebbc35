// The circle of care, and who may be in it besides professionals.

Alias: $fr-core-patient = https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-patient|2.1.0
Alias: $as-practitioner = https://interop.esante.gouv.fr/ig/fhir/annuaire/StructureDefinition/as-practitioner
Alias: $as-practitionerrole = https://interop.esante.gouv.fr/ig/fhir/annuaire/StructureDefinition/as-practitionerrole
Alias: $cds-fr-related-person = https://interop.esante.gouv.fr/ig/fhir/cds/StructureDefinition/cds-fr-related-person|2.0.1
Alias: $cds-organization = https://interop.esante.gouv.fr/ig/fhir/cds/StructureDefinition/cds-organization|2.0.1

Profile: CDSCareTeam
Parent: CareTeam
Id: cds-ihe-careteam
Title: "Circle of care"
Description: "Everyone who takes part in the care of one person, each with the time of being a member."
* insert French([[Cercle de soins]])
* insert FrenchDescription([[Toutes les personnes et structures qui participent à la prise en charge d'une personne, chacune avec sa période de participation.]])
* meta 1..
* meta.lastUpdated MS
* identifier 1..1 MS
* identifier.value 1..
* status 1..
* name 1..
* subject 1..
* subject only Reference($fr-core-patient)
* period 1..
* period.start 1..
* participant.role from careteam-roles-vs (preferred)
* participant.member 1..
* participant.member only Reference($as-practitionerrole or $cds-fr-related-person or $cds-organization)
* participant.period.start 1..

Profile: CDSFrRelatedPerson
Parent: fr-core-related-person
Id: cds-fr-related-person
Title: "Relative or friend in a circle of care"
Description: "Someone who is no professional and takes part in the care: named, reachable, and with a role."
* insert French([[Proche membre d'un cercle de soins]])
* insert FrenchDescription([[Personne non professionnelle qui participe à la prise en charge : elle a un nom, un moyen de contact et un rôle.]])
* identifier MS
* patient MS
* relationship 1.. MS
* relationship[Role] 1..
* relationship[RelationType] ..1
* name 1..1
* name.family 1..
* name.given ..1
* telecom 1.. MS

ValueSet: CareTeamRolesValueSet
Id: careteam-roles-vs
Title: "Roles in a circle of care"
* insert French([[Rôles dans un cercle de soins]])
* https://mos.esante.gouv.fr/NOS/TRE_R259-HL7ParticipationFunction/FHIR/TRE-R259-HL7ParticipationFunction#PCP "Médecin traitant"
* include codes from system https://mos.esante.gouv.fr/NOS/TRE_R260-HL7RoleClass/FHIR/TRE-R260-HL7RoleClass
