// Metadata of a shared document, in full and for simple publishing.

Alias: $as-organization = https://interop.esante.gouv.fr/ig/fhir/annuaire/StructureDefinition/as-organization
Alias: $as-practitioner = https://interop.esante.gouv.fr/ig/fhir/annuaire/StructureDefinition/as-practitioner
Alias: $as-practitionerrole = https://interop.esante.gouv.fr/ig/fhir/annuaire/StructureDefinition/as-practitionerrole

RuleSet: SharedDocument
* meta.versionId MS
* masterIdentifier MS
* status MS
* type from https://mos.esante.gouv.fr/NOS/JDV_J07-XdsTypeCode-CISIS/FHIR/JDV-J07-XdsTypeCode-CISIS (preferred)
* type ^comment = "Codes come from TRE_A05, LOINC or TRE_A12; a project may narrow them (the DMP: JDV_J66)."
* category from https://mos.esante.gouv.fr/NOS/JDV_J06-XdsClassCode-CISIS/FHIR/JDV-J06-XdsClassCode-CISIS (preferred)
* category ^comment = "Codes come from TRE_A03 or TRE_A10; a project may narrow them (the DMP: JDV_J57)."
* subject only Reference(fr-core-patient)
* date 1..
* author 1..
* authenticator MS
* custodian 1..
* description MS
* securityLabel from https://mos.esante.gouv.fr/NOS/JDV_J08-XdsConfidentialityCode-CISIS/FHIR/JDV-J08-XdsConfidentialityCode-CISIS (extensible)
* content MS
* content.attachment.title 1..
* content.format from https://mos.esante.gouv.fr/NOS/JDV_J10-XdsFormatCode-CISIS/FHIR/JDV-J10-XdsFormatCode-CISIS (preferred)
* content.format ^comment = "Codes come from TRE_A06, TRE_A09, TRE_A10 or TRE_A11; a project may narrow them (the DMP: JDV_J60)."
* context MS
* context.event ^comment = "Acts by CCAM, diseases by CIM-10, a person's own documents by TRE_A00, or other codes."
* context.facilityType from https://mos.esante.gouv.fr/NOS/JDV_J02-XdsHealthcareFacilityTypeCode-CISIS/FHIR/JDV-J02-XdsHealthcareFacilityTypeCode-CISIS (preferred)
* context.facilityType ^comment = "TRE_A00 for a document by the person cared for, TRE_R02 by a professional; a project may narrow them (the DMP: JDV_J61)."
* context.practiceSetting from https://mos.esante.gouv.fr/NOS/JDV_J04-XdsPracticeSettingCode-CISIS/FHIR/JDV-J04-XdsPracticeSettingCode-CISIS (preferred)
* context.practiceSetting ^comment = "TRE_A00 for a document by the person cared for, TRE_R02 by a professional."
* context.sourcePatientInfo only Reference(fr-core-patient)

Profile: PDSm_ComprehensiveDocumentReference
Parent: IHE.MHD.Comprehensive.DocumentReference
Id: pdsm-comprehensive-document-reference
Title: "Shared document"
Description: "A document that is kept elsewhere, with all that is said of it; the people it names are contained."
* insert French([[Document partagé]])
* insert FrenchDescription([[Un document conservé ailleurs, avec toutes ses métadonnées ; les personnes citées sont incluses dans la ressource.]])
* insert SharedDocument
* contained 1.. MS
* extension contains pdsm-ext-is-archived named isArchived 0..1 MS
* author only Reference($as-practitioner or $as-practitionerrole or Device or fr-core-patient)
* author ^type.aggregation = #contained
* authenticator only Reference($as-practitioner or $as-practitionerrole or $as-organization)
* authenticator ^type.aggregation = #contained
* relatesTo ^comment = "Exactly one, with the code `replaces`, where a document is replaced; its target is then a document of this profile."
* content.attachment.url ^comment = "The Binary of the same transaction when documents are provided; where to fetch the document when they were searched."
* content.attachment.size 1..
* content.attachment.hash 1..
* context.period 1..
* context.period.start 1..
* context.sourcePatientInfo ^type.aggregation = #contained
* context.related MS
* context.related insert SlicedBy(pattern, type)
* context.related contains referenceIdList 0..*
* context.related[referenceIdList].identifier MS
* context.related[referenceIdList].identifier.type.coding.system = "urn:ietf:rfc:3986"
* context.related[referenceIdList].identifier.type.coding.code MS
* context.related[referenceIdList].identifier.system MS
* context.related[referenceIdList].identifier.value 1.. MS

Profile: PDSm_SimplifiedPublish
Parent: IHE.MHD.SimplifiedPublish.DocumentReference
Id: pdsm-simplified-publish
Title: "Document to publish in one resource"
Description: "A document inside its metadata, for producers that cannot make a submission set."
* insert French([[Document à publier en une seule ressource]])
* insert FrenchDescription([[Un document contenu dans ses métadonnées, pour les producteurs qui ne constituent pas de lot de soumission.]])
* insert SharedDocument
* identifier MS
* author only Reference($as-practitionerrole or $as-practitioner or $as-organization or Device or fr-core-patient or fr-core-related-person)
* authenticator only Reference($as-practitioner or $as-practitionerrole or $as-organization)
* context.event ..1

Extension: PDSm_IsArchived
Id: pdsm-ext-is-archived
Title: "Archived"
Description: "Whether a document, or a list of documents, was put away."
Context: DocumentReference, List
* insert French([[Archivé]])
* insert FrenchDescription([[Indique si un document, ou une liste de documents, est archivé.]])
* value[x] 1..
* value[x] only boolean
