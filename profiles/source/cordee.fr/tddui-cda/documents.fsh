// A CDA document of the medico-social file, and the Bundle that carries it. The constraints of the guide that have no
// expression (constr-bind-…) say in prose which terminologies serve for type, category, format and the like.

Profile: TDDUIBundle
Parent: Bundle
Id: tddui-bundle
Title: "Documents of a medico-social file, to be stored"
* insert French([[Documents d'un dossier médico-social à déposer]])
* type = #transaction
* entry 1..
* entry insert SlicedBy(profile, resource)
* entry contains DUIDocumentReference 1..*
* entry[DUIDocumentReference].resource 1..
* entry[DUIDocumentReference].resource only tddui-documentreference
* entry[DUIDocumentReference].request 1..
* entry[DUIDocumentReference].request.method = #POST

Profile: TDDUIDocumentReference
Parent: DocumentReference
Id: tddui-documentreference
Title: "Document of a medico-social file"
* insert French([[Document d'un dossier médico-social]])
* meta.versionId MS
* modifierExtension ..0
* masterIdentifier 1.. MS
* identifier ..0 MS
* status MS
* status = #current
* docStatus ..0
* category ..1
* subject only Reference(fr-core-patient)
* date and author and authenticator and relatesTo and description MS
* content ..1 MS
* content.attachment.contentType 1..
* content.attachment.language MS
* content.attachment.data 1..
* content.attachment.url ..0
* content.attachment.title 1..
* content.attachment.creation MS
* context MS
* context.event ..1
* context.period MS
* context.sourcePatientInfo MS
* context.sourcePatientInfo only Reference(fr-core-patient)
