// Care activities, social equipment and heavy equipment.

Profile: AsDeviceProfile
Parent: Device
Id: as-device
Title: "Heavy equipment in the directory"
* insert French([[Équipement matériel lourd de l'annuaire]])
* extension contains as-ext-authorization named as-ext-authorization 0..1
* identifier insert SlicedBy(value, system)
* identifier contains numAutorisationArhgos 0..1
* identifier[numAutorisationArhgos].system 1..
* identifier[numAutorisationArhgos].system = "https://arhgos.ars.sante.fr"
* type from https://mos.esante.gouv.fr/NOS/JDV_J135-EquipementMaterielLourd-RASS/FHIR/JDV-J135-EquipementMaterielLourd-RASS (required)
* owner only Reference(fr-core-organization or as-organization)

Profile: AsDpDeviceProfile
Parent: as-device
Id: as-dp-device
Title: "Heavy equipment, open data"
* insert French([[Équipement matériel lourd, données publiques]])
* meta.extension contains as-ext-data-trace named as-ext-data-trace 0..1 MS
* meta.source = "https://annuaire.esante.gouv.fr"
* meta.profile insert SlicedBy(value, $this)
* meta.profile 1..
* meta.profile contains as-dp-canonical 1..1
* meta.profile[as-dp-canonical] = "https://interop.esante.gouv.fr/ig/fhir/annuaire/StructureDefinition/as-dp-device|1.2.0-snapshot-2"
* extension[as-ext-authorization] MS
* identifier 1..
* identifier[numAutorisationArhgos] 1.. MS
* definition ..0
* udiCarrier ..0
* status 1.. MS
* statusReason ..0
* distinctIdentifier ..0
* manufacturer MS
* manufactureDate ..0
* expirationDate ..0
* lotNumber ..0
* serialNumber MS
* deviceName ..0
* modelNumber ..0
* partNumber ..0
* type MS
* specialization ..0
* version ..0
* property ..0
* patient ..0
* owner MS
* contact ..0
* url ..0
* note ..0
* safety ..0
* parent ..0

Profile: AsDpHealthcareServiceHealthcareActivityProfile
Parent: as-healthcareservice-healthcare-activity
Id: as-dp-healthcareservice-healthcare-activity
Title: "Care activity, open data"
* insert French([[Activité de soins, données publiques]])
* meta.extension contains as-ext-data-trace named as-ext-data-trace 0..1 MS
* meta.extension[as-ext-data-trace].extension[date-maj-ae] MS
* meta.source = "https://annuaire.esante.gouv.fr"
* meta.profile insert SlicedBy(value, $this)
* meta.profile 1..
* meta.profile contains as-dp-canonical 1..1
* meta.profile[as-dp-canonical] = "https://interop.esante.gouv.fr/ig/fhir/annuaire/StructureDefinition/as-dp-healthcareservice-healthcare-activity|1.2.0-snapshot-2"
* extension[as-ext-authorization] MS
* identifier 1..
* identifier[numAutorisationArhgos] 1.. MS
* active 1..
* providedBy MS
* category MS
* specialty ..0 MS
* name ..0
* comment ..0
* extraDetails ..0
* photo ..0
* telecom ..0
* coverageArea ..0
* serviceProvisionCode ..0
* eligibility ..0
* program ..0
* characteristic MS
* communication ..0
* referralMethod ..0
* appointmentRequired ..0
* availableTime ..0
* notAvailable ..0
* availabilityExceptions ..0
* endpoint ..0

Profile: AsDpHealthcareServiceSocialEquipmentProfile
Parent: as-healthcareservice-social-equipment
Id: as-dp-healthcareservice-social-equipment
Title: "Social equipment, open data"
* insert French([[Équipement social, données publiques]])
* meta.extension contains as-ext-data-trace named as-ext-data-trace 0..1 MS
* meta.source = "https://annuaire.esante.gouv.fr"
* meta.profile insert SlicedBy(value, $this)
* meta.profile 1..
* meta.profile contains as-dp-canonical 1..1
* meta.profile[as-dp-canonical] = "https://interop.esante.gouv.fr/ig/fhir/annuaire/StructureDefinition/as-dp-healthcareservice-social-equipment|1.2.0-snapshot-2"
* extension[as-ext-authorization] MS
* extension[as-ext-installation] MS
* extension[as-ext-patient-type] MS
* extension[as-ext-supported-capacity] MS
* identifier ..0
* identifier[numAutorisationArhgos] ..0
* active 1..
* category ..0
* type[category] MS
* specialty ..0
* name ..0
* comment ..0
* extraDetails ..0
* photo ..0
* telecom ..0
* coverageArea ..0
* serviceProvisionCode ..0
* eligibility MS
* eligibility.comment ..0
* program ..0
* characteristic MS
* communication ..0
* referralMethod ..0
* appointmentRequired ..0
* availableTime ..0
* notAvailable ..0
* availabilityExceptions ..0
* endpoint ..0

Profile: AsDrDeviceProfile
Parent: as-device
Id: as-dr-device
Title: "Heavy equipment, restricted data"
* insert French([[Équipement matériel lourd, données restreintes]])
* meta.extension contains as-ext-data-trace named as-ext-data-trace 0..1 MS
* meta.source = "https://annuaire.esante.gouv.fr"
* meta.profile insert SlicedBy(value, $this)
* meta.profile 1..
* meta.profile contains as-dr-canonical 1..1
* meta.profile[as-dr-canonical] = "https://interop.esante.gouv.fr/ig/fhir/annuaire/StructureDefinition/as-dr-device|1.2.0-snapshot-2"
* extension[as-ext-authorization] MS
* identifier MS
* definition ..0
* udiCarrier ..0
* status MS
* statusReason ..0
* distinctIdentifier ..0
* manufacturer MS
* manufactureDate ..0
* expirationDate ..0
* lotNumber ..0
* serialNumber MS
* deviceName ..0
* modelNumber ..0
* partNumber ..0
* type MS
* specialization ..0
* version ..0
* property ..0
* patient ..0
* owner MS
* contact ..0
* url ..0
* note ..0
* safety ..0
* parent ..0

Profile: AsDrHealthcareServiceHealthcareActivityProfile
Parent: as-healthcareservice-healthcare-activity
Id: as-dr-healthcareservice-healthcare-activity
Title: "Care activity, restricted data"
* insert French([[Activité de soins, données restreintes]])
* meta.extension contains as-ext-data-trace named as-ext-data-trace 0..1 MS
* meta.extension[as-ext-data-trace].extension[date-maj-ae] MS
* meta.source = "https://annuaire.esante.gouv.fr"
* meta.profile insert SlicedBy(value, $this)
* meta.profile 1..
* meta.profile contains as-dr-canonical 1..1
* meta.profile[as-dr-canonical] = "https://interop.esante.gouv.fr/ig/fhir/annuaire/StructureDefinition/as-dr-healthcareservice-healthcare-activity|1.2.0-snapshot-2"
* extension[as-ext-authorization] MS
* identifier[numAutorisationArhgos] MS
* providedBy MS
* category MS
* specialty ..0 MS
* name ..0
* comment ..0
* extraDetails ..0
* photo ..0
* telecom ..0
* coverageArea ..0
* serviceProvisionCode ..0
* eligibility ..0
* program ..0
* characteristic MS
* communication ..0
* referralMethod ..0
* appointmentRequired ..0
* availableTime ..0
* notAvailable ..0
* availabilityExceptions ..0
* endpoint ..0

Profile: AsDrHealthcareServiceSocialEquipmentProfile
Parent: as-healthcareservice-social-equipment
Id: as-dr-healthcareservice-social-equipment
Title: "Social equipment, restricted data"
* insert French([[Équipement social, données restreintes]])
* meta.extension contains as-ext-data-trace named as-ext-data-trace 0..1 MS
* meta.source = "https://annuaire.esante.gouv.fr"
* meta.profile insert SlicedBy(value, $this)
* meta.profile 1..
* meta.profile contains as-dr-canonical 1..1
* meta.profile[as-dr-canonical] = "https://interop.esante.gouv.fr/ig/fhir/annuaire/StructureDefinition/as-dr-healthcareservice-social-equipment|1.2.0-snapshot-2"
* extension[as-ext-authorization] MS
* extension[as-ext-installation] MS
* extension[as-ext-patient-type] MS
* extension[as-ext-supported-capacity] MS
* identifier ..0 MS
* identifier[numAutorisationArhgos] ..0
* category ..0
* type MS
* specialty ..0
* name ..0
* comment ..0
* extraDetails ..0
* photo ..0
* telecom ..0
* coverageArea ..0
* serviceProvisionCode ..0
* eligibility MS
* eligibility.comment ..0
* program ..0
* characteristic MS
* communication ..0
* referralMethod ..0
* appointmentRequired ..0
* availableTime ..0
* notAvailable ..0
* availabilityExceptions ..0
* endpoint ..0

Profile: AsHealthcareServiceHealthcareActivityProfile
Parent: HealthcareService
Id: as-healthcareservice-healthcare-activity
Title: "Care activity of an organisation"
* insert French([[Activité de soins d'une structure]])
* extension contains as-ext-authorization named as-ext-authorization 0..*
* identifier insert SlicedBy(value, system)
* identifier contains numAutorisationArhgos 0..1
* identifier[numAutorisationArhgos].system 1..
* identifier[numAutorisationArhgos].system = "https://arhgos.ars.sante.fr"
* providedBy only Reference(fr-core-organization or as-organization)
* category from https://mos.esante.gouv.fr/NOS/JDV_J132-ModaliteActivite-RASS/FHIR/JDV-J132-ModaliteActivite-RASS (required)
* type insert SlicedBy(value, $this)
* type contains activity 0..1
* type[activity] from https://mos.esante.gouv.fr/NOS/JDV_J133-ActiviteSanitaireRegulee-RASS/FHIR/JDV-J133-ActiviteSanitaireRegulee-RASS (required)
* specialty from https://mos.esante.gouv.fr/NOS/JDV_J133-ActiviteSanitaireRegulee-RASS/FHIR/JDV-J133-ActiviteSanitaireRegulee-RASS (required)
* characteristic from https://mos.esante.gouv.fr/NOS/JDV_J134-FormeActivite-RASS/FHIR/JDV-J134-FormeActivite-RASS (required)

Profile: AsHealthcareServiceSocialEquipmentProfile
Parent: HealthcareService
Id: as-healthcareservice-social-equipment
Title: "Social equipment of an organisation"
* insert French([[Équipement social d'une structure]])
* extension contains as-ext-authorization named as-ext-authorization 0..*
* extension contains as-ext-installation named as-ext-installation 0..*
* extension contains as-ext-patient-type named as-ext-patient-type 0..*
* extension contains as-ext-supported-capacity named as-ext-supported-capacity 0..*
* identifier insert SlicedBy(value, system)
* identifier contains numAutorisationArhgos 0..1
* identifier[numAutorisationArhgos].system 1..
* identifier[numAutorisationArhgos].system = "https://arhgos.ars.sante.fr/"
* providedBy only Reference(fr-core-organization or as-organization)
* type insert SlicedBy(value, $this)
* type contains category 0..1
* type[category] from https://smt.esante.gouv.fr/fhir/ValueSet/jdv-j379-activite-sociale-regulee-rass (required)
* eligibility.code from https://smt.esante.gouv.fr/fhir/ValueSet/jdv-j376-public-activite-smsse-regulee-rass (extensible)
* characteristic from https://mos.esante.gouv.fr/NOS/JDV_J138-TypeActivite-RASS/FHIR/JDV-J138-TypeActivite-RASS (extensible)

Extension: AsAuthorizationExtension
Id: as-ext-authorization
Title: "Authorisation of an activity or equipment"
Context: HealthcareService, Device
* insert French([[Autorisation d'une activité ou d'un équipement]])
* extension contains dateAuthorization 0..1
* extension[dateAuthorization].value[x] only date
* extension contains periodAuthorization 0..1
* extension[periodAuthorization].value[x] only Period
* extension contains dateUpdateAuthorization 0..1
* extension[dateUpdateAuthorization].value[x] only date
* extension contains deletedAuthorization 0..1
* extension[deletedAuthorization].value[x] only boolean

Extension: AsInstallationExtension
Id: as-ext-installation
Title: "Installation of an equipment"
Context: HealthcareService, Device
* insert French([[Installation d'un équipement]])
* extension contains dateFirstInstallation 0..1
* extension[dateFirstInstallation].value[x] only date
* extension contains dateLastInstallation 0..1
* extension[dateLastInstallation].value[x] only date
* extension contains deletedInstallation 0..1
* extension[deletedInstallation].value[x] only boolean

Extension: AsPatientTypeExtension
Id: as-ext-patient-type
Title: "Persons whom an activity receives"
Context: HealthcareService
* insert French([[Public accueilli]])
* extension contains authorizedAgeRange 0..1
* extension[authorizedAgeRange].value[x] only Range
* extension contains installedAgeRange 0..1
* extension[installedAgeRange].value[x] only Range

Extension: AsSupportedCapacityExtension
Id: as-ext-supported-capacity
Title: "How many persons may be received"
Context: HealthcareService
* insert French([[Capacité d'accueil]])
* extension contains capacityAvailable 0..1
* extension[capacityAvailable].value[x] only integer
* extension contains femaleCapacityAvailable 0..1
* extension[femaleCapacityAvailable].value[x] only integer
* extension contains maleCapacityAvailable 0..1
* extension[maleCapacityAvailable].value[x] only integer
* extension contains socialAssistanceCapacityAvailable 0..1
* extension[socialAssistanceCapacityAvailable].value[x] only integer
* extension contains installedCapacity 0..1
* extension[installedCapacity].value[x] only integer
* extension contains femaleInstalledCapacity 0..1
* extension[femaleInstalledCapacity].value[x] only integer
* extension contains maleInstalledCapacity 0..1
* extension[maleInstalledCapacity].value[x] only integer
* extension contains socialAssistanceInstalledCapacity 0..1
* extension[socialAssistanceInstalledCapacity].value[x] only integer
