#!/usr/bin/env python3
"""A token issuer on loopback, in place of the identity provider that the JWT authorizer trusts in the cloud.

Serves OpenID Connect discovery, its key set, and `/token?sub=NAME`, which signs a token for whoever is named. The key lives as long as the process.
"""

from __future__ import annotations

import argparse
import base64
import json
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

KEY_ID = "local"
LIFE_SECONDS = 12 * 3600


class Issuer:
    def __init__(self, address: str, audience: str) -> None:
        self.address, self.audience = address, audience
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def discovery(self) -> dict[str, Any]:
        return {
            "issuer": self.address,
            "jwks_uri": f"{self.address}/.well-known/jwks.json",
            "token_endpoint": f"{self.address}/token",
            "id_token_signing_alg_values_supported": ["RS256"],
            "response_types_supported": ["token"],
            "subject_types_supported": ["public"],
        }

    def key_set(self) -> dict[str, Any]:
        public = self.key.public_key().public_numbers()
        modulus, exponent = (number.to_bytes((number.bit_length() + 7) // 8, "big") for number in (public.n, public.e))
        return {"keys": [{"kty": "RSA", "use": "sig", "alg": "RS256", "kid": KEY_ID, "n": encode(modulus), "e": encode(exponent)}]}

    def token(self, subject: str, life_seconds: int = LIFE_SECONDS) -> str:
        now = int(time.time())
        claims = {"iss": self.address, "aud": self.audience, "sub": subject, "iat": now, "exp": now + life_seconds}
        signed = ".".join(encode(json.dumps(part).encode()) for part in ({"alg": "RS256", "typ": "JWT", "kid": KEY_ID}, claims))
        return f"{signed}.{encode(self.key.sign(signed.encode(), padding.PKCS1v15(), SHA256()))}"


def encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def handler(issuer: Issuer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            url = urlsplit(self.path)
            if url.path == "/.well-known/openid-configuration":
                self.answer(200, json.dumps(issuer.discovery()), "application/json")
            elif url.path == "/.well-known/jwks.json":
                self.answer(200, json.dumps(issuer.key_set()), "application/json")
            elif url.path == "/token" and (subject := parse_qs(url.query).get("sub")):
                life = int(parse_qs(url.query).get("life_seconds", [LIFE_SECONDS])[0])
                self.answer(200, issuer.token(subject[0], life), "text/plain")
            else:
                self.answer(404, "ask for /token?sub=NAME\n", "text/plain")

        def answer(self, status: int, text: str, kind: str) -> None:
            body = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    return Handler


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--audience", required=True)
    options = parser.parse_args()
    issuer = Issuer(f"http://127.0.0.1:{options.port}", options.audience)
    ThreadingHTTPServer(("127.0.0.1", options.port), handler(issuer)).serve_forever()


if __name__ == "__main__":
    main()
