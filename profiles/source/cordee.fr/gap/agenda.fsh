// Agendas, their slots and appointments: the ones of fr-core, under names of this guide.

Profile: GAP_FrSchedule
Parent: fr-core-schedule
Id: gap-fr-schedule
Title: "Shared agenda"
Description: "The agenda of a professional, a place or a device."
* insert French([[Agenda partagé]])
* insert FrenchDescription([[L'agenda d'un professionnel, d'un lieu ou d'un équipement.]])

Profile: GAP_FrSlot
Parent: fr-core-slot
Id: gap-fr-slot
Title: "Slot of a shared agenda"
Description: "A time in an agenda, free or taken."
* insert French([[Créneau d'un agenda partagé]])
* insert FrenchDescription([[Une plage de temps d'un agenda, libre ou prise.]])

Profile: GAP_FrAppointment
Parent: fr-core-appointment
Id: gap-fr-appointment
Title: "Appointment"
Description: "An appointment in a shared agenda."
* insert French([[Rendez-vous]])
* insert FrenchDescription([[Un rendez-vous dans un agenda partagé.]])
