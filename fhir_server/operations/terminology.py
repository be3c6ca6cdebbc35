"""What the operations on codes share: where definitions come from, which of them a call is about, and refusals.

https://hl7.org/fhir/R4/terminology-service.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, TypeVar

from fhir_server.interactions.call import Call, Reply, Server
from fhir_server.kernel.errors import FhirError, Gone, Malformed, NotFound, Unprocessable
from fhir_server.kernel.issues import Issue
from fhir_server.kernel.keys import Key
from fhir_server.kernel.wire import Tree, decode, encode
from fhir_server.operations.inputs import Inputs
from fhir_server.store.contract import Reader
from terminology.desk import answered
from terminology.errors import NoAnswer, TooLong
from terminology.library import ANY, Library, Versions
from terminology.membership import Code
from terminology.stock import stock_of
from terminology.systems import Tree as Definition

T = TypeVar("T")
_OUR_KINDS: Final = {
    "ValueSet": ("value set", "jeu de valeurs"),
    "CodeSystem": ("code system", "système de codes"),
    "ConceptMap": ("concept map", "table de correspondance"),
}


def library_of(server: Server, *, versions: Versions = ANY, given: Iterable[Definition] = ()) -> Library:
    """What one call may ask of terminology. `given`: resources that came with it, or that its address names."""
    stock = stock_of(server.store.definitions.current.registry)
    return Library(stock, large=server.store.codes, versions=versions, given=given)


async def answer_of(
    attempt: Callable[[], T], library: Library, refusal: type[FhirError] = Unprocessable
) -> T:
    """What `attempt` returns. Raises `refusal` where there is no answer, with the reason."""
    try:
        return await answered(attempt, library.desk)
    except TooLong as reason:
        raise refused(reason) from None
    except NoAnswer as reason:
        raise refused(reason, refusal) from None


def refused(reason: NoAnswer, refusal: type[FhirError] = Unprocessable) -> FhirError:
    text = f"There is no answer: {reason}"
    error = refusal(text, code=reason.code)
    error.issues = (Issue(reason.code, text, french=f"Pas de réponse : {reason.french}"),)
    return error


def missing(english: str, french: str) -> Malformed:
    """An input that is required where others are not there."""
    error = Malformed(english, code="required")
    error.issues = (Issue("required", english, french=french),)
    return error


def parameters(parts: Iterable[Definition]) -> Reply:
    return Reply(200, encode({"resourceType": "Parameters", "parameter": list(parts)}))


async def definition_of(
    call: Call, inputs: Inputs, reader: Reader, server: Server, version: str
) -> Definition | None:
    """The resource that a call is about: of its address, sent along, or known by the input `url`; None: none is named.

    `version`: the name of the input that says which one. Raises `NotFound`, `Gone` and `Unprocessable`.
    """
    kind = call.type or ""
    if call.id is not None:
        return await _stored(Key(kind, call.id), reader)
    sent: Tree | None = inputs.one(kind[:1].lower() + kind[1:])
    if sent is not None:
        return sent
    url: str | None = inputs.one("url")
    if url is None:
        return None
    wanted = inputs.one(version)
    canonical = f"{url}|{wanted}" if wanted and "|" not in url else url
    library = library_of(server)
    try:
        found = library.value_set(canonical) if kind == "ValueSet" else library.find(kind, canonical)
    except NoAnswer as reason:
        if reason.code == "not-found":
            found = None
        else:
            raise refused(reason) from None
    if found is None:
        raise unknown(kind)
    return found


def unknown(kind: str) -> NotFound:
    english, french = _OUR_KINDS[kind]
    text = f"No {english} of this URL and version is known here"
    error = NotFound(text)
    error.issues = (
        Issue("not-found", text, french=f"Aucun {french} de cette URL et de cette version n'est connu ici"),
    )
    return error


async def _stored(key: Key, reader: Reader) -> Definition:
    stored = await reader.read(key)
    if stored is None:
        raise NotFound(f"{key} is not known here")
    if stored.deleted:
        raise Gone(f"{key} was deleted", version=stored.version)
    return decode(stored.body)


def codes_in(
    inputs: Inputs, *, version: str = "version", names: Sequence[str] = ("code", "coding", "codeableConcept")
) -> list[Code]:
    """The codes that are asked about: `code` with what stands beside it, `coding`, or those of `codeableConcept`.

    The last may have text alone: then there are none. Raises `Malformed` unless just one of `names` is there.
    """
    given = [name for name in names if inputs.values.get(name)]
    if len(given) != 1:
        *others, last = names
        listed, quoted = ", ".join(f"'{one}'" for one in others), ", ".join(f"« {one} »" for one in others)
        raise missing(
            f"One of the inputs {listed} and '{last}' is required, and just one",
            f"Une des entrées {quoted} et « {last} » est requise, et une seule",
        )
    if given == ["code"]:
        system, _, inside = (inputs.one("system") or "").partition("|")
        return [
            Code(
                system or None,
                inputs.one("code"),
                inputs.one(version) or inside,
                inputs.one("display") or "",
            )
        ]
    value = inputs.one(given[0])
    codings: list[Any] = [value] if given == ["coding"] else value.get("coding", [])
    found = [code_of(one) for one in codings if "code" in one]
    if codings and not found:
        raise missing("A coding has a code", "Un codage a un code")
    return found


def code_of(coding: Definition) -> Code:
    return Code(
        coding.get("system", ""), coding.get("code", ""), coding.get("version", ""), coding.get("display", "")
    )
