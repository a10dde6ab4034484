"""An access token for Google's cloud, as its own library gets one: from the file of a service account or of a workload
identity, or from the machine this runs on. Waits for the network: for threads that nobody waits for.
"""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)
VARIABLE = "GOOGLE_APPLICATION_CREDENTIALS"


class NoToken(Exception):
    """Why there is none, for the operator. Holds no secret."""


class Token(msgspec.Struct, frozen=True):
    """`seconds` is how long it is good for."""

    value: str
    seconds: float

    def __repr__(self) -> str:
        """Without the token: what stands in a traceback ends up in a log."""
        return f"Token(…, {self.seconds:.0f} s)"


def token(file: str | None) -> Token:
    """A new one. Without a file it is by the one in GOOGLE_APPLICATION_CREDENTIALS, or by what the machine is.

    Raises NoToken.
    """
    from google.auth.exceptions import GoogleAuthError
    from google.auth.transport.requests import Request

    request = Request()
    try:
        credentials = _credentials(file or os.environ.get(VARIABLE) or None, request)
        credentials.refresh(request)
    except GoogleAuthError as error:
        raise NoToken(f"Google gives no access token: {type(error).__name__}: {_first_line(error)}") from None
    except (OSError, ValueError, KeyError) as error:
        raise NoToken(f"{file or VARIABLE} can't be used: {type(error).__name__}") from None
    left = (
        (credentials.expiry.replace(tzinfo=UTC) - datetime.now(UTC)).total_seconds() if credentials.expiry else 3600.0
    )
    return Token(str(credentials.token), left)


def _credentials(file: str | None, request: Any) -> Any:
    import google.auth

    if file is None:
        return google.auth.default(scopes=SCOPES, request=request)[0]
    info = msgspec.json.decode(Path(file).read_bytes(), type=dict[str, Any])
    read = _readers().get(str(info.get("type")))
    if read is None:
        known = ", ".join(sorted(_readers()))
        raise NoToken(f"{file} is for no kind of identity that is known here; its `type` must be one of {known}")
    return read(info)


def _readers() -> dict[str, Callable[[dict[str, Any]], Any]]:
    from google.auth import aws, identity_pool, impersonated_credentials
    from google.oauth2 import credentials, service_account

    # Google's own types are not complete.
    of_account: Any = service_account.Credentials
    of_user: Any = credentials.Credentials
    impersonated: Any = impersonated_credentials.Credentials

    def external(info: dict[str, Any]) -> Any:
        is_aws = str(info.get("subject_token_type", "")).endswith(":aws4_request")
        return (aws if is_aws else identity_pool).Credentials.from_info(info, scopes=SCOPES)

    return {
        "service_account": lambda info: of_account.from_service_account_info(info, scopes=SCOPES),
        "external_account": external,
        "authorized_user": lambda info: of_user.from_authorized_user_info(info, scopes=SCOPES),
        "impersonated_service_account": lambda info: impersonated.from_impersonated_service_account_info(
            info, scopes=SCOPES
        ),
    }


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0][:200]
