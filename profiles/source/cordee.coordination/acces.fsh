// The words of the access engine: what the server stamps in meta.security, and the labels that authors set.

CodeSystem: CategorieDonnee
Id: categorie-donnee
Title: "Categories of data"
Description: "What a resource tells about a person, for deciding who reads it. The server sets one in `meta.security` of every resource; consents name them."
* insert French([[Catégories de données]])
* insert FrenchDescription([[Ce qu'une ressource dit d'une personne, pour décider qui la lit. Le serveur en pose une dans `meta.security` de chaque ressource ; les consentements les nomment.]])
* ^language = #fr
* ^caseSensitive = true
* ^valueSet = "https://cordee.example/fhir/ValueSet/categorie-donnee"
* #identite "Identité"
* #identite insert InEnglish([[Identity]])
* #administratif "Administratif"
* #administratif insert InEnglish([[Administrative]])
* #social "Social"
* #social insert InEnglish([[Social]])
* #sante "Santé"
* #sante insert InEnglish([[Health]])
* #sante-sensible "Santé sensible"
* #sante-sensible insert InEnglish([[Sensitive health]])
* #autonomie "Autonomie"
* #autonomie insert InEnglish([[Autonomy]])
* #coordination "Coordination"
* #coordination insert InEnglish([[Coordination]])
* #sollicitation "Sollicitation"
* #sollicitation insert InEnglish([[Request for help]])
* #plan "Plan de coordination"
* #plan insert InEnglish([[Coordination plan]])
* #liaison "Cahier de liaison"
* #liaison insert InEnglish([[Liaison logbook]])
* #projet "Projet personnalisé"
* #projet insert InEnglish([[Personal project]])
* #mdph "Décisions et orientations de la MDPH"
* #mdph insert InEnglish([[Decisions of the MDPH]])
* #message "Messages"
* #message insert InEnglish([[Messages]])
* #consentement "Consentements"
* #consentement insert InEnglish([[Consents]])
* #trace "Traces"
* #trace insert InEnglish([[Traces]])

ValueSet: CategorieDonneeVS
Id: categorie-donnee
Title: "Categories of data"
Description: "All categories of data."
* insert French([[Catégories de données]])
* include codes from system CategorieDonnee

CodeSystem: EtiquetteAcces
Id: etiquette-acces
Title: "Labels of access"
Description: "Labels in `meta.security` that widen or narrow who reads a resource, beside the national codes of visibility."
* insert French([[Étiquettes d'accès]])
* insert FrenchDescription([[Étiquettes de `meta.security` qui élargissent ou restreignent la lecture d'une ressource, à côté des codes nationaux de visibilité.]])
* ^language = #fr
* ^caseSensitive = true
* #partage-social "Vue minimale" "Lisible par les rôles limités à la vue minimale"
* #partage-social insert InEnglish([[Minimal view]])
* #interne-structure "Interne à la structure" "Lisible par la seule structure de l'auteur"
* #interne-structure insert InEnglish([[Internal to the structure]])
* #audience:aidants "Ouvert aux aidants"
* #audience:aidants insert InEnglish([[Open to carers]])
* #urgence "Lisible en urgence"
* #urgence insert InEnglish([[Readable in an emergency]])
* #archive "Archivé" "Dans `meta.tag` : sorti de la base active, lisible par la personne seule"
* #archive insert InEnglish([[Archived]])

Extension: DateArchivage
Id: date-archivage
Title: "Day of the archive"
Description: "On the tag `archive` in `meta.tag`: since when the resource has been out of the active base."
Context: Coding
* insert French([[Date d'archivage]])
* insert FrenchDescription([[Sur l'étiquette `archive` de `meta.tag` : depuis quand la ressource est sortie de la base active.]])
* value[x] 1..1
* value[x] only date
