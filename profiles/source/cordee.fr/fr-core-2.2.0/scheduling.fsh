// Schedules, slots, appointments and the services behind them.

Profile: FRCoreAppointmentProfile
Parent: Appointment
Id: fr-core-appointment
Title: "Appointment"
* insert French([[Rendez-vous]])
* meta.profile insert SlicedBy(value, $this)
* meta.profile contains fr-canonical 0..1
* meta.profile[fr-canonical] = "https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-appointment|2.2.0"
* extension contains fr-core-appointment-operator named appointmentOperator 0..1
* specialty from fr-core-vs-practitioner-specialty (required)
* slot only Reference(fr-core-slot)
* participant.actor only Reference(Device or PractitionerRole or fr-core-related-person or fr-core-healthcare-service or fr-core-practitioner or fr-core-patient or fr-core-location)

Profile: FRCoreHealthcareServiceProfile
Parent: HealthcareService
Id: fr-core-healthcare-service
Title: "Service offered"
* insert French([[Service proposé]])
* meta.profile insert SlicedBy(value, $this)
* meta.profile contains fr-canonical 0..1
* meta.profile[fr-canonical] = "https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-healthcare-service|2.2.0"
* extension contains fr-core-service-type-duration named serviceTypeDuration 0..*
* identifier.use from http://hl7.org/fhir/ValueSet/identifier-use (required)
* providedBy only Reference(fr-core-organization)
* category ..1
* specialty from fr-core-vs-practitioner-specialty (preferred)
* location only Reference(fr-core-location)
* telecom only fr-core-contact-point
* coverageArea only Reference(fr-core-location)

Profile: FRCoreScheduleProfile
Parent: Schedule
Id: fr-core-schedule
Title: "Schedule"
* insert French([[Agenda]])
* meta.profile insert SlicedBy(value, $this)
* meta.profile contains fr-canonical 0..1
* meta.profile[fr-canonical] = "https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-schedule|2.2.0"
* extension contains fr-core-service-type-duration named serviceTypeDuration 0..*
* extension contains fr-core-schedule-availability-time named availabilityTime 0..*
* serviceCategory ..1
* serviceType ..0
* specialty from fr-core-vs-practitioner-specialty (required)
* actor only Reference(Device or fr-core-practitioner-role or fr-core-related-person or fr-core-healthcare-service or fr-core-location or fr-core-patient or fr-core-practitioner)

Profile: FRCoreSlotProfile
Parent: Slot
Id: fr-core-slot
Title: "Slot of a schedule"
* insert French([[Créneau d'un agenda]])
* meta.profile insert SlicedBy(value, $this)
* meta.profile contains fr-canonical 0..1
* meta.profile[fr-canonical] = "https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-slot|2.2.0"
* identifier.use from http://hl7.org/fhir/ValueSet/identifier-use (required)
* serviceCategory ..1
* specialty from fr-core-vs-practitioner-specialty (required)
* schedule only Reference(fr-core-schedule)
* status from http://hl7.org/fhir/ValueSet/slotstatus (required)

Extension: FRCoreAppointmentOperatorExtension
Id: fr-core-appointment-operator
Title: "Who made the appointment"
Context: Appointment
* insert French([[Opérateur du rendez-vous]])
* valueReference 0..1
* valueReference only Reference(fr-core-organization or fr-core-practitioner or fr-core-patient or RelatedPerson)

Extension: FRCoreScheduleAvailabilityTimeExtension
Id: fr-core-schedule-availability-time
Title: "When somebody is available"
Context: Schedule
* insert French([[Disponibilités]])
* extension 4..
* extension contains type 1..1
* extension[type].value[x] only Coding
* extension[type].value[x] from fr-core-vs-schedule-type (extensible)
* extension contains rrule 0..1
* extension[rrule].extension 1..
* extension[rrule].extension contains freq 1..1
* extension[rrule].extension[freq].value[x] only Coding
* extension[rrule].extension[freq].value[x] from fr-core-vs-availability-time-rule (required)
* extension[rrule].extension[freq].value[x].system = "https://www.ietf.org/rfc/rfc2445"
* extension[rrule].extension contains until 0..1
* extension[rrule].extension[until].value[x] only dateTime
* extension[rrule].extension contains count 0..1
* extension[rrule].extension[count].value[x] only integer
* extension[rrule].extension contains interval 0..1
* extension[rrule].extension[interval].value[x] only integer
* extension[rrule].extension contains bySecond 0..*
* extension[rrule].extension[bySecond].value[x] only positiveInt
* extension[rrule].extension contains byMinute 0..*
* extension[rrule].extension[byMinute].value[x] only positiveInt
* extension[rrule].extension contains byHour 0..*
* extension[rrule].extension[byHour].value[x] only positiveInt
* extension[rrule].extension contains byDay 0..*
* extension[rrule].extension[byDay].value[x] only string
* extension[rrule].extension contains byMonthDay 0..*
* extension[rrule].extension[byMonthDay].value[x] only integer
* extension[rrule].extension contains byYearDay 0..*
* extension[rrule].extension[byYearDay].value[x] only string
* extension[rrule].extension contains byWeekNo 0..*
* extension[rrule].extension[byWeekNo].value[x] only integer
* extension[rrule].extension contains byMonth 0..*
* extension[rrule].extension[byMonth].value[x] only positiveInt
* extension[rrule].extension contains wkst 0..*
* extension[rrule].extension[wkst].value[x] only code
* extension[rrule].extension[wkst].value[x] from http://hl7.org/fhir/ValueSet/days-of-week (required)
* extension contains start 1..1
* extension[start].value[x] only dateTime
* extension contains end 1..1
* extension[end].value[x] only dateTime
* extension contains identifier 1..*
* extension[identifier].value[x] only Identifier
* extension contains unavailabilityReason 0..1
* extension[unavailabilityReason].value[x] only CodeableConcept
* extension[unavailabilityReason].value[x] from fr-core-vs-schedule-unavailability-reason (extensible)
* extension contains created 0..1
* extension[created].value[x] only dateTime
* extension contains priority 0..1
* extension[priority].value[x] only integer

Extension: FRCoreServiceTypeDurationExtension
Id: fr-core-service-type-duration
Title: "How long a service lasts"
Context: PractitionerRole, HealthcareService, Schedule
* insert French([[Durée d'un service]])
* extension 1..
* extension contains serviceType 1..1
* extension[serviceType].value[x] only CodeableConcept
* extension[serviceType].value[x] from http://hl7.org/fhir/ValueSet/service-type (example)
* extension contains duration 0..1
* extension[duration].value[x] only Duration

ValueSet: FRCoreValueSetAvailabilityTimeRule
Id: fr-core-vs-availability-time-rule
Title: "Whether available or not"
* insert French([[Règles de disponibilité]])
* https://www.ietf.org/rfc/rfc2445#SECONDLY
* https://www.ietf.org/rfc/rfc2445#MINUTELY
* https://www.ietf.org/rfc/rfc2445#HOURLY
* https://www.ietf.org/rfc/rfc2445#DAILY
* https://www.ietf.org/rfc/rfc2445#WEEKLY
* https://www.ietf.org/rfc/rfc2445#MONTHLY
* https://www.ietf.org/rfc/rfc2445#YEARLY

ValueSet: FRCoreValueSetScheduleType
Id: fr-core-vs-schedule-type
Title: "Kinds of schedules"
* insert French([[Types d'agendas]])
* fr-core-cs-schedule-type#busy-unavailable
* fr-core-cs-schedule-type#free

ValueSet: FRCoreValueSetUnavailabilityReason
Id: fr-core-vs-schedule-unavailability-reason
Title: "Reasons not to be available"
* insert French([[Motifs d'indisponibilité]])
* fr-core-cs-schedule-type#busy-unavailable

CodeSystem: FRCoreCodeSystemScheduleType
Id: fr-core-cs-schedule-type
Title: "Kinds of schedules"
* insert French([[Types d'agendas]])
* #busy-unavailable "Indisponibilité"
* #free "Disponibilité"
