// The rights that a MDPH decides on. The national operational nomenclature is not public to us: map to it later.

CodeSystem: DroitMdph
Id: droit-mdph
Title: "Rights decided by the MDPH"
Description: "The rights and benefits that the commission of a MDPH decides on."
* insert French([[Droits décidés par la MDPH]])
* ^language = #fr
* ^caseSensitive = true
* #aah "Allocation aux adultes handicapés"
* #aah insert InEnglish([[Allowance for disabled adults]])
* #complement-ressources "Complément de ressources"
* #complement-ressources insert InEnglish([[Supplement of resources]])
* #majoration-vie-autonome "Majoration pour la vie autonome"
* #majoration-vie-autonome insert InEnglish([[Increase for autonomous life]])
* #aeeh "Allocation d'éducation de l'enfant handicapé"
* #aeeh insert InEnglish([[Education allowance of a disabled child]])
* #aeeh-complement-1 "AEEH, complément 1"
* #aeeh-complement-1 insert InEnglish([[AEEH, supplement 1]])
* #aeeh-complement-2 "AEEH, complément 2"
* #aeeh-complement-2 insert InEnglish([[AEEH, supplement 2]])
* #aeeh-complement-3 "AEEH, complément 3"
* #aeeh-complement-3 insert InEnglish([[AEEH, supplement 3]])
* #aeeh-complement-4 "AEEH, complément 4"
* #aeeh-complement-4 insert InEnglish([[AEEH, supplement 4]])
* #aeeh-complement-5 "AEEH, complément 5"
* #aeeh-complement-5 insert InEnglish([[AEEH, supplement 5]])
* #aeeh-complement-6 "AEEH, complément 6"
* #aeeh-complement-6 insert InEnglish([[AEEH, supplement 6]])
* #aeeh-parent-isole "AEEH, majoration pour parent isolé"
* #aeeh-parent-isole insert InEnglish([[AEEH, increase for a single parent]])
* #pch-aide-humaine "PCH, élément 1 : aide humaine"
* #pch-aide-humaine insert InEnglish([[PCH, element 1: human help]])
* #pch-aides-techniques "PCH, élément 2 : aides techniques"
* #pch-aides-techniques insert InEnglish([[PCH, element 2: technical aids]])
* #pch-logement-vehicule "PCH, élément 3 : logement, véhicule, surcoûts de transport"
* #pch-logement-vehicule insert InEnglish([[PCH, element 3: housing, vehicle, costs of transport]])
* #pch-charges "PCH, élément 4 : charges spécifiques ou exceptionnelles"
* #pch-charges insert InEnglish([[PCH, element 4: specific or exceptional costs]])
* #pch-aide-animaliere "PCH, élément 5 : aide animalière"
* #pch-aide-animaliere insert InEnglish([[PCH, element 5: animal help]])
* #actp "Allocation compensatrice pour tierce personne"
* #actp insert InEnglish([[Compensation allowance for a third person]])
* #acfp "Allocation compensatrice pour frais professionnels"
* #acfp insert InEnglish([[Compensation allowance for professional costs]])
* #cmi-invalidite "CMI invalidité"
* #cmi-invalidite insert InEnglish([[Inclusion mobility card: invalidity]])
* #cmi-priorite "CMI priorité"
* #cmi-priorite insert InEnglish([[Inclusion mobility card: priority]])
* #cmi-stationnement "CMI stationnement"
* #cmi-stationnement insert InEnglish([[Inclusion mobility card: parking]])
* #rqth "Reconnaissance de la qualité de travailleur handicapé"
* #rqth insert InEnglish([[Recognised as disabled worker]])
* #orientation-marche-travail "Orientation vers le marché du travail"
* #orientation-marche-travail insert InEnglish([[Orientation to the labour market]])
* #orientation-esat "Orientation en ESAT"
* #orientation-esat insert InEnglish([[Orientation to an ESAT]])
* #orientation-formation "Orientation en établissement de réadaptation professionnelle"
* #orientation-formation insert InEnglish([[Orientation to vocational rehabilitation]])
* #emploi-accompagne "Emploi accompagné"
* #emploi-accompagne insert InEnglish([[Supported employment]])
* #projet-scolarisation "Projet personnalisé de scolarisation"
* #projet-scolarisation insert InEnglish([[Personalised schooling project]])
* #aesh-mutualise "Accompagnement scolaire (AESH) mutualisé"
* #aesh-mutualise insert InEnglish([[Shared school support (AESH)]])
* #aesh-individuel "Accompagnement scolaire (AESH) individuel"
* #aesh-individuel insert InEnglish([[Individual school support (AESH)]])
* #materiel-pedagogique "Matériel pédagogique adapté"
* #materiel-pedagogique insert InEnglish([[Adapted school material]])
* #ulis "Orientation en ULIS"
* #ulis insert InEnglish([[Orientation to an ULIS class]])
* #orientation-scolaire "Orientation scolaire"
* #orientation-scolaire insert InEnglish([[School orientation]])
* #amenagements-scolaires "Aménagements de la scolarité"
* #amenagements-scolaires insert InEnglish([[Adaptations of schooling]])
* #orientation-esms-enfant "Orientation vers un établissement ou service pour enfants"
* #orientation-esms-enfant insert InEnglish([[Orientation to an institution or service for children]])
* #orientation-esms-adulte "Orientation vers un établissement ou service pour adultes"
* #orientation-esms-adulte insert InEnglish([[Orientation to an institution or service for adults]])
* #maintien-creton "Maintien au titre de l’amendement Creton"
* #maintien-creton insert InEnglish([[Kept in a service for children (Creton)]])
* #avpf "Assurance vieillesse des parents au foyer"
* #avpf insert InEnglish([[Old-age insurance of parents at home]])
* #pag "Plan d'accompagnement global"
* #pag insert InEnglish([[Global support plan]])
