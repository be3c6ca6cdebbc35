// Aliases and rule sets for all guides.

Alias: $translation = http://hl7.org/fhir/StructureDefinition/translation
Alias: $v2-0203 = http://terminology.hl7.org/CodeSystem/v2-0203
Alias: $fr-v2-0203 = https://hl7.fr/ig/fhir/core/CodeSystem/fr-core-cs-v2-0203
Alias: $sct = http://snomed.info/sct
Alias: $loinc = http://loinc.org
Alias: $ucum = http://unitsofmeasure.org

// The French title of a definition.
RuleSet: French(title)
* ^title.extension[+].url = "http://hl7.org/fhir/StructureDefinition/translation"
* ^title.extension[=].extension[+].url = "lang"
* ^title.extension[=].extension[=].valueCode = #fr
* ^title.extension[=].extension[+].url = "content"
* ^title.extension[=].extension[=].valueString = "{title}"

// The French description of a definition.
RuleSet: FrenchDescription(text)
* ^description.extension[+].url = "http://hl7.org/fhir/StructureDefinition/translation"
* ^description.extension[=].extension[+].url = "lang"
* ^description.extension[=].extension[=].valueCode = #fr
* ^description.extension[=].extension[+].url = "content"
* ^description.extension[=].extension[=].valueMarkdown = "{text}"

// The French name of an element (of `^short`): `* identifier[INS-NIR] insert ShortFrench(Matricule INS)`.
RuleSet: ShortFrench(text)
* ^short.extension[+].url = "http://hl7.org/fhir/StructureDefinition/translation"
* ^short.extension[=].extension[+].url = "lang"
* ^short.extension[=].extension[=].valueCode = #fr
* ^short.extension[=].extension[+].url = "content"
* ^short.extension[=].extension[=].valueString = "{text}"

// The French sentence of an invariant.
RuleSet: HumanFrench(text)
* human.extension[+].url = "http://hl7.org/fhir/StructureDefinition/translation"
* human.extension[=].extension[+].url = "lang"
* human.extension[=].extension[=].valueCode = #fr
* human.extension[=].extension[+].url = "content"
* human.extension[=].extension[=].valueString = "{text}"

// The French text of a concept.
RuleSet: InFrench(text)
* ^designation[+].language = #fr
* ^designation[=].value = "{text}"

// Slicing by a discriminator, open or closed. A second discriminator: insert AlsoBy.
RuleSet: SlicedBy(type, path)
* ^slicing.discriminator[+].type = #{type}
* ^slicing.discriminator[=].path = "{path}"
* ^slicing.rules = #open

RuleSet: SlicedClosedBy(type, path)
* ^slicing.discriminator[+].type = #{type}
* ^slicing.discriminator[=].path = "{path}"
* ^slicing.rules = #closed

RuleSet: AlsoBy(type, path)
* ^slicing.discriminator[+].type = #{type}
* ^slicing.discriminator[=].path = "{path}"

// An identifier by the code of its type and its system, each and its value required.
RuleSet: Identifies(type, system)
* type 1..
* type = {type}
* system 1..
* system = "{system}"
* value 1..
