"""Every setting of the server, with its default and its unit. Read once, in `app.py`, then passed as values."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class DatabaseSettings(BaseModel):
    """`CORDEE_DATABASE__*`."""

    url: str = ""  # postgresql://…; empty: an embedded PostgreSQL in the data directory
    statement_timeout_seconds: float = Field(default=30.0, gt=0)
    search_timeout_seconds: float = Field(default=10.0, gt=0)  # of one statement of a search
    pool_size: int = Field(default=4, ge=1)  # interactive connections of one worker
    in_flight: int = Field(default=64, ge=1)  # statements under way on one pipelined connection

    @field_validator("url")
    @classmethod
    def _is_address(cls, url: str) -> str:
        if url and not url.startswith(("postgresql://", "postgres://")):
            raise ValueError("postgresql://user@host/database would be right")
        return url


class ValidationSettings(BaseModel):
    """`CORDEE_VALIDATION__*`: what is asked of a resource that is written, beyond R4. See `validation/standards.py`."""

    declared: Literal["off", "warn", "enforce"] = "warn"  # of the profiles that a resource declares
    # Canonicals, or beginnings that end in a slash, enforced wherever they are declared, whatever `declared` says.
    enforced: tuple[str, ...] = (
        "https://cordee.example/fhir/StructureDefinition/",
        "https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-patient-ins",
    )
    required: dict[str, tuple[str, ...]] = Field(default_factory=dict)  # by type: profiles that all must keep
    # What `$validate` says of extensions whose definition nobody here has; a write is never refused for them.
    unknown_extensions: Literal["ignore", "warn", "error"] = "error"
    example_urls: Literal["allow", "error"] = "allow"  # of example.org and acme.com
    markup: Literal["allow", "error"] = "allow"  # HTML in strings, which a careless screen would run


class Settings(BaseSettings):
    """`CORDEE_*`."""

    model_config = SettingsConfigDict(env_prefix="CORDEE_", env_nested_delimiter="__")

    database: DatabaseSettings = Field(default_factory=DatabaseSettings)
    validation: ValidationSettings = Field(default_factory=ValidationSettings)
    data_dir: Path | None = None  # of the embedded PostgreSQL; None: the user's data directory
    host: str = "127.0.0.1"  # only loopback until access control exists
    port: int = Field(default=8080, ge=0, le=65535)
    workers: int = Field(default=2, ge=1)
    base_url: str = ""  # public base, e.g. https://fhir.example.org/fhir; empty: from the request
    trusted_proxies: tuple[str, ...] = ()  # addresses whose Forwarded and X-Forwarded-* headers are believed
    cors_origins: tuple[str, ...] = ()  # origins that browsers may call from; `*`: any
    max_body_bytes: int = Field(default=50_000_000, ge=1024)
    max_bundle_entries: int = Field(default=10_000, ge=1)
    page_size: int = Field(default=20, ge=1)
    max_page_size: int = Field(default=1000, ge=1)
    client_ids: bool = True  # an update of an unknown id creates it
    references: Literal["enforce", "off"] = "enforce"
    conditional_delete: Literal["single", "multiple"] = "multiple"
    definitions: Literal["open", "closed"] = "open"  # closed: clients write none
    max_package_bytes: int = Field(default=200_000_000, ge=1024)  # of `cordee packages add`, unpacked
    publish: Literal["off", "packages", "all"] = "packages"  # what clients can read; all: R4's too
    explain: bool = False  # `__explain=true` answers a search with its SQL and plan: for operators alone
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
