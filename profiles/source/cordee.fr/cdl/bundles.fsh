// The transactions that make and change a note, and the answer to a search for notes.

Invariant: req-met-1
Description: "POST for what is new, PUT for what is there already"
Severity: #error
Expression: "value='POST' or value='PUT'"
* insert HumanFrench([[POST pour un nouvel élément, PUT pour un élément existant]])

RuleSet: WrittenActor(slice, profile)
* entry[{slice}].resource 1..
* entry[{slice}].resource only {profile}
* entry[{slice}].request.method obeys req-met-1
* entry[{slice}].response 0..0

RuleSet: WrittenNote(method)
* type = #transaction
* entry 1..
* entry contains
    DocumentReference 1..1 and
    Patient 0..1 and
    Practitioner 0..1 and
    PractitionerRole 0..* and
    Organization 0..1 and
    RelatedPerson 0..1 and
    Device 0..1
* entry[DocumentReference].resource 1..
* entry[DocumentReference].resource only cdl-document-reference
* entry[DocumentReference].request.method = #{method}
* entry[DocumentReference].response 0..0
* insert WrittenActor(Patient, fr-core-patient)
* insert WrittenActor(Practitioner, $as-practitioner)
* insert WrittenActor(PractitionerRole, $as-practitionerrole)
* insert WrittenActor(Organization, $as-organization)
* insert WrittenActor(RelatedPerson, fr-core-related-person)
* insert WrittenActor(Device, Device)

RuleSet: FoundNote(slice, profile, mode)
* entry[{slice}].resource 1..
* entry[{slice}].resource only {profile}
* entry[{slice}].search.mode = #{mode}
* entry[{slice}].request 0..0
* entry[{slice}].response 0..0

Profile: CdLBundleCreationNote
Parent: Bundle
Id: cdl-bundle-creation-note
Title: "Creation of a note"
Description: "One transaction with a new note, its author, and the person it speaks of."
* insert French([[Création d'une note]])
* insert FrenchDescription([[Une transaction avec une nouvelle note, son auteur et la personne concernée.]])
* ^status = #draft
* entry insert SlicedBy(type, resource)
* insert WrittenNote(POST)

Profile: CdLBundleMAJNote
Parent: Bundle
Id: cdl-bundle-maj-note
Title: "Change of a note"
Description: "One transaction with a note that is there already."
* insert French([[Mise à jour d'une note]])
* insert FrenchDescription([[Une transaction avec une note existante.]])
* ^status = #draft
* entry insert SlicedBy(profile, resource)
* insert WrittenNote(PUT)

Profile: CdLBundleResultatRechercheNotes
Parent: Bundle
Id: cdl-bundle-resultat-recherche-notes
Title: "Notes that were found"
Description: "The notes that match a search, and with them the people and structures they name."
* insert French([[Notes trouvées]])
* insert FrenchDescription([[Les notes qui répondent à une recherche, avec les personnes et structures qu'elles citent.]])
* ^status = #draft
* type = #searchset
* entry insert SlicedBy(type, resource)
* entry contains
    DocumentReference 0..* and
    Patient 0..* and
    Practitioner 0..* and
    PractitionerRole 0..* and
    Organization 0..* and
    RelatedPerson 0..* and
    Device 0..*
* insert FoundNote(DocumentReference, cdl-document-reference, match)
* insert FoundNote(Patient, fr-core-patient, include)
* insert FoundNote(Practitioner, $as-practitioner, include)
* insert FoundNote(PractitionerRole, $as-practitionerrole, include)
* insert FoundNote(Organization, $as-organization, include)
* insert FoundNote(RelatedPerson, fr-core-related-person, include)
* insert FoundNote(Device, Device, include)
