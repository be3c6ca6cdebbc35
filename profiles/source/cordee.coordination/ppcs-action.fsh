Profile: PpcsAction
Parent: Task
Id: ppcs-action
Title: "Action of a coordination plan"
Description: """
What one person or structure does for a goal of the plan, and by when. The owner (a professional, a structure, a carer
or the person) accepts or rejects it, moves it and writes its result; members of the circle add actions of their own.

`requested`: proposed to its owner · `accepted` or `rejected` · `in-progress` · `completed` · `failed`: tried and not
possible · `on-hold` · `cancelled`. It is overdue when `restriction.period.end` has passed and its status is not final.
"""
* insert French([[Action d'un PPCS]])
* insert FrenchDescription([[Ce qu'une personne ou une structure fait pour un objectif du plan, et pour quand. Celui qui en a la charge (un professionnel, une structure, un aidant ou la personne) l'accepte ou la refuse, la fait avancer et en écrit le résultat ; les membres du cercle ajoutent leurs propres actions. `requested` : proposée ; `accepted` ou `rejected` : acceptée ou refusée ; `in-progress` : en cours ; `completed` : réalisée ; `failed` : tentée sans pouvoir aboutir ; `on-hold` : suspendue ; `cancelled` : annulée. Elle est en retard quand `restriction.period.end` est passé et que son statut n'est pas final.]])
* insert Narrative([[Celui qui en a la charge l'accepte, la fait avancer et en écrit le résultat ; le référent et le cercle suivent les échéances.]], [[Whoever is in charge of it accepts it, moves it and writes its result; the référent and the circle watch what is due.]])
* obeys action-1 and action-2 and action-3
* basedOn 1..1 MS
* basedOn only Reference(CarePlan)
* status MS
* status from StatutAction (required)
* statusReason MS
* statusReason from MotifStatutTacheVS (extensible)
* intent MS
* code 1..1 MS
* code from TypeActionVS (required)
* description 1..1 MS
* focus MS
* focus only Reference(Goal)
* focus ^short = "The goal that the action serves"
* focus insert ShortFrench([[L'objectif que l'action sert]])
* for 1..1 MS
* for only Reference(Patient)
* executionPeriod MS
* requester MS
* owner 1..1 MS
* owner only Reference(PractitionerRole or Organization or RelatedPerson or Patient)
* owner ^short = "Who does it"
* owner insert ShortFrench([[Qui la réalise]])
* note MS
* restriction MS
* restriction.period MS
* restriction.period.end MS
* restriction.period.end ^short = "Due date"
* restriction.period.end insert ShortFrench([[Échéance]])
* output MS

Invariant: action-1
Description: "An action that was rejected or failed says why"
Severity: #error
Expression: "(status = 'rejected' or status = 'failed') implies statusReason.exists()"
* insert HumanFrench([[Une action refusée ou qui a échoué dit pourquoi]])

Invariant: action-2
Description: "An action that is not over has a due date"
Severity: #error
Expression: "(status = 'requested' or status = 'accepted' or status = 'in-progress' or status = 'on-hold') implies restriction.period.end.exists()"
* insert HumanFrench([[Une action qui n'est pas terminée a une échéance]])

Invariant: action-3
Description: "An action names the goal that it serves, but for the review of the plan"
Severity: #error
Expression: "code.coding.where(system = 'https://cordee.example/fhir/CodeSystem/type-action' and (code = 'bilan' or code = 'reevaluation')).empty() implies focus.exists()"
* insert HumanFrench([[Une action désigne l'objectif qu'elle sert, hormis le bilan du plan]])

ValueSet: StatutAction
Id: statut-action
Title: "Statuses of an action of a plan"
Description: "The statuses of Task that an action of a coordination plan goes through."
* insert French([[Statuts d'une action]])
* $task-status#requested
* $task-status#accepted
* $task-status#rejected
* $task-status#in-progress
* $task-status#on-hold
* $task-status#completed
* $task-status#failed
* $task-status#cancelled
* $task-status#entered-in-error

CodeSystem: TypeAction
Id: type-action
Title: "Types of actions"
Description: "What an action of a plan does. Prevention is thought of first, then correction, then compensation or support."
* insert French([[Types d'actions]])
* ^language = #fr
* ^caseSensitive = true
* ^valueSet = "https://cordee.example/fhir/ValueSet/type-action"
* #prevention "Prévention"
* #prevention insert InEnglish([[Prevention]])
* #correction "Correction"
* #correction insert InEnglish([[Correction]])
* #compensation "Compensation"
* #compensation insert InEnglish([[Compensation]])
* #accompagnement "Accompagnement"
* #accompagnement insert InEnglish([[Support]])
* #bilan "Bilan du plan"
* #bilan insert InEnglish([[Review of the plan]])
* #reevaluation "Réévaluation"
* #reevaluation insert InEnglish([[Reassessment]])

ValueSet: TypeActionVS
Id: type-action
Title: "Types of actions"
Description: "All types of actions."
* insert French([[Types d'actions]])
* include codes from system TypeAction
