"""How much one client or one address may ask, and for how long one that presents bad credentials is not listened to.

A token bucket for each. Each worker counts for itself, so that nothing is written for a request; a limit of the
settings is divided among the workers. Memory is bounded: past `MOST` the one that was seen longest ago is forgotten.
Time is an argument, in seconds on a clock that never goes back.

https://www.rfc-editor.org/rfc/rfc6585#section-4
"""

from __future__ import annotations

from collections import OrderedDict
from functools import lru_cache
from ipaddress import IPv6Address, ip_address
from typing import Final, TypeVar

from fhir_server.kernel.counting import MOST, Buckets, Rate
from fhir_server.kernel.errors import Throttled
from fhir_server.kernel.values import immutable
from fhir_server.settings import LimitSettings

T = TypeVar("T")

_IPV6_NETWORK: Final = 64  # bits: what one subscriber is given, at least


@immutable
class Lockout:
    """After `failures` within `window_seconds` nobody is listened to for `seconds`; `failures` 0: always."""

    failures: int
    window_seconds: float
    seconds: float


class Failures:
    """Bad credentials, by name."""

    def __init__(self, lockout: Lockout, most: int = MOST) -> None:
        self._lockout = lockout
        self._most = most
        self._seen: OrderedDict[str, tuple[int, float]] = OrderedDict()  # how many since when
        self._locked: OrderedDict[str, float] = OrderedDict()  # until when

    def note(self, name: str, now: float) -> None:
        lockout = self._lockout
        if not lockout.failures:
            return
        count, since = self._seen.pop(name, (0, now))
        if now - since > lockout.window_seconds:
            count, since = 0, now
        if count + 1 < lockout.failures:
            _put(self._seen, name, (count + 1, since), self._most)
        else:
            _put(self._locked, name, now + lockout.seconds, self._most)

    def wait(self, name: str, now: float) -> float:
        """Seconds until this name is listened to again; 0: it is now."""
        until = self._locked.get(name)
        if until is None:
            return 0.0
        if until <= now:
            del self._locked[name]
            return 0.0
        return until - now

    def __len__(self) -> int:
        return len(self._seen) + len(self._locked)


class Throttling:
    """What one worker asks before it works for an address or a client, and what it notes of bad credentials."""

    def __init__(self, addresses: Rate, clients: Rate, lockout: Lockout, most: int = MOST) -> None:
        self._addresses = Buckets(addresses, most)
        self._clients = Buckets(clients, most)
        self._failures = Failures(lockout, most)

    def admit(self, address: str, now: float) -> None:
        """A request from an address. Raises `Throttled`."""
        wait = self._addresses.take(place_of(address), now)
        if wait:
            raise Throttled(
                "Too many requests come from this address; try again later",
                french="Trop de requêtes viennent de cette adresse\u202f; réessayez plus tard",
                seconds=wait,
            )

    def admit_client(self, client: str, now: float) -> None:
        """A request of a client that is known by its token. Raises `Throttled`."""
        wait = self._clients.take(client, now)
        if wait:
            raise Throttled(
                "This client sends too many requests; try again later",
                french="Ce logiciel envoie trop de requêtes\u202f; réessayez plus tard",
                seconds=wait,
            )

    def listen(self, address: str, now: float) -> None:
        """Credentials from an address are about to be verified. Raises `Throttled` while nobody listens to it.

        Not asked of a token that was found good before: whoever shares an address with somebody who guesses, as all
        of a hospital may, goes on working.
        """
        wait = self._failures.wait(place_of(address), now)
        if wait:
            raise Throttled(
                "Too many bad credentials came from this address; try again later",
                french="Trop d'identifications erronées viennent de cette adresse\u202f; réessayez plus tard",
                seconds=wait,
            )

    def failed(self, address: str, now: float) -> None:
        """The credentials were bad: not those of anybody. A token that has expired was good once, and does not count.

        Who is behind an address pays, never the client that was named: anybody can name it.
        """
        self._failures.note(place_of(address), now)


def throttling_of(settings: LimitSettings, workers: int) -> Throttling:
    """What each of so many workers asks."""
    return Throttling(
        Rate(settings.address_per_second, settings.address_burst).among(workers),
        Rate(settings.client_per_second, settings.client_burst).among(workers),
        Lockout(settings.failures, settings.failure_seconds, settings.lockout_seconds),
    )


@lru_cache(maxsize=MOST)
def place_of(address: str) -> str:
    """What an address counts as: itself, or the network that one subscriber of IPv6 has."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return address[:64]  # of a Unix socket
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return f"{IPv6Address(int(parsed) >> _IPV6_NETWORK << _IPV6_NETWORK)}/{_IPV6_NETWORK}"
    return str(parsed)


def _put(into: OrderedDict[str, T], name: str, value: T, most: int) -> None:
    into[name] = value
    into.move_to_end(name)
    if len(into) > most:
        into.popitem(last=False)
