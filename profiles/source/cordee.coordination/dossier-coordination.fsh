Profile: DossierCoordination
Parent: EpisodeOfCare
Id: dossier-coordination
Title: "Coordination record"
Description: """
The record of one person for as long as a coordination team supports them (mission 2 of a *dispositif d'appui à la
coordination*). Coordinators open it, everyone of the circle hangs their work on it, and its end closes their access.

`planned`: being prepared · `active`: open · `onhold`: interrupted, for a stay in hospital for instance · `finished`:
closed, with a reason and a synthesis · `cancelled`: opened by mistake. A closed record may be opened again.
"""
* insert French([[Dossier de coordination]])
* insert FrenchDescription([[Le dossier d'une personne, pour toute la durée de son accompagnement par une équipe de coordination (mission 2 d'un dispositif d'appui à la coordination). Les coordonnateurs l'ouvrent, chaque membre du cercle y rattache ce qu'il fait, et sa clôture met fin aux accès. `planned` : pré-dossier ; `active` : ouvert ; `onhold` : suspendu, par exemple pendant une hospitalisation ; `finished` : clos, avec un motif et une synthèse ; `cancelled` : ouvert par erreur. Un dossier clos peut être rouvert.]])
* insert Narrative([[Le coordonnateur ouvre ce dossier quand une personne entre en accompagnement renforcé. Tout le cercle y rattache visites, plan, notes et évaluations ; le référent en répond et le clôt avec un motif et une synthèse.]], [[A coordinator opens this record when a person enters reinforced support. The whole circle hangs visits, plan, notes and assessments on it; the référent answers for it and closes it with a reason and a synthesis.]])
* obeys dossier-1 and dossier-2 and dossier-3 and dossier-4 and dossier-5 and dossier-6
* extension contains MotifSortie named motifSortie 0..1 MS and MotifSuspension named motifSuspension 0..1 MS and SyntheseSortie named syntheseSortie 0..1 MS
* identifier MS
* status MS
* status from StatutDossier (required)
* statusHistory MS
* statusHistory.extension contains MotifSuspension named motifSuspension 0..1
* statusHistory.status from StatutDossier (required)
* type 1..* MS
* type insert SlicedBy(pattern, $this)
* type contains dossier 1..1 MS
* type[dossier] = $type-dossier#dossier-coordination
* diagnosis MS
* patient 1..1 MS
* managingOrganization 1..1 MS
* managingOrganization ^short = "The organisation that coordinates, as a rule a DAC"
* managingOrganization insert ShortFrench([[La structure qui coordonne, en général un DAC]])
* period 1..1 MS
* period.start 1..1 MS
* careManager MS
* careManager only Reference(PractitionerRole or Practitioner)
* careManager ^short = "The référent"
* careManager insert ShortFrench([[Le référent]])
* team MS
* team ^short = "The circle of the person"
* team insert ShortFrench([[Le cercle de soins]])

Invariant: dossier-1
Description: "A closed record says why it ended"
Severity: #error
Expression: "status = 'finished' implies extension('https://cordee.example/fhir/StructureDefinition/motif-sortie').exists()"
* insert HumanFrench([[Un dossier clos dit pourquoi il a pris fin]])

Invariant: dossier-2
Description: "A closed record names its synthesis, or says why there is none"
Severity: #error
Expression: "status = 'finished' implies extension('https://cordee.example/fhir/StructureDefinition/synthese-sortie').exists()"
* insert HumanFrench([[Un dossier clos désigne sa synthèse, ou dit pourquoi il n'y en a pas]])

Invariant: dossier-3
Description: "A suspended record says why"
Severity: #error
Expression: "status = 'onhold' implies extension('https://cordee.example/fhir/StructureDefinition/motif-suspension').exists()"
* insert HumanFrench([[Un dossier suspendu dit pourquoi]])

Invariant: dossier-4
Description: "A closed record has an end; one that is planned, open or suspended has none"
Severity: #error
Expression: "(status = 'finished' implies period.end.exists()) and ((status = 'planned' or status = 'active' or status = 'onhold') implies period.end.empty())"
* insert HumanFrench([[Un dossier clos a une date de fin ; un dossier en préparation, ouvert ou suspendu n'en a pas]])

Invariant: dossier-5
Description: "From its opening on, a record has a référent and a circle"
Severity: #error
Expression: "(status = 'active' or status = 'onhold' or status = 'finished') implies (careManager.exists() and team.exists())"
* insert HumanFrench([[Dès son ouverture, un dossier a un référent et un cercle de soins]])

Invariant: dossier-6
Description: "The entry of the status history that has not ended is the present status"
Severity: #error
Expression: "statusHistory.where(period.end.empty()).all(status = %resource.status)"
* insert HumanFrench([[Dans l'historique des statuts, l'entrée sans date de fin est le statut présent]])

Extension: MotifSortie
Id: motif-sortie
Title: "Reason of the exit"
Description: "Why the support ended. EpisodeOfCare has no element for it."
Context: EpisodeOfCare
* insert French([[Motif de sortie]])
* insert FrenchDescription([[Pourquoi l'accompagnement a pris fin. EpisodeOfCare n'a pas d'élément pour le dire.]])
* value[x] 1..1
* value[x] only CodeableConcept
* value[x] from MotifSortieVS (required)

Extension: MotifSuspension
Id: motif-suspension
Title: "Reason of the suspension"
Description: "Why the support is interrupted."
Context: EpisodeOfCare, EpisodeOfCare.statusHistory
* insert French([[Motif de suspension]])
* insert FrenchDescription([[Pourquoi l'accompagnement est interrompu.]])
* value[x] 1..1
* value[x] only CodeableConcept
* value[x] from MotifSuspensionVS (extensible)

Extension: SyntheseSortie
Id: synthese-sortie
Title: "Synthesis of the exit"
Description: "The document that sums up the support, or, as text, why none was written."
Context: EpisodeOfCare
* insert French([[Synthèse de sortie]])
* insert FrenchDescription([[Le document qui résume l'accompagnement ou, en texte, la raison pour laquelle il n'a pas été écrit.]])
* value[x] 1..1
* value[x] only Reference(DocumentReference) or string

ValueSet: StatutDossier
Id: statut-dossier
Title: "Statuses of a coordination record"
Description: "The statuses of EpisodeOfCare that a coordination record goes through."
* insert French([[Statuts d'un dossier de coordination]])
* $episode-status#planned
* $episode-status#active
* $episode-status#onhold
* $episode-status#finished
* $episode-status#cancelled
* $episode-status#entered-in-error

CodeSystem: TypeDossier
Id: type-dossier
Title: "Types of records"
Description: "What an EpisodeOfCare is, for us."
* insert French([[Types de dossiers]])
* ^language = #fr
* ^caseSensitive = true
* #dossier-coordination "Dossier de coordination" "Accompagnement renforcé par une équipe de coordination (mission 2 d'un DAC)"
* #dossier-coordination insert InEnglish([[Coordination record]])

CodeSystem: MotifSortieCodes
Id: motif-sortie
Title: "Reasons of an exit"
Description: "Why a coordination record is closed."
* insert French([[Motifs de sortie]])
* ^language = #fr
* ^caseSensitive = true
* ^valueSet = "https://cordee.example/fhir/ValueSet/motif-sortie"
* #objectifs-atteints "Objectifs atteints"
* #objectifs-atteints insert InEnglish([[Goals achieved]])
* #relais "Relais pris par un autre acteur"
* #relais insert InEnglish([[Taken over by another actor]])
* #entree-institution "Entrée en institution"
* #entree-institution insert InEnglish([[Entry into an institution]])
* #deces "Décès"
* #deces insert InEnglish([[Death]])
* #demenagement "Déménagement"
* #demenagement insert InEnglish([[Moved away]])
* #refus "Refus de la personne"
* #refus insert InEnglish([[Refused by the person]])
* #perdu-de-vue "Perdu de vue"
* #perdu-de-vue insert InEnglish([[Lost to follow-up]])
* #hors-criteres "Hors critères"
* #hors-criteres insert InEnglish([[Outside the criteria]])

ValueSet: MotifSortieVS
Id: motif-sortie
Title: "Reasons of an exit"
Description: "All reasons of an exit."
* insert French([[Motifs de sortie]])
* include codes from system MotifSortieCodes

CodeSystem: MotifSuspensionCodes
Id: motif-suspension
Title: "Reasons of a suspension"
Description: "Why a coordination record is interrupted."
* insert French([[Motifs de suspension]])
* ^language = #fr
* ^caseSensitive = true
* ^valueSet = "https://cordee.example/fhir/ValueSet/motif-suspension"
* #hospitalisation "Hospitalisation"
* #hospitalisation insert InEnglish([[Stay in hospital]])
* #absence "Absence de la personne"
* #absence insert InEnglish([[Absence of the person]])

ValueSet: MotifSuspensionVS
Id: motif-suspension
Title: "Reasons of a suspension"
Description: "All reasons of a suspension; others are told as text."
* insert French([[Motifs de suspension]])
* include codes from system MotifSuspensionCodes
