// Data types and mailboxes.

Profile: AsAddressExtendedProfile
Parent: fr-core-address
Id: as-address-extended
Title: "Address with a place name (lieu-dit)"
* insert French([[Adresse avec lieu-dit]])
* line.extension contains http://hl7.org/fhir/StructureDefinition/iso21090-ADXP-careOf named careOf 0..1
* line.extension contains http://hl7.org/fhir/StructureDefinition/iso21090-ADXP-additionalLocator named additionalLocator 0..1
* line.extension contains http://hl7.org/fhir/StructureDefinition/iso21090-ADXP-houseNumber named houseNumber 0..1
* line.extension contains http://hl7.org/fhir/StructureDefinition/iso21090-ADXP-buildingNumberSuffix named buildingNumberSuffix 0..1
* line.extension contains http://hl7.org/fhir/StructureDefinition/iso21090-ADXP-streetNameType named streetNameType 0..1
* line.extension[streetNameType].value[x] from https://mos.esante.gouv.fr/NOS/JDV_J103-TypeVoie-RASS/FHIR/JDV-J103-TypeVoie-RASS (required)
* line.extension contains http://hl7.org/fhir/StructureDefinition/iso21090-ADXP-postBox named postBox 0..1
* line.extension contains http://hl7.org/fhir/StructureDefinition/iso21090-ADXP-streetNameBase named streetNameBase 0..1
* line.extension contains as-ext-lieu-dit named lieuDit 0..1
* district MS
* district from https://mos.esante.gouv.fr/NOS/JDV_J258-Departement/FHIR/JDV-J258-Departement (required)
* country MS
* country from https://mos.esante.gouv.fr/NOS/JDV_J256-Pays/FHIR/JDV-J256-Pays (required)

Profile: AsCodeableConceptTimedProfile
Parent: CodeableConcept
Id: as-codeableconcept-timed
Title: "Concept with the period in which it holds"
* insert French([[Concept daté]])
* extension contains as-ext-codeableconcept-timed-metadata named as-codeableconcept-timed-metadata 0..*

Profile: AsMailboxMSSProfile
Parent: fr-core-contact-point
Id: as-mailbox-mss
Title: "Secure mailbox (MSSanté)"
* insert French([[Boîte aux lettres MSSanté]])
* extension 1..
* extension[emailType] 1..
* extension[emailType].value[x] = https://mos.esante.gouv.fr/NOS/TRE_R256-TypeMessagerie/FHIR/TRE-R256-TypeMessagerie#MSSANTE
* extension contains as-ext-mailbox-mss-metadata named as-mailbox-mss-metadata 0..1
* system = #email
* value MS

Extension: AsCodeableConceptPeriodMetadataExtension
Id: as-ext-codeableconcept-timed-metadata
Title: "Period in which a concept holds"
Context: CodeableConcept
* insert French([[Période de validité d'un concept]])
* value[x] only Period
* value[x].start MS
* value[x].end MS

Extension: AsDataTraceExtension
Id: as-ext-data-trace
Title: "Where a datum comes from"
Context: Element
* insert French([[Origine de la donnée]])
* extension contains autorite-enregistrement 0..1
* extension[autorite-enregistrement].value[x] only CodeableConcept
* extension[autorite-enregistrement].value[x] from https://mos.esante.gouv.fr/NOS/JDV_J83-AutoriteEnregistrement-RASS/FHIR/JDV-J83-AutoriteEnregistrement-RASS (required)
* extension contains systeme-information 0..1
* extension[systeme-information].value[x] only code
* extension[systeme-information].value[x] from as-vs-type-systeme-information (extensible)
* extension contains date-maj-ae 0..1
* extension[date-maj-ae].value[x] only date

Extension: AsLieuDit
Id: as-ext-lieu-dit
Title: "Place name (lieu-dit)"
Context: Address.line
* insert French([[Lieu-dit]])
* value[x] only string

Extension: AsMailboxMSSMetadataExtension
Id: as-ext-mailbox-mss-metadata
Title: "What a secure mailbox is"
Context: ContactPoint
* insert French([[Description d'une boîte aux lettres MSSanté]])
* extension contains type 0..1
* extension[type].value[x] only CodeableConcept
* extension[type].value[x] from https://mos.esante.gouv.fr/NOS/JDV_J139-TypeBAL-RASS/FHIR/JDV-J139-TypeBAL-RASS (required)
* extension contains description 0..1
* extension[description].value[x] only string
* extension contains responsible 0..1
* extension[responsible].value[x] only string
* extension contains service 0..1
* extension[service].value[x] only string
* extension contains listeRouge 0..1
* extension[listeRouge].value[x] only boolean

ValueSet: AsVsTypeSystemeInformationVS
Id: as-vs-type-systeme-information
Title: "Information systems that the directory is fed by"
* insert French([[Systèmes d'information qui alimentent l'annuaire]])
* include codes from system as-cs-type-systeme-information

CodeSystem: AsCsTypeSystemeInformation
Id: as-cs-type-systeme-information
Title: "Information systems that the directory is fed by"
* insert French([[Systèmes d'information qui alimentent l'annuaire]])
* #RPPS "Répertoire partagé des professionnels de santé"
* #FINESS "Fichier national des établissements sanitaires et sociaux"
* #CG "CG"
