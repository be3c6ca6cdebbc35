// What is done for a plan: actions, their services and means, and looking back.

RuleSet: TaskOfPlan(kind)
* insert OwnIdentifier({kind})
* basedOn 1..1
* basedOn only Reference(tddui-careplan-projet-personnalise)

Profile: TDDUITaskAction
Parent: Task
Id: tddui-task-action
Title: "Action"
Description: "Something done to reach an objective."
* insert French([[Action]])
* insert FrenchDescription([[Ce qui est fait pour atteindre un objectif.]])
* insert TaskOfPlan(action)
* status.extension contains tddui-status-author named auteurStatut 0..1
* owner only Reference(Practitioner or PractitionerRole)
* input insert SlicedBy(pattern, type)
* input contains
    titre 1..1 and
    evaluation 0..* and
    avisUsager 0..1 and
    resultatAttendu 0..1 and
    pieceJointe 0..* and
    objectif 0..*
* insert Part(input, titre, string, TDDUITaskInputAction)
* insert Part(input, evaluation, Reference(QuestionnaireResponse), TDDUITaskInputAction)
* insert Part(input, avisUsager, string, TDDUITaskInputAction)
* insert Part(input, resultatAttendu, string, TDDUITaskInputAction)
* insert Part(input, pieceJointe, Reference(DocumentReference), TDDUITaskInputAction)
* insert Part(input, objectif, Reference(tddui-goal-objectif), TDDUITaskInputAction)

Profile: TDDUITaskPrestation
Parent: Task
Id: tddui-task-prestation
Title: "Service"
Description: "A service given within an action."
* insert French([[Prestation]])
* insert FrenchDescription([[Une prestation fournie dans le cadre d'une action.]])
* insert TaskOfPlan(prestation)
* partOf ..1
* partOf only Reference(tddui-task-action)
* status.extension contains tddui-status-author named auteurStatut 0..1
* input insert SlicedBy(pattern, type)
* input contains titre 1..1 and typePrestation 0..* and evaluation 0..1 and pieceJointe 0..*
* insert Part(input, titre, string, TDDUITaskInputPrestation)
* insert Part(input, typePrestation, CodeableConcept, TDDUITaskInputPrestation)
* insert Part(input, evaluation, Reference(QuestionnaireResponse), TDDUITaskInputPrestation)
* insert Part(input, pieceJointe, Reference(DocumentReference), TDDUITaskInputPrestation)

Profile: TDDUITaskMoyenRessource
Parent: Task
Id: tddui-task-moyen-ressource
Title: "Means"
Description: "Someone or something that an action needs."
* insert French([[Moyen ou ressource]])
* insert FrenchDescription([[Une personne ou un moyen nécessaire à une action.]])
* insert TaskOfPlan(moyenressource)
* partOf ..1
* partOf only Reference(tddui-task-action)
* input insert SlicedBy(pattern, type)
* input contains titre 1..1 and evaluation 0..1 and pieceJointe 0..* and evaluationNonStructuree 0..1
* insert Part(input, titre, string, TDDUITaskInputMoyenRessource)
* insert Part(input, evaluation, Reference(QuestionnaireResponse), TDDUITaskInputMoyenRessource)
* insert Part(input, pieceJointe, Reference(DocumentReference), TDDUITaskInputMoyenRessource)
* insert Part(input, evaluationNonStructuree, Reference(DocumentReference), TDDUITaskInputMoyenRessource)

Profile: TDDUITaskBilan
Parent: Task
Id: tddui-task-bilan
Title: "Review of a plan"
Description: "Looking back on a plan: what it is about, who is invited, what comes out."
* insert French([[Bilan d'un projet]])
* insert FrenchDescription([[Le point sur un projet : ce dont on parle, qui est invité, ce qui en ressort.]])
* insert TaskOfPlan(bilan)
* code from https://mos.esante.gouv.fr/NOS/JDV_J366-StatutBilanProjetPersonnaliseMs/FHIR/JDV-J366-StatutBilanProjetPersonnaliseMs (required)
* executionPeriod 1..
* executionPeriod.start 1..
* input insert SlicedBy(pattern, type)
* input contains
    perimetre 0..1 and
    problematique 0..1 and
    invite 0..1 and
    pieceJointe 0..* and
    dateProchainBilan 0..1 and
    synthesePreparationBilan 0..*
* insert Part(input, perimetre, string, TDDUITaskInputBilan)
* insert Part(input, problematique, string, TDDUITaskInputBilan)
* insert Part(input, invite, string, TDDUITaskInputBilan)
* insert Part(input, pieceJointe, Reference(DocumentReference), TDDUITaskInputBilan)
* insert Part(input, dateProchainBilan, dateTime, TDDUITaskInputBilan)
* insert Part(input, synthesePreparationBilan, Annotation, TDDUITaskInputBilan)
* output insert SlicedBy(pattern, type)
* output contains syntheseBilan 0..1
* insert Part(output, syntheseBilan, string, TDDUITaskOutputBilan)

CodeSystem: TDDUITaskInputAction
Id: tddui-task-input-action
Title: "Facts on an action"
* insert French([[Éléments d'une action]])
* #titre "Titre"
* #evaluation "Évaluation"
* #avisUsager "Avis de l'usager"
* #resultatAttendu "Résultat attendu"
* #pieceJointe "Pièce jointe"
* #objectif "Objectif"

CodeSystem: TDDUITaskInputPrestation
Id: tddui-task-input-prestation
Title: "Facts on a service"
* insert French([[Éléments d'une prestation]])
* #titre "Titre"
* #typePrestation "Type de prestation"
* #evaluation "Évaluation"
* #pieceJointe "Pièce jointe"

CodeSystem: TDDUITaskInputMoyenRessource
Id: tddui-task-input-moyen-ressource
Title: "Facts on a means"
* insert French([[Éléments d'un moyen ou d'une ressource]])
* #titre "Titre"
* #evaluation "Évaluation"
* #pieceJointe "Pièce jointe"
* #evaluationNonStructuree "Évaluation non structurée"

CodeSystem: TDDUITaskInputBilan
Id: tddui-task-input-bilan
Title: "Facts on a review"
* insert French([[Éléments d'un bilan]])
* #perimetre "Périmètre"
* #problematique "Problématique"
* #invite "Personnes invitées"
* #pieceJointe "Pièce jointe"
* #dateProchainBilan "Date du prochain bilan"
* #synthesePreparationBilan "Synthèse de préparation"

CodeSystem: TDDUITaskOutputBilan
Id: tddui-task-output-bilan
Title: "Outcome of a review"
* insert French([[Résultat d'un bilan]])
* #syntheseBilan "Synthèse"
