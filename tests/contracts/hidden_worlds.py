"""Worlds of which some is hidden: resources with stamps, persons with ties, and sights of whoever may ask."""

from __future__ import annotations

import random
from dataclasses import replace

from fhir_server.kernel.keys import Key
from fhir_server.search.entries import Entries
from fhir_server.search.query import Name
from fhir_server.search.sight import FOREVER, OPENING, Label, Link, Sight, Stamp, Tie, sees
from fhir_server.search.spans import BEGINNING, END
from fhir_server.search.spans import Span as Dates
from fhir_server.store.contract import ResourceStore
from tests.contracts.writing import Writer

PERSONS = tuple(Key("Patient", f"p{number}") for number in range(4))
ACTORS = tuple(Key("Practitioner", f"a{number}") for number in range(4))
CODE = Name("Observation", "code")
SUBJECT = Name("Observation", "subject")
MEMBER = Name("Observation", "has-member")
DATE = Name("Observation", "date")
CELLS = 5
NOW = 1_000_000
RESTS = (
    *(Label.PARTAGE_SOCIAL, Label.AIDANTS, Label.URGENCE, Label.MASQUE_PS, Label.INVISIBLE_PATIENT),
    *(Label.INTERNE, Label.SENSITIVE, Label.ARCHIVED),
)


class World:
    """Patients, and Observations about one, several or none of them, that point to one another."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.stamps: dict[Key, list[Stamp]] = {}
        self.links: dict[Key, list[Link]] = {}
        self.about: dict[Key, tuple[Key, ...]] = {}
        self.members: dict[Key, Key] = {}
        self.codes: dict[Key, str] = {}
        self.dates: dict[Key, list[Dates]] = {}

    def some(self, keys: tuple[Key, ...], most: int) -> tuple[Key, ...]:
        return tuple(self.random.sample(keys, self.random.randint(0, most)))

    def labels(self) -> int:
        return sum(label for label in RESTS if self.random.random() < 0.15)

    def stamp(self, persons: tuple[Key, ...]) -> Stamp:
        parties = self.some(ACTORS, 2)
        return Stamp(
            self.random.randrange(CELLS),
            self.labels(),
            persons,
            parties,
            parties[:1],
            self.random.choice([None, *ACTORS]),
        )

    def mask(self, share: float = 0.6) -> int:
        return sum(1 << cell for cell in range(1, CELLS) if self.random.random() < share)

    def link(self, person: Key) -> Link:
        denies = self.random.random() < 0.1
        return Link(
            person,
            self.random.choice(ACTORS),
            Tie.DENIAL if denies else self.random.choice([*Tie][:-1]),
            0 if denies else self.mask(0.8),
            0 if denies else self.mask(0.3),
            self.mask(0.2) if denies else 0,
            self.mask(0.2) if denies else 0,
            self.random.choice([0, 0, NOW, NOW + 1]),
            self.random.choice([FOREVER, FOREVER, NOW, NOW + 1]),
            self.random.choice([None, None, self.span(), (BEGINNING, 5), (5, END)]),
        )

    def span(self) -> Dates:
        low = self.random.randrange(10)
        return low, low + self.random.randint(1, 4)

    def sight(self) -> Sight:
        def by_tie(share: float) -> tuple[int, ...]:
            return tuple(self.mask(share) for _ in Tie)

        return Sight(
            self.some(ACTORS, 3),
            by_tie(0.4),
            by_tie(0.4),
            by_tie(0.4),
            by_tie(0.4),
            tuple(self.labels() for _ in Tie),
            tuple(int(OPENING) & self.random.getrandbits(7) for _ in Tie),
            4,
            self.random.choice([1, 1, 3]),
            self.random.choice([0, 4]),
            NOW,
            released=self.some(ACTORS, 1),
        )

    def sees(self, sight: Sight, key: Key, version: int = 0) -> bool:
        """Of an old version, the newest must be seen as well."""
        stamps = self.stamps[key]
        asked = [stamps[-1], stamps[version - 1]] if version else [stamps[-1]]
        return all(
            sees(
                sight,
                one,
                [link for person in one.persons for link in self.links[person]],
                self.dates.get(key, ()),
            )
            for one in asked
        )


class OpenWorld(World):
    """Most of it is seen by whoever is tied to a person."""

    def labels(self) -> int:
        return super().labels() if self.random.random() < 0.1 else 0

    def mask(self, share: float = 1) -> int:
        return super().mask(0.95)

    def link(self, person: Key) -> Link:
        found = super().link(person)
        return found if self.random.random() < 0.2 else replace(found, since=0, until=FOREVER, data=None)


async def filled(store: ResourceStore, world: World | None = None) -> World:
    """A world, written."""
    world, writer = world or World(5), Writer(store)
    hasher = store.hasher

    async def write(key: Key, entries: Entries, persons: tuple[Key, ...]) -> None:
        world.stamps.setdefault(key, []).append(stamp := world.stamp(persons))
        await writer.put(key, replace(entries, stamp=stamp))

    for person in PERSONS:
        world.links[person] = [world.link(person) for _ in range(world.random.randint(0, 4))]
        await write(person, Entries(), (person,))
    for number in range(48):
        key = Key("Observation", f"o{number}")
        persons = world.some(PERSONS, 3) if number % 6 == 0 else (world.random.choice(PERSONS),)
        world.about[key] = persons
        world.codes[key] = code = world.random.choice("xy")
        seed = hasher.seed(CODE.type, CODE.code)
        entries = Entries(tokens=[(hasher.code(seed, code), 0)], present=[seed])
        world.dates[key] = [world.span() for _ in range(world.random.choice([0, 1, 1, 1, 2]))]
        entries.dates += [(hasher.seed(DATE.type, DATE.code), low, high) for low, high in world.dates[key]]
        entries.dates.append((hasher.seed("Observation", "value-date"), 0, 20))  # which dates nothing
        for name, targets in (
            (SUBJECT, persons),
            (MEMBER, (Key("Observation", f"o{number - 1}"),) * bool(number)),
        ):
            link = hasher.seed(name.type, name.code)
            for target in targets:
                entries.tokens.append((hasher.reference(link, hasher.self_of(target)), 0))
                entries.references.append((link, target))
                if name is MEMBER:
                    world.members[key] = target
        for _ in range(1 + (number % 5 == 0)):
            await write(key, entries, persons)
    async with store.begin(interactive=True) as tx:
        for person, links in world.links.items():
            await tx.tie(person, links)
    return world
