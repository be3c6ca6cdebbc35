Profile: NoteCoordination
Parent: DocumentReference
Id: note-coordination
Title: "Evolving coordination note"
Description: """
A page that the circle keeps all along the support: what everybody has to know, edited by several people, each edit a
version of the same resource. It is not a note of the liaison logbook: that is a stream of dated notes, this is a page.
`epinglee` puts it in front; labels say who may not, or who may, read it.
"""
* insert French([[Note de coordination évolutive]])
* insert FrenchDescription([[Une page que le cercle tient tout au long de l'accompagnement : ce que chacun doit savoir, modifié par plusieurs personnes, chaque modification étant une version de la même ressource. Ce n'est pas une note du cahier de liaison : celui-ci est un fil de notes datées, celle-là est une page. `epinglee` la met en avant ; des étiquettes disent qui ne peut pas, ou qui peut, la lire.]])
* insert Narrative([[Les membres du cercle y tiennent à jour ensemble ce que chacun doit savoir avant de venir.]], [[The members of the circle keep up to date in it, together, what everybody has to know before they come.]])
* obeys note-1 and note-2 and note-3 and note-4
* extension contains Epinglee named epinglee 0..1 MS
* masterIdentifier MS
* status MS
* type 1..1 MS
* type = $type-note#note-evolutive
* subject 1..1 MS
* subject only Reference(Patient)
* date 1..1 MS
* author 1..* MS
* author only Reference(PractitionerRole or Practitioner or Organization or Patient or RelatedPerson)
* description 1..1 MS
* description ^short = "The title of the note"
* description insert ShortFrench([[Le titre de la note]])
* securityLabel MS
* content MS
* content.attachment MS
* content.attachment.contentType 1..1 MS
* content.attachment.title MS
* context MS
* context.related MS

Invariant: note-1
Description: "A note has exactly one text; photos and documents may stand beside it"
Severity: #error
Expression: "content.attachment.where(contentType.startsWith('text/')).count() = 1"
* insert HumanFrench([[Une note a exactement un texte ; des photos et des documents peuvent l'accompagner]])

Invariant: note-2
Description: "A label of visibility stands in meta.security and in securityLabel alike, where both are given"
Severity: #error
Expression: "(meta.security.where(system.matches('TRE_A07-Stat|etiquette-acces$')).exists() and securityLabel.coding.where(system.matches('TRE_A07-Stat|etiquette-acces$')).exists()) implies (meta.security.where(system.matches('TRE_A07-Stat|etiquette-acces$')).code.subsetOf(%resource.securityLabel.coding.code) and securityLabel.coding.where(system.matches('TRE_A07-Stat|etiquette-acces$')).code.subsetOf(%resource.meta.security.code))"
* insert HumanFrench([[Une étiquette de visibilité figure à l'identique dans meta.security et dans securityLabel, quand les deux sont donnés]])

Invariant: note-3
Description: "What a note holds is in the note, or where its url says"
Severity: #error
Expression: "content.attachment.all(data.exists() or url.exists())"
* insert HumanFrench([[Le contenu d'une note est dans la note, ou là où son url le dit]])

Invariant: note-4
Description: "An evolving note is no note of the liaison logbook"
Severity: #error
Expression: "type.coding.where(system = 'https://mos.esante.gouv.fr/NOS/TRE_R234-TypeNote/FHIR/TRE-R234-TypeNote').empty()"
* insert HumanFrench([[Une note évolutive n'est pas une note du cahier de liaison]])

Extension: Epinglee
Id: note-epinglee
Title: "Pinned note"
Description: "Whether the note stands in front of the others."
Context: DocumentReference
* insert French([[Note épinglée]])
* insert FrenchDescription([[Si la note se présente avant les autres.]])
* value[x] 1..1
* value[x] only boolean

CodeSystem: TypeNote
Id: type-note
Title: "Types of notes"
Description: "The notes of coordination beside those of the liaison logbook, which have national types."
* insert French([[Types de notes]])
* ^language = #fr
* ^caseSensitive = true
* #note-evolutive "Note de coordination évolutive"
* #note-evolutive insert InEnglish([[Evolving coordination note]])
