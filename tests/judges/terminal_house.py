"""A running `sceau up` with keyrings, bindings of the terminal's SDK as UniFFI's own generator makes them, and a shell in Python: its keys are SoftHSM's, and do not leave it."""

import hashlib
import importlib
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import unittest

BIN = pathlib.Path(os.environ["SCEAU_BIN"])
SCEAU = str(BIN / "sceau")
ROOT = pathlib.Path(__file__).resolve().parents[2]
GENERATOR = pathlib.Path(sys.executable).parent / "uniffi-bindgen"
LIBRARY = "libsceau_terminal_sdk.so"
MODULE = "/usr/lib/softhsm/libsofthsm2.so"
PIN = "402917385516"
POLICY = "5b1f6a0e-52f7-4d0c-9a35-6f5a5b0d0e02"
PROVIDER = "5b1f6a0e-52f7-4d0c-9a35-6f5a5b0d0e04"

_made = tempfile.TemporaryDirectory()
MADE = pathlib.Path(_made.name)


def library() -> pathlib.Path:
    """The SDK, as the build of the house left it."""
    found = [BIN / LIBRARY, *sorted((BIN / "deps").glob(LIBRARY), key=lambda one: one.stat().st_mtime)]
    there = [one for one in found if one.exists()]
    assert there, f"{LIBRARY} was not built: cargo build -p sceau-terminal-sdk"
    return max(there, key=lambda one: one.stat().st_mtime)


def generate(language: str) -> pathlib.Path:
    """The bindings of a language, in a folder of their own."""
    out = MADE / language
    words = [GENERATOR, "generate", "--metadata-no-deps", "--no-format", "--language", language, "--out-dir", out, library()]
    ran = subprocess.run(words, cwd=ROOT, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return out


def bindings():
    """The SDK in Python."""
    out = generate("python")
    shutil.copy(library(), out / LIBRARY)
    sys.path.insert(0, str(out))
    return importlib.import_module("sceau_terminal")


# One token for all tests: SoftHSM reads its settings when it is first loaded.
(MADE / "tokens").mkdir(mode=0o700)
(MADE / "softhsm.conf").write_text(f"directories.tokendir = {MADE}/tokens\nobjectstore.backend = file\nlog.level = ERROR\n")
os.environ["SOFTHSM2_CONF"] = str(MADE / "softhsm.conf")
for label in ("phone", "tablet"):
    subprocess.run(["softhsm2-util", "--init-token", "--free", "--label", label, "--pin", "2468", "--so-pin", "13579"], check=True, capture_output=True)

import pkcs11  # noqa: E402
from pkcs11.util.ec import encode_ec_public_key, encode_ecdsa_signature, encode_named_curve_parameters  # noqa: E402

sdk = bindings()
HSM = pkcs11.lib(MODULE)
SESSIONS = {label: HSM.get_token(token_label=label).open(rw=True, user_pin="2468") for label in ("phone", "tablet")}


class Key(sdk.HardwareKey):
    """A key in a token: sensitive, not extractable, known by its label."""

    def __init__(self, label: str, token: str = "phone"):
        self.session, self.label, self.signed = SESSIONS[token], label, 0

    def objects(self) -> list:
        return list(self.session.get_objects({pkcs11.Attribute.LABEL: self.label}))

    def private(self):
        return self.session.get_key(pkcs11.ObjectClass.PRIVATE_KEY, label=self.label)

    def make(self) -> bytes:
        self.destroy()
        curve = self.session.create_domain_parameters(pkcs11.KeyType.EC, {pkcs11.Attribute.EC_PARAMS: encode_named_curve_parameters("secp256r1")}, local=True)
        kept = {pkcs11.Attribute.SENSITIVE: True, pkcs11.Attribute.EXTRACTABLE: False}
        public, _ = curve.generate_keypair(store=True, label=self.label, private_template=kept)
        return encode_ec_public_key(public)

    def public_key(self) -> bytes | None:
        of = {pkcs11.Attribute.LABEL: self.label, pkcs11.Attribute.CLASS: pkcs11.ObjectClass.PUBLIC_KEY}
        for public in self.session.get_objects(of):
            return encode_ec_public_key(public)
        return None

    def sign(self, message: bytes) -> bytes:
        self.signed += 1
        raw = self.private().sign(hashlib.sha256(message).digest(), mechanism=pkcs11.Mechanism.ECDSA)
        return encode_ecdsa_signature(raw)

    def destroy(self):
        for one in self.objects():
            one.destroy()


class Folder(sdk.SecureStorage):
    """Files."""

    def __init__(self, at: pathlib.Path):
        self.at = at
        at.mkdir(exist_ok=True)

    def name(self) -> str:
        return str(self.at)

    def read(self, name: str) -> bytes | None:
        path = self.at / name
        return path.read_bytes() if path.exists() else None

    def write(self, name: str, bytes: bytes):
        (self.at / name).write_bytes(bytes)

    def remove(self, name: str):
        (self.at / name).unlink(missing_ok=True)

    def names(self) -> list[str]:
        return [one.name for one in self.at.iterdir()]


class Device(sdk.Surroundings):
    """What the system would say."""

    def __init__(self, number: str = "7"):
        self.number, self.signals, self.knows_holder = number, [], False

    def environment(self):
        facts = [sdk.Fact(name="device", value=self.number), sdk.Fact(name="program", value="judge")]
        return sdk.Environment(facts=facts, signals=list(self.signals), knows_holder=self.knows_holder)


def typed(pin: str = PIN):
    """A keypad on which this was touched, by places."""
    pad = sdk.Keypad()
    order = list(pad.digits())
    for digit in pin:
        pad.press(order.index(int(digit)))
    return pad


def seen(request):
    """All of it is shown."""
    for part in request.shown().parts:
        request.seen(part)
    return request


def free_ports(number: int) -> list[int]:
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    ports = [one.getsockname()[1] for one in held]
    for one in held:
        one.close()
    return ports


class House(unittest.TestCase):
    """A running `sceau up --demonstration`, whose officer, authority and provider act by the command line."""

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        data = pathlib.Path(folder.name) / "data"
        data.mkdir(mode=0o700)
        names = ["platform", "key_manager", "intake", "keyfront", "keyrings"]
        (data / "ports.json").write_text(json.dumps(dict(zip(names, free_ports(len(names)), strict=True))))
        up = cls.start("up", "--data", str(data), "--demonstration")
        cls.at, cls.data = pathlib.Path(up["demonstration"]["keyring"]), data
        cls.host = ["--at", up["keyrings"]["url"], "--anchors", "host.pem"]
        cls.provider = ["--element", "element.json", "--certificate", "sp.pem", "--key", "sp.key"]
        cls.authority = ["--element", "element.json", "--certificate", "ra.pem", "--key", "ra.key"]

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
    def sceau(cls, *words: str) -> dict:
        ran = subprocess.run([SCEAU, *words], cwd=cls.at, capture_output=True, text=True)
        assert ran.returncode == 0, f"{words}: {ran.stdout} {ran.stderr}"
        return json.loads(ran.stdout) if ran.stdout.strip().startswith("{") else {}

    @classmethod
    def publish(cls, **other):
        """The demonstration's policy with these members, in its officer's word: keyrings that are made afterwards follow it."""
        row = cls.sceau("keyring", "show", *cls.host, "--element", "element.json", "--policy", POLICY, "--document", "policy.json")
        (cls.at / "policy.row").write_text(json.dumps(row))
        document = json.loads((cls.at / "policy.json").read_text())
        (cls.at / "policy-2.json").write_text(json.dumps({**document, **other}))
        (key,) = cls.data.rglob("officer.key")
        officer = ["--certificate", str(key.with_suffix(".pem")), "--key", str(key)]
        cls.sceau("keyring", "policy", *cls.host, *officer, "--follows", "policy.row", "policy-2.json")

    @classmethod
    def handed(cls, name: str) -> str:
        """A keyring that was handed over; its invitation and code are named after it."""
        files = [word for kind in ("package", "invitation", "code") for word in (f"--{kind}", f"{name}.{kind}")]
        made = cls.sceau("keyring", "fabricate", *cls.host, *cls.authority, "--policy", POLICY, *files)
        cls.sceau("keyring", "deliver", *cls.host, *cls.authority, "--holder", name, "--common-name", "Marie Curie", "--channel", "hand", f"{name}.package")
        return made["keyring"]

    def shell(self, name: str, device=None, token: str = "phone"):
        return sdk.Shell(storage=Folder(self.at / f"{name}.kept"), key=Key(name.split("-")[0], token), surroundings=device or Device())

    def terminal(self, shell):
        anchors = (self.at / "host.pem").read_text()
        return sdk.Terminal(sdk.Host(address=self.host[1], anchors=anchors), shell)

    def begun(self, terminal, name: str):
        return terminal.activate((self.at / f"{name}.invitation").read_text(), (self.at / f"{name}.code").read_text(), None)

    def activated(self, name: str):
        """A keyring's id, the terminal that it was activated on, and its shell."""
        keyring, shell = self.handed(name), self.shell(name)
        terminal = self.terminal(shell)
        self.begun(terminal, name).choose(typed(), typed())
        return keyring, terminal, shell

    def ask(self, keyring: str, *more: str) -> str:
        """What the provider asks; the id of it."""
        what = more or ("--file", "lease.pdf")
        words = ["--provider", PROVIDER, "--keyring", keyring, "--description", "Le bail du 12 mars\n\n1 250 € par mois", *what]
        return self.sceau("keyring", "request", *self.host, *self.provider, *words)["request"]

    def outcome(self, request: str, *more: str) -> str:
        return self.sceau("keyring", "outcome", *self.host, *self.provider, "--request", request, *more)["state"]

    def refused(self, kind, code: str, does):
        """That this is not done, who says so, and the code."""
        with self.assertRaises(kind) as caught:
            does()
        self.assertEqual(caught.exception.code, code, caught.exception.detail)
        return caught.exception
