"""Pro Santé Connect: is this access token in force, and whom does it speak of?

The signature is verified here first, so that nobody sends Pro Santé Connect what they invented; then introspection says
whether the token was revoked, and UserInfo (JSON, or a JWS that is verified as well) who the professional is and where
they practise.

https://www.rfc-editor.org/rfc/rfc7662 · https://openid.net/specs/openid-connect-core-1_0.html#UserInfo
"""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

import httpx
import orjson

from fhir_server.access.claims import expiry_of, require_intended, texts
from fhir_server.access.identity import Identity
from fhir_server.access.psc_claims import identity_of, require_same
from fhir_server.access.signatures import Claims, Signed, opened
from fhir_server.kernel.errors import Unauthenticated
from fhir_server.settings import IssuerSettings
from fhir_server.web.issuing import Answer, ask, unavailable
from fhir_server.web.jwks import KeySet

_JWT: Final = "application/jwt"


class NotActive(Unauthenticated):
    """Pro Santé Connect says that a token is not in force: it never will be again."""

    def __init__(self) -> None:
        super().__init__(
            "Pro Santé Connect says that the token is not active",
            code="expired",
            french="Pro Santé Connect dit que le jeton n'est pas actif",
        )


class ProSanteConnect:
    """`secret`: ours, for introspection; `keys`: those of Pro Santé Connect."""

    def __init__(
        self,
        issuer: IssuerSettings,
        secret: str,
        keys: KeySet,
        client: httpx.AsyncClient,
        skew_seconds: float,
    ) -> None:
        self._issuer = issuer
        # https://www.rfc-editor.org/rfc/rfc6749#section-2.3.1 escapes both before they are put together.
        self._login = (quote(issuer.client_id, safe=""), quote(secret, safe=""))
        self._keys = keys
        self._client = client
        self._skew = skew_seconds

    async def identity(self, token: str, claims: Claims, now: int) -> Identity:
        """Whom a token speaks of. `claims`: those of the token, verified; empty where it is opaque. `now`: µs.

        Raises `Unauthenticated` (`NotActive` when Pro Santé Connect says so) or `Unavailable`.
        """
        introspected = await self._introspected(token, claims)
        require_intended(introspected, self._issuer)
        expires = expiry_of(introspected, now, self._skew)
        userinfo = await self._userinfo(token, now)
        require_same(introspected, userinfo)
        return identity_of(self._issuer, introspected, userinfo, expires)

    async def _introspected(self, token: str, claims: Claims) -> Claims:
        """What the token and its introspection say together; `NotActive` when it is not in force."""
        url = self._issuer.introspection_url
        form = {"token": token, "token_type_hint": "access_token"}
        answer = await ask(
            self._client, "POST", url, headers={"accept": "application/json"}, form=form, login=self._login
        )
        if (
            answer.status != 200
        ):  # it is us whom it does not know, or our question that it does not understand
            raise unavailable(url, f"status {answer.status}")
        told = _object(url, answer)
        if told.get("active") is not True:
            raise NotActive
        if any(
            name in told and told[name] != said for name, said in claims.items() if name in {"iss", "sub"}
        ):
            raise unavailable(url, "introspection speaks of another token")
        # The earlier of the two ends counts.
        ends = [end for end in (claims.get("exp"), told.get("exp")) if isinstance(end, int | float)]
        opaque = {} if claims else {"iss": self._issuer.issuer}
        return {**opaque, **claims, **told, "exp": min(ends, default=None)}

    async def _userinfo(self, token: str, now: int) -> Claims:
        url = self._issuer.userinfo_url
        headers = {"authorization": f"Bearer {token}", "accept": f"application/json, {_JWT}"}
        answer = await ask(self._client, "GET", url, headers=headers)
        if answer.status == 401:
            raise NotActive
        if answer.status != 200:
            raise unavailable(url, f"status {answer.status}")
        if answer.media_type != _JWT:
            return _object(url, answer)
        signed = opened(answer.body.decode("latin-1").strip())
        if signed is None:
            raise unavailable(url, "UserInfo is no JWS")
        await self._require_genuine(signed, now)
        return signed.claims

    async def _require_genuine(self, signed: Signed, now: int) -> None:
        """Raises `Unauthenticated` unless Pro Santé Connect signed this, for a client that we believe, and now."""
        await self._keys.require_signed(signed, self._issuer.algorithms)
        claims = signed.claims
        if claims.get("iss", self._issuer.issuer) != self._issuer.issuer:
            raise unavailable(self._issuer.userinfo_url, "UserInfo is of another issuer")
        audience = set(texts(claims.get("aud")))
        if audience and audience.isdisjoint(
            {*self._issuer.azp, *self._issuer.audience, self._issuer.client_id}
        ):
            raise unavailable(self._issuer.userinfo_url, "UserInfo is for another client")
        if "exp" in claims:
            expiry_of(claims, now, self._skew)


def _object(url: str, answer: Answer) -> Claims:
    try:
        tree = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        raise unavailable(url, "the answer is not JSON") from None
    if not isinstance(tree, dict):
        raise unavailable(url, "the answer is not a JSON object")
    return tree
