"""The tag of a resource that is shown in part, and why it is not written back as the whole.

https://hl7.org/fhir/R4/search.html#summary · https://hl7.org/fhir/R4/http.html#update
"""

from __future__ import annotations

from typing import Final

from fhir_server.kernel.errors import Unprocessable
from fhir_server.kernel.wire import Tree, decode
from fhir_server.store.contract import Stored

SUBSETTED: Final = {
    "system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue",
    "code": "SUBSETTED",
}


def is_subsetted(tree: Tree) -> bool:
    """Whether a resource says that it is a part of one."""
    tags = tree.get("meta", {}).get("tag", ())
    return any(SUBSETTED.items() <= tag.items() for tag in tags)


def require_whole(tree: Tree, current: Stored | None) -> None:
    """Raises `Unprocessable` when a part, as `_summary` and `_elements` show it, would supersede a whole.

    What another server has in part may be kept here, and brought up to date.
    """
    if not is_subsetted(tree) or current is None or current.deleted or is_subsetted(decode(current.body)):
        return
    raise Unprocessable(
        "This is a part of the resource, as its tag SUBSETTED says: what it leaves out would be lost. The whole of it,"
        " or a patch, would be right",
        f"{tree['resourceType']}.meta.tag",
        code="business-rule",
        french="Ceci n'est qu'une partie de la ressource, comme le dit son étiquette SUBSETTED\u202f: le reste serait"
        " perdu. La ressource entière, ou un patch, conviendrait",
    )
