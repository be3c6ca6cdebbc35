// Sending shared documents, and the answers to searches.

Profile: PDSm_ComprehensiveProvideDocumentBundle
Parent: IHE.MHD.Comprehensive.ProvideBundle
Id: pdsm-comprehensive-provide-document-bundle
Title: "Shared documents to add"
Description: "One transaction with a submission set and the documents in it."
* insert French([[Documents partagés à ajouter]])
* insert FrenchDescription([[Une transaction avec un lot de soumission et les documents qu'il contient.]])
* entry[SubmissionSet].resource only pdsm-submissionset-comprehensive
* entry[DocumentRefs].resource only pdsm-comprehensive-document-reference
* entry[Folders].resource only pdsm-folder-comprehensive

Profile: PDSm_FindDocumentReferencesComprehensiveResponse
Parent: IHE.MHD.FindDocumentReferencesComprehensiveResponseMessage
Id: pdsm-find-documentreferences-comprehensive-response
Title: "Shared documents that were found"
Description: "The answer to a search for shared documents."
* insert French([[Documents partagés trouvés]])
* insert FrenchDescription([[La réponse à une recherche de documents partagés.]])
* entry[DocumentReference].resource only pdsm-comprehensive-document-reference

Profile: PDSm_FindListsResponse
Parent: IHE.MHD.FindDocumentListsResponseMessage
Id: pdsm-find-lists-response
Title: "Lists of shared documents that were found"
Description: "The answer to a search for submission sets and folders."
* insert French([[Listes de documents partagés trouvées]])
* insert FrenchDescription([[La réponse à une recherche de lots de soumission et de classeurs.]])
* entry[SubmissionSet].resource only pdsm-submissionset-comprehensive
* entry[Folder].resource only pdsm-folder-comprehensive
