"""The operator's settings made into what stands at the gate."""

import os
import secrets
from ipaddress import ip_network
from pathlib import Path

from gate.access import Access
from gate.arrival import networks
from gate.hugging_face import HuggingFace
from gate.names import Names
from gate.users import BadUsers, Users
from settings import BadSetting, Settings

_SPACES_PROXIES = (ip_network("10.0.0.0/8"),)
_ANYWHERE = frozenset({"0.0.0.0", "::", ""})  # noqa: S104


def access_to(chosen: Settings, share_port: int = 0) -> Access:
    """Who may come in by these settings. What comes in at `share_port` comes from the public link.

    Raises BadSetting: where it is not clear who may come in, nobody does.
    """
    try:
        proxies = networks(chosen.proxies) or (_SPACES_PROXIES if chosen.space else ())
    except ValueError as error:
        raise BadSetting(f"PARLEY_PROXIES: {error}.") from None
    try:
        users = Users(chosen.users_file, chosen.operator) if chosen.users_file else None
    except BadUsers as error:
        raise BadSetting(f"PARLEY_USERS: {error}") from None
    if chosen.operator and users is None:
        raise BadSetting("PARLEY_OPERATOR needs PARLEY_USERS: a name alone tells nobody apart.")
    anywhere = chosen.address in _ANYWHERE
    named = [*chosen.host_names, chosen.space_host, "" if anywhere else chosen.address]
    link_password = ""
    if chosen.share and users is None and not chosen.open:
        link_password = secrets.token_urlsafe(12)
    return Access(
        names=Names(named, any_address=anywhere),
        proxies=proxies,
        known=not (chosen.host_names or chosen.proxies or chosen.space),
        space=chosen.space_host if chosen.space else "",
        forgets=chosen.forgets,
        share_port=share_port,
        users=users,
        link_password=link_password,
        hugging_face=_hugging_face(chosen),
        ended=chosen.shared_path / "logged-out.json",
    )


def sign_key(chosen: Settings) -> bytes:
    """The key that signs cookies: the operator's, or random, made once, readable by them alone."""
    if chosen.cookie_key:
        return chosen.cookie_key.encode()
    path = chosen.data_path / "cookie.key"
    if not path.exists():
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(32))
    return path.read_bytes()


def users_path(chosen: Settings) -> Path:
    """Where a user is added."""
    return chosen.users_file or chosen.data_path / "users"


def _hugging_face(chosen: Settings) -> HuggingFace | None:
    """On a Space alone: elsewhere nothing says whose client this is."""
    given = chosen.space and chosen.space_host and chosen.oauth_id and chosen.oauth_secret
    if not given:
        return None
    return HuggingFace(
        chosen.oauth_provider.rstrip("/"),
        chosen.oauth_id,
        chosen.oauth_secret,
        f"https://{chosen.space_host}/login/callback",
    )
