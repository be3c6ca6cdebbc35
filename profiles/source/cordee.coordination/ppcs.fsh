Profile: Ppcs
Parent: CarePlan
Id: ppcs
Title: "Personalised coordination plan (PPCS)"
Description: """
The plan that the person and all who act around them agree on when the situation makes formal work together useful:
the problems, the goals they share, who does what and by when, and when they look at it again. The référent (`author`)
answers for it; owners move their own actions. It is a plan of coordination, with equal weight to the medical,
psychological, social and environmental sides; it prescribes nothing.

The *plan de services individualisé* (PSI) of case management uses the same profile under its own category.
`draft`: being written, or proposed (tag `propose`) · `active`: approved and running · `on-hold` · `completed`: closed ·
`revoked`. A revision is a new plan that `replaces` the former.
"""
* insert French([[Plan personnalisé de coordination en santé (PPCS)]])
* insert FrenchDescription([[Le plan dont la personne et tous ceux qui interviennent auprès d'elle conviennent quand la situation rend utile un travail formalisé : les problèmes, les objectifs partagés, qui fait quoi et pour quand, et la date où l'on y revient. Le référent (`author`) en répond ; chacun fait avancer ses propres actions. C'est un plan de coordination, qui donne le même poids aux aspects médicaux, psychologiques, sociaux et environnementaux ; il ne prescrit rien. Le plan de services individualisé (PSI) de la gestion de cas suit le même profil, sous sa propre catégorie. `draft` : brouillon, ou proposé (étiquette `propose`) ; `active` : approuvé et en cours ; `on-hold` : suspendu ; `completed` : clôturé ; `revoked` : révoqué. Une révision est un nouveau plan qui remplace le précédent (`replaces`).]])
* insert Narrative([[Le référent le rédige avec la personne et les intervenants ; chacun y lit ce qui a été convenu et ce qui lui revient. Il est clôturé quand ses objectifs ont été évalués.]], [[The référent writes it with the person and those who act around them; everyone reads in it what was agreed and what falls to them. It is closed when its goals have been evaluated.]])
* obeys ppcs-1 and ppcs-2 and ppcs-3 and ppcs-4 and ppcs-5 and ppcs-6
* identifier MS
* replaces only Reference(Ppcs)
* replaces MS
* status MS
* status from StatutPpcs (required)
* intent = #plan
* category 1..1 MS
* category.coding 1..*
* category.coding insert SlicedBy(value, system)
* category.coding contains nature 1..1 MS
* category.coding[nature].system 1..1
* category.coding[nature].system = "https://cordee.example/fhir/CodeSystem/categorie-plan" (exactly)
* category.coding[nature] from CategoriePpcs (required)
* title 1..1 MS
* description MS
* description ^short = "Why there is a plan"
* description insert ShortFrench([[Pourquoi un plan]])
* subject only Reference(Patient)
* subject MS
* period MS
* created MS
* created ^short = "Date of the approval"
* created insert ShortFrench([[Date de l'approbation]])
* author MS
* author only Reference(PractitionerRole)
* author ^short = "The référent"
* author insert ShortFrench([[Le référent]])
* contributor MS
* careTeam MS
* addresses MS
* addresses only Reference(PpcsProbleme)
* supportingInfo MS
* supportingInfo ^short = "The consent to the plan, the assessments, the visits, social needs"
* supportingInfo insert ShortFrench([[Le consentement au plan, les évaluations, les visites, les besoins sociaux]])
* goal MS
* goal only Reference(PpcsObjectif)
* activity MS
* activity.reference MS
* activity.reference only Reference(PpcsAction or Appointment or ServiceRequest or CommunicationRequest or DeviceRequest or MedicationRequest or NutritionOrder)
* note MS
* note.extension contains ObjetNote named objet 0..1 MS

Invariant: ppcs-1
Description: "A plan that runs or ran has a référent"
Severity: #error
Expression: "(status = 'active' or status = 'on-hold' or status = 'completed') implies author.exists()"
* insert HumanFrench([[Un plan en cours, suspendu ou clôturé a un référent]])

Invariant: ppcs-2
Description: "An active plan has at least one goal and one action"
Severity: #error
Expression: "status = 'active' implies (goal.exists() and activity.reference.exists())"
* insert HumanFrench([[Un plan actif a au moins un objectif et une action]])

Invariant: ppcs-3
Description: "An active plan names the consent, or the record of the information, that it rests on"
Severity: #error
Expression: "status = 'active' implies (supportingInfo.where(type = 'Consent' or reference.matches('(^|/)Consent[/?]')).exists() or supportingInfo.where(reference.matches('^(#|urn:)')).where(resolve() is Consent).exists())"
* insert HumanFrench([[Un plan actif désigne le consentement, ou la trace de l'information, sur lequel il repose]])

Invariant: ppcs-4
Description: "A plan that was approved has the date of it"
Severity: #error
Expression: "(status = 'active' or status = 'on-hold' or status = 'completed') implies created.exists()"
* insert HumanFrench([[Un plan approuvé porte la date de son approbation]])

Invariant: ppcs-5
Description: "Only a draft is proposed"
Severity: #error
Expression: "meta.tag.where(system = 'https://cordee.example/fhir/CodeSystem/etat-plan' and code = 'propose').exists() implies status = 'draft'"
* insert HumanFrench([[Seul un brouillon est proposé]])

Invariant: ppcs-6
Description: "An active plan fixes when it is looked at again"
Severity: #warning
Expression: "status = 'active' implies activity.detail.where(scheduled.exists()).exists()"
* insert HumanFrench([[Un plan actif fixe la date de sa réévaluation]])

Extension: ObjetNote
Id: objet-note
Title: "Purpose of a note"
Description: "What a note of a plan is for: the procedure to follow in an alert stands apart from remarks."
Context: CarePlan.note
* insert French([[Objet d'une note]])
* insert FrenchDescription([[À quoi sert une note du plan : la conduite à tenir en cas d'alerte se distingue des remarques.]])
* value[x] 1..1
* value[x] only code
* value[x] from ObjetNoteVS (required)

CodeSystem: ObjetNoteCodes
Id: objet-note
Title: "Purposes of a note"
Description: "What a note of a plan is for."
* insert French([[Objets d'une note]])
* ^language = #fr
* ^caseSensitive = true
* ^valueSet = "https://cordee.example/fhir/ValueSet/objet-note"
* #alerte "Alerte" "Qui appeler et que faire si la situation se dégrade"
* #alerte insert InEnglish([[Alert procedure]])
* #remarque "Remarque"
* #remarque insert InEnglish([[Remark]])

ValueSet: ObjetNoteVS
Id: objet-note
Title: "Purposes of a note"
Description: "All purposes of a note."
* insert French([[Objets d'une note]])
* include codes from system ObjetNoteCodes

CodeSystem: EtatPlan
Id: etat-plan
Title: "States of a plan"
Description: "States that CarePlan.status does not tell apart, as a tag."
* insert French([[États d'un plan]])
* ^language = #fr
* ^caseSensitive = true
* #propose "Proposé" "Soumis à la personne et aux acteurs, en attente de leur accord"
* #propose insert InEnglish([[Proposed]])

ValueSet: StatutPpcs
Id: statut-ppcs
Title: "Statuses of a PPCS"
Description: "The statuses of CarePlan that a coordination plan goes through."
* insert French([[Statuts d'un PPCS]])
* $request-status#draft
* $request-status#active
* $request-status#on-hold
* $request-status#completed
* $request-status#revoked
* $request-status#entered-in-error

CodeSystem: CategoriePlan
Id: categorie-plan
Title: "Categories of plans"
Description: "Which plan a CarePlan is. The abbreviation PPS means four of them: no code is called so."
* insert French([[Catégories de plans]])
* ^language = #fr
* ^caseSensitive = true
* #ppcs "Plan personnalisé de coordination en santé"
* #ppcs insert InEnglish([[Personalised coordination plan]])
* #psi "Plan de services individualisé" "Le plan du gestionnaire de cas, ancêtre du PPCS"
* #psi insert InEnglish([[Individual service plan]])
* #parcours "Parcours protocolisé" "Les étapes d'un parcours défini à l'avance"
* #parcours insert InEnglish([[Protocolised path]])
* #plan-aide "Plan d'aide" "Aides de l'APA ou de la PCH, en heures par mois"
* #plan-aide insert InEnglish([[Help plan]])
* #projet-personnalise "Projet personnalisé" "Le projet écrit avec la personne dans un établissement ou service social ou médico-social"
* #projet-personnalise insert InEnglish([[Personal project]])
* #plan-accompagnement-global "Plan d'accompagnement global" "Convenu avec la MDPH quand la réponse orientée n'est pas disponible"
* #plan-accompagnement-global insert InEnglish([[Global support plan]])
* #plan-compensation "Plan personnalisé de compensation"
* #plan-compensation insert InEnglish([[Personalised compensation plan]])
* #plan-sante-paerpa "Plan personnalisé de santé (PAERPA)"
* #plan-sante-paerpa insert InEnglish([[Personalised health plan (PAERPA)]])
* #programme-soins-cancer "Programme personnalisé de soins (cancer)"
* #programme-soins-cancer insert InEnglish([[Personalised care programme (cancer)]])
* #projet-scolarisation "Projet personnalisé de scolarisation"
* #projet-scolarisation insert InEnglish([[Personalised schooling project]])
* #projet-soins "Projet de soins"
* #projet-soins insert InEnglish([[Care project]])

ValueSet: CategoriePpcs
Id: categorie-ppcs
Title: "Categories of a PPCS"
Description: "The plans that follow the profile of the PPCS."
* insert French([[Catégories d'un PPCS]])
* $categorie-plan#ppcs
* $categorie-plan#psi
