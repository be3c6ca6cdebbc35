// Something happened: it is declared, then those who subscribed are notified.

Invariant: event-subject
Description: "Either subject or about is there, not both"
Severity: #error
Expression: "subject.exists() xor about.exists()"
* insert HumanFrench([[Soit subject, soit about est présent, pas les deux]])

RuleSet: ContainedParties
* obeys event-subject
* contained 1..
* subject 1..
* subject only Reference(fr-core-patient or fr-core-patient-ins)
* subject ^type.aggregation = #contained
* payload 1..1
* requester 1..
* requester only Reference(fr-core-organization or fr-core-practitioner)
* requester ^type.aggregation = #contained

Profile: NdE_EventDeclarationNdE
Parent: CommunicationRequest
Id: nde-eventdeclaration
Title: "Declared event"
Description: "What happened to a person and when, told to the manager of subscriptions."
* insert French([[Évènement déclaré]])
* insert FrenchDescription([[Ce qui est arrivé à une personne et quand, transmis au gestionnaire d'abonnements.]])
* insert ContainedParties
* extension contains event-type named EventType 1..1 and event-time named EventTime 1..1

Profile: NdE_NotificationRequestNdE
Parent: CommunicationRequest
Id: nde-notificationrequest
Title: "Order to notify"
Description: "Whom to tell of an event and by which channel, because of one subscription."
* insert French([[Ordre de notification]])
* insert FrenchDescription([[À qui signaler un évènement et par quel canal, en vertu d'un abonnement.]])
* insert ContainedParties
* extension contains
    event-emission-time named EventEmissionTime 0..1 and
    event-time named EventTime 0..1 and
    event-type named EventType 1..1
* basedOn 1..1
* basedOn only Reference(nde-subscription)
* medium 1..1
* recipient 1..1
* recipient only Reference(fr-core-organization or fr-core-practitioner or fr-core-patient or fr-core-patient-ins or fr-core-related-person)
* recipient ^type.aggregation = #contained
* recipient.extension contains recipient-endpoint named RecipientEndpoint 1..1

Extension: NdE_EventTime
Id: event-time
Title: "Time of the event"
Description: "When it happened."
Context: CommunicationRequest
* insert French([[Date de l'évènement]])
* insert FrenchDescription([[Moment où l'évènement a eu lieu.]])
* value[x] only dateTime

Extension: NdE_EventEmissionTime
Id: event-emission-time
Title: "Time of the declaration"
Description: "When the event was declared."
Context: CommunicationRequest
* insert French([[Date d'émission]])
* insert FrenchDescription([[Moment où l'évènement a été déclaré.]])
* value[x] only dateTime

Extension: NdE_RecipientEndpoint
Id: recipient-endpoint
Title: "Address of the recipient"
Description: "Where the notification is sent."
Context: CommunicationRequest.recipient
* insert French([[Adresse du destinataire]])
* insert FrenchDescription([[Adresse à laquelle la notification est envoyée.]])
* value[x] 1..
* value[x] only url
