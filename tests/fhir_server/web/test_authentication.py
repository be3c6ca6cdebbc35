"""Tokens over a real Pro Santé Connect of loopback: who is let in, who is not, and in which words."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson
import pytest
from joserfc.jwk import OKPKey

from fhir_server.access import own_tokens
from fhir_server.access.caller import ANYONE, Caller
from fhir_server.access.identity import Identifier
from fhir_server.kernel.errors import FhirError, Forbidden, Unauthenticated, Unavailable
from fhir_server.kernel.keys import Key
from fhir_server.settings import AuthSettings
from fhir_server.web import jwks
from fhir_server.web.authentication import Authentication
from tests.simulators.psc import (
    CLIENT_ID,
    CLIENT_SECRET,
    NURSE,
    SOFTWARE,
    Simulator,
    activity,
    exercise,
    new_key,
    served,
    signed_with_the_public_key,
    unsigned,
    userinfo,
)

SECOND = 1_000_000
IDNPS = "urn:oid:1.2.250.1.71.4.2.1"
IDNST = "urn:oid:1.2.250.1.71.4.2.2"
FINESS = "https://finess.esante.gouv.fr"
R85 = "https://mos.esante.gouv.fr/NOS/TRE_R85-RolePriseCharge/FHIR/TRE-R85-RolePriseCharge"

NURSE_KEY = Key("Practitioner", "nurse")
ROLE_KEY = Key("PractitionerRole", "nurse-at-ssiad")
SSIAD = Key("Organization", "ssiad")
GROUP = Key("Organization", "group")

TWO = userinfo(
    "899700000038",
    exercise("60", activity("R10000000000021"), activity("R10000000000038", finess="750000038")),
)


class People:
    """A directory and accounts in dictionaries; it counts the questions."""

    def __init__(self) -> None:
        self.asked: list[tuple[Identifier, ...]] = []
        self.codes: tuple[Identifier, ...] = ()
        self.accounts: dict[str, Key] = {"citizen-1": Key("Patient", "payet")}

    async def actors_of(self, identifiers: Sequence[Identifier]) -> tuple[Key, ...]:
        self.asked.append(tuple(identifiers))
        nurse = (IDNPS, "899700000021") in identifiers
        doctor = (IDNPS, "899700000045") in identifiers
        ssiad = (IDNST, "R10000000000021") in identifiers
        return (
            *([ROLE_KEY] if nurse and ssiad else []),
            *([NURSE_KEY] if nurse else []),
            *([Key("Practitioner", "doctor")] if doctor else []),
            *([SSIAD, GROUP] if ssiad else []),
        )

    async def codes_of(self, actors: Sequence[Key]) -> tuple[Identifier, ...]:
        return self.codes if ROLE_KEY in actors else ()

    async def account(self, issuer: str, subject: str) -> Key | None:
        return self.accounts.get(subject)


class Own:
    """Our own tokens, with one key."""

    def __init__(self) -> None:
        self.key: OKPKey = own_tokens.key_of(own_tokens.new_key()[1])

    async def verified(self, token: str, *, issuer: str, now: int, demo: bool = False) -> tuple[Caller, str]:
        return own_tokens.verified(token, {str(self.key.kid): self.key}, issuer=issuer, now=now, demo=demo)


@pytest.fixture(scope="module")
def listening() -> Iterator[Simulator]:
    with served(Simulator()) as simulator:
        yield simulator


@pytest.fixture
def psc(listening: Simulator) -> Simulator:
    """The simulator with every switch where it was."""
    fresh = Simulator(base=listening.base, keys=[listening.keys[0]])
    listening.__dict__.update(fresh.__dict__)
    return listening


@pytest.fixture
def people() -> People:
    return People()


def psc_issuer(psc: Simulator, **changed: Any) -> dict[str, Any]:
    return {
        "issuer": psc.issuer,
        "kind": "psc",
        "jwks_url": psc.url("certs"),
        "introspection_url": psc.url("token/introspect"),
        "userinfo_url": psc.url("userinfo"),
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "azp": [SOFTWARE],
        **changed,
    }


def oidc_issuer(psc: Simulator, **changed: Any) -> dict[str, Any]:
    return {
        "issuer": psc.issuer,
        "kind": "oidc",
        "jwks_url": psc.url("certs"),
        "audience": ["https://fhir.example/fhir"],
        "scopes": "ignored",
        **changed,
    }


Make = Callable[..., Authentication]


@pytest.fixture
async def make(people: People) -> AsyncIterator[Make]:
    """Makes an Authentication of issuers and settings, which is closed after the test."""
    made: list[Authentication] = []

    def build(*issuers: dict[str, Any], own: Own | None = None, **settings: Any) -> Authentication:
        options = AuthSettings.model_validate({"mode": "tokens", "issuers": issuers, **settings})
        built = Authentication(options, people, people, own=own, own_issuer="urn:cordee" if own else "")
        made.append(built)
        return built

    yield build
    for one in made:
        await one.aclose()


def now() -> int:
    return round(time.time() * SECOND)


def bearing(token: str, **headers: str) -> dict[bytes, bytes]:
    named = {name.replace("_", "-").encode(): value.encode() for name, value in headers.items()}
    return {b"authorization": f"Bearer {token}".encode(), **named}


async def refusal(door: Authentication, headers: dict[bytes, bytes], **options: Any) -> FhirError:
    with pytest.raises(FhirError) as raised:
        await door.caller_of(headers, now(), **options)
    return raised.value


async def test_without_authentication_everybody_is_anyone(make: Make) -> None:
    door = make(mode="none")

    assert await door.caller_of(bearing("whatever"), now()) is ANYONE


@pytest.mark.parametrize("form", ["json", "jws"])
async def test_a_professional_of_pro_sante_connect_is_found_in_the_directory(
    psc: Simulator, make: Make, form: Any
) -> None:
    psc.userinfo_as = form
    door = make(psc_issuer(psc))
    token = psc.token()

    caller = await door.caller_of(bearing(token), now())

    assert caller.kind == "professional"
    assert caller.roles == ("infirmier",)
    assert caller.actors == (ROLE_KEY, NURSE_KEY, SSIAD, GROUP, Key("class", "infirmier"))
    assert caller.organisation == SSIAD
    assert (caller.issuer, caller.client, caller.level) == (psc.issuer, SOFTWARE, "eidas1")
    assert caller.subject == NURSE["sub"]
    assert caller.grants is None


async def test_the_directory_adds_the_roles_of_the_practice(
    psc: Simulator, make: Make, people: People
) -> None:
    people.codes = ((R85, "330"),)
    door = make(psc_issuer(psc))

    caller = await door.caller_of(bearing(psc.token()), now())

    assert caller.roles == ("coordonnateur", "infirmier")


def tokens_that_are_refused(psc: Simulator) -> dict[str, tuple[str, str]]:
    """By what is wrong: a token, and words of the refusal."""
    stranger = new_key(str(psc.keys[0].kid))
    past, soon = int(time.time()) - 61, int(time.time()) + 90
    good = psc.token()
    head, body, signature = good.split(".")
    cut = signature[:-2] + ("AA" if not signature.endswith("AA") else "BB")
    return {
        "azp": (psc.token(azp="another"), "client that is not accepted"),
        "no azp": (psc.token(azp=None), "client that is not accepted"),
        "issuer": (psc.token(iss="https://elsewhere.example"), "no issuer that is known"),
        "no issuer": (psc.token(iss=None), "no issuer that is known"),
        "signature": (f"{head}.{body}.{cut}", "signature of the token is wrong"),
        "another key of the same name": (psc.token(key=stranger), "signature of the token is wrong"),
        "no signature": (f"{head}.{body}.", "signature of the token is wrong"),
        "alg none": (unsigned(psc.claims()), "algorithm that is not accepted"),
        "HS256 with the public key": (
            signed_with_the_public_key(psc.claims(), psc.keys[0]),
            "algorithm that is not accepted",
        ),
        "expired": (psc.token(exp=past), "has expired"),
        "no end": (psc.token(exp=None), "does not say when"),
        "an end that is no time": (psc.token(exp="tomorrow"), "is not a time"),
        "of the future (nbf)": (psc.token(nbf=soon), "not valid yet"),
        "of the future (iat)": (psc.token(iat=soon, exp=soon + 60), "not valid yet"),
        "unknown kid": (psc.token(key=new_key("key-99")), "key that its issuer does not have"),
        "an ID token": (psc.token(typ="ID"), "not an access token"),
        "another type": (psc.token(header={"typ": "logout+jwt"}), "not an access token"),
        "bound to a key of its own": (psc.token(cnf={"jkt": "x"}), "proof is not taken"),
        "opaque": (psc.opaque(), "no issuer that is known"),
        "no token at all": ("a b", "does not hold one bearer token"),
        "two tokens": (f"{good}, Bearer {good}", "does not hold one bearer token"),
    }


async def test_tokens_that_are_not_right_are_refused_with_a_challenge(psc: Simulator, make: Make) -> None:
    door = make(psc_issuer(psc))

    for wrong, (token, words) in tokens_that_are_refused(psc).items():
        error = await refusal(door, bearing(token))

        assert isinstance(error, Unauthenticated), wrong
        assert words in str(error), wrong
        assert error.challenge.startswith('Bearer realm="fhir", error="invalid_token", error_desc'), wrong
        assert error.issues[0].french, wrong
        assert token not in repr(error.issues), wrong


async def test_what_is_forged_never_reaches_pro_sante_connect(psc: Simulator, make: Make) -> None:
    door = make(psc_issuer(psc))

    for wrong, (token, _) in tokens_that_are_refused(psc).items():
        if wrong != "bound to a key of its own":
            await refusal(door, bearing(token))

    assert psc.asked["token/introspect"] == psc.asked["userinfo"] == 0


@pytest.mark.parametrize("headers", [{}, {b"authorization": b"Basic eDp5"}, {b"authorization": b"Bearer"}])
async def test_without_a_token_the_challenge_names_no_error(
    psc: Simulator, make: Make, headers: dict[bytes, bytes]
) -> None:
    error = await refusal(make(psc_issuer(psc)), headers)

    assert isinstance(error, Unauthenticated)
    assert error.challenge == 'Bearer realm="fhir"'


async def test_the_audience_of_a_token_must_be_this_server(psc: Simulator, make: Make) -> None:
    door = make(oidc_issuer(psc))

    for audience in (None, "account", ["account", "elsewhere"]):
        error = await refusal(door, bearing(psc.token(aud=audience)))
        assert isinstance(error, Unauthenticated)
        assert "another audience" in str(error)
    caller = await door.caller_of(bearing(psc.token(aud=["account", "https://fhir.example/fhir"])), now())
    assert caller.kind == "professional"


@pytest.mark.parametrize(
    ("acr", "least", "let_in"),
    [
        ("eidas1", "eidas1", True),
        ("eidas2", "eidas1", True),  # a card: strict clients break here
        ("eidas1", "eidas2", False),
        ("eidas3", "eidas2", True),
        (None, "eidas1", False),
        ("gold", "eidas1", False),
        (None, "none", True),
        ("gold", "none", True),
    ],
)
async def test_a_level_too_low_or_not_known_is_403(
    psc: Simulator, make: Make, acr: str | None, least: str, *, let_in: bool
) -> None:
    door = make(psc_issuer(psc, minimum_level=least))
    headers = bearing(psc.token(acr=acr))

    if let_in:
        assert (await door.caller_of(headers, now())).kind == "professional"
    else:
        error = await refusal(door, headers)
        assert isinstance(error, Forbidden)
        assert "level of authentication" in str(error)


async def test_an_issuer_may_have_names_of_its_own_for_levels(psc: Simulator, make: Make) -> None:
    door = make(psc_issuer(psc, minimum_level="eidas2", levels={"gold": "eidas2", "2": "eidas2"}))

    assert (await door.caller_of(bearing(psc.token(acr="gold")), now())).level == "eidas2"
    assert (await door.caller_of(bearing(psc.token(acr=2)), now())).level == "eidas2"


async def test_of_several_practices_one_must_be_named(psc: Simulator, make: Make) -> None:
    door = make(psc_issuer(psc))
    token = psc.token(TWO)

    error = await refusal(door, bearing(token))

    assert isinstance(error, Forbidden)
    assert [issue.text for issue in error.issues[1:]] == [
        "X-Cordee-Practice: 60-R10000000000021",
        "X-Cordee-Practice: 60-R10000000000038",
    ]


@pytest.mark.parametrize(
    ("named", "organisation"),
    [
        ("60-R10000000000021", SSIAD),
        ("R10000000000021", SSIAD),
        ("60-R10000000000038", None),  # not in the directory
        ("R10000000000038", None),
        ("750000038", None),  # FINESS
    ],
)
async def test_the_practice_that_is_named_is_the_one_acted_for(
    psc: Simulator, make: Make, people: People, named: str, organisation: Key | None
) -> None:
    door = make(psc_issuer(psc))

    caller = await door.caller_of(bearing(psc.token(TWO), x_cordee_practice=named), now())

    assert caller.organisation == organisation
    assert named.removeprefix("60-") in {value for _, value in people.asked[-1]}


async def test_a_practice_of_somebody_else_is_403_and_asks_pro_sante_connect_once(
    psc: Simulator, make: Make
) -> None:
    door = make(psc_issuer(psc))
    token = psc.token(TWO)

    for named in ("60-R10000000000099", "R10000000000099", "60"):
        assert isinstance(await refusal(door, bearing(token, x_cordee_practice=named)), Forbidden)

    assert psc.asked["token/introspect"] == 1


async def test_a_token_is_asked_about_once_by_many_requests_at_a_time(psc: Simulator, make: Make) -> None:
    door = make(psc_issuer(psc))
    headers = bearing(psc.token())

    callers = await asyncio.gather(*(door.caller_of(headers, now()) for _ in range(20)))

    assert {caller.actors[0] for caller in callers} == {ROLE_KEY}
    assert psc.asked == {"certs": 1, "token/introspect": 1, "userinfo": 1}


async def test_a_request_that_goes_away_does_not_take_the_answer_from_others(
    psc: Simulator, make: Make
) -> None:
    psc.slow_seconds = 0.1
    door = make(psc_issuer(psc))
    headers = bearing(psc.token())
    first = asyncio.create_task(door.caller_of(headers, now()))
    await asyncio.sleep(0.05)
    second = asyncio.create_task(door.caller_of(headers, now()))
    await asyncio.sleep(0.05)

    first.cancel()

    assert (await second).kind == "professional"
    assert psc.asked["token/introspect"] == 1


async def test_a_token_is_believed_for_a_while_and_then_asked_about_again(psc: Simulator, make: Make) -> None:
    door = make(psc_issuer(psc), cache_seconds=10)
    token = psc.token()
    start = now()
    await door.caller_of(bearing(token), start)
    psc.revoked.add(token)

    assert (await door.caller_of(bearing(token), start + 9 * SECOND)).kind == "professional"
    with pytest.raises(Unauthenticated, match="not active"):
        await door.caller_of(bearing(token), start + 10 * SECOND)


async def test_a_token_is_never_believed_longer_than_it_lives(psc: Simulator, make: Make) -> None:
    door = make(psc_issuer(psc), cache_seconds=600, skew_seconds=0)
    start = now()
    token = psc.token(exp=start // SECOND + 20)
    await door.caller_of(bearing(token), start)

    with pytest.raises(Unauthenticated, match="expired"):
        await door.caller_of(bearing(token), start + 20 * SECOND)


async def test_a_revoked_token_is_refused_and_pro_sante_connect_not_asked_each_time(
    psc: Simulator, make: Make
) -> None:
    door = make(psc_issuer(psc))
    token = psc.token()
    psc.revoked.add(token)

    for _ in range(3):
        error = await refusal(door, bearing(token))
        assert isinstance(error, Unauthenticated)
        assert "not active" in str(error)

    assert psc.asked["token/introspect"] == 1


async def test_forgetting_makes_the_directory_asked_again(psc: Simulator, make: Make, people: People) -> None:
    door = make(psc_issuer(psc))
    headers = bearing(psc.token())
    await door.caller_of(headers, now())

    door.forget()
    await door.caller_of(headers, now())

    assert len(people.asked) == 2


async def test_no_token_is_kept_or_logged(
    psc: Simulator, make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    door = make(psc_issuer(psc))
    token = psc.token()
    await door.caller_of(bearing(token), now())
    psc.broken["userinfo"] = 500
    await refusal(door, bearing(psc.token()))

    kept = door._sessions._by_digest
    assert list(kept) == [sha256(bearing(token)[b"authorization"]).digest()]
    assert token not in repr(kept)
    ours = "".join(record.getMessage() for record in caplog.records)
    assert token not in ours
    assert CLIENT_SECRET not in ours


@pytest.mark.parametrize("path", ["certs", "token/introspect", "userinfo"])
@pytest.mark.parametrize("status", [500, 503, 429, 302, 404])
async def test_an_issuer_that_does_not_answer_as_it_should_is_503(
    psc: Simulator, make: Make, path: str, status: int
) -> None:
    psc.broken[path] = status
    door = make(psc_issuer(psc))

    error = await refusal(door, bearing(psc.token()))

    assert isinstance(error, Unavailable)


async def test_an_issuer_that_is_slow_or_away_is_503(psc: Simulator, make: Make) -> None:
    psc.slow_seconds = 1
    slow = make(psc_issuer(psc), timeout_seconds=0.1)
    away = make(psc_issuer(psc, jwks_url="http://127.0.0.1:9/certs"))

    for door in (slow, away):
        assert isinstance(await refusal(door, bearing(psc.token())), Unavailable)
    psc.slow_seconds = 0


async def test_a_secret_that_pro_sante_connect_does_not_know_is_503_and_our_own_fault(
    psc: Simulator, make: Make
) -> None:
    door = make(psc_issuer(psc, client_secret="wrong"))

    assert isinstance(await refusal(door, bearing(psc.token())), Unavailable)


async def test_the_secret_may_be_in_a_file(psc: Simulator, make: Make, tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text(CLIENT_SECRET + "\n")
    door = make(psc_issuer(psc, client_secret="", client_secret_file=str(file)))

    assert (await door.caller_of(bearing(psc.token()), now())).kind == "professional"


async def test_a_token_may_be_opaque_where_that_is_configured(psc: Simulator, make: Make) -> None:
    door = make(psc_issuer(psc, opaque=True))

    assert (await door.caller_of(bearing(psc.opaque()), now())).actors[0] == ROLE_KEY
    error = await refusal(door, bearing("invented"))
    assert isinstance(error, Unauthenticated)


@pytest.mark.parametrize(
    ("introspected", "words"),
    [
        ({"azp": "another"}, "client that is not accepted"),
        ({"exp": 1}, "expired"),
        ({"typ": "ID"}, "not an access token"),
        ({"SubjectNameID": "899700000099"}, "somebody else"),
        ({"active": False}, "not active"),
        ({"active": "true"}, "not active"),
    ],
)
async def test_what_introspection_says_counts(
    psc: Simulator, make: Make, introspected: dict[str, Any], words: str
) -> None:
    psc.introspection = introspected
    error = await refusal(make(psc_issuer(psc)), bearing(psc.token()))

    assert isinstance(error, Unauthenticated)
    assert words in str(error)


@pytest.mark.parametrize(
    ("claims", "refused"),
    [
        ({"iss": "https://elsewhere.example"}, Unavailable),
        ({"aud": "another"}, Unavailable),
        ({"aud": ["another", CLIENT_ID]}, None),
        ({"exp": 1}, Unauthenticated),
        ({"exp": 4_000_000_000}, None),
        ({"sub": "another"}, Unauthenticated),
    ],
)
async def test_a_signed_userinfo_is_of_the_issuer_for_us_and_in_time(
    psc: Simulator, make: Make, claims: dict[str, Any], refused: type[FhirError] | None
) -> None:
    psc.userinfo_as, psc.userinfo_claims = "jws", claims
    door = make(psc_issuer(psc))

    if refused is None:
        assert (await door.caller_of(bearing(psc.token()), now())).kind == "professional"
    else:
        assert isinstance(await refusal(door, bearing(psc.token())), refused)


@pytest.mark.parametrize("path", ["certs", "token/introspect", "userinfo"])
@pytest.mark.parametrize("body", [b"<html>", b"[]", b"x" * 1_000_001])
async def test_an_answer_that_cannot_be_read_is_503(
    psc: Simulator, make: Make, path: str, body: bytes
) -> None:
    psc.garbage[path] = body

    assert isinstance(await refusal(make(psc_issuer(psc)), bearing(psc.token())), Unavailable)


async def test_a_token_that_userinfo_refuses_is_not_active(psc: Simulator, make: Make) -> None:
    psc.broken["userinfo"] = 401

    error = await refusal(make(psc_issuer(psc)), bearing(psc.token()))

    assert "not active" in str(error)


async def test_introspection_of_another_token_is_503(psc: Simulator, make: Make) -> None:
    psc.introspection = {"sub": "another"}

    assert isinstance(await refusal(make(psc_issuer(psc)), bearing(psc.token())), Unavailable)


def test_an_empty_secret_is_refused_when_the_server_starts(
    psc: Simulator, make: Make, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text("\n")

    with pytest.raises(ValueError, match="empty"):
        make(psc_issuer(psc, client_secret="", client_secret_file=str(tmp_path / "secret")))


async def test_a_userinfo_that_somebody_else_signed_is_refused(psc: Simulator, make: Make) -> None:
    psc.userinfo_as = "jws"
    psc.userinfo_key = new_key(str(psc.keys[0].kid))

    error = await refusal(make(psc_issuer(psc)), bearing(psc.token()))

    assert isinstance(error, Unauthenticated)


async def test_a_key_that_was_just_made_is_fetched(
    psc: Simulator, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jwks, "PAUSE_SECONDS", 0.0)
    door = make(psc_issuer(psc))
    await door.caller_of(bearing(psc.token()), now())
    psc.rotate()

    caller = await door.caller_of(bearing(psc.token()), now())

    assert caller.kind == "professional"
    assert psc.asked["certs"] == 2


async def test_invented_kids_cause_one_fetch_in_a_while(psc: Simulator, make: Make) -> None:
    door = make(psc_issuer(psc))
    forged = [psc.token(key=new_key(f"key-{place}", "EC")) for place in range(5)]

    for token in forged:
        assert isinstance(await refusal(door, bearing(token)), Unauthenticated)

    assert psc.asked["certs"] == 1


@pytest.mark.parametrize(
    ("ahead", "let_in"), [(0, True), (50, True), (70, False), (-170, True), (-190, False)]
)
async def test_the_clock_of_an_issuer_may_differ_a_little(
    psc: Simulator, make: Make, ahead: float, *, let_in: bool
) -> None:
    psc.clock_seconds = ahead  # tokens live 120 s, and 60 s are forgiven
    door = make(psc_issuer(psc))
    headers = bearing(psc.token())

    if let_in:
        assert (await door.caller_of(headers, now())).kind == "professional"
    else:
        assert isinstance(await refusal(door, headers), Unauthenticated)


async def test_a_token_bound_to_a_certificate_is_worth_nothing_without_it(psc: Simulator, make: Make) -> None:
    door = make(psc_issuer(psc), certificate_header="X-Client-Cert")
    shown, other = "ab" * 32, "cd" * 32
    thumbprint = "q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s"
    token = psc.token(cnf={"x5t#S256": thumbprint})

    caller = await door.caller_of(bearing(token, x_client_cert=shown), now(), proxied=True)

    assert caller.kind == "professional"
    for headers, proxied in [
        (bearing(token), True),
        (bearing(token, x_client_cert=other), True),
        (bearing(token, x_client_cert=shown), False),  # anybody can send a header
        (bearing(token, x_client_cert=f"{shown}, {other}"), True),
    ]:
        error = await refusal(door, headers, proxied=proxied)
        assert isinstance(error, Unauthenticated)


async def test_only_bound_tokens_pass_where_that_is_configured(psc: Simulator, make: Make) -> None:
    door = make(psc_issuer(psc, certificate_bound=True))

    assert isinstance(await refusal(door, bearing(psc.token())), Unauthenticated)


async def test_a_secretary_has_the_role_of_one_and_the_ties_of_both(psc: Simulator, make: Make) -> None:
    door = make(oidc_issuer(psc, claims={"delegator": "act_for"}))
    told: dict[str, Any] = {"aud": "https://fhir.example/fhir", "SubjectRole": "60^1.2.250.1.213.1.1.5.5"}

    caller = await door.caller_of(bearing(psc.token(act_for="899700000045", **told)), now())

    assert caller.roles == ("secretariat",)
    assert caller.delegator == Key("Practitioner", "doctor")
    assert caller.actors == (NURSE_KEY, Key("Practitioner", "doctor"), Key("class", "secretariat"))
    unknown = await refusal(door, bearing(psc.token(act_for="899700000099", **told)))
    assert isinstance(unknown, Forbidden)


async def test_a_citizen_is_whom_their_account_is_bound_to_or_nobody_yet(
    psc: Simulator, make: Make, people: People
) -> None:
    door = make(oidc_issuer(psc, callers=["citizen"]))
    people.accounts["citizen-2"] = Key("RelatedPerson", "daughter")
    audience = "https://fhir.example/fhir"

    person = await door.caller_of(bearing(psc.token(sub="citizen-1", aud=audience)), now())
    carer = await door.caller_of(bearing(psc.token(sub="citizen-2", aud=audience)), now())
    stranger = await door.caller_of(bearing(psc.token(sub="citizen-3", aud=audience)), now())

    assert (person.kind, person.roles, person.actors) == (
        "citizen",
        ("personne",),
        (Key("Patient", "payet"),),
    )
    assert carer.roles == ("aidant", "personne-confiance", "representant-legal")
    assert (stranger.kind, stranger.roles, stranger.actors) == ("citizen", (), ())


async def test_keys_may_be_in_a_file_that_is_read_again(
    psc: Simulator, make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jwks, "PAUSE_SECONDS", 0.0)
    file = tmp_path / "keys.json"
    door = make(oidc_issuer(psc, jwks_url="", jwks_file=str(file)))
    headers = bearing(psc.token(aud="https://fhir.example/fhir"))

    missing = await refusal(door, headers)
    file.write_bytes(orjson.dumps({"keys": [psc.keys[0].as_dict(private=False)]}))
    found = await door.caller_of(headers, now())

    assert isinstance(missing, Unavailable)
    assert found.kind == "professional"


async def test_a_token_of_our_own_is_its_caller(make: Make) -> None:
    own = Own()
    door = make(own=own)
    system = Caller(
        "system", subject="dui", client="dui", roles=("infirmier",), actors=(SSIAD,), organisation=SSIAD
    )
    token = own_tokens.signed(system, "system/*.rs", own.key, issuer="urn:cordee", now=now())

    caller = await door.caller_of(bearing(token), now())

    assert (caller.kind, caller.client, caller.organisation) == ("system", "dui", SSIAD)
    assert caller.grants is not None


async def test_a_token_of_our_own_may_be_limited_to_clients_and_levels(make: Make) -> None:
    own = Own()
    entry = {"issuer": "urn:cordee", "kind": "smart", "azp": ["dui"], "minimum_level": "eidas2"}
    door = make(entry, own=own)

    def issued(caller: Caller) -> dict[bytes, bytes]:
        return bearing(own_tokens.signed(caller, "user/*.rs", own.key, issuer="urn:cordee", now=now()))

    other = await refusal(door, issued(Caller("system", client="other")))
    low = await refusal(door, issued(Caller("professional", client="dui", level="eidas1")))

    assert isinstance(other, Unauthenticated)
    assert isinstance(low, Forbidden)
    assert (await door.caller_of(issued(Caller("system", client="dui")), now())).kind == "system"


async def test_a_forged_token_of_our_own_is_refused(make: Make) -> None:
    own, stranger = Own(), Own()
    door = make(own=own)
    token = own_tokens.signed(Caller("operator"), "system/*.*", stranger.key, issuer="urn:cordee", now=now())

    assert isinstance(await refusal(door, bearing(token)), Unauthenticated)


async def test_the_cache_is_bounded(psc: Simulator, make: Make) -> None:
    door = make(psc_issuer(psc), cache_entries=3)

    for _ in range(5):
        await door.caller_of(bearing(psc.token()), now())

    assert len(door._sessions) == 3
