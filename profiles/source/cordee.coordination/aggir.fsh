// The AGGIR grid (CASF, R.232-3 and annex 2-1) as a form, and the codes of its results.

CodeSystem: AggirModaliteCodes
Id: aggir-modalite
Title: "AGGIR letters"
Description: "How a person does an activity alone, by the four adverbs: spontaneously, totally, correctly, habitually."
* insert French([[Modalités AGGIR]])
* insert FrenchDescription([[Comment une personne fait seule une activité, selon les quatre adverbes : spontanément, totalement, correctement, habituellement.]])
* ^language = #fr
* ^caseSensitive = true
* ^valueSet = "https://cordee.example/fhir/ValueSet/aggir-modalite"
* #A "A" "Fait seul, selon les quatre adverbes"
* #A insert InEnglish([[Does it alone, by all four adverbs]])
* #B "B" "Fait partiellement : un à trois adverbes manquent"
* #B insert InEnglish([[Does it in part: one to three adverbs are missing]])
* #C "C" "Ne fait pas : les quatre adverbes manquent"
* #C insert InEnglish([[Does not do it: all four adverbs are missing]])

ValueSet: AggirModalite
Id: aggir-modalite
Title: "AGGIR letters"
Description: "All AGGIR letters."
* insert French([[Modalités AGGIR]])
* include codes from system AggirModaliteCodes

CodeSystem: Evaluation
Id: evaluation
Title: "Results of assessments"
Description: "What a score is, where no national code says it."
* insert French([[Résultats d'évaluation]])
* ^language = #fr
* ^caseSensitive = true
* #gir "GIR" "Groupe iso-ressources, de 1 (le plus dépendant) à 6 (autonome)"
* #gir insert InEnglish([[GIR group]])
* #gir-rang "Rang" "Rang de l'algorithme, de 1 à 13"
* #gir-rang insert InEnglish([[Rank]])
* #gir-groupe "Groupe décisif" "Groupe de l'algorithme qui a décidé, de A à H"
* #gir-groupe insert InEnglish([[Deciding group]])
* #aggir-casf-2-2 "Algorithme AGGIR (CASF, annexe 2-2)"
* #aggir-casf-2-2 insert InEnglish([[AGGIR algorithm (CASF, annex 2-2)]])

// A graded activity at the top of the form, and the same as a part of a variable.
RuleSet: Gradee(cle, texte, obligatoire)
* item[+].linkId = "{cle}"
* item[=].text = "{texte}"
* item[=].type = #choice
* item[=].required = {obligatoire}
* item[=].answerValueSet = "https://cordee.example/fhir/ValueSet/aggir-modalite|1.0.0"
* item[=].item[+].linkId = "{cle}.S"
* item[=].item[=].code = $cisis#MED-1307 "fait spontanément"
* item[=].item[=].text = "fait spontanément"
* item[=].item[=].type = #boolean
* item[=].item[+].linkId = "{cle}.T"
* item[=].item[=].code = $cisis#MED-1308 "fait totalement"
* item[=].item[=].text = "fait totalement"
* item[=].item[=].type = #boolean
* item[=].item[+].linkId = "{cle}.C"
* item[=].item[=].code = $cisis#MED-1309 "fait correctement"
* item[=].item[=].text = "fait correctement"
* item[=].item[=].type = #boolean
* item[=].item[+].linkId = "{cle}.H"
* item[=].item[=].code = $cisis#MED-1310 "fait habituellement"
* item[=].item[=].text = "fait habituellement"
* item[=].item[=].type = #boolean

RuleSet: PartieGradee(cle, texte)
* item[=].item[+].linkId = "{cle}"
* item[=].item[=].text = "{texte}"
* item[=].item[=].type = #choice
* item[=].item[=].required = true
* item[=].item[=].answerValueSet = "https://cordee.example/fhir/ValueSet/aggir-modalite|1.0.0"
* item[=].item[=].item[+].linkId = "{cle}.S"
* item[=].item[=].item[=].code = $cisis#MED-1307 "fait spontanément"
* item[=].item[=].item[=].text = "fait spontanément"
* item[=].item[=].item[=].type = #boolean
* item[=].item[=].item[+].linkId = "{cle}.T"
* item[=].item[=].item[=].code = $cisis#MED-1308 "fait totalement"
* item[=].item[=].item[=].text = "fait totalement"
* item[=].item[=].item[=].type = #boolean
* item[=].item[=].item[+].linkId = "{cle}.C"
* item[=].item[=].item[=].code = $cisis#MED-1309 "fait correctement"
* item[=].item[=].item[=].text = "fait correctement"
* item[=].item[=].item[=].type = #boolean
* item[=].item[=].item[+].linkId = "{cle}.H"
* item[=].item[=].item[=].code = $cisis#MED-1310 "fait habituellement"
* item[=].item[=].item[=].text = "fait habituellement"
* item[=].item[=].item[=].type = #boolean

RuleSet: Variable(cle, texte)
* item[+].linkId = "{cle}"
* item[=].text = "{texte}"
* item[=].type = #group
* item[=].required = true

Instance: aggir
InstanceOf: Questionnaire
Usage: #definition
* url = "https://cordee.example/fhir/Questionnaire/aggir"
* version = "1.0.0"
* name = "Aggir"
* title = "Grille AGGIR"
* language = #fr
* status = #active
* experimental = false
* subjectType = #Patient
* publisher = "Cordée"
* description = """
Ce que la personne fait seule, en dix variables discriminantes (dix-sept activités graduées) et sept variables
illustratives. Chaque activité reçoit A, B ou C ; les quatre adverbes disent pourquoi. Le GIR est calculé par le serveur.
Aucune question ne dépend d'une autre : toute la grille est toujours posée.

What the person does alone, in ten discriminating variables (seventeen graded activities) and seven illustrative ones.
The server computes the GIR. No question depends on another: the whole grid is always asked.
"""
* insert Variable(coherence, [[Cohérence : converser et se comporter de façon sensée]])
* item[=].code = $icf#b160
* insert PartieGradee(coherence.communication, [[Communication : communication verbale ou non verbale logique et sensée]])
* insert PartieGradee(coherence.comportement, [[Comportement : se comporter de façon logique et sensée]])
* insert Variable(orientation, [[Orientation : se repérer dans le temps, les moments de la journée et les lieux]])
* item[=].code = $icf#b114
* insert PartieGradee(orientation.temps, [[Orientation dans le temps]])
* insert PartieGradee(orientation.espace, [[Orientation dans l'espace]])
* insert Variable(toilette, [[Toilette : assurer son hygiène corporelle]])
* item[=].code = $icf#d510
* insert PartieGradee(toilette.haut, [[Toilette du haut : visage, tronc, membres supérieurs, mains]])
* item[=].item[=].code = $icf#d5100
* insert PartieGradee(toilette.bas, [[Toilette du bas : régions intimes, membres inférieurs, pieds]])
* item[=].item[=].code = $icf#d520
* insert Variable(habillage, [[Habillage : s'habiller, se déshabiller, se présenter]])
* item[=].code = $icf#d540
* insert PartieGradee(habillage.haut, [[Habillage du haut : vêtements passés par les bras ou la tête]])
* item[=].item[=].code = $icf#d5400
* insert PartieGradee(habillage.moyen, [[Habillage moyen : fermer un vêtement, ceinture, bretelles, pressions]])
* item[=].item[=].code = $icf#d440
* insert PartieGradee(habillage.bas, [[Habillage du bas : vêtements passés par le bas du corps, chaussettes, chaussures]])
* item[=].item[=].code = $icf#d5402
* insert Variable(alimentation, [[Alimentation : se servir et manger les aliments préparés]])
* item[=].code = $icf#d550
* insert PartieGradee(alimentation.seServir, [[Se servir : couper la viande, ouvrir un pot, peler un fruit, remplir son verre]])
* item[=].item[=].code = $icf#d550
* insert PartieGradee(alimentation.manger, [[Manger : porter les aliments et boissons à la bouche et les avaler]])
* item[=].item[=].code = $icf#b5105
* insert Variable(elimination, [[Élimination urinaire et fécale : assumer l'hygiène de l'élimination]])
* item[=].code = $icf#d530
* insert PartieGradee(elimination.urinaire, [[Élimination urinaire]])
* item[=].item[=].code = $icf#d5300
* insert PartieGradee(elimination.fecale, [[Élimination fécale]])
* item[=].item[=].code = $icf#d5301
* insert Gradee(transferts, [[Transferts : se lever, se coucher, s'asseoir]], true)
* item[=].code = $icf#d410
* insert Gradee(deplacementsInterieurs, [[Déplacements à l'intérieur : se déplacer dans le lieu de vie, avec ou sans canne, déambulateur, fauteuil]], true)
* item[=].code = $icf#d4600
* insert Gradee(deplacementsExterieurs, [[Déplacements à l'extérieur : se déplacer à partir de la porte d'entrée, sans moyen de transport]], true)
* item[=].code = $icf#d4602
* insert Gradee(alerter, [[Alerter (communication à distance) : utiliser téléphone, sonnette, alarme]], true)
* item[=].code = $icf#d3608
* insert Gradee(gestion, [[Gestion : gérer ses affaires, son budget, ses biens]], false)
* insert Gradee(cuisine, [[Cuisine : préparer ses repas et les conditionner pour être servis]], false)
* insert Gradee(menage, [[Ménage : effectuer l'ensemble des travaux ménagers]], false)
* insert Gradee(transports, [[Transports : prendre ou commander un moyen de transport]], false)
* insert Gradee(achats, [[Achats : acquisition directe ou par correspondance]], false)
* insert Gradee(suiviTraitement, [[Suivi du traitement : se conformer à l'ordonnance du médecin]], false)
* insert Gradee(activitesTempsLibre, [[Activités de temps libre : activités sportives, culturelles, sociales, de loisir]], false)
