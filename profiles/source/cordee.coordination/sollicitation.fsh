Profile: Sollicitation
Parent: Task
Id: sollicitation
Title: "Request for help with coordination"
Description: """
A professional, a structure, a carer or the person asks a coordination team (a DAC) for help: mission 1. The requester
follows its status and reads the answer; the team receives it, qualifies it, answers or hands it over, or goes on to
reinforced support (mission 2), which opens a coordination record.

It may be about nobody yet: `for` is optional until mission 2. `businessStatus` says where it stands; `status` follows.
Internal remarks of the team are notes of their own, never `note` here, for the requester reads this resource whole.
"""
* insert French([[Sollicitation]])
* insert FrenchDescription([[Un professionnel, une structure, un aidant ou la personne demande de l'aide à une équipe de coordination (un DAC) : mission 1. Le demandeur suit l'état de sa demande et lit la réponse ; l'équipe la reçoit, la qualifie, répond ou oriente, ou bien passe à un accompagnement renforcé (mission 2), qui ouvre un dossier de coordination. Elle peut ne concerner encore personne : `for` reste facultatif jusqu'à la mission 2. `businessStatus` dit où elle en est ; `status` suit. Les remarques internes de l'équipe sont des notes à part, jamais `note` ici, car le demandeur lit la ressource entière.]])
* insert Narrative([[Un soignant, un service, un aidant ou la personne elle-même s'en sert pour demander l'aide d'un DAC ; l'équipe du DAC, pour recevoir, qualifier et traiter la demande, puis y répondre.]], [[A professional, a service, a carer or the person uses it to ask a DAC for help; the team of the DAC, to receive, qualify and treat the request, and to answer it.]])
* obeys sollicitation-1 and sollicitation-2 and sollicitation-3 and sollicitation-4 and sollicitation-5
* obeys sollicitation-6 and sollicitation-7 and sollicitation-8 and sollicitation-9 and sollicitation-10
* extension contains MotifSollicitation named motif 0..* MS
* identifier MS
* partOf only Reference(Sollicitation)
* status MS
* status from StatutTacheSollicitation (required)
* statusReason MS
* statusReason from MotifStatutTacheVS (extensible)
* businessStatus 1..1 MS
* businessStatus from StatutSollicitationVS (required)
* intent = #order
* priority MS
* code 1..1 MS
* code = $type-tache#sollicitation
* description 1..1 MS
* description ^short = "The request in words"
* description insert ShortFrench([[La demande en clair]])
* for only Reference(Patient)
* for MS
* executionPeriod MS
* authoredOn 1..1 MS
* requester 1..1 MS
* requester only Reference(PractitionerRole or Organization or RelatedPerson or Patient)
* requester.extension contains QualiteDemandeur named qualite 1..1 MS
* owner 1..1 MS
* owner only Reference(Organization or PractitionerRole)
* owner ^short = "The team asked, then the coordinator who treats the request"
* owner insert ShortFrench([[L'équipe sollicitée, puis le coordonnateur qui traite la demande]])
* reasonCode MS
* reasonCode from MotifSollicitationVS (required)
* reasonCode ^short = "The main motive; all of them stand in the extension"
* reasonCode insert ShortFrench([[Le motif principal ; tous figurent dans l'extension]])
* note 0..0
* input MS
* input insert SlicedBy(pattern, type)
* input contains canal 0..1 MS and probleme 0..* MS and personneInformee 0..1 MS and medecinTraitantInforme 0..1 MS and pieceJointe 0..* MS
* input[canal].type = $type-entree-sollicitation#canal
* input[canal].value[x] only CodeableConcept
* input[canal].value[x] from CanalSollicitationVS (extensible)
* input[probleme].type = $type-entree-sollicitation#probleme
* input[probleme].value[x] only CodeableConcept
* input[probleme].value[x] from ProblemePpcs (required)
* input[personneInformee].type = $type-entree-sollicitation#personne-informee
* input[personneInformee].value[x] only boolean
* input[medecinTraitantInforme].type = $type-entree-sollicitation#medecin-traitant-informe
* input[medecinTraitantInforme].value[x] only boolean
* input[pieceJointe].type = $type-entree-sollicitation#piece-jointe
* input[pieceJointe].value[x] only Reference(DocumentReference) or Attachment
* output MS
* output insert SlicedBy(pattern, type)
* output contains reponse 0..* MS and orientation 0..* MS and document 0..* MS and dossier 0..1 MS
* output[reponse].type = $type-sortie-sollicitation#reponse
* output[reponse].value[x] only string
* output[orientation].type = $type-sortie-sollicitation#orientation
* output[orientation].value[x] only Reference(Organization)
* output[document].type = $type-sortie-sollicitation#document
* output[document].value[x] only Reference(DocumentReference)
* output[dossier].type = $type-sortie-sollicitation#dossier
* output[dossier].value[x] only Reference(EpisodeOfCare)

Invariant: sollicitation-1
Description: "The business status and the status of the task agree"
Severity: #error
Expression: "businessStatus.coding.where(system = 'https://cordee.example/fhir/CodeSystem/statut-sollicitation').all((code = 'recue' and %resource.status = 'requested') or (code = 'a-qualifier' and %resource.status = 'received') or (code = 'en-attente' and %resource.status = 'on-hold') or ((code = 'en-traitement' or code = 'repondue' or code = 'orientee') and %resource.status = 'in-progress') or ((code = 'cloturee' or code = 'passage-mission-2') and %resource.status = 'completed') or (code = 'refusee' and %resource.status = 'rejected') or (code = 'annulee' and %resource.status = 'cancelled') or %resource.status = 'entered-in-error')"
* insert HumanFrench([[L'état métier et le statut de la tâche concordent]])

Invariant: sollicitation-2
Description: "Going on to mission 2 needs a person"
Severity: #error
Expression: "businessStatus.coding.where(system = 'https://cordee.example/fhir/CodeSystem/statut-sollicitation' and code = 'passage-mission-2').exists() implies for.exists()"
* insert HumanFrench([[Le passage en mission 2 demande une personne]])

Invariant: sollicitation-3
Description: "Going on to mission 2 needs that the person is informed"
Severity: #error
Expression: "businessStatus.coding.where(system = 'https://cordee.example/fhir/CodeSystem/statut-sollicitation' and code = 'passage-mission-2').exists() implies input.where(type.coding.where(system = 'https://cordee.example/fhir/CodeSystem/type-entree-sollicitation' and code = 'personne-informee').exists() and value = true).exists()"
* insert HumanFrench([[Le passage en mission 2 demande que la personne soit informée]])

Invariant: sollicitation-4
Description: "Going on to mission 2 opens a record: the output names it"
Severity: #error
Expression: "businessStatus.coding.where(system = 'https://cordee.example/fhir/CodeSystem/statut-sollicitation' and code = 'passage-mission-2').exists() implies output.where(type.coding.where(system = 'https://cordee.example/fhir/CodeSystem/type-sortie-sollicitation' and code = 'dossier').exists()).exists()"
* insert HumanFrench([[Le passage en mission 2 ouvre un dossier : la sortie le désigne]])

Invariant: sollicitation-5
Description: "A closed request has an answer or an orientation"
Severity: #error
Expression: "businessStatus.coding.where(system = 'https://cordee.example/fhir/CodeSystem/statut-sollicitation' and code = 'cloturee').exists() implies output.where(type.coding.where(system = 'https://cordee.example/fhir/CodeSystem/type-sortie-sollicitation' and (code = 'reponse' or code = 'orientation')).exists()).exists()"
* insert HumanFrench([[Une sollicitation clôturée a une réponse ou une orientation]])

Invariant: sollicitation-6
Description: "A refused request says why"
Severity: #error
Expression: "status = 'rejected' implies statusReason.exists()"
* insert HumanFrench([[Une sollicitation refusée dit pourquoi]])

Invariant: sollicitation-7
Description: "A request that waits or is cancelled says why"
Severity: #warning
Expression: "(status = 'on-hold' or status = 'cancelled') implies statusReason.exists()"
* insert HumanFrench([[Une sollicitation en attente ou annulée dit pourquoi]])

Invariant: sollicitation-8
Description: "A double is cancelled, and part of the request that stays"
Severity: #error
Expression: "statusReason.coding.where(system = 'https://cordee.example/fhir/CodeSystem/motif-statut-tache' and code = 'doublon').exists() implies (status = 'cancelled' and partOf.exists())"
* insert HumanFrench([[Un doublon est annulé et rattaché à la sollicitation qui demeure]])

Invariant: sollicitation-9
Description: "The main motive is one of the motives"
Severity: #error
Expression: "reasonCode.coding.where(system = 'https://cordee.example/fhir/CodeSystem/motif-sollicitation').all(code in %resource.extension('https://cordee.example/fhir/StructureDefinition/motif-sollicitation').value.coding.code)"
* insert HumanFrench([[Le motif principal est l'un des motifs]])

Invariant: sollicitation-10
Description: "An answered request has an answer, and one that is handed over an orientation"
Severity: #error
Expression: "businessStatus.coding.where(system = 'https://cordee.example/fhir/CodeSystem/statut-sollicitation').all((code = 'repondue' implies %resource.output.type.coding.where(system = 'https://cordee.example/fhir/CodeSystem/type-sortie-sollicitation' and code = 'reponse').exists()) and (code = 'orientee' implies %resource.output.type.coding.where(system = 'https://cordee.example/fhir/CodeSystem/type-sortie-sollicitation' and code = 'orientation').exists()))"
* insert HumanFrench([[Une sollicitation répondue a une réponse, et une sollicitation orientée une orientation]])

Extension: MotifSollicitation
Id: motif-sollicitation
Title: "Motive of a request"
Description: "Why help is asked for. A request has several motives, and Task.reasonCode room for one."
Context: Task
* insert French([[Motif d'une sollicitation]])
* insert FrenchDescription([[Pourquoi l'aide est demandée. Une sollicitation a plusieurs motifs, et Task.reasonCode n'en reçoit qu'un.]])
* value[x] 1..1
* value[x] only CodeableConcept
* value[x] from MotifSollicitationVS (required)

Extension: QualiteDemandeur
Id: qualite-demandeur
Title: "Quality of the requester"
Description: "In which quality somebody asks for help; statistics of a DAC count by it."
Context: Task.requester
* insert French([[Qualité du demandeur]])
* insert FrenchDescription([[À quel titre quelqu'un demande de l'aide ; les indicateurs d'un DAC comptent selon cette qualité.]])
* value[x] 1..1
* value[x] only CodeableConcept
* value[x] from QualiteDemandeurVS (required)

CodeSystem: TypeTache
Id: type-tache
Title: "Types of tasks"
Description: "What a Task of coordination is, where it is no action of a plan."
* insert French([[Types de tâches]])
* ^language = #fr
* ^caseSensitive = true
* #sollicitation "Sollicitation" "Demande d'appui adressée à une équipe de coordination"
* #sollicitation insert InEnglish([[Request for help with coordination]])
* #retour-domicile "Organiser le retour à domicile" "Préparer la sortie d'hospitalisation avec les intervenants"
* #retour-domicile insert InEnglish([[Organise the return home]])
* #demande-mdph "Demande à la MDPH" "Demande de droits ou d'orientation, adressée à une maison départementale des personnes handicapées"
* #demande-mdph insert InEnglish([[Request to the MDPH]])
* #rectification "Rectification" "Demande de la personne de corriger ce qui est écrit d'elle"
* #rectification insert InEnglish([[Rectification]])
* #gel "Gel" "Suspend la suppression de données, par exemple pendant un litige"
* #gel insert InEnglish([[Hold]])

ValueSet: StatutTacheSollicitation
Id: statut-tache-sollicitation
Title: "Statuses of the task of a request"
Description: "The statuses of Task that a request goes through."
* insert French([[Statuts de la tâche d'une sollicitation]])
* $task-status#requested
* $task-status#received
* $task-status#in-progress
* $task-status#on-hold
* $task-status#completed
* $task-status#rejected
* $task-status#cancelled
* $task-status#entered-in-error

CodeSystem: StatutSollicitation
Id: statut-sollicitation
Title: "Business statuses of a request"
Description: "Where a request for help with coordination stands."
* insert French([[États d'une sollicitation]])
* ^language = #fr
* ^caseSensitive = true
* ^valueSet = "https://cordee.example/fhir/ValueSet/statut-sollicitation"
* #recue "Reçue"
* #recue insert InEnglish([[Received]])
* #a-qualifier "À qualifier"
* #a-qualifier insert InEnglish([[To be qualified]])
* #en-attente "En attente" "Une information manque, ou la personne n'a pas encore été jointe"
* #en-attente insert InEnglish([[Waiting]])
* #en-traitement "En traitement"
* #en-traitement insert InEnglish([[In treatment]])
* #repondue "Répondue" "L'information demandée est donnée"
* #repondue insert InEnglish([[Answered]])
* #orientee "Orientée" "La demande est confiée à une autre structure"
* #orientee insert InEnglish([[Handed over]])
* #cloturee "Clôturée"
* #cloturee insert InEnglish([[Closed]])
* #passage-mission-2 "Passage en mission 2" "Un dossier de coordination est ouvert"
* #passage-mission-2 insert InEnglish([[Gone on to mission 2]])
* #refusee "Refusée"
* #refusee insert InEnglish([[Refused]])
* #annulee "Annulée"
* #annulee insert InEnglish([[Cancelled]])

ValueSet: StatutSollicitationVS
Id: statut-sollicitation
Title: "Business statuses of a request"
Description: "All business statuses of a request."
* insert French([[États d'une sollicitation]])
* include codes from system StatutSollicitation

CodeSystem: MotifSollicitationCodes
Id: motif-sollicitation
Title: "Motives of a request"
Description: "Why somebody asks for help with coordination."
* insert French([[Motifs d'une sollicitation]])
* ^language = #fr
* ^caseSensitive = true
* ^valueSet = "https://cordee.example/fhir/ValueSet/motif-sollicitation"
* #information "Information"
* #information insert InEnglish([[Information]])
* #orientation "Orientation"
* #orientation insert InEnglish([[Orientation]])
* #evaluation "Évaluation"
* #evaluation insert InEnglish([[Assessment]])
* #retour-domicile "Retour à domicile"
* #retour-domicile insert InEnglish([[Return home]])
* #maintien-domicile "Maintien à domicile"
* #maintien-domicile insert InEnglish([[Staying at home]])
* #rupture-parcours "Rupture de parcours"
* #rupture-parcours insert InEnglish([[Break in the path of care]])
* #refus-soins "Refus de soins"
* #refus-soins insert InEnglish([[Refusal of care]])
* #aidant-epuise "Aidant épuisé"
* #aidant-epuise insert InEnglish([[Exhausted carer]])
* #acces-droits "Accès aux droits"
* #acces-droits insert InEnglish([[Access to rights]])
* #recherche-professionnel "Recherche de professionnel"
* #recherche-professionnel insert InEnglish([[Search for a professional]])
* #situation-complexe "Situation complexe"
* #situation-complexe insert InEnglish([[Complex situation]])
* #autre "Autre"
* #autre insert InEnglish([[Other]])

ValueSet: MotifSollicitationVS
Id: motif-sollicitation
Title: "Motives of a request"
Description: "All motives of a request."
* insert French([[Motifs d'une sollicitation]])
* include codes from system MotifSollicitationCodes

CodeSystem: QualiteDemandeurCodes
Id: qualite-demandeur
Title: "Qualities of a requester"
Description: "In which quality somebody asks for help with coordination."
* insert French([[Qualités d'un demandeur]])
* ^language = #fr
* ^caseSensitive = true
* ^valueSet = "https://cordee.example/fhir/ValueSet/qualite-demandeur"
* #professionnel-sante "Professionnel de santé"
* #professionnel-sante insert InEnglish([[Health professional]])
* #professionnel-social "Professionnel du social"
* #professionnel-social insert InEnglish([[Social professional]])
* #professionnel-medico-social "Professionnel du médico-social"
* #professionnel-medico-social insert InEnglish([[Professional of a medico-social structure]])
* #etablissement "Établissement"
* #etablissement insert InEnglish([[Institution]])
* #usager "Usager"
* #usager insert InEnglish([[The person]])
* #aidant "Aidant"
* #aidant insert InEnglish([[Carer]])
* #autre "Autre"
* #autre insert InEnglish([[Other]])

ValueSet: QualiteDemandeurVS
Id: qualite-demandeur
Title: "Qualities of a requester"
Description: "All qualities of a requester."
* insert French([[Qualités d'un demandeur]])
* include codes from system QualiteDemandeurCodes

CodeSystem: TypeEntreeSollicitation
Id: type-entree-sollicitation
Title: "Inputs of a request"
Description: "What a requester gives with a request: the types of Task.input."
* insert French([[Entrées d'une sollicitation]])
* ^language = #fr
* ^caseSensitive = true
* #canal "Canal"
* #canal insert InEnglish([[Channel]])
* #probleme "Problème"
* #probleme insert InEnglish([[Problem]])
* #personne-informee "Personne informée"
* #personne-informee insert InEnglish([[Person informed]])
* #medecin-traitant-informe "Médecin traitant informé"
* #medecin-traitant-informe insert InEnglish([[Attending doctor informed]])
* #piece-jointe "Pièce jointe"
* #piece-jointe insert InEnglish([[Attachment]])

CodeSystem: TypeSortieSollicitation
Id: type-sortie-sollicitation
Title: "Outputs of a request"
Description: "What comes of a request: the types of Task.output."
* insert French([[Sorties d'une sollicitation]])
* ^language = #fr
* ^caseSensitive = true
* #reponse "Réponse"
* #reponse insert InEnglish([[Answer]])
* #orientation "Orientation"
* #orientation insert InEnglish([[Orientation]])
* #document "Document"
* #document insert InEnglish([[Document]])
* #dossier "Dossier"
* #dossier insert InEnglish([[Record]])

CodeSystem: CanalSollicitation
Id: canal-sollicitation
Title: "Channels of a request"
Description: "How a request came in."
* insert French([[Canaux d'une sollicitation]])
* ^language = #fr
* ^caseSensitive = true
* ^valueSet = "https://cordee.example/fhir/ValueSet/canal-sollicitation"
* #telephone "Téléphone"
* #telephone insert InEnglish([[Telephone]])
* #courrier "Courrier ou courriel"
* #courrier insert InEnglish([[Mail or e-mail]])
* #mssante "MSSanté"
* #mssante insert InEnglish([[MSSanté secure mail]])
* #formulaire "Formulaire"
* #formulaire insert InEnglish([[Form]])
* #outil "Autre outil de coordination"
* #outil insert InEnglish([[Another coordination tool]])

ValueSet: CanalSollicitationVS
Id: canal-sollicitation
Title: "Channels of a request"
Description: "All channels of a request; others are told as text."
* insert French([[Canaux d'une sollicitation]])
* include codes from system CanalSollicitation

CodeSystem: MotifStatutTache
Id: motif-statut-tache
Title: "Reasons of a status"
Description: "Why a request or an action was refused, was cancelled, waits or failed."
* insert French([[Motifs d'un statut]])
* ^language = #fr
* ^caseSensitive = true
* ^valueSet = "https://cordee.example/fhir/ValueSet/motif-statut-tache"
* #doublon "Doublon"
* #doublon insert InEnglish([[Double]])
* #information-manquante "Information manquante"
* #information-manquante insert InEnglish([[Missing information]])
* #personne-a-joindre "Personne à joindre"
* #personne-a-joindre insert InEnglish([[The person is still to be reached]])
* #refus "Refus de la personne"
* #refus insert InEnglish([[Refused by the person]])
* #offre-absente "Offre absente"
* #offre-absente insert InEnglish([[Nothing on offer]])
* #hors-criteres "Hors critères"
* #hors-criteres insert InEnglish([[Outside the criteria]])
* #indisponible "Intervenant indisponible"
* #indisponible insert InEnglish([[Owner not available]])

ValueSet: MotifStatutTacheVS
Id: motif-statut-tache
Title: "Reasons of a status"
Description: "All reasons of a status; others are told as text."
* insert French([[Motifs d'un statut]])
* include codes from system MotifStatutTache
