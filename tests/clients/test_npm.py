"""Clients of JavaScript, each run by a script of `npm/` as on a server of Node; what they say is in docs/clients.md.

The first run installs them, in the versions and with the hashes of `npm/package-lock.json`.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parent / "npm"
DOCUMENT = Path(__file__).parents[2] / "docs/clients.md"

# What npm says when it does not get through to a registry at all.
_UNREACHED = re.compile(
    r"npm error code (ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ERR_SOCKET_TIMEOUT)"
)

pytestmark = pytest.mark.xdist_group("clients")  # one server for all of them


@pytest.fixture(scope="session")
def node() -> str:
    """Node, with the clients installed for the scripts."""
    found, npm = shutil.which("node"), shutil.which("npm")
    if found is None or npm is None:
        pytest.skip("node and npm are not installed: the clients of JavaScript cannot be run")
    installed, wanted = SCRIPTS / "node_modules/.package-lock.json", SCRIPTS / "package-lock.json"
    if not installed.exists() or installed.stat().st_mtime < wanted.stat().st_mtime:
        done = _run(npm, "ci", patience_seconds=240)
        if _UNREACHED.search(done.stderr):
            pytest.skip("npm reaches no registry: the clients of JavaScript cannot be installed")
        assert done.returncode == 0, done.stderr
    return found


@pytest.mark.parametrize(
    ("script", "package"),
    [
        ("fhir-kit-client.mjs", "fhir-kit-client"),
        ("fhirclient.mjs", "fhirclient"),
        ("medplum-core.mjs", "@medplum/core"),
    ],
)
def test_a_client_of_javascript_does_what_the_document_shows(
    script: str, package: str, node: str, base: str
) -> None:
    done = _run(node, script, base, patience_seconds=60)

    assert done.stderr == ""
    assert done.stdout == _shown(package)


def _run(*command: str, patience_seconds: int) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, check=False, cwd=SCRIPTS, capture_output=True, encoding="utf-8", timeout=patience_seconds
    )


def _shown(package: str) -> str:
    """The output that docs/clients.md shows for a package: the block that its name and version begin."""
    blocks = re.findall(r"^```text\n(.*?)^```$", DOCUMENT.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    (block,) = (block for block in blocks if block.startswith(f"{package} "))
    return str(block)
