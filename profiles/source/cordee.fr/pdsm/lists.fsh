// Submission sets and folders.

Profile: PDSm_SubmissionSetComprehensive
Parent: IHE.MHD.Comprehensive.SubmissionSet
Id: pdsm-submissionset-comprehensive
Title: "Submission set of shared documents"
Description: "What was sent at once, by whom and to whom; the people it names are contained."
* insert French([[Lot de soumission de documents partagés]])
* insert FrenchDescription([[Ce qui a été envoyé en une fois, par qui et à qui ; les personnes citées sont incluses dans la ressource.]])
* contained 1.. MS
* extension[designationType].value[x] from https://mos.esante.gouv.fr/NOS/JDV_J03-XdsContentTypeCode-CISIS/FHIR/JDV-J03-XdsContentTypeCode-CISIS (preferred)
* extension[designationType] ^comment = "Codes come from TRE_A00, TRE_R209 or TRE_R02; a project may narrow them (the DMP: JDV_J59)."
* extension contains
    pdsm-ext-is-archived named isArchived 0..1 and
    pdsm-ext-intended-recipient named PDSmintendedRecipient 0..* MS
* extension[PDSmintendedRecipient].value[x] only Reference($as-practitioner or $as-practitionerrole or $as-organization)
* extension[PDSmintendedRecipient].value[x] ^type.aggregation = #contained
* status MS
* mode MS
* title MS
* code MS
* subject only Reference(fr-core-patient)
* date MS
* source 1..
* source only Reference($as-practitionerrole or Device or fr-core-patient)
* source ^type.aggregation = #contained
* source.extension[authorOrg].value[x] only Reference($as-organization)
* source.extension[authorOrg].value[x] ^type.aggregation = #contained
* entry.item only Reference(pdsm-comprehensive-document-reference or pdsm-folder-comprehensive)

Profile: PDSm_FolderComprehensive
Parent: IHE.MHD.Comprehensive.Folder
Id: pdsm-folder-comprehensive
Title: "Folder of shared documents"
Description: "Documents that belong together, at least one."
* insert French([[Classeur de documents partagés]])
* insert FrenchDescription([[Des documents qui vont ensemble, au moins un.]])
* extension[designationType] ..1
* status MS
* subject only Reference(fr-core-patient)
* date 1.. MS
* entry 1..
* entry.item only Reference(pdsm-comprehensive-document-reference)

Extension: PDSm_intendedRecipient
Id: pdsm-ext-intended-recipient
Title: "Intended recipient"
Description: "The professional or organisation that a submission set is sent to."
Context: List
* insert French([[Destinataire]])
* insert FrenchDescription([[Le professionnel ou la structure à qui un lot de soumission est destiné.]])
* value[x] only Reference($as-practitioner or $as-practitionerrole or $as-organization)
