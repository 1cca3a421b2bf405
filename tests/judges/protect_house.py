"""The element and the keyfront as they are shipped, for who judges them, and what an outsider checks of their answers."""

import base64
import hashlib
import json
import os
import pathlib
import secrets
import socket
import subprocess
import tempfile
import urllib.error
import urllib.request
import uuid

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
import evidence
from protect_rows import Sqlite

PROGRAMS = pathlib.Path(os.environ.get("SCEAU_BIN", "target/debug"))
LOG = "judge.test/log"


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Element:
    """The element's socket, spoken as docs/element-operations.md says."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(str(path))
        self.reader = self.socket.makefile("rb")

    def ask(self, request):
        frame = json.dumps({"call": 1, "request": request}).encode()
        self.socket.sendall(len(frame).to_bytes(4, "big") + frame)
        length = int.from_bytes(self.reader.read(4), "big")
        return json.loads(self.reader.read(length))["response"]

    def attest(self, kind, row, document, proof, previous=None):
        payload = json.dumps(document).encode()
        proof = proof(kind, payload) if callable(proof) else proof
        asked = {"kind": kind, "id": row, "previous": previous, "payload": b64(payload), "proof": proof}
        answer = self.ask({"attest": asked})
        assert "attested" in answer, answer
        return answer["attested"]

    def close(self):
        self.reader.close()
        self.socket.close()


PLATFORM = {"type": "platform-asserted"}


class Passkey:
    """A passkey of an account: Ed25519, as WebAuthn has it."""

    def __init__(self):
        self.key, self.id = Ed25519PrivateKey.generate(), secrets.token_bytes(16)

    def cose(self):
        x = self.key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        return bytes.fromhex("a40101032720062158 20".replace(" ", "")) + x

    def prove(self, nonce, kind, payload):
        digest = hashlib.sha256(kind.encode() + b"\0" + payload).digest()
        challenge = hashlib.sha256(b"sceau/passkey-proof\0" + unb64(nonce) + digest).digest()
        client = {"type": "webauthn.get", "challenge": b64(challenge), "origin": "http://sceau.localhost:8080", "crossOrigin": False}
        client = json.dumps(client).encode()
        data = hashlib.sha256(b"sceau.localhost").digest() + b"\x05" + bytes(4)
        signature = self.key.sign(data + hashlib.sha256(client).digest())
        parts = {"credential_id": self.id, "authenticator_data": data, "client_data_json": client, "signature": signature}
        return {"type": "passkey", "nonce": nonce} | {name: b64(part) for name, part in parts.items()}


def enrol(element, role, organisation=None, by=PLATFORM):
    """A person with a passkey."""
    account, passkey = str(uuid.uuid4()), Passkey()
    document = {"v": 1, "account": account, "role": role, "organisation": organisation, "invitation_hash": None, "status": "active"}
    element.attest("account", account, document, by)
    credential = {
        "v": 1, "account": account, "credential_id": b64(passkey.id), "cose_key": b64(passkey.cose()),
        "rp_id": "sceau.localhost", "origin": "http://sceau.localhost:8080",
    }
    element.attest("credential", hashlib.sha256(passkey.id).hexdigest(), credential, PLATFORM)
    return passkey


class Files:
    """The element's keys in files, under a passphrase."""

    def __init__(self, at):
        (at / "passphrase").write_text("a passphrase that is long enough for a judge")
        (at / "passphrase").chmod(0o600)
        self.arguments, self.environment = ["--keystore-passphrase-file", at / "passphrase"], {}


class Token:
    """The element's keys in a token: SoftHSM's, which no other house has."""

    MODULE = "/usr/lib/softhsm/libsofthsm2.so"

    def __init__(self, at):
        (at / "tokens").mkdir(mode=0o700)
        (at / "softhsm2.conf").write_text(f"directories.tokendir = {at / 'tokens'}\nobjectstore.backend = file\nlog.level = ERROR\n")
        self.environment, pin = {"SOFTHSM2_CONF": str(at / "softhsm2.conf")}, secrets.token_hex(8)
        (at / "pin").write_text(pin)
        (at / "pin").chmod(0o600)
        made = ["softhsm2-util", "--init-token", "--free", "--label", "judge", "--so-pin", secrets.token_hex(8), "--pin", pin]
        subprocess.run(made, env=os.environ | self.environment, check=True, stdout=subprocess.DEVNULL)
        address = f"pkcs11:token=judge;object=element?module-path={self.MODULE}&pin-source=file:{at / 'pin'}"
        self.arguments = ["--keystore-token", address]
        self.pin = pin

    def objects(self):
        """What the token holds, as OpenSC's pkcs11-tool lists it: nothing of ours."""
        listed = ["pkcs11-tool", "--module", self.MODULE, "--token-label", "judge", "--login", "--pin", self.pin, "--list-objects"]
        return subprocess.run(listed, env=os.environ | self.environment, check=True, capture_output=True, text=True).stdout


class House:
    """An element, a keyfront, and an organisation with an administrator. `keys`: where the element keeps its keys; `rows`: where the keyfront keeps
    its rows; `element`: more of its options."""

    def __init__(self, keys=Files, rows=Sqlite, element=()):
        self.folder = tempfile.TemporaryDirectory()
        self.at = pathlib.Path(self.folder.name)
        self.at.chmod(0o700)
        self.keys, self.options = keys(self.at), element
        (self.at / "data").mkdir(mode=0o700)
        self.rows = rows(self.at)
        (self.at / "settings.toml").write_text("[protect]\n" + self.rows.settings)
        self.begin()
        element = Element(self.socket)
        asserted = lambda passkey: lambda kind, payload: passkey.prove(element.ask("nonce")["nonce"], kind, payload)
        admin = enrol(element, "platform_admin")
        self.organisation = str(uuid.uuid4())
        root = hashlib.sha256(b"a root that signs nothing here").hexdigest()
        document = {"v": 1, "organisation": self.organisation, "name": "Hôpital de Test", "root_fingerprint": root}
        element.attest("organisation", self.organisation, document, asserted(admin))
        self.administrator = enrol(element, "organisation_admin", self.organisation, asserted(admin))
        element.close()

    @property
    def socket(self):
        return self.at / "run" / "element.sock"

    def start(self, name, *arguments):
        program = self.launch(name, *arguments)
        return program, self.ready(name, program)

    def launch(self, name, *arguments):
        """Begins to start a program, by the thread that lives as long as it is to: it ends with it."""
        environment = os.environ | self.keys.environment
        with open(self.at / f"{name}.log", "ab") as log:
            return subprocess.Popen(arguments, env=environment, stdout=subprocess.PIPE, stderr=log)

    def ready(self, name, program):
        """What it says once it serves."""
        ready = program.stdout.readline()
        assert ready, (self.at / f"{name}.log").read_text()
        return json.loads(ready)

    def begin(self):
        self.element, told = self.start(
            "element", PROGRAMS / "sceau-element", "--state", self.at / "state", "--socket", self.socket, "--origin", LOG,
            *self.keys.arguments, "--protect-tenants", "1", "--epoch-overlap", "0", "--die-with-parent", *self.options,
        )
        self.keyfront, ready = self.start("keyfront", *self.serve("keyfront", self.at / "data"))
        self.url, self.audience, self.log_key = ready["url"], ready["audience"], told["log_key"]
        self.published_keys = told["published_keys"]

    def serve(self, role, data):
        """What starts a keyfront or a platform of this house; several may stand beside each other."""
        at = ("--config", self.at / "settings.toml", "--data", data, "--element", self.socket)
        return PROGRAMS / "sceau", "serve", role, *at, "--listen", "127.0.0.1:0", "--die-with-parent"

    def leave(self):
        """Ends for good."""
        self.end()
        self.rows.end()
        self.folder.cleanup()

    def end(self):
        for program in (self.keyfront, self.element):
            program.kill()
            program.wait()
            program.stdout.close()

    def post(self, path, body, kind="application/json", at=None):
        asked = urllib.request.Request((at or self.url) + path, data=body, headers={"content-type": kind})
        try:
            with urllib.request.urlopen(asked, timeout=30) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)

    def register(self, *keys, **members_beside):
        """An application with these keys (kid, alg, key, and `enc` of one that decrypts) and other members, by the passkey of the organisation's administrator."""
        application = str(uuid.uuid4())
        members = ("kty", "crv", "x", "y", "n", "e")
        public = lambda key: {name: value for name, value in key.as_dict(private=False).items() if name in members}
        of_use = lambda use: {"use": use[0]} if use else {}
        listed = [{"kid": kid, "alg": alg, "jwk": public(key), "status": "active"} | of_use(use) for kid, alg, key, *use in keys]
        document = {
            "v": 1, "application": application, "organisation": self.organisation, "name": "Dossiers", "keys": listed, "status": "active",
        }
        self.sign(document | members_beside)
        return application

    def sign(self, document, previous=None):
        """A version of an application, by the administrator's passkey. Gives what the next one names as `previous`."""
        payload = json.dumps(document).encode()
        nonce = self.post("/v1/protect/nonces", b"")[1]["nonce"]
        proof = self.administrator.prove(nonce, "application", payload)
        asked = json.dumps({"payload": b64(payload), "previous": previous, "proof": proof}).encode()
        status, answer = self.post("/v1/protect/applications", asked)
        assert status == 200, answer
        return {"version": answer["version"], "hash": answer["hash"]}


def answered(call, answer):
    """What the log has of an answer to a call (docs/protect-a-field.md, *Answers that are proven*)."""
    as_it_came = lambda part: json.dumps(part, ensure_ascii=False, separators=(",", ":")).encode()
    document = answer.get("document")
    parts = [
        unb64(answer["wrapped_key"]) if "wrapped_key" in answer else None,
        answer["data_key"].encode() if "data_key" in answer else None,
        hashlib.sha256(as_it_came(document)).digest() if document else None,
        *[as_it_came(answer[name]) if name in answer else None for name in ("accesses", "erasure")],
    ]
    told = b"".join(b"\xff" * 4 if part is None else len(part).to_bytes(4, "big") + part for part in parts)
    return hashlib.sha256(b"sceau/protect-answer\0" + hashlib.sha256(call.encode()).digest() + unb64(answer["datum"]) + told).hexdigest()


def prove(call, answer, application, log_key):
    """Raises unless the log has it that the element answered this call of the application so."""
    proven = evidence.verify(json.dumps(answer["proof"]), log_key)
    record = proven["record"]
    assert proven["index"] == answer["index"], "another record"
    assert (record["asserted"], record["outcome"], record["actor"]["id"]) == ("application", "granted", application), record
    assert record["detail"]["answer"] == answered(call, answer), "another answer"
    return record


def erasure(certificate, log_key):
    """What a certificate of erasure says, once the log has it: the records, as far as they open."""
    records = [evidence.verify(json.dumps(one), log_key) for one in certificate["evidence"]]
    said = [certificate[name] for name in ("erased", "destroyed") if certificate[name]]
    assert len(said) == len(records)
    for happened, action, one in zip(said, ("datum.erase", "epoch.end"), records):
        record = one["record"]
        assert (record["action"], record["outcome"], record["detail"]["epoch"]) == (action, "granted", str(certificate["epoch"])), record
        assert (record["organisation"], record["time"], one["index"]) == (certificate["organisation"], happened["time"], happened["index"])
    subjects = {it["kind"]: it["id"] for it in records[0]["record"]["subjects"]}
    assert subjects["datum"] == certificate["datum"] and subjects["user"].startswith("hmac:"), "it names the datum and nobody"
    return [one["record"] for one in records]
