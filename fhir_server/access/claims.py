"""The registered claims of a token: for whom, by whom, from when until when, and bound to what.

Every function is pure: the time is an argument. Texts repeat nothing of the token.

https://www.rfc-editor.org/rfc/rfc7519#section-4.1 · https://www.rfc-editor.org/rfc/rfc9068#section-4
"""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from typing import Any, Final

from fhir_server.access.signatures import Claims
from fhir_server.kernel.errors import Unauthenticated
from fhir_server.settings import IssuerSettings

_LATEST: Final = 2**40  # seconds: what is beyond is no time that anybody meant
_NOT_ACCESS: Final = frozenset({"id", "refresh", "offline", "logout"})  # `typ` of Keycloak's other tokens
_THUMBPRINT: Final = "x5t#S256"


def expiry_of(claims: Claims, now: int, skew_seconds: float) -> int:
    """The moment (µs) from which a token is refused, the skew of clocks included.

    Raises `Unauthenticated` when that is past, when the token is of the future, or when it does not say its end.
    """
    skew = ceil(skew_seconds * 1_000_000)
    end = _moment(claims, "exp")
    if end is None:
        raise _refused("The token does not say when it expires", "Le jeton ne dit pas quand il expire")
    if end + skew <= now:
        raise _refused("The token has expired", "Le jeton a expiré", code="expired")
    if any((_moment(claims, name) or 0) - skew > now for name in ("nbf", "iat")):
        raise _refused("The token is not valid yet", "Le jeton n'est pas encore valable")
    return end + skew


def require_intended(claims: Claims, issuer: IssuerSettings) -> None:
    """Raises `Unauthenticated` unless the token is an access token of this issuer, for us, by a client we believe."""
    if claims.get("iss") != issuer.issuer:
        raise _refused("The token is of another issuer", "Le jeton vient d'un autre émetteur")
    kind = claims.get("typ")
    if isinstance(kind, str) and kind.lower() in _NOT_ACCESS:
        raise _refused("The token is not an access token", "Le jeton n'est pas un jeton d'accès")
    if issuer.audience and not set(texts(claims.get("aud"))) & set(issuer.audience):
        raise _refused("The token is for another audience", "Le jeton est destiné à un autre serveur")
    if issuer.azp and client_of(claims) not in issuer.azp:
        raise _refused(
            "The token was issued to a client that is not accepted",
            "Le jeton a été émis pour un logiciel qui n'est pas accepté",
        )


def client_of(claims: Claims) -> str:
    """The software that the token was issued to; empty when it does not say."""
    for name in ("azp", "client_id"):
        said = claims.get(name)
        if isinstance(said, str) and said:
            return said
    return ""


def bound_to(claims: Claims) -> str:
    """The thumbprint of the certificate that a token is bound to; empty: it is bound to none.

    Raises `Unauthenticated` when it is bound to anything else: taken without that proof, a stolen one would do.
    """
    bond = claims.get("cnf")
    if bond is None:
        return ""
    said = bond.get(_THUMBPRINT) if isinstance(bond, Mapping) and set(bond) == {_THUMBPRINT} else None
    if not isinstance(said, str) or not said:
        raise _refused(
            "The token is bound to a key whose proof is not taken here",
            "Le jeton est lié à une clé dont la preuve n'est pas acceptée ici",
        )
    return said


def at(claims: Claims, path: str) -> Any:
    """What stands at a path, `realm_access.roles`; None: nothing. A name that has dots itself is found first."""
    if path in claims:
        return claims[path]
    name, dot, rest = path.partition(".")
    inner = claims.get(name) if dot else None
    return at(inner, rest) if isinstance(inner, Mapping) else None


def text(value: object) -> str:
    """The text that a claim holds; empty when it holds anything else."""
    return value.strip() if isinstance(value, str) else ""


def texts(value: object) -> tuple[str, ...]:
    """The texts that a claim holds, alone or in a list; may be empty."""
    values = value if isinstance(value, list) else [value]
    return tuple(found for found in map(text, values) if found)


def _moment(claims: Claims, name: str) -> int | None:
    """A NumericDate in µs; None: absent. Raises `Unauthenticated` for what is no time."""
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < _LATEST:
        raise _refused(
            f"The claim {name} of the token is not a time", f"Le champ {name} du jeton n'est pas une date"
        )
    return int(value * 1_000_000)


def _refused(sentence: str, french: str, *, code: str = "unknown") -> Unauthenticated:
    return Unauthenticated(sentence, code=code, french=french)
