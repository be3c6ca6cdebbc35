"""The elements of a StructureDefinition as a tree: what stands in what, and what slices what.

A list of ElementDefinitions says where each stands by `path`, `sliceName` and, mostly, `id`. An `Outline` is one of
them with its children and its slices; a slice of a slice hangs on the slice.

https://hl7.org/fhir/R4/elementdefinition.html#id · https://hl7.org/fhir/R4/profiling.html#slicing
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

Definition = Mapping[str, Any]  # one ElementDefinition
Step = tuple[str, str]  # an element's name and its slice, or no slice: `("identifier", "INS-NIR")`

CHOICE: Final = "[x]"
MAX_ELEMENTS: Final = 20_000
MAX_DEPTH: Final = 60


class BadDefinition(Exception):
    """A StructureDefinition that no snapshot can be made of. `code` is of the value set IssueType."""

    def __init__(self, text: str, french: str, *, code: str = "processing") -> None:
        super().__init__(text)
        self.text = text
        self.french = french
        self.code = code


@dataclass(slots=True)
class Outline:
    """One element. `own` is its ElementDefinition; the slice name is whole (`a/b` for slice b of slice a)."""

    name: str
    slice: str
    own: dict[str, Any]
    children: list[Outline] = field(default_factory=list)
    slices: list[Outline] = field(default_factory=list)

    def child(self, name: str) -> Outline | None:
        return next((child for child in self.children if child.name == name), None)

    def copy(self) -> Outline:
        """Another of the same content; the values inside `own` are shared and never changed in place."""
        return Outline(
            self.name,
            self.slice,
            dict(self.own),
            [child.copy() for child in self.children],
            [one.copy() for one in self.slices],
        )

    def size(self) -> int:
        return 1 + sum(child.size() for child in self.children) + sum(one.size() for one in self.slices)


def steps_of(elements: Iterable[Definition]) -> Iterator[tuple[tuple[Step, ...], Definition]]:
    """Each element with the way to it from the root.

    The id tells it, where it fits the path; otherwise the slices of the element before hold on as far as the paths
    are the same.
    """
    before: tuple[Step, ...] = ()
    for element in elements:
        path = element.get("path")
        if not isinstance(path, str) or not path:
            raise BadDefinition("An element has no path", "Un élément n'a pas de chemin")
        names = path.split(".")
        if len(names) > MAX_DEPTH:
            raise BadDefinition(
                f"Elements nest deeper than {MAX_DEPTH}",
                f"Les éléments s'emboîtent sur plus de {MAX_DEPTH} niveaux",
                code="too-costly",
            )
        before = _by_id(element, names) or _by_order(element, names, before)
        yield before, element


def _by_id(element: Definition, names: list[str]) -> tuple[Step, ...] | None:
    id_ = element.get("id")
    if not isinstance(id_, str):
        return None
    steps = tuple((name, sliced) for name, _, sliced in (part.partition(":") for part in id_.split(".")))
    if [name for name, _ in steps] != names:
        return None
    return steps if steps[-1][1] == element.get("sliceName", "") else None


def _by_order(element: Definition, names: list[str], before: tuple[Step, ...]) -> tuple[Step, ...]:
    steps: list[Step] = []
    for name, (known, sliced) in zip(names[:-1], before, strict=False):
        if name != known:
            break
        steps.append((name, sliced))
    steps += [(name, "") for name in names[len(steps) : -1]]
    return (*steps, (names[-1], element.get("sliceName", "")))


def outline_of(elements: Iterable[Definition]) -> Outline:
    """The tree of a snapshot. Raises `BadDefinition` for one that is empty, has two roots or is too large."""
    root: Outline | None = None
    known: _Known = {}
    for count, (steps, element) in enumerate(steps_of(elements)):
        if count >= MAX_ELEMENTS:
            raise too_large()
        if root is None:
            root = Outline(steps[0][0], "", dict(element))
            continue
        if len(steps) == 1 or steps[0][0] != root.name:
            raise BadDefinition("The snapshot has two roots", "Le snapshot a deux racines")
        part = root
        for name, sliced in steps[1:]:
            part = _descend(known, part, name, sliced)
        part.own = dict(element)
    if root is None:
        raise BadDefinition("The snapshot has no elements", "Le snapshot n'a pas d'éléments")
    return root


_Known: TypeAlias = dict[tuple[int, str], Outline]
"""The parts of a tree in the making: children by what holds them, slices by what they slice, so that many are no work.

A slice is called `:name` in it.
"""


def too_large() -> BadDefinition:
    return BadDefinition(
        f"The profile has more than {MAX_ELEMENTS} elements",
        f"Le profil a plus de {MAX_ELEMENTS} éléments",
        code="too-costly",
    )


def _descend(known: _Known, part: Outline, name: str, slice: str) -> Outline:
    """The child of this name, or a slice of it, made empty where there is none."""
    plain = known.get((id(part), name)) or (choice_for(part, name) if slice else None)
    if plain is None:
        plain = known[id(part), name] = Outline(name, "", {})
        part.children.append(plain)
    if not slice:
        return plain
    found = known.get((id(plain), f":{slice}"))
    if found is None:
        found = known[id(plain), f":{slice}"] = Outline(plain.name, slice, {})
        stems = _stems(slice)
        holder = next((one for stem in stems if (one := known.get((id(plain), f":{stem}")))), plain)
        holder.slices.append(found)
    return found


def _stems(name: str) -> Iterator[str]:
    """`a/b` and `a` of `a/b/c`: what may hold a slice, the nearest first."""
    while "/" in name:
        name = name.rpartition("/")[0]
        yield name


def choice_for(part: Outline, name: str) -> Outline | None:
    """The choice among the children (`value[x]`) that `valueQuantity` is one alternative of."""
    for child in part.children:
        stem = child.name.removesuffix(CHOICE)
        if stem != child.name and name.startswith(stem) and type_in(child, name[len(stem) :]) is not None:
            return child
    return None


def type_in(choice: Outline, ending: str) -> Definition | None:
    """The type of a choice whose name, capitalised, is `ending`."""
    for type_ in choice.own.get("type", ()):
        code = str(type_.get("code", ""))
        if ending and code[:1].upper() + code[1:] == ending:
            found: Definition = type_
            return found
    return None


def slice_of(part: Outline, name: str) -> Outline:
    """The slice of this name, made empty where there is none: `a/b/c` in `a/b`, or else in `a`."""
    found = find_slice(part, name)
    if found is None:
        found = Outline(part.name, name, {})
        holder = next((one for stem in _stems(name) if (one := find_slice(part, stem))), part)
        holder.slices.append(found)
    return found


def find_slice(part: Outline, name: str) -> Outline | None:
    for one in part.slices:
        if one.slice == name:
            return one
        if name.startswith(one.slice + "/"):
            return find_slice(one, name)
    return None


def elements_of(root: Outline) -> list[dict[str, Any]]:
    """The snapshot of a tree: each element with its id and path, what is inside it, then its slices."""
    found: list[dict[str, Any]] = []
    _write(root, "", "", found)
    return found


def _write(part: Outline, path: str, id: str, found: list[dict[str, Any]]) -> None:
    here = f"{path}.{part.name}" if path else part.name
    step = f"{part.name}:{part.slice}" if part.slice else part.name
    mine = f"{id}.{step}" if id else step
    found.append({**part.own, "id": mine, "path": here})
    for child in part.children:
        _write(child, here, mine, found)
    for one in part.slices:
        _write(one, path, id, found)
