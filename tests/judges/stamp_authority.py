"""An authority of time stamps (RFC 3161): OpenSSL behind HTTP."""

import http.server
import pathlib
import subprocess
import threading

CONFIGURATION = """[tsa]
default_tsa = t
[t]
serial = serial
signer_cert = tsa.pem
certs = ca.pem
signer_key = tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
clock_precision_digits = 3
ess_cert_id_alg = sha256
"""


class Authority:
    """Answers over HTTP with what `openssl ts` makes; `replay` is an old response to answer with."""

    def __init__(self, folder: pathlib.Path):
        self.folder, self.replay, self.last = folder, None, b""
        folder.mkdir()
        key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        (folder / "usage").write_text("extendedKeyUsage=critical,timeStamping\n")
        (folder / "ts.cnf").write_text(CONFIGURATION)
        (folder / "serial").write_text("01\n")
        self.openssl("req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=Root", "-days", "30")
        self.openssl("req", *key, "-keyout", "tsa.key", "-out", "tsa.csr", "-subj", "/CN=Clock")
        self.openssl("x509", "-req", "-in", "tsa.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-out", "tsa.pem", "-days", "20", "-extfile", "usage")
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                assert self.headers["content-type"] == "application/timestamp-query"
                (folder / "query").write_bytes(self.rfile.read(int(self.headers["content-length"])))
                outer.openssl("ts", "-reply", "-config", "ts.cnf", "-queryfile", "query", "-out", "reply")
                outer.last = (folder / "reply").read_bytes()
                body = outer.replay or outer.last
                self.send_response(200)
                self.send_header("content-type", "application/timestamp-reply")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def openssl(self, *words: str) -> str:
        return subprocess.run(["openssl", *words], cwd=self.folder, check=True, capture_output=True, text=True).stdout

    def close(self):
        self.server.shutdown()
        self.server.server_close()
