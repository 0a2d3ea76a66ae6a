"""Verifies access tokens of a Latchkey server: one on each line of the standard input, one answer on each line of the output."""

import os
import sys

import jwt

ISSUER = os.environ["AUTH_ISSUER"]
AUTH_URL = os.environ.get("AUTH_URL", ISSUER)

# Keeps the keys for the five minutes that the server allows, and asks for a kid that it does not know, at most once in five seconds.
keys = jwt.PyJWKClient(f"{AUTH_URL}/.well-known/jwks.json", lifespan=300, timeout=3, cooldown_duration=5)


def verify(token: str) -> dict:
    """The claims. Raises PyJWKClientConnectionError where the keys are not to be had (503), else PyJWTError (401)."""
    decoded = jwt.decode_complete(
        token,
        keys.get_signing_key_from_jwt(token),
        algorithms=["ES256", "RS256"],
        issuer=ISSUER,
        audience=ISSUER,
        leeway=30,
        options={"require": ["iss", "aud", "exp", "iat", "sub", "sid", "jti"]},
    )
    if decoded["header"].get("typ") != "at+jwt":
        raise jwt.InvalidTokenError("not an access token")
    return decoded["payload"]


for line in sys.stdin:
    try:
        claims = verify(line.strip())
        print("accepted", claims["sub"], claims["sid"], ",".join(claims["roles"]), flush=True)
    except jwt.PyJWKClientConnectionError:
        print("unavailable", flush=True)
    except jwt.PyJWTError:
        print("refused", flush=True)
