// Names that several files of this guide use.

Alias: $icf = http://hl7.org/fhir/sid/icf
Alias: $cisis = https://smt.esante.gouv.fr/fhir/CodeSystem/terminologie-cisis
Alias: $type-note-nationale = https://mos.esante.gouv.fr/NOS/TRE_R234-TypeNote/FHIR/TRE-R234-TypeNote
Alias: $visibilite = https://mos.esante.gouv.fr/NOS/TRE_A07-StatutVisibiliteDocument/FHIR/TRE-A07-StatutVisibiliteDocument
Alias: $episode-status = http://hl7.org/fhir/episode-of-care-status
Alias: $task-status = http://hl7.org/fhir/task-status
Alias: $request-status = http://hl7.org/fhir/request-status
Alias: $goal-status = http://hl7.org/fhir/goal-status
Alias: $goal-achievement = http://terminology.hl7.org/CodeSystem/goal-achievement
Alias: $event-status = http://hl7.org/fhir/event-status
Alias: $condition-category = http://terminology.hl7.org/CodeSystem/condition-category
Alias: $consent-scope = http://terminology.hl7.org/CodeSystem/consentscope
Alias: $goal-acceptance = http://hl7.org/fhir/StructureDefinition/goal-acceptance

Alias: $type-dossier = https://cordee.example/fhir/CodeSystem/type-dossier
Alias: $type-tache = https://cordee.example/fhir/CodeSystem/type-tache
Alias: $statut-sollicitation = https://cordee.example/fhir/CodeSystem/statut-sollicitation
Alias: $qualite-demandeur = https://cordee.example/fhir/CodeSystem/qualite-demandeur
Alias: $motif-sollicitation = https://cordee.example/fhir/CodeSystem/motif-sollicitation
Alias: $type-entree-sollicitation = https://cordee.example/fhir/CodeSystem/type-entree-sollicitation
Alias: $type-sortie-sollicitation = https://cordee.example/fhir/CodeSystem/type-sortie-sollicitation
Alias: $canal-sollicitation = https://cordee.example/fhir/CodeSystem/canal-sollicitation
Alias: $motif-statut-tache = https://cordee.example/fhir/CodeSystem/motif-statut-tache
Alias: $categorie-plan = https://cordee.example/fhir/CodeSystem/categorie-plan
Alias: $etat-plan = https://cordee.example/fhir/CodeSystem/etat-plan
Alias: $type-action = https://cordee.example/fhir/CodeSystem/type-action
Alias: $objet-note = https://cordee.example/fhir/CodeSystem/objet-note
Alias: $categorie-objectif = https://cordee.example/fhir/CodeSystem/categorie-objectif
Alias: $type-besoin = https://cordee.example/fhir/CodeSystem/type-besoin
Alias: $type-note = https://cordee.example/fhir/CodeSystem/type-note
Alias: $type-communication = https://cordee.example/fhir/CodeSystem/type-communication
Alias: $consentement-coordination = https://cordee.example/fhir/CodeSystem/consentement-coordination
Alias: $categorie-donnee = https://cordee.example/fhir/CodeSystem/categorie-donnee
Alias: $etiquette-acces = https://cordee.example/fhir/CodeSystem/etiquette-acces
Alias: $aggir-modalite = https://cordee.example/fhir/CodeSystem/aggir-modalite
Alias: $evaluation = https://cordee.example/fhir/CodeSystem/evaluation

// The code systems of this guide are written in French, the language of those who use them; English stands beside.
RuleSet: InEnglish(text)
* ^designation[+].language = #en
* ^designation[=].value = "{text}"

// What a reader of the definition sees first: who uses it, and for what.
RuleSet: Narrative(french, english)
* ^text.status = #additional
* ^text.div = "<div xmlns='http://www.w3.org/1999/xhtml'><div lang='fr' xml:lang='fr'><p>{french}</p></div><div lang='en' xml:lang='en'><p>{english}</p></div></div>"
