"""What stands behind a document: a Binary is as closed as the strictest resource that ever named it."""

from __future__ import annotations

import asyncio
import base64
from typing import Any, Final

from fhir_server.kernel.keys import Key
from fhir_server.kernel.wire import Tree
from tests.builders import entry, urn
from tests.circles import CITIZEN, GP, NURSE, PERSON, PHARMACIST, to
from tests.fhir_server.interactions.performing import BASE, key_in, refused
from tests.guarded import CIRCLE, Guarded, everywhere

LOINC: Final = "http://loinc.org"
VISIBILITY: Final = (
    "https://mos.esante.gouv.fr/NOS/TRE_A07-StatutVisibiliteDocument/FHIR/TRE-A07-StatutVisibiliteDocument"
)


def binary(text: str = "a letter", **more: Any) -> Tree:
    data = base64.b64encode(text.encode()).decode()
    return {"resourceType": "Binary", "contentType": "text/plain", "data": data, **more}


def document(*urls: str, label: str = "", **more: Any) -> Tree:
    tree: Tree = {
        "resourceType": "DocumentReference",
        "status": "current",
        "type": {"coding": [{"system": LOINC, "code": "11490-0"}]},
        "subject": to(PERSON),
        "content": [{"attachment": {"url": url}} for url in urls],
        **more,
    }
    if label:
        tree["meta"] = {"security": [{"system": VISIBILITY, "code": label}]}
    return tree


async def readers(guarded: Guarded, key: Key) -> set[str]:
    """Who of the circle, and of nobody's, reads a resource."""
    everybody = {"gp": GP, "nurse": NURSE, "person": CITIZEN, "pharmacist": PHARMACIST}
    return {name for name, who in everybody.items() if await guarded.by(who).sees(key)}


@everywhere
async def test_what_nothing_names_is_its_makers_alone(guarded: Guarded) -> None:
    await guarded.keep(*CIRCLE)
    letter = await guarded.by(NURSE).made(binary())
    assert await readers(guarded, letter) == {"nurse"}


@everywhere
async def test_what_a_document_names_is_read_by_whoever_reads_the_document(guarded: Guarded) -> None:
    await guarded.keep(*CIRCLE)
    letter = await guarded.by(NURSE).made(binary())
    other = await guarded.by(NURSE).made(binary("another"))
    named = await guarded.by(NURSE).made(document(str(letter), f"{BASE}/{other}"))
    assert await readers(guarded, named) == {"gp", "nurse", "person"}
    for one in (letter, other):
        assert await readers(guarded, one) == {"gp", "nurse", "person"}


@everywhere
async def test_old_versions_are_as_closed_as_the_last(guarded: Guarded) -> None:
    await guarded.keep(*CIRCLE)
    asked = guarded.by(NURSE)
    letter = await asked.made(binary())
    await asked.put(binary("second", id=letter.id))
    await asked.made(document(str(letter)))
    await asked.put(binary("third", id=letter.id))
    for version in (1, 2, 3):
        assert await guarded.by(GP).sees(letter, version)
        assert not await guarded.by(PHARMACIST).sees(letter, version)


@everywhere
async def test_the_strictest_of_several_documents_counts_for_ever(guarded: Guarded) -> None:
    await guarded.keep(*CIRCLE)
    asked = guarded.by(GP)
    letter = await asked.made(binary())
    await asked.made(document(str(letter)))
    assert await readers(guarded, letter) == {"gp", "nurse", "person"}
    hiding = await asked.made(document(str(letter), label="INVISIBLE_PATIENT"))
    assert await readers(guarded, letter) == {"gp", "nurse"}
    await asked.made(document(str(letter)))
    await guarded.put({**document("https://elsewhere.example.org/x"), "id": hiding.id})
    assert await readers(guarded, letter) == {"gp", "nurse"}


@everywhere
async def test_a_label_that_a_document_gets_later_closes_what_is_behind_it(guarded: Guarded) -> None:
    await guarded.keep(*CIRCLE)
    asked = guarded.by(GP)
    letter = await asked.made(binary())
    named = await asked.made(document(str(letter)))
    await asked.put({**document(str(letter), label="INVISIBLE_PATIENT"), "id": named.id})
    assert await readers(guarded, letter) == {"gp", "nurse"}


@everywhere
async def test_a_document_cannot_name_what_its_writer_does_not_see(guarded: Guarded) -> None:
    await guarded.keep(*CIRCLE)
    letter = await guarded.by(GP).made(binary())
    answers = []
    for target in (letter, Key("Binary", "nowhere")):
        with refused(422, "not-found") as texts:
            await guarded.by(NURSE).create(document(str(target)))
        answers += [text.replace(str(target), "it") for text in texts]
    assert len(set(answers)) == 1
    assert await readers(guarded, letter) == {"gp"}


@everywhere
async def test_a_transaction_brings_a_document_and_what_is_behind_it_in_any_order(guarded: Guarded) -> None:
    await guarded.keep(*CIRCLE)
    parts = (entry("POST", "DocumentReference", document(urn(1))), entry("POST", "Binary", binary(), urn(1)))
    for entries in (parts, parts[::-1]):
        answers = await guarded.by(NURSE).transaction(*entries)
        [letter] = [key for key in map(key_in, answers) if key.type == "Binary"]
        assert await readers(guarded, letter) == {"gp", "nurse", "person"}


@everywhere
async def test_documents_that_come_at_once_close_it_together(guarded: Guarded) -> None:
    await guarded.keep(*CIRCLE)
    asked = guarded.by(GP)
    for _ in range(4):
        letter = await asked.made(binary())
        labels = ("", "INVISIBLE_PATIENT", "", "MASQUE_PS")
        await asyncio.gather(*(asked.made(document(str(letter), label=label)) for label in labels))
        assert await readers(guarded, letter) == {"gp"}
