// Places.

Profile: FRCoreLocationProfile
Parent: Location
Id: fr-core-location
Title: "Place"
* insert French([[Lieu]])
* meta.profile insert SlicedBy(value, $this)
* meta.profile contains fr-canonical 0..1
* meta.profile[fr-canonical] = "https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-location"
* extension contains fr-core-use-period named usePeriod 0..1
* identifier.type 1..
* identifier.type from fr-core-vs-location-identifier-type (extensible)
* identifier.system 1..
* identifier.value 1..
* identifier.assigner only Reference(fr-core-organization)
* type ..1
* type from fr-core-vs-location-type (extensible)
* telecom only fr-core-contact-point
* address only fr-core-address
* physicalType from fr-core-vs-location-physical-type (example)
* managingOrganization only Reference(fr-core-organization)
* partOf only Reference(fr-core-location)
* partOf.extension contains fr-core-location-position-room named positionRoom 0..1

Extension: FRCoreLocationPartOfPositionRoomExtension
Id: fr-core-location-position-room
Title: "Place of a bed in a room"
Context: "Location.partOf"
* insert French([[Position dans la chambre]])
* value[x] only Coding
* value[x] from fr-core-vs-location-position-room (extensible)

ValueSet: FRCoreValueSetLocationIdentifierType
Id: fr-core-vs-location-identifier-type
Title: "Kinds of identifiers of places"
* insert French([[Types d'identifiants de lieux]])
* fr-core-cs-location-identifier-type#INTRN
* fr-core-cs-location-identifier-type#EXTRN
* fr-core-cs-location-identifier-type#GLBL
* fr-core-cs-location-identifier-type#IDNST

ValueSet: FRCoreValueSetLocationPhysicalType
Id: fr-core-vs-location-physical-type
Title: "Physical kinds of places"
* insert French([[Types physiques de lieux]])
* fr-core-cs-location-physical-type#FTL
* fr-core-cs-location-physical-type#BTMNT
* fr-core-cs-location-physical-type#L
* fr-core-cs-location-physical-type#ETG
* fr-core-cs-location-physical-type#AL
* fr-core-cs-location-physical-type#CLR
* fr-core-cs-location-physical-type#R
* fr-core-cs-location-physical-type#BX
* fr-core-cs-location-physical-type#PT
* fr-core-cs-location-physical-type#B
* fr-core-cs-location-physical-type#BLC
* fr-core-cs-location-physical-type#BR

ValueSet: FRCoreValueSetLocationPositionRoom
Id: fr-core-vs-location-position-room
Title: "Places of a bed in a room"
* insert French([[Positions dans la chambre]])
* include codes from system fr-core-cs-location-position-room

ValueSet: FRCoreValueSetLocationType
Id: fr-core-vs-location-type
Title: "Kinds of places"
* insert French([[Types de lieux]])
* include codes from system fr-core-cs-location-type

CodeSystem: FRCoreCodeSystemLocationIdentifierType
Id: fr-core-cs-location-identifier-type
Title: "Kinds of identifiers of places"
* insert French([[Types d'identifiants de lieux]])
* #INTRN "Identifiant interne"
* #EXTRN "Identifiant externe"
* #GLBL "Identifiant global"
* #IDNST "Identification nationale de structure définie par l’ASIP-SANTE dans le CI_SIS"

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

CodeSystem: FRCoreCodeSystemLocationPositionRoom
Id: fr-core-cs-location-position-room
Title: "Places of a bed in a room"
* insert French([[Positions dans la chambre]])
* #FNTR "Coté fenetre"
* #CLR "coté couloir"
* #ML "au mileu de la chambre"

CodeSystem: FRCoreCodeSystemLocationType
Id: fr-core-cs-location-type
Title: "Kinds of places"
* insert French([[Types de lieux]])
* #PRSN_NGTV "Pression négative"
* #PRSN_PSTV "Pression positive"
* #CRCRL "Carcéral"
* #CPTN "Capitonné"
* #PNT_CLCT "Point de collecte"
* #PNT_LVRSN "Point de livraison"
* #SL_ATNT "Salle d’attente"
* #SL_RVL "Salle réveil"
* #SL_EXM "Salle examen"
* #SL_RN "Salle de réunion"
* #SL_TRV "Salle de travail"
* #ACC "Point d'accueil"
