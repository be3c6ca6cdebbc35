// Organisations.

Profile: AsDpOrganizationProfile
Parent: as-organization
Id: as-dp-organization
Title: "Organisation, open data"
* insert French([[Structure, données publiques]])
* meta.extension contains as-ext-data-trace named as-ext-data-trace 0..1 MS
* meta.source = "https://annuaire.esante.gouv.fr"
* meta.profile 2..
* meta.profile[fr-canonical] 1..
* meta.profile contains as-dp-canonical 1..1
* meta.profile[as-dp-canonical] = "https://interop.esante.gouv.fr/ig/fhir/annuaire/StructureDefinition/as-dp-organization|1.2.0-snapshot-2"
* extension[as-ext-digital-certificate] ..0 MS
* extension[as-ext-organization-pharmacy-licence] MS
* extension[as-ext-organization-pricing-model] MS
* extension[as-ext-organization-closing-type] MS
* extension[as-ext-organization-budget-type] MS
* extension[as-ext-organization-authorization-deadline] MS
* identifier.period ..0
* identifier.assigner ..0
* identifier[idNatSt] MS
* identifier[idNatSt].period ..0
* identifier[idNatSt].assigner ..0
* identifier[siren] MS
* identifier[siren].period ..0
* identifier[siren].assigner ..0
* identifier[siret] MS
* identifier[siret].period ..0
* identifier[siret].assigner ..0
* identifier[finess] MS
* identifier[finess].period ..0
* identifier[finess].assigner ..0
* identifier[rppsRang] MS
* identifier[rppsRang].period ..0
* identifier[rppsRang].assigner ..0
* active 1.. MS
* type[organizationType] MS
* type[secteurActiviteRASS] MS
* type[categorieEtablissementRASS] MS
* type[statutJuridiqueINSEE] MS
* type[sphParticipation] MS
* type[typeEtablissement] MS
* alias MS
* telecom.period ..0
* telecom[mailbox-mss] MS
* telecom[mailbox-mss].extension[as-mailbox-mss-metadata].extension[responsible] ..0
* telecom[mailbox-mss].period ..0
* address MS
* contact ..0
* endpoint ..0 MS

Profile: AsDrOrganizationProfile
Parent: as-organization
Id: as-dr-organization
Title: "Organisation, restricted data"
* insert French([[Structure, données restreintes]])
* meta.extension contains as-ext-data-trace named as-ext-data-trace 0..1 MS
* meta.source = "https://annuaire.esante.gouv.fr"
* meta.profile 2..
* meta.profile[fr-canonical] 1..
* meta.profile contains as-dr-canonical 1..1
* meta.profile[as-dr-canonical] = "https://interop.esante.gouv.fr/ig/fhir/annuaire/StructureDefinition/as-dr-organization|1.2.0-snapshot-2"
* extension[as-ext-digital-certificate] MS
* extension[as-ext-organization-pharmacy-licence] MS
* extension[as-ext-organization-pricing-model] MS
* extension[as-ext-organization-closing-type] MS
* extension[as-ext-organization-budget-type] MS
* extension[as-ext-organization-authorization-deadline] MS
* identifier[idNatSt] MS
* active MS
* type MS
* alias MS
* telecom MS
* address MS
* endpoint MS

Profile: AsOrganizationProfile
Parent: fr-core-organization-etablissement
Id: as-organization
Title: "Organisation of the directory"
* insert French([[Structure de l'annuaire]])
* extension contains as-ext-digital-certificate named as-ext-digital-certificate 0..1
* extension contains as-ext-organization-pharmacy-licence named as-ext-organization-pharmacy-licence 0..*
* extension contains as-ext-organization-pricing-model named as-ext-organization-pricing-model 0..1
* extension contains as-ext-organization-closing-type named as-ext-organization-closing-type 0..1
* extension contains as-ext-organization-budget-type named as-ext-organization-budget-type 0..1
* extension contains as-ext-organization-authorization-deadline named as-ext-organization-authorization-deadline 0..1
* type contains organizationType 0..1
* type[organizationType] from fr-core-vs-organization-type (required)
* type[organizationType].extension 1..
* type[organizationType].extension contains as-ext-organization-types named as-ext-organization-types 1..1
* type[organizationType].extension[as-ext-organization-types].value[x] = #organizationType
* type[organizationType].coding 1..1
* type[organizationType].coding.system 1..
* type contains secteurActiviteRASS 0..1
* type[secteurActiviteRASS] from https://mos.esante.gouv.fr/NOS/JDV_J101-SecteurActivite-RASS/FHIR/JDV-J101-SecteurActivite-RASS (required)
* type[secteurActiviteRASS].extension 1..
* type[secteurActiviteRASS].extension contains as-ext-organization-types named as-ext-organization-types 1..1
* type[secteurActiviteRASS].extension[as-ext-organization-types].value[x] = #secteurActiviteRASS
* type[secteurActiviteRASS].coding 1..1
* type[secteurActiviteRASS].coding.system 1..
* type contains categorieEtablissementRASS 0..1
* type[categorieEtablissementRASS] from https://mos.esante.gouv.fr/NOS/JDV_J129-CategorieEtablissement-RASS/FHIR/JDV-J129-CategorieEtablissement-RASS (required)
* type[categorieEtablissementRASS].coding 1..1
* type[categorieEtablissementRASS].coding.system 1..
* type contains statutJuridiqueINSEE 0..1
* type[statutJuridiqueINSEE] from https://mos.esante.gouv.fr/NOS/JDV_J100-FinessStatutJuridique-RASS/FHIR/JDV-J100-FinessStatutJuridique-RASS (required)
* type[statutJuridiqueINSEE].extension 1..
* type[statutJuridiqueINSEE].extension contains as-ext-organization-types named as-ext-organization-types 1..1
* type[statutJuridiqueINSEE].extension[as-ext-organization-types].value[x] = #statutJuridiqueINSEE
* type contains sphParticipation 0..1
* type[sphParticipation] from https://mos.esante.gouv.fr/NOS/JDV_J162-ESPIC-RASS/FHIR/JDV-J162-ESPIC-RASS (required)
* type[sphParticipation].extension 1..
* type[sphParticipation].extension contains as-ext-organization-types named as-ext-organization-types 1..1
* type[sphParticipation].extension[as-ext-organization-types].value[x] = #sphParticipation
* type contains typeEtablissement 0..1
* type[typeEtablissement] from as-vs-type-etablissement (required)
* type[typeEtablissement].extension 1..
* type[typeEtablissement].extension contains as-ext-organization-types named as-ext-organization-types 1..1
* type[typeEtablissement].extension[as-ext-organization-types].value[x] = #typeEtablissement
* telecom insert SlicedBy(value, system)
* telecom insert AlsoBy(exists, [[extension('https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-contact-point-email-type')]])
* telecom contains as-mailbox-mss named mailbox-mss 0..*
* address only as-address-extended
* partOf only Reference(fr-core-organization or as-organization)

Extension: AsOrganizationAuthorizationDeadlineExtension
Id: as-ext-organization-authorization-deadline
Title: "Date at which an authorisation lapses"
Context: Organization
* insert French([[Date de caducité d'une autorisation]])
* extension contains endDate 0..1
* extension[endDate].value[x] only dateTime
* extension contains indicator 0..1
* extension[indicator].value[x] only boolean

Extension: AsOrganizationBudgetTypeExtension
Id: as-ext-organization-budget-type
Title: "Kind of budget of an organisation"
Context: Organization
* insert French([[Nature du budget d'une structure]])
* value[x] only string

Extension: AsOrganizationClosingTypeExtension
Id: as-ext-organization-closing-type
Title: "How an organisation closed"
Context: Organization
* insert French([[Type de fermeture d'une structure]])
* value[x] only CodeableConcept
* value[x] from https://mos.esante.gouv.fr/NOS/JDV_J260-TypeFermeture-RASS/FHIR/JDV-J260-TypeFermeture-RASS (required)

Extension: AsOrganizationPharmacyLicenceExtension
Id: as-ext-organization-pharmacy-licence
Title: "Licence of a pharmacy"
Context: Organization
* insert French([[Licence d'une officine]])
* value[x] only string

Extension: AsOrganizationPricingModelExtension
Id: as-ext-organization-pricing-model
Title: "How an organisation is paid"
Context: Organization
* insert French([[Mode de tarification d'une structure]])
* value[x] only CodeableConcept
* value[x] from https://mos.esante.gouv.fr/NOS/JDV_J259-ModeFixationTarifaire-RASS/FHIR/JDV-J259-ModeFixationTarifaire-RASS (required)

Extension: AsOrganizationTypes
Id: as-ext-organization-types
Title: "What a type of an organisation says"
Context: Organization.type
* insert French([[Nature du type d'une structure]])
* value[x] only code
* value[x] from as-vs-organization-types (required)

ValueSet: AsVsOrganizationTypes
Id: as-vs-organization-types
Title: "Kinds of types of an organisation"
* insert French([[Natures des types d'une structure]])
* include codes from system as-cs-organization-types

ValueSet: AsVsTypeEtablissement
Id: as-vs-type-etablissement
Title: "Kinds of establishment"
* insert French([[Types d'établissement]])
* include codes from system as-cs-type-etablissement

CodeSystem: AsCsOrganizationTypes
Id: as-cs-organization-types
Title: "Kinds of types of an organisation"
* insert French([[Natures des types d'une structure]])
* #organizationType "Type d'organisation"
* #statutJuridiqueINSEE "Statut Juridique INSEE"
* #sphParticipation "sph Participation"
* #typeEtablissement "Type d'établissement"
* #secteurActiviteRASS "Secteur d'activité RASS"

CodeSystem: AsCsTypeEtablissement
Id: as-cs-type-etablissement
Title: "Kinds of establishment"
* insert French([[Types d'établissement]])
* #P "Principal"
* #S "Secondaire"
