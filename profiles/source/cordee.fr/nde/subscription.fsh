// Wanting to know: who subscribes to which events of whom.

Profile: NdE_SubscriptionNdE
Parent: Subscription
Id: nde-subscription
Title: "Subscription to events"
Description: "Which kind of event, of which person, declared by whom, and who is told; the people it names are contained."
* insert French([[Abonnement à des évènements]])
* insert FrenchDescription([[Quel type d'évènement, pour quelle personne, déclaré par qui, et qui en est informé ; les personnes citées sont incluses dans la ressource.]])
* contained 1..
* contained only fr-core-patient or fr-core-patient-ins or fr-core-practitioner or fr-core-organization or fr-core-related-person
* extension contains
    subscription-date named SubscriptionDate 0..1 and
    start named Start 1..1 and
    subject named Subject 1..1 and
    declarant named Declarant 1..1 and
    event-type named EventType 1..1 and
    subscriber named Subscriber 1..1

Extension: NdE_SubscriptionDate
Id: subscription-date
Title: "Date of subscription"
Description: "When the subscription was asked for."
Context: Subscription
* insert French([[Date d'abonnement]])
* insert FrenchDescription([[Date à laquelle l'abonnement a été demandé.]])
* value[x] only dateTime

Extension: NdE_Start
Id: start
Title: "Start"
Description: "From when on events are notified."
Context: Subscription
* insert French([[Début]])
* insert FrenchDescription([[Date à partir de laquelle les évènements sont notifiés.]])
* value[x] only dateTime

Extension: NdE_Subject
Id: subject
Title: "Person concerned"
Description: "Whose events are notified."
Context: Subscription
* insert French([[Personne concernée]])
* insert FrenchDescription([[Personne dont les évènements sont notifiés.]])
* value[x] only Reference(fr-core-patient or fr-core-patient-ins)

Extension: NdE_Declarant
Id: declarant
Title: "Declarant"
Description: "Who declares the events: a structure or a professional."
Context: Element
* insert French([[Déclarant]])
* insert FrenchDescription([[Structure ou professionnel qui déclare les évènements.]])
* value[x] only Reference(fr-core-organization or fr-core-practitioner)

Extension: NdE_Subscriber
Id: subscriber
Title: "Subscriber"
Description: "Who subscribes."
Context: Subscription
* insert French([[Souscripteur]])
* insert FrenchDescription([[Personne ou structure qui s'abonne.]])
* value[x] only Reference(fr-core-patient or fr-core-patient-ins or fr-core-practitioner or fr-core-organization or fr-core-related-person)

Extension: NdE_EventType
Id: event-type
Title: "Kind of event"
Description: "What happens: an admission, a discharge …"
Context: Subscription, CommunicationRequest
* insert French([[Type d'évènement]])
* insert FrenchDescription([[Ce qui se produit : une admission, une sortie…]])
* value[x] only CodeableConcept
* value[x] from https://mos.esante.gouv.fr/NOS/JDV_J46-TypeEvenementNotification-CISIS/FHIR/JDV-J46-TypeEvenementNotification-CISIS (required)
