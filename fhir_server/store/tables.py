"""The tables, as SQLAlchemy Core describes them, and the small numbers that stand for types and methods in them.

Migrations make the tables; a test holds the two together. `resource` has the current version of everything that was
ever created (a deleted one without its body), `version` what was superseded, so that history is one ∪ the other. The
`entry` tables are the search index: narrow, and keyed so that an index scan is already in the order of the result.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Sequence,
    SmallInteger,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import TSVECTOR

from fhir_server.search.sight import UNSTAMPED
from fhir_server.store.contract import Method

metadata = MetaData()

# Without a main date, the moment is that of the creation, so much earlier: behind all that have one, the latest first.
UNDATED: Final = -(2**62)
SHORT_SPAN: Final = 86_400_000_000  # µs: nearly all dates are a day, a second or less

# The stamp, in ms, that a history has shown everything up to: see `watermark.py`.
fence = Sequence("fence", metadata=metadata, minvalue=0, start=0)


def _stamp() -> tuple[Column[Any], ...]:
    """What decides who sees a version: see `seeing.py`."""
    return (
        Column("cell", SmallInteger, nullable=False, server_default="62"),
        Column("labels", SmallInteger, nullable=False, server_default="0"),
        Column("owner", BigInteger),  # the hash of the organisation that wrote it
        Column("parties", ARRAY(BigInteger)),
        Column("persons", ARRAY(BigInteger)),  # where there are several
        Column("stamp", Text),  # the same in names, for those who write the next version
    )


resource = Table(
    "resource",
    metadata,
    Column("pk", BigInteger, primary_key=True, autoincrement=False),  # made by `ids.py`
    Column("self", BigInteger, nullable=False),  # the hash of `Patient/123`: stands for unique (type, id)
    Column("type", SmallInteger, nullable=False),
    Column("id", Text(collation="C"), nullable=False),
    Column("version", Integer, nullable=False),
    Column("updated", BigInteger, nullable=False),  # µs
    Column("compartment", BigInteger),  # the hash of the patient it belongs to
    Column("moment", BigInteger, nullable=False),  # µs: where the main date of the type ends; see `UNDATED`
    Column("method", SmallInteger, nullable=False),
    Column("deleted", Boolean, nullable=False),
    Column("present", ARRAY(BigInteger), nullable=False),  # the parameters that have a value
    Column("refs", ARRAY(BigInteger), nullable=False),  # parameter, target, parameter, target …
    Column("body", LargeBinary),
    *_stamp(),
    Index("resource_self", "self", unique=True),
    Index("resource_updated", "type", "updated", "pk"),
    Index("resource_live", "type", "pk", postgresql_where=text("not deleted")),
    # For those who see what is about some persons alone: see `tied.py`.
    Index(
        "resource_person",
        "compartment",
        "type",
        "pk",
        postgresql_where=text(f"not deleted and cell < {UNSTAMPED.cell}"),
    ),
    Index(
        "resource_cell",
        "type",
        "cell",
        "pk",
        postgresql_where=text("not deleted and compartment is not null"),
    ),
    Index("resource_deleted", "compartment", postgresql_where=text("deleted")),
)

version = Table(
    "version",
    metadata,
    Column("pk", BigInteger, primary_key=True, autoincrement=False),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("type", SmallInteger, nullable=False),
    Column("compartment", BigInteger),
    Column("updated", BigInteger, nullable=False),
    Column("until", BigInteger, nullable=False),  # µs: when the next version took its place
    Column("method", SmallInteger, nullable=False),
    Column("deleted", Boolean, nullable=False),
    Column("body", LargeBinary),
    *_stamp(),
    Index("version_updated", "type", "updated", "pk", "version"),
)

entry = Table(
    "entry",
    metadata,
    Column("key", BigInteger, primary_key=True, autoincrement=False),
    Column("space", BigInteger, primary_key=True, autoincrement=False),
    Column("moment", BigInteger, primary_key=True, autoincrement=False),
    Column("pk", BigInteger, primary_key=True, autoincrement=False),
)

entry_string = Table(
    "entry_string",
    metadata,
    Column("parameter", BigInteger, primary_key=True, autoincrement=False),
    Column("value", Text(collation="C"), primary_key=True),
    Column("pk", BigInteger, primary_key=True, autoincrement=False),
    Index("entry_string_pk", "pk"),
)

entry_date = Table(
    "entry_date",
    metadata,
    Column("parameter", BigInteger, primary_key=True, autoincrement=False),
    Column("low", BigInteger, primary_key=True, autoincrement=False),
    Column("high", BigInteger, primary_key=True, autoincrement=False),
    Column("pk", BigInteger, primary_key=True, autoincrement=False),
    Index("entry_date_high", "parameter", "high", "low", "pk"),
    Index("entry_date_pk", "pk"),
    Index(
        "entry_date_wide",
        "parameter",
        "high",
        "low",
        "pk",
        postgresql_where=text(f"low < (high - '{SHORT_SPAN}'::bigint)"),
    ),
)

entry_quantity = Table(
    "entry_quantity",
    metadata,
    Column("parameter", BigInteger, primary_key=True, autoincrement=False),
    Column("unit", BigInteger, primary_key=True, autoincrement=False),
    Column("low", Float(53), primary_key=True, autoincrement=False),
    Column("high", Float(53), primary_key=True, autoincrement=False),
    Column("pk", BigInteger, primary_key=True, autoincrement=False),
    Index("entry_quantity_pk", "pk"),
    Index(
        "entry_quantity_wide", "parameter", "unit", "high", "low", "pk", postgresql_where=text("low < high")
    ),
)

# What all resources say in texts: the words beside a code, uris. A row outlives the last resource that said so.
entry_term = Table(
    "entry_term",
    metadata,
    Column("parameter", BigInteger, primary_key=True, autoincrement=False),
    Column("value", Text(collation="C"), primary_key=True),
    Column("key", BigInteger, primary_key=True, autoincrement=False),  # of the token that stands for it
)

# The words of a resource, with their places, and how far they have been taken: see `fulltext.py`.
entry_text = Table(
    "entry_text",
    metadata,
    Column("pk", BigInteger, primary_key=True, autoincrement=False),
    Column("words", TSVECTOR, nullable=False),
    Index("entry_text_words", "words", postgresql_using="gin"),
)

text_mark = Table(
    "text_mark",
    metadata,
    Column("updated", BigInteger, primary_key=True, autoincrement=False),  # µs
    Column("pk", BigInteger, primary_key=True, autoincrement=False),
)

import_file = Table(
    "import_file",
    metadata,
    Column("sha256", Text(collation="C"), primary_key=True),
    Column("at", BigInteger, nullable=False),  # µs
)

# How often the search parameters in force have changed, in one row; `gate` is what writes are held to, and follows it:
# see `definitions.py`.
generation = Table(
    "generation", metadata, Column("number", BigInteger, primary_key=True, autoincrement=False)
)

gate = Sequence("gate", metadata=metadata, minvalue=0, start=0)

# Types whose index rows are made anew, and how far that has come.
reindex = Table(
    "reindex",
    metadata,
    Column("type", SmallInteger, primary_key=True, autoincrement=False),
    Column("codes", ARRAY(Text), nullable=False),  # `Type.code` of what no search may use meanwhile
    Column("holding", ARRAY(Text)),  # only what contains one of these types is looked at; null: everything
    Column("exact", Boolean, nullable=False),  # rows that ought not to be there are removed too
    Column("base", Text, nullable=False),  # the public base URL below which references are local
    Column("since", BigInteger, nullable=False),  # the generation in which it began, or began again
    Column("position", BigInteger, nullable=False),  # the pk up to which it is done
    Column("done", BigInteger, nullable=False),  # resources
    Column("total", BigInteger),  # resources; null: not counted yet
)

# Large code systems, by version; see `codes.py`.
code_system_pk = Sequence("code_system_pk", metadata=metadata)

code_system = Table(
    "code_system",
    metadata,
    Column("pk", Integer, primary_key=True, autoincrement=False),
    Column("url", Text(collation="C"), nullable=False),
    Column("version", Text(collation="C"), nullable=False),  # empty: it has none
    Column("sha256", Text(collation="C"), nullable=False),  # of the files that it was loaded from
    Column("loaded", BigInteger, nullable=False),  # µs
    Column("count", Integer, nullable=False),  # concepts
    Column("head", LargeBinary, nullable=False),  # the CodeSystem without its concepts, as JSON
    Index("code_system_url", "url", "version", unique=True),
)

concept = Table(
    "concept",
    metadata,
    Column("system", Integer, primary_key=True, autoincrement=False),
    Column(
        "place", Integer, primary_key=True, autoincrement=False
    ),  # in the order of the code system, from 0
    Column("key", Text(collation="C"), nullable=False),  # the code; folded where case does not matter
    Column("tree", LargeBinary, nullable=False),  # CodeSystem.concept, as JSON
    Index("concept_key", "system", "key", unique=True),
)

concept_parent = Table(
    "concept_parent",
    metadata,
    Column("system", Integer, primary_key=True, autoincrement=False),
    Column("place", Integer, primary_key=True, autoincrement=False),
    Column("parent", Integer, primary_key=True, autoincrement=False),  # its place
)

# Which places of a code system have what: see `terminology/indexing.py`.
concept_term = Table(
    "concept_term",
    metadata,
    Column("system", Integer, primary_key=True, autoincrement=False),
    Column("kind", SmallInteger, primary_key=True, autoincrement=False),
    Column("key", Text(collation="C"), primary_key=True),
    Column("places", LargeBinary, nullable=False),
)

# Packages that an operator installed: see `packages.py`.
package = Table(
    "package",
    metadata,
    Column("name", Text(collation="C"), primary_key=True),
    Column("version", Text(collation="C"), primary_key=True),
    Column("canonical", Text, nullable=False),
    Column("dependencies", Text, nullable=False),  # JSON: name → version
    Column("sha256", Text, nullable=False),
    Column("installed", BigInteger, nullable=False),  # µs
)

package_definition = Table(
    "package_definition",
    metadata,
    Column("name", Text(collation="C"), primary_key=True),
    Column("version", Text(collation="C"), primary_key=True),
    Column("kind", Text(collation="C"), primary_key=True),
    Column("url", Text(collation="C"), primary_key=True),
    Column("own_version", Text(collation="C"), primary_key=True),
    Column("id", Text(collation="C"), nullable=False),
    Column("packed", LargeBinary, nullable=False),  # JSON, by `zlib`
    ForeignKeyConstraint(["name", "version"], ["package.name", "package.version"], ondelete="CASCADE"),
)

# Resources that are copies of packaged definitions: see `definitions.py`.
published = Table(
    "published",
    metadata,
    Column("type", SmallInteger, primary_key=True, autoincrement=False),
    Column("id", Text(collation="C"), primary_key=True),
    Column("digest", Text, nullable=False),  # of what was published
)

# How often the definitions to judge by have changed, in one row: see `telling.py`.
edition = Table("edition", metadata, Column("number", BigInteger, primary_key=True, autoincrement=False))

# Who is tied to whom, and how: see `search/sight.py`. Rows of one person are written together.
access = Table(
    "access",
    metadata,
    Column("person", BigInteger, nullable=False),
    Column("actor", BigInteger, nullable=False),
    Column("tie", SmallInteger, nullable=False),
    Column("since", BigInteger, nullable=False),  # µs
    Column("until", BigInteger, nullable=False),  # µs
    Column("allow", BigInteger, nullable=False),  # cells, as bits
    Column("named", BigInteger, nullable=False),
    Column("deny", BigInteger, nullable=False),
    Column("oppose", BigInteger, nullable=False),
    Index("access_person", "person", "actor"),
    Index("access_actor", "actor", "person", postgresql_include=["since", "until"]),
)

# Who may ask for tokens, and with which keys: see `credentials.py`. Times are in µs.
client = Table(
    "client",
    metadata,
    Column("id", Text(collation="C"), primary_key=True),
    Column("name", Text, nullable=False),
    Column("organisation", Text, nullable=False),  # `Organization/7`; may be empty
    Column("roles", ARRAY(Text), nullable=False),
    Column("purposes", ARRAY(Text), nullable=False),
    Column("types", ARRAY(Text), nullable=False),  # none: any
    Column("scopes", Text, nullable=False),
    Column("jwks_url", Text, nullable=False),  # empty: the keys are below
    Column("active", Boolean, nullable=False),
    Column("changed", BigInteger, nullable=False),
)

client_key = Table(
    "client_key",
    metadata,
    Column("client", Text(collation="C"), primary_key=True),
    Column("kid", Text(collation="C"), primary_key=True),
    Column("jwk", Text, nullable=False),
    Column("since", BigInteger, nullable=False),
    Column("until", BigInteger),
    ForeignKeyConstraint(["client"], ["client.id"], ondelete="cascade"),
)

# Assertions that were used, until they expire.
client_assertion = Table(
    "client_assertion",
    metadata,
    Column("client", Text(collation="C"), primary_key=True),
    Column("digest", LargeBinary, primary_key=True),  # of its `jti`
    Column("expires", BigInteger, nullable=False),
    Index("client_assertion_expires", "expires"),
)

# The Patient or RelatedPerson that somebody is, whom an issuer knows by a subject.
account = Table(
    "account",
    metadata,
    Column("issuer", Text(collation="C"), primary_key=True),
    Column("subject", Text(collation="C"), primary_key=True),
    Column("type", Text(collation="C"), primary_key=True),
    Column("id", Text(collation="C"), primary_key=True),
    Column("since", BigInteger, nullable=False),
)

# What signs the tokens that this server issues. `until`: when a key that was superseded stops being believed.
signing_key = Table(
    "signing_key",
    metadata,
    Column("kid", Text(collation="C"), primary_key=True),
    Column("jwk", Text, nullable=False),
    Column("since", BigInteger, nullable=False),
    Column("until", BigInteger),
)

setting = Table(
    "setting",
    metadata,
    Column("name", Text(collation="C"), primary_key=True),
    Column("value", LargeBinary, nullable=False),
)

# The number of a type is its place in this list, from 1. Numbers are stored: a new type goes to the end.
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

# Parameters that only the store knows, as a type and a code, of entries that only it asks for: a target that no search
# parameter reaches; a date parameter that has several values in a resource.
ANY_PARAMETER: Final = ("*", "target")
SEVERAL_VALUES: Final = ("*", "several")

METHODS: Final[tuple[Method, ...]] = ("POST", "PUT", "PATCH", "DELETE")
METHOD_NUMBERS: Final[dict[Method, int]] = {name: number for number, name in enumerate(METHODS, 1)}

# The trace of every act, in the order of time, and what finds it again: see `audit_rows.py`.
audit = Table(
    "audit",
    metadata,
    Column("pk", BigInteger, primary_key=True, autoincrement=False),  # made by `ids.py`
    Column("outcome", SmallInteger, nullable=False),
    Column("keys", LargeBinary, nullable=False),  # those of its rows of `audit_entry`, 8 bytes each
    Column("data", LargeBinary, nullable=False),  # JSON
)

audit_entry = Table(
    "audit_entry",
    metadata,
    Column("key", BigInteger, primary_key=True, autoincrement=False),
    Column("pk", BigInteger, primary_key=True, autoincrement=False),
)

# The seals of the log: each block has the traces from `first` to before `until`. See `audit_seal.py`.
audit_block = Table(
    "audit_block",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),  # from 1 on, without gaps
    Column("first", BigInteger, nullable=False),  # a pk
    Column("until", BigInteger, nullable=False),
    Column("count", BigInteger, nullable=False),
    Column("sealed", BigInteger, nullable=False),  # µs
    Column("digest", LargeBinary, nullable=False),  # SHA-256 of its traces
    Column("previous", LargeBinary, nullable=False),  # the head of the block before
    Column("key", LargeBinary, nullable=False),  # the fingerprint of the key that made the head
    Column("head", LargeBinary, nullable=False),
    Column("purged", LargeBinary),  # made with the key, when its traces have been purged
)

# The stamp, in ms, up to which traces may have been sealed: see `audit_seal.py`.
audit_fence = Sequence("audit_fence", metadata=metadata, minvalue=0, start=0)

# What was purged, and why: see `purging.py`. Times are in µs.
tombstone = Table(
    "tombstone",
    metadata,
    Column("type", SmallInteger, primary_key=True, autoincrement=False),
    Column("id", Text(collation="C"), primary_key=True),
    Column("purged", BigInteger, primary_key=True, autoincrement=False),
    Column("created", BigInteger, nullable=False),
    Column("updated", BigInteger, nullable=False),  # when it was last written by anybody else
    Column("reason", Text, nullable=False),
)
