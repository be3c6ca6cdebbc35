// Patients, their identities and the persons close to them.

Profile: FRCorePatientProfile
Parent: Patient
Id: fr-core-patient
Title: "Patient in France"
* insert French([[Patient en France]])
* meta.profile insert SlicedBy(value, $this)
* meta.profile contains fr-canonical 0..1
* meta.profile[fr-canonical] = "https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-patient"
* extension contains fr-core-patient-nationality named nationality 0..1
* extension contains fr-core-identity-reliability named identityReliability 0..*
* extension contains fr-core-patient-death-place named deathPlace 0..1
* extension contains fr-core-patient-birthdate-update-indicator named birthdateUpdateIndicator 0..1
* extension contains http://hl7.org/fhir/StructureDefinition/patient-birthPlace named birthPlace 0..1
* extension[birthPlace].value[x] only fr-core-address
* identifier insert SlicedBy(value, type)
* identifier.type from fr-core-vs-patient-identifier-type (extensible)
* identifier contains NSS 0..1
* identifier[NSS].use = #official
* identifier[NSS].type 1..
* identifier[NSS].type = $v2-0203#NH
* identifier[NSS].system = "urn:oid:1.2.250.1.213.1.4.8"
* identifier[NSS].value 1..
* identifier contains INS-C 0..*
* identifier[INS-C].use = #secondary
* identifier[INS-C].type 1..
* identifier[INS-C].type = $fr-v2-0203#INS-C "Identifiant National de Santé Calculé"
* identifier[INS-C].system = "urn:oid:1.2.250.1.213.1.4.2"
* identifier[INS-C].value 1..
* identifier contains NDP 0..1
* identifier[NDP].use = #secondary
* identifier[NDP] insert Identifies([[$fr-v2-0203#NDP "Identifiant du patient au Dossier Pharmaceutique"]], urn:oid:1.2.250.1.176.1.2)
* identifier contains PI 0..*
* identifier[PI].use = #usual
* identifier[PI].type 1..
* identifier[PI].type = $v2-0203#PI "Patient internal identifier"
* identifier[PI].system 1..
* identifier[PI].value 1..
* identifier contains RRI 0..*
* identifier[RRI].use = #secondary
* identifier[RRI].type 1..
* identifier[RRI].type = $v2-0203#RRI "Regional registry ID"
* identifier[RRI].system 1..
* identifier[RRI].value 1..
* name insert SlicedBy(value, use)
* name only fr-core-human-name
* name contains usualName 0..*
* name[usualName].use 1..
* name[usualName].use = #usual
* name contains officialName 0..*
* name[officialName].extension contains fr-core-patient-birth-list-given-name named birth-list-given-name 0..1
* name[officialName].use 1..
* name[officialName].use = #official
* name[officialName].family 1..
* name[officialName].given 1..
* telecom only fr-core-contact-point
* address only fr-core-address
* maritalStatus from fr-core-vs-marital-status (extensible)
* contact.extension contains fr-core-patient-contact-identifier named contactIdentifier 0..1
* contact.extension contains fr-core-comment named comment 0..1
* contact.relationship insert SlicedBy(value, coding.system)
* contact.relationship contains Role 0..1
* contact.relationship[Role] from fr-core-vs-patient-contact-role (extensible)
* contact.relationship contains RelationType 0..1
* contact.relationship[RelationType] from fr-core-vs-relation-type (extensible)
* contact.name only fr-core-human-name
* contact.telecom only fr-core-contact-point
* generalPractitioner only Reference(fr-core-practitioner or fr-core-organization or PractitionerRole)
* managingOrganization only Reference(fr-core-organization)

Profile: FRCorePatientINSProfile
Parent: fr-core-patient
Id: fr-core-patient-ins
Title: "Patient with a national identity (INS)"
* insert French([[Patient avec une identité nationale de santé (INS)]])
* obeys fr-core-1
* extension 2..
* extension[identityReliability] 1..
* extension[birthPlace] 1.. MS
* extension[birthPlace].value[x].extension 1..
* extension[birthPlace].value[x].extension[inseeCode] 1..
* identifier 1..
* identifier contains INS-NIR 0..* MS
* identifier[INS-NIR].use = #official
* identifier[INS-NIR].type 1..
* identifier[INS-NIR].type = $fr-v2-0203#INS-NIR
* identifier[INS-NIR].system = "urn:oid:1.2.250.1.213.1.4.8"
* identifier[INS-NIR].value 1..
* identifier contains INS-NIR-TEST 0..*
* identifier[INS-NIR-TEST].use = #official
* identifier[INS-NIR-TEST].type 1..
* identifier[INS-NIR-TEST].type = $fr-v2-0203#INS-NIR-TEST
* identifier[INS-NIR-TEST].system = "urn:oid:1.2.250.1.213.1.4.10"
* identifier[INS-NIR-TEST].value 1..
* identifier contains INS-NIR-DEMO 0..*
* identifier[INS-NIR-DEMO].use = #official
* identifier[INS-NIR-DEMO].type 1..
* identifier[INS-NIR-DEMO].type = $fr-v2-0203#INS-NIR-DEMO
* identifier[INS-NIR-DEMO].system = "urn:oid:1.2.250.1.213.1.4.11"
* identifier[INS-NIR-DEMO].value 1..
* identifier contains INS-NIA 0..* MS
* identifier[INS-NIA].use = #temp
* identifier[INS-NIA].type 1..
* identifier[INS-NIA].type = $fr-v2-0203#INS-NIA
* identifier[INS-NIA].system = "urn:oid:1.2.250.1.213.1.4.9"
* identifier[INS-NIA].value 1..
* name 1..
* name contains officialName 1..1 MS
* name[officialName].extension 1..
* name[officialName].extension[birth-list-given-name] 1.. MS
* name[officialName].given ..1
* gender 1.. MS
* gender from fr-core-vs-patient-gender-INS (required)
* birthDate 1.. MS

Profile: FRCoreRelatedPersonProfile
Parent: RelatedPerson
Id: fr-core-related-person
Title: "Person close to a patient"
* insert French([[Proche d'un patient]])
* meta.profile insert SlicedBy(value, $this)
* meta.profile contains fr-canonical 0..1
* meta.profile[fr-canonical] = "https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-related-person"
* identifier 1..1
* patient only Reference(fr-core-patient)
* relationship insert SlicedBy(value, coding.system)
* relationship contains Role 0..1
* relationship[Role] from fr-core-vs-patient-contact-role (preferred)
* relationship[Role].coding.system 1..
* relationship[Role].coding.system = "https://mos.esante.gouv.fr/NOS/TRE_R260-HL7RoleClass/FHIR/TRE-R260-HL7RoleClass"
* relationship contains RelationType 0..*
* relationship[RelationType] from fr-core-vs-relation-type (preferred)
* relationship[RelationType].coding.system 1..
* relationship[RelationType].coding.system = "https://mos.esante.gouv.fr/NOS/TRE_R216-HL7RoleCode/FHIR/TRE-R216-HL7RoleCode"
* name only fr-core-human-name
* telecom only fr-core-contact-point
* address only fr-core-address

Extension: FRCoreCommentExtension
Id: fr-core-comment
Title: "Comment on a contact"
Context: "Patient.contact"
* insert French([[Commentaire sur un contact]])
* value[x] only string

Extension: FRCorePatientIdentityReliabilityExtension
Id: fr-core-identity-reliability
Title: "How reliable an identity is"
Context: Patient
* insert French([[Fiabilité de l'identité]])
* extension contains methodCollection 0..1
* extension[methodCollection].value[x] only Coding
* extension[methodCollection].value[x] from fr-core-vs-identity-method-collection (extensible)
* extension contains dateCollection 0..1
* extension[dateCollection].value[x] only date
* extension contains identityStatus 0..1
* extension[identityStatus].value[x] only Coding
* extension[identityStatus].value[x] from fr-core-vs-identity-reliability (extensible)
* extension contains validationDate 0..1
* extension[validationDate].value[x] only date
* extension contains validationMode 0..1
* extension[validationMode].value[x] only Coding
* extension[validationMode].value[x] from fr-core-vs-mode-validation-identity (required)

Extension: FRCoreLunarDateExtension
Id: fr-core-lunar-date
Title: "Birth date that no calendar has"
Context: Patient
* insert French([[Date de naissance lunaire]])
* value[x] only string

Extension: FRCorePatientBirthListGivenName
Id: fr-core-patient-birth-list-given-name
Title: "Given names of the birth record"
Context: "Patient.name"
* insert French([[Prénoms de l'acte de naissance]])
* value[x] only string

Extension: FRCorePatientBirthdateUpdateIndicatorExtension
Id: fr-core-patient-birthdate-update-indicator
Title: "Whether the birth date was changed"
Context: Patient
* insert French([[Date de naissance modifiée]])
* value[x] only boolean

Extension: FRCorePatientContactIdentifierExtension
Id: fr-core-patient-contact-identifier
Title: "Identifier of a contact"
Context: "Patient.contact"
* insert French([[Identifiant d'un contact]])
* value[x] only Identifier

Extension: FRCorePatientDeathPlaceExtension
Id: fr-core-patient-death-place
Title: "Place of death"
Context: Patient
* insert French([[Lieu de décès]])
* value[x] only string

Extension: FRCoreNationalityExtension
Id: fr-core-patient-nationality
Title: "Nationality"
Context: Patient
* insert French([[Nationalité]])
* extension contains code 0..1
* extension[code].value[x] 1..
* extension[code].value[x] only CodeableConcept
* extension[code].value[x] from http://terminology.hl7.org/ValueSet/v3-Country (extensible)
* extension contains period 0..1
* extension[period].value[x] 1..
* extension[period].value[x] only Period

Invariant: fr-core-1
Description: "A validated identity carries an identifier of the INS"
Severity: #error
Expression: "(extension.where(url= 'https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-identity-reliability').extension.where(url = 'identityStatus').value.code = 'VALI') implies (identifier.where(system = 'urn:oid:1.2.250.1.213.1.4.8').exists() or identifier.where(system = 'urn:oid:1.2.250.1.213.1.4.9').exists() or identifier.where(system = 'urn:oid:1.2.250.1.213.1.4.10').exists() or identifier.where(system = 'urn:oid:1.2.250.1.213.1.4.10').exists())"
* insert HumanFrench([[Une identité validée porte un matricule INS]])

ValueSet: FRCoreValueSetContactRelationship
Id: fr-core-vs-contact-relationship
Title: "Relations of a contact"
* insert French([[Liens d'un contact]])
* http://terminology.hl7.org/CodeSystem/v2-0131#O
* http://terminology.hl7.org/CodeSystem/v2-0131#U
* http://terminology.hl7.org/CodeSystem/v2-0131#N
* fr-core-cs-contact-relationship#WRD
* fr-core-cs-contact-relationship#GRD
* fr-core-cs-contact-relationship#CUR
* fr-core-cs-contact-relationship#CURTL
* fr-core-cs-contact-relationship#EDUREF
* fr-core-cs-contact-relationship#SVG
* fr-core-cs-contact-relationship#K
* fr-core-cs-contact-relationship#P
* fr-core-cs-contact-relationship#FAMMEMB
* fr-core-cs-contact-relationship#CHILD
* fr-core-cs-contact-relationship#CHLDADOPT
* fr-core-cs-contact-relationship#DAUADOPT
* fr-core-cs-contact-relationship#SONADOPT
* fr-core-cs-contact-relationship#CHLDFOST
* fr-core-cs-contact-relationship#SONFOST
* fr-core-cs-contact-relationship#DAUC
* fr-core-cs-contact-relationship#STPDAU
* fr-core-cs-contact-relationship#SONC
* fr-core-cs-contact-relationship#STPSON
* fr-core-cs-contact-relationship#STPCHLD
* fr-core-cs-contact-relationship#EXT
* fr-core-cs-contact-relationship#AUNT
* fr-core-cs-contact-relationship#COUSN
* fr-core-cs-contact-relationship#GGRPRN
* fr-core-cs-contact-relationship#GGRFTH
* fr-core-cs-contact-relationship#GGRMTH
* fr-core-cs-contact-relationship#GRNDCHILD
* fr-core-cs-contact-relationship#GRNDDAU
* fr-core-cs-contact-relationship#GRNDSON
* fr-core-cs-contact-relationship#GRPRN
* fr-core-cs-contact-relationship#GRFTH
* fr-core-cs-contact-relationship#GRMTH
* fr-core-cs-contact-relationship#CHLDINLAW
* fr-core-cs-contact-relationship#DAUINLAW
* fr-core-cs-contact-relationship#PRNINLAW
* fr-core-cs-contact-relationship#FTHINLAW
* fr-core-cs-contact-relationship#MTHINLAW
* fr-core-cs-contact-relationship#SIBINLAW
* fr-core-cs-contact-relationship#BROINLAW
* fr-core-cs-contact-relationship#SISINLAW
* fr-core-cs-contact-relationship#NIENEPH
* fr-core-cs-contact-relationship#NEPHEW
* fr-core-cs-contact-relationship#NIECE
* fr-core-cs-contact-relationship#UNCLE
* fr-core-cs-contact-relationship#PRN
* fr-core-cs-contact-relationship#ADOPTP
* fr-core-cs-contact-relationship#ADOPTF
* fr-core-cs-contact-relationship#ADOPTM
* fr-core-cs-contact-relationship#FTH
* fr-core-cs-contact-relationship#FTHFOST
* fr-core-cs-contact-relationship#NFTH
* fr-core-cs-contact-relationship#STPFTH
* fr-core-cs-contact-relationship#MTH
* fr-core-cs-contact-relationship#MTHFOST
* fr-core-cs-contact-relationship#GESTM
* fr-core-cs-contact-relationship#NMTH
* fr-core-cs-contact-relationship#STPMTH
* fr-core-cs-contact-relationship#NPRN
* fr-core-cs-contact-relationship#STPPRN
* fr-core-cs-contact-relationship#SIB
* fr-core-cs-contact-relationship#BRO
* fr-core-cs-contact-relationship#HBRO
* fr-core-cs-contact-relationship#NBRO
* fr-core-cs-contact-relationship#TWINBRO
* fr-core-cs-contact-relationship#STPBRO
* fr-core-cs-contact-relationship#HSIB
* fr-core-cs-contact-relationship#HSIS
* fr-core-cs-contact-relationship#NSIB
* fr-core-cs-contact-relationship#NSIS
* fr-core-cs-contact-relationship#TWINSIS
* fr-core-cs-contact-relationship#TWIN
* fr-core-cs-contact-relationship#SIS
* fr-core-cs-contact-relationship#STPSIS
* fr-core-cs-contact-relationship#STPSIB
* fr-core-cs-contact-relationship#SIGOTHR
* fr-core-cs-contact-relationship#DOMPART
* fr-core-cs-contact-relationship#SPS
* fr-core-cs-contact-relationship#HUSB
* fr-core-cs-contact-relationship#WIFE
* fr-core-cs-contact-relationship#FRND
* fr-core-cs-contact-relationship#NBOR

ValueSet: FRCoreValueSetIdentityMethodCollection
Id: fr-core-vs-identity-method-collection
Title: "Ways in which an identity was collected"
* insert French([[Modes de recueil de l'identité]])
* include codes from system fr-core-cs-method-collection

ValueSet: FRCoreValueSetIdentityReliabilityStatus
Id: fr-core-vs-identity-reliability
Title: "States of an identity"
* insert French([[États de l'identité]])
* include codes from system fr-core-cs-v2-0445

ValueSet: FRCoreValueSetMaritalStatus
Id: fr-core-vs-marital-status
Title: "Marital status"
* insert French([[Situation familiale]])
* include codes from system fr-core-cs-marital-status
* include codes from system http://terminology.hl7.org/CodeSystem/v3-MaritalStatus
* http://terminology.hl7.org/CodeSystem/v3-NullFlavor#UNK

ValueSet: FRCoreValueSetModeValidationIdentity
Id: fr-core-vs-mode-validation-identity
Title: "Documents that an identity was validated by"
* insert French([[Modes de validation de l'identité]])
* include codes from system fr-core-cs-mode-validation-identity

ValueSet: FRCoreValueSetPatientContactRole
Id: fr-core-vs-patient-contact-role
Title: "Roles of a contact"
* insert French([[Rôles d'un contact]])
* include codes from system https://mos.esante.gouv.fr/NOS/TRE_R260-HL7RoleClass/FHIR/TRE-R260-HL7RoleClass
* include codes from system https://mos.esante.gouv.fr/NOS/TRE_R217-ProtectionJuridique/FHIR/TRE-R217-ProtectionJuridique
* http://terminology.hl7.org/CodeSystem/v2-0131#O
* http://terminology.hl7.org/CodeSystem/v2-0131#U

ValueSet: FRCoreValueSetPatientGenderINS
Id: fr-core-vs-patient-gender-INS
Title: "Sex of a patient with an INS"
* insert French([[Sexe d'un patient avec une INS]])
* http://hl7.org/fhir/administrative-gender#male
* http://hl7.org/fhir/administrative-gender#female
* http://hl7.org/fhir/administrative-gender#unknown

ValueSet: FRCoreValueSetPatientIdentifierType
Id: fr-core-vs-patient-identifier-type
Title: "Kinds of identifiers of patients"
* insert French([[Types d'identifiants de patients]])
* $v2-0203#PPN
* $v2-0203#PN
* $v2-0203#PI
* $v2-0203#RRI
* $v2-0203#NH
* $fr-v2-0203#NNFRA
* $fr-v2-0203#NDP
* $fr-v2-0203#INS-C
* $fr-v2-0203#INS-NIA
* $fr-v2-0203#INS-NIR

ValueSet: FRCoreValueSetPatientRelationType
Id: fr-core-vs-relation-type
Title: "Family and other relations"
* insert French([[Liens de parenté et autres]])
* include codes from system https://mos.esante.gouv.fr/NOS/TRE_R216-HL7RoleCode/FHIR/TRE-R216-HL7RoleCode

CodeSystem: FRCoreCodeSystemContactRelationship
Id: fr-core-cs-contact-relationship
Title: "Relations of a contact"
* insert French([[Liens d'un contact]])
* #WRD "Dépositaire de la tutelle judiciare"
* #GRD "Tuteur"
* #CUR "Représentant légal"
* #CURTL "Curatelle"
* #EDUREF "Educateur référent"
* #SVG "Sauvegarde juridique"
* #K "Personne de confiance"
* #P "Personne à ne pas prévenir"
* #FAMMEMB "family member"
* #CHILD "child"
* #CHLDADOPT "adopted child"
* #DAUADOPT "adopted daughter"
* #SONADOPT "adopted son"
* #CHLDFOST "foster child"
* #SONFOST "foster son"
* #DAUC "daughter"
* #STPDAU "stepdaughter"
* #SONC "son"
* #STPSON "stepson"
* #STPCHLD "step child"
* #EXT "extended family member"
* #AUNT "aunt"
* #COUSN "cousin"
* #GGRPRN "great grandparent"
* #GGRFTH "great grandfather"
* #GGRMTH "great grandmather"
* #GRNDCHILD "grandchild"
* #GRNDDAU "granddaughter"
* #GRNDSON "grandson"
* #GRPRN "grandparent"
* #GRFTH "grandfather"
* #GRMTH "grandmather"
* #CHLDINLAW "child in-law"
* #DAUINLAW "daughter in-law"
* #PRNINLAW "parent in-law"
* #FTHINLAW "father in-law"
* #MTHINLAW "mother in-law"
* #SIBINLAW "sibbling in-law"
* #BROINLAW "brother in-law"
* #SISINLAW "sister in-law"
* #NIENEPH "niece/nephew"
* #NEPHEW "nephew"
* #NIECE "niece"
* #UNCLE "uncle"
* #PRN "parent"
* #ADOPTP "adoptive parent"
* #ADOPTF "adoptive father"
* #ADOPTM "adoptive mother"
* #FTH "father"
* #FTHFOST "foster father"
* #NFTH "natural father"
* #STPFTH "step father"
* #MTH "mother"
* #MTHFOST "foster mother"
* #GESTM "gestational mother"
* #NMTH "natural mother"
* #STPMTH "stepmother"
* #NPRN "natural parent"
* #STPPRN "step parent"
* #SIB "sibling"
* #BRO "brother"
* #HBRO "half-brother"
* #NBRO "natural brother"
* #TWINBRO "twin brother"
* #STPBRO "stepbrother"
* #HSIB "half-sibling"
* #HSIS "half-sister"
* #NSIB "natural sibling"
* #NSIS "natural sister"
* #TWINSIS "twin sister"
* #TWIN "twin"
* #SIS "sister"
* #STPSIS "stepsister"
* #STPSIB "step sibling"
* #SIGOTHR "significant other"
* #DOMPART "domestic partner"
* #SPS "spouse"
* #HUSB "husband"
* #WIFE "wife"
* #FRND "unrelated friend"
* #NBOR "neighbor"

CodeSystem: FRCoreCodeSystemReliabilityIdentity
Id: fr-core-cs-fiabilite-identite
Title: "Reliability of an identity, former codes"
* insert French([[Fiabilité de l'identité, anciens codes]])
* #VIDE "Identité non encore qualifiée"
* #PROV "Identité provisoire"
* #VALI "Identité validée"
* #DOUB "Doublon"
* #DESA "Identité désactivée"
* #DPOT "Doublon potentiel"
* #DOUA "Doublon avéré"
* #COLP "Collision potentielle"
* #COLV "Collision avérée"
* #FILI "Filiation"
* #CACH "Identité cachée"
* #ANOM "Anonyme"
* #IDVER "Identité vérifiée par le patient"
* #RECD "Identité reçue d'un autre domaine"
* #IDRA "Identité rapprochée dans un autre domaine"
* #USUR "Identité usurpée"
* #HOMD "Homonyme détecté"
* #INVA "Identité invalidée"
* #HOMA "Homonyme avéré (attribut d'identité homonyme)"
* #FICT "Identité fictive (attribut d'identité fictive)"
* #DOUT "Identité douteuse (attribut d'identité douteuse)"

CodeSystem: FRCoreCodeSystemMaritalStatus
Id: fr-core-cs-marital-status
Title: "Marital status, French addition"
* insert French([[Situation familiale, complément français]])
* #PACS "PACS"

CodeSystem: FRCoreCodeSystemMethodCollection
Id: fr-core-cs-method-collection
Title: "Ways in which an identity was collected"
* insert French([[Modes de recueil de l'identité]])
* #SM "Saisie manuelle"
* #CV "Carte vitale"
* #INSI "Téléservice INSI"
* #CB "Code à barre"
* #RFID "Puce RFID"

CodeSystem: FRCoreCodeSystemModeValidationIdentite
Id: fr-core-cs-mode-validation-identity
Title: "Documents that an identity was validated by"
* insert French([[Modes de validation de l'identité]])
* #AN "Extrait d'acte de naissance"
* #CC "Carnet de circulation"
* #CE "Carte Européenne"
* #CM "Carte militaire"
* #CN "Carte nationale d'identité"
* #CS "Carte de séjour"
* #LE "Livret de famille"
* #PA "Passeport"
* #PC "Permis de conduire"
* #TC "Tiers de confiance"

CodeSystem: FRCoreCodeSystemv2_0445
Id: fr-core-cs-v2-0445
Title: "States of an identity (HL7 v2 table 0445)"
* insert French([[États de l'identité (table 0445)]])
* #VIDE "Identité non encore qualifiée"
* #PROV "Identité provisoire"
* #VALI "Identité validée"
* #DOUB "Doublon"
* #DESA "Identité désactivée"
* #DPOT "Doublon potentiel"
* #DOUA "Doublon avéré"
* #COLP "Collision potentielle"
* #COLV "Collision avérée"
* #FILI "Filiation"
* #CACH "Identité cachée"
* #ANOM "Anonyme"
* #IDVER "Identité vérifiée par le patient"
* #RECD "Identité reçue d'un autre domaine"
* #IDRA "Identité rapprochée dans un autre domaine"
* #USUR "Identité usurpée"
* #HOMD "Homonyme détecté"
* #HOMA "Homonyme avéré"
* #INVA "Identité invalidée"
* #FICT "Identité fictive (Attribut d’identité « fictive »)"
* #DOUT "Identité douteuse (Attribut d’identité « douteuse »)"
