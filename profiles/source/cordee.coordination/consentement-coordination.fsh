Profile: ConsentementCoordination
Parent: Consent
Id: consentement-coordination
Title: "Consent, opposition or information about sharing"
Description: """
One decision of the person (or of who represents them) about who may share what: that they were informed, that they do
not oppose, that they oppose, that they let in somebody outside the team or keep somebody out, that a carer may read.
Whoever collected it writes it; the server applies it to the next request. One resource holds one decision.

`proposed`: asked · `active`: given · `rejected`: refused · `inactive`: withdrawn, which ends its period at once.
"""
* insert French([[Consentement, opposition ou information sur le partage]])
* insert FrenchDescription([[Une décision de la personne (ou de qui la représente) sur qui peut partager quoi : qu'elle a été informée, qu'elle ne s'oppose pas, qu'elle s'oppose, qu'elle laisse entrer quelqu'un hors de l'équipe ou tient quelqu'un à l'écart, qu'un aidant peut lire. Celui qui l'a recueillie l'écrit ; le serveur l'applique dès la requête suivante. Une ressource porte une seule décision. `proposed` : demandé ; `active` : donné ; `rejected` : refusé ; `inactive` : retiré, ce qui met aussitôt fin à sa période.]])
* insert Narrative([[Celui qui informe la personne ou recueille sa décision l'écrit ici ; la personne peut l'écrire elle-même ; le serveur l'applique à chaque accès.]], [[Whoever informs the person or collects their decision writes it here; the person may write it themselves; the server applies it to every access.]])
* obeys consentement-1 and consentement-2 and consentement-3 and consentement-4 and consentement-5
* obeys consentement-6 and consentement-7 and consentement-8
* extension contains ModeRecueil named modeRecueil 0..1 MS
* status MS
* scope MS
* scope = $consent-scope#patient-privacy
* category 1..1 MS
* category.coding 1..*
* category.coding insert SlicedBy(value, system)
* category.coding contains nature 1..1 MS
* category.coding[nature].system 1..1
* category.coding[nature].system = "https://cordee.example/fhir/CodeSystem/consentement-coordination" (exactly)
* category.coding[nature] from ConsentementCoordinationVS (required)
* patient 1..1 MS
* dateTime 1..1 MS
* performer 1..* MS
* performer only Reference(Patient or RelatedPerson or PractitionerRole)
* performer ^short = "The person, or who represents them"
* performer insert ShortFrench([[La personne, ou qui la représente]])
* organization MS
* organization ^short = "Who collected it"
* organization insert ShortFrench([[Qui l'a recueilli]])
* source[x] MS
* policyRule MS
* verification MS
* provision MS
* provision.type MS
* provision.period MS
* provision.actor MS
* provision.code MS
* provision.code from CategorieDonneeVS (extensible)
* provision.code ^short = "The categories of data that it is about; none: all"
* provision.code insert ShortFrench([[Les catégories de données concernées ; aucune : toutes]])
* provision.purpose MS

Invariant: consentement-1
Description: "An opposition or an exclusion denies"
Severity: #error
Expression: "category.coding.where(system = 'https://cordee.example/fhir/CodeSystem/consentement-coordination' and (code.startsWith('opposition-') or code = 'exclusion-acteur')).exists() implies provision.where(type = 'deny').exists()"
* insert HumanFrench([[Une opposition ou une exclusion interdit (provision de type deny)]])

Invariant: consentement-2
Description: "A consent, a recognition or an access permits"
Severity: #error
Expression: "category.coding.where(system = 'https://cordee.example/fhir/CodeSystem/consentement-coordination' and (code = 'consentement-hors-equipe' or code = 'reconnaissance-equipe' or code = 'acces-aidant' or code = 'acces-personne-confiance' or code = 'mesure-protection')).exists() implies provision.where(type = 'permit').exists()"
* insert HumanFrench([[Un consentement, une reconnaissance ou un accès autorise (provision de type permit)]])

Invariant: consentement-3
Description: "What opens to somebody or keeps somebody out names them"
Severity: #error
Expression: "category.coding.where(system = 'https://cordee.example/fhir/CodeSystem/consentement-coordination' and (code = 'consentement-hors-equipe' or code = 'reconnaissance-equipe' or code = 'exclusion-acteur' or code = 'acces-aidant' or code = 'acces-personne-confiance' or code = 'mesure-protection')).exists() implies provision.actor.exists()"
* insert HumanFrench([[Ce qui ouvre l'accès à quelqu'un ou l'écarte le désigne]])

Invariant: consentement-4
Description: "The access of a carer or a trusted person goes to a RelatedPerson, names the categories of data and has a start"
Severity: #error
Expression: "category.coding.where(system = 'https://cordee.example/fhir/CodeSystem/consentement-coordination' and (code = 'acces-aidant' or code = 'acces-personne-confiance')).exists() implies (provision.actor.exists() and provision.actor.reference.reference.all(matches('(^|/)RelatedPerson[/?]|^(#|urn:)')) and provision.actor.reference.where(reference.matches('^(#|urn:)')).all(resolve() is RelatedPerson) and (provision.code.exists() or provision.class.exists() or provision.securityLabel.exists()) and provision.period.start.exists())"
* insert HumanFrench([[L'accès d'un aidant ou d'une personne de confiance va à un RelatedPerson, nomme les catégories de données et a un début]])

Invariant: consentement-5
Description: "A consent that was withdrawn has an end"
Severity: #error
Expression: "status = 'inactive' implies provision.period.end.exists()"
* insert HumanFrench([[Un consentement retiré a une fin]])

Invariant: consentement-6
Description: "A consent in favour of somebody carries its proof: a source or a verification"
Severity: #error
Expression: "(status = 'active' and category.coding.where(system = 'https://cordee.example/fhir/CodeSystem/consentement-coordination' and (code = 'consentement-hors-equipe' or code = 'reconnaissance-equipe' or code = 'acces-aidant' or code = 'acces-personne-confiance' or code = 'mesure-protection')).exists()) implies (source.exists() or verification.where(verified = true).exists())"
* insert HumanFrench([[Un consentement en faveur de quelqu'un porte sa preuve : une source ou une vérification]])

Invariant: consentement-7
Description: "A verification says with whom and when"
Severity: #error
Expression: "verification.where(verified = true).all(verifiedWith.exists() and verificationDate.exists())"
* insert HumanFrench([[Une vérification dit auprès de qui et quand]])

Invariant: consentement-8
Description: "An oral consent is verified, and says who collected it"
Severity: #error
Expression: "extension('https://cordee.example/fhir/StructureDefinition/mode-recueil').where(value.coding.code = 'oral').exists() implies (verification.where(verified = true).exists() and organization.exists())"
* insert HumanFrench([[Un consentement oral est vérifié et dit qui l'a recueilli]])

Extension: ModeRecueil
Id: mode-recueil
Title: "How a consent was collected"
Description: "Orally, on paper or electronically: the law takes all of them, the proof differs."
Context: Consent
* insert French([[Mode de recueil d'un consentement]])
* insert FrenchDescription([[Par oral, sur papier ou par voie numérique : la loi les admet tous, la preuve diffère.]])
* value[x] 1..1
* value[x] only CodeableConcept
* value[x] from ModeRecueilVS (required)

CodeSystem: ModeRecueilCodes
Id: mode-recueil
Title: "How a consent was collected"
Description: "The ways of collecting a consent."
* insert French([[Modes de recueil d'un consentement]])
* ^language = #fr
* ^caseSensitive = true
* ^valueSet = "https://cordee.example/fhir/ValueSet/mode-recueil"
* #oral "Par oral"
* #oral insert InEnglish([[Orally]])
* #ecrit "Par écrit"
* #ecrit insert InEnglish([[On paper]])
* #numerique "Par voie numérique"
* #numerique insert InEnglish([[Electronically]])

ValueSet: ModeRecueilVS
Id: mode-recueil
Title: "How a consent was collected"
Description: "All ways of collecting a consent."
* insert French([[Modes de recueil d'un consentement]])
* include codes from system ModeRecueilCodes

CodeSystem: ConsentementCoordinationCodes
Id: consentement-coordination
Title: "Consents of coordination"
Description: "What a person decides about the sharing of what is known of them."
* insert French([[Consentements de la coordination]])
* ^language = #fr
* ^caseSensitive = true
* ^valueSet = "https://cordee.example/fhir/ValueSet/consentement-coordination"
* #information-dossier "Information sur le dossier" "La personne est informée, de façon libre et éclairée, avant l'ouverture"
* #information-dossier insert InEnglish([[Information about the record]])
* #non-opposition "Non-opposition" "Après information, la personne ne s'oppose pas au partage dans l'équipe"
* #non-opposition insert InEnglish([[No opposition]])
* #opposition-partage "Opposition au partage" "La personne s'oppose au partage, en tout ou pour des catégories de données"
* #opposition-partage insert InEnglish([[Opposition to sharing]])
* #consentement-hors-equipe "Consentement hors équipe" "La personne permet le partage avec un acteur, une structure ou une classe d'acteurs hors de l'équipe"
* #consentement-hors-equipe insert InEnglish([[Consent outside the team]])
* #reconnaissance-equipe "Reconnaissance dans l'équipe" "La personne reconnaît un professionnel comme membre de l'équipe de soins"
* #reconnaissance-equipe insert InEnglish([[Recognised as member of the team]])
* #exclusion-acteur "Exclusion d'un acteur" "Un professionnel ou une structure désignés n'ont accès à rien"
* #exclusion-acteur insert InEnglish([[Exclusion of an actor]])
* #acces-aidant "Accès d'un aidant"
* #acces-aidant insert InEnglish([[Access of a carer]])
* #acces-personne-confiance "Accès de la personne de confiance"
* #acces-personne-confiance insert InEnglish([[Access of the trusted person]])
* #opposition-messagerie "Opposition à la messagerie" "Aucun envoi à la boîte de la personne"
* #opposition-messagerie insert InEnglish([[Opposition to mail]])
* #opposition-dmp "Opposition au DMP" "Ni alimentation ni consultation du DMP"
* #opposition-dmp insert InEnglish([[Opposition to the DMP]])
* #opposition-urgence "Opposition à l'accès en urgence"
* #opposition-urgence insert InEnglish([[Opposition to emergency access]])
* #accord-esms "Accord à un ESMS" "L'établissement ou service peut lire l'évaluation de la MDPH"
* #accord-esms insert InEnglish([[Agreement with an ESMS]])
* #accord-projet "Accord au projet personnalisé"
* #accord-projet insert InEnglish([[Agreement to the personal project]])
* #mesure-protection "Mesure de protection" "Décision de justice et étendue du mandat"
* #mesure-protection insert InEnglish([[Measure of protection]])

ValueSet: ConsentementCoordinationVS
Id: consentement-coordination
Title: "Consents of coordination"
Description: "All consents of coordination."
* insert French([[Consentements de la coordination]])
* include codes from system ConsentementCoordinationCodes
