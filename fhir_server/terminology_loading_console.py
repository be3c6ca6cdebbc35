"""`cordee terminology load` as a person sees it: a bar, what was loaded, and what was refused and why."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeElapsedColumn
from rich.text import Text

from fhir_server.store.codes_loading import Outcome, load
from terminology.loading import snomed
from terminology.loading.archives import Source, joined, source_of
from terminology.loading.fhir_json import Contentless
from terminology.loading.kinds import KINDS, Part, parts_of
from terminology.loading.release import Release, Unloadable, Wanted

__all__ = ["KINDS", "Wanted", "load_files"]


def load_files(files: Sequence[Path], kind: str, wanted: Wanted, database: str, say: Console) -> bool:
    """Load what the files hold into the database; whether all of it is there now."""
    run = _Run(database, wanted, say)
    run.load(files, kind)
    return not run.refused


class _Run:
    """One command: its files, one after the other."""

    def __init__(self, database: str, wanted: Wanted, say: Console) -> None:
        self._database = database
        self._say = say
        self._wanted = wanted
        self._done: set[tuple[str, str]] = set()
        self.refused = 0

    def load(self, files: Sequence[Path], kind: str) -> None:
        for source in self._sources(files, kind):
            with self._reported():
                parts = parts_of(source, kind)
                for part in parts:
                    with self._reported(several=len(parts) > 1):
                        self._load_part(part)

    def _sources(self, files: Sequence[Path], kind: str) -> Iterator[Source]:
        """One by one; those of one release together."""
        found = []
        for file in files:
            with self._reported():
                found.append(source_of(file))
        together = [one for one in found if kind == "snomed" or (not kind and snomed.recognises(one))]
        if together and len(found) == len(files):
            yield joined(together)
        if not self.refused:
            yield from (one for one in found if one not in together)

    def _load_part(self, part: Part) -> None:
        for release in part.read(self._wanted):
            name = (release.url, release.version)
            if name in self._done:  # an archive may have it in several forms
                continue
            started = time.monotonic()
            with _bar(release, self._say) as progress:
                outcome, count = self._counted(release, progress)
            self._done.add(name)
            shown = "|".join(filter(None, name))
            if outcome is Outcome.KNOWN:
                self._say.print(
                    f"{shown}: these files had been loaded before; nothing was done.", markup=False
                )
            else:
                seconds = max(time.monotonic() - started, 0.001)
                self._say.print(
                    f"{shown}: {count:,} concepts {outcome.value} in {seconds:.1f} s ({count / seconds:,.0f}/s).",
                    markup=False,
                )

    def _counted(self, release: Release, progress: Callable[[int, int | None], None]) -> tuple[Outcome, int]:
        count = 0

        def note(done: int, total: int | None) -> None:
            nonlocal count
            count = done
            progress(done, total)

        return load(self._database, release, note), count

    @contextmanager
    def _reported(self, *, several: bool = False) -> Iterator[None]:
        """What cannot be loaded is said, and the rest goes on."""
        try:
            yield
        except Contentless as error:
            if several:  # archives have them beside those that are meant
                return
            self.refused += 1
            self._complain(f"Not loaded. {error}.")
        except Unloadable as error:
            self.refused += 1
            self._complain(f"Not loaded. {error}.")

    def _complain(self, text: str) -> None:
        self._say.print(text, style="red", markup=False)


class _Where(ProgressColumn):
    """The file that is read, as long as no concept has come."""

    def __init__(self, release: Release) -> None:
        super().__init__()
        self._release = release

    def render(self, task: Task) -> Text:
        if task.completed:
            return Text(f"{int(task.completed):,} concepts")
        return Text(f"reading {self._release.position.file.rpartition('/')[2]}")


@contextmanager
def _bar(release: Release, say: Console) -> Iterator[Callable[[int, int | None], None]]:
    columns = (TextColumn("Loading"), BarColumn(), _Where(release), TimeElapsedColumn())
    with Progress(*columns, console=say, disable=not say.is_terminal) as bar:
        task = bar.add_task("", total=release.total)
        yield lambda done, total: bar.update(task, completed=done, total=total)
