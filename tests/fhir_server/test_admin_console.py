"""`cordee admin` and `cordee token`, as far as a person sees them."""

from __future__ import annotations

import asyncio
import signal
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from joserfc.jwk import ECKey

from fhir_server.__main__ import main
from fhir_server.access import own_tokens
from fhir_server.access.assertions import usable
from fhir_server.access.invitations import digest_of
from fhir_server.app import opened
from fhir_server.demo import dossier
from fhir_server.demo.cast import CAST
from fhir_server.interactions.call import Action, Call
from fhir_server.kernel.errors import Unauthenticated
from fhir_server.kernel.keys import Key
from fhir_server.kernel.times import now
from fhir_server.settings import DatabaseSettings, Settings
from fhir_server.store import registrations
from fhir_server.store.migrations.migrate import migrate
from tests.databases import Databases

Cordee = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def template(databases: Databases, migrated: str) -> Iterator[str]:
    """A database with the demonstration dossier; each test works on a copy."""
    url = databases.create(migrated)

    async def load() -> None:
        async with opened(Settings(database=DatabaseSettings(url=url))) as engine:
            await engine.perform(Call(Action.BUNDLE, body=dossier()))

    asyncio.run(load())
    yield url
    databases.drop(url)


@pytest.fixture
def url(databases: Databases, template: str) -> Iterator[str]:
    url = databases.create(template)
    yield url
    databases.drop(url)


@pytest.fixture
def cordee(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], url: str) -> Iterator[Cordee]:
    """Runs `cordee …` on a database; the exit code, standard output, and what was said beside."""
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("CORDEE_DATABASE__URL", url)
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}

    def run(*arguments: str | Path) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["cordee", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        output = capsys.readouterr()
        return int(ended.value.code or 0), output.out, output.err

    yield run
    for number, handler in handlers.items():
        signal.signal(number, handler)


def jwks(folder: Path, kid: str = "one", *, private: bool = False) -> Path:
    key = ECKey.generate_key("P-384", parameters={"kid": kid})
    path = folder / f"{kid}.json"
    path.write_bytes(orjson.dumps({"keys": [key.as_dict(private=private)]}))
    return path


def test_the_first_step_makes_the_key_that_signs_and_a_second_one_changes_nothing(
    cordee: Cordee, url: str
) -> None:
    assert cordee("admin", "init")[0] == 0
    first = registrations.signing_key(url, now())

    assert cordee("admin", "init")[0] == 0

    assert first is not None
    assert registrations.signing_key(url, now()) == first


def test_another_key_may_leave_what_was_signed_good_or_not(cordee: Cordee, url: str) -> None:
    cordee("admin", "init")
    first = registrations.signing_key(url, now())

    cordee("admin", "init", "--rotate")
    second = registrations.signing_key(url, now())
    cordee("admin", "init", "--distrust")
    third = registrations.signing_key(url, now())

    assert len({one.kid for one in (first, second, third) if one is not None}) == 3


def test_a_client_is_added_given_other_keys_listed_and_revoked(
    cordee: Cordee, url: str, tmp_path: Path
) -> None:
    code, _, text = cordee(
        "admin", "client", "add", "dui", "--organisation", "Organization/ehpad-les-tilleuls",
        "--role", "infirmier", "--role", "aide-soignant", "--purpose", "TREAT", "--type", "Observation",
        "--scope", "system/Observation.read", "--jwks", jwks(tmp_path),
    )  # fmt: skip
    assert (code, "dui may ask for tokens" in text) == (0, True)
    (one,) = registrations.clients(url, now())
    assert one.client.organisation == Key("Organization", "ehpad-les-tilleuls")
    assert one.client.roles == ("aide-soignant", "infirmier")
    assert (one.client.scopes, one.client.types) == ("system/Observation.rs", ("Observation",))

    assert cordee("admin", "client", "rotate", "dui", "--jwks", jwks(tmp_path, "two"))[0] == 0
    listed = cordee("admin", "client", "list")[2]
    assert "dui" in listed
    assert "two, one" in listed

    assert (
        cordee("admin", "client", "rotate", "dui", "--jwks", jwks(tmp_path, "three"), "--overlap", "0")[0]
        == 0
    )
    assert "three" in cordee("admin", "client", "list")[2]
    assert "two" not in cordee("admin", "client", "list")[2]

    assert cordee("admin", "client", "revoke", "dui")[0] == 0
    assert "revoked" in cordee("admin", "client", "list")[2]
    assert cordee("admin", "client", "revoke", "dui")[0] == 1


def test_an_organisation_may_be_named_by_its_finess_number(cordee: Cordee, url: str, tmp_path: Path) -> None:
    bundle = orjson.loads(dossier())
    organisation = next(
        entry["resource"]
        for entry in bundle["entry"]
        if entry["resource"].get("id") == "ssiad-des-trois-clochers"
    )
    finess = next(i["value"] for i in organisation["identifier"] if "finess" in i["system"])

    code, _, _ = cordee("admin", "client", "add", "a", "--organisation", finess, "--jwks", jwks(tmp_path))
    unknown, _, text = cordee(
        "admin", "client", "add", "b", "--organisation", "999999999", "--jwks", tmp_path / "one.json"
    )

    assert code == 0
    assert registrations.clients(url, now())[0].client.organisation == Key("Organization", organisation["id"])
    assert unknown == 2
    assert "0 Organizations" in text


def test_a_key_pair_may_be_made_and_nobody_else_can_read_it(cordee: Cordee, url: str, tmp_path: Path) -> None:
    file = tmp_path / "key.jwk"

    code, _, _ = cordee("admin", "client", "add", "essai", "--new-key", file)

    assert code == 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    private = ECKey.import_key(orjson.loads(file.read_bytes()))
    (one,) = registrations.clients(url, now())
    (registered,) = usable({"keys": list(one.client.keys)})
    assert registered["kid"] == orjson.loads(file.read_bytes())["kid"]
    assert registered["x"] == private.as_dict(private=False)["x"]
    assert "d" not in registered


def test_a_key_file_is_never_written_over_and_goes_with_what_failed(cordee: Cordee, tmp_path: Path) -> None:
    file, other = tmp_path / "key.jwk", tmp_path / "other.jwk"
    cordee("admin", "client", "add", "essai", "--new-key", file)
    before = file.read_bytes()

    assert cordee("admin", "client", "add", "autre", "--new-key", file)[0] == 2
    assert cordee("admin", "client", "add", "essai", "--new-key", other)[0] == 1

    assert file.read_bytes() == before
    assert not other.exists()


@pytest.mark.parametrize(
    ("arguments", "code", "reason"),
    [
        (["essai"], 2, "One of --jwks"),
        (["essai", "--jwks", "JWKS", "--jwks-url", "https://keys.example/"], 2, "One of --jwks"),
        (["essai", "--jwks-url", "http://keys.example/"], 2, "https"),
        (["essai", "--jwks", "PRIVATE"], 2, "private"),
        (["essai", "--jwks", "NOTHING"], 2, "cannot be read"),
        (["a b", "--jwks", "JWKS"], 2, "CLIENT"),
        (["essai", "--jwks", "JWKS", "--role", "chef"], 2, "coordonnateur"),
        (["essai", "--jwks", "JWKS", "--role", "medecin-traitant"], 2, "one of"),
        (["essai", "--jwks", "JWKS", "--type", "Dossier"], 2, "no such resource type"),
        (["essai", "--jwks", "JWKS", "--scope", "user/*.rs"], 2, "system/Observation.rs"),
        (["essai", "--jwks", "JWKS", "--scope", "everything"], 2, "system/Observation.rs"),
        (["essai", "--jwks", "JWKS", "--purpose", "because"], 2, "v3-ActReason"),
        (["essai", "--jwks", "JWKS", "--organisation", "Patient/payet"], 2, "Organization/ID"),
        (["essai", "--jwks", "JWKS", "--organisation", "Organization/nowhere"], 1, "is not there"),
    ],
)
def test_a_registration_that_cannot_be_meant_is_refused(
    cordee: Cordee, url: str, tmp_path: Path, arguments: list[str], code: int, reason: str
) -> None:
    files = {
        "JWKS": jwks(tmp_path),
        "PRIVATE": jwks(tmp_path, "private", private=True),
        "NOTHING": tmp_path / "nothing",
    }

    ended, _, text = cordee("admin", "client", "add", *(files.get(one, one) for one in arguments))

    assert ended == code
    assert reason in text
    assert registrations.clients(url, now()) == []


def test_a_citizen_is_bound_listed_and_unbound(cordee: Cordee, url: str) -> None:
    issuer = "https://login.example"

    assert cordee("admin", "account", "bind", issuer, "a", "Patient/payet")[0] == 0
    assert cordee("admin", "account", "bind", issuer, "b", "RelatedPerson/payet-isabelle")[0] == 0
    assert cordee("admin", "account", "bind", issuer, "c", "Patient/payet")[0] == 1
    listed = cordee("admin", "account", "list")[2]
    assert "Patient/payet" in listed
    assert "RelatedPerson/payet-isabelle" in listed
    assert cordee("admin", "account", "unbind", issuer, "a")[0] == 0
    assert cordee("admin", "account", "unbind", issuer, "a")[0] == 1
    assert [one.subject for one in registrations.accounts(url)] == ["b"]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["https://login.example", "a", "Practitioner/helene-auvray"], 2),
        (["https://login.example", "a", "payet"], 2),
        (["https://login.example", "a", "Patient/nobody"], 1),
        (["", "a", "Patient/payet"], 2),
        (["https://login.example", "a" * 600, "Patient/payet"], 2),
    ],
)
def test_an_account_that_is_nobody_s_is_refused(cordee: Cordee, arguments: list[str], code: int) -> None:
    assert cordee("admin", "account", "bind", *arguments)[0] == code


def test_a_citizen_is_invited_listed_and_uninvited(cordee: Cordee, url: str) -> None:
    ended, code, _ = cordee("admin", "account", "invite", "Patient/payet")
    assert ended == 0
    [invitation] = registrations.invitations(url, now())
    assert invitation.digest == digest_of(code)
    assert "Patient/payet" in cordee("admin", "account", "invitations")[2]
    again = cordee("admin", "account", "invite", "Patient/payet", "--days", "1")[1]
    [invitation] = registrations.invitations(url, now())
    assert invitation.digest == digest_of(again)
    assert invitation.until <= now() + 24 * 3600 * 1_000_000
    assert cordee("admin", "account", "invite", "RelatedPerson/payet-isabelle")[0] == 0
    assert cordee("admin", "account", "uninvite", "Patient/payet")[0] == 0
    assert cordee("admin", "account", "uninvite", "Patient/payet")[0] == 1
    assert cordee("admin", "account", "invite", "Patient/nobody")[0] == 1
    assert cordee("admin", "account", "invite", "Practitioner/helene-auvray")[0] == 2


def demo_caller(url: str, token: str, *, demo: bool = True) -> Any:
    key = registrations.signing_key(url, now())
    assert key is not None
    keys = {key.kid: own_tokens.key_of(key.jwk)}
    return own_tokens.verified(token, keys, issuer=own_tokens.issuer_of(""), now=now(), demo=demo)[0]


@pytest.mark.parametrize("one", CAST, ids=lambda one: one.name)
def test_each_of_the_cast_has_a_token_that_names_resources_of_the_dossier(
    cordee: Cordee, url: str, one: Any
) -> None:
    code, out, said = cordee("token", "--as", one.name)

    assert code == 0
    token = out.strip()
    assert "curl" in said
    assert token not in said
    caller = demo_caller(url, token)
    assert (caller.kind, caller.roles) == (one.kind, tuple(sorted(one.roles)))
    for actor in caller.actors:
        if actor.type != own_tokens.CLASS:
            registrations.require_there(url, actor)
    with pytest.raises(Unauthenticated):
        demo_caller(url, token, demo=False)


def test_without_a_name_the_cast_is_listed(cordee: Cordee) -> None:
    code, out, said = cordee("token")

    assert (code, out) == (0, "")
    assert all(one.name in said for one in CAST)


def test_somebody_who_is_not_of_the_cast_has_no_token(cordee: Cordee) -> None:
    code, out, said = cordee("token", "--as", "directeur")

    assert (code, out) == (2, "")
    assert "infirmier" in said


def test_there_is_no_token_for_a_dossier_that_is_not_there(
    cordee: Cordee, make_database_url: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    empty = make_database_url()
    migrate(empty)
    monkeypatch.setenv("CORDEE_DATABASE__URL", empty)

    code, out, said = cordee("token", "--as", "infirmier")

    assert (code, out) == (1, "")
    assert "Patient/payet" in said
