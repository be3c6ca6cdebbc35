"""Whether a definition may be written: not where the settings keep them, and not against a package.

What a package says under a canonical URL and version, it says for ever: an upload of the same definition is a copy, one
that says something else is refused. The copies of packaged definitions that the server itself publishes come and go
with their packages.

https://hl7.org/fhir/R4/references.html#canonical
"""

from __future__ import annotations

from typing import Final

from fhir_server.definitions.packaged import CANONICAL, KINDS, Packaged
from fhir_server.interactions.call import Limits
from fhir_server.kernel.errors import Conflict, FhirError, Forbidden
from fhir_server.kernel.issues import Issue
from fhir_server.kernel.keys import Key
from fhir_server.kernel.wire import Tree

# What changes how others' resources are judged or found. A Questionnaire is a form, for whoever makes forms.
_KEPT: Final = (KINDS - {"Questionnaire"}) | {"SearchParameter"}


def require_writable(key: Key, tree: Tree | None, packaged: Packaged, limits: Limits) -> None:
    """Refuse to write `tree`, a judged resource, to `key`; None: to delete what is there.

    Raises `Forbidden` or `Conflict`.
    """
    if key.type in _KEPT and not limits.definitions:
        raise _refusal(
            Forbidden,
            "This server takes no definitions from clients; its operator adds them as packages",
            "Ce serveur ne reçoit pas de définitions de ses clients ; son exploitant les ajoute en paquets",
        )
    entry = packaged.by_key.get(key) if key.type in CANONICAL else None
    if entry is not None:
        raise _refusal(
            Conflict,
            f"{key} is of the package {entry.package}, and changes with it alone",
            f"{key} appartient au paquet {entry.package} et ne change qu'avec lui",
        )
    if tree is not None and key.type in KINDS and (entry := packaged.taken(tree)) is not None:
        raise _refusal(
            Conflict,
            f"The package {entry.package} has this canonical URL in this version, and says something else under it. "
            "Another version would be right",
            f"Le paquet {entry.package} contient déjà cette URL canonique dans cette version, avec un autre contenu. "
            "Une autre version conviendrait",
            f"{key.type}.url",
        )


def _refusal(kind: type[FhirError], english: str, french: str, expression: str = "") -> FhirError:
    error = kind(english, expression)
    code = "duplicate" if expression else error.issues[0].code
    error.issues = (Issue(code, english, expression, french=french),)
    return error
