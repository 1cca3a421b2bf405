"""Two libraries that are not ours read and write JWE, and verify a statement of ours: PyPI's joserfc and jwcrypto.

One JSON object on standard input, `{"key", "jwe", "text", "signer", "statement"}`: a private JWK whose `alg` says how, and a message of ours to it that
says `text`; the JWK of a signer, and a statement of it that says the same. Each library opens the one and verifies the other. One JSON object on standard output, `{"thumbprint", "jwe": […]}`: the key's thumbprint, and a message of each library to its public
part that says `text` backwards.
"""

import json
import sys

from joserfc import jwe as joserfc_jwe
from joserfc import jws as joserfc_jws
from joserfc.jwk import import_key
from jwcrypto import jwe as jwcrypto_jwe
from jwcrypto import jws as jwcrypto_jws
from jwcrypto.jwk import JWK

GIVEN = json.load(sys.stdin)
TEXT = GIVEN["text"].encode()
ALG = GIVEN["key"]["alg"]
ALGORITHMS = [ALG, "A256GCM"]
ANSWER = TEXT[::-1]

joserfc_key = import_key(GIVEN["key"])
opened = joserfc_jwe.decrypt_compact(GIVEN["jwe"], joserfc_key, algorithms=ALGORITHMS)
assert opened.plaintext == TEXT, opened.plaintext
assert opened.protected["kid"] == GIVEN["key"]["kid"], opened.protected

jwcrypto_key = JWK(**GIVEN["key"])
message = jwcrypto_jwe.JWE(algs=ALGORITHMS)
message.deserialize(GIVEN["jwe"], jwcrypto_key)
assert message.payload == TEXT, message.payload

statement = joserfc_jws.deserialize_compact(GIVEN["statement"], import_key(GIVEN["signer"]), algorithms=["EdDSA"])
assert statement.payload == TEXT and statement.headers()["kid"] == GIVEN["signer"]["kid"]
statement = jwcrypto_jws.JWS()
statement.deserialize(GIVEN["statement"], JWK(**GIVEN["signer"]))
assert statement.payload == TEXT

assert joserfc_key.thumbprint() == jwcrypto_key.thumbprint()

protected = {"alg": ALG, "enc": "A256GCM", "kid": GIVEN["key"]["kid"]}
public = import_key(joserfc_key.as_dict(private=False))
first = joserfc_jwe.encrypt_compact(dict(protected), ANSWER, public, algorithms=ALGORITHMS)

if ALG.startswith("ECDH"):
    protected |= {"apu": "QWxpY2U", "apv": "Qm9i"}
second = jwcrypto_jwe.JWE(ANSWER, json.dumps(protected), algs=ALGORITHMS)
second.add_recipient(JWK(**jwcrypto_key.export_public(as_dict=True)))

json.dump({"thumbprint": joserfc_key.thumbprint(), "jwe": [first, second.serialize(compact=True)]}, sys.stdout)
