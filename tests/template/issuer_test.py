"""Nothing of the local token issuer is in the functions: in the cloud, users' tokens are the authorizer's business alone."""

from __future__ import annotations

import unittest

from glibc_test import FUNCTIONS, bootstraps
from source import REPOSITORY

# words that no function has a use for; the last is the local tokens' audience
WORDS = (b"jwks_uri", b"jwks.json", b"openid-configuration", b"token_endpoint", b"id_token_signing_alg", b"clipwright-on-this-machine")


class IssuerTest(unittest.TestCase):
    def test_the_words_are_the_issuer_s(self) -> None:
        text = b"".join((REPOSITORY / "infra/local" / name).read_bytes() for name in ("issuer.py", "stack.py"))
        self.assertEqual([word for word in WORDS if word not in text], [])

    def test_no_function_has_a_word_of_it(self) -> None:
        built = bootstraps(FUNCTIONS)
        if not built:
            self.skipTest("no function was built")
        for name, binary in built.items():
            self.assertIn(b"lambda_runtime", binary, f"{name}: its texts cannot be read")
            self.assertEqual([word for word in WORDS if word in binary], [], name)


if __name__ == "__main__":
    unittest.main()
