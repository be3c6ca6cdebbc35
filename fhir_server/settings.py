"""Every setting of the server, with its default and its unit. Read once, in `app.py`, then passed as values."""

from __future__ import annotations

import re
from ipaddress import ip_address
from pathlib import Path
from typing import Final, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class DatabaseSettings(BaseModel):
    """`CORDEE_DATABASE__*`."""

    # postgresql://…, perhaps with a password; empty: an embedded PostgreSQL in the data directory
    url: str = Field(default="", repr=False)
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


# Those that only the holder of a private key can sign with: no `none`, no `HS256`.
PUBLIC_KEY_ALGORITHMS: Final = (
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512", "Ed25519"),
)


class RoleClaimSettings(BaseModel):
    """A claim that says who somebody is by profession or by task: one text, or a list of them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    claim: str  # its name, or a path through objects: `realm_access.roles`
    # How its codes are looked up in the table of roles (`access/roles.py`); `name`: they are names of roles already.
    source: Literal["psc:codeProfession", "psc:SubjectRole", "cda:author", "role", "name"]
    system: str = ""  # of codes that do not say it themselves, as `10^1.2.250.1.213.1.1.5.5` does


class ClaimSettings(BaseModel):
    """Which claims of an OpenID Connect issuer say what: names, or paths through objects. Empty: none does."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    subject: str = "sub"
    level: str = "acr"
    practitioner: str = "SubjectNameID"  # the identifier of the professional
    practitioner_system: str = "urn:oid:1.2.250.1.71.4.2.1"
    organization: str = "SubjectOrganizationID"  # for which they act
    organization_system: str = "urn:oid:1.2.250.1.71.4.2.2"
    roles: tuple[RoleClaimSettings, ...] = (RoleClaimSettings(claim="SubjectRole", source="psc:SubjectRole"),)
    purpose: str = ""  # of use, a code of v3-ActReason
    delegator: str = ""  # the identifier of the professional for whom a secretary acts, of the same system
    patient: str = "patient"  # the Patient that the client was launched for


class IssuerSettings(BaseModel):
    """Whose tokens are believed, and what they must be like. One element of `CORDEE_AUTH__ISSUERS`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    issuer: str = Field(min_length=1)  # `iss`, to the letter
    kind: Literal["psc", "smart", "oidc"]  # Pro Santé Connect; our own token endpoint; any other
    jwks_url: str = ""  # where its public keys are; or in a file:
    jwks_file: Path | None = None
    audience: tuple[str, ...] = ()  # one of them must be in `aud`
    azp: tuple[str, ...] = ()  # clients whose tokens are believed; empty: all, where there is an audience
    algorithms: tuple[str, ...] = PUBLIC_KEY_ALGORITHMS  # each key takes those of its type alone
    minimum_level: Literal["none", "eidas1", "eidas2", "eidas3"] = "eidas1"  # none: a token need not say any
    # By what the issuer calls them.
    levels: dict[str, Literal["eidas1", "eidas2", "eidas3"]] = Field(default_factory=dict)
    callers: tuple[Literal["professional", "citizen"], ...] = ("professional",)  # oidc: whom it may speak of
    scopes: Literal["asked", "ignored"] = "asked"  # oidc, ignored: clients may do all that the person may
    certificate_bound: bool = False  # only tokens that are bound to the certificate of their client
    claims: ClaimSettings = Field(default_factory=ClaimSettings)  # oidc
    introspection_url: str = ""  # psc
    userinfo_url: str = ""  # psc
    client_id: str = ""  # psc: who we are when we ask
    client_secret: SecretStr = SecretStr("")
    client_secret_file: Path | None = None
    opaque: bool = False  # psc: a token that is no JWT is asked about as well

    @field_validator("algorithms")
    @classmethod
    def _are_of_public_keys(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if not names or not set(names) <= set(PUBLIC_KEY_ALGORITHMS):
            raise ValueError(f"one or more of {', '.join(PUBLIC_KEY_ALGORITHMS)} would be right")
        return names

    @field_validator("jwks_url", "introspection_url", "userinfo_url")
    @classmethod
    def _is_safe(cls, url: str) -> str:
        if url and urlsplit(url).scheme != "https" and not _is_loopback(url):
            raise ValueError(
                "https://… would be right: over anything else whoever listens could forge the answer"
            )
        return url

    @model_validator(mode="after")
    def _is_whole(self) -> IssuerSettings:
        """Raises `ValueError` where tokens of this issuer could not be told from forged ones."""
        keys = bool(self.jwks_url) + (self.jwks_file is not None)
        if self.kind == "smart":
            if keys:
                raise ValueError("kind smart is our own token endpoint: it has no jwks_url and no jwks_file")
            return self
        if keys != 1:
            raise ValueError("either jwks_url or jwks_file says which keys sign its tokens")
        if self.kind == "oidc" and not self.audience:
            raise ValueError("audience is missing: a token for anybody else would be taken")
        if self.kind == "psc":
            if not self.azp:
                raise ValueError("azp is missing: which clients of Pro Santé Connect are believed")
            if not (self.introspection_url and self.userinfo_url and self.client_id):
                raise ValueError(
                    "introspection_url, userinfo_url and client_id are all needed to ask Pro Santé Connect"
                )
            if bool(self.client_secret.get_secret_value()) == (self.client_secret_file is not None):
                raise ValueError("either client_secret or client_secret_file says our secret")
        return self


class AuthSettings(BaseModel):
    """`CORDEE_AUTH__*`: who is believed to be whom. See `web/authentication.py`."""

    mode: Literal["none", "tokens"] = "none"  # none: everybody may do everything, on loopback
    issuers: tuple[IssuerSettings, ...] = ()
    skew_seconds: float = Field(default=60.0, ge=0, le=300)  # by which an issuer's clock may differ from ours
    cache_seconds: float = Field(default=60.0, ge=0, le=600)  # that a token is believed without asking again
    cache_entries: int = Field(default=10_000, ge=1)  # tokens of one worker
    keys_seconds: float = Field(default=600.0, ge=10)  # after which public keys are fetched again
    timeout_seconds: float = Field(default=5.0, gt=0, le=60)  # of one question to an issuer
    # Where a trusted proxy says the certificate of the client; empty: nowhere, and bound tokens are refused.
    certificate_header: str = ""

    @field_validator("issuers")
    @classmethod
    def _are_apart(cls, issuers: tuple[IssuerSettings, ...]) -> tuple[IssuerSettings, ...]:
        if len({issuer.issuer for issuer in issuers}) < len(issuers):
            raise ValueError("each issuer is listed once")
        if sum(issuer.opaque for issuer in issuers) > 1:
            raise ValueError("at most one issuer is asked about opaque tokens")
        if any(issuer.opaque and issuer.kind != "psc" for issuer in issuers):
            raise ValueError("only kind psc is asked about opaque tokens")
        return issuers


class TokenSettings(BaseModel):
    """`CORDEE_TOKENS__*`: the tokens that this server gives to client systems. See `web/token_endpoint.py`."""

    seconds: int = Field(default=300, ge=30, le=300)  # that one lives
    # Hosts (or host:port) whose addresses need not be public for a client's keys to be fetched from them, by http too.
    private_hosts: tuple[str, ...] = ()
    authorization_url: str = ""  # where people log in, as told to SMART clients; empty: nowhere
    authorization_issuer: str = ""  # whose address that is


class LimitSettings(BaseModel):
    """`CORDEE_LIMITS__*`: what is taken from one client and from one address. See `web/throttling.py`."""

    client_per_second: float = Field(default=200.0, ge=0)  # requests; 0: no limit
    client_burst: float = Field(default=1000.0, ge=1)
    address_per_second: float = Field(default=1000.0, ge=0)
    address_burst: float = Field(default=4000.0, ge=1)
    failures: int = Field(default=100, ge=0)  # bad credentials until an address is locked out; 0: never
    failure_seconds: float = Field(default=60.0, gt=0)  # within which they are counted
    lockout_seconds: float = Field(default=60.0, gt=0)
    emergencies_per_hour: int = Field(default=20, ge=1)  # that one caller may take
    # By a wrong INS or wrong traits: of one caller, and three times as many of all together for one INS; 0: any number.
    wrong_presentations_per_hour: int = Field(default=10, ge=0)
    invitation_days: int = Field(default=7, ge=1, le=90)  # that the code of an invitation is good for


class AccessSettings(BaseModel):
    """`CORDEE_ACCESS__*`: what an operator decides of who may see what. See `docs/access.md`."""

    # Organisations that show the person the notes that they keep among themselves (label `interne-structure`).
    released_notes: tuple[str, ...] = ()

    @field_validator("released_notes")
    @classmethod
    def _are_organisations(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if not all(re.fullmatch(r"Organization/[A-Za-z0-9\-.]{1,64}", name) for name in names):
            raise ValueError("Organization/ID, for each, would be right")
        return names


class AuditSettings(BaseModel):
    """`CORDEE_AUDIT__*`: what keeps the seals of the audit log, and who gets a copy of it."""

    # Both out of reach of whoever can write the database. None: `audit/key` and `audit/heads` in the data directory.
    key_file: Path | None = None
    heads_file: Path | None = None
    site: str = "cordee"  # whose installation it is, as traces say it
    collector: str = ""  # of syslog, such as tls://siem.example.org:6514, also udp:// and tcp://; empty: none
    collector_ca: Path | None = None  # the authorities that its certificate may be from; None: the system's

    @field_validator("collector")
    @classmethod
    def _is_collector(cls, url: str) -> str:
        parts = urlsplit(url)
        if url and (parts.scheme not in {"udp", "tcp", "tls"} or not parts.hostname or parts.path.strip("/")):
            raise ValueError("tls://host:6514, tcp://host:port or udp://host:514 would be right")
        return url


def is_loopback(host: str) -> bool:
    """Whether a name or an address of a host is that of this machine alone."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _is_loopback(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme == "http" and is_loopback(parts.hostname or "")


class Settings(BaseSettings):
    """`CORDEE_*`."""

    # An error about an issuer would show its secret.
    model_config = SettingsConfigDict(
        env_prefix="CORDEE_", env_nested_delimiter="__", hide_input_in_errors=True
    )

    database: DatabaseSettings = Field(default_factory=DatabaseSettings)
    validation: ValidationSettings = Field(default_factory=ValidationSettings)
    auth: AuthSettings = Field(default_factory=AuthSettings)
    tokens: TokenSettings = Field(default_factory=TokenSettings)
    limits: LimitSettings = Field(default_factory=LimitSettings)
    access: AccessSettings = Field(default_factory=AccessSettings)
    audit: AuditSettings = Field(default_factory=AuditSettings)
    demo: bool = False  # the callers of the demonstration are believed; `serve --demo` says so to its workers
    data_dir: Path | None = None  # of the embedded PostgreSQL; None: the user's data directory
    host: str = "127.0.0.1"  # beyond loopback with `auth.mode` tokens alone
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
