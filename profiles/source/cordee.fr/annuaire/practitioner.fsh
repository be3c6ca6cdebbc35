// Professionals: civil status, qualifications, situations.

Profile: AsDpPractitionerProfile
Parent: as-practitioner
Id: as-dp-practitioner
Title: "Professional, open data"
* insert French([[Professionnel, données publiques]])
* meta.extension contains as-ext-data-trace named as-ext-data-trace 0..1 MS
* meta.source = "https://annuaire.esante.gouv.fr"
* meta.profile 2..
* meta.profile[fr-canonical] 1..
* meta.profile contains as-dp-canonical 1..1
* meta.profile[as-dp-canonical] = "https://interop.esante.gouv.fr/ig/fhir/annuaire/StructureDefinition/as-dp-practitioner|1.2.0-snapshot-2"
* extension[as-ext-registration] ..0
* extension[as-ext-frpractitioner-authorization] MS
* extension[as-ext-smartcard] MS
* extension[as-ext-smartcard].extension[oppositionDate] ..0
* extension[as-ext-digital-certificate] ..0
* identifier 2..
* identifier.period ..0
* identifier.assigner ..0
* identifier[idNatPs] 1.. MS
* identifier[idNatPs].period ..0
* identifier[idNatPs].assigner ..0
* identifier contains rpps 1..1 MS
* identifier[rpps].period ..0
* identifier[rpps].assigner ..0
* active 1..
* name ..1
* name.period ..0
* telecom insert SlicedClosedBy(value, system)
* telecom insert AlsoBy(exists, [[extension('https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-contact-point-email-type')]])
* telecom[mailbox-mss] MS
* telecom[mailbox-mss].extension[as-mailbox-mss-metadata].extension[responsible] ..0
* telecom[mailbox-mss].extension[as-mailbox-mss-metadata].extension[listeRouge] ..0
* address ..0
* gender ..0
* birthDate ..0
* photo ..0
* qualification.period ..0
* qualification[degree].extension[as-ext-education-level] ..0
* qualification[degree].period ..0
* qualification[degree].issuer ..0
* qualification[exercicePro].period ..0
* qualification[savoirFaire].period ..0
* communication ..0

Profile: AsDpPractitionerRoleProfile
Parent: as-practitionerrole
Id: as-dp-practitionerrole
Title: "Professional's situation, open data"
* insert French([[Situation d'exercice, données publiques]])
* meta.extension contains as-ext-data-trace named as-ext-data-trace 0..1 MS
* meta.source = "https://annuaire.esante.gouv.fr"
* meta.profile 2..
* meta.profile[fr-canonical] 1..
* meta.profile contains as-dp-canonical 1..1
* meta.profile[as-dp-canonical] = "https://interop.esante.gouv.fr/ig/fhir/annuaire/StructureDefinition/as-dp-practitionerrole|1.2.0-snapshot-2"
* extension[as-ext-practitionerrole-contracted] ..0
* extension[as-ext-practitionerrole-hascas] ..0
* extension[as-ext-practitionerrole-vitale-accepted] ..0
* identifier 1..
* identifier contains idSituationExercice 1..1 MS
* active 1.. MS
* period ..0 MS
* practitioner 1.. MS
* organization MS
* code[genreActivite] MS
* code[modeExercice] MS
* code[typeActiviteLiberale] MS
* code[statutProfessionnelSSA] MS
* code[statutHospitalier] MS
* code[fonction] MS
* code[metierPharmacien] MS
* specialty ..0
* healthcareService ..0 MS
* telecom insert SlicedClosedBy(value, system)
* telecom insert AlsoBy(exists, [[extension('https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-contact-point-email-type')]])
* telecom[mailbox-mss] MS
* telecom[mailbox-mss].extension[as-mailbox-mss-metadata].extension[responsible] ..0
* availableTime ..0 MS
* notAvailable ..0 MS
* availabilityExceptions ..0 MS
* endpoint ..0 MS

Profile: AsDrPersonProfile
Parent: as-person
Id: as-dr-person
Title: "Civil status of a professional, restricted data"
* insert French([[État civil d'un professionnel, données restreintes]])
* meta.extension contains as-ext-data-trace named as-ext-data-trace 0..1 MS
* meta.source = "https://annuaire.esante.gouv.fr"
* meta.profile insert SlicedBy(value, $this)
* meta.profile 1..
* meta.profile contains as-dr-canonical 1..1
* meta.profile[as-dr-canonical] = "https://interop.esante.gouv.fr/ig/fhir/annuaire/StructureDefinition/as-dr-person|1.2.0-snapshot-2"
* extension[as-ext-person-birth-place] MS
* extension[as-ext-person-deceased-date-time] MS
* extension contains as-ext-person-statut-etat-civil named as-ext-person-statut-etat-civil 0..1 MS
* name ..1 MS
* telecom MS
* gender MS
* birthDate MS
* photo ..0 MS
* active MS
* link[as-practitioner-exercice-professionnel] MS

Profile: AsDrPractitionerProfile
Parent: as-practitioner
Id: as-dr-practitioner
Title: "Professional, restricted data"
* insert French([[Professionnel, données restreintes]])
* meta.extension contains as-ext-data-trace named as-ext-data-trace 0..1 MS
* meta.source = "https://annuaire.esante.gouv.fr"
* meta.profile 2..
* meta.profile[fr-canonical] 1..
* meta.profile contains as-dr-canonical 1..1
* meta.profile[as-dr-canonical] = "https://interop.esante.gouv.fr/ig/fhir/annuaire/StructureDefinition/as-dr-practitioner|1.2.0-snapshot-2"
* extension[as-ext-registration] MS
* extension[as-ext-frpractitioner-authorization] MS
* extension[as-ext-smartcard] MS
* extension[as-ext-smartcard].extension[oppositionDate] MS
* extension[as-ext-digital-certificate] MS
* extension[as-ext-digital-certificate].extension[domain] ..0
* identifier 2..
* identifier[idNatPs] 1.. MS
* identifier contains rpps 1..1 MS
* name ..1
* qualification[degree].period.start MS
* qualification[degree].period.end MS
* qualification contains attributionParticuliere 0..*
* qualification[attributionParticuliere].code MS
* qualification[attributionParticuliere].code.coding from https://mos.esante.gouv.fr/NOS/JDV_J90-AttributionParticuliere-RASS/FHIR/JDV-J90-AttributionParticuliere-RASS (required)
* qualification[attributionParticuliere].period MS

Profile: AsDrPractitionerRoleProfile
Parent: as-practitionerrole
Id: as-dr-practitionerrole
Title: "Professional's situation, restricted data"
* insert French([[Situation d'exercice, données restreintes]])
* meta.extension contains as-ext-data-trace named as-ext-data-trace 0..1 MS
* meta.source = "https://annuaire.esante.gouv.fr"
* meta.profile 2..
* meta.profile[fr-canonical] 1..
* meta.profile contains as-dr-canonical 1..1
* meta.profile[as-dr-canonical] = "https://interop.esante.gouv.fr/ig/fhir/annuaire/StructureDefinition/as-dr-practitionerrole|1.2.0-snapshot-2"
* extension[as-ext-practitionerrole-contracted] MS
* extension[as-ext-practitionerrole-hascas] MS
* extension[as-ext-practitionerrole-vitale-accepted] MS
* identifier MS
* identifier[idSituationExercice] ..1
* active MS
* period MS
* practitioner 1.. MS
* organization MS
* code[genreActivite] MS
* code[modeExercice] MS
* code[typeActiviteLiberale] MS
* code[statutProfessionnelSSA] MS
* code[statutHospitalier] MS
* code[fonction] MS
* code[metierPharmacien] MS
* specialty ..0
* healthcareService ..0 MS
* telecom MS
* availableTime ..0 MS
* notAvailable ..0 MS
* availabilityExceptions ..0 MS
* endpoint ..0 MS

Profile: AsPersonProfile
Parent: Person
Id: as-person
Title: "Civil status of a professional"
* insert French([[État civil d'un professionnel]])
* extension contains as-ext-person-birth-place named as-ext-person-birth-place 0..1
* extension contains as-ext-person-deceased-date-time named as-ext-person-deceased-date-time 0..1
* name only fr-core-human-name
* telecom only fr-core-contact-point
* telecom.extension[emailType] ..0
* link insert SlicedBy(profile, target)
* link contains as-practitioner-exercice-professionnel 0..*
* link[as-practitioner-exercice-professionnel].target only Reference(as-practitioner)

Profile: AsPractitionerProfile
Parent: fr-core-practitioner
Id: as-practitioner
Title: "Professional of the directory"
* insert French([[Professionnel de l'annuaire]])
* extension contains as-ext-registration named as-ext-registration 0..*
* extension contains as-ext-practitioner-authorization named as-ext-frpractitioner-authorization 0..*
* extension contains as-ext-smartcard named as-ext-smartcard 0..*
* extension contains as-ext-digital-certificate named as-ext-digital-certificate 0..*
* active MS
* name MS
* name.family MS
* name.given MS
* name.suffix MS
* telecom insert SlicedBy(value, system)
* telecom insert AlsoBy(exists, [[extension('https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-contact-point-email-type')]])
* telecom MS
* telecom only fr-core-contact-point
* telecom contains as-mailbox-mss named mailbox-mss 0..*
* address MS
* address only as-address-extended
* qualification[degree].extension contains as-ext-education-level named as-ext-education-level 0..* MS
* qualification[degree].code.coding[degreeType] MS
* qualification[degree].code.coding[degree] MS
* qualification[degree].issuer only Reference(as-organization or fr-core-organization)
* qualification[exercicePro].code.coding[categorieProfession] MS
* qualification[exercicePro].code.coding[profession] MS
* qualification[exercicePro].period MS
* qualification[savoirFaire].code.coding[typeSavoirFaire] MS
* qualification[savoirFaire].code.coding[savoirFaire] MS
* communication MS
* communication only as-codeableconcept-timed
* communication from https://mos.esante.gouv.fr/NOS/JDV_J82-Langue-RASS/FHIR/JDV-J82-Langue-RASS (required)

Profile: AsPractitionerRoleProfile
Parent: fr-core-practitioner-role
Id: as-practitionerrole
Title: "Situation in which a professional works"
* insert French([[Situation d'exercice d'un professionnel]])
* extension contains as-ext-practitionerrole-contracted named as-ext-practitionerrole-contracted 0..1
* extension contains as-ext-practitionerrole-hascas named as-ext-practitionerrole-hascas 0..1
* extension contains as-ext-practitionerrole-vitale-accepted named as-ext-practitionerrole-vitale-accepted 0..1
* identifier contains idSituationExercice 0..*
* identifier[idSituationExercice].system 1..
* identifier[idSituationExercice].system = "https://rpps.esante.gouv.fr"
* practitioner only Reference(as-practitioner)
* organization only Reference(as-organization)
* code insert SlicedBy(value, $this)
* code contains genreActivite 0..1
* code[genreActivite] from https://mos.esante.gouv.fr/NOS/JDV_J94-GenreActivite-RASS/FHIR/JDV-J94-GenreActivite-RASS (required)
* code contains modeExercice 0..1
* code[modeExercice] from https://mos.esante.gouv.fr/NOS/JDV_J95-ModeExercice-RASS/FHIR/JDV-J95-ModeExercice-RASS (required)
* code contains typeActiviteLiberale 0..1
* code[typeActiviteLiberale] from https://mos.esante.gouv.fr/NOS/JDV_J96-TypeActiviteLiberale-RASS/FHIR/JDV-J96-TypeActiviteLiberale-RASS (required)
* code contains statutProfessionnelSSA 0..1
* code[statutProfessionnelSSA] from https://mos.esante.gouv.fr/NOS/JDV_J97-StatutProfessionnelSSA-RASS/FHIR/JDV-J97-StatutProfessionnelSSA-RASS (required)
* code contains statutHospitalier 0..1
* code[statutHospitalier] from https://mos.esante.gouv.fr/NOS/JDV_J98-StatutHospitalier-RASS/FHIR/JDV-J98-StatutHospitalier-RASS (required)
* code contains fonction 0..1
* code[fonction] from https://mos.esante.gouv.fr/NOS/JDV_J108-EnsembleFonction-RASS/FHIR/JDV-J108-EnsembleFonction-RASS (required)
* code contains metierPharmacien 0..*
* code[metierPharmacien] from https://mos.esante.gouv.fr/NOS/JDV_J73-MetierPharmacien-RASS/FHIR/JDV-J73-MetierPharmacien-RASS (required)
* telecom insert SlicedBy(value, system)
* telecom insert AlsoBy(exists, [[extension('https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-contact-point-email-type')]])
* telecom only fr-core-contact-point
* telecom contains as-mailbox-mss named mailbox-mss 0..*

Extension: AsDigitalCertificateExtension
Id: as-ext-digital-certificate
Title: "Certificate of a professional or an organisation"
Context: PractitionerRole, Organization
* insert French([[Certificat d'un professionnel ou d'une structure]])
* extension contains serialNumber 0..1
* extension[serialNumber].value[x] only string
* extension contains issuer 0..1
* extension[issuer].value[x] only string
* extension contains subject 0..1
* extension[subject].value[x] only string
* extension contains validity 0..1
* extension[validity].value[x] only Period
* extension contains domain 0..1
* extension[domain].value[x] only string
* extension contains keyUsage 0..1
* extension[keyUsage].value[x] only string
* extension contains value 0..1
* extension[value].value[x] only Attachment

Extension: AsEducationLevelExtension
Id: as-ext-education-level
Title: "Level of training of a student"
Context: Practitioner.qualification
* insert French([[Niveau de formation d'un étudiant]])
* extension contains academicDegree 0..1
* extension[academicDegree].value[x] only CodeableConcept
* extension[academicDegree].value[x] from https://mos.esante.gouv.fr/NOS/JDV_J86-NatCycleForm-RASS/FHIR/JDV-J86-NatCycleForm-RASS (required)
* extension contains achievedLevel 0..1
* extension[achievedLevel].value[x] only CodeableConcept
* extension[achievedLevel].value[x] from https://mos.esante.gouv.fr/NOS/JDV_J87-NiveauFormAcquis-RASS/FHIR/JDV-J87-NiveauFormAcquis-RASS (required)
* extension contains academicYear 0..1
* extension[academicYear].value[x] only CodeableConcept
* extension[academicYear].value[x] from https://mos.esante.gouv.fr/NOS/JDV_J88-AnneeUniversitaire-RASS/FHIR/JDV-J88-AnneeUniversitaire-RASS (required)

Extension: AsPersonBirthPlaceExtension
Id: as-ext-person-birth-place
Title: "Birth place of a professional"
Context: Person
* insert French([[Lieu de naissance d'un professionnel]])
* valueAddress 0..1
* valueAddress only as-address-extended

Extension: AsPersonDeceasedDateTimeExtension
Id: as-ext-person-deceased-date-time
Title: "Death of a professional"
Context: Person
* insert French([[Décès d'un professionnel]])
* ^url = "http://hl7.org/fhir/5.0/StructureDefinition/extension-Person.deceasedDateTime"
* valueDateTime 0..1
* valueDateTime only dateTime

Extension: AsPersonStatutEtatCivilExtension
Id: as-ext-person-statut-etat-civil
Title: "Whether a civil status is certified"
Context: Person
* insert French([[Certification de l'état civil]])
* extension contains statutEtatCivil 0..1
* extension[statutEtatCivil].value[x] only CodeableConcept
* extension[statutEtatCivil].value[x] from https://mos.esante.gouv.fr/NOS/JDV_J111-StatutEtatCivil-ENREG/FHIR/JDV-J111-StatutEtatCivil-ENREG (preferred)
* extension contains dateStatutEtatCivil 0..1
* extension[dateStatutEtatCivil].value[x] only date

Extension: AsPractitionerAuthorizationExtension
Id: as-ext-practitioner-authorization
Title: "Authorisation to practise"
Context: Practitioner
* insert French([[Autorisation d'exercice]])
* extension contains type 0..1
* extension[type].value[x] only CodeableConcept
* extension[type].value[x] from https://mos.esante.gouv.fr/NOS/JDV_J75-TypeAutorisation-RASS/FHIR/JDV-J75-TypeAutorisation-RASS (required)
* extension contains period 0..1
* extension[period].value[x] only Period
* extension contains field 0..1
* extension[field].value[x] only CodeableConcept
* extension[field].value[x] from https://mos.esante.gouv.fr/NOS/JDV_J76-DisciplineAutorisation-RASS/FHIR/JDV-J76-DisciplineAutorisation-RASS (required)
* extension contains profession 0..1
* extension[profession].value[x] only CodeableConcept
* extension[profession].value[x] from https://mos.esante.gouv.fr/NOS/JDV_J106-EnsembleProfession-RASS/FHIR/JDV-J106-EnsembleProfession-RASS (required)

Extension: AsPractitionerRoleContracted
Id: as-ext-practitionerrole-contracted
Title: "Contract with the health insurance"
Context: PractitionerRole
* insert French([[Secteur de conventionnement]])
* value[x] only CodeableConcept
* value[x] from https://mos.esante.gouv.fr/NOS/JDV_J130-CNAMAmeliSecteurConventionnement-RASS/FHIR/JDV-J130-CNAMAmeliSecteurConventionnement-RASS (required)

Extension: AsPractitionerRoleHasCas
Id: as-ext-practitionerrole-hascas
Title: "Whether there is a contract of access to care"
Context: PractitionerRole
* insert French([[Contrat d'accès aux soins]])
* value[x] only boolean

Extension: AsPractitionerRoleVitaleAccepted
Id: as-ext-practitionerrole-vitale-accepted
Title: "Whether the carte Vitale is accepted"
Context: PractitionerRole
* insert French([[Carte Vitale acceptée]])
* value[x] only boolean

Extension: AsRegistrationExtension
Id: as-ext-registration
Title: "Registration with an order"
Context: Practitioner
* insert French([[Inscription à un ordre]])
* extension contains registeringOrganization 0..1
* extension[registeringOrganization].value[x] only CodeableConcept
* extension[registeringOrganization].value[x] from https://mos.esante.gouv.fr/NOS/JDV_J83-AutoriteEnregistrement-RASS/FHIR/JDV-J83-AutoriteEnregistrement-RASS (required)
* extension contains registeringOrganizationDetail 0..1
* extension[registeringOrganizationDetail].value[x] only CodeableConcept
* extension[registeringOrganizationDetail].value[x] from https://mos.esante.gouv.fr/NOS/JDV_J84-DepartementOM-RASS/FHIR/JDV-J84-DepartementOM-RASS (required)
* extension contains period 0..1
* extension[period].value[x] only Period
* extension contains status 0..1
* extension[status].value[x] only CodeableConcept
* extension[status].value[x] from https://mos.esante.gouv.fr/NOS/JDV_J85-StatutInscription-RASS/FHIR/JDV-J85-StatutInscription-RASS (required)
* extension contains hostingDepartment 0..1
* extension[hostingDepartment].value[x] only CodeableConcept
* extension[hostingDepartment].value[x] from https://mos.esante.gouv.fr/NOS/JDV_J84-DepartementOM-RASS/FHIR/JDV-J84-DepartementOM-RASS (required)
* extension contains isFirst 0..1
* extension[isFirst].value[x] only boolean

Extension: AsSmartCardExtension
Id: as-ext-smartcard
Title: "Card of a professional (CPx)"
Context: Practitioner
* insert French([[Carte de professionnel (CPx)]])
* extension contains type 0..1
* extension[type].value[x] only CodeableConcept
* extension[type].value[x] from https://mos.esante.gouv.fr/NOS/JDV_J128-TypeCarte-RASS/FHIR/JDV-J128-TypeCarte-RASS (extensible)
* extension contains number 0..1
* extension[number].value[x] only string
* extension contains period 0..1
* extension[period].value[x] only Period
* extension contains oppositionDate 0..1
* extension[oppositionDate].value[x] only dateTime
