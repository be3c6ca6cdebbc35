r"""Regular expressions whose cost is counted, whoever wrote them.

Python's own engine can be kept busy for years by twenty characters. Here an expression becomes a small program, and all
its threads walk through the text together (Pike's machine): time is text times pattern. What it does is charged.

Understood are alternatives, groups (named ones too), classes, `\d \w \s \p{..}`, counts (lazy ones too), `^ $ \b \B`,
look-ahead, and `(?i)` in front. Back-references and look-behind are not. A dot matches every character.

http://hl7.org/fhirpath/N1/#matchesregex-string-boolean · https://swtch.com/~rsc/regexp/regexp2.html
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

from terminology.pattern_syntax import (
    WORD,
    Ahead,
    Atom,
    BadPattern,
    Either,
    Group,
    Part,
    Place,
    Reader,
    Repeat,
    Row,
    Test,
)

Charge = Callable[[int], None]
Groups = tuple[int, ...]  # where each group begins and ends, -1: not at all

_MOST: Final = 4000  # instructions of one program, `{m,n}` written out
_USUAL: Final = 500  # characters of a pattern that is kept


@dataclass(slots=True)
class _Instruction:
    """`next` is where to go on; `split` goes to `other` too, with less right."""

    kind: Literal["atom", "split", "jump", "save", "place", "ahead", "end"]
    next: int = 0
    other: int = 0
    test: Test | None = None
    place: str = ""
    program: Program | None = None
    wanted: bool = True


Program = list[_Instruction]


class Pattern:
    """Raises `BadPattern`."""

    def __init__(self, text: str) -> None:
        reader = Reader(text)
        part = reader.whole()
        self.names = reader.names
        self.groups = reader.groups
        self._program = _Writer().program(part)

    def search(self, text: str, charge: Charge) -> bool:
        """Whether the pattern matches somewhere in `text`."""
        return _run(self._program, text, 0, charge, sliding=True, any_will_do=True) is not None

    def fits(self, text: str, charge: Charge) -> bool:
        """Whether the pattern matches the whole of `text`."""
        return _run(self._program, text, 0, charge, whole=True, any_will_do=True) is not None

    def find(self, text: str, start: int, charge: Charge) -> Groups | None:
        """The first match from `start`: begin and end of all of it, then of each group."""
        return _run(self._program, text, start, charge, sliding=True)


@lru_cache(maxsize=256)
def _kept(text: str) -> Pattern:
    return Pattern(text)


def pattern_of(text: str) -> Pattern:
    """Raises `BadPattern`."""
    return _kept(text) if len(text) <= _USUAL else Pattern(text)


# The machine


def _run(
    program: Program,
    text: str,
    start: int,
    charge: Charge,
    *,
    sliding: bool = False,
    whole: bool = False,
    any_will_do: bool = False,
) -> Groups | None:
    """The match of the thread with the most right. `sliding`: it may begin further on; `whole`: it ends at the end."""
    found: Groups | None = None
    threads: list[tuple[int, Groups]] = []
    for at in range(start, len(text) + 1):
        marks: set[int] = set()
        ready: list[tuple[int, Groups]] = []
        for pc, groups in threads:
            _follow(program, pc, groups, text, at, marks, ready, charge)
        if found is None and (sliding or at == start):
            _follow(program, 0, (at, -1), text, at, marks, ready, charge)
        charge(len(marks))
        threads = []
        for pc, groups in ready:
            instruction = program[pc]
            if instruction.kind == "end":
                if whole and at < len(text):
                    continue
                found = (groups[0], at, *groups[2:])
                if any_will_do:
                    return found
                break  # the threads behind this one have less right
            if at < len(text) and instruction.test is not None and instruction.test(text[at]):
                threads.append((instruction.next, groups))
        if not threads and (found is not None or not sliding):
            break
    return found


def _follow(
    program: Program,
    pc: int,
    groups: Groups,
    text: str,
    at: int,
    marks: set[int],
    ready: list[tuple[int, Groups]],
    charge: Charge,
) -> None:
    """All that can be reached from an instruction without reading on, by right."""
    waiting = [(pc, groups)]
    while waiting:
        pc, groups = waiting.pop()
        if pc in marks:
            continue
        marks.add(pc)
        instruction = program[pc]
        match instruction.kind:
            case "atom" | "end":
                ready.append((pc, groups))
            case "jump":
                waiting.append((instruction.next, groups))
            case "split":
                waiting.append((instruction.other, groups))
                waiting.append((instruction.next, groups))
            case "save":
                waiting.append((instruction.next, _saved(groups, instruction.other, at)))
            case "place":
                if _is_at(instruction.place, text, at):
                    waiting.append((instruction.next, groups))
            case "ahead":
                assert instruction.program is not None
                found = _run(instruction.program, text, at, charge, any_will_do=True) is not None
                if found == instruction.wanted:
                    waiting.append((instruction.next, groups))


def _saved(groups: Groups, slot: int, at: int) -> Groups:
    wide = groups + (-1,) * (slot + 1 - len(groups))
    return (*wide[:slot], at, *wide[slot + 1 :])


def _is_at(place: str, text: str, at: int) -> bool:
    if place == "^":
        return at == 0
    if place == "$":
        return at == len(text)
    before, behind = at > 0 and text[at - 1] in WORD, at < len(text) and text[at] in WORD
    return (before != behind) == (place == "b")


# The program of an expression


class _Writer:
    def __init__(self) -> None:
        self._size = 0
        self._steps = 0

    def program(self, part: Part) -> Program:
        program: Program = []
        self._write(part, program)
        self._put(program, _Instruction("end"))
        return program

    def _put(self, program: Program, instruction: _Instruction) -> _Instruction:
        self._size += 1
        if self._size > _MOST:
            raise BadPattern
        program.append(instruction)
        instruction.next = len(program)
        return instruction

    def _write(self, part: Part, program: Program) -> None:
        self._steps += 1
        if self._steps > 2 * _MOST:  # a part may have no instruction at all
            raise BadPattern
        match part:
            case Atom(test=test):
                self._put(program, _Instruction("atom", test=test))
            case Row(parts=parts):
                for one in parts:
                    self._write(one, program)
            case Either(parts=parts):
                self._either(parts, program)
            case Repeat():
                self._repeat(part, program)
            case Group(part=inner, number=number):
                self._put(program, _Instruction("save", other=2 * number))
                self._write(inner, program)
                self._put(program, _Instruction("save", other=2 * number + 1))
            case Place(kind=kind):
                self._put(program, _Instruction("place", place=kind))
            case Ahead(part=inner, wanted=wanted):
                self._put(program, _Instruction("ahead", program=self.program(inner), wanted=wanted))

    def _either(self, parts: tuple[Part, ...], program: Program) -> None:
        jumps = []
        for one in parts[:-1]:
            split = self._put(program, _Instruction("split"))
            self._write(one, program)
            jumps.append(self._put(program, _Instruction("jump")))
            split.other = len(program)
        self._write(parts[-1], program)
        for jump in jumps:
            jump.next = len(program)

    def _repeat(self, repeat: Repeat, program: Program) -> None:
        for _ in range(repeat.least):
            self._write(repeat.part, program)
        if repeat.most is None:
            again = len(program)
            split = self._put(program, _Instruction("split"))
            self._write(repeat.part, program)
            self._put(program, _Instruction("jump")).next = again
            _leave(split, len(program), greedy=repeat.greedy)
            return
        splits = []
        for _ in range(repeat.most - repeat.least):
            splits.append(self._put(program, _Instruction("split")))
            self._write(repeat.part, program)
        for split in splits:
            _leave(split, len(program), greedy=repeat.greedy)


def _leave(split: _Instruction, end: int, *, greedy: bool) -> None:
    """Let a loop go on or end; what comes first has more right."""
    split.next, split.other = (split.next, end) if greedy else (end, split.next)
