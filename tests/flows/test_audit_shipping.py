"""Audit messages on their way to a collector, over the three ways that there are."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import psycopg
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from lxml import etree

from fhir_server.access.audit import trace_of
from fhir_server.access.caller import Caller
from fhir_server.auditing import Collector, Shipping, files_of, observer_of, send_waiting
from fhir_server.interactions.call import Action, Call, Reply
from fhir_server.kernel.keys import Key
from fhir_server.kernel.times import now
from fhir_server.settings import AuditSettings, Settings
from fhir_server.store import audit_seal
from tests.auditing import Auditing, auditing

NURSE = Caller("professional", actors=(Key("PractitionerRole", "ide"),), purpose="TREAT")


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_seal, "LAG_MS", 0)


@pytest.fixture
async def opened(url: str, tmp_path: Path) -> AsyncIterator[Auditing]:
    async with auditing(url, tmp_path) as made:
        yield made


async def fill(opened: Auditing, count: int) -> None:
    for number in range(count):
        key = Key("Observation", str(number))
        call, reply = Call(Action.READ, *key), Reply(200, b"", key, 1)
        await opened.log.write(trace_of(call, reply, NURSE, at=now(), persons=[Key("Patient", "7")]))
    await asyncio.sleep(0.003)
    await opened.sealer.seal()


@contextmanager
def certificate(tmp_path: Path) -> Iterator[tuple[Path, Path]]:
    """Of 127.0.0.1, signed by itself: the file of the certificate and that of its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime.now(UTC) - timedelta(days=1))
        .not_valid_after(datetime.now(UTC) + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    public, private = tmp_path / "public.pem", tmp_path / "private.pem"
    public.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    yield public, private


def frames(data: bytes) -> list[bytes]:
    """RFC 5425: a length, a space, a line."""
    found = []
    while data:
        length, _, data = data.partition(b" ")
        found.append(data[: int(length)])
        data = data[int(length) :]
    return found


def resource_in(line: bytes) -> str:
    """What a message is about; the line is one of RFC 5424."""
    head, mark, message = line.partition(b"\xef\xbb\xbf")
    assert head.startswith(b"<85>1 20")
    assert head.endswith(b" IHE+RFC-3881 - ")
    assert mark
    names = etree.fromstring(message).findall(".//ParticipantObjectName")
    return names[1].text or ""


@contextmanager
def listener(context: ssl.SSLContext | None = None) -> Iterator[tuple[int, list[bytes]]]:
    """A collector that takes connections one after the other, and keeps what each of them sent."""
    taken: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(10)

        def take() -> None:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            with closing(context.wrap_socket(connection, server_side=True) if context else connection) as one:
                while data := one.recv(65536):
                    taken.append(data)

        thread = threading.Thread(target=take)
        thread.start()
        yield server.getsockname()[1], taken
        thread.join(10)


async def test_a_collector_gets_messages_over_tls(opened: Auditing, tmp_path: Path) -> None:
    await fill(opened, 5)
    with certificate(tmp_path) as (public, private):
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(public, private)
        with listener(context) as (port, taken):
            settings = AuditSettings(collector=f"tls://127.0.0.1:{port}", collector_ca=public)
            with Collector(settings) as collector:
                sent = await asyncio.to_thread(send_waiting, opened.url, collector, observer_of(Settings()))

    assert sent == 5
    lines = frames(b"".join(taken))
    assert [resource_in(line) for line in lines] == [f"Observation/{n}/_history/1" for n in range(5)]


async def test_a_collector_that_nobody_vouches_for_gets_nothing(opened: Auditing, tmp_path: Path) -> None:
    await fill(opened, 1)
    with certificate(tmp_path) as (public, private):
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(public, private)
        taken: list[bytes] = []
        with socket.create_server(("127.0.0.1", 0)) as server:

            def take() -> None:
                connection, _ = server.accept()
                with closing(connection):
                    try:
                        with context.wrap_socket(connection, server_side=True) as one:
                            taken.append(one.recv(100))
                    except OSError:
                        return

            thread = threading.Thread(target=take)
            thread.start()
            settings = AuditSettings(collector=f"tls://127.0.0.1:{server.getsockname()[1]}")
            with Collector(settings) as collector, pytest.raises(ssl.SSLError):
                await asyncio.to_thread(send_waiting, opened.url, collector, observer_of(Settings()))
            thread.join(10)

    assert b"".join(taken) == b""
    with (
        listener() as (port, received),
        Collector(AuditSettings(collector=f"tcp://127.0.0.1:{port}")) as other,
    ):
        assert await asyncio.to_thread(send_waiting, opened.url, other, observer_of(Settings())) == 1
    assert len(frames(b"".join(received))) == 1


async def test_a_collector_gets_datagrams(opened: Auditing) -> None:
    await fill(opened, 3)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(10)
        settings = AuditSettings(collector=f"udp://127.0.0.1:{server.getsockname()[1]}")
        with Collector(settings) as collector:
            await asyncio.to_thread(send_waiting, opened.url, collector, observer_of(Settings()))
        lines = [server.recv(65536) for _ in range(3)]

    assert [resource_in(line) for line in lines] == [f"Observation/{n}/_history/1" for n in range(3)]


async def test_a_copy_is_kept_up_to_date_while_the_server_works(opened: Auditing) -> None:
    await fill(opened, 2)
    with listener() as (port, taken):
        settings = Settings(audit=AuditSettings(collector=f"tcp://127.0.0.1:{port}"))
        shipping = Shipping(opened.url, settings)
        shipping.start()
        for _ in range(500):
            await asyncio.sleep(0.01)
            if taken and len(frames(b"".join(taken))) == 2:
                break
        await shipping.close()

    assert len(frames(b"".join(taken))) == 2


async def test_a_collector_that_is_away_costs_a_warning(
    opened: Auditing, caplog: pytest.LogCaptureFixture
) -> None:
    await fill(opened, 1)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    settings = Settings(audit=AuditSettings(collector=f"tcp://127.0.0.1:{port}"))
    shipping = Shipping(opened.url, settings)

    shipping.start()
    for _ in range(500):
        await asyncio.sleep(0.01)
        if caplog.text:
            break
    await shipping.close()

    assert "cannot be reached" in caplog.text
    with psycopg.connect(opened.url) as connection:
        assert connection.execute("select 1 from setting where name = 'audit_sent'").fetchone() is None


def test_the_files_lie_in_the_data_directory_unless_said(tmp_path: Path) -> None:
    key = tmp_path / "elsewhere"

    found = files_of(Settings(data_dir=tmp_path, audit=AuditSettings(key_file=key)))

    assert (found.key, found.heads) == (key, tmp_path / "audit" / "heads")


@pytest.mark.parametrize("url", ["https://siem", "tls://", "siem:6514", "tls://siem/path"])
def test_what_is_no_collector_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="would be right"):
        AuditSettings(collector=url)
