// What a trace says of those who act, beyond what AuditEvent has elements for.

Extension: TraceOrganisation
Id: trace-organisation
Title: "Organisation of who acted"
Description: "The organisation for which a person or a system acted. AuditEvent has no element for it."
Context: AuditEvent.agent
* insert French([[Organisation de l'acteur]])
* insert FrenchDescription([[L'organisation pour laquelle une personne ou un système a agi. AuditEvent n'a pas d'élément pour la dire.]])
* value[x] 1..1
* value[x] only Reference(Organization)

Extension: TraceLogiciel
Id: trace-logiciel
Title: "Software of who acted"
Description: "The client through which a person or a system acted, by its identifier at the issuer of its token."
Context: AuditEvent.agent
* insert French([[Logiciel de l'acteur]])
* insert FrenchDescription([[Le client par lequel une personne ou un système a agi, selon son identifiant chez l'émetteur du jeton.]])
* value[x] 1..1
* value[x] only Identifier
