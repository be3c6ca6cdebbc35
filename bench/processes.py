"""CPU time of whole process groups, from Linux's accounting."""

from __future__ import annotations

import os
from pathlib import Path

_TICK_US = 1_000_000 // os.sysconf("SC_CLK_TCK")


def descendants(pid: int) -> set[int]:
    """`pid` and every process below it that lives now."""
    found = {pid}
    waiting = [pid]
    while waiting:
        parent = waiting.pop()
        try:
            lists = [task.read_text() for task in Path(f"/proc/{parent}/task").glob("*/children")]
        except OSError:  # it has ended meanwhile, or one of its threads has
            continue
        children = {int(child) for one in lists for child in one.split()} - found
        waiting += children
        found |= children
    return found


def cpu_us(pid: int) -> int:
    """CPU time of `pid`, its descendants and those of them that have ended, in µs."""
    total = 0
    for process in descendants(pid):
        try:
            fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        total += sum(int(fields[place]) for place in (11, 12, 13, 14)) * _TICK_US
    return total
