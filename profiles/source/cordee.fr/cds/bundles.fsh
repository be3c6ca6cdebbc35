// The transactions that make and change a circle of care, and the answer to a search for one.

Invariant: req-met
Description: "POST for what is new, PUT for what is there already"
Severity: #error
Expression: "value='POST' or value='PUT'"
* insert HumanFrench([[POST pour un nouvel élément, PUT pour un élément existant]])

RuleSet: Written(slice, profile)
* entry[{slice}].resource 1..
* entry[{slice}].resource only {profile}
* entry[{slice}].request.method obeys req-met
* entry[{slice}].response 0..0

RuleSet: WrittenCircle
* insert Written(careTeam, cds-ihe-careteam)
* insert Written(patient, $fr-core-patient)
* insert Written(relatedPerson, cds-fr-related-person)
* insert Written(organization, cds-organization)
* insert Written(practitionerRoleOrg, $as-practitionerrole)
* insert Written(practitionerPro, $as-practitioner)

RuleSet: Found(slice, profile, mode)
* entry[{slice}].resource 1..
* entry[{slice}].resource only {profile}
* entry[{slice}].search.mode = #{mode}
* entry[{slice}].request 0..0
* entry[{slice}].response 0..0

Profile: CDSBundleTransactionCreation
Parent: Bundle
Id: cds-bundle-transaction-creation
Title: "Creation of a circle of care"
Description: "One transaction with the circle of care, the person cared for, and the members."
* insert French([[Création d'un cercle de soins]])
* insert FrenchDescription([[Une transaction avec le cercle de soins, la personne prise en charge et les membres.]])
* type = #transaction
* entry 2..
* entry insert SlicedBy(profile, resource)
* entry contains
    careTeam 1..1 and
    patient 1..1 and
    relatedPerson 0..* and
    organization 0..* and
    practitionerRoleOrg 0..* and
    practitionerPro 0..*
* insert WrittenCircle

Profile: CDSBundleTransactionMAJ
Parent: Bundle
Id: cds-bundle-transaction-maj
Title: "Change of a circle of care"
Description: "One transaction with what changes: the circle, the person cared for, or members."
* insert French([[Mise à jour d'un cercle de soins]])
* insert FrenchDescription([[Une transaction avec ce qui change : le cercle, la personne prise en charge ou des membres.]])
* type = #transaction
* entry 1..
* entry insert SlicedBy(profile, resource)
* entry contains
    careTeam 0..* and
    patient 0..* and
    relatedPerson 0..* and
    organization 0..* and
    practitionerRoleOrg 0..* and
    practitionerPro 0..*
* insert WrittenCircle

Profile: CDSBundleResponseRecherche
Parent: Bundle
Id: cds-bundle-response-recherche
Title: "Circles of care that were found"
Description: "The circles that match a search, and with them the people and structures they name."
* insert French([[Cercles de soins trouvés]])
* insert FrenchDescription([[Les cercles qui répondent à une recherche, avec les personnes et structures qu'ils citent.]])
* type = #searchset
* entry insert SlicedBy(profile, resource)
* entry contains
    careTeam 0..* and
    patient 0..* and
    relatedPerson 0..* and
    organization 0..* and
    practitionerRoleOrg 0..* and
    practitionerPro 0..*
* insert Found(careTeam, cds-ihe-careteam, match)
* insert Found(patient, $fr-core-patient, include)
* insert Found(relatedPerson, cds-fr-related-person, include)
* insert Found(organization, cds-organization, include)
* insert Found(practitionerRoleOrg, $as-practitionerrole, include)
* insert Found(practitionerPro, $as-practitioner, include)
