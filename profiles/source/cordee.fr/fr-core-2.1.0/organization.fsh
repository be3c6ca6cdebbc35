// Organisations and their units.

Profile: FRCoreOrganizationProfile
Parent: Organization
Id: fr-core-organization
Title: "Organisation"
* insert French([[Organisation]])
* meta.profile insert SlicedBy(value, $this)
* meta.profile contains fr-canonical 0..1
* meta.profile[fr-canonical] = "https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-organization"
* extension contains fr-core-organization-short-name named shortName 0..1
* extension contains fr-core-organization-description named description 0..1
* extension contains http://hl7.org/fhir/StructureDefinition/organization-period named usePeriod 0..1
* identifier insert SlicedBy(pattern, system)
* identifier insert AlsoBy(pattern, type)
* identifier.use from http://hl7.org/fhir/ValueSet/identifier-use (required)
* identifier.type from fr-core-vs-organization-identifier-type (extensible)
* identifier.system 1..
* identifier.value 1..
* identifier contains idNatSt 0..1
* identifier[idNatSt].use = #official
* identifier[idNatSt].type 1..
* identifier[idNatSt].type = $fr-v2-0203#IDNST
* identifier[idNatSt].system = "urn:oid:1.2.250.1.71.4.2.2"
* identifier contains siren 0..*
* identifier[siren].type 1..
* identifier[siren].type = $fr-v2-0203#SIREN
* identifier[siren].system = "https://sirene.fr"
* identifier contains siret 0..*
* identifier[siret].type 1..
* identifier[siret].type = $fr-v2-0203#SIRET
* identifier[siret].system = "https://sirene.fr"
* identifier contains finess 0..*
* identifier[finess].type.coding.system = "https://hl7.fr/ig/fhir/core/CodeSystem/fr-core-cs-v2-0203"
* identifier[finess].system = "https://finess.esante.gouv.fr"
* identifier contains adeliRang 0..*
* identifier[adeliRang].type 1..
* identifier[adeliRang].type = $fr-v2-0203#INTRN
* identifier[adeliRang].system = "https://adelirang.esante.gouv.fr"
* identifier contains rppsRang 0..*
* identifier[rppsRang].type 1..
* identifier[rppsRang].type = $fr-v2-0203#INTRN
* identifier[rppsRang].system = "https://rppsrang.esante.gouv.fr"
* type insert SlicedBy(pattern, $this)
* type contains organizationType 0..1
* type[organizationType] from fr-core-vs-organization-type (required)
* type[organizationType].coding 1..1
* type[organizationType].coding.system 1..
* type contains secteurActiviteRASS 0..1
* type[secteurActiviteRASS] from https://mos.esante.gouv.fr/NOS/JDV_J101-SecteurActivite-RASS/FHIR/JDV-J101-SecteurActivite-RASS (required)
* type[secteurActiviteRASS].coding 1..1
* type[secteurActiviteRASS].coding.system 1..
* type contains categorieEtablissementRASS 0..1
* type[categorieEtablissementRASS] from https://mos.esante.gouv.fr/NOS/JDV_J129-CategorieEtablissement-RASS/FHIR/JDV-J129-CategorieEtablissement-RASS (required)
* type[categorieEtablissementRASS].coding 1..1
* type[categorieEtablissementRASS].coding.system 1..
* telecom only fr-core-contact-point
* address only fr-core-address
* partOf only Reference(fr-core-organization)
* partOf.type from fr-core-vs-organization-type (extensible)
* contact.telecom only fr-core-contact-point
* contact.address only fr-core-address

Profile: FRCoreOrganizationPoleProfile
Parent: Organization
Id: fr-core-organization-pole
Title: "Division of an establishment"
* insert French([[Pôle]])
* meta.profile insert SlicedBy(value, $this)
* meta.profile contains fr-canonical 0..1
* meta.profile[fr-canonical] = "https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-organization-pole"
* extension contains fr-core-organization-short-name named shortName 0..1
* extension contains fr-core-organization-description named description 0..1
* extension contains fr-core-organization-budget-letter named budgetLetter 0..1
* extension contains http://hl7.org/fhir/StructureDefinition/organization-period named usePeriod 0..1
* identifier.use from http://hl7.org/fhir/ValueSet/identifier-use (required)
* identifier.type 1..
* identifier.type from fr-core-vs-organization-identifier-type (extensible)
* identifier.system 1..
* identifier.value 1..
* type ..1
* type from fr-core-vs-organization-type (extensible)
* partOf only Reference(fr-core-organization)
* partOf.type from fr-core-vs-organization-type (extensible)

Profile: FRCoreOrganizationUACProfile
Parent: Organization
Id: fr-core-organization-uac
Title: "Unit of activity (UAC)"
* insert French([[Unité d'activité (UAC)]])
* meta.profile insert SlicedBy(value, $this)
* meta.profile contains fr-canonical 0..1
* meta.profile[fr-canonical] = "https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-organization-uac"
* extension contains fr-core-organization-short-name named shortName 0..1
* extension contains fr-core-organization-description named description 0..1
* extension contains http://hl7.org/fhir/StructureDefinition/organization-period named usePeriod 0..1
* identifier.use from http://hl7.org/fhir/ValueSet/identifier-use (required)
* identifier.type 1..
* identifier.type from fr-core-vs-organization-identifier-type (extensible)
* identifier.system 1..
* identifier.value 1..
* type from fr-core-vs-organization-type (extensible)
* partOf only Reference(fr-core-organization)
* partOf.type from fr-core-vs-organization-type (extensible)

Profile: FRCoreOrganizationUFProfile
Parent: Organization
Id: fr-core-organization-uf
Title: "Functional unit (UF)"
* insert French([[Unité fonctionnelle (UF)]])
* meta.profile insert SlicedBy(value, $this)
* meta.profile contains fr-canonical 0..1
* meta.profile[fr-canonical] = "https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-organization-uf"
* extension contains fr-core-organization-short-name named shortName 0..1
* extension contains fr-core-organization-description named description 0..1
* extension contains fr-core-organization-budget-letter named budgetLetter 0..1
* extension contains fr-core-organization-field named equipmentField 0..*
* extension contains fr-core-organization-activity-field named activityField 0..1
* extension contains fr-core-organization-external named external 0..1
* extension contains fr-core-organization-number-of-theorical-accomadation-space named accomodationSpace 0..1
* extension contains fr-core-organization-applicant-act named applicantAct 0..1
* extension contains fr-core-organization-executant named executantAct 0..1
* extension contains fr-core-organization-analysis-section named analysisSection 0..1
* extension contains fr-core-organization-activity-type named activityType 0..1
* extension contains http://hl7.org/fhir/StructureDefinition/organization-period named usePeriod 0..1
* identifier.use from http://hl7.org/fhir/ValueSet/identifier-use (required)
* identifier.type 1..
* identifier.type from fr-core-vs-organization-identifier-type (extensible)
* identifier.system 1..
* identifier.value 1..
* type from fr-core-vs-organization-type (extensible)
* partOf only Reference(fr-core-organization)

Extension: FRCoreOrganizationActivityFieldExtension
Id: fr-core-organization-activity-field
Title: "Field of activity"
Context: Organization
* insert French([[Champ d'activité]])
* value[x] only Coding
* value[x] from fr-core-vs-organization-activity-field (extensible)

Extension: FRCoreOrganizationActivityTypeExtension
Id: fr-core-organization-activity-type
Title: "Kind of activity"
Context: Organization
* insert French([[Type d'activité]])
* value[x] only string

Extension: FRCoreOrganizationAnalysisSectionExtension
Id: fr-core-organization-analysis-section
Title: "Section of analysis"
Context: Organization
* insert French([[Section d'analyse]])
* value[x] only string

Extension: FRCoreOrganizationApplicantActExtension
Id: fr-core-organization-applicant-act
Title: "Whether acts are asked for here"
Context: Organization
* insert French([[Demandeuse d'actes]])
* value[x] only boolean

Extension: FRCoreOrganizationBudgetLetterExtension
Id: fr-core-organization-budget-letter
Title: "Budget letter"
Context: Organization
* insert French([[Lettre budgétaire]])
* value[x] only string

Extension: FRCoreOrganizationDescriptionExtension
Id: fr-core-organization-description
Title: "What an organisation is"
Context: Organization
* insert French([[Description d'une organisation]])
* value[x] only string

Extension: FRCoreOrganizationExecutantExtension
Id: fr-core-organization-executant
Title: "Whether acts are performed here"
Context: Organization
* insert French([[Exécutante d'actes]])
* value[x] only boolean

Extension: FRCoreOrganizationExternalExtension
Id: fr-core-organization-external
Title: "Whether a unit lies outside"
Context: Organization
* insert French([[Unité externe]])
* value[x] only boolean

Extension: FRCoreOrganizationFieldExtension
Id: fr-core-organization-field
Title: "Discipline of equipment"
Context: Organization
* insert French([[Discipline d'équipement]])
* value[x] only string

Extension: FRCoreOrganizationTotalNumberOfTheoricalAccomodationSpaceExtension
Id: fr-core-organization-number-of-theorical-accomadation-space
Title: "Number of places in theory"
Context: Organization
* insert French([[Nombre théorique de places]])
* value[x] only integer

Extension: FRCoreOrganizationPrestationDisciplineExtension
Id: fr-core-organization-prestation-discipline
Title: "Discipline of service"
Context: Organization
* insert French([[Discipline de prestation]])
* value[x] only string

Extension: FRCoreOrganizationShortNameExtension
Id: fr-core-organization-short-name
Title: "Short name of an organisation"
Context: Organization
* insert French([[Nom court d'une organisation]])
* value[x] only string

Extension: FRCoreUsePeriodExtension
Id: fr-core-use-period
Title: "Period of use"
Context: Location
* insert French([[Période d'utilisation]])
* value[x] only Period

ValueSet: FRCoreValueSetOrganizationActivityField
Id: fr-core-vs-organization-activity-field
Title: "Fields of activity of a unit"
* insert French([[Champs d'activité d'une unité]])
* include codes from system https://mos.esante.gouv.fr/NOS/TRE_R02-SecteurActivite/FHIR/TRE-R02-SecteurActivite

ValueSet: FRCoreValueSetOrganizationIdentifierType
Id: fr-core-vs-organization-identifier-type
Title: "Kinds of identifiers of organisations"
* insert French([[Types d'identifiants d'organisations]])
* $fr-v2-0203#FINEJ
* $fr-v2-0203#FINEG
* $fr-v2-0203#SIREN
* $fr-v2-0203#SIRET
* $fr-v2-0203#IDNST
* $fr-v2-0203#INTRN
* $fr-v2-0203#EXTRN

ValueSet: FRCoreValueSetOrganizationType
Id: fr-core-vs-organization-type
Title: "Kinds of organisations"
* insert French([[Types d'organisations]])
* fr-core-cs-v2-3307#GHT
* fr-core-cs-v2-3307#LEGAL-ENTITY
* fr-core-cs-v2-3307#GEOGRAPHICAL-ENTITY
* fr-core-cs-v2-3307#GROUP
* fr-core-cs-v2-3307#HEBERGEMENT
* fr-core-cs-v2-3307#SOIN
* fr-core-cs-v2-3307#ADMINISTRATIF
* fr-core-cs-v2-3307#MEDICAL
* fr-core-cs-v2-3307#TECHNIQUE
* fr-core-cs-v2-3307#MEDICOTEC
* fr-core-cs-v2-3307#UF
* fr-core-cs-v2-3307#SERVICE
* fr-core-cs-v2-3307#UM
* fr-core-cs-v2-3307#UAC
* fr-core-cs-v2-3307#POLE
* fr-core-cs-v2-3307#CENTRE-RESP
* fr-core-cs-v2-3307#CENTRE-ACTIVITE

ValueSet: FRCoreValueSetOrganizationUFActivityField
Id: fr-core-vs-organization-uf-activity-field
Title: "Fields of activity of a functional unit"
* insert French([[Champs d'activité d'une unité fonctionnelle]])
* fr-core-cs-v2-3311#MCO
* fr-core-cs-v2-3311#SSR
* fr-core-cs-v2-3311#HD
* fr-core-cs-v2-3311#EHPD
* fr-core-cs-v2-3311#LG_SJR
* fr-core-cs-v2-3311#MSN_RTRT
* fr-core-cs-v2-3311#PSY
* fr-core-cs-v2-3311#URG

CodeSystem: FRCoreCodeSystemTypesOrganisations
Id: fr-core-cs-type-organisation
Title: "Kinds of organisations"
* insert French([[Types d'organisations]])
* #LEGAL-ENTITY "Entité légale"
* #GHT "Groupement hospitalier de territoire"
* #GEOGRAPHICAL-ENTITY "Entité géographique"
* #GROUP "Groupe privé/hospitalier"
* #HEBERGEMENT "Hébergement"
* #SOIN "Soin"
* #ADMINISTRATIF "Administration"
* #MEDICAL "Médical"
* #TECHNIQUE "Technique"
* #MEDICOTEC "medico technique (radio, scanner …)"
* #UF "Unité fonctionnelle"
* #SERVICE "Service"
* #UM "Unité médicale"
* #UAC "Unité d'activité"
* #POLE "Pôle"
* #CENTRE-RESP "Centre de responsabilité"
* #CENTRE-ACTIVITE "Centre d'activité"
