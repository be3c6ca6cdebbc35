"""Who stands below whom, told of every concept at once.

A concept may have several parents. What stands below each one that has children is the union of what stands below
them: numbered so that children follow their parents, few runs of neighbours say it, even for SNOMED CT, where to list
all pairs would take millions of rows.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from typing import TypeAlias


class Circle(Exception):
    """The concept at `place` stands below itself."""

    def __init__(self, place: int) -> None:
        super().__init__(place)
        self.place = place


class Hierarchy:
    """Of `size` concepts, by place. `children[i]` stands directly below `parents[i]`; a pair may come twice."""

    def __init__(self, size: int, children: array[int], parents: array[int]) -> None:
        self.size = size
        self._parents = _grouped(size, children, parents)
        self._children = _grouped(size, parents, children)

    def parents_of(self, place: int) -> list[int]:
        return sorted(set(_group(self._parents, place)))

    def children_of(self, place: int) -> list[int]:
        return sorted(set(_group(self._children, place)))

    def with_children(self) -> list[int]:
        return [place for place in range(self.size) if _holds(self._children, place)]

    def with_parents(self) -> list[int]:
        return [place for place in range(self.size) if _holds(self._parents, place)]

    def below(self) -> Iterator[tuple[int, list[tuple[int, int]]]]:
        """Each concept that has children, and the runs of places of itself and what is below. Raises `Circle`."""
        wanted = array("I", (len(_group(self._parents, place)) for place in range(self.size)))
        known: dict[int, array[int]] = {}  # runs of those that have children, whose parents are still to come
        for place in self._rising():
            children = _group(self._children, place)
            if not children:
                continue
            runs = _joined([_alone(place), *(known.get(child) or _alone(child) for child in set(children))])
            for child in children:
                wanted[child] -= 1
                if not wanted[child]:
                    known.pop(child, None)
            yield place, [(run >> 32, run & 0xFFFFFFFF) for run in runs]
            if wanted[place]:
                known[place] = runs

    def order(self) -> array[int]:
        """All places, so that what stands below a concept follows it as closely as can be. Raises `Circle`."""
        for _ in self._rising():
            pass
        seen = bytearray(self.size)
        found = array("I")
        for root in range(self.size):
            if _holds(self._parents, root):
                continue
            waiting = [root]
            while waiting:
                place = waiting.pop()
                if not seen[place]:
                    seen[place] = 1
                    found.append(place)
                    waiting += reversed(_group(self._children, place))
        return found

    def _rising(self) -> Iterator[int]:
        """Each concept after all that stand below it. Raises `Circle`."""
        waiting = array("I", (len(_group(self._children, place)) for place in range(self.size)))
        ready = [place for place in range(self.size) if not waiting[place]]
        done = 0
        while ready:
            place = ready.pop()
            done += 1
            yield place
            for parent in _group(self._parents, place):
                waiting[parent] -= 1
                if not waiting[parent]:
                    ready.append(parent)
        if done < self.size:
            raise Circle(self._circle(waiting))

    def _circle(self, waiting: array[int]) -> int:
        """One that stands below itself: whoever still waits has a child that waits too."""
        place = next(place for place in range(self.size) if waiting[place])
        seen = set()
        while place not in seen:
            seen.add(place)
            place = next(child for child in _group(self._children, place) if waiting[child])
        return place


Groups: TypeAlias = "tuple[array[int], array[int]]"  # where each group begins, and the members of all of them


def _grouped(size: int, keys: array[int], values: array[int]) -> Groups:
    starts = array("I", bytes(4 * (size + 1)))
    for key in keys:
        starts[key + 1] += 1
    for at in range(size):
        starts[at + 1] += starts[at]
    filled = array("I", starts)
    members = array("I", bytes(4 * len(values)))
    for key, value in zip(keys, values, strict=True):
        members[filled[key]] = value
        filled[key] += 1
    return starts, members


def _group(groups: Groups, key: int) -> array[int]:
    starts, members = groups
    return members[starts[key] : starts[key + 1]]


def _holds(groups: Groups, key: int) -> bool:
    return groups[0][key] < groups[0][key + 1]


def _alone(place: int) -> array[int]:
    return array("Q", (place << 32 | place + 1,))


def _joined(parts: list[array[int]]) -> array[int]:
    """The union of sets of runs, each run a number: its start, and behind its end."""
    every = sorted(run for part in parts for run in part)
    found = array("Q")
    start, end = every[0] >> 32, every[0] & 0xFFFFFFFF
    for run in every:
        first, behind = run >> 32, run & 0xFFFFFFFF
        if first > end:
            found.append(start << 32 | end)
            start, end = first, behind
        elif behind > end:
            end = behind
    found.append(start << 32 | end)
    return found
