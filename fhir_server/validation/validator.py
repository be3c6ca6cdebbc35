"""What is wrong with a resource against base R4: the one door of this package.

A fast yes is the end of it, and all that valid traffic pays. Only after a no does a second, slow walk look for every
problem and say where it is and what would be right.

https://hl7.org/fhir/R4/validation.html
"""

from __future__ import annotations

from itertools import islice

from fhir_server.kernel.issues import Issue
from fhir_server.kernel.wire import Tree
from fhir_server.validation.structure import is_sound
from fhir_server.validation.walk import walk

# A body of 50 MB can hold millions of mistakes; a reader has enough of a thousand.
MAX_ISSUES = 1000

_STAND_IN: Tree = {"resourceType": "Binary", "contentType": "text/plain"}


def check(tree: Tree) -> list[Issue]:
    """Everything wrong with a resource; empty when nothing is.

    Structure, cardinality, primitive values, choices, required bindings, references, contained resources, extensions
    and narrative are judged, of the resource and of all inside it. Profiles and other invariants are not.
    """
    if tree.get("meta") == {}:
        # Not allowed by JSON's rules, yet common in what generators send, and harmless: the server fills it.
        tree = {name: value for name, value in tree.items() if name != "meta"}
    if is_sound(tree):
        return []
    issues = list(islice(walk(tree), MAX_ISSUES + 1))
    if len(issues) > MAX_ISSUES:
        text = f"There are more problems than the {MAX_ISSUES} told here"
        french = f"Il y a plus de problèmes que les {MAX_ISSUES} signalés ici"
        issues[-1] = Issue("too-costly", text, severity="information", french=french)
    return issues


def check_shell(bundle: Tree) -> list[Issue]:
    """Everything wrong with a Bundle, what its entries carry (`resource`, `response.outcome`) aside.

    For a batch or a transaction, whose entries are judged one by one as they are performed.
    """
    entries = bundle.get("entry")
    if not isinstance(entries, list):
        return check(bundle)
    return check({**bundle, "entry": [_shell_of(entry) for entry in entries]})


def _shell_of(entry: object) -> object:
    if not isinstance(entry, dict):
        return entry
    shell = dict(entry)
    if isinstance(shell.get("resource"), dict):
        shell["resource"] = _STAND_IN
    response = shell.get("response")
    if isinstance(response, dict) and isinstance(response.get("outcome"), dict):
        shell["response"] = {**response, "outcome": _STAND_IN}
    return shell
