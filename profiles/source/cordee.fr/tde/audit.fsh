// A trace, and the answer to a search for traces.

Profile: TDEAuditEvent
Parent: AuditEvent
Id: tde-auditevent
Title: "Trace of an event"
Description: "Who did what when, with one or two parties, of whom each is named."
* insert French([[Trace d'un évènement]])
* insert FrenchDescription([[Qui a fait quoi et quand, avec un ou deux acteurs, chacun identifié.]])
* subtype ..1
* period.start 1..
* agent ..2
* agent.who 1..
* source.observer only Reference(Device or PractitionerRole or Practitioner or fr-core-practitioner or fr-core-practitioner-role or RelatedPerson or fr-core-related-person or Organization or fr-core-organization or Patient or fr-core-patient-ins or fr-core-patient)

Profile: TDEBundleResultatReponseRechercheTraces
Parent: Bundle
Id: TDEBundleResultatReponseRechercheTraces
Title: "Traces that were found"
Description: "The answer to a search for traces."
* insert French([[Traces trouvées]])
* insert FrenchDescription([[La réponse à une recherche de traces.]])
* entry insert SlicedBy(profile, resource)
* entry contains AuditEvent 0..*
* entry[AuditEvent].link ..1
* entry[AuditEvent].resource 1..
* entry[AuditEvent].resource only tde-auditevent
