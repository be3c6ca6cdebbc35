// Two profiles of one thing: a conversation, and the messages in it.

Profile: MisConversation
Parent: Communication
Id: mis-conversation
Title: "Conversation of secure instant messaging"
Description: """
A conversation among professionals, or with the person and their carers: who takes part (`recipient`), what it is about
(`topic`) and, where it is about somebody, whom (`subject`). Only those who take part read it, whatever their role. Its
messages are resources of their own. Without a person it is a free professional exchange, and nothing in it may name one.
"""
* insert French([[Conversation de messagerie instantanée sécurisée]])
* insert FrenchDescription([[Une conversation entre professionnels, ou avec la personne et ses aidants : qui y participe (`recipient`), de quoi il s'agit (`topic`) et, si elle concerne quelqu'un, qui (`subject`). Seuls ses participants la lisent, quel que soit leur rôle. Ses messages sont des ressources à part. Sans personne, c'est un échange professionnel libre, et rien n'y désigne qui que ce soit.]])
* insert Narrative([[Un professionnel l'ouvre pour échanger rapidement avec d'autres, à propos d'une personne ou non ; seuls ses participants la lisent.]], [[A professional opens it to exchange quickly with others, about a person or not; only those who take part read it.]])
* obeys mis-1 and mis-2
* identifier MS
* partOf 0..0
* status MS
* status from StatutConversation (required)
* category 1..* MS
* category insert SlicedBy(pattern, $this)
* category contains type 1..1 MS
* category[type] = $type-communication#mis-conversation
* subject MS
* subject only Reference(Patient)
* topic 1..1 MS
* topic.text 1..1 MS
* sent MS
* recipient 2..* MS
* recipient only Reference(PractitionerRole or RelatedPerson or Patient or Organization)
* recipient ^short = "Who takes part, whoever opened it among them"
* recipient insert ShortFrench([[Qui participe, y compris qui l'a ouverte]])
* sender 1..1 MS
* sender only Reference(PractitionerRole or RelatedPerson or Patient or Organization)
* payload 0..0

Profile: MisMessage
Parent: Communication
Id: mis-message
Title: "Message of secure instant messaging"
Description: """
One message of a conversation: who wrote it, when, to whom, and what: text, a photo or a document of the record. Each
recipient's reading stands in `lecture`. The author may make a liaison note of it.
"""
* insert French([[Message de messagerie instantanée sécurisée]])
* insert FrenchDescription([[Un message d'une conversation : qui l'a écrit, quand, à qui, et quoi : du texte, une photo ou un document du dossier. La lecture par chaque destinataire figure dans `lecture`. Son auteur peut en faire une note de liaison.]])
* insert Narrative([[Les participants d'une conversation s'y écrivent, et y joignent une photo ou un document du dossier.]], [[Those who take part in a conversation write to one another, and join a photo or a document of the record.]])
* obeys mis-1 and mis-2 and mis-3 and mis-4
* extension contains Lecture named lecture 0..* MS
* identifier MS
* partOf 1..1 MS
* partOf only Reference(Communication)
* partOf ^short = "The conversation"
* partOf insert ShortFrench([[La conversation]])
* inResponseTo MS
* inResponseTo only Reference(Communication)
* status MS
* status from StatutConversation (required)
* category 1..* MS
* category insert SlicedBy(pattern, $this)
* category contains type 1..1 MS
* category[type] = $type-communication#mis-message
* priority MS
* subject MS
* subject only Reference(Patient)
* about MS
* sent 1..1 MS
* recipient 1..* MS
* recipient only Reference(PractitionerRole or RelatedPerson or Patient or Organization)
* sender 1..1 MS
* sender only Reference(PractitionerRole or RelatedPerson or Patient or Organization)
* payload 1..* MS
* payload.content[x] MS
* payload.content[x] only string or Reference(DocumentReference or Media)

Invariant: mis-1
Description: "An exchange without a person names no Patient"
Severity: #error
Expression: "subject.empty() implies (descendants().ofType(Reference).where(type = 'Patient' or reference.matches('(^|/)Patient[/?]')).empty() and descendants().ofType(Reference).where(reference.startsWith('urn:')).where(resolve() is Patient).empty() and contained.where($this is Patient).empty())"
* insert HumanFrench([[Un échange sans personne ne désigne aucun patient]])

Invariant: mis-2
Description: "An exchange without a person holds no INS"
Severity: #error
Expression: "subject.empty() implies (descendants().ofType(Identifier).where(system.startsWith('urn:oid:1.2.250.1.213.1.4.')).empty() and (payload.content.ofType(string) | topic.text).where($this.replace(' ', '').replace('.', '').matches('(^|[^0-9])[1-478][0-9]{4}([0-9]{2}|2[AB])[0-9]{8}($|[^0-9])')).empty())"
* insert HumanFrench([[Un échange sans personne ne contient aucun INS]])

Invariant: mis-3
Description: "Only recipients read a message, each told once"
Severity: #error
Expression: "extension('https://cordee.example/fhir/StructureDefinition/lecture').extension('destinataire').value.reference.subsetOf(%resource.recipient.reference) and extension('https://cordee.example/fhir/StructureDefinition/lecture').extension('destinataire').value.reference.isDistinct()"
* insert HumanFrench([[Seuls les destinataires lisent un message, chacun n'étant mentionné qu'une fois]])

Invariant: mis-4
Description: "A message is read after it was sent"
Severity: #error
Expression: "sent.exists() implies extension('https://cordee.example/fhir/StructureDefinition/lecture').extension('date').value.all($this >= %resource.sent)"
* insert HumanFrench([[Un message est lu après avoir été envoyé]])

Extension: Lecture
Id: lecture
Title: "Reading of a message"
Description: "Which recipient read a message, and when."
Context: Communication
* insert French([[Lecture d'un message]])
* insert FrenchDescription([[Quel destinataire a lu un message, et quand.]])
* extension contains destinataire 1..1 and date 1..1
* extension[destinataire].value[x] 1..1
* extension[destinataire].value[x] only Reference(PractitionerRole or RelatedPerson or Patient or Organization)
* extension[date].value[x] 1..1
* extension[date].value[x] only dateTime

ValueSet: StatutConversation
Id: statut-conversation
Title: "Statuses of a conversation or a message"
Description: "The statuses of Communication that secure instant messaging uses."
* insert French([[Statuts d'une conversation ou d'un message]])
* $event-status#in-progress
* $event-status#completed
* $event-status#entered-in-error

CodeSystem: TypeCommunication
Id: type-communication
Title: "Types of communications"
Description: "What a Communication is, for us."
* insert French([[Types de communications]])
* ^language = #fr
* ^caseSensitive = true
* #mis-conversation "Conversation de messagerie instantanée sécurisée"
* #mis-conversation insert InEnglish([[Conversation of secure instant messaging]])
* #mis-message "Message de messagerie instantanée sécurisée"
* #mis-message insert InEnglish([[Message of secure instant messaging]])
* #mssante "Envoi par MSSanté" "La trace d'un courriel sécurisé"
* #mssante insert InEnglish([[Sent by MSSanté]])
