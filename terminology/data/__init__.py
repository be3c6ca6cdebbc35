"""Our own terminology, and published lists that may be passed on: code systems, value sets, maps.

Each table here is a CSV with a head; `reader` says how it is read.
"""

from __future__ import annotations

from terminology.data.reader import PACKAGE, entries

__all__ = ["PACKAGE", "entries"]
