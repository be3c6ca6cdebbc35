"""Load: pgbench for the limits, wrk for the server."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

_RATE = re.compile(r"tps = ([0-9.]+) \(without initial")
_REPORT = """
done = function(summary, latency, requests)
  local e = summary.errors
  io.write(string.format('\\n{"requests":%d,"seconds":%f,"p50_ms":%f,"p99_ms":%f,"bad":%d,"lost":%d}\\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    e.status, e.connect + e.read + e.write + e.timeout))
end
"""


@dataclass(frozen=True, slots=True)
class Load:
    """What wrk did. Times in milliseconds; `failures` are answers of 400 and up, and lost connections."""

    requests: int
    rate: float
    p50: float
    p99: float
    failures: int


def pgbench(url: str, script: str, clients: int, seconds: int) -> float:
    """Transactions per second of a pgbench script, prepared."""
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as file:
        file.write(script)
        file.flush()
        command = [
            "pgbench",
            "-n",
            "-M",
            "prepared",
            "-c",
            str(clients),
            "-j",
            "1",
            "-T",
            str(seconds),
            "-f",
        ]
        done = subprocess.run([*command, file.name, url], capture_output=True, text=True, check=True)
    found = _RATE.search(done.stdout)
    assert found is not None, done.stdout
    return float(found[1])


def have_wrk() -> bool:
    return shutil.which("wrk") is not None


def have_pgbench() -> bool:
    return shutil.which("pgbench") is not None


def wrk(base: str, script: str, clients: int, seconds: int) -> Load:
    """Run a wrk script (Lua, defining `request`) against `base`."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "load.lua"
        file.write_text(script + _REPORT)
        command = [
            "wrk",
            "-t",
            "1",
            "-c",
            str(clients),
            "-d",
            f"{seconds}s",
            "--timeout",
            "30s",
            "-s",
            str(file),
            base,
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    said = json.loads(done.stdout.strip().splitlines()[-1])
    return Load(
        said["requests"],
        said["requests"] / said["seconds"],
        said["p50_ms"],
        said["p99_ms"],
        said["bad"] + said["lost"],
    )
