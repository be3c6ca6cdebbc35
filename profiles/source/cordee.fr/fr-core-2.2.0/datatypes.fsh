// Data types, and what they use.

Profile: FRCoreAddressProfile
Parent: Address
Id: fr-core-address
Title: "Address in France"
* insert French([[Adresse en France]])
* extension contains fr-core-address-insee-code named inseeCode 0..1

Profile: FRCoreContactPointProfile
Parent: ContactPoint
Id: fr-core-contact-point
Title: "Telephone, mail or another way to reach somebody"
* insert French([[Coordonnée de télécommunication]])
* extension contains fr-core-contact-point-email-type named emailType 0..1
* system 1..
* value 1..

Profile: FRCoreHumanNameProfile
Parent: HumanName
Id: fr-core-human-name
Title: "Name of a person"
* insert French([[Nom d'une personne]])
* extension contains http://hl7.org/fhir/StructureDefinition/humanname-assembly-order named assemblyOrder 0..1
* prefix ..1
* prefix from https://mos.esante.gouv.fr/NOS/JDV_J245-Civilite-CISIS/FHIR/JDV-J245-Civilite-CISIS (extensible)

Extension: FRCoreAddressInseeCodeExtension
Id: fr-core-address-insee-code
Title: "INSEE code of the commune or country"
Context: Address
* insert French([[Code INSEE de la commune ou du pays]])
* value[x] only Coding
* value[x] from fr-core-vs-insee-code (required)

Extension: FRCoreContactPointEmailTypeExtension
Id: fr-core-contact-point-email-type
Title: "Kind of mail address"
Context: ContactPoint
* insert French([[Type de messagerie]])
* . ..1
* value[x] only Coding
* value[x] from fr-core-vs-email-type (extensible)

Extension: FRCoreAssemblyOrderExtension
Id: fr-core-human-name-assembly-order
Title: "Order of the parts of a name"
Context: HumanName
* insert French([[Ordre des parties du nom]])
* value[x] 1..
* value[x] only code
* value[x] from http://hl7.org/fhir/ValueSet/name-assembly-order (required)

ValueSet: FRCoreValueSetCOGCommunePays
Id: fr-core-vs-cog-commune-pays
Title: "Communes and countries (INSEE)"
* insert French([[Communes et pays (INSEE)]])
* include codes from system https://mos.esante.gouv.fr/NOS/TRE_R13-CommuneOM/FHIR/TRE-R13-CommuneOM
* include codes from system https://mos.esante.gouv.fr/NOS/TRE_R20-Pays/FHIR/TRE-R20-Pays

ValueSet: FRCoreValueSetEmailType
Id: fr-core-vs-email-type
Title: "Kinds of mail addresses"
* insert French([[Types de messagerie]])
* include codes from system https://mos.esante.gouv.fr/NOS/TRE_R256-TypeMessagerie/FHIR/TRE-R256-TypeMessagerie

ValueSet: FRCoreValueSetINSEECode
Id: fr-core-vs-insee-code
Title: "Communes (INSEE)"
* insert French([[Communes (INSEE)]])
* include codes from system https://mos.esante.gouv.fr/NOS/TRE_R13-CommuneOM/FHIR/TRE-R13-CommuneOM

CodeSystem: FRCoreCodeSystemIdentifierType
Id: fr-core-cs-identifier-type
Title: "Kinds of identifiers"
* insert French([[Types d'identifiants]])
* #VN "Visit Number"
* #MN "Movement Number"

CodeSystem: FRCoreCodeSystemv2_0203
Id: fr-core-cs-v2-0203
Title: "Kinds of identifiers, French addition to HL7 v2 table 0203"
* insert French([[Types d'identifiants, complément français à la table 0203]])
* #ADELI "N° ADELI"
* #RPPS "N° RPPS"
* #RPPSRG "N° RPPS Rang"
* #IDNPS "Identifiant National de Professionnel de Santé"
* #NNFRA "National Person Identifier where the FRA is the ISO table 3166 3-character (alphabetic) country code"
* #NDP "Identifiant du patient au Dossier Pharmaceutique"
* #INS-C "Identifiant National de Santé Calculé"
* #INS-NIA "NIR temporaire"
* #INS-NIR "NIR définitif"
* #INS-NIR-TEST "NIR TEST"
* #INS-NIR-DEMO "NIR DEMO"
* #FINEJ "FINESS d'entité juridique"
* #FINEG "FINESS d'entité géographique"
* #SIREN "Identification de l'organisation au SIREN"
* #SIRET "Identification de l'organisation au SIRET"
* #IDNST "Identification nationale de structure définie par l’ANS dans le CI_SIS"
* #INTRN "Identifiant interne"
* #EXTRN "Identifiant externe"
