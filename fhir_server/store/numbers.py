"""The numbers that stand in the tables for types and methods, and the values there that only the store gives a meaning.

Numbers are stored: what has one keeps it.
"""

from __future__ import annotations

from typing import Final

from fhir_server.store.contract import Method

# The number of a type is its place in this list, from 1: a new type goes to the end.
# https://hl7.org/fhir/R4/resourcelist.html
_R4 = """
Account ActivityDefinition AdverseEvent AllergyIntolerance Appointment AppointmentResponse AuditEvent
Basic Binary BiologicallyDerivedProduct BodyStructure Bundle CapabilityStatement CarePlan CareTeam
CatalogEntry ChargeItem ChargeItemDefinition Claim ClaimResponse ClinicalImpression CodeSystem
Communication CommunicationRequest CompartmentDefinition Composition ConceptMap Condition Consent
Contract Coverage CoverageEligibilityRequest CoverageEligibilityResponse DetectedIssue Device
DeviceDefinition DeviceMetric DeviceRequest DeviceUseStatement DiagnosticReport DocumentManifest
DocumentReference EffectEvidenceSynthesis Encounter Endpoint EnrollmentRequest EnrollmentResponse
EpisodeOfCare EventDefinition Evidence EvidenceVariable ExampleScenario ExplanationOfBenefit
FamilyMemberHistory Flag Goal GraphDefinition Group GuidanceResponse HealthcareService ImagingStudy
Immunization ImmunizationEvaluation ImmunizationRecommendation ImplementationGuide InsurancePlan Invoice
Library Linkage List Location Measure MeasureReport Media Medication MedicationAdministration
MedicationDispense MedicationKnowledge MedicationRequest MedicationStatement MedicinalProduct
MedicinalProductAuthorization MedicinalProductContraindication MedicinalProductIndication
MedicinalProductIngredient MedicinalProductInteraction MedicinalProductManufactured
MedicinalProductPackaged MedicinalProductPharmaceutical MedicinalProductUndesirableEffect
MessageDefinition MessageHeader MolecularSequence NamingSystem NutritionOrder Observation
ObservationDefinition OperationDefinition OperationOutcome Organization OrganizationAffiliation
Parameters Patient PaymentNotice PaymentReconciliation Person PlanDefinition Practitioner
PractitionerRole Procedure Provenance Questionnaire QuestionnaireResponse RelatedPerson RequestGroup
ResearchDefinition ResearchElementDefinition ResearchStudy ResearchSubject RiskAssessment
RiskEvidenceSynthesis Schedule SearchParameter ServiceRequest Slot Specimen SpecimenDefinition
StructureDefinition StructureMap Subscription Substance SubstanceNucleicAcid SubstancePolymer
SubstanceProtein SubstanceReferenceInformation SubstanceSourceMaterial SubstanceSpecification
SupplyDelivery SupplyRequest Task TerminologyCapabilities TestReport TestScript ValueSet
VerificationResult VisionPrescription
"""
TYPES: Final = tuple(_R4.split())
TYPE_NUMBERS: Final[dict[str, int]] = {name: number for number, name in enumerate(TYPES, 1)}

METHODS: Final[tuple[Method, ...]] = ("POST", "PUT", "PATCH", "DELETE")
METHOD_NUMBERS: Final[dict[Method, int]] = {name: number for number, name in enumerate(METHODS, 1)}

# Parameters that only the store knows, as a type and a code, of entries that only it asks for: a target that no search
# parameter reaches; a date parameter that has several values in a resource.
ANY_PARAMETER: Final = ("*", "target")
SEVERAL_VALUES: Final = ("*", "several")

# Without a main date, the moment is that of the creation, so much earlier: behind all that have one, the latest first.
UNDATED: Final = -(2**62)
SHORT_SPAN: Final = 86_400_000_000  # µs: nearly all dates are a day, a second or less
