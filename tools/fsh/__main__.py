"""`python -m tools.fsh`: compile all guides, and write `profiles/packages/*.zip` and their lines in `packages.toml`.

python -m tools.fsh                 write the packages
python -m tools.fsh --check FOLDER  whether one guide, or all of a package, compile
python -m tools.fsh --show FOLDER   the same, printed
"""

from __future__ import annotations

import hashlib
import re
import sys
from pathlib import Path
from typing import Final

from fhir_server.kernel.wire import encode
from tools import archive
from tools.fsh.compiling import compiled
from tools.fsh.guides import ROOT, Guide, Workspace
from tools.fsh.model import FshError
from tools.fsh.packages import DATE, contents

PACKAGES: Final = ROOT.parent / "packages"
LINES: Final = ROOT.parent / "packages.toml"
_NEW: Final = """
[[package]]
name = "{name}"
version = "{version}"
origin = "Written by us (profiles/source/{name}, compiled by tools/fsh)"
licence = "{licence}"
sha256 = "{digest}"
"""


def main(arguments: list[str]) -> int:
    workspace = Workspace()
    try:
        match arguments:
            case []:
                for package in workspace.packages():
                    write(workspace, package)
            case ["--check" | "--show" as wish, folder]:
                guides = _guides(workspace, Path(folder))
                for guide in guides:
                    trees = list(compiled(workspace, guide))
                    print(f"{guide.key}: {len(trees)} definitions", file=sys.stderr)
                    if wish == "--show":
                        print(encode(trees, pretty=True).decode())
                if not guides:
                    print(f"no guide.toml in {folder}, nor below it", file=sys.stderr)
                return 0 if guides else 1
            case _:
                print(__doc__, file=sys.stderr)
                return 2
    except FshError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def write(workspace: Workspace, package: str) -> None:
    found = contents(workspace, package)
    path = PACKAGES / f"{package}.zip"
    archive.write(path, found.members, DATE, found.packages)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    guide = workspace.of_package(package)[0]
    LINES.write_text(_with_digest(LINES.read_text("utf-8"), package, guide, digest), "utf-8")


def _with_digest(lines: str, package: str, guide: Guide, digest: str) -> str:
    line = re.compile(rf'(name = "{re.escape(package)}"\n(?:[^\[\n][^\n]*\n)*?sha256 = ")[0-9a-f]+(")')
    changed, number = line.subn(rf"\g<1>{digest}\g<2>", lines)
    if number:
        return changed
    return lines + _NEW.format(name=package, version=guide.version, licence=guide.licence, digest=digest)


def _guides(workspace: Workspace, folder: Path) -> list[Guide]:
    path = folder.resolve()
    return [guide for guide in workspace.guides.values() if path in {guide.path, *guide.path.parents}]


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
