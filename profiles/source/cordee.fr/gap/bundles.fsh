// The answers to searches for free slots and for appointments.

Alias: $as-organization = https://interop.esante.gouv.fr/ig/fhir/annuaire/StructureDefinition/as-organization
Alias: $as-practitioner = https://interop.esante.gouv.fr/ig/fhir/annuaire/StructureDefinition/as-practitioner
Alias: $as-practitionerrole = https://interop.esante.gouv.fr/ig/fhir/annuaire/StructureDefinition/as-practitionerrole

RuleSet: FoundInAgenda(slice, profile, mode)
* entry[{slice}].resource 1..
* entry[{slice}].resource only {profile}
* entry[{slice}].search.mode = #{mode}
* entry[{slice}].request 0..0
* entry[{slice}].response 0..0

RuleSet: FoundAround
* entry contains
    Schedule 0..* and
    Patient 0..* and
    Practitioner 0..* and
    PractitionerRole 0..* and
    Device 0..* and
    Location 0..* and
    HealthcareService 0..* and
    Organization 0..* and
    RelatedPerson 0..*
* insert FoundInAgenda(Schedule, fr-core-schedule, include)
* insert FoundInAgenda(Patient, fr-core-patient, include)
* insert FoundInAgenda(Practitioner, $as-practitioner, include)
* insert FoundInAgenda(PractitionerRole, $as-practitionerrole, include)
* insert FoundInAgenda(Device, Device, include)
* insert FoundInAgenda(Location, fr-core-location, include)
* insert FoundInAgenda(HealthcareService, fr-core-healthcare-service, include)
* insert FoundInAgenda(Organization, $as-organization, include)
* insert FoundInAgenda(RelatedPerson, fr-core-related-person, include)

Profile: GAP_BundleResultatReponseADemandeConsultationDisponibilite
Parent: Bundle
Id: gap-bundle-reponse-demande-consult-dispo
Title: "Slots that were found"
Description: "The slots that match a search, with their agendas and whose they are."
* insert French([[Créneaux trouvés]])
* insert FrenchDescription([[Les créneaux qui répondent à une recherche, avec leurs agendas et ceux à qui ils appartiennent.]])
* type = #searchset
* entry insert SlicedBy(profile, resource)
* entry contains Slot 0..*
* insert FoundInAgenda(Slot, fr-core-slot, match)
* insert FoundAround

Profile: GAP_BundleResultatReponseADemandeConsultationRDV
Parent: Bundle
Id: gap-bundle-reponse-demande-consult-rdv
Title: "Appointments that were found"
Description: "The appointments that match a search, with their slots, agendas and participants."
* insert French([[Rendez-vous trouvés]])
* insert FrenchDescription([[Les rendez-vous qui répondent à une recherche, avec leurs créneaux, agendas et participants.]])
* type = #searchset
* entry insert SlicedBy(profile, resource)
* entry contains Appointment 0..* and Slot 0..*
* insert FoundInAgenda(Appointment, fr-core-appointment, match)
* insert FoundInAgenda(Slot, fr-core-slot, include)
* insert FoundAround
