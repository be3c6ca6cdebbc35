// What is announced to the circle beside the national types of events (ADM, SOR, DOC, NOT).

CodeSystem: EvenementCoordination
Id: evenement-coordination
Title: "Events of coordination"
Description: "What the circle is told of, beside the national types of events."
* insert French([[Évènements de la coordination]])
* ^language = #fr
* ^caseSensitive = true
* #SOL "Sollicitation"
* #SOL insert InEnglish([[Request for help with coordination]])
* #PLAN "Plan modifié"
* #PLAN insert InEnglish([[Plan changed]])
* #ACT "Action attribuée ou en retard"
* #ACT insert InEnglish([[Action assigned or overdue]])
* #MSG "Message"
* #MSG insert InEnglish([[Message]])
* #DEC "Décision de la MDPH"
* #DEC insert InEnglish([[Decision of the MDPH]])
* #RDV "Rendez-vous"
* #RDV insert InEnglish([[Appointment]])
* #CER "Cercle de soins modifié"
* #CER insert InEnglish([[Circle changed]])
* #ACC "Accès en urgence"
* #ACC insert InEnglish([[Emergency access]])
