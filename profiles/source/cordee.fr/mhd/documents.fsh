// Metadata of a document: in full, or as few as a publisher of one document has to say.

Profile: ComprehensiveDocumentReference
Parent: DocumentReference
Id: IHE.MHD.Comprehensive.DocumentReference
Title: "Comprehensive metadata of a document"
Description: "A document with everything a registry of documents asks for."
* insert French([[Métadonnées complètes d'un document]])
* insert FrenchDescription([[Un document avec tout ce qu'un registre de documents demande.]])
* modifierExtension 0..0
* masterIdentifier 1..
* masterIdentifier only IHE.MHD.UniqueIdIdentifier
* identifier MS
* identifier insert SlicedBy(value, use)
* identifier contains entryUUID 0..* MS
* identifier[entryUUID] only IHE.MHD.EntryUUID.Identifier
* status from DocumentReferenceStats (required)
* docStatus 0..0
* type 1.. MS
* category 1..1 MS
* subject 1.. MS
* date MS
* author MS
* relatesTo MS
* securityLabel 1.. MS
* content ..1
* content.attachment.contentType 1..
* content.attachment.language 1.. MS
* content.attachment.data 0..0
* content.attachment.url 1..
* content.attachment.creation 1.. MS
* content.format 1.. MS
* context 1..
* context.period MS
* context.facilityType 1.. MS
* context.practiceSetting 1.. MS
* context.sourcePatientInfo 1.. MS

Profile: SimplifiedPublish
Parent: DocumentReference
Id: IHE.MHD.SimplifiedPublish.DocumentReference
Title: "A document to publish, in one resource"
Description: "Metadata with the document itself inside; the receiver makes the rest."
* insert French([[Document à publier, en une seule ressource]])
* insert FrenchDescription([[Des métadonnées avec le document lui-même ; le destinataire fait le reste.]])
* modifierExtension 0..0
* masterIdentifier 1..
* identifier 0..0
* status = #current
* docStatus 0..0
* type MS
* category ..1 MS
* subject 1..
* date MS
* author MS
* relatesTo MS
* securityLabel MS
* content ..1
* content.attachment.contentType 1..
* content.attachment.language MS
* content.attachment.data 1..
* content.attachment.url 0..0
* content.attachment.creation MS
* content.format MS
* context.period MS
* context.facilityType MS
* context.practiceSetting MS
* context.sourcePatientInfo MS

Profile: PatchParameters
Parent: Parameters
Id: IHE.MHD.Patch.Parameters
Title: "A document is superseded"
Description: "The FHIRPath patch that sets the status of a replaced document."
* insert French([[Un document est remplacé]])
* insert FrenchDescription([[Le correctif FHIRPath qui change le statut d'un document remplacé.]])
* parameter insert SlicedBy(value, name)
* parameter contains operation 1..1
* parameter[operation].name = "operation"
* parameter[operation].part insert SlicedBy(value, name)
* parameter[operation].part contains path 1..1 and type 1..1 and value 1..1
* parameter[operation].part[path].name = "path"
* parameter[operation].part[path].value[x] = "DocumentReference.status"
* parameter[operation].part[type].name = "type"
* parameter[operation].part[type].value[x] = #replace
* parameter[operation].part[value].name = "value"
* parameter[operation].part[value].value[x] = #superseded

Profile: UniqueIdIdentifier
Parent: Identifier
Id: IHE.MHD.UniqueIdIdentifier
Title: "uniqueId"
Description: "The identifier that the producer gave and that never changes."
* insert French([[Identifiant unique]])
* insert FrenchDescription([[L'identifiant donné par le producteur, qui ne change jamais.]])
* use = #usual
* system 1..
* value 1..

Profile: SubmissionSetUniqueIdIdentifier
Parent: IHE.MHD.UniqueIdIdentifier
Id: IHE.MHD.SubmissionSetUniqueIdIdentifier
Title: "uniqueId of a submission set"
Description: "A uniqueId that is an OID."
* insert French([[Identifiant unique d'un lot de soumission]])
* insert FrenchDescription([[Un identifiant unique qui est un OID.]])
* system = "urn:ietf:rfc:3986" (exactly)
* value obeys mhd-startswithoid

Profile: EntryUUIDIdentifier
Parent: Identifier
Id: IHE.MHD.EntryUUID.Identifier
Title: "entryUUID"
Description: "The identifier of one version of the metadata, a UUID."
* insert French([[Identifiant d'une version des métadonnées]])
* insert FrenchDescription([[L'identifiant d'une version des métadonnées, un UUID.]])
* use = #official
* system 1..
* system = "urn:ietf:rfc:3986" (exactly)
* value 1..
* value obeys mhd-startswithuuid

Invariant: mhd-startswithoid
Description: "The identifier is an OID, written as URN"
Severity: #error
Expression: "startsWith('urn:oid:')"
* insert HumanFrench([[L'identifiant est un OID, écrit comme URN]])

Invariant: mhd-startswithuuid
Description: "The identifier is a UUID, written as URN"
Severity: #error
Expression: "startsWith('urn:uuid:')"
* insert HumanFrench([[L'identifiant est un UUID, écrit comme URN]])

ValueSet: DocumentReferenceStats
Id: DocumentReferenceStats
Title: "Status of a shared document"
* insert French([[Statut d'un document partagé]])
* http://hl7.org/fhir/document-reference-status#current
* http://hl7.org/fhir/document-reference-status#superseded
