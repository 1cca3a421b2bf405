"""WebSockets through a gate, by a library that is not ours on both sides (PyPI's websockets): it masks, fragments, compresses and closes as RFC 6455 says, and
minds whether the other side does."""

import json
import os
import pathlib
import ssl
import subprocess
import tempfile
import threading
import unittest

from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect
from websockets.sync.server import serve

PROGRAM = pathlib.Path(os.environ.get("SCEAU_BIN", "target/debug")) / "sceau"
LARGE = 8 << 20
SETTINGS = """
[req]
distinguished_name = none
[none]
[ca]
default_ca = one
[one]
database = index
crlnumber = number
default_md = sha256
default_crl_days = 7
[root]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
[server]
basicConstraints = CA:FALSE
extendedKeyUsage = serverAuth
subjectAltName = DNS:localhost
[client]
basicConstraints = CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = clientAuth
"""


class Service:
    """Behind the gate, and no part of it."""

    def __init__(self):
        self.closed, self.ended = {}, threading.Event()
        self.server = serve(self.attend, "127.0.0.1", 0, max_size=None, subprotocols=["notes"])
        self.port = self.server.socket.getsockname()[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def attend(self, websocket):
        path = websocket.request.path
        if path == "/ws/who":
            websocket.send(json.dumps([[name.lower(), value] for name, value in websocket.request.headers.raw_items()]))
        elif path == "/ws/goodbye":
            websocket.close(4001, "theirs: à bientôt")
        elif path == "/ws/push":
            # Both ways at once: what is sent here does not wait for what is read.
            websocket.send(bytes(LARGE))
        elif path == "/ws/pieces":
            websocket.send(iter(["un", " ", "deux"]))
        elif path == "/ws/ping":
            websocket.ping("are you there").wait(20)
            websocket.send("you are")
        try:
            for message in websocket:
                websocket.send(message)
        except ConnectionClosed:
            pass
        finally:
            self.closed[path] = (websocket.close_code, websocket.close_reason)
            self.ended.set()


class Gate(unittest.TestCase):
    @classmethod
    def openssl(cls, words, *more):
        subprocess.run(["openssl", *words.split(), *more], cwd=cls.at, check=True, capture_output=True)

    @classmethod
    def list(cls):
        """Another list, put in its place whole."""
        cls.openssl("ca -config ca.cnf -gencrl -cert root.pem -keyfile root.key -out aside.crl")
        (cls.at / "aside.crl").rename(cls.at / "root.crl")

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.at = pathlib.Path(cls.folder.name)
        for file, text in (("ca.cnf", SETTINGS), ("index", ""), ("number", "01\n")):
            (cls.at / file).write_text(text)
        for name, above in (("root", ""), ("server", "root"), ("client", "root"), ("leaving", "root")):
            section = name if name != "leaving" else "client"
            words = f"req -x509 -config ca.cnf -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -extensions {section}"
            signed = f" -CA {above}.pem -CAkey {above}.key" if above else ""
            cls.openssl(f"{words} -keyout {name}.key -out {name}.pem{signed} -subj /CN={name}")
            (cls.at / f"{name}.key").chmod(0o600)
        cls.list()
        cls.service = Service()
        (cls.at / "gate.toml").write_text(f"""
[[listener]]
address = "127.0.0.1:0"
certificate = "server.pem"
key = "server.key"
[[listener.route]]
path = "/ws/"
upstream = "http://127.0.0.1:{cls.service.port}"
clients = "all"
[clients.all]
anchors = ["root.pem"]
revocation_lists = ["root.crl"]
""")
        arguments = [PROGRAM, "gate", "run", "--die-with-parent", "--config", cls.at / "gate.toml"]
        cls.gate = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        cls.address = json.loads(cls.gate.stdout.readline())["addresses"][0].replace("127.0.0.1", "localhost")

    @classmethod
    def tearDownClass(cls):
        cls.gate.terminate()
        cls.gate.wait()
        cls.gate.stdout.close()
        cls.service.server.shutdown()
        cls.folder.cleanup()

    def open(self, path, who="client", **more):
        trust = ssl.create_default_context(cafile=self.at / "root.pem")
        if who:
            trust.load_cert_chain(self.at / f"{who}.pem", self.at / f"{who}.key")
        more = {"subprotocols": ["notes"]} | more
        return connect(f"wss://{self.address}{path}", ssl=trust, max_size=None, open_timeout=20, **more)

    def end_at_service(self, path):
        """The code and reason with which one of this path ended there, once it has."""
        while path not in self.service.closed:
            self.assertTrue(self.service.ended.wait(20), "the service reads no end")
            self.service.ended.clear()
        return self.service.closed[path]

    def test_messages_of_each_kind_and_size_come_back(self):
        large = os.urandom(LARGE)
        for compression in ("deflate", None):
            with self.open("/ws/echo", compression=compression, subprotocols=["others", "notes"]) as websocket:
                self.assertEqual(websocket.subprotocol, "notes")
                self.assertEqual(bool(websocket.protocol.extensions), compression is not None)
                # The lengths of a frame are told in one, three and nine octets (RFC 6455 §5.2).
                for message in ("", "é", b"", b"\0", "x" * 125, "x" * 126, "x" * 65_535, "x" * 65_536, large):
                    websocket.send(message)
                    self.assertEqual(websocket.recv(timeout=60), message)
                websocket.send(iter(["in", " three ", "pieces"]))
                self.assertEqual(websocket.recv(timeout=20), "in three pieces")
                self.assertTrue(websocket.ping("here").wait(20), "no pong")

    def test_both_sides_send_at_once(self):
        with self.open("/ws/push", compression=None) as websocket:
            large = os.urandom(LARGE)
            sending = threading.Thread(target=websocket.send, args=(large,))
            sending.start()
            self.assertEqual(websocket.recv(timeout=60), bytes(LARGE))
            self.assertEqual(websocket.recv(timeout=60), large)
            sending.join()

    def test_the_service_begins_too(self):
        with self.open("/ws/pieces") as websocket:
            self.assertEqual(list(websocket.recv_streaming()), ["un", " ", "deux", ""])
        with self.open("/ws/ping") as websocket:
            self.assertEqual(websocket.recv(timeout=20), "you are")

    def test_either_side_ends_it_and_the_other_reads_why(self):
        with self.open("/ws/goodbye") as websocket:
            with self.assertRaises(ConnectionClosed) as ended:
                websocket.recv(timeout=20)
        self.assertEqual((ended.exception.rcvd.code, ended.exception.rcvd.reason), (4001, "theirs: à bientôt"))
        with self.open("/ws/ours") as websocket:
            websocket.send("one")
            self.assertEqual(websocket.recv(timeout=20), "one")
            websocket.close(4002, "ours")
        self.assertEqual(self.end_at_service("/ws/ours"), (4002, "ours"))

    def test_the_service_reads_who_it_is_and_others_are_refused(self):
        with self.open("/ws/who", additional_headers={"Client-Cert": ":bGll:"}) as websocket:
            told = [value for name, value in json.loads(websocket.recv(timeout=20)) if name == "client-cert"]
        self.assertEqual(len(told), 1)
        self.assertTrue(told[0].startswith(":MII"), told)
        with self.assertRaises(InvalidStatus) as refused:
            self.open("/ws/echo", who=None)
        answer = refused.exception.response
        self.assertEqual((answer.status_code, answer.headers["sceau-code"]), (401, "certificate_missing"))

    def test_who_is_taken_back_is_cut_off_and_nobody_else(self):
        with self.open("/ws/stays") as stays, self.open("/ws/leaves", who="leaving") as leaves:
            for websocket in (stays, leaves):
                websocket.send("here")
                self.assertEqual(websocket.recv(timeout=20), "here")
            self.openssl("ca -config ca.cnf -revoke leaving.pem -cert root.pem -keyfile root.key")
            self.list()
            with self.assertRaises(ConnectionClosed) as ended:
                leaves.recv(timeout=20)
            self.assertIsNone(ended.exception.rcvd, "it is cut, not closed by the service")
            self.assertEqual(self.end_at_service("/ws/leaves")[0], 1006, "the service is not left with half of it")
            stays.send("still here")
            self.assertEqual(stays.recv(timeout=20), "still here")
        with self.assertRaises(InvalidStatus) as refused:
            self.open("/ws/echo", who="leaving")
        self.assertEqual(refused.exception.response.headers["sceau-code"], "certificate_revoked")


if __name__ == "__main__":
    unittest.main()
