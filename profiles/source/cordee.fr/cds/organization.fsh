// Organisations in a circle of care. Published, they build upon as-organization of annuaire 1.1.0: what that asks is said
// here, because an as-organization without version is the one of the annuaire that we hold.

Alias: $as-organization = https://interop.esante.gouv.fr/ig/fhir/annuaire/StructureDefinition/as-organization|1.1.0
Alias: $fr-core-organization = https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-organization|2.1.0
Alias: $other-identifiers = https://mos.esante.gouv.fr/NOS/TRE_R345-TypeIdentifiantAutre/FHIR/TRE-R345-TypeIdentifiantAutre
Alias: $annuaire-organization-types = https://interop.esante.gouv.fr/ig/fhir/annuaire/StructureDefinition/as-ext-organization-types
Alias: $annuaire-type-etablissement = https://interop.esante.gouv.fr/ig/fhir/annuaire/ValueSet/as-vs-type-etablissement

// A type of its own kind: the extension names the slice, the codes are of one value set.
RuleSet: TypeOfKind(slice, values)
* type[{slice}] from {values} (required)
* type[{slice}].extension 1..
* type[{slice}].extension contains $annuaire-organization-types named as-ext-organization-types 1..1
* type[{slice}].extension[as-ext-organization-types].value[x] = #{slice}

Profile: CDSAsOrganization
Parent: fr-core-organization
Id: cds-organization
Title: "Organisation in a circle of care"
Description: "A structure of the national directory, or a part of one that has an identifier of its own."
* insert French([[Structure membre d'un cercle de soins]])
* insert FrenchDescription([[Structure de l'annuaire national, ou organisation interne d'une structure avec son propre identifiant.]])
* insert AsOrganization
* identifier contains identifierOI 0..1 MS
* identifier[identifierOI].type 1.. MS
* identifier[identifierOI].type = $other-identifiers#42
* partOf only Reference($fr-core-organization or $as-organization or $cds-organization)

// A structure of the national directory, as the guides of fr-core 2.1.0 know it.
RuleSet: AsOrganization
* meta.extension contains https://interop.esante.gouv.fr/ig/fhir/annuaire/StructureDefinition/as-ext-data-trace named as-ext-data-trace 0..1 MS
* extension contains
    https://interop.esante.gouv.fr/ig/fhir/annuaire/StructureDefinition/as-ext-digital-certificate named as-ext-digital-certificate 0..1 MS and
    https://interop.esante.gouv.fr/ig/fhir/annuaire/StructureDefinition/as-ext-organization-pharmacy-licence named as-ext-organization-pharmacy-licence 0..* MS and
    https://interop.esante.gouv.fr/ig/fhir/annuaire/StructureDefinition/as-ext-organization-pricing-model named as-ext-organization-pricing-model 0..1 MS and
    https://interop.esante.gouv.fr/ig/fhir/annuaire/StructureDefinition/as-ext-organization-closing-type named as-ext-organization-closing-type 0..1 MS and
    https://interop.esante.gouv.fr/ig/fhir/annuaire/StructureDefinition/as-ext-organization-budget-type named as-ext-organization-budget-type 0..1 MS and
    https://interop.esante.gouv.fr/ig/fhir/annuaire/StructureDefinition/as-ext-organization-authorization-deadline named as-ext-organization-authorization-deadline 0..1 MS
* identifier[idNatSt] MS
* active MS
* type MS
* type contains
    activiteINSEE 0..1 and
    statutJuridiqueINSEE 0..1 and
    sphParticipation 0..1 and
    typeEtablissement 0..1
* insert TypeOfKind(organizationType, fr-core-vs-organization-type)
* insert TypeOfKind(secteurActiviteRASS, https://mos.esante.gouv.fr/NOS/JDV_J101-SecteurActivite-RASS/FHIR/JDV-J101-SecteurActivite-RASS)
* type[categorieEtablissementRASS] from https://mos.esante.gouv.fr/NOS/JDV_J129-CategorieEtablissement-RASS/FHIR/JDV-J129-CategorieEtablissement-RASS (required)
* insert TypeOfKind(activiteINSEE, https://mos.esante.gouv.fr/NOS/JDV_J99-InseeNAFrav2Niveau5-RASS/FHIR/JDV-J99-InseeNAFrav2Niveau5-RASS)
* insert TypeOfKind(statutJuridiqueINSEE, https://mos.esante.gouv.fr/NOS/JDV_J100-FinessStatutJuridique-RASS/FHIR/JDV-J100-FinessStatutJuridique-RASS)
* insert TypeOfKind(sphParticipation, https://mos.esante.gouv.fr/NOS/JDV_J162-ESPIC-RASS/FHIR/JDV-J162-ESPIC-RASS)
* insert TypeOfKind(typeEtablissement, $annuaire-type-etablissement)
* name MS
* alias MS
* telecom MS
* telecom insert SlicedBy(value, system)
* telecom insert AlsoBy(exists, [[extension('https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-contact-point-email-type')]])
* telecom contains mailbox-mss 0..*
* telecom[mailbox-mss] only https://interop.esante.gouv.fr/ig/fhir/annuaire/StructureDefinition/as-mailbox-mss
* address MS
* address only https://interop.esante.gouv.fr/ig/fhir/annuaire/StructureDefinition/as-address-extended
* endpoint MS
