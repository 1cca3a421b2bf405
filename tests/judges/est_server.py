"""An authority that certifies by EST (RFC 7030), for tests: HTTP and TLS are Python's, and all that an authority does is the `openssl` command's.

est_server.py FOLDER PORT

Makes its authorities in FOLDER where they are not there yet: root.pem, issuing.pem below it, server.pem for localhost. Who asks shows either the password in FOLDER/password (user `sceau`) or the
certificate in FOLDER/client.pem. FOLDER/mode says how it answers a request: issue, later (202), another-key, refuse. Each request is told on standard output.
"""

import base64
import json
import pathlib
import ssl
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

FOLDER = pathlib.Path(sys.argv[1])
LABEL = "holders"


def openssl(*words: str, given: bytes | None = None) -> bytes:
    done = subprocess.run(["openssl", *words], cwd=FOLDER, input=given, capture_output=True, check=False)
    if done.returncode != 0:
        raise ValueError(done.stderr.decode())
    return done.stdout


def certify(name: str, by: str, extensions: str) -> None:
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{name}.key"]
    (FOLDER / f"{name}.ext").write_text(extensions)
    openssl("req", "-new", *key, "-subj", f"/O=Outside/CN={name}", "-out", f"{name}.csr")
    signed = ["-signkey", f"{name}.key"] if by == name else ["-CA", f"{by}.pem", "-CAkey", f"{by}.key"]
    openssl("x509", "-req", "-in", f"{name}.csr", *signed, "-days", "900", "-extfile", f"{name}.ext", "-out", f"{name}.pem")


def begin() -> None:
    authority = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n"
    certify("root", "root", authority)
    certify("issuing", "root", authority)
    certify("server", "root", "basicConstraints=critical,CA:FALSE\nsubjectAltName=DNS:localhost\nextendedKeyUsage=serverAuth\n")
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj", "/CN=host",
            "-addext", "basicConstraints=critical,CA:FALSE", "-addext", "extendedKeyUsage=clientAuth", "-keyout", "client.key", "-out", "client.pem")
    openssl("ecparam", "-genkey", "-name", "prime256v1", "-noout", "-out", "another.key")
    openssl("pkey", "-in", "another.key", "-pubout", "-out", "another.pub")
    (FOLDER / "holder.ext").write_text("basicConstraints=critical,CA:FALSE\nkeyUsage=critical,nonRepudiation\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n")


def certs_only(*names: str) -> bytes:
    files = [word for name in names for word in ("-certfile", name)]
    return base64.encodebytes(openssl("crl2pkcs7", "-nocrl", "-outform", "DER", *files))


class Authority(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def certificates(self, *names: str) -> None:
        kind = "application/pkcs7-mime; smime-type=certs-only"
        self.answer(200, certs_only(*names), Content_Type=kind, Content_Transfer_Encoding="base64")

    def knows(self) -> str | None:
        """By what it knows who asks."""
        password = base64.b64encode(b"sceau:" + (FOLDER / "password").read_bytes().strip()).decode()
        if self.headers.get("Authorization") == f"Basic {password}":
            return "password"
        shown = self.connection.getpeercert(True)
        client = ssl.PEM_cert_to_DER_cert((FOLDER / "client.pem").read_text())
        return "certificate" if shown == client else None

    def do_GET(self) -> None:
        if self.path in ("/.well-known/est/cacerts", f"/.well-known/est/{LABEL}/cacerts"):
            return self.certificates("issuing.pem", "root.pem")
        return self.answer(404)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        mode, by = (FOLDER / "mode").read_text().strip(), self.knows()
        told = {"path": self.path, "mode": mode, "by": by, "kind": self.headers.get("Content-Type")}
        try:
            told["answered"] = self.enrol(body, mode, by)
        except ValueError as why:
            told["answered"] = f"400 {why}"
            self.answer(400)
        print(json.dumps(told), flush=True)

    def enrol(self, body: bytes, mode: str, by: str | None) -> int:
        if self.path != f"/.well-known/est/{LABEL}/simpleenroll":
            self.answer(404)
            return 404
        if by is None:
            self.answer(401, WWW_Authenticate='Basic realm="est"')
            return 401
        request = base64.b64decode(body)
        (FOLDER / "request.der").write_bytes(request)
        openssl("req", "-inform", "DER", "-in", "request.der", "-verify", "-noout")
        if mode == "later":
            self.answer(202, Retry_After="1")
            return 202
        if mode == "refuse":
            self.answer(400, b"no", Content_Type="text/plain")
            return 400
        other = ["-force_pubkey", "another.pub"] if mode == "another-key" else []
        openssl("x509", "-req", "-inform", "DER", "-in", "request.der", "-CA", "issuing.pem", "-CAkey", "issuing.key",
                "-days", "365", "-extfile", "holder.ext", *other, "-out", "holder.pem")
        self.certificates("holder.pem")
        return 200


if not (FOLDER / "root.pem").exists():
    begin()
server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[2])), Authority)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(FOLDER / "server.pem", FOLDER / "server.key")
context.verify_mode = ssl.CERT_OPTIONAL
context.load_verify_locations(FOLDER / "client.pem")
server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
port = server.server_address[1]
print(json.dumps({"ready": "est", "url": f"https://localhost:{port}", "port": str(port)}), flush=True)
server.serve_forever()
