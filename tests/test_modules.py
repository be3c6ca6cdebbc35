"""docs/architecture.md, section 2: a module is one idea, in 400 lines at the most."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MOST = 400  # lines


@pytest.mark.parametrize(
    "package", ["fhir_server", "connectors", "mappings", "terminology", "profiles", "tools", "bench"]
)
def test_no_module_has_more_than_400_lines(package: str) -> None:
    modules = (ROOT / package).rglob("*.py")

    lengths = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in modules}

    assert lengths
    assert {module: length for module, length in lengths.items() if length > MOST} == {}
