// Places.

Profile: FRCoreLocationProfile
Parent: Location
Id: fr-core-location
Title: "Place"
* insert French([[Lieu]])
* obeys inv-location-type-chambre
* obeys inv-location-type-lit
* meta.profile insert SlicedBy(value, $this)
* meta.profile contains fr-canonical 0..1
* meta.profile[fr-canonical] = "https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-location|2.2.0"
* extension contains fr-core-location-type-chambre named typeChambre 0..1
* extension contains fr-core-location-position-lit named positionLit 0..1
* type from fr-core-vs-location-type (required)

Extension: FRCoreLocationPositionLitExtension
Id: fr-core-location-position-lit
Title: "Place of a bed in a room"
Context: Location
* insert French([[Position du lit]])
* value[x] only Coding
* value[x] from fr-core-vs-location-position-lit (extensible)

Extension: FRCoreLocationTypeChambreExtension
Id: fr-core-location-type-chambre
Title: "Kind of room"
Context: Location
* insert French([[Type de chambre]])
* value[x] only Coding
* value[x] from fr-core-vs-location-type-chambre (extensible)

Invariant: inv-location-type-chambre
Description: "Only a room has a kind of room"
Severity: #error
Expression: "extension('http://fhir.fr/StructureDefinition/fr-core-location-type-chambre').exists() implies type.coding.where(code = 'CHAMB').exists()"
* insert HumanFrench([[Seule une chambre a un type de chambre]])

Invariant: inv-location-type-lit
Description: "Only a bed has a place in the room"
Severity: #error
Expression: "extension('http://fhir.fr/StructureDefinition/fr-core-location-position-lit').exists() implies type.coding.where(code = 'LIT').exists()"
* insert HumanFrench([[Seul un lit a une position dans la chambre]])

ValueSet: FRCoreValueSetLocationPositionLit
Id: fr-core-vs-location-position-lit
Title: "Places of a bed in a room"
* insert French([[Positions du lit]])
* include codes from system fr-core-cs-location-position-lit

ValueSet: FRCoreValueSetLocationType
Id: fr-core-vs-location-type
Title: "Kinds of places"
* insert French([[Types de lieux]])
* include codes from system fr-core-cs-location-type

ValueSet: FRCoreValueSetLocationTypeChambre
Id: fr-core-vs-location-type-chambre
Title: "Kinds of rooms"
* insert French([[Types de chambres]])
* include codes from system fr-core-cs-location-type-chambre

CodeSystem: FRCoreCodeSystemLocationIdentifierType
Id: fr-core-cs-location-identifier-type
Title: "Kinds of identifiers of places"
* insert French([[Types d'identifiants de lieux]])
* #INTRN "Identifiant interne"
* #EXTRN "Identifiant externe"
* #GLBL "Identifiant global"
* #IDNST "Identification nationale de structure définie par l'ANS dans le CI-SIS"

CodeSystem: FRCoreCodeSystemLocationPhysicalType
Id: fr-core-cs-location-physical-type
Title: "Physical kinds of places"
* insert French([[Types physiques de lieux]])
* #FTL "Emplacement fauteuil"
* #BTMNT "Bâtiment"
* #L "Lieu non spécifié"
* #ETG "Etage"
* #AL "Aile"
* #CLR "Couloir"
* #R "Chambre"
* #BX "Box"
* #PT "Point"
* #B "Emplacement lit"
* #BLC "Bloc"
* #BR "Bureau"

CodeSystem: FRCoreCodeSystemPositionLit
Id: fr-core-cs-location-position-lit
Title: "Places of a bed in a room"
* insert French([[Positions du lit]])
* #FNTR "Fenêtre"
* #CLR "Couloir"
* #ML "Milieu"

CodeSystem: FRCoreCodeSystemLocationType
Id: fr-core-cs-location-type
Title: "Kinds of places"
* insert French([[Types de lieux]])
* #BAT "Bâtiment"
* #ETAG "Étage"
* #COUL "Couloir"
* #AILE "Aile"
* #BOX "Box"
* #CHAMB "Chambre"
* #LIT "Lit"
* #PL_TECH "Plateau technique"
* #PNT_CLCT "Point de collecte"
* #PNT_LVRSN "Point de livraison"
* #SL_EXM "Salle d'examen"
* #SL_CONS "Salle de consultation"

CodeSystem: FRCoreCodeSystemTypeChambre
Id: fr-core-cs-location-type-chambre
Title: "Kinds of rooms"
* insert French([[Types de chambres]])
* #STD "Standard"
* #PRSN_NGTV "Pression négative"
* #PRSN_PSTV "Pression positive"
* #CRCRL "Carcéral"
* #CPTN "Capitonné"
