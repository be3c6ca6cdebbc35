// What the profiles of this guide share: identifiers, attachments, comments, who set a status.

// One identifier, in the system that the sector gives to a kind of object.
RuleSet: OwnIdentifier(kind)
* identifier 1..1
* identifier.system 1..
* identifier.system = "https://identifiant-medicosocial-{kind}.esante.gouv.fr"
* identifier.value 1..

// An input or output of a Task, told by its type.
RuleSet: Part(element, slice, type, system)
* {element}[{slice}].type = {system}#{slice}
* {element}[{slice}].value[x] only {type}

// Told apart from its like by an extension.
RuleSet: ToldBy(element, slice)
* {element}[{slice}].extension contains tddui-discriminator named TDDUIDiscriminator 1..1
* {element}[{slice}].extension[TDDUIDiscriminator].value[x] = TDDUIDiscriminatorCS#{slice}

Extension: TDDUIDiscriminator
Id: tddui-discriminator
Title: "What this is"
Description: "Tells apart repetitions of an element that has no code of its own."
Context: CarePlan.supportingInfo, Goal.note
* insert French([[Nature de l'élément]])
* insert FrenchDescription([[Distingue les répétitions d'un élément qui n'a pas de code.]])
* value[x] only CodeableConcept
* value[x] from tddui-discriminator-vs (required)

CodeSystem: TDDUIDiscriminatorCS
Id: tddui-discriminator
Title: "Natures of repeated elements"
* insert French([[Natures des éléments répétés]])
* ^content = #fragment
* #accordUsager "Accord de l'usager"
* #accordStructure "Accord de la structure"
* #titreObjectif "Titre de l'objectif"
* #avisUsagerObjectif "Avis de l'usager sur l'objectif"
* #strategieMiseEnOeuvreObjectif "Stratégie de mise en œuvre de l'objectif"
* #origineAttente "Origine de l'attente"

ValueSet: TDDUIDiscriminatorVS
Id: tddui-discriminator-vs
Title: "Natures of repeated elements"
* insert French([[Natures des éléments répétés]])
* include codes from system TDDUIDiscriminatorCS

// The drafts of 2.0 had the attachment itself here, the published examples refer to it: either will do.
Extension: TDDUIAttachment
Id: tddui-attachment
Title: "Attachment"
Description: "A file that belongs to a resource."
Context: Element
* insert French([[Pièce jointe]])
* insert FrenchDescription([[Un fichier joint à une ressource.]])
* value[x] only Attachment or Reference(DocumentReference)

Extension: TDDUIComment
Id: tddui-comment
Title: "Comment"
Description: "Something to add, in words."
Context: Element
* insert French([[Commentaire]])
* insert FrenchDescription([[Une précision, en toutes lettres.]])
* value[x] only string

Extension: TDDUIStatusAuthor
Id: tddui-status-author
Title: "Author of a status"
Description: "Who set the status."
Context: Element
* insert French([[Auteur du statut]])
* insert FrenchDescription([[Le professionnel qui a donné le statut.]])
* value[x] only Reference(Practitioner or PractitionerRole)
