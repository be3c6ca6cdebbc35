// A decision or an evaluation, the consent to read the evaluation, and the answers to searches.

RuleSet: IdentifiersOfDecision
* identifier insert SlicedBy(value, use)
* identifier contains idDecision 1..1 and idNat_Decision 0..1
* identifier[idDecision].use 1..
* identifier[idDecision].use = #usual
* identifier[idDecision].value 1..
* identifier[idNat_Decision].use 1..
* identifier[idNat_Decision].use = #official
* identifier[idNat_Decision].value 1..

Profile: ESMSDocumentReference
Parent: DocumentReference
Id: esms-document-reference
Title: "Decision or evaluation, for a medico-social structure"
Description: "A decision of the MDPH with the person it is about, or the evaluation behind it."
* insert French([[Décision ou évaluation, pour un établissement ou service médico-social]])
* insert FrenchDescription([[Une décision de la MDPH avec la personne concernée, ou l'évaluation qui la fonde.]])
* obeys regle-NomPieceJointe-type
* identifier 2..2
* insert IdentifiersOfDecision
* type 1..
* type from type-document-reference-esms-valueset (required)
* type.coding 1..1
* content ..1
* content.attachment.title 1..

Profile: SDODocumentReference
Parent: DocumentReference
Id: sdo-document-reference
Title: "Document on a decision"
Description: "A document that the system of decisions keeps."
* insert French([[Document relatif à une décision]])
* insert FrenchDescription([[Un document que conserve le système des décisions d'orientation.]])
* identifier 1..2
* insert IdentifiersOfDecision
* content ..1
* content.attachment.title 1..

Invariant: regle-NomPieceJointe-type
Description: "The title of the attachment is the one of its type: 57830-2 'Document Individu et décision', 51848-0 'Document évaluation'"
Severity: #error
Expression: "(type.coding.code='57830-2' implies (content.attachment.title='Document Individu et décision')) and (type.coding.code='51848-0' implies (content.attachment.title='Document évaluation'))"
* insert HumanFrench([[Le titre de la pièce jointe correspond à son type : 57830-2 « Document Individu et décision », 51848-0 « Document évaluation »]])

ValueSet: DocumentReferenceTypeESMSValueSet
Id: type-document-reference-esms-valueset
Title: "Documents on a decision"
* insert French([[Documents relatifs à une décision]])
* $loinc#57830-2
* $loinc#51848-0

Profile: ESMSConsent
Parent: Consent
Id: esms-consent
Title: "Consent to read an evaluation"
Description: "A person lets one structure read the evaluation behind a decision; the decision is named by its national identifier."
* insert French([[Consentement à la lecture d'une évaluation]])
* insert FrenchDescription([[Une personne autorise une structure à lire l'évaluation qui fonde une décision ; la décision est désignée par son identifiant national.]])
* meta 1..
* meta.source 1..
* scope = http://terminology.hl7.org/CodeSystem/consentscope#patient-privacy
* category = $loinc#59284-0
* dateTime 1..
* provision 1..
* provision.data 1..1
* provision.data.meaning = #related
* provision.data.reference only Reference(DocumentReference)
* provision.data.reference.identifier 1..
* provision.data.reference.identifier.use 1..
* provision.data.reference.identifier.use = #official
* provision.data.reference.identifier.value 1..

Profile: ESMSBundleResultatRechercheDecisionEvaluation
Parent: Bundle
Id: esms-bundle-resultat-recherche-decision-evaluation
Title: "Decisions and evaluations that were found"
Description: "The answer to a search by a structure."
* insert French([[Décisions et évaluations trouvées]])
* insert FrenchDescription([[La réponse à une recherche d'un établissement ou service.]])
* type = #searchset
* entry.resource 1..
* entry.resource only esms-document-reference

Profile: SDOBundleResultatRechercheNotificationESMS
Parent: Bundle
Id: sdo-bundle-resultat-recherche-notification-esms
Title: "Notifications that were found"
Description: "What structures told of a person, in answer to a search."
* insert French([[Notifications trouvées]])
* insert FrenchDescription([[Ce que des établissements ou services ont signalé, en réponse à une recherche.]])
* type = #searchset
* entry.resource only sdo-task
