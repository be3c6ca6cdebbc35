"""What keeps the seals of the log out of the database's reach: their key, and a copy of their heads.

The key file has a key a line, in hexadecimal: the last one seals, the others are for blocks that they sealed. Whoever
can write the database and cannot read this file can alter traces, and not the seals that say so. The file of heads gets
a line of JSON for each block: whoever cuts the end of the log off, seals and all, cannot cut it off there. Both files
belong where the database's administrators have no hand; the second is worth a copy elsewhere.
"""

from __future__ import annotations

import hmac
import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Final

import orjson

from fhir_server.kernel.values import immutable

KEY_BYTES: Final = 32
_FINGERPRINT_BYTES: Final = 8
_TAIL_BYTES: Final = 8192  # dozens of lines


class BadKeyFile(Exception):
    """The key file, or that of the heads, cannot be used; the text says why, and has nothing of a key in it."""


@immutable
class SealingKey:
    secret: bytes
    fingerprint: bytes  # by which blocks name it

    def seal(self, data: bytes) -> bytes:
        return hmac.new(self.secret, data, sha256).digest()


@immutable
class Head:
    """A line of the file of heads."""

    block: int
    until: int  # a pk
    count: int
    head: bytes


def keys_in(path: Path, *, create: bool = False) -> tuple[SealingKey, ...]:
    """The keys of a file, never empty, the one that seals last. `create`: make the file, readable by its owner alone.

    Raises `BadKeyFile`.
    """
    try:
        if create and not path.exists():
            _create(path)
        lines = path.read_text("ascii").split()
        mode = path.stat().st_mode
    except (OSError, UnicodeDecodeError) as error:
        raise BadKeyFile(f"{path} cannot be read: {type(error).__name__}") from error
    if mode & 0o077:
        raise BadKeyFile(f"{path} is open to others than its owner: chmod 600 would be right")
    try:
        found = [bytes.fromhex(line) for line in lines]
    except ValueError:
        found = []
    if not found or any(len(secret) != KEY_BYTES for secret in found):
        raise BadKeyFile(
            f"{path} has no keys: a line of {2 * KEY_BYTES} hexadecimal digits for each is right"
        )
    return tuple(SealingKey(secret, sha256(secret).digest()[:_FINGERPRINT_BYTES]) for secret in found)


def heads_in(path: Path) -> Iterator[Head]:
    """What the file of heads says, in its order; nothing if there is no such file. Raises `BadKeyFile`.

    A line that is not whole is left out: whoever wrote it was killed, and the next one wrote that head again.
    """
    try:
        with path.open("rb") as file:
            yield from filter(None, map(_head_of, file))
    except FileNotFoundError:
        return
    except OSError as error:
        raise BadKeyFile(f"{path} cannot be read: {type(error).__name__}") from error


def last_head_in(path: Path) -> Head | None:
    """The last whole line, without reading all of the file. Raises `BadKeyFile`."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - _TAIL_BYTES))
            heads = [head for line in file if (head := _head_of(line))]
    except FileNotFoundError:
        return None
    except OSError as error:
        raise BadKeyFile(f"{path} cannot be read: {type(error).__name__}") from error
    return heads[-1] if heads else None


def append_heads(path: Path, heads: Sequence[Head]) -> None:
    """Add lines, durably. Raises `BadKeyFile`."""
    lines = b"".join(
        orjson.dumps(
            {"block": one.block, "until": one.until, "count": one.count, "head": one.head.hex()},
            option=orjson.OPT_APPEND_NEWLINE,
        )
        for one in heads
    )
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            size = os.fstat(file).st_size
            if size and os.pread(file, 1, size - 1) != b"\n":
                lines = b"\n" + lines
            os.write(file, lines)
            os.fsync(file)
        finally:
            os.close(file)
    except OSError as error:
        raise BadKeyFile(f"{path} cannot be written: {type(error).__name__}") from error


def _head_of(line: bytes) -> Head | None:
    try:
        said = orjson.loads(line)
        return Head(said["block"], said["until"], said["count"], bytes.fromhex(said["head"]))
    except (ValueError, KeyError, TypeError):
        return None


def _create(path: Path) -> None:
    """Whole or not at all: of two processes that create it at the same time, one finds what the other made."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(file, secrets.token_hex(KEY_BYTES).encode() + b"\n")
        os.fsync(file)
    finally:
        os.close(file)
    try:
        with suppress(FileExistsError):
            os.link(draft, path)  # unlike a rename, it never takes the place of what is there
    finally:
        draft.unlink()
