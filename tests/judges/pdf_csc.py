"""pyHanko's client of the Cloud Signature Consortium's API signs PDF documents by a keyring, against a running `sceau up` and a service provider beside it; then what an application must not get."""

import asyncio
import base64
import contextlib
import hashlib
import io
import itertools
import json
import os
import pathlib
import socket
import ssl
import subprocess
import tempfile
import time
import unittest
import urllib.error
import urllib.parse
import urllib.request

import aiohttp
from asn1crypto import pem, tsp, x509
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign import fields, signers, timestamps
from pyhanko.sign.signers.csc_signer import CSCAuthorizationManager, CSCServiceSessionInfo, CSCSigner, fetch_certs_in_csc_credential
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko_certvalidator import ValidationContext

from pdf_house import SCEAU, written
from stamp_authority import Authority

SHA256 = "2.16.840.1.101.3.4.2.1"
ECDSA = "1.2.840.10045.4.3.2"
PIN = "402917385516"
SECRETS = {"archive": "the secret of the archive", "other": "the secret of the other"}
PROVIDER = "5b1f6a0e-52f7-4d0c-9a35-6f5a5b0d0e04"
ORGANISATION = "5b1f6a0e-52f7-4d0c-9a35-6f5a5b0d0e01"
POLICY = "5b1f6a0e-52f7-4d0c-9a35-6f5a5b0d0e02"
POLICY_RSA = "5b1f6a0e-52f7-4d0c-9a35-6f5a5b0d0eff"


PORTS = itertools.count(os.getpid() * 97)


def free_ports(number: int) -> list[int]:
    """Ports that nobody listens on, below those that systems hand out by themselves: nothing takes one before the server for which it is meant does."""
    held = []
    while len(held) < number:
        with contextlib.suppress(OSError):
            held.append(socket.create_server(("127.0.0.1", 12000 + next(PORTS) % 20000)))
    ports = [one.getsockname()[1] for one in held]
    for one in held:
        one.close()
    return ports


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


class Holder:
    """Somebody with a terminal."""

    def __init__(self, house: "House", name: str, keyring: str, invitation: str, code: str, algorithm: str):
        self.house, self.keyring, self.folder = house, keyring, str(house.at / name)
        self.terminal("activate", "--invitation", invitation, "--code-file", code, "--pin-file", "pin")
        # A certificate shows at a first use, and the operator of the provider keeps it.
        asked = house.sceau("keyring", "request", *house.host, *house.provider, "--provider", PROVIDER, "--keyring", keyring, "--algorithm", algorithm, "--description", "A first use", "--file", "lease.pdf")
        self.terminal("sign", "--request", asked["request"], "--certificate", f"{name}.pem", "--pin-file", "pin")
        (house.credentials / f"{keyring}.pem").write_bytes((house.at / f"{name}.pem").read_bytes())

    def terminal(self, word: str, *more: str):
        return self.house.sceau("terminal", word, "--folder", self.folder, *self.house.host, *more)

    def waiting(self) -> str:
        """The request that waits, once there is one."""
        listed = self.terminal("pending", "--wait", "60")["requests"]
        assert len(listed) == 1, listed
        return listed[0]["request"]

    def agree(self, word: str = "sign"):
        return self.terminal(word, "--request", self.waiting(), "--pin-file", "pin")


class House(unittest.TestCase):
    """A running `sceau up`, a provider of services that serves CSC, and two holders: of P-256 and of RSA."""

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        data = pathlib.Path(folder.name) / "data"
        data.mkdir(mode=0o700)
        names = ["platform", "key_manager", "intake", "keyfront", "keyrings", "provider"]
        ports = dict(zip(names, free_ports(len(names)), strict=True))
        cls.port = ports.pop("provider")
        (data / "ports.json").write_text(json.dumps(ports))
        up = cls.start("up", "--data", str(data), "--demonstration")
        cls.at = pathlib.Path(up["demonstration"]["keyring"])
        cls.host = ["--at", up["keyrings"]["url"], "--anchors", "host.pem"]
        cls.provider = ["--element", "element.json", "--certificate", "sp.pem", "--key", "sp.key"]
        cls.private("pin", PIN)
        cls.credentials = cls.at / "credentials"
        cls.credentials.mkdir()
        cls.stamps = Authority(cls.at / "tsa")
        cls.addClassCleanup(cls.stamps.close)
        cls.tls = ssl.create_default_context(cafile=str(cls.at / "host.pem"))
        keyring = json.loads((cls.at / "keyring.json").read_text())["keyring"]
        cls.holder = Holder(cls, "p256", keyring, "invitation", "code", "ES256")
        cls.holder_rsa = cls.rsa(data)
        cls.serve(data)

    @classmethod
    def start(cls, *words: str) -> dict:
        process = subprocess.Popen([SCEAU, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

        def end():
            process.terminate()
            _, said = process.communicate(timeout=60)
            if os.environ.get("SHOW"):
                print(said)

        cls.addClassCleanup(end)
        line = process.stdout.readline()
        assert line, process.stderr.read()
        return json.loads(line)

    @classmethod
    def private(cls, name: str, text: str):
        path = cls.at / name
        path.touch(mode=0o600)
        path.write_text(text)

    @classmethod
    def sceau(cls, *words: str):
        ran = subprocess.run([SCEAU, *words], cwd=cls.at, capture_output=True, text=True)
        assert ran.returncode == 0, f"{words}: {ran.stdout} {ran.stderr}"
        return json.loads(ran.stdout) if ran.stdout.strip().startswith("{") else ran.stdout

    @classmethod
    def rsa(cls, data: pathlib.Path) -> Holder:
        """The officer publishes a second policy, of RSA, and lets the same actors act on it."""
        officer = ["--certificate", str(data / "keyrings/officer.pem"), "--key", str(data / "keyrings/officer.key")]
        show = ["keyring", "show", *cls.host, "--element", "element.json"]
        cls.sceau(*show, "--policy", POLICY, "--document", "policy.json")
        policy = json.loads((cls.at / "policy.json").read_text()) | {"policy": POLICY_RSA, "algorithm": "RS256", "name": "By RSA"}
        (cls.at / "rsa.json").write_text(json.dumps(policy))
        cls.sceau("keyring", "policy", *cls.host, *officer, "rsa.json")
        row = cls.sceau(*show, "--access", ORGANISATION, "--document", "access.json")
        (cls.at / "access.row").write_text(json.dumps(row))
        access = json.loads((cls.at / "access.json").read_text())
        for actor in access["actors"]:
            actor["policies"].append(POLICY_RSA)
        (cls.at / "access-2.json").write_text(json.dumps(access))
        cls.sceau("keyring", "access", *cls.host, *officer, "--follows", "access.row", "access-2.json")
        authority = [*cls.host, "--element", "element.json", "--certificate", "ra.pem", "--key", "ra.key"]
        files = ["--package", "rsa.package", "--invitation", "rsa.invitation", "--code", "rsa.code"]
        made = cls.sceau("keyring", "fabricate", *authority, "--policy", POLICY_RSA, *files)
        cls.sceau("keyring", "deliver", *authority, "--holder", "2", "--common-name", "Marie Curie", "--channel", "hand", "rsa.package")
        return Holder(cls, "rsa", made["keyring"], "rsa.invitation", "rsa.code", "RS256")

    @classmethod
    def serve(cls, data: pathlib.Path):
        clients = "".join(
            f'[[provider.clients]]\nid = "{name}"\nname = "Site {name}"\nauth = "client_secret_basic"\nsecret_sha256 = "{hashlib.sha256(secret.encode()).hexdigest()}"\n'
            'scopes = ["openid", "service"]\ngrants = ["ciba"]\n'
            for name, secret in SECRETS.items()
        )
        cls.private(
            "provider.toml",
            f'[provider]\nissuer = "https://localhost:{cls.port}"\nname = "Notaires"\nid = "{PROVIDER}"\ncertificate_file = "{cls.at}/sp.pem"\nkey_file = "{cls.at}/sp.key"\n'
            f'element_file = "{cls.at}/element.json"\nhost = "{cls.host[1]}"\nhost_ca_file = "{cls.at}/host.pem"\n{clients}'
            f'[provider.csc]\ncredentials_folder = "{cls.credentials}"\nregion = "FR"\nlogo = "https://example.org/logo.png"\nconsent_seconds = 120\n'
            f'stamp_authority = "{cls.stamps.url}"\nstamp_anchors_file = "{cls.at}/tsa/ca.pem"\n',
        )
        cls.start("serve", "provider", "--config", f"{cls.at}/provider.toml", "--data", f"{cls.at}/provider", "--listen", f"127.0.0.1:{cls.port}", "--tls", str(data / "keyrings/tls.pem"))
        cls.token = cls.logged_in("archive", cls.holder)
        cls.token_rsa = cls.logged_in("archive", cls.holder_rsa)

    @classmethod
    def post(cls, path: str, body: bytes, headers: dict) -> tuple[int, dict]:
        request = urllib.request.Request(f"https://localhost:{cls.port}{path}", body, headers)
        try:
            with urllib.request.urlopen(request, context=cls.tls) as answer:
                text = answer.read()
                return answer.status, json.loads(text) if text else {}
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())

    @classmethod
    def form(cls, client: str, path: str, **members: str) -> tuple[int, dict]:
        proof = b64(f"{client}:{urllib.parse.quote_plus(SECRETS[client])}".encode())
        headers = {"authorization": f"Basic {proof}", "content-type": "application/x-www-form-urlencoded"}
        return cls.post(path, urllib.parse.urlencode(members).encode(), headers)

    @classmethod
    def logged_in(cls, client: str, holder: Holder, scope: str = "openid service") -> str:
        status, began = cls.form(client, "/bc-authorize", scope=scope, login_hint=holder.keyring)
        assert status == 200, began
        holder.agree("authenticate")
        for _ in range(10):
            status, told = cls.form(client, "/token", grant_type="urn:openid:params:grant-type:ciba", auth_req_id=began["auth_req_id"])
            if status == 200:
                return told["access_token"]
            assert told["error"] in ("authorization_pending", "slow_down"), told
            # As often as the specification lets us.
            time.sleep(began["interval"])
        raise AssertionError(told)

    def call(self, method: str, members: dict, token: str | None = None) -> tuple[int, dict]:
        headers = {"authorization": f"Bearer {token or self.token}", "content-type": "application/json"}
        return self.post(f"/csc/v2/{method}", json.dumps(members).encode(), headers)

    def refused(self, method: str, members: dict, token: str | None = None) -> tuple[int, str, str]:
        status, told = self.call(method, members, token)
        return status, told.get("error"), told.get("error_description")

    def authorized(self, digests: list[bytes], token: str | None = None, **more) -> tuple[int, dict]:
        members = {"credentialID": self.holder.keyring, "numSignatures": len(digests), "hashes": [b64(one) for one in digests], "hashAlgorithmOID": SHA256}
        return self.call("credentials/authorize", members | more, token)

    def activation(self, handle: str, token: str | None = None) -> str:
        """Activation data, once the holder agreed."""
        status, told = self.polled("credentials/authorizeCheck", {"handle": handle}, token)
        self.assertEqual(status, 200, told)
        return told["SAD"]

    def polled(self, method: str, asked: dict, token: str | None = None) -> tuple[int, dict]:
        """What becomes of it, once it is no longer under way."""
        for _ in range(100):
            status, told = self.call(method, asked, token)
            if status != 202:
                return status, told
            time.sleep(0.3)
        raise AssertionError("the outcome never came")

    def agreed(self, hashes: list[bytes]) -> str:
        status, told = self.authorized(hashes)
        self.assertEqual(status, 202, told)
        self.holder.agree()
        return self.activation(told["handle"])

    def signing(self, sad: str, hashes: list[bytes], **more) -> dict:
        return {"credentialID": self.holder.keyring, "SAD": sad, "hashes": [b64(one) for one in hashes], "hashAlgorithmOID": SHA256, "signAlgo": ECDSA} | more

    def certificate(self, path: pathlib.Path) -> x509.Certificate:
        return x509.Certificate.load(pem.unarmor(path.read_bytes())[2])

    def judged(self, document: bytes, stamped: bool):
        """By pyHanko, by pdfsig, and by ours."""
        trusting = ValidationContext(trust_roots=[self.certificate(self.at / "authority.pem")])
        stamps = ValidationContext(trust_roots=[self.certificate(self.at / "tsa/ca.pem")])
        (signature,) = PdfFileReader(io.BytesIO(document)).embedded_regular_signatures
        said = validate_pdf_signature(signature, trusting, stamps)
        self.assertTrue(said.bottom_line and said.trusted, said.pretty_print_details())
        if stamped:
            self.assertTrue(said.timestamp_validity.trusted and said.timestamp_validity.valid)
        with tempfile.NamedTemporaryFile(suffix=".pdf") as file:
            file.write(document)
            file.flush()
            told = subprocess.run(["pdfsig", file.name], check=True, capture_output=True, text=True).stdout
            self.assertIn("Signature is Valid", told)
            ran = subprocess.run([SCEAU, "verify", file.name, "--anchors", "authority.pem", "--stamp-anchors", "tsa/ca.pem"], cwd=self.at, capture_output=True, text=True)
            self.assertEqual(ran.returncode, 0, ran.stdout + ran.stderr)


class OnTheTerminal(CSCAuthorizationManager):
    """Asks, has the holder agree on the terminal, and fetches the activation data."""

    def __init__(self, session, house: House, holder: Holder, info, credential):
        super().__init__(info, credential)
        self.session, self.house, self.holder = session, house, holder

    async def authorize_signature(self, hash_b64s):
        body = self.format_csc_auth_request(hash_b64s=hash_b64s, description="Le bail du 12 mars")
        async with self.session.post(self.csc_session_info.endpoint_url("credentials/authorize"), headers=self.auth_headers, json=body) as answer:
            assert answer.status == 202, await answer.text()
            handle = (await answer.json())["handle"]
        await asyncio.to_thread(self.holder.agree)
        while True:
            async with self.session.post(self.csc_session_info.endpoint_url("credentials/authorizeCheck"), headers=self.auth_headers, json={"handle": handle}) as answer:
                if answer.status == 200:
                    return self.parse_csc_auth_response(await answer.json())
                assert answer.status == 202, await answer.text()
            await asyncio.sleep(0.3)


class Signs(House):
    def test_pyhanko_signs_by_a_keyring(self):
        for holder, token in ((self.holder, self.token), (self.holder_rsa, self.token_rsa)):
            with self.subTest(keyring=holder.folder):
                self.judged(asyncio.run(self.by_pyhanko(holder, token)), stamped=True)

    async def by_pyhanko(self, holder: Holder, token: str) -> bytes:
        info = CSCServiceSessionInfo(f"https://localhost:{self.port}", holder.keyring, oauth_token=token, api_ver="v2")
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=self.tls)) as session:
            credential = await fetch_certs_in_csc_credential(session, info)
            self.assertTrue(credential.hash_pinning_required)
            signer = CSCSigner(session, OnTheTerminal(session, self, holder, info, credential))
            metadata = signers.PdfSignatureMetadata(field_name="Signature", subfilter=fields.SigSeedSubFilter.PADES, md_algorithm="sha256")
            stamper = timestamps.HTTPTimeStamper(self.stamps.url)
            pdf = signers.PdfSigner(metadata, signer=signer, timestamper=stamper)
            return (await pdf.async_sign_pdf(IncrementalPdfFileWriter(io.BytesIO(written())))).getvalue()

    def test_documents_are_signed_as_a_whole(self):
        for level in ("AdES-B-B", "AdES-B-T"):
            one = {"document": b64(written()), "signature_format": "P", "conformance_level": level, "signAlgo": ECDSA, "signed_envelope_property": "Revision"}
            status, told = self.call("signatures/signDoc", {"credentialID": self.holder.keyring, "documents": [one], "operationMode": "A"})
            self.assertEqual(status, 200, told)
            asked = {"requestID": told["responseID"]}
            self.assertEqual(self.refused("signatures/signPolling", asked)[:2], (202, "accepted_request"))
            self.holder.agree()
            status, told = self.polled("signatures/signPolling", asked)
            self.assertEqual(status, 200, told)
            self.judged(base64.b64decode(told["DocumentWithSignature"][0]), stamped=level.endswith("T"))
            self.assertEqual(self.refused("signatures/signPolling", asked), (400, "invalid_request", "Invalid parameter requestID"))
        for wrong, name in (({"signature_format": "C"}, "signature_format"), ({"conformance_level": "AdES-B-LTA"}, "conformance_level"), ({"signed_envelope_property": "Certification"}, "signed_envelope_property")):
            asked = {"credentialID": self.holder.keyring, "documents": [one | wrong], "operationMode": "A"}
            self.assertEqual(self.refused("signatures/signDoc", asked)[2], f"Invalid parameter {name}")

    def test_a_hash_is_stamped(self):
        digest = hashlib.sha256(b"x").digest()
        status, told = self.call("signatures/timestamp", {"hash": b64(digest), "hashAlgo": SHA256, "nonce": "00c0ffee"})
        self.assertEqual(status, 200, told)
        token = tsp.ContentInfo.load(base64.b64decode(told["timestamp"]))["content"]["encap_content_info"]["content"].parsed
        self.assertEqual(token["message_imprint"]["hashed_message"].native, digest)
        self.assertEqual(token["nonce"].native, 0xC0FFEE)

    def test_what_is_told_of_the_service_and_of_a_credential(self):
        status, told = self.post("/csc/v2/info", b"{}", {"content-type": "application/json"})
        self.assertEqual((status, told["oauth2Issuer"], told["name"]), (200, f"https://localhost:{self.port}", "Notaires"))
        _, listed = self.call("credentials/list", {"credentialInfo": True, "certificates": "chain", "certInfo": True, "authInfo": True})
        self.assertEqual(listed["credentialIDs"], [self.holder.keyring])
        (one,) = listed["credentialInfos"]
        self.assertEqual((one["SCAL"], one["key"]["algo"], one["auth"]["objects"][0]["type"]), ("2", [ECDSA], "ChallengeResponseOOB"))
        self.assertEqual(len(one["cert"]["certificates"]), 2)
        self.assertRegex(one["cert"]["validTo"], r"^20\d{12}Z$")
        challenge = {"credentialID": self.holder.keyring, "authObjectID": "terminal"}
        self.assertEqual(self.call("credentials/getChallenge", challenge), (204, {}))


class Attacks(House):
    def test_activation_data_is_good_for_what_the_holder_saw_and_once(self):
        one, two, three = (hashlib.sha256(word).digest() for word in (b"one", b"two", b"three"))
        sad = self.agreed([one, two])
        unauthorised = (400, "invalid_request", "Hash is not authorized by the SAD")
        self.assertEqual(self.refused("signatures/signHash", self.signing(sad, [three])), unauthorised)
        self.assertEqual(self.refused("signatures/signHash", self.signing(sad, [one, three])), unauthorised)
        # In the order that is asked for.
        key = self.certificate(self.at / "p256.pem").public_key
        status, told = self.call("signatures/signHash", self.signing(sad, [two, one]))
        self.assertEqual(status, 200, told)
        for digest, signature in zip((two, one), told["signatures"], strict=True):
            self.verifies(key, digest, base64.b64decode(signature))
        self.assertEqual(self.refused("signatures/signHash", self.signing(sad, [one])), unauthorised)
        extended = {"credentialID": self.holder.keyring, "SAD": sad, "hashes": [b64(three)], "hashAlgorithmOID": SHA256}
        self.assertEqual(self.refused("credentials/extendTransaction", extended), unauthorised)

    def test_one_consent_itemises_each_document(self):
        digests = [hashlib.sha256(word).digest() for word in (b"lease", b"annex")]
        listed = [{"hash": b64(one), "label": name} for one, name in zip(digests, ("Le bail.pdf", "Son annexe.pdf"), strict=True)]
        status, told = self.authorized(digests, hashes=None, documentDigests=listed, description="Le bail du 12 mars")
        self.assertEqual(status, 202, told)
        words = [*self.holder.house.host, "--request", self.holder.waiting(), "--pin-file", "pin"]
        shown = subprocess.run([SCEAU, "terminal", "sign", "--folder", self.holder.folder, *words], cwd=self.at, check=True, capture_output=True, text=True).stderr
        for text in ("Site archive", "Le bail du 12 mars", "Le bail.pdf", "Son annexe.pdf"):
            self.assertIn(text, shown)
        status, told = self.call("signatures/signHash", self.signing(self.activation(told["handle"]), digests, operationMode="A"))
        self.assertEqual(status, 200, told)
        asked = {"requestID": told["responseID"]}
        status, told = self.call("signatures/signPolling", asked)
        self.assertEqual((status, len(told["signatures"])), (200, 2))
        self.assertEqual(self.refused("signatures/signPolling", asked)[2], "Invalid parameter requestID")

    def verifies(self, key, digest: bytes, signature: bytes):
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import ec, utils

        public = serialization.load_der_public_key(key.dump())
        public.verify(signature, digest, ec.ECDSA(utils.Prehashed(hashes.SHA256())))

    def test_another_application_and_another_holder_have_nothing(self):
        digest = hashlib.sha256(b"mine").digest()
        status, told = self.authorized([digest])
        self.assertEqual(status, 202, told)
        other = self.logged_in_beside("other")
        unknown = (400, "invalid_request", "Invalid parameter handle")
        self.assertEqual(self.refused("credentials/authorizeCheck", told, other), unknown)
        self.assertEqual(self.refused("credentials/authorizeCheck", told, self.token_rsa), unknown)
        sad = self.activation(told["handle"])
        self.assertEqual(self.refused("signatures/signHash", self.signing(sad, [digest]), other)[2], "Invalid parameter SAD")
        self.assertEqual(self.refused("signatures/signHash", self.signing(sad, [digest]), self.token_rsa)[2], "Invalid parameter credentialID")
        self.assertEqual(self.refused("signatures/signHash", self.signing(self.token, [digest]))[2], "Invalid parameter SAD")
        self.assertEqual(self.call("signatures/signHash", self.signing(sad, [digest]))[0], 200)

    def logged_in_beside(self, client: str) -> str:
        """Of the same holder, while a request to sign waits, which is agreed to as well."""
        waiting = self.holder.waiting()
        _, began = self.form(client, "/bc-authorize", scope="openid service", login_hint=self.holder.keyring)
        listed = [one["request"] for one in self.holder.terminal("pending")["requests"]]
        (login,) = [one for one in listed if one != waiting] or [None]
        while login is None:
            listed = [one["request"] for one in self.holder.terminal("pending")["requests"]]
            login = next((one for one in listed if one != waiting), None)
        self.holder.terminal("authenticate", "--request", login, "--pin-file", "pin")
        self.holder.terminal("sign", "--request", waiting, "--pin-file", "pin")
        while True:
            time.sleep(began["interval"])
            status, told = self.form(client, "/token", grant_type="urn:openid:params:grant-type:ciba", auth_req_id=began["auth_req_id"])
            if status == 200:
                return told["access_token"]

    def test_a_holder_who_says_no_gives_nothing(self):
        status, told = self.authorized([hashlib.sha256(b"no").digest()])
        self.assertEqual(status, 202, told)
        self.holder.terminal("reject", "--request", self.holder.waiting())
        for _ in range(100):
            said = self.refused("credentials/authorizeCheck", told)
            if said[0] != 202:
                break
            time.sleep(0.3)
        self.assertEqual(said, (400, "access_denied", "The holder did not agree"))
        self.assertEqual(self.refused("credentials/authorizeCheck", told)[2], "Invalid parameter handle")

    def test_tokens_that_are_none_or_not_for_this(self):
        listed = ("credentials/list", {})
        self.assertEqual(self.post("/csc/v2/credentials/list", b"{}", {})[1]["error_description"], "Malformed authorization header")
        self.assertEqual(self.refused(*listed, "A" * 43)[:2], (401, "invalid_token"))
        login = self.logged_in("archive", self.holder, "openid")
        self.assertEqual(self.refused(*listed, login)[:2], (403, "invalid_scope"))
        revoked = self.logged_in("archive", self.holder)
        self.assertEqual(self.call(*listed, revoked)[0], 200)
        self.assertEqual(self.form("archive", "/revoke", token=revoked)[0], 200)
        self.assertEqual(self.refused(*listed, revoked)[:2], (401, "invalid_token"))

    def test_what_is_refused_at_the_door(self):
        digest = hashlib.sha256(b"x").digest()
        cases = [
            ({"credentialID": self.holder_rsa.keyring}, "Invalid parameter credentialID"),
            ({"credentialID": 1}, "Missing (or invalid type) string parameter credentialID"),
            ({"numSignatures": 2}, "Invalid value for parameter numSignatures"),
            ({"numSignatures": 0}, "Invalid value for parameter numSignatures"),
            ({"numSignatures": 11}, "Numbers of signatures is too high"),
            ({"hashes": [b64(b"short")]}, "Invalid digest value length"),
            ({"hashes": ["%"]}, "Invalid Base64 hash string parameter"),
            ({"hashAlgorithmOID": "1.3.14.3.2.26"}, "Invalid parameter hashAlgorithmOID"),
            ({"PIN": PIN}, "The authentication data is invalid"),
            ({"authData": [{"id": "terminal", "value": PIN}]}, "The authentication data is invalid"),
        ]
        for wrong, said in cases:
            with self.subTest(said=said):
                status, told = self.authorized([digest], **wrong)
                self.assertEqual((status, told["error_description"]), (400, said))
        named = {"hashes": None, "documentDigests": [{"hash": b64(digest), "label": "lease\u202efdp.exe"}]}
        _, told = self.authorized([digest], **named)
        self.assertTrue(told["error_description"].startswith("Invalid parameter label"), told)
        # A word that reads as another, or turns the reading round.
        for words in ("Pay\u202e 1", "p\u0430ypal"):
            _, told = self.authorized([digest], description=words)
            self.assertTrue(told["error_description"].startswith("Invalid parameter description"), told)
        self.assertEqual(self.holder.terminal("pending")["requests"], [], "nobody was asked")


if __name__ == "__main__":
    unittest.main()
