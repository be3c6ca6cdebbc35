"""Patient/$everything: a patient's whole record, or those of all patients, with what it refers to.

The resources about a patient are matches, the Patient first; what they refer to and is nobody's is included. Pages of
one patient's record hold nothing twice: first come all the matches, then all that is included. Records of all patients
have on each page what that page refers to, as any search with `_include` has, so that a practitioner may come again.

https://hl7.org/fhir/R4/patient-operation-everything.html
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from fhir_server.interactions.call import Call, Reply, Server
from fhir_server.kernel.keys import Key
from fhir_server.kernel.wire import Tree, decode
from fhir_server.operations.compartment import Place, Walk, patients_in
from fhir_server.operations.everything import INCLUDED, Page, focus_of, page_in, reply_of, wanted_in
from fhir_server.operations.inputs import Inputs
from fhir_server.operations.operation import Operation, standard
from fhir_server.operations.supporting import links_in, provenances, supporting
from fhir_server.store.contract import Reader, Stored

_SLICE = 1000  # resources read at a time


async def everything(call: Call, inputs: Inputs, reader: Reader, server: Server) -> Reply:
    page, wanted = page_in(inputs, server.limits), wanted_in(inputs)
    if call.id is None:
        await _of_all(page, Walk(reader, server, call.base, wanted, None), inputs.cursor)
    else:
        patient = await focus_of(call, reader)
        await _of_one(page, patient, Walk(reader, server, call.base, wanted, patient.key), inputs.cursor)
    return reply_of(page, call, inputs)


async def _of_one(page: Page, patient: Stored, walk: Walk, cursor: str) -> None:
    if not cursor and walk.wants(patient):
        page.matches.append(patient)
    if not cursor.startswith(INCLUDED):
        short = None if cursor else await walk.at_once(page.left)
        if short is None:
            place = Place.read(cursor) if cursor else walk.start
            short, place = await walk.take(place, page.left)
            if (place := await walk.seek(place)) is not None:
                page.next = str(place)
        page.matches += short
        if page.next:
            return
    # Their matches are walked through once more: pages in between know nothing of the ones before them.
    page.include({one.key: one for one in await _included(patient, walk)}, cursor)


async def _included(patient: Stored, walk: Walk) -> list[Stored]:
    """What the record refers to. Its dates bind the record alone; types and the time of change bind all."""
    tree = decode(patient.body)
    links = links_in(tree, walk.base)
    own, known = {link for link in links if link.type == "Patient"}, {patient.key}
    whole = replace(walk, wanted=replace(walk.wanted, types=None, since=None))
    async for stored in whole.all(_SLICE):
        known.add(stored.key)
        links |= links_in(decode(stored.body), walk.base)
    links |= await provenances(walk.reader, known)

    def comes(tree: Tree) -> bool:
        if tree["resourceType"] == "Patient":
            return Key("Patient", tree["id"]) in own
        return not patients_in(tree, walk.server, walk.base)

    found = await supporting(walk.reader, links, known, walk.base, comes)
    return [stored for stored in found if walk.wants(stored, dated=False)]


async def _of_all(page: Page, walk: Walk, cursor: str) -> None:
    found, place = await walk.take(Place.read(cursor) if cursor else walk.start, page.room)
    page.matches += found
    if (place := await walk.seek(place)) is not None:
        page.next = str(place)
    known = {stored.key for stored in found}
    links = {link for stored in found for link in links_in(decode(stored.body), walk.base)}
    links |= await provenances(walk.reader, known)

    def comes(tree: Tree) -> bool:
        return tree["resourceType"] != "Patient" and not patients_in(tree, walk.server, walk.base)

    for stored in await supporting(walk.reader, links, known, walk.base, comes):
        if walk.wants(stored, dated=False):
            page.included.append(stored)


OPERATION: Final = Operation(standard("Patient-everything"), ask=everything)
