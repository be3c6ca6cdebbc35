"""What a process holds once it has judged by every profile that is shipped: `python -m bench.judging_memory`.

Each valid example of the profiles' own sources is judged once, in this process, which has done nothing else. What is
held then is what a worker comes to hold when all profiles are in use: their compiled forms, value sets and shapes.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final

from fhir_server.definitions.packaged import SHIPPED
from fhir_server.kernel.wire import decode
from fhir_server.validation.judge import judge
from fhir_server.validation.world import World
from terminology.codes import codes_of

_SOURCES: Final = Path(__file__).parents[1] / "profiles/source"
TARGET_MB: Final = 300


def main() -> int:
    before = _rss_mb()
    examples = sorted(_SOURCES.glob("**/examples/valid/**/*.json"))
    profiles: set[str] = set()
    wrong = 0
    for path in examples:
        tree = decode(path.read_bytes())
        declared = (tree.get("meta") or {}).get("profile", [])
        profiles.update(canonical.partition("|")[0] for canonical in declared)
        issues = judge(tree, World(SHIPPED, codes_of(SHIPPED)))
        wrong += any(issue.severity == "error" for issue in issues)
    held = _rss_mb()
    print(f"{len(examples)} examples of {len(profiles)} profiles judged, {wrong} with errors")
    print(f"RSS {before:.0f} MB before, {held:.0f} MB after (target: {TARGET_MB} MB at most)")
    return int(held > TARGET_MB)


def _rss_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


if __name__ == "__main__":
    sys.exit(main())
