"""Who somebody is that a caller presents: the full INS and the five strict traits, all of them right.

One of the few things that this server tells of what a caller does not see. A wrong trait is answered as an unknown INS,
and either may be tried so often only; the trace of a wrong trait says of whom.

https://esante.gouv.fr/produits-services/identifiant-national-de-sante
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Final
from urllib.parse import urlencode

from fhir_server.access.caller import Caller
from fhir_server.access.joining import presents, traits_of
from fhir_server.interactions.call import Server
from fhir_server.kernel.errors import Conflict, NotFound, Unprocessable
from fhir_server.kernel.keys import Key
from fhir_server.kernel.wire import Tree, decode
from fhir_server.search.escapes import escaped
from fhir_server.search.parse import criteria_of
from fhir_server.store.contract import Missing, Transaction

_MOST: Final = 100  # records of one INS


async def presented(shown: Tree, caller: Caller, tx: Transaction, server: Server) -> Key:
    """The person who is shown. `tx` reads everything.

    Raises `Unprocessable` when what is shown is not complete, and `Throttled` when it was wrong too often.
    """
    traits = traits_of(shown)
    if traits is None:
        raise Unprocessable(
            "A person is presented by one INS and the five strict traits: official birth name, birth given names,"
            " date, gender and place of birth",
            "Patient",
            code="required",
            french="Une personne se présente par son INS et les cinq traits stricts : nom de naissance, prénoms de"
            " naissance, date, sexe et lieu de naissance",
        )
    if caller.kind != "anyone":
        server.guesses.count(caller, traits, asyncio.get_running_loop().time())
    known = urlencode({"identifier": f"{traits.system}|{escaped(traits.ins)}"})
    query = criteria_of("Patient", known, (), server.parameters)
    page = await tx.search(replace(query, count=_MOST, total="none"))
    trees = {stored.key: decode(stored.body) for stored in page.items}
    trees = {key: tree for key, tree in trees.items() if tree.get("active") is not False}
    found = [key for key, tree in trees.items() if presents(shown, tree)]
    if not found:
        raise NotFound(
            "Nobody is known here by this INS and these traits",
            french="Personne n'est connu ici sous cet INS et ces traits",
        ) from (Missing(list(trees)) if trees else None)
    if caller.kind != "anyone":
        server.guesses.forgive(caller, traits)
    if len(found) > 1:
        raise Conflict(
            "Several records have this INS and these traits: they are to be merged first",
            french="Plusieurs dossiers portent cet INS et ces traits : ils doivent d'abord être fusionnés",
        )
    return found[0]
