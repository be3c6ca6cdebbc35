"""What functions ask of the world outside of a resource. Whoever evaluates gives what there is.

An answer of None says that it cannot be told (an unknown profile, value set or code system): the evaluation ends with
that. A question that nobody answers is refused as not supported, but for what a resource itself can tell.

https://hl7.org/fhir/R4/fhirpath.html#functions
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from fhir_server.fhirpath.values import Node
from fhir_server.kernel.wire import Tree

Resolve = Callable[[str, Node], Tree | None]
MemberOf = Callable[[Node, str], bool | None]
ConformsTo = Callable[[Node, str], bool | None]
Subsumes = Callable[[Node, Node], bool | None]
IsSafe = Callable[[str], bool]
DefinitionOf = Callable[[Node], Tree | None]
IsInSlice = Callable[[Node, str, str], bool | None]
Trace = Callable[[str, Sequence[Node]], None]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """
    - `resolve(reference, where)`: the resource that a reference leads to; None: it leads nowhere. Asked for what is
      neither contained nor in the same Bundle.
    - `member_of(code, value set)`: the code is a code, Coding or CodeableConcept.
    - `conforms_to(item, profile)`: asked for profiles other than FHIR's own types.
    - `subsumes(general, special)`: two Codings, CodeableConcepts or codes.
    - `is_safe(narrative)`: whether the XHTML keeps FHIR's rules for narratives.
    - `definition_of(item)`: its ElementDefinition.
    - `is_in_slice(item, profile, name)`.
    - `trace(name, items)`: told of every `trace()`.
    """

    resolve: Resolve | None = None
    member_of: MemberOf | None = None
    conforms_to: ConformsTo | None = None
    subsumes: Subsumes | None = None
    is_safe: IsSafe | None = None
    definition_of: DefinitionOf | None = None
    is_in_slice: IsInSlice | None = None
    trace: Trace | None = None


ALONE = Surroundings()
