"""What one asker sees of terminology: what came with the question, then definitions, then large code systems.

What is large is asked at the desk (`Later`). The asker may say which versions of code systems are meant.

https://hl7.org/fhir/R4/codesystem.html#versioning · https://hl7.org/fhir/R4/valueset-operation-expand.html
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias

from terminology.desk import Desk
from terminology.errors import UnknownDefinition, WrongVersion
from terminology.grammars import GRAMMARS, Grammar
from terminology.implicit import implicit, of_system
from terminology.large import LargeSystem, LargeSystems, Page, Selection
from terminology.patience import Patience
from terminology.stock import Stock
from terminology.systems import Concept, System, Tree


@dataclass(frozen=True, slots=True)
class Versions:
    """Of code systems, by URL: where a value set names none; whatever it names; what it must not differ from."""

    default: Mapping[str, str] = field(default_factory=dict)
    forced: Mapping[str, str] = field(default_factory=dict)
    checked: Mapping[str, str] = field(default_factory=dict)

    def of(self, url: str, version: str) -> str:
        """The version to use where `version` is named; empty: the newest. Raises `WrongVersion`."""
        forced, checked = self.forced.get(url, ""), self.checked.get(url, "")
        found = forced or version or self.default.get(url, "") or checked
        if checked and found != checked:
            raise WrongVersion(url, found, checked)
        return found


ANY: Final = Versions()


class Large:
    """A large code system, asked at a desk."""

    def __init__(self, system: LargeSystem, desk: Desk) -> None:
        summary = system.summary
        self.url, self.version, self.content = summary.url, summary.version, summary.content
        self.case_sensitive = summary.case_sensitive
        self.head: Tree = {"title": summary.title, **summary.head}
        self.language: str = summary.head.get("language", "")
        self.count = summary.count
        self._system, self._desk = system, desk

    @property
    def complete(self) -> bool:
        return self.content == "complete"

    def find(self, code: str) -> Concept | None:
        found: Concept | None = self._ask("find", code, self._system.find)
        return found

    def passes(self, code: str, include: Sequence[Selection], exclude: Sequence[Selection] = ()) -> bool:
        """Whether a code is part of what selections let in."""

        async def look_up(codes: Collection[Any]) -> Mapping[Any, Any]:
            return dict.fromkeys(await self._system.within(codes, include, exclude), True)

        return bool(self._ask(("within", tuple(include), tuple(exclude)), code, look_up))

    def subsumes(self, general: str, special: str) -> bool:
        async def look_up(pairs: Collection[Any]) -> Mapping[Any, Any]:
            return {pair: await self._system.subsumes(*pair) for pair in pairs}

        return bool(self._ask("subsumes", (general, special), look_up))

    def related(self, code: str, direction: Literal["above", "below"]) -> list[str]:
        async def look_up(codes: Collection[Any]) -> Mapping[Any, Any]:
            return {one: await self._system.related(one, direction) for one in codes}

        found: list[str] = self._ask(("related", direction), code, look_up)
        return found

    def select(
        self,
        include: Sequence[Selection],
        exclude: Sequence[Selection],
        *,
        text: str = "",
        active_only: bool = False,
        offset: int = 0,
        count: int,
    ) -> Page:
        async def look_up(_: Collection[Any]) -> Mapping[Any, Any]:
            page = await self._system.select(
                include, exclude, text=text, active_only=active_only, offset=offset, count=count
            )
            return {None: page}

        group = "select", tuple(include), tuple(exclude), text, active_only, offset, count
        page: Page = self._ask(group, None, look_up)
        return page

    def _ask(self, group: Any, item: Any, look_up: Any) -> Any:
        return self._desk.ask((self.url, self.version, group), item, look_up)


AnySystem: TypeAlias = System | Grammar | Large


class Library:
    def __init__(
        self,
        stock: Stock,
        desk: Desk | None = None,
        *,
        large: LargeSystems | None = None,
        versions: Versions = ANY,
        given: Iterable[Tree] = (),
        patience: Patience | None = None,
    ) -> None:
        """`given`: resources that came with the question, known before all others. `patience`: from now on."""
        self.stock = stock
        self.desk = desk or Desk()
        self.versions = versions
        self.patience = patience or Patience()
        self._large = large
        self._given = {(one.get("resourceType", ""), one["url"]): one for one in given if one.get("url")}
        self._systems: dict[str, AnySystem | None] = {}
        self._at_hand: dict[str, System | None] = {}

    def find(self, kind: str, canonical: str) -> Tree | None:
        """A definition; None when it is not known."""
        own = self._given_as(kind, canonical)
        return self.stock.find(kind, canonical) if own is None else own

    def value_set(self, canonical: str) -> Tree:
        """Raises `UnknownDefinition`, and `NotExpandable` for an implicit one that cannot be read."""
        found = self.find("ValueSet", canonical)
        if found is not None:
            return found
        url, _, version = canonical.partition("|")
        made = implicit(url)
        if made is None and (system := self.stock.whole(url)) is not None and version in {"", system[1]}:
            made = of_system(url, *system)
        if made is None:
            raise UnknownDefinition("value set", canonical)
        return made

    def system(self, url: str, version: str = "") -> AnySystem | None:
        """A code system as far as it is known; None: nobody knows it, or not in this version."""
        canonical = f"{url}|{version}" if version else url
        if canonical not in self._systems:
            self._systems[canonical] = self._system(url, canonical)
        return self._systems[canonical]

    def _system(self, url: str, canonical: str) -> AnySystem | None:
        if url in GRAMMARS:
            return GRAMMARS[url]
        found = self._near(url, canonical)
        if found is not None and found.complete:
            return found
        large = self._opened(canonical)
        return found if large is None else large

    def near(self, url: str, version: str = "") -> System | None:
        """A code system at hand, without a look into the database for a large one."""
        return self._near(url, f"{url}|{version}" if version else url)

    def _near(self, url: str, canonical: str) -> System | None:
        if canonical in self._at_hand:
            return self._at_hand[canonical]
        own = self._given_as("CodeSystem", canonical)
        if own is not None and own.get("content") != "supplement":
            found: System | None = System(own, self.stock.supplements(url, own.get("version", "")))
        else:
            found = self.stock.system(canonical)
        self._at_hand[canonical] = found
        return found

    def _given_as(self, kind: str, canonical: str) -> Tree | None:
        url, _, version = canonical.partition("|")
        given = self._given.get((kind, url))
        return given if given is not None and version in {"", given.get("version", "")} else None

    def _opened(self, canonical: str) -> Large | None:
        large = self._large
        if large is None:
            return None

        async def look_up(canonicals: Collection[Any]) -> Mapping[Any, Any]:
            return {one: await large.open(*one.partition("|")[::2]) for one in canonicals}

        opened: LargeSystem | None = self.desk.ask("large", canonical, look_up)
        return None if opened is None else Large(opened, self.desk)
