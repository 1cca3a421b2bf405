"""Users of an application are proven by a provider of identities that we did not write (npm's oidc-provider), which signs them in, turns its keys and knows
nothing of Sceau: through the keyfront and the element as they are shipped, with ID tokens as they come, and others that joserfc forges."""

import base64
import hashlib
import http.client
import json
import pathlib
import secrets
import subprocess
import time
import unittest
import urllib.error
import urllib.parse
import urllib.request
import uuid

from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey
from protect_house import b64, House, LOG, PROGRAMS, prove, unb64

PROVIDER = pathlib.Path(__file__).parent.parent / "provider" / "provider.mjs"
BACK = "http://127.0.0.1:9"
SECRET = "a secret with + and : in it, of many characters"


class Provider:
    """The provider, and a browser that signs in there."""

    def __init__(self):
        self.program = subprocess.Popen(["node", PROVIDER, BACK], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.issuer = json.loads(self.program.stdout.readline())["issuer"]

    def end(self):
        self.program.kill()
        self.program.wait()
        self.program.stdout.close()

    def get(self, address):
        with urllib.request.urlopen(address, timeout=30) as answer:
            return json.load(answer)

    def post(self, path):
        urllib.request.urlopen(urllib.request.Request(self.issuer + path, data=b""), timeout=30).close()

    def keys(self):
        """What its discovery document leads to, as an application's document lists it."""
        known = self.get(f"{self.issuer}/.well-known/openid-configuration")
        members = ("kty", "crv", "x", "y", "n", "e")
        listed = self.get(known["jwks_uri"])["keys"]
        return [{"kid": key["kid"], "alg": key["alg"], "jwk": {name: key[name] for name in members if name in key}} for key in listed]

    def sign_in(self, user):
        """The ID token of a user who signs in now."""
        self.post("/test/person?" + urllib.parse.urlencode({"accountId": user}))
        verifier = secrets.token_urlsafe(48)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        asked = {
            "response_type": "code", "client_id": "sceau", "redirect_uri": f"{BACK}/retour/id", "scope": "openid", "state": secrets.token_hex(16),
            "nonce": secrets.token_hex(16), "code_challenge": challenge, "code_challenge_method": "S256",
        }
        address, cookies = f"{self.issuer}/auth?{urllib.parse.urlencode(asked)}", {}
        while not address.startswith(BACK):
            at = urllib.parse.urlsplit(address)
            connection = http.client.HTTPConnection(at.netloc, timeout=30)
            jar = "; ".join(f"{name}={value}" for name, value in cookies.items())
            connection.request("GET", f"{at.path}?{at.query}", headers={"cookie": jar})
            answer = connection.getresponse()
            for header in answer.headers.get_all("set-cookie") or []:
                name, value = header.split(";")[0].split("=", 1)
                cookies[name] = value
            address = urllib.parse.urljoin(address, answer.headers["location"])
            connection.close()
        code = urllib.parse.parse_qs(urllib.parse.urlsplit(address).query)["code"][0]
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": f"{BACK}/retour/id", "code_verifier": verifier}
        quoted = ":".join(urllib.parse.quote_plus(part) for part in ("sceau", SECRET))
        headers = {"authorization": "Basic " + base64.b64encode(quoted.encode()).decode()}
        request = urllib.request.Request(f"{self.issuer}/token", data=urllib.parse.urlencode(form).encode(), headers=headers)
        return self.get(request)["id_token"]


class Users(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.house, cls.provider = House(), Provider()
        cls.signs, cls.tells, cls.opens = ECKey.generate_key("P-256"), RSAKey.generate_key(2048), OKPKey.generate_key("X25519")
        cls.application, cls.previous = str(uuid.uuid4()), None
        cls.register(cls.provider.keys())

    @classmethod
    def tearDownClass(cls):
        cls.provider.end()
        cls.house.leave()

    @classmethod
    def register(cls, keys):
        """The application's next version, with these keys of the provider."""
        public = lambda key: {name: value for name, value in key.as_dict(private=False).items() if name in ("kty", "crv", "x", "y", "n", "e")}
        own = [{"kid": kid, "alg": alg, "jwk": public(key), "status": "active"} for kid, alg, key in (("a", "ES256", cls.signs), ("r", "RS256", cls.tells))]
        document = {
            "v": 1, "application": cls.application, "organisation": cls.house.organisation, "name": "Dossiers", "keys": own, "status": "active",
            "provider": {"issuer": cls.provider.issuer, "client_id": "sceau", "keys": keys, "token_age": 600},
        }
        cls.previous = cls.house.sign(document, cls.previous)

    def claims(self, user, op, token, **more):
        now = int(time.time())
        claims = {"iss": self.application, "aud": LOG, "iat": now, "exp": now + 120, "jti": secrets.token_hex(16), "sub": user, "op": op} | more
        return claims | ({"id_token": token} if token else {})

    def ask(self, user, op, token, **more):
        header = {"alg": "ES256", "kid": "a", "typ": "sceau-protect-call"}
        call = jwt.encode(header, self.claims(user, op, token, **more), self.signs, algorithms=["ES256"])
        return call, *self.house.post("/v1/protect/calls", call.encode(), "application/jose")

    def code(self, *asked, **more):
        _, status, answer = self.ask(*asked, **more)
        return None if status == 200 else answer["code"]

    def create(self):
        public = {name: value for name, value in self.opens.as_dict(private=False).items() if name in ("kty", "crv", "x")}
        return {"create": {"session": {"alg": "ECDH-ES", "jwk": public}}}

    def test_who_signed_in_is_who_is_given_the_key(self):
        lea, noe = self.provider.sign_in("lea"), self.provider.sign_in("noe")
        call, status, created = self.ask("lea", self.create(), lea, prove=True)
        self.assertEqual(status, 200, created)
        record = prove(call, created, self.application, self.house.log_key)
        self.assertIn("issuer", [subject["kind"] for subject in record["subjects"]])
        self.assertNotIn(self.provider.issuer, json.dumps(record), "committed, as the user is")
        session = self.create()["create"]["session"]
        opening = {"open": {"datum": created["datum"], "wrapped_key": created["wrapped_key"], "session": session}}
        self.assertIsNone(self.code("lea", opening, lea))
        self.assertEqual(self.code("lea", opening, None), "user_unproven")
        self.assertEqual(self.code("lea", opening, noe), "user_mismatch")
        self.assertEqual(self.code("noe", opening, noe), "user_not_authorised")
        self.assertIsNone(self.code("lea", {"grant": {"datum": created["datum"], "grant": {"to": {"user": "noe"}}}}, lea))
        self.assertIsNone(self.code("noe", opening, noe))
        accesses = self.ask("lea", {"accesses": {"datum": created["datum"]}}, lea)[2]["accesses"]["list"]
        said = [(one["action"], one["user"], one.get("proven_by"), one["refused"]) for one in accesses]
        issuer = self.provider.issuer
        self.assertEqual(
            said,
            [
                ("datum.open", "noe", issuer, None),
                ("datum.grant", "lea", issuer, None),
                ("datum.open", "noe", issuer, "user_not_authorised"),
                ("datum.open", "lea", None, "user_mismatch"),
                ("datum.open", "lea", None, "user_unproven"),
                ("datum.open", "lea", issuer, None),
                ("datum.create", "lea", issuer, None),
            ],
        )

    def test_calls_that_are_tokens_prove_their_users_too(self):
        token = self.provider.sign_in("lea")
        for proof, status in ((token, 200), (None, 403)):
            call = jwt.encode({"alg": "RS256", "kid": "r", "typ": "JWT"}, self.claims("lea", self.create(), proof), self.tells, algorithms=["RS256"])
            request = urllib.request.Request(self.house.url + "/v1/protect/tokens", data=call.encode(), headers={"content-type": "application/jwt"})
            try:
                with urllib.request.urlopen(request, timeout=30) as answer:
                    found, said = answer.status, answer.read()
            except urllib.error.HTTPError as error:
                with error:
                    found, said = error.code, error.read()
            self.assertEqual(found, status, said)
            told = json.loads(unb64(said.decode().split(".")[1]))
            self.assertEqual(told.get("refused", {}).get("code"), None if proof else "user_unproven")

    def test_no_forged_token_proves_anybody(self):
        said = json.loads(unb64(self.provider.sign_in("lea").split(".")[1]))
        (key,) = [key for key in self.provider.keys() if key["alg"] == "ES256"]
        now = int(time.time())
        other = ECKey.generate_key("P-256")
        public = ECKey.import_key(key["jwk"]).as_pem(private=False)
        header = {"alg": "ES256", "kid": key["kid"]}
        unsigned = lambda header, claims: f"{b64(json.dumps(header).encode())}.{b64(json.dumps(claims).encode())}."
        forged = {
            "by another key": jwt.encode(header, said, other, algorithms=["ES256"]),
            "with its own key": jwt.encode(header | {"jwk": other.as_dict(private=False)}, said, other, algorithms=["ES256"]),
            "unsigned": unsigned({"alg": "none", "kid": key["kid"]}, said),
            "by the public key as a secret": jwt.encode({"alg": "HS256", "kid": key["kid"]}, said, OctKey.import_key(b64(public)), algorithms=["HS256"]),
            "the application's own": jwt.encode({"alg": "ES256", "kid": "a"}, said | {"exp": now + 600}, self.signs, algorithms=["ES256"]),
        }
        for name, token in forged.items():
            with self.subTest(name):
                self.assertIn(self.code("lea", self.create(), token), ("id_token_invalid", "provider_key_unknown"))

    def provider_keys(self, *options):
        """What `sceau provider-keys` says of the provider: its status, what it printed, and the code of its failure."""
        asked = [PROGRAMS / "sceau", "provider-keys", self.provider.issuer, *options]
        ran = subprocess.run(asked, capture_output=True, text=True, timeout=60)
        return ran.returncode, json.loads(ran.stdout), ran.stderr

    def test_the_command_tells_of_keys_that_turn(self):
        status, told, _ = self.provider_keys()
        self.assertEqual((status, told["issuer"]), (0, self.provider.issuer))
        named = lambda keys: sorted((key["kid"], key["alg"], json.dumps(key["jwk"], sort_keys=True)) for key in keys)
        self.assertEqual(named(told["keys"]), named(self.provider.keys()))
        for key in told["keys"]:
            imported = {"EC": ECKey, "RSA": RSAKey, "OKP": OKPKey}[key["jwk"]["kty"]].import_key(key["jwk"])
            self.assertEqual(key["thumbprint"], imported.thumbprint())
        # As it printed them, an administrator registers them.
        self.register([{name: key[name] for name in ("kid", "alg", "jwk")} for key in told["keys"]])
        self.assertIsNone(self.code("lea", self.create(), self.provider.sign_in("lea")))
        known = self.house.at / "provider.json"
        known.write_text(json.dumps(told))
        self.assertEqual(self.provider_keys("--known", known)[0], 0)
        known.write_text(json.dumps({**told, "issuer": "https://id.example.net"}))
        status, _, words = self.provider_keys("--known", known)
        self.assertNotEqual(status, 0)
        self.assertIn("has the keys of https://id.example.net", words)
        known.write_text(json.dumps(told))
        self.provider.post("/test/rotate")
        status, now, words = self.provider_keys("--known", known)
        self.assertNotEqual(status, 0)
        self.assertIn("publishes no more what the file has", words)
        self.assertEqual(named(now["keys"]), named(self.provider.keys()))
        for one in (*told["keys"], *now["keys"]):
            turned = one["thumbprint"] not in {other["thumbprint"] for other in told["keys"]} & {other["thumbprint"] for other in now["keys"]}
            self.assertEqual(one["thumbprint"] in words, turned, words)
        known.write_text(json.dumps(now))
        self.assertEqual(self.provider_keys("--known", known)[0], 0)
        self.register(self.provider.keys())

    def test_keys_that_turn_are_registered_by_an_administrator(self):
        before, keys = self.provider.sign_in("lea"), self.provider.keys()
        self.provider.post("/test/rotate")
        after = self.provider.sign_in("lea")
        self.assertEqual(self.code("lea", self.create(), after), "provider_key_unknown")
        self.register(keys + self.provider.keys())
        self.assertEqual([self.code("lea", self.create(), token) for token in (before, after)], [None, None])
        self.register(self.provider.keys())
        self.assertEqual([self.code("lea", self.create(), token) for token in (before, after)], ["provider_key_unknown", None])


if __name__ == "__main__":
    unittest.main()
