// A note of the liaison notebook.

Alias: $as-organization = https://interop.esante.gouv.fr/ig/fhir/annuaire/StructureDefinition/as-organization
Alias: $as-practitioner = https://interop.esante.gouv.fr/ig/fhir/annuaire/StructureDefinition/as-practitioner
Alias: $as-practitionerrole = https://interop.esante.gouv.fr/ig/fhir/annuaire/StructureDefinition/as-practitionerrole

Profile: CdLDocumentReference
Parent: DocumentReference
Id: cdl-document-reference
Title: "Note of the liaison notebook"
Description: "What one carer has to tell the others about a person; the text of the note is its attachment."
* insert French([[Note du cahier de liaison]])
* insert FrenchDescription([[Ce qu'un intervenant doit faire savoir aux autres au sujet d'une personne ; le texte de la note est en pièce jointe.]])
* ^status = #draft
* extension contains cdl-ext-is-emergency named isEmergency 0..* MS
* masterIdentifier MS
* status MS
* docStatus 0..0
* type 1.. MS
* type from https://mos.esante.gouv.fr/NOS/JDV_J23-TypeNoteCahierLiaison-CISIS/FHIR/JDV-J23-TypeNoteCahierLiaison-CISIS (required)
* subject 1.. MS
* subject only Reference(fr-core-patient)
* date MS
* author 1.. MS
* author only Reference(Device or fr-core-related-person or fr-core-patient or $as-practitioner or $as-practitionerrole or $as-organization)
* authenticator 0..0
* custodian 0..0
* description MS
* securityLabel ..1 MS
* securityLabel from https://mos.esante.gouv.fr/NOS/JDV_J110-StatutVisibiliteDocument-CISIS/FHIR/JDV-J110-StatutVisibiliteDocument-CISIS (required)
* content MS
* content.attachment.contentType MS
* content.attachment.data MS
* content.attachment.url MS
* content.attachment.title MS
* content.attachment.creation MS
* context MS

Extension: CdL_isEmergency
Id: cdl-ext-is-emergency
Title: "Urgent note"
Description: "Whether the note has to be read at once."
Context: DocumentReference
* insert French([[Note urgente]])
* insert FrenchDescription([[Indique si la note doit être lue sans attendre.]])
* ^status = #draft
* value[x] 1..
* value[x] only boolean
