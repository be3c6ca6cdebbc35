"""What a person decided about the sharing of what is known of them: each active Consent as statements, and who wins.

A *statement* permits or denies some cells to one actor, or to everybody, for a time. Of the statements with the same
code, actor and cell, the one of the most recent `dateTime` counts while it holds; of equal ones, the denial.

What a Consent says that a link cannot carry (exceptions, single resources, actors that are not known) is read strictly:
a permit then opens less, down to nothing, and a denial closes more. `unread` names it, so that a writer is told
instead.

Most statements are about data of whatever time. `dataPeriod` bounds some: of data that are dated within, the most
recent of them counts; what spans several such times, or bears no date, is opened by none of them and closed by any.

https://hl7.org/fhir/R4/consent.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Any, Final

from fhir_server.access.cells import CATEGORIES, Cells
from fhir_server.access.facts import ROOT, Facts, coded, codings_in, target_of
from fhir_server.access.spells import ALWAYS, Spell, after, moment_in, spell_of
from fhir_server.access.teams import participations_of, roles_in
from fhir_server.kernel.errors import Malformed
from fhir_server.kernel.keys import Key
from fhir_server.kernel.values import immutable
from fhir_server.kernel.wire import Tree
from fhir_server.search.spans import BEGINNING, END, Span, period_of

CODES: Final = f"{ROOT}/CodeSystem/consentement-coordination"
DATA: Final = f"{ROOT}/CodeSystem/categorie-donnee"
_SCOPES: Final = "http://terminology.hl7.org/CodeSystem/consentscope"
_CONFIDENTIALITY: Final = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
_REASONS: Final = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
_ACTIONS: Final = "http://terminology.hl7.org/CodeSystem/consentaction"

INFORMATION: Final = "information-dossier"
NO_OPPOSITION: Final = "non-opposition"
OPPOSITION: Final = "opposition-partage"
OUTSIDE: Final = "consentement-hors-equipe"
RECOGNITION: Final = "reconnaissance-equipe"
EXCLUSION: Final = "exclusion-acteur"
CARER: Final = "acces-aidant"
TRUSTED: Final = "acces-personne-confiance"
NO_EMERGENCY: Final = "opposition-urgence"
ESMS: Final = "accord-esms"
PROTECTION: Final = "mesure-protection"

# Which say something about who sees what here. The others (mail, DMP, accord-projet) are for others to obey.
DENYING: Final = frozenset({OPPOSITION, EXCLUSION, NO_EMERGENCY})
OPENING: Final = frozenset({INFORMATION, OUTSIDE, RECOGNITION, CARER, TRUSTED, ESMS, PROTECTION})
_NAMING: Final = (DENYING | OPENING) - {INFORMATION, OPPOSITION, NO_EMERGENCY}
_LISTING: Final = frozenset({CARER, TRUSTED})  # open nothing but the categories that they list

# v3-ActReason: care and its coordination. A consent to research opens nothing here.
_CARE: Final = frozenset({"TREAT", "CAREMGT", "COC", "ETREAT", "PATRQT", "FAMRQT", "HOPERAT", "SUPNWK"})
# Of a contained PractitionerRole, whom it means aside.
_SAYING_NOTHING: Final = frozenset({"resourceType", "id", "meta", "text", "language"})
_READING: Final = frozenset({"access", "use", "disclose"})
_NAMED_TYPES: Final = frozenset(
    {"Practitioner", "PractitionerRole", "Organization", "RelatedPerson", "CareTeam"}
)


@immutable
class Statement:
    """`actor` None: everybody. `dated`: of two, the later counts. `data`: of which time alone; None: of any."""

    code: str
    permits: bool
    actor: Key | None
    cells: int
    spell: Spell
    dated: int
    data: Span | None = None
    record: Key | None = None  # into which it was written, where several are of one person


def code_of(consent: Tree) -> str:
    """What a Consent decides, as CodeSystem consentement-coordination says; empty when it says nothing."""
    return next((code for system, code in codings_in(consent.get("category")) if system == CODES), "")


def permits(consent: Tree) -> bool:
    """Whether a Consent permits. An information does unless it says otherwise; an opposition denies unless it does."""
    said = consent.get("provision", {}).get("type")
    return bool(said == "permit" or (code_of(consent) == INFORMATION and said is None))


def statements_of(consent: Tree, facts: Facts, cells: Cells) -> Iterator[Statement]:
    """What one Consent states, as far as it is in force: its status is active."""
    code = code_of(consent)
    if consent.get("status") != "active" or code not in DENYING | OPENING:
        return
    provision = consent.get("provision", {})
    opens = permits(consent)
    if opens and not _opens(code, consent):
        return
    dated = moment_in(consent.get("dateTime")) or 0
    spell = _spell(provision, dated, opens=opens)
    data = _data(provision)
    if data == ():
        if opens:
            return
        data = None  # a denial of data of a time that cannot be read is one of all
    bits = _cells(code, provision, cells, opens=opens)
    if spell is None or not bits:
        return
    record = target_of(consent.get("patient"), facts.bases) if len(facts.records) > 1 else None
    for actor in _actors(code, consent, facts, dated, opens=opens):
        yield Statement(code, opens, actor, bits, spell, dated, data or None, record)


def unread(consent: Tree, facts: Facts) -> str:
    """What of an active Consent could not be obeyed to the letter, as a FHIRPath; empty when there is nothing."""
    code = code_of(consent)
    if consent.get("status") != "active" or code not in DENYING | OPENING:
        return ""
    provision = consent.get("provision", {})
    for name in ("modifierExtension", "provision", "data"):
        if name in provision:
            return f"Consent.provision.{name}"
    if "modifierExtension" in consent:
        return "Consent.modifierExtension"
    if spell_of(provision.get("period")) is None:
        return "Consent.provision.period"
    if _data(provision) == ():
        return "Consent.provision.dataPeriod"
    named = [_named(actor, consent, facts, opens=permits(consent)) for actor in provision.get("actor", ())]
    if not all(named) or (code in _NAMING and not named):
        return "Consent.provision.actor"
    for name in ("class", "code", "securityLabel"):
        if name in provision and not _categories(provision[name]):
            return f"Consent.provision.{name}"
    if code in _LISTING and not _listed(provision):
        return "Consent.provision.code"
    return ""


class Consents:
    """All statements in force of one person."""

    def __init__(self, statements: Iterable[Statement]) -> None:
        self.statements = tuple(sorted(statements, key=lambda one: (one.dated, not one.permits)))
        self._records = {statement.record for statement in self.statements}
        self._by: dict[tuple[str, Key | None], list[Statement]] = {}
        for statement in self.statements:
            self._by.setdefault((statement.code, statement.actor), []).append(statement)

    def spans(self) -> list[Span]:
        """The times of data between which they differ, in order; none, where all are about data of any time."""
        bounds = sorted({at for one in self.statements if one.data is not None for at in one.data})
        return list(pairwise(sorted({BEGINNING, *bounds, END}))) if bounds else []

    def about(self, span: Span) -> Consents:
        """What they say about data of one of these times."""
        return Consents(one for one in self.statements if one.data is None or covers_span(one.data, span))

    def opening(self) -> Consents:
        """What they open of data of whatever time: what permits data of some time alone is left out."""
        return Consents(one for one in self.statements if one.data is None or not one.permits)

    def closing(self) -> Consents:
        """What they deny of data of whatever time: what denies data of some time alone is left out."""
        return Consents(one for one in self.statements if one.data is None or one.permits)

    def moments(self) -> frozenset[int]:
        """When what they say may change."""
        return frozenset(moment for statement in self.statements for moment in statement.spell)

    def actors(self, *codes: str) -> list[Key | None]:
        """Whom statements of these codes are about, in order."""
        return sorted({actor for code, actor in self._by if code in codes}, key=lambda key: key or ("", ""))

    def at(self, moment: int, code: str, actor: Key | None = None) -> tuple[int, int]:
        """The cells that are permitted, and those that are denied, to exactly this actor.

        Of records that were merged, what one of them denies is denied, whenever another permitted it.
        """
        permitted = denied = 0
        for record in self._records:
            opened, closed = self._at(moment, code, actor, record)
            permitted, denied = permitted | opened, denied | closed
        return permitted & ~denied, denied

    def _at(self, moment: int, code: str, actor: Key | None, record: Key | None) -> tuple[int, int]:
        permitted = denied = 0
        # From the oldest to the most recent, of equal ones the denial last: each overrides what stands before it.
        for statement in self._by.get((code, actor), ()):
            if statement.record != record or not statement.spell[0] <= moment < statement.spell[1]:
                continue
            if statement.permits:
                permitted, denied = permitted | statement.cells, denied & ~statement.cells
            else:
                permitted, denied = permitted & ~statement.cells, denied | statement.cells
        return permitted, denied


def proven(consent: Tree) -> bool:
    """Whether a Consent carries a proof: a source, or a verification that says with whom and when."""
    return bool(
        consent.get("sourceReference")
        or consent.get("sourceAttachment")
        or verified_with(consent, ()) is not None
    )


def verified_with(consent: Tree, bases: tuple[str, ...]) -> frozenset[Key] | None:
    """With whom a Consent was verified. None: it was not."""
    found = [
        target_of(verification["verifiedWith"], bases)
        for verification in consent.get("verification", ())
        if verification.get("verified") is True
        and verification.get("verifiedWith")
        and verification.get("verificationDate")
    ]
    return frozenset(key for key in found if key is not None) if found else None


def _opens(code: str, consent: Tree) -> bool:
    """Whether a permit can be taken at its word: nothing in it that narrows it in a way that a link cannot carry."""
    provision = consent.get("provision", {})
    scope = consent.get("scope")
    purposes = {code for system, code in codings_in(provision.get("purpose")) if system == _REASONS}
    actions = {code for system, code in codings_in(provision.get("action")) if system == _ACTIONS}
    return (
        not {"modifierExtension", "provision", "data"} & provision.keys()
        and "modifierExtension" not in consent
        and coded(scope, _SCOPES, ("patient-privacy",))
        and (not provision.get("purpose") or bool(purposes & _CARE))
        and (not provision.get("action") or bool(actions & _READING))
        and (code in DENYING or proven(consent))
    )


def _spell(provision: Tree, dated: int, *, opens: bool) -> Spell | None:
    period = provision.get("period", {})
    spell = spell_of(period)
    if spell is None:
        return None if opens else ALWAYS
    return spell if "start" in period or not opens else after(spell, dated)


def _data(provision: Tree) -> Span | tuple[()] | None:
    """Of which time the data are that a provision is about; None: of any. Empty: that cannot be read."""
    if "dataPeriod" not in provision:
        return None
    try:
        span = period_of(provision["dataPeriod"])
    except Malformed:
        return ()
    return span if span is not None and span[0] < span[1] else ()


def covers_span(one: Span | None, other: Span | None) -> bool:
    """Whether what is about data of one time is about those of another as well. None: of any."""
    return one is None or (other is not None and one[0] <= other[0] and other[1] <= one[1])


def _cells(code: str, provision: Tree, cells: Cells, *, opens: bool) -> int:
    """`class`, `code` and `securityLabel` all list categories of data: a permit opens what every list has."""
    if code in _LISTING and opens and not _listed(provision):
        return 0
    lists = [_categories(provision[name]) for name in ("class", "code", "securityLabel") if name in provision]
    if not lists:
        return cells.bits(("mdph",)) if code == ESMS else cells.all
    if opens:
        return cells.bits(frozenset.intersection(*lists))
    # A denial of what we do not know denies everything.
    return cells.bits(frozenset.union(*lists)) if all(lists) else cells.all


def _listed(provision: Tree) -> bool:
    return any(name in provision for name in ("class", "code", "securityLabel"))


def _categories(concepts: Any) -> frozenset[str]:
    """The categories that codings name. Confidentiality R and V are the sensitive part of health."""
    found = {
        "sante-sensible" if system == _CONFIDENTIALITY and code in {"R", "V"} else code
        for system, code in codings_in(concepts)
        if system in {DATA, _CONFIDENTIALITY}
    }
    return frozenset(found) & frozenset(CATEGORIES)


def _actors(code: str, consent: Tree, facts: Facts, dated: int, *, opens: bool) -> Iterator[Key | None]:
    listed = consent.get("provision", {}).get("actor", ())
    if code in {INFORMATION, NO_EMERGENCY} or (code == OPPOSITION and not listed):
        yield None
        return
    found: dict[Key, None] = {}
    for actor in listed:
        for key in _named(actor, consent, facts, opens=opens):
            if key.type == "CareTeam":
                found.update(dict.fromkeys(_members(key, facts, dated, opens=opens)))
            else:
                found[key] = None
    for record in facts.records:
        found.pop(record, None)  # nobody is shut out of their own record
    if code == OPPOSITION and not found and not opens:
        yield None
    yield from found


def _named(actor: Tree, consent: Tree, facts: Facts, *, opens: bool) -> tuple[Key, ...]:
    """Whom one `provision.actor` names; empty when that is nobody we know.

    A class of professionals is a contained PractitionerRole that has a code and nothing else: everyone of that
    profession.
    """
    reference = actor.get("reference")
    literal = reference.get("reference") if isinstance(reference, dict) else None
    if isinstance(literal, str) and literal.startswith("#"):
        return _class(literal[1:], consent, facts, opens=opens)
    key = target_of(reference, facts.bases)
    return (key,) if key is not None and (key.type in _NAMED_TYPES or key in facts.records) else ()


def _class(id: str, consent: Tree, facts: Facts, *, opens: bool) -> tuple[Key, ...]:
    for inner in consent.get("contained", ()):
        if inner.get("id") != id or inner.get("resourceType") != "PractitionerRole":
            continue
        # One of several conditions: a permit would open too much, a denial takes them one by one.
        if opens and not _is_one_condition(inner):
            return ()
        holders = [
            target_of(inner[name], facts.bases) for name in ("practitioner", "organization") if name in inner
        ]
        classes = [Key("class", role) for concept in inner.get("code", ()) for role in roles_in(concept)]
        return (*(holder for holder in holders if holder is not None), *classes)
    return ()


def _is_one_condition(inner: Tree) -> bool:
    """Whether a contained PractitionerRole says one thing of whom it means: who, of which organisation, or what.

    A speciality (`G15_10/SM26`) is a second: nobody is tied by theirs. So is any other element, known here or not.
    """
    said = inner.keys() - _SAYING_NOTHING - ({"active"} if inner.get("active") is True else set())
    if said != {"code"}:
        return said in ({"practitioner"}, {"organization"})
    codes = [coding for concept in inner["code"] for coding in concept.get("coding", ())]
    return len(inner["code"]) == len(codes) == 1 and "/" not in codes[0].get("code", "/")


def _members(circle: Key, facts: Facts, dated: int, *, opens: bool) -> Iterator[Key]:
    """Who is in a circle that a Consent names.

    A permit is about those who took part on its day, and no others, as long as there is the circle. A denial is about
    whoever is told in it, then or not, and whatever became of the circle.
    """
    team = facts.trees.get(circle)
    if team is None:
        return
    if opens:
        yield from (
            one.member for one in participations_of(team, facts) if one.spell[0] <= dated < one.spell[1]
        )
        return
    for participant in team.get("participant", ()):
        key = facts.target(participant.get("member"))
        if key is not None and key.type != "CareTeam":
            yield key
