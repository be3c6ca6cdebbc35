"""What the commands of `cordee` share: where they speak, and the option that names a data directory."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console

KEEP: Final = "Look after the database"  # a part of the help
say: Final = Console(stderr=True, highlight=False, soft_wrap=True)

DataDir = Annotated[
    Path | None,
    typer.Option(
        help="Directory of the embedded PostgreSQL, instead of CORDEE_DATA_DIR.",
        metavar="DIR",
        show_default=False,
    ),
]


def progress(text: str) -> None:
    say.print(text, style="dim", markup=False)


def complain(text: str) -> None:
    say.print(text, style="red", markup=False)
