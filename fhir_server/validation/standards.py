"""What the resources of this server are held to when they are written, beyond R4 itself.

https://hl7.org/fhir/R4/profiling.html#resources
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from fhir_server.kernel.values import immutable
from fhir_server.kernel.wire import Tree
from fhir_server.validation.world import Options


@immutable
class Asked:
    """The profiles of one resource. `enforced`: it is refused when it breaks them; `told`: that is only said."""

    enforced: tuple[str, ...] = ()
    told: tuple[str, ...] = ()


NOTHING = Asked()


@dataclass(frozen=True, slots=True)
class Standards:
    """
    - `declared`: what is made of the profiles in `meta.profile`.
    - `enforced`: canonicals, or beginnings of them that end in a slash, that are enforced wherever they are declared.
    - `required`: canonicals by resource type that every resource of it must keep.
    """

    declared: Literal["off", "warn", "enforce"] = "warn"
    enforced: tuple[str, ...] = ()
    required: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    options: Options = field(default_factory=Options)

    def of(self, tree: Tree) -> Asked:
        """What is asked of a resource of sound structure."""
        required = self.required.get(tree["resourceType"], ())
        declared = tree.get("meta", {}).get("profile", ())
        if not declared:
            return Asked(required) if required else NOTHING
        enforced, told = list(required), []
        for canonical in _texts(declared):
            if self.declared == "enforce" or self._is_enforced(canonical):
                enforced.append(canonical)
            elif self.declared == "warn":
                told.append(canonical)
        return Asked(tuple(dict.fromkeys(enforced)), tuple(dict.fromkeys(told)))

    def _is_enforced(self, canonical: str) -> bool:
        url = canonical.partition("|")[0]
        return any(url == one or (one.endswith("/") and url.startswith(one)) for one in self.enforced)


def _texts(values: Any) -> Iterator[str]:
    return (value for value in values if isinstance(value, str))
