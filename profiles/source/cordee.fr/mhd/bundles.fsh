// Sending documents, and the answers to searches for documents and lists.

Profile: ComprehensiveProvideDocumentBundle
Parent: Bundle
Id: IHE.MHD.Comprehensive.ProvideBundle
Title: "Documents to share"
Description: "One transaction with a submission set, the metadata and content of documents, and folders (ITI-65)."
* insert French([[Documents à partager]])
* insert FrenchDescription([[Une transaction avec un lot de soumission, les métadonnées et le contenu des documents, et des classeurs (ITI-65).]])
* meta.profile 1..
* type = #transaction
* entry 1..
* entry insert SlicedClosedBy(profile, resource)
* entry insert AlsoBy(value, request.method)
* entry contains
    SubmissionSet 1..1 and
    DocumentRefs 0..* and
    UpdateDocumentRefs 0..* and
    Documents 0..* and
    FhirDocuments 0..* and
    Folders 0..* and
    Patient 0..1
* entry[SubmissionSet].resource 1..
* entry[SubmissionSet].resource only IHE.MHD.Comprehensive.SubmissionSet
* entry[SubmissionSet].request 1..
* entry[SubmissionSet].request.method = #POST
* entry[DocumentRefs].resource 1..
* entry[DocumentRefs].resource only IHE.MHD.Comprehensive.DocumentReference
* entry[DocumentRefs].request 1..
* entry[DocumentRefs].request.method = #POST
* entry[UpdateDocumentRefs].resource 1..
* entry[UpdateDocumentRefs].resource only IHE.MHD.Patch.Parameters
* entry[UpdateDocumentRefs].request 1..
* entry[UpdateDocumentRefs].request.method = #PATCH
* entry[Documents].resource 1..
* entry[Documents].resource only Binary
* entry[Documents].resource ^type.profile = "http://hl7.org/fhir/StructureDefinition/Binary"
* entry[Documents].request 1..
* entry[FhirDocuments].resource 1..
* entry[FhirDocuments].resource only Bundle
* entry[FhirDocuments].resource ^type.profile = "http://hl7.org/fhir/StructureDefinition/Bundle"
* entry[FhirDocuments].request 1..
* entry[FhirDocuments].request.method = #POST
* entry[Folders].resource 1..
* entry[Folders].resource only IHE.MHD.Comprehensive.Folder
* entry[Folders].request 1..
* entry[Folders].request.method from MHDprovideFolderActions (required)
* entry[Patient].resource 1..
* entry[Patient].resource only Patient
* entry[Patient].resource ^type.profile = "http://hl7.org/fhir/StructureDefinition/Patient"
* entry[Patient].request.method from MHDprovidePatientActions (required)

Profile: FindDocumentReferencesComprehensiveResponseMessage
Parent: Bundle
Id: IHE.MHD.FindDocumentReferencesComprehensiveResponseMessage
Title: "Documents that were found"
Description: "The answer to a search for documents (ITI-67)."
* insert French([[Documents trouvés]])
* insert FrenchDescription([[La réponse à une recherche de documents (ITI-67).]])
* type = #searchset (exactly)
* total 1..
* entry insert SlicedBy(profile, resource)
* entry.fullUrl 1..
* entry contains DocumentReference 0..*
* entry[DocumentReference].fullUrl 1..
* entry[DocumentReference].resource 1..
* entry[DocumentReference].resource only IHE.MHD.Comprehensive.DocumentReference

Profile: FindDocumentListsResponseMessage
Parent: Bundle
Id: IHE.MHD.FindDocumentListsResponseMessage
Title: "Lists that were found"
Description: "The answer to a search for submission sets and folders (ITI-66)."
* insert French([[Listes trouvées]])
* insert FrenchDescription([[La réponse à une recherche de lots de soumission et de classeurs (ITI-66).]])
* type = #searchset (exactly)
* total 1..
* entry insert SlicedClosedBy(profile, resource)
* entry contains SubmissionSet 0..* and Folder 0..*
* entry[SubmissionSet].fullUrl 1..
* entry[SubmissionSet].resource 1..
* entry[SubmissionSet].resource only IHE.MHD.Comprehensive.SubmissionSet
* entry[Folder].fullUrl 1..
* entry[Folder].resource 1..
* entry[Folder].resource only IHE.MHD.Comprehensive.Folder

ValueSet: MHDprovideFolderActions
Id: MHDprovideFolderActions
Title: "What a provider does with a folder"
* insert French([[Ce qu'un producteur fait d'un classeur]])
* http://hl7.org/fhir/http-verb#POST
* http://hl7.org/fhir/http-verb#PUT

ValueSet: MHDprovidePatientActions
Id: MHDprovidePatientActions
Title: "What a provider does with a person"
* insert French([[Ce qu'un producteur fait d'une personne]])
* http://hl7.org/fhir/http-verb#POST
* http://hl7.org/fhir/http-verb#PUT
