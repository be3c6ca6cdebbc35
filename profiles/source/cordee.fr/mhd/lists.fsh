// What is sent together (submission set) and what is filed together (folder): both are Lists.

RuleSet: ListOfDocuments
* modifierExtension 0..0
* identifier insert SlicedBy(value, use)
* identifier contains uniqueId 0..1 MS and entryUUID 0..* MS
* identifier[entryUUID] only IHE.MHD.EntryUUID.Identifier
* mode = #working
* code 1..
* code from MHDlistTypesVS (required)
* subject 1.. MS
* subject only Reference(Patient)
* encounter 0..0
* orderedBy 0..0
* note ..1
* entry.flag 0..0
* entry.deleted 0..0
* entry.date 0..0
* emptyReason 0..0

Profile: SubmissionSetComprehensive
Parent: List
Id: IHE.MHD.Comprehensive.SubmissionSet
Title: "Submission set"
Description: "What was sent at once, by whom and to whom."
* insert French([[Lot de soumission]])
* insert FrenchDescription([[Ce qui a été envoyé en une fois, par qui et à qui.]])
* extension contains
    ihe-designationType named designationType 1..1 MS and
    ihe-sourceId named sourceId 1..1 and
    ihe-intendedRecipient named intendedRecipient 0..*
* insert ListOfDocuments
* identifier[uniqueId] only IHE.MHD.SubmissionSetUniqueIdIdentifier
* status = #current
* code = MHDlistTypes#submissionset
* date 1..
* source MS
* source.extension contains ihe-authorOrg named authorOrg 0..1
* entry.item only Reference(DocumentReference or List)

Profile: FolderComprehensive
Parent: List
Id: IHE.MHD.Comprehensive.Folder
Title: "Folder"
Description: "Documents that belong together."
* insert French([[Classeur]])
* insert FrenchDescription([[Des documents qui vont ensemble.]])
* extension contains ihe-designationType named designationType 1..* MS
* insert ListOfDocuments
* identifier[uniqueId] only IHE.MHD.UniqueIdIdentifier
* title 1..
* code = MHDlistTypes#folder
* source 0..0
* entry.item only Reference(DocumentReference)

Extension: DesignationType
Id: ihe-designationType
Title: "Clinical kind of a list"
Description: "The activity that a submission set comes from, or the subject of a folder."
Context: List
* insert French([[Nature clinique d'une liste]])
* insert FrenchDescription([[L'activité dont vient un lot de soumission, ou le sujet d'un classeur.]])
* value[x] 1..
* value[x] only CodeableConcept

Extension: SourceId
Id: ihe-sourceId
Title: "Sending system"
Description: "The identifier of the system that a submission set comes from, an OID."
Context: List
* insert French([[Système émetteur]])
* insert FrenchDescription([[L'identifiant du système dont vient un lot de soumission, un OID.]])
* value[x] 1..
* value[x] only Identifier

Extension: IntendedRecipient
Id: ihe-intendedRecipient
Title: "Intended recipient"
Description: "Whom a submission set is sent to."
Context: List
* insert French([[Destinataire]])
* insert FrenchDescription([[La personne ou structure à qui un lot de soumission est destiné.]])
* value[x] 1..
* value[x] only Reference(Practitioner or PractitionerRole or Organization or Patient or RelatedPerson or Group or Device or Location)

Extension: AuthorOrg
Id: ihe-authorOrg
Title: "Organisation of the author"
Description: "The organisation that sends a submission set, or that its author sends it for."
Context: List, List.source
* insert French([[Structure de l'auteur]])
* insert FrenchDescription([[La structure qui envoie un lot de soumission, ou pour laquelle l'auteur l'envoie.]])
* value[x] 1..
* value[x] only Reference(Organization)

CodeSystem: MHDlistTypes
Id: MHDlistTypes
Title: "Kinds of lists of documents"
* insert French([[Sortes de listes de documents]])
* #folder "Folder"
* #folder insert InFrench([[Classeur]])
* #submissionset "Submission set"
* #submissionset insert InFrench([[Lot de soumission]])

ValueSet: MHDlistTypesVS
Id: MHDlistTypesVS
Title: "Kinds of lists of documents"
* insert French([[Sortes de listes de documents]])
* MHDlistTypes#folder
* MHDlistTypes#submissionset
