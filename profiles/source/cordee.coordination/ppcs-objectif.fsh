Profile: PpcsObjectif
Parent: Goal
Id: ppcs-objectif
Title: "Goal of a coordination plan"
Description: """
What the person and those around them want to reach, in words that the person can read; or, with category `attente`,
what matters to the person and what they expect. A shared goal says by which sign and by when it will be reached.
The goals that were put in words but are not carried out stay in the plan, with the reason.
"""
* insert French([[Objectif d'un PPCS]])
* insert FrenchDescription([[Ce que la personne et ceux qui l'entourent veulent atteindre, dans des mots que la personne peut lire ; ou, avec la catégorie `attente`, ce qui compte pour elle et ce qu'elle attend. Un objectif partagé dit à quel signe et pour quand il sera atteint. Les objectifs formulés mais non mis en œuvre restent dans le plan, avec leur motif.]])
* insert Narrative([[Le référent y note, avec la personne, ce que l'on veut atteindre ensemble, ou ce qui compte pour elle ; le bilan du plan dit ce qui en a été atteint.]], [[With the person, the référent notes here what is to be reached together, or what matters to them; the review of the plan says what was reached of it.]])
* obeys objectif-1 and objectif-2 and objectif-3 and objectif-4 and objectif-5
* extension contains MotifNonRealisation named motifNonRealisation 0..1 MS and SansExpression named sansExpression 0..1 MS and $goal-acceptance named acceptation 0..* MS
* lifecycleStatus MS
* lifecycleStatus from StatutObjectif (required)
* achievementStatus MS
* achievementStatus from RealisationObjectif (required)
* category MS
* category insert SlicedBy(pattern, $this)
* category contains attente 0..1 MS
* category[attente] = $categorie-objectif#attente
* priority MS
* description MS
* description.text 1..1 MS
* subject only Reference(Patient)
* subject MS
* target MS
* target.detail[x] MS
* target.due[x] MS
* statusReason MS
* expressedBy MS
* addresses MS
* outcomeReference MS

Invariant: objectif-1
Description: "An expectation is expressed by the person, or by one of those close to them"
Severity: #error
Expression: "category.coding.where(system = 'https://cordee.example/fhir/CodeSystem/categorie-objectif' and code = 'attente').exists() implies (expressedBy.where(type = 'Patient' or type = 'RelatedPerson' or reference.matches('(^|/)(Patient|RelatedPerson)[/?]')).exists() or expressedBy.where(reference.matches('^(#|urn:)')).where(resolve() is Patient or resolve() is RelatedPerson).exists())"
* insert HumanFrench([[Une attente est exprimée par la personne ou par l'un de ses proches]])

Invariant: objectif-2
Description: "A goal that is not carried out says why, in a code"
Severity: #error
Expression: "(lifecycleStatus = 'cancelled' or achievementStatus.coding.where(system = 'http://terminology.hl7.org/CodeSystem/goal-achievement' and (code = 'not-achieved' or code = 'not-attainable')).exists()) implies extension('https://cordee.example/fhir/StructureDefinition/motif-non-realisation').exists()"
* insert HumanFrench([[Un objectif non réalisé dit pourquoi, par un code]])

Invariant: objectif-3
Description: "A goal is pursued only when the person, or who speaks for them, agreed, or when the reason is told why they cannot say"
Severity: #error
Expression: "lifecycleStatus = 'active' implies (extension('https://cordee.example/fhir/StructureDefinition/sans-expression').exists() or extension('http://hl7.org/fhir/StructureDefinition/goal-acceptance').where(extension('status').value = 'agree' and (extension('individual').value.where(type = 'Patient' or type = 'RelatedPerson' or reference.matches('(^|/)(Patient|RelatedPerson)[/?]')).exists() or extension('individual').value.where(reference.matches('^(#|urn:)')).where(resolve() is Patient or resolve() is RelatedPerson).exists())).exists())"
* insert HumanFrench([[Un objectif n'est actif que si la personne, ou qui parle pour elle, l'a accepté, ou si la raison est dite pour laquelle elle ne peut pas s'exprimer]])

Invariant: objectif-4
Description: "A goal that is over says what was reached"
Severity: #error
Expression: "lifecycleStatus = 'completed' implies achievementStatus.exists()"
* insert HumanFrench([[Un objectif terminé dit ce qui a été atteint]])

Invariant: objectif-5
Description: "A shared goal that is pursued says which problem it answers, by which sign it is reached and by when"
Severity: #error
Expression: "(lifecycleStatus = 'active' and category.coding.where(system = 'https://cordee.example/fhir/CodeSystem/categorie-objectif' and code = 'attente').empty()) implies (addresses.exists() and target.where(detail.exists() and due.exists()).exists())"
* insert HumanFrench([[Un objectif partagé actif dit à quel problème il répond, à quel signe il est atteint et pour quand]])

Extension: MotifNonRealisation
Id: motif-non-realisation
Title: "Reason why a goal is not carried out"
Description: "Why a goal was put in words and not carried out, or not reached. Goal.statusReason is only text."
Context: Goal
* insert French([[Motif de non-réalisation d'un objectif]])
* insert FrenchDescription([[Pourquoi un objectif a été formulé mais n'est pas mis en œuvre, ou n'est pas atteint. Goal.statusReason n'est que du texte.]])
* value[x] 1..1
* value[x] only CodeableConcept
* value[x] from MotifNonRealisationVS (required)

Extension: SansExpression
Id: sans-expression
Title: "Goal without the voice of the person"
Description: "Why the person could not say whether they accept this goal."
Context: Goal
* insert French([[Objectif sans expression de la personne]])
* insert FrenchDescription([[Pourquoi la personne n'a pas pu dire si elle accepte cet objectif.]])
* value[x] 1..1
* value[x] only string

CodeSystem: CategorieObjectif
Id: categorie-objectif
Title: "Categories of goals"
Description: "What a goal of a plan is."
* insert French([[Catégories d'objectifs]])
* ^language = #fr
* ^caseSensitive = true
* #attente "Attente" "Ce qui compte pour la personne, ce qu'elle attend"
* #attente insert InEnglish([[Expectation]])
* #partage "Objectif partagé" "Ce que la personne et les acteurs conviennent d'atteindre"
* #partage insert InEnglish([[Shared goal]])

CodeSystem: MotifNonRealisationCodes
Id: motif-non-realisation
Title: "Reasons why a goal is not carried out"
Description: "Why a goal of a plan is not carried out."
* insert French([[Motifs de non-réalisation d'un objectif]])
* ^language = #fr
* ^caseSensitive = true
* ^valueSet = "https://cordee.example/fhir/ValueSet/motif-non-realisation"
* #refus "Refus de la personne"
* #refus insert InEnglish([[Refused by the person]])
* #offre-absente "Offre absente"
* #offre-absente insert InEnglish([[Nothing on offer]])
* #contre-indique "Contre-indiqué"
* #contre-indique insert InEnglish([[Contraindicated]])
* #hors-moyens "Hors moyens"
* #hors-moyens insert InEnglish([[Out of reach of the means]])
* #priorite-moindre "Priorité moindre"
* #priorite-moindre insert InEnglish([[Lesser priority]])

ValueSet: MotifNonRealisationVS
Id: motif-non-realisation
Title: "Reasons why a goal is not carried out"
Description: "All reasons why a goal is not carried out."
* insert French([[Motifs de non-réalisation d'un objectif]])
* include codes from system MotifNonRealisationCodes

ValueSet: StatutObjectif
Id: statut-objectif
Title: "Statuses of a goal of a plan"
Description: "The statuses of Goal that a goal of a coordination plan goes through."
* insert French([[Statuts d'un objectif]])
* $goal-status#proposed
* $goal-status#accepted
* $goal-status#active
* $goal-status#on-hold
* $goal-status#completed
* $goal-status#cancelled
* $goal-status#entered-in-error

ValueSet: RealisationObjectif
Id: realisation-objectif
Title: "What was reached of a goal"
Description: "The achievement statuses used in coordination plans."
* insert French([[Réalisation d'un objectif]])
* $goal-achievement#in-progress
* $goal-achievement#improving
* $goal-achievement#worsening
* $goal-achievement#no-change
* $goal-achievement#achieved
* $goal-achievement#not-achieved
* $goal-achievement#not-attainable
