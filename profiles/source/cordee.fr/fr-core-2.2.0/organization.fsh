// Organisations and their units.

Profile: FRCoreOrganizationProfile
Parent: Organization
Id: fr-core-organization
Title: "Organisation"
* insert French([[Organisation]])
* meta.profile insert SlicedBy(value, $this)
* meta.profile contains fr-canonical 0..1
* meta.profile[fr-canonical] = "https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-organization|2.2.0"
* extension contains fr-core-organization-short-name named shortName 0..1
* extension contains http://hl7.org/fhir/5.0/StructureDefinition/extension-Organization.description named description 0..1
* extension contains http://hl7.org/fhir/StructureDefinition/organization-period named usePeriod 0..1
* extension contains http://hl7.org/fhir/StructureDefinition/note named openReason 0..1
* extension contains http://hl7.org/fhir/StructureDefinition/note named closureReason 0..1
* extension contains fr-core-organization-member named member 0..*
* type from fr-core-vs-organization-type (example)
* telecom only fr-core-contact-point
* address only fr-core-address
* partOf only Reference(fr-core-organization or fr-core-organization-etablissement)
* partOf.type from fr-core-vs-organization-type (extensible)
* contact.telecom only fr-core-contact-point
* contact.address only fr-core-address

Profile: FRCoreOrganizationEtablissementProfile
Parent: fr-core-organization
Id: fr-core-organization-etablissement
Title: "Establishment"
* insert French([[Établissement]])
* extension contains fr-core-organization-sae-categorie named sae 0..1
* extension contains fr-core-organization-raison-sociale named raisonSociale 0..1
* identifier insert SlicedBy(pattern, system)
* identifier insert AlsoBy(pattern, type)
* identifier.use from http://hl7.org/fhir/ValueSet/identifier-use (required)
* identifier.type from fr-core-vs-organization-identifier-type (extensible)
* identifier contains idNatSt 0..*
* identifier[idNatSt].use 1..
* identifier[idNatSt].use = #official
* identifier[idNatSt] insert Identifies($fr-v2-0203#IDNST, urn:oid:1.2.250.1.71.4.2.2)
* identifier contains siren 0..*
* identifier[siren].type 1..
* identifier[siren].type = $fr-v2-0203#SIREN
* identifier[siren].system 1..
* identifier[siren].system = "https://sirene.fr"
* identifier contains siret 0..*
* identifier[siret].type 1..
* identifier[siret].type = $fr-v2-0203#SIRET
* identifier[siret].system 1..
* identifier[siret].system = "https://sirene.fr"
* identifier contains finess 0..*
* identifier[finess].type.coding.system = "https://hl7.fr/ig/fhir/core/CodeSystem/fr-core-cs-v2-0203"
* identifier[finess].system 1..
* identifier[finess].system = "https://finess.esante.gouv.fr"
* identifier contains rppsRang 0..*
* identifier[rppsRang].type 1..
* identifier[rppsRang].type = $fr-v2-0203#RPPSRG
* identifier[rppsRang].system 1..
* identifier[rppsRang].system = "https://rppsrang.esante.gouv.fr"
* type insert SlicedBy(value, $this)
* type from fr-core-vs-organization-etablissement-type (example)
* name MS

Profile: FRCoreOrganizationUACProfile
Parent: fr-core-organization
Id: fr-core-organization-uac
Title: "Unit of activity (UAC)"
* insert French([[Unité d'activité (UAC)]])
* extension contains fr-core-organization-discipline-prestation named disciplinePrestation 0..1
* extension contains fr-core-organization-tarif named tarif 0..1
* type = fr-core-cs-v2-3307#UAC (exactly)
* partOf only Reference(fr-core-organization-uf)

Profile: FRCoreOrganizationUFProfile
Parent: fr-core-organization
Id: fr-core-organization-uf
Title: "Functional unit (UF)"
* insert French([[Unité fonctionnelle (UF)]])
* extension contains fr-core-organization-discipline-equipement named discplineEquipement 0..1
* extension contains fr-core-organization-type-activite named typeActivite 0..1
* extension contains fr-core-organization-champ-activite named champActivite 0..1
* extension contains fr-core-organization-place-hebergement-theorique named placeHebergement 0..1
* extension contains fr-core-organization-uf-externe named externe 0..1
* extension contains fr-core-organization-uf-indicateur named indicateur 0..*
* extension contains fr-core-organization-demandeuse-acte named demandeuseActe 0..1
* extension contains fr-core-organization-executante-acte named executanteActe 0..1
* type = fr-core-cs-v2-3307#UF (exactly)

Extension: FRCoreOrganizationChampActiviteExtension
Id: fr-core-organization-champ-activite
Title: "Field of activity"
Context: Organization
* insert French([[Champ d'activité]])
* value[x] only Coding
* value[x] from fr-core-vs-organization-champ-activite (extensible)

Extension: FRCoreOrganizationDemandeuseActeExtension
Id: fr-core-organization-demandeuse-acte
Title: "Whether acts are asked for here"
Context: Organization
* insert French([[Demandeuse d'actes]])
* value[x] only boolean

Extension: FRCoreOrganizationDisciplineEquipementExtension
Id: fr-core-organization-discipline-equipement
Title: "Discipline of equipment"
Context: Organization
* insert French([[Discipline d'équipement]])
* value[x] only Coding
* value[x] from fr-core-vs-organization-discipline-equipement (extensible)

Extension: FRCoreOrganizationDisciplinePrestationExtension
Id: fr-core-organization-discipline-prestation
Title: "Discipline of service"
Context: Organization
* insert French([[Discipline de prestation]])
* value[x] only Coding
* value[x] from fr-core-vs-discipline-prestation (extensible)

Extension: FRCoreOrganizationExecutanteActeExtension
Id: fr-core-organization-executante-acte
Title: "Whether acts are performed here"
Context: Organization
* insert French([[Exécutante d'actes]])
* value[x] only boolean

Extension: FRCoreOrganizationMemberExtension
Id: fr-core-organization-member
Title: "Part of an organisation"
Context: Organization
* insert French([[Membre d'une organisation]])
* valueReference 0..1
* valueReference only Reference(fr-core-organization)

Extension: FRCoreOrganizationPlaceHebergementTheoriqueExtension
Id: fr-core-organization-place-hebergement-theorique
Title: "Number of places in theory"
Context: Organization
* insert French([[Nombre théorique de places]])
* value[x] only integer

Extension: FRCoreOrganizationRaisonSocialeExtension
Id: fr-core-organization-raison-sociale
Title: "Legal name"
Context: Organization
* insert French([[Raison sociale]])
* value[x] only string

Extension: FRCoreOrganizationSAECategorieExtension
Id: fr-core-organization-sae-categorie
Title: "Category in the yearly survey (SAE)"
Context: Organization
* insert French([[Catégorie SAE]])
* valueCodeableConcept 0..1
* valueCodeableConcept only CodeableConcept
* valueCodeableConcept from fr-core-vs-categorie-sae-etablissement (required)

Extension: FRCoreOrganizationShortNameExtension
Id: fr-core-organization-short-name
Title: "Short name of an organisation"
Context: Organization
* insert French([[Nom court d'une organisation]])
* value[x] only string

Extension: FRCoreOrganizationTarifExtension
Id: fr-core-organization-tarif
Title: "Tariff"
Context: Organization
* insert French([[Tarif]])
* value[x] only Coding
* value[x] from fr-core-vs-oragnization-code-tarif-tnjp (extensible)

Extension: FRCoreOrganizationTypeActiviteExtension
Id: fr-core-organization-type-activite
Title: "Kind of activity"
Context: Organization
* insert French([[Type d'activité]])
* value[x] only CodeableConcept
* value[x] from fr-core-vs-oragnization-type-activite (required)

Extension: FRCoreOrganizationUFExterneExtension
Id: fr-core-organization-uf-externe
Title: "Whether a unit lies outside"
Context: Organization
* insert French([[Unité externe]])
* value[x] only boolean

Extension: FRCoreOrganizationUFIndicateurExtension
Id: fr-core-organization-uf-indicateur
Title: "What a unit is for"
Context: Organization
* insert French([[Indicateur d'une unité fonctionnelle]])
* valueCodeableConcept 0..1
* valueCodeableConcept only CodeableConcept
* valueCodeableConcept from fr-core-vs-organization-uf-indicateur (required)

ValueSet: FRCoreValueSetCategorieSAEEtablissement
Id: fr-core-vs-categorie-sae-etablissement
Title: "Categories in the yearly survey (SAE)"
* insert French([[Catégories SAE]])
* https://mos.esante.gouv.fr/NOS/TRE_R66-CategorieEtablissement/FHIR/TRE-R66-CategorieEtablissement#101
* https://mos.esante.gouv.fr/NOS/TRE_R66-CategorieEtablissement/FHIR/TRE-R66-CategorieEtablissement#106
* https://mos.esante.gouv.fr/NOS/TRE_R66-CategorieEtablissement/FHIR/TRE-R66-CategorieEtablissement#109
* https://mos.esante.gouv.fr/NOS/TRE_R66-CategorieEtablissement/FHIR/TRE-R66-CategorieEtablissement#114
* https://mos.esante.gouv.fr/NOS/TRE_R66-CategorieEtablissement/FHIR/TRE-R66-CategorieEtablissement#115
* https://mos.esante.gouv.fr/NOS/TRE_R66-CategorieEtablissement/FHIR/TRE-R66-CategorieEtablissement#122
* https://mos.esante.gouv.fr/NOS/TRE_R66-CategorieEtablissement/FHIR/TRE-R66-CategorieEtablissement#127
* https://mos.esante.gouv.fr/NOS/TRE_R66-CategorieEtablissement/FHIR/TRE-R66-CategorieEtablissement#128
* https://mos.esante.gouv.fr/NOS/TRE_R66-CategorieEtablissement/FHIR/TRE-R66-CategorieEtablissement#129
* https://mos.esante.gouv.fr/NOS/TRE_R66-CategorieEtablissement/FHIR/TRE-R66-CategorieEtablissement#131
* https://mos.esante.gouv.fr/NOS/TRE_R66-CategorieEtablissement/FHIR/TRE-R66-CategorieEtablissement#141
* https://mos.esante.gouv.fr/NOS/TRE_R66-CategorieEtablissement/FHIR/TRE-R66-CategorieEtablissement#146
* https://mos.esante.gouv.fr/NOS/TRE_R66-CategorieEtablissement/FHIR/TRE-R66-CategorieEtablissement#156
* https://mos.esante.gouv.fr/NOS/TRE_R66-CategorieEtablissement/FHIR/TRE-R66-CategorieEtablissement#161
* https://mos.esante.gouv.fr/NOS/TRE_R66-CategorieEtablissement/FHIR/TRE-R66-CategorieEtablissement#292
* https://mos.esante.gouv.fr/NOS/TRE_R66-CategorieEtablissement/FHIR/TRE-R66-CategorieEtablissement#355
* https://mos.esante.gouv.fr/NOS/TRE_R66-CategorieEtablissement/FHIR/TRE-R66-CategorieEtablissement#362
* https://mos.esante.gouv.fr/NOS/TRE_R66-CategorieEtablissement/FHIR/TRE-R66-CategorieEtablissement#365
* https://mos.esante.gouv.fr/NOS/TRE_R66-CategorieEtablissement/FHIR/TRE-R66-CategorieEtablissement#366
* https://mos.esante.gouv.fr/NOS/TRE_R66-CategorieEtablissement/FHIR/TRE-R66-CategorieEtablissement#412
* https://mos.esante.gouv.fr/NOS/TRE_R66-CategorieEtablissement/FHIR/TRE-R66-CategorieEtablissement#415
* https://mos.esante.gouv.fr/NOS/TRE_R66-CategorieEtablissement/FHIR/TRE-R66-CategorieEtablissement#422
* https://mos.esante.gouv.fr/NOS/TRE_R66-CategorieEtablissement/FHIR/TRE-R66-CategorieEtablissement#425
* https://mos.esante.gouv.fr/NOS/TRE_R66-CategorieEtablissement/FHIR/TRE-R66-CategorieEtablissement#426
* https://mos.esante.gouv.fr/NOS/TRE_R66-CategorieEtablissement/FHIR/TRE-R66-CategorieEtablissement#430
* https://mos.esante.gouv.fr/NOS/TRE_R66-CategorieEtablissement/FHIR/TRE-R66-CategorieEtablissement#433
* https://mos.esante.gouv.fr/NOS/TRE_R66-CategorieEtablissement/FHIR/TRE-R66-CategorieEtablissement#444
* https://mos.esante.gouv.fr/NOS/TRE_R66-CategorieEtablissement/FHIR/TRE-R66-CategorieEtablissement#695
* https://mos.esante.gouv.fr/NOS/TRE_R66-CategorieEtablissement/FHIR/TRE-R66-CategorieEtablissement#696
* https://mos.esante.gouv.fr/NOS/TRE_R66-CategorieEtablissement/FHIR/TRE-R66-CategorieEtablissement#697
* https://mos.esante.gouv.fr/NOS/TRE_R66-CategorieEtablissement/FHIR/TRE-R66-CategorieEtablissement#698
* https://mos.esante.gouv.fr/NOS/TRE_R66-CategorieEtablissement/FHIR/TRE-R66-CategorieEtablissement#699

ValueSet: FRCoreValueSetDisciplinePrestation
Id: fr-core-vs-discipline-prestation
Title: "Disciplines of service"
* insert French([[Disciplines de prestation]])
* include codes from system fr-core-cs-discipline-prestation

ValueSet: FRCoreValueSetOrganizationCodeTarifTNJP
Id: fr-core-vs-oragnization-code-tarif-tnjp
Title: "Tariffs by day (TNJP)"
* insert French([[Tarifs nationaux journaliers de prestation]])
* include codes from system fr-core-cs-code-tarif-tnjp

ValueSet: FRCoreValueSetOrganizationTypeActivite
Id: fr-core-vs-oragnization-type-activite
Title: "Kinds of activity of a unit"
* insert French([[Types d'activité d'une unité]])
* include codes from system fr-core-cs-type-activite

ValueSet: FRCoreValueSetOrganizationChampActivite
Id: fr-core-vs-organization-champ-activite
Title: "Fields of activity of a unit"
* insert French([[Champs d'activité d'une unité]])
* include codes from system fr-core-cs-champ-activite

ValueSet: FRCoreValueSetOrganizationDisciplineEquipement
Id: fr-core-vs-organization-discipline-equipement
Title: "Disciplines of equipment"
* insert French([[Disciplines d'équipement]])
* include codes from system fr-core-cs-discipline-equipement

ValueSet: FRCoreValueSetOrganizationEtablissementType
Id: fr-core-vs-organization-etablissement-type
Title: "Kinds of establishments"
* insert French([[Types d'établissements]])
* fr-core-cs-v2-3307#LEGAL-ENTITY
* fr-core-cs-v2-3307#GEOGRAPHICAL-ENTITY

ValueSet: FRCoreValueSetOrganizationIdentifierType
Id: fr-core-vs-organization-identifier-type
Title: "Kinds of identifiers of organisations"
* insert French([[Types d'identifiants d'organisations]])
* $fr-v2-0203#FINEJ
* $fr-v2-0203#FINEG
* $fr-v2-0203#SIREN
* $fr-v2-0203#SIRET
* $fr-v2-0203#IDNST
* $fr-v2-0203#INTRN
* $fr-v2-0203#EXTRN
* $fr-v2-0203#RPPSRG

ValueSet: FRCoreValueSetOrganizationType
Id: fr-core-vs-organization-type
Title: "Kinds of organisations"
* insert French([[Types d'organisations]])
* fr-core-cs-v2-3307#GHT
* fr-core-cs-v2-3307#GROUP
* fr-core-cs-v2-3307#STRUCT-INTERNE
* fr-core-cs-v2-3307#SECTEUR
* fr-core-cs-v2-3307#DEPARTEMENT
* fr-core-cs-v2-3307#SERVICE
* fr-core-cs-v2-3307#UM
* fr-core-cs-v2-3307#POLE
* fr-core-cs-v2-3307#CENTRE-RESP
* fr-core-cs-v2-3307#CENTRE-ACTIVITE

ValueSet: FRCoreValueSetOrganizationUFIndicateur
Id: fr-core-vs-organization-uf-indicateur
Title: "What a unit is for"
* insert French([[Indicateurs d'une unité fonctionnelle]])
* include codes from system fr-core-cs-uf-indicateur

CodeSystem: FRCoreCodeSystemChampActivite
Id: fr-core-cs-champ-activite
Title: "Fields of activity of a unit"
* insert French([[Champs d'activité d'une unité]])
* #MCO "MCO"
* #SMR "SMR"
* #HAD "HAD"
* #PSY "PSY"
* #EHPAD "EHPAD"
* #LG_SJR "Long séjour"
* #MSN_RTRT "Maison de retraite"
* #ATR "Autre"

CodeSystem: FRCoreCodeSystemCodeTarifTNJP
Id: fr-core-cs-code-tarif-tnjp
Title: "Tariffs by day (TNJP)"
* insert French([[Tarifs nationaux journaliers de prestation]])
* #03 "Médecine UM gériatrie, addictologie, douleurs chroniques-HC"
* #04 "Médecine UM gériatrie, addictologie, douleurs chroniques-ambu"
* #11 "Médecine autres UM-HC"
* #50 "Médecine autres UM-ambu"
* #48 "Médecine - GHS intermédiaire"
* #45 "Médecine - Administration des produits de la réserve hospitalière"
* #20 "Spécialités couteuses"
* #26 "Spé très couteuses - REA"
* #12 "Chirurgie - HC"
* #90 "Chirurgie -ambu"
* #23 "Obstétrique - HC"
* #24 "Obstétrique-ambu"
* #25 "Nouveaux Nés - HC"
* #53 "Séance chimiothérapie"
* #52 "Séance dialyse"
* #49 "Séance de protonthérapie"
* #51 "Séances Radiot Hte Precision : stéréotaxie, Irradiation corporelle totale, autres techniques spéciales, RCMI"
* #27 "Autres séances"
* #70 "Hospitalisation à domicile (cas général)"
* #13 "Hospitalisation complète de + de 18 ans"
* #54 "Hospitalisation partielle de + de 18 ans"
* #14 "Hospitalisation complète de - de 18 ans"
* #55 "Hospitalisation partielle de - de 18 ans"
* #57 "Centre de Crise de + de 18 ans"
* #58 "Centre de Crise de - de 18 ans"
* #91 "PEDIATRIE- BRULES - ONCOHEMATOLOGIE - HC"
* #92 "NEUROLOGIE - HC"
* #93 "CARDIOLOGIE - HC"
* #94 "LOCOMOTEUR - HC"
* #95 "GERIATRIE - HC"
* #96 "DIGESTIF - HC"
* #97 "RESPIRATOIRE - HC"
* #87 "ADDICTION - HC"
* #88 "POLYVALENT - HC"
* #31 "PEDIATRIE- BRULES - ONCOHEMATOLOGIE - HP"
* #32 "NEUROLOGIE - HP"
* #33 "CARDIOLOGIE - HP"
* #34 "LOCOMOTEUR - HP"
* #35 "GERIATRIE - HP"
* #36 "DIGESTIF - HP"
* #37 "RESPIRATOIRE - HP"
* #38 "ADDICTION - HP"
* #39 "POLYVALENT - HP"

CodeSystem: FRCoreCodeSystemDisciplineEquipement
Id: fr-core-cs-discipline-equipement
Title: "Disciplines of equipment"
* insert French([[Disciplines d'équipement]])
* #23 "Stérilisation"
* #34 "Radiostandard"
* #35 "Scanographie X"
* #36 "Neuroradiologie"
* #37 "Hémodynamique"
* #45 "Explorations fonctionnelles cardiovasculaires"
* #46 "Explorations fonctionnelles néphrologiques"
* #47 "Explorations fonctionnelles pneumologiques"
* #48 "Explorations fonctionnelles neurologiques"
* #49 "Explorations fonctionnelles du tube digestif"
* #50 "Autres explorations fonctionnelles spécialisées"
* #51 "Explorations fonctionnelles cardiovasculaires et néphrologiques"
* #52 "Explorations fonctionnelles cardiovasculaires et pneumologiques"
* #53 "Autres explorations fonctionnelles polyvalentes"
* #55 "Réeducation fonctionnelle"
* #56 "Ergothérapie"
* #57 "Hydrothérapie"
* #58 "Kinésithérapie"
* #59 "Orthophonie"
* #60 "Orthoptie"
* #61 "Autres rééducations spécialisées"
* #62 "Anatomie pathologique (anatomie et cytologie pathologique)"
* #63 "Bactériologie"
* #64 "Biochimie générale et spécialisée"
* #70 "Embryologie clinique"
* #79 "Parasitologie-mycologie"
* #80 "Pharmacologie-toxicologie"
* #83 "Virologie"
* #86 "Vaccination"
* #87 "Consultation antitabac"
* #88 "Médecine légale"
* #89 "Médecine préventive et de santé publique"
* #90 "Autres consultations et soins externes"
* #91 "Fabrication-préparation de produits pharmaceutiques"
* #92 "Distribution de produits pharmaceutiques"
* #93 "Distribution d'autres biens médicaux"
* #94 "Activité de pharmacocinétique (Autre activité d'analyse et de recherche sur les médicaments)"
* #95 "Autres activités (fabrication autres biens médicaux, prothèses, etc)"
* #96 "Prélèvement à but scientifique (autopsie) et vérification de diagnostics"
* #97 "Anesthésiologie (consultation)"
* #99 "Activité de pharmacotoxico-vigilance"
* #108 "Médecine pédiatrique (hors unité d'oncologie médicale, spécialisée ou non)"
* #112 "Néonatologie sans SI"
* #145 "Traitement des grands brûlés (hors réanimation et surveillance continue grands brûlés)"
* #151 "Neurochirurgie"
* #164 "Gynécologie seule"
* #165 "Obstétrique seule"
* #176 "Soins de longue durée pour personnes ayant perdu leur autonomie de vie"
* #197 "Consultations et soins dentaires"
* #200 "Transfusion sanguine (laboratoire)"
* #201 "Banque de sperme"
* #202 "Banques d'organes"
* #203 "Dispensaire de soins"
* #204 "Soins infirmiers"
* #205 "Lutte contre les maladies sexuellement transmissibles"
* #218 "Vaccination BCG"
* #235 "Soins intensifs en néonatologie"
* #241 "Hygiène alimentaire (activité des centres d'hygiène alimentaire notamment)"
* #309 "Interruption volontaire de grossesse"
* #384 "Protection maternelle et infantile (centre de PMI ou dispensaire de PMI)"
* #385 "Consultations prénuptiales, prénatales ou postnatales"
* #386 "Consultations de protection infantile"
* #389 "Lutte contre la stérilité"
* #390 "Consultations de conseil génétique"
* #391 "Consultations de planification ou d'éducation familiale"
* #392 "Information, consultation ou conseil familial"
* #394 "Lactarium"
* #395 "Guidance parentale"
* #396 "Guidance infantile"
* #446 "Médecine scolaire"
* #447 "Médecine universitaire"
* #448 "Médecine sportive"
* #452 "Aide aux insuffisants respiratoires"
* #552 "Entraînement à l'hémodialyse "
* #553 "Entraînement à la dialyse péritonéale"
* #555 "Dialyse péritonéale automatisée à domicile"
* #556 "Dialyse péritonéale continue ambulatoire à domicile"
* #596 "Médecine du travail"
* #631 "Gynécologie seule"
* #634 "Laboratoire de  radio-isotopes (Médecine nucléaire in vivo)"
* #635 "Réanimation néonatale"
* #645 "Oxygénothérapie isolée (insuffisants respiratoires)"
* #646 "Assistance ventilatoire sans trachéotomie (insuffisants respiratoires)"
* #647 "Assistance ventilatoire endotrachéale (insuffisants respiratoires)"
* #648 "Trachéotomie isolée (insuffisants respiratoires)"
* #665 "Fabrication et distribution indifférenciées de produits pharmaceutiques"
* #700 "Fabrication, conditionnement et importation de produits cosmétiques et de produits d'hygiène corp."
* #701 "Fabrication de produits diététiques"
* #702 "Préparation et vente en gros de produits vétérinaires"
* #703 "Fabrication (ou importation) de radio-éléments artificiels"
* #704 "Détention d'animaux en vue de l'expérimentation des médicaments"
* #705 "Fabrication d'objets contraceptifs"
* #723 "Hémodialyse à domicile"
* #726 "Consultations multidisciplines regroupées (médecine, chirurgie et autres spécialités)"
* #727 "Consultations externes indifférenciées"
* #743 "Immunohématologie"
* #745 "Hémostase"
* #750 "Tomographie"
* #751 "Radiologie vasculaire"
* #752 "Echographie sans autre indication (sai)"
* #753 "Imagerie par résonance magnétique (IRM)"
* #754 "Autres activités spécialisées d'imagerie médicale"
* #755 "Explorations fonctionnelles en ORL"
* #756 "Explorations fonctionnelles en ophtalmologie"
* #757 "Recherche et expérimentation dans les services médico-techniques"
* #760 "Salle de réveil"
* #761 "Anesthésiologie et salle de réveil"
* #762 "Bloc opératoire et stérilisation indifférenciés"
* #763 "Pharmacie et stérilisation indifférenciées"
* #797 "Hémodialyse en centre pour adulte"
* #798 "Hémodialyse en centre pour enfant"
* #799 "Assistance ventilatoire avec prothèse extrathoracique(insuffisants respiratoires)"
* #800 "Assistance ventilatoire par pression positive continue ou autres techniques particulières agréées (insuffisants respiratoires)"
* #815 "Echocardiologie"
* #816 "Echographie abdominale"
* #817 "Echographie en obstétrique"
* #818 "Echographie vasculaire"
* #819 "Autres échographies"
* #820 "Collecte de sang"
* #821 "Stockage-distribution de sang"
* #822 "Production de produits sanguins"
* #823 "Autres activités de transfusion sanguine"
* #824 "Pharmacie d'établissement"
* #949 "Recherche chirurgicale ou chirurgie expérimentale"
* #952 "Recherche médicale"
* #953 "Recherche pharmacologique"
* #954 "Recherche pharmaceutique"
* #955 "Recherche odontologique"
* #956 "Recherche toxicologique"
* #996 "Services extérieurs"
* #997 "Discipline non dénommée ailleurs"

CodeSystem: FRCoreCodeSystemDisciplinePrestation
Id: fr-core-cs-discipline-prestation
Title: "Disciplines of service"
* insert French([[Disciplines de prestation]])
* #35 "Scanographie X"
* #39 "Radiothérapie externe (césium, cobalt)"
* #43 "Curiethérapie"
* #76 "Immunologie sans autre indication (sai)"
* #102 "Maladies infectieuses"
* #103 "Toxicologie (y compris en particulier activité des centres antipoison)"
* #104 "Réanimation médicale (y compris soins intensifs)"
* #105 "Réanimation polyvalente (médicale + chirurgicale, y compris soins intensifs)"
* #106 "Surveillance continue - médecine (non compris soins intensifs)"
* #107 "Surveillance continue polyvalente (médicale+chirurgicale, non compris soins intensifs)"
* #108 "Pédiatrie indifférenciée"
* #109 "Pédiatrie enfants et adolescents"
* #110 "Pédiatrie nouveau-nés et nourrissons indifférenciée"
* #111 "Pédiatrie nourrissons"
* #112 "Néonatologie"
* #113 "Médecine gériatrique"
* #114 "Spécialités médicales indifférenciées"
* #115 "Allergologie"
* #116 "Dermatologie et vénérologie indifférenciées"
* #117 "Dermatologie"
* #118 "Vénérologie"
* #119 "Endocrinologie, diabétologie, nutrition et métabolisme indifférenciés"
* #120 "Endocrinologie"
* #121 "Diabétologie"
* #122 "Nutrition-métabolisme"
* #123 "Hématologie et maladies du sang"
* #124 "Hépatogastro-entérologie"
* #125 "Maladies tropicales et exotiques"
* #126 "Médecine carcinologique"
* #127 "Médecine cardiovasculaire"
* #129 "Neurologie"
* #130 "Pneumologie indifférenciée"
* #131 "Pneumologie non tuberculeuse"
* #132 "Phtisiologie"
* #133 "Rhumatologie"
* #134 "Radiothérapie et médecine nucléaire indifférenciées"
* #135 "Radiothérapie"
* #136 "Médecine nucléaire"
* #137 "Chirurgie générale"
* #138 "Chirurgie infantile indifférenciée"
* #139 "Chirurgie enfants et adolescents"
* #140 "Chirurgie nouveau-nés et nourrissons"
* #141 "Réanimation chirurgicale indifférenciée (y compris soins intensifs)"
* #142 "Surveillance continue chirurgicale (non compris soins intensifs)"
* #143 "Spécialités chirurgicales indifférenciées"
* #144 "Chirurgie carcinologique"
* #145 "Chirurgie des grands brûlés"
* #146 "Chirurgie digestive"
* #147 "Chirurgie thoracique et cardiovasculaire indiférenciée"
* #148 "Chirurgie thoracopulmonaire"
* #149 "Chirurgie vasculaire"
* #150 "Chirurgie cardiovasculaire"
* #151 "Neurochirurgie"
* #152 "Orthopédie-traumatologie et chirurgie plastique et réparatrice indifférenciées"
* #153 "Orthopédie-traumatologie"
* #154 "Chirurgie plastique et réparatrice"
* #155 "ORL et ophtalmologie indifférenciées"
* #156 "ORL"
* #157 "Ophtalmologie"
* #158 "Stomatologie et chirurgie maxillofaciale indifférenciées"
* #159 "Stomatologie"
* #160 "Chirurgie maxillofaciale"
* #161 "Urologie"
* #162 "ORL, ophtalmologie et stomatologie indifférenciées"
* #163 "Gynécologie et obstétrique indifférenciées"
* #164 "Gynécologie"
* #165 "Obstétrique"
* #166 "Chroniques et convalescents indifférenciés"
* #167 "Chroniques"
* #168 "Repos, convalescence et régime indifférenciés"
* #169 "Repos"
* #170 "Convalescence"
* #171 "Régime (y compris diététique)"
* #172 "Rééducation fonctionnelle et réadaptation polyvalente"
* #173 "Cure thermale indifférenciée"
* #174 "Médecine générale et spécialités médicales indifférenciées"
* #176 "Long séjour pour personnes ayant perdu leur autonomie de vie"
* #177 "Cure médicale en établissement d'hébergements pour personnes âgées"
* #178 "Rééducation fonctionnelle et réadaptation motrice indifférenciée"
* #179 "Rééducation fonctionnelle et réadaptation neurologique"
* #180 "Rééducation des affections respiratoires"
* #181 "Chirurgie générale et spécialités chirugicales indifférenciées"
* #182 "Rééducation des maladies cardiovasculaires"
* #183 "Obstétrique sans possibilités chirurgicales"
* #184 "Rééducation des affections hépatodigestives"
* #185 "Repos et convalescence indifférenciés"
* #187 "Autre rééducation fonctionnelle et réadaptation"
* #189 "Cure thermale des voies respiratoires"
* #193 "Cure thermale en rhumatologie et séquelles de traumatismes ostéo-articulaires"
* #194 "Cure thermale en dermatologie"
* #195 "Lutte contre les toxicomanies (autres que l'alcoolisme)"
* #196 "Lutte contre l'alcoolisme (y compris alcoologie)"
* #198 "Lutte contre le cancer (activité des CRLC)"
* #206 "Lutte antihansénienne (lèpre)"
* #214 "Postcure pour alcooliques"
* #217 "Lutte contre la tuberculose indifférenciée"
* #219 "Lutte contre la tuberculose pulmonaire (sanatorium pulmonaire, hôtel de cure)"
* #220 "Lutte contre la tuberculose extrapulmonaire"
* #221 "Cure et repos en préventorium"
* #222 "Aérium (traitements préventifs de la tuberculose)"
* #223 "Médecine générale polyvalente"
* #224 "Observation et traitement pneumoconioses"
* #225 "Médecine interne"
* #226 "Accueil et orientation des malades atteints ou suspects de tuberculose pulmonaire"
* #227 "Postcure pour tuberculeux"
* #230 "Psychiatrie générale"
* #235 "Soins intensifs de néonatologie"
* #236 "Psychiatrie infanto-juvénile"
* #252 "Pouponnière à caractère sanitaire (hébergement et soins en )"
* #263 "Placement familial sanitaire"
* #267 "Action médico-sociale précoce pour enfants polyhandicapés"
* #268 "Action médico-sociale précoce pour autre catégorie de clientèle"
* #269 "Soins de type foyer à double tarification pour adultes handicapés"
* #273 "Hébergement en service de soins de longue durée"
* #302 "Chimiothérapie en hématologie et cancérologie"
* #304 "Transplantation du foie"
* #305 "Transplantations rénales"
* #306 "Transplantations cardiaques"
* #309 "Interruption volontaire de grossesse"
* #310 "Examens de santé et bilans"
* #311 "Transplantation coeur-poumon"
* #312 "Néphrologie"
* #313 "Psychiatrie - sorties modifiant la tarification"
* #314 "Allogreffe de moelle osseuse"
* #316 "Autre transplantation d'organe (grêle, poumon, pancréas, multigreffe, ...)"
* #318 "Action médico-sociale précoce pour tous types de déficiences S.A.I"
* #320 "Activités des CMPP"
* #321 "Action médico-sociale précoce pour déficients auditifs"
* #322 "Action médico-sociale précoce pour déficients visuels"
* #323 "Action médico-sociale précoce pour déficients moteurs"
* #324 "Action médico-sociale précoce pour déficients intellectuels"
* #325 "Placement familial spécialisé pour enfants handicapés"
* #355 "Activités des centres de jour pour personnes âgées"
* #358 "Soins à domicile"
* #389 "Lutte contre la stérilité"
* #398 "Placement familial spécialisé pour adultes handicapés"
* #401 "Unité de proximité d'accueil, de traitement et d'orientation des urgences (UPATOU)"
* #402 "Service d'accueil et de traitemet des urgences (SAU)"
* #403 "Pôle spécialisé d'urgence en pédiatrie (POSU)"
* #404 "Pôle spécialisé d'urgence en ophtalmologie (POSU)"
* #405 "Pôle spécialisé d'urgence en cardiologie (POSU)"
* #406 "Pôle spécialisé d'urgence en traumatologie (POSU)"
* #407 "Pôle spécialisé d'urgence en 'SOS main'(POSU)"
* #408 "Pôle spécialisé d'urgence en neurochirgie (POSU)"
* #409 "Autre pôle spécialisé d'urgence non dénommé ailleurs (POSU)"
* #457 "Cure médicale spécialisée contre la tuberculose indifférenciée"
* #458 "Cure médicale spécialisée contre la tuberculose pulmonaire"
* #459 "Cure médicale specialisée contre la tuberculose extra-pulmonaire"
* #460 "Cure médicale spécialisée contre la tuberculose (préventorium)"
* #462 "Autre cure médicale spécialisée pour enfants (notamment aérium reclassé)"
* #463 "Autre cure médicale spécialisée pour tous âges"
* #464 "Cure médicale spécialisée pneumologique pour enfants"
* #465 "Cure médicale spécialisée pneumologique pour tous âges"
* #466 "Convalescence réadaptation pour personnes âgées"
* #467 "Cure médicale spécialisée cardiologique pour enfants"
* #468 "Cure médicale spécialisée cardiologique pour tous âges"
* #552 "Entraînement à l'hémodialyse à domicile et à l'autodialyse"
* #553 "Entraînement à la dialyse péritonéale à domicile"
* #554 "Entraînement à la dialyse péritonéale continue"
* #555 "Dialyse péritonéale"
* #556 "Dialyse péritonéale continue"
* #557 "ORL et stomatologie indifférenciées"
* #588 "Soins courants en établissement d'hébergement pour personnes âgées"
* #593 "Accueil de l'enfant accompagnant la mère convalescente"
* #594 "Repos prénatal"
* #595 "Convalescence postnatale"
* #604 "Cure médicale non spécialisée pour enfants (MECS ouverte en permanence)"
* #605 "Cure médicale non spécialisée pour enfants (MECS ouverte temporairement)"
* #606 "Cure thermale pour enfants (MECS ouverte en permanence)"
* #607 "Cure thermale pour enfants (MECS ouverte de façon temporaire)"
* #608 "Cure médicale pour enfants atteints d'affections chroniques non tuberculeuses des voies respiratoires (MECS ouverte en permanence)"
* #609 "Cure médicale pour enfants atteints d'affections chroniques non tuberculeuses des voies respiratoires (MECS ouverte de façon temporaire)"
* #610 "Cure médicale pour enfants convalescents de rhumatismes aigus (MECS ouverte en permanence)"
* #611 "Cure médicale pour enfants convalescents de rhumatismes aigus (MECS ouverte de façon temporaire)"
* #612 "Cure médicale pour enfants diabétiques (MECS ouverte en permanence)"
* #613 "Cure médicale pour enfants diabétiques (MECS ouverte de façon temporaire)"
* #614 "Cure médicale pour enfants épileptiques (MECS ouverte en permanence)"
* #615 "Cure médicale pour enfants épileptiques (MECS ouverte de façon temporaire)"
* #616 "Cure médicale pour enfants atteints de déficiences temporaires somatopsychologiques (MECS ouverte en permanence)"
* #618 "Cure médicale pour enfants hémophiles (MECS ouverte en permanence)"
* #619 "Cure médicale pour enfants hémophiles (MECS ouverte de façon temporaire)"
* #620 "Cure médicale pour enfants atteints d'infirmités orthopédiques (MECS ouverte en permanence)"
* #621 "Cure médicale pour enfants atteints d'infirmités orthopédiques (MECS ouverte de façon temporaire)"
* #622 "Cure médicale pour enfants énurétiques (MECS ouverte en permanence)"
* #623 "Cure médicale pour enfants énurétiques (MECS ouverte de façon temporaire)"
* #624 "Autre cure médicale spécialisée pour enfants (MECS ouverte en permanence)"
* #625 "Autre cure médicale spécialisée pour enfants (MECS ouverte de façon temporaire)"
* #627 "Moyen séjour indifférencié"
* #628 "Orthopédie"
* #631 "Gynécologie chirurgicale"
* #635 "Réanimation néonatale"
* #636 "Réanimation pédiatrique"
* #637 "Surveillance continue en cardiologie"
* #638 "Surveillance continue en pédiatrie"
* #639 "Surveillance continue en néphrologie"
* #640 "Surveillance continue en urologie"
* #641 "Réanimation en cardiologie"
* #644 "Neutronthérapie"
* #645 "Oxygénothérapie isolée (insuffisants respiratoires)"
* #646 "Assistance ventilatoire sans trachéotomie (insuffisants respiratoires)"
* #647 "Assistance ventilatoire endotrachéale (insuffisants respiratoires)"
* #648 "Trachéotomie isolée (insuffisants respiratoires)"
* #651 "Cure thermale des affections des muqueuses buccolinguales"
* #654 "Hébergement spécialisé pour enfants et adolescents handicapés"
* #657 "Hébergement temporaire pour personnes âgées"
* #663 "Nutrition parentérale pour enfants"
* #664 "Nutrition parentérale pour adultes"
* #715 "Surveillance par monitorage en vue de prévenir la mort subite et inexpliquée du nourrisson"
* #717 "Soins hautement spécialisés en médecine"
* #718 "Soins hautement spécialisés en chirurgie"
* #719 "Soins hautement spécialisés en gynécologie-obstétrique"
* #720 "Réanimation néonatale et pédiatrique indifférenciée"
* #721 "Radiothérapie métabolique (ingestion de source)"
* #722 "Maladies infectieuses, tropicales et exotiques indifférenciées"
* #723 "Autodialyse"
* #728 "Cardiologie infantile"
* #729 "Néphrologie infantile"
* #730 "Carcinologie infantile"
* #731 "Autres spécialités pédiatriques"
* #732 "Hépatologie"
* #733 "Gastro-entérologie"
* #734 "Réanimation chirurgicale pédiatrique"
* #735 "Réanimation chirurgicale adulte"
* #736 "Traumatologie"
* #737 "Convalescence et réadaptation"
* #738 "Rééducation fonctionnelle et réadaptation motrice orientation rhumatologie"
* #739 "Rééducation fonctionnelle et réadaptation motrice orientation traumatologie"
* #743 "Immuno-hématologie"
* #744 "Immuno-cancérologie"
* #753 "Imagerie par résonance magnétique (IRM)"
* #797 "Hémodialyse et hémofiltration pour chroniques adultes"
* #798 "Hémodialyse et hémofiltration pour chroniques enfants"
* #799 "Assistance ventilatoire avec prothèse extrathoracique(insiffisants respiratoires)"
* #800 "Assistance ventilatoire par pression positive continue ou autres techniques particulières agréées (insuffisants respiratoires)"
* #801 "Insulinothérapie"
* #803 "Psychitatrie pour arriérés profonds"
* #806 "Atelier thérapeutique pour adultes"
* #807 "Atelier thérapeutique pour adolescents"
* #808 "Sectorisation psychiatrique en milieu pénitenciaire"
* #809 "Hématologie pédiatrique"
* #825 "Soins et accompagnement des malades en phase terminale-Soins palliatifs"
* #826 "Traitement spécialisé contre la douleur"
* #827 "Nutrition entérale à domicile"
* #828 "Cure thermale pour maladies cardio-artérielles"
* #829 "Cure thermale en neurologie"
* #830 "Cure thermale pour affections psychosomatiques"
* #831 "Cure thermale en phlébologie"
* #832 "Cure thermale pour troubles du développement chez l'enfant"
* #833 "Cure thermale en gynécologie"
* #834 "Cure thermale pour maladies de l'appareil digestif et maladies métaboliques"
* #835 "Cure thermale pour maladies de l'appareil urinaire et maladies métaboliques"
* #897 "Hébergement ouvert en foyer pour adultes handicapés"
* #924 "Hébergement en maison de retraite"
* #925 "Hébergement en logement foyer pour personnes âgées seules (F1)"
* #926 "Hébergement en logement foyer pour personnes âgées en couple (F2)"
* #927 "Hébergement en logement foyer pour personnes âgées"
* #936 "Hébergement en logement foyer pour personnes âgées"
* #939 "Hébergement en logement foyer pour personnes âgées"

CodeSystem: FRCoreCodeSystemTypeActivite
Id: fr-core-cs-type-activite
Title: "Kinds of activity of a unit"
* insert French([[Types d'activité d'une unité]])
* #01 "Administration"
* #02 "Services hôteliers et techniques"
* #03 "Hospitalisation complète (non compris hospitalisation de semaine)"
* #04 "Hospitalisation de jour"
* #05 "Hospitalisation de nuit"
* #06 "Hospitalisation à domicile"
* #07 "Consultations, soins externes"
* #08 "Bloc opératoire (y compris obstétrical et gynécologique)"
* #09 "Autres unités médico-techniques (anesthésiologie, explorations fonctionnelles, rééducation et réadaptation fonctionnelles, pharmacie)"
* #10 "Accueil des urgences"
* #11 "Hébergement complet ou internat (non compris internat de semaine)"
* #12 "Hébergement de nuit en structure regroupée"
* #13 "Semi-internat"
* #14 "Externat"
* #15 "Placement en famille d'accueil (strictement social)"
* #16 "Prestations sur le lieu de vie (non compris placement familial)"
* #17 "Internat de semaine"
* #18 "Hébergement de nuit en structure éclatée"
* #19 "Traitements et cures ambulatoires"
* #20 "Hospitalisation de semaine"
* #21 "Accueil de jour"
* #23 "Anesthésie ou chirurgie ambulatoires"
* #24 "Accueil et prise en charge en service d'accueil familial thérapeutique psychiatrique"
* #25 "Hébergement temporaire de week-end ou de vacances"
* #26 "Analyses médicales biologiques"
* #28 "Consultations dentaires et soins dentaires"
* #30 "Stockage d'organes et de produits humains"
* #31 "Transport de malades"
* #32 "Radiologie (radiodiagnostic et radiothérapie), imagerie médicale"
* #33 "Recherche"
* #34 "Enseignement"
* #37 "Accueil et prise en charge en appartement thérapeutique psychiatrique"
* #38 "Accueil et prise en charge en centre de postcure psychiatrique"
* #39 "Accueil et prise en charge en centre de crise psychiatrique"
* #40 "Commerce de détail des biens à usage médical"
* #41 "Commerce en gros de produits à usage médical ou vétérinaire"
* #97 "Activité non dénommée ailleurs"

CodeSystem: FRCoreCodeSystemTypesOrganisations
Id: fr-core-cs-type-organisation
Title: "Kinds of organisations"
* insert French([[Types d'organisations]])
* #LEGAL-ENTITY "Entité légale"
* #GHT "Groupement hospitalier de territoire"
* #GEOGRAPHICAL-ENTITY "Entité géographique"
* #GROUP "Groupe privé/hospitalier"
* #HEBERGEMENT "Hébergement"
* #SOIN "Soin"
* #ADMINISTRATIF "Administration"
* #MEDICAL "Médical"
* #TECHNIQUE "Technique"
* #MEDICOTEC "medico technique (radio, scanner …)"
* #UF "Unité fonctionnelle"
* #SERVICE "Service"
* #UM "Unité médicale"
* #UAC "Unité d'activité"
* #POLE "Pôle"
* #CENTRE-RESP "Centre de responsabilité"
* #CENTRE-ACTIVITE "Centre d'activité"

CodeSystem: FRCoreCodeSystemUFIndicateur
Id: fr-core-cs-uf-indicateur
Title: "What a unit is for"
* insert French([[Indicateurs d'une unité fonctionnelle]])
* #HEB "Hébergement"
* #SOIN "Soin"
* #ADMIN "Administrative"
* #MED "Médicale"
* #TECH "Technique"
* #MEDICOTECH "Médico technique (radio, scanner, ...)"
* #MAG "Magasin"
