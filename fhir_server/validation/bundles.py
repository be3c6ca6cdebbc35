"""What makes a Bundle one: addresses that fit what they lead to, links, and the rules of each type of Bundle.

https://hl7.org/fhir/R4/bundle.html · https://hl7.org/fhir/R4/documents.html · https://hl7.org/fhir/R4/messaging.html
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from fhir_server.definitions.catalogue import resource_types
from fhir_server.kernel.issues import Issue
from fhir_server.kernel.wire import Tree
from fhir_server.validation.entries import Entries
from fhir_server.validation.finding import Found, is_absolute, listed, objects, text_of
from fhir_server.validation.linked import linked

_WITHOUT_FULL_URL: Final = frozenset({"transaction", "transaction-response", "batch", "batch-response"})
_PAGES: Final = ("first", "previous", "next", "last")
_PAGED: Final = frozenset({"searchset", "history"})


def bundle_issues(found: Found) -> Iterator[Issue]:
    bundle, place = found.tree, found.place
    type_ = text_of(bundle, "type")
    yield from _links(bundle, type_, place)
    entries = Entries(bundle, place)
    if not entries.all and type_ in {"document", "message"}:
        yield Issue(
            "invalid",
            "A document or a message has entries: a Composition or a MessageHeader first",
            place,
            french="Un document ou un message a des entrées, un Composition ou un MessageHeader en premier",
        )
    if entries.all and type_ in {"document", "message"}:
        yield from linked(entries, type_)
    if type_ == "searchset":
        yield from _search_results(bundle, place)
    yield from _addresses(entries, type_)


def _links(bundle: Tree, type: str, place: str) -> Iterator[Issue]:
    seen: set[str] = set()
    for i, link in objects(bundle, "link"):
        relation = text_of(link, "relation")
        here = f"{place}.link[{i}]"
        if relation in _PAGES and type not in _PAGED and type:
            yield Issue(
                "invalid",
                "A Bundle of this type has no pages: only searchset and history have such links",
                f"{here}.relation",
                french="Un Bundle de ce type n'a pas de pages : seuls searchset et history ont de tels liens",
            )
        elif relation in seen and relation in {*_PAGES, "self"}:
            yield Issue(
                "invalid",
                "A link with this relation is there already, and it is there once at most",
                here,
                french="Un lien portant cette relation existe déjà, et il n'y en a qu'un au plus",
            )
        seen.add(relation)
        if type == "document" and relation == "stylesheet":
            yield from _stylesheet(bundle, text_of(link, "url"), f"{here}.url")


def _stylesheet(bundle: Tree, url: str, place: str) -> Iterator[Issue]:
    if url and not is_absolute(url) and url not in _names_in(bundle):
        yield Issue(
            "not-found",
            "The style sheet is not in this Bundle: a relative link is the [type]/[id] of an entry",
            place,
            french="La feuille de style n'est pas dans ce Bundle : un lien relatif est le [type]/[id] d'une entrée",
        )


def _names_in(bundle: Tree) -> set[str]:
    resources = [entry.get("resource") for _, entry in objects(bundle, "entry")]
    return {f"{one.get('resourceType')}/{one.get('id')}" for one in resources if isinstance(one, dict)}


def _addresses(entries: Entries, type: str) -> Iterator[Issue]:
    """The full URL of each entry: absolute, and that of its resource."""
    for entry in entries.all:
        if not entry.full_url:
            if type and type not in _WITHOUT_FULL_URL and "_fullUrl" not in entry.tree:
                yield Issue(
                    "required",
                    "Every entry of a Bundle of this type has a fullUrl",
                    entry.place,
                    french="Chaque entrée d'un Bundle de ce type a un fullUrl",
                )
        elif not is_absolute(entry.full_url):
            yield Issue(
                "invalid",
                "A fullUrl is absolute: http(s)://…/[type]/[id], urn:uuid:… or urn:oid:…",
                entry.place,
                french="Un fullUrl est absolu : http(s)://…/[type]/[id], urn:uuid:… ou urn:oid:…",
            )
        elif entry.type and entry.is_restful:
            if not entry.id:
                yield Issue(
                    "invalid",
                    "The fullUrl is the address of a resource on a server ([base]/[type]/[id]), "
                    "and the resource has no id",
                    entry.place,
                    french="Le fullUrl est l'adresse d'une ressource sur un serveur ([base]/[type]/[id]), "
                    "et la ressource n'a pas d'id",
                )
            elif not entry.full_url.endswith(f"/{entry.type}/{entry.id}"):
                yield Issue(
                    "invalid",
                    "The fullUrl is the address of a resource on a server, and ends with another type or id "
                    "than those of the resource",
                    entry.place,
                    french="Le fullUrl est l'adresse d'une ressource sur un serveur, et se termine par un autre "
                    "type ou un autre id que ceux de la ressource",
                )


def _search_results(bundle: Tree, place: str) -> Iterator[Issue]:
    """https://hl7.org/fhir/R4/bundle.html#searchset"""
    wanted = _types_searched(bundle)
    modes = [text_of(entry.get("search") or {}, "mode") for _, entry in objects(bundle, "entry")]
    for i, entry in objects(bundle, "entry"):
        resource = entry.get("resource")
        if not isinstance(resource, dict):
            yield Issue(
                "invalid",
                "Every entry of a searchset has a resource",
                f"{place}.entry[{i}]",
                french="Chaque entrée d'un searchset a une ressource",
            )
            continue
        here = f"{place}.entry[{i}].resource"
        type_, mode = text_of(resource, "resourceType"), text_of(entry.get("search") or {}, "mode")
        if mode == "outcome" and type_ != "OperationOutcome":
            yield Issue(
                "invalid",
                "What a search tells beside its results is an OperationOutcome",
                here,
                french="Ce qu'une recherche dit à côté de ses résultats est un OperationOutcome",
            )
        if "id" not in resource and type_ != "OperationOutcome":
            yield Issue(
                "invalid",
                "What a search finds has an id",
                here,
                "error" if mode in {"match", "include"} else "warning",
                french="Ce qu'une recherche trouve a un id",
            )
        if mode == "match" and wanted and type_ not in wanted:
            yield Issue(
                "invalid",
                "A match is of a type that was searched for, as the link 'self' has it",
                here,
                french="Un résultat est d'un type qui a été cherché, tel que le dit le lien « self »",
            )
    if bundle.get("entry") and not all(modes):
        yield Issue(
            "invalid",
            "Every entry of a searchset should say why it is there (search.mode)",
            place,
            "information" if not any(modes) else "warning",
            french="Chaque entrée d'un searchset devrait dire pourquoi elle y est (search.mode)",
        )


def _types_searched(bundle: Tree) -> frozenset[str]:
    """The types that the link `self` asks for; empty: it cannot be told."""
    url = next(
        (text_of(link, "url") for _, link in objects(bundle, "link") if link.get("relation") == "self"), ""
    )
    path, _, query = url.partition("?")
    last = path.rsplit("/", 1)[-1]
    if last in resource_types():
        return frozenset({last})
    for criterion in query.split("&"):
        name, _, value = criterion.partition("=")
        if name == "_type":
            return frozenset(value.split(","))
    return frozenset()


__all__ = ["bundle_issues", "listed"]
