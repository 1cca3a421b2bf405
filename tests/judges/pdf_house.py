"""An authority, its list and signers, made by OpenSSL; documents of others; and `sceau`, run on them."""

import io
import json
import os
import pathlib
import subprocess
import tempfile
import unittest

import pikepdf
from asn1crypto import pem, x509
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko_certvalidator import ValidationContext
from reportlab.pdfgen import canvas

SCEAU = str(pathlib.Path(os.environ["SCEAU_BIN"]) / "sceau")
KEYS = {"p256": ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"], "rsa": ["-newkey", "rsa:2048"]}
CONFIGURATION = """[ca]
default_ca = c
[c]
database = index
unique_subject = no
serial = serial
new_certs_dir = .
certificate = ca.pem
private_key = ca.key
default_md = sha256
policy = p
x509_extensions = e
default_days = 30
default_crl_days = 7
crl_extensions = r
[p]
commonName = supplied
[r]
authorityKeyIdentifier = keyid
[e]
basicConstraints = CA:false
keyUsage = critical,digitalSignature,nonRepudiation
authorityKeyIdentifier = keyid
subjectKeyIdentifier = hash
"""


def written(pages: int = 3) -> bytes:
    """By reportlab: a table of cross-references."""
    out = io.BytesIO()
    drawn = canvas.Canvas(out)
    for page in range(pages):
        drawn.drawString(72, 700, f"Page {page + 1} of the lease")
        drawn.showPage()
    drawn.save()
    return out.getvalue()


def rewritten(document: bytes, **how) -> bytes:
    """By qpdf: streams of objects, linearized, encrypted."""
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(document)) as opened:
        opened.save(out, **how)
    return out.getvalue()


def documents() -> dict[str, bytes]:
    plain = written()
    return {
        "table": plain,
        "streams": rewritten(plain, object_stream_mode=pikepdf.ObjectStreamMode.generate),
        "linear": rewritten(plain, linearize=True),
        "linear streams": rewritten(plain, linearize=True, object_stream_mode=pikepdf.ObjectStreamMode.generate),
    }


class House(unittest.TestCase):
    """A folder with an authority `ca.pem`, its list `ca.crl`, and signers of both kinds."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.at = pathlib.Path(folder.name)
        (self.at / "ca.cnf").write_text(CONFIGURATION)
        (self.at / "index").touch()
        (self.at / "serial").write_text("1000\n")
        self.openssl("req", "-x509", *KEYS["p256"], "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=Root", "-days", "90", "-addext", "keyUsage=critical,keyCertSign,cRLSign")
        for name, key in KEYS.items():
            self.openssl("req", *key, "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", "/CN=Marie Curie")
            os.chmod(self.at / f"{name}.key", 0o600)
            self.openssl("ca", "-config", "ca.cnf", "-batch", "-notext", "-in", f"{name}.csr", "-out", f"{name}.pem")
        self.openssl("ca", "-config", "ca.cnf", "-gencrl", "-out", "ca.crl")

    def openssl(self, *words: str) -> str:
        return subprocess.run(["openssl", *words], cwd=self.at, check=True, capture_output=True, text=True).stdout

    def sceau(self, *words: str) -> tuple[int, str]:
        ran = subprocess.run([SCEAU, *words, "--json"], cwd=self.at, capture_output=True, text=True)
        return ran.returncode, ran.stdout or json.loads(ran.stderr.splitlines()[-1])["code"]

    def sign(self, name: str, to: str, key: str = "p256", *more: str) -> tuple[int, str]:
        return self.sceau("sign", name, "--certificate", f"{key}.pem", "--key", f"{key}.key", "-o", to, *more)

    def signed(self, name: str, to: str, key: str = "p256", *more: str):
        code, said = self.sign(name, to, key, *more)
        self.assertEqual(code, 0, said)
        self.assertTrue((self.at / to).read_bytes().startswith((self.at / name).read_bytes()), "a byte that was there was changed")
        subprocess.run(["qpdf", "--check", self.at / to], check=True, capture_output=True)

    def verified(self, name: str, *more: str) -> tuple[int, list]:
        ran = subprocess.run([SCEAU, "verify", name, "--anchors", "ca.pem", "--json", *more], cwd=self.at, capture_output=True, text=True)
        self.assertTrue(ran.stdout, ran.stderr)
        return ran.returncode, json.loads(ran.stdout)["signatures"]

    def certificate(self, name: str) -> x509.Certificate:
        return x509.Certificate.load(pem.unarmor((self.at / name).read_bytes())[2])

    def reader(self, name: str) -> PdfFileReader:
        return PdfFileReader(io.BytesIO((self.at / name).read_bytes()))

    def pyhanko(self, name: str, *stamp_roots: str) -> list:
        """What pyHanko says of each signature."""
        trusting = ValidationContext(trust_roots=[self.certificate("ca.pem")])
        stamps = ValidationContext(trust_roots=[self.certificate(root) for root in stamp_roots]) if stamp_roots else None
        all = self.reader(name).embedded_regular_signatures
        return [validate_pdf_signature(one, trusting, stamps) for one in all]

    def pdfsig(self, name: str) -> str:
        return subprocess.run(["pdfsig", self.at / name], check=True, capture_output=True, text=True).stdout
