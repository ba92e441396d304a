"""Signing in with a Hugging Face account, on a Space only: OpenID's authorization code, with PKCE.

The account is what Hugging Face itself answers, asked over a connection of our own; nothing that the
browser brings is believed but the code.
"""

import base64
import hashlib
from dataclasses import dataclass, field
from urllib.parse import urlencode

import httpx2

_TIMEOUT_S = 10.0


class NotSignedIn(Exception):
    """Hugging Face did not say who it is. The text is for the visitor."""


@dataclass(frozen=True, slots=True)
class Account:
    """`sub` is theirs for good; a name can be given up and taken by another."""

    sub: str
    name: str


@dataclass(frozen=True, slots=True)
class HuggingFace:
    provider_url: str
    client_id: str
    client_secret: str = field(repr=False)
    redirect_uri: str

    def sends_to(self, state: str, verifier: str) -> str:
        """Where the visitor is asked whether we may know who they are."""
        digest = hashlib.sha256(verifier.encode()).digest()
        asked = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            "scope": "openid profile",
            "state": state,
            "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }
        return f"{self.provider_url}/oauth/authorize?{urlencode(asked)}"

    async def account(self, code: str, verifier: str) -> Account:
        """Who they are. Raises NotSignedIn."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.redirect_uri,
            "client_id": self.client_id,
            "code_verifier": verifier,
        }
        try:
            async with httpx2.AsyncClient(timeout=_TIMEOUT_S, trust_env=False) as client:
                basic = httpx2.BasicAuth(self.client_id, self.client_secret)
                told = await client.post(f"{self.provider_url}/oauth/token", data=form, auth=basic)
                token = told.raise_for_status().json()["access_token"]
                bearer = {"authorization": f"Bearer {token}"}
                asked = await client.get(f"{self.provider_url}/oauth/userinfo", headers=bearer)
                found = asked.raise_for_status().json()
            sub, name = found["sub"], found.get("preferred_username") or found["sub"]
        except (httpx2.HTTPError, ValueError, KeyError, TypeError):
            raise NotSignedIn("Hugging Face did not confirm who you are.") from None
        if not (isinstance(sub, str) and sub.isalnum() and len(sub) <= 64):
            raise NotSignedIn("Hugging Face did not confirm who you are.")
        return Account(sub, str(name)[:64])
