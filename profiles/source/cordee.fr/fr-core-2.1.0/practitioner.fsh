// Professionals and their functions.

Profile: FRCorePractitionerProfile
Parent: Practitioner
Id: fr-core-practitioner
Title: "Professional"
* insert French([[Professionnel]])
* meta.profile insert SlicedBy(value, $this)
* meta.profile contains fr-canonical 0..1
* meta.profile[fr-canonical] = "https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-practitioner"
* extension contains fr-core-practitioner-specialty named specialty 0..1
* identifier insert SlicedBy(pattern, system)
* identifier.type from fr-core-vs-practitioner-identifier-type (extensible)
* identifier.system 1..
* identifier.value 1..
* identifier contains idNatPs 0..1
* identifier[idNatPs].type = $fr-v2-0203#IDNPS
* identifier[idNatPs].system = "urn:oid:1.2.250.1.71.4.2.1"
* identifier contains rpps 0..*
* identifier[rpps].type = $fr-v2-0203#RPPS
* identifier[rpps].system = "https://rpps.esante.gouv.fr"
* identifier contains adeli 0..*
* identifier[adeli].type = $fr-v2-0203#ADELI
* identifier[adeli].system = "https://adeli.esante.gouv.fr"
* name only fr-core-human-name
* telecom only fr-core-contact-point
* address only fr-core-address
* qualification insert SlicedBy(value, code.coding)
* qualification contains degree 0..*
* qualification[degree].code.coding insert SlicedClosedBy(value, $this)
* qualification[degree].code.coding contains degreeType 0..1
* qualification[degree].code.coding[degreeType] from https://mos.esante.gouv.fr/NOS/JDV_J81-TypeDiplome-RASS/FHIR/JDV-J81-TypeDiplome-RASS (required)
* qualification[degree].code.coding contains degree 0..1
* qualification[degree].code.coding[degree] from https://mos.esante.gouv.fr/NOS/JDV_J105-EnsembleDiplome-RASS/FHIR/JDV-J105-EnsembleDiplome-RASS (required)
* qualification contains exercicePro 0..1
* qualification[exercicePro].code.coding insert SlicedClosedBy(value, $this)
* qualification[exercicePro].code.coding contains categorieProfession 0..1
* qualification[exercicePro].code.coding[categorieProfession] from https://mos.esante.gouv.fr/NOS/JDV_J89-CategorieProfessionnelle-RASS/FHIR/JDV-J89-CategorieProfessionnelle-RASS (required)
* qualification[exercicePro].code.coding contains profession 0..1
* qualification[exercicePro].code.coding[profession] from https://mos.esante.gouv.fr/NOS/JDV_J106-EnsembleProfession-RASS/FHIR/JDV-J106-EnsembleProfession-RASS (required)
* qualification contains savoirFaire 0..*
* qualification[savoirFaire].code.coding insert SlicedClosedBy(value, $this)
* qualification[savoirFaire].code.coding contains typeSavoirFaire 0..1
* qualification[savoirFaire].code.coding[typeSavoirFaire] from https://mos.esante.gouv.fr/NOS/JDV_J91-TypeSavoirFaire-RASS/FHIR/JDV-J91-TypeSavoirFaire-RASS (required)
* qualification[savoirFaire].code.coding contains savoirFaire 0..1
* qualification[savoirFaire].code.coding[savoirFaire] from https://mos.esante.gouv.fr/NOS/JDV_J107-EnsembleSavoirFaire-RASS/FHIR/JDV-J107-EnsembleSavoirFaire-RASS (required)

Profile: FRCorePractitionerRole
Parent: PractitionerRole
Id: fr-core-practitioner-role
Title: "Function of a professional"
* insert French([[Fonction d'un professionnel]])
* meta.profile insert SlicedBy(value, $this)
* meta.profile contains fr-canonical 0..1
* meta.profile[fr-canonical] = "https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-practitioner-role"
* extension contains fr-core-service-type-duration named serviceTypeDuration 0..*
* practitioner only Reference(fr-core-practitioner)
* organization only Reference(fr-core-organization)
* code from fr-core-vs-practitioner-role-exercice (preferred)
* specialty from fr-core-vs-practitioner-specialty (required)
* location only Reference(fr-core-location)
* healthcareService only Reference(fr-core-healthcare-service)
* telecom only fr-core-contact-point

Extension: FRCorePractitionerProfessionExtension
Id: fr-core-practitioner-profession
Title: "Profession"
Context: Practitioner
* insert French([[Profession]])
* value[x] only Coding
* value[x] from https://hl7.fr/ig/fhir/core/ValueSet/fr-core-vs-practitioner-profession (required)

Extension: FRCorePractitionerSpecialtyExtension
Id: fr-core-practitioner-specialty
Title: "Specialty of a professional"
Context: Practitioner
* insert French([[Spécialité d'un professionnel]])
* value[x] only Coding
* value[x] from fr-core-vs-practitioner-specialty (required)

ValueSet: FRCoreValueSetPractitionerIdentifierType
Id: fr-core-vs-practitioner-identifier-type
Title: "Kinds of identifiers of professionals"
* insert French([[Types d'identifiants de professionnels]])
* $v2-0203#EI
* $fr-v2-0203#ADELI
* $fr-v2-0203#RPPS
* $fr-v2-0203#IDNPS
* $fr-v2-0203#INTRN
* https://mos.esante.gouv.fr/NOS/TRE_G08-TypeIdentifiantPersonne/FHIR/TRE-G08-TypeIdentifiantPersonne#1
* https://mos.esante.gouv.fr/NOS/TRE_G08-TypeIdentifiantPersonne/FHIR/TRE-G08-TypeIdentifiantPersonne#3
* https://mos.esante.gouv.fr/NOS/TRE_G08-TypeIdentifiantPersonne/FHIR/TRE-G08-TypeIdentifiantPersonne#4
* https://mos.esante.gouv.fr/NOS/TRE_G08-TypeIdentifiantPersonne/FHIR/TRE-G08-TypeIdentifiantPersonne#5
* https://mos.esante.gouv.fr/NOS/TRE_G08-TypeIdentifiantPersonne/FHIR/TRE-G08-TypeIdentifiantPersonne#6

ValueSet: FRCoreValueSetPractitionerQualification
Id: fr-core-vs-practitioner-qualification
Title: "Qualifications of professionals"
* insert French([[Qualifications des professionnels]])
* include codes from system https://mos.esante.gouv.fr/NOS/TRE_R48-DiplomeEtatFrancais/FHIR/TRE-R48-DiplomeEtatFrancais
* include codes from system https://mos.esante.gouv.fr/NOS/TRE_R47-CommissionQualification/FHIR/TRE-R47-CommissionQualification
* include codes from system https://mos.esante.gouv.fr/NOS/TRE_R49-DiplomeEtudeSpecialisee/FHIR/TRE-R49-DiplomeEtudeSpecialisee
* include codes from system https://mos.esante.gouv.fr/NOS/TRE_R50-DESCGroupe1Diplome/FHIR/TRE-R50-DESCGroupe1Diplome
* include codes from system https://mos.esante.gouv.fr/NOS/TRE_R51-DESCGroupe2Diplome/FHIR/TRE-R51-DESCGroupe2Diplome
* include codes from system https://mos.esante.gouv.fr/NOS/TRE_R53-DiplomePaysEEE/FHIR/TRE-R53-DiplomePaysEEE
* include codes from system https://mos.esante.gouv.fr/NOS/TRE_R54-DiplomeUniversiteInterUniversitaire/FHIR/TRE-R54-DiplomeUniversiteInterUniversitaire
* include codes from system https://mos.esante.gouv.fr/NOS/TRE_R55-CertificatEtudeSpeciale/FHIR/TRE-R55-CertificatEtudeSpeciale
* include codes from system https://mos.esante.gouv.fr/NOS/TRE_R56-Attestation/FHIR/TRE-R56-Attestation
* include codes from system https://mos.esante.gouv.fr/NOS/TRE_R52-CapaciteDiplome/FHIR/TRE-R52-CapaciteDiplome
* include codes from system https://mos.esante.gouv.fr/NOS/TRE_R58-AutreTypeDiplome/FHIR/TRE-R58-AutreTypeDiplome
* include codes from system https://mos.esante.gouv.fr/NOS/TRE_R36-AutreDiplomeObtenu/FHIR/TRE-R36-AutreDiplomeObtenu
* include codes from system https://mos.esante.gouv.fr/NOS/TRE_R226-Dip2iemeCycleNQ/FHIR/TRE-R226-Dip2iemeCycleNQ

ValueSet: FRCoreValueSetPractitionerRoleExercice
Id: fr-core-vs-practitioner-role-exercice
Title: "Functions of professionals"
* insert French([[Fonctions des professionnels]])
* include codes from system https://mos.esante.gouv.fr/NOS/TRE_R21-Fonction/FHIR/TRE-R21-Fonction
* include codes from system https://mos.esante.gouv.fr/NOS/TRE_R96-AutreFonctionSanitaire/FHIR/TRE-R96-AutreFonctionSanitaire
* include codes from system https://mos.esante.gouv.fr/NOS/TRE_R85-RolePriseCharge/FHIR/TRE-R85-RolePriseCharge
* include codes from system https://mos.esante.gouv.fr/NOS/TRE_R22-GenreActivite/FHIR/TRE-R22-GenreActivite
* include codes from system https://mos.esante.gouv.fr/NOS/TRE_R23-ModeExercice/FHIR/TRE-R23-ModeExercice
* include codes from system https://mos.esante.gouv.fr/NOS/TRE_R24-TypeActiviteLiberale/FHIR/TRE-R24-TypeActiviteLiberale
* include codes from system https://mos.esante.gouv.fr/NOS/TRE_R32-StatutHospitalier/FHIR/TRE-R32-StatutHospitalier
* include codes from system https://mos.esante.gouv.fr/NOS/TRE_R24-TypeActiviteLiberale/FHIR/TRE-R24-TypeActiviteLiberale
* include codes from system https://mos.esante.gouv.fr/NOS/TRE_G05-SousSectionTableauCNOP/FHIR/TRE-G05-SousSectionTableauCNOP
* include codes from system https://mos.esante.gouv.fr/NOS/TRE_R06-SectionTableauCNOP/FHIR/TRE-R06-SectionTableauCNOP

ValueSet: FRCoreValueSetPractitionerSpecialty
Id: fr-core-vs-practitioner-specialty
Title: "Specialties of professionals"
* insert French([[Spécialités des professionnels]])
* include codes from system https://mos.esante.gouv.fr/NOS/TRE_R38-SpecialiteOrdinale/FHIR/TRE-R38-SpecialiteOrdinale

ValueSet: FRCoreValueSetTitle
Id: fr-core-vs-title
Title: "Titles of persons"
* insert French([[Civilités]])
* include codes from system https://mos.esante.gouv.fr/NOS/TRE_R11-CiviliteExercice/FHIR/TRE-R11-CiviliteExercice
