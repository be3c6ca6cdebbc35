// What links to a person need that R4 has no words for: emergency access, and formal teams.

Extension: AccesUrgence
Id: acces-urgence
Title: "Emergency access"
Description: "For how long somebody took emergency access to a person's record, and why. The server alone writes it."
Context: Basic
* insert French([[Accès en urgence]])
* insert FrenchDescription([[Pour combien de temps quelqu'un a pris un accès en urgence au dossier d'une personne, et pourquoi. Seul le serveur l'écrit.]])
* extension contains periode 1..1 and motif 1..1
* extension[periode].value[x] 1..1
* extension[periode].value[x] only Period
* extension[motif].value[x] 1..1
* extension[motif].value[x] only string

CodeSystem: TypeAcces
Id: type-acces
Title: "Types of access"
Description: "What a Basic is, where it opens a person's record to somebody."
* insert French([[Types d'accès]])
* ^language = #fr
* ^caseSensitive = true
* #acces-urgence "Accès en urgence" "Bris de glace : ouvert pour quatre heures par un professionnel, avec un motif"
* #acces-urgence insert InEnglish([[Emergency access]])

CodeSystem: TypeAffiliation
Id: type-affiliation
Title: "Types of affiliation"
Description: "What an OrganizationAffiliation is, for us."
* insert French([[Types d'affiliation]])
* ^language = #fr
* ^caseSensitive = true
* #equipe-formalisee "Équipe formalisée" "Structures qui forment ensemble une équipe de soins (CSP L.1110-12, 3°)"
* #equipe-formalisee insert InEnglish([[Formal team]])
