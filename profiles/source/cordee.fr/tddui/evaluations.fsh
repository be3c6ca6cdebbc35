// An evaluation: the answers to one of the national grids.

Profile: TDDUIQuestionnaireResponse
Parent: QuestionnaireResponse
Id: tddui-questionnaire-response
Title: "Evaluation"
Description: "The answers to a grid (AGGIR, SERAFIN, SSIAD) about one person."
* insert French([[Évaluation]])
* insert FrenchDescription([[Les réponses à une grille (AGGIR, SERAFIN, SSIAD) au sujet d'une personne.]])
* extension contains
    tddui-qr-participant named TDDUIQRParticipant 0..1 and
    tddui-attachment named TDDUIAttachment 0..*
* identifier 1..
* questionnaire 1..
* subject 1..
* subject only Reference(tddui-patient or tddui-patient-ins)
* encounter only Reference(tddui-encounter-evenement)
* item 1..

Extension: TDDUIQRParticipant
Id: tddui-qr-participant
Title: "Parties to an evaluation"
Description: "Who answers for it, who set its status, and which structure holds it."
Context: QuestionnaireResponse
* insert French([[Participants à une évaluation]])
* insert FrenchDescription([[Qui en est responsable, qui a donné son statut et quelle structure la détient.]])
* extension contains TDDUIResponsible 0..1 and TDDUIStatusAuthor 0..1 and TDDUIHolder 0..1
* extension[TDDUIResponsible].value[x] only Reference(Practitioner)
* extension[TDDUIStatusAuthor].value[x] only Reference(Practitioner)
* extension[TDDUIHolder].value[x] only Reference(Organization)
