"""The import of a whole folder while the importer and the server are killed at random points: are the counts exact?

`python -m bench.import_kills ../shared/conformance/synthea [SEED]`
"""

from __future__ import annotations

import random
import shutil
import sys
import tempfile
import time
from pathlib import Path

from tests.flows.killing import contents_of, import_under_fire

SHOTS = ("importer", "server") * 4


def main(folder: Path, seed: int) -> None:
    data = Path(tempfile.mkdtemp(prefix="cordee-killing-"))
    data.chmod(0o755)
    try:
        shots = random.Random(seed).sample(SHOTS, len(SHOTS))
        began = time.monotonic()
        story = import_under_fire(folder, data / "data", seed, shots, workers=2)
        print(
            f"{time.monotonic() - began:.0f} s, killed:", *story.kills, "A rerun said:", story.rerun, sep="\n"
        )
        expected = contents_of(folder)
        wrong = {name: (n, story.counts[name]) for name, n in expected.items() if n != story.counts[name]}
        verdict = f"wrong: {wrong}" if wrong else "exact"
        print(f"{expected.total():,} resources of {len(expected)} types: {verdict}")
    finally:
        shutil.rmtree(data, ignore_errors=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1)
