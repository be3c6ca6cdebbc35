Profile: PpcsProbleme
Parent: Condition
Id: ppcs-probleme
Title: "Problem of a coordination plan"
Description: """
A problem or a need that nobody covers yet, as the assessment of the whole situation shows it: a code of the national
list for coordination plans, and the words of this situation beside it. It says which side of life it is on, and its
rank among what is necessary and possible. A social need without clinical sense is a `ppcs-besoin`.
"""
* insert French([[Problème d'un PPCS]])
* insert FrenchDescription([[Un problème ou un besoin encore non couvert, tel que l'évaluation de la situation le montre : un code de la liste nationale des plans de coordination, et à côté les mots de cette situation. Il dit de quel versant de la vie il relève, et son rang parmi ce qui est nécessaire et possible. Un besoin social sans portée clinique est un `ppcs-besoin`.]])
* insert Narrative([[Le coordonnateur y consigne, après l'évaluation, ce qui pose problème dans cette situation ; le plan et ses objectifs y répondent.]], [[After the assessment, the coordinator notes here what is a problem in this situation; the plan and its goals answer it.]])
* extension contains Priorite named priorite 0..1 MS
* clinicalStatus MS
* verificationStatus MS
* category 1..* MS
* category insert SlicedBy(pattern, $this)
* category contains probleme 1..1 MS
* category[probleme] = $condition-category#problem-list-item
* category[probleme].extension contains VersantProbleme named versant 1..* MS
* code 1..1 MS
* code from ProblemePpcs (required)
* code.text 1..1 MS
* code.text ^short = "The problem in this situation, in words"
* code.text insert ShortFrench([[Le problème dans cette situation, en clair]])
* subject only Reference(Patient)
* subject MS
* recordedDate MS
* recorder MS
* evidence MS

Profile: PpcsBesoin
Parent: ServiceRequest
Id: ppcs-besoin
Title: "Social need of a coordination plan"
Description: """
A need of the plan that is no condition of the person: housing, income, rights, help for the carer. It uses the same
list, sides and ranks as the problems, and stands in the plan as supporting information.
"""
* insert French([[Besoin social d'un PPCS]])
* insert FrenchDescription([[Un besoin du plan qui n'est pas un état de la personne : logement, ressources, droits, aide à l'aidant. Il suit la même liste, les mêmes versants et les mêmes rangs que les problèmes, et figure dans le plan parmi les informations complémentaires.]])
* insert Narrative([[Le coordonnateur ou le travailleur social y consigne un besoin sans portée clinique ; les services sociaux du cercle peuvent le lire.]], [[The coordinator or a social worker notes here a need without clinical sense; the social services of the circle may read it.]])
* extension contains Priorite named priorite 0..1 MS
* status MS
* intent = #plan
* category 1..* MS
* category insert SlicedBy(pattern, $this)
* category contains besoin 1..1 MS
* category[besoin] = $type-besoin#besoin-coordination
* category[besoin].extension contains VersantProbleme named versant 1..* MS
* code 1..1 MS
* code from ProblemePpcs (required)
* code.text 1..1 MS
* subject only Reference(Patient)
* subject MS
* authoredOn MS
* requester MS

Extension: VersantProbleme
Id: versant-probleme
Title: "Side of a problem"
Description: "Which side of life a problem is on. Problems on the social and environmental sides are social information, not health information."
Context: Condition.category, ServiceRequest.category
* insert French([[Versant d'un problème]])
* insert FrenchDescription([[De quel versant de la vie relève un problème. Les versants social et environnement sont des informations sociales, pas des informations de santé.]])
* value[x] 1..1
* value[x] only code
* value[x] from VersantProblemeVS (required)

Extension: Priorite
Id: priorite
Title: "Rank"
Description: "The rank of a problem among those of a plan: 1 comes first."
Context: Condition, ServiceRequest
* insert French([[Rang de priorité]])
* insert FrenchDescription([[Le rang d'un problème parmi ceux du plan : 1 vient en premier.]])
* value[x] 1..1
* value[x] only positiveInt

CodeSystem: VersantProblemeCodes
Id: versant-probleme
Title: "Sides of a problem"
Description: "The sides of life that a plan looks at with equal weight."
* insert French([[Versants d'un problème]])
* ^language = #fr
* ^caseSensitive = true
* ^valueSet = "https://cordee.example/fhir/ValueSet/versant-probleme"
* #sante "Santé"
* #sante insert InEnglish([[Health]])
* #psychologique "Psychologique"
* #psychologique insert InEnglish([[Psychological]])
* #social "Social"
* #social insert InEnglish([[Social]])
* #environnement "Environnement"
* #environnement insert InEnglish([[Environment]])
* #autonomie "Autonomie"
* #autonomie insert InEnglish([[Autonomy]])

ValueSet: VersantProblemeVS
Id: versant-probleme
Title: "Sides of a problem"
Description: "All sides of a problem."
* insert French([[Versants d'un problème]])
* include codes from system VersantProblemeCodes

CodeSystem: TypeBesoin
Id: type-besoin
Title: "Types of needs"
Description: "What a ServiceRequest of coordination is."
* insert French([[Types de besoins]])
* ^language = #fr
* ^caseSensitive = true
* #besoin-coordination "Besoin d'un plan de coordination"
* #besoin-coordination insert InEnglish([[Need of a coordination plan]])

ValueSet: ProblemePpcs
Id: probleme-ppcs
Title: "Problems of a coordination plan"
Description: "The national list of problem situations for personalised plans, as codes of the national terminology CI-SIS."
* insert French([[Problèmes d'un PPCS]])
* $cisis#MED-056 "Problèmes liés aux médicaments"
* $cisis#MED-057 "Problème de mobilité"
* $cisis#MED-058 "Isolement"
* $cisis#MED-059 "Précarité"
* $cisis#MED-060 "Incapacité dans les activités de base de la vie quotidienne"
* $cisis#MED-061 "Troubles nutritionnels / difficulté à avoir une alimentation adaptée"
* $cisis#MED-062 "Difficulté à prendre soin de soi"
* $cisis#MED-063 "Troubles de l'humeur"
* $cisis#ORG-011 "Organisation du suivi"
* $cisis#GEN-092.01.01 "Autre problème"
