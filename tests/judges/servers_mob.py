"""Mon Compte Mobilité's API and identity provider, as far as a key manager meets them, for tests. Written from the description of the
interface, with nothing of ours.

Usage: servers_mob.py CLIENT_ID CLIENT_SECRET FUNDER...
Says {"ready": "mob", "port": N} and obeys lines on its standard input, each answered by one line of JSON:
  well | away N (503 to the next N PUTs) | refuse N (422 to the next N PUTs) | expire (ends every token) | no-hr (no funder has an HR system) |
  keys (what was taken, by funder, in order) | complaints (what was wrong in requests that were refused)
"""

import base64
import datetime
import http.server
import json
import re
import secrets
import sys
import threading
import urllib.parse
import uuid

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_pem_public_key

TOKEN_PATH = "/auth/realms/mcm/protocol/openid-connect/token"
KEY_PATH = re.compile(r"^/v1/funders/([^/]+)/encryption_key$")
REQUIRED = {"id", "version", "publicKey", "expirationDate", "lastUpdateDate"}


class Mob:
    def __init__(self, client, secret, funders):
        self.client, self.secret, self.funders = client, secret, set(funders)
        self.lock = threading.Lock()
        self.tokens, self.keys, self.complaints = set(), {}, []
        self.mood, self.left, self.hr = "well", 0, True

    def token(self, authorization, form):
        sent = {name: values[0] for name, values in form.items()}
        client, secret = sent.get("client_id"), sent.get("client_secret")
        if authorization and authorization.startswith("Basic "):
            client, _, secret = base64.b64decode(authorization[6:]).decode().partition(":")
        if sent.get("grant_type") != "client_credentials":
            return 400, {"error": "unsupported_grant_type"}
        if (client, secret) != (self.client, self.secret):
            return 401, {"error": "unauthorized_client"}
        token = secrets.token_urlsafe(24)
        self.tokens.add(token)
        return 200, {"access_token": token, "expires_in": 300, "token_type": "Bearer"}

    def put(self, funder, authorization, media, body):
        if self.left > 0 and self.mood in ("away", "refuse"):
            self.left -= 1
            return 503 if self.mood == "away" else 422
        if not authorization or authorization.removeprefix("Bearer ") not in self.tokens:
            return 401
        if funder not in self.funders:
            return 404
        try:
            assert media == "application/json", "media type " + str(media)
            key = json.loads(body)
            self.check(key)
        except (AssertionError, ValueError, TypeError, KeyError) as wrong:
            self.complaints.append(str(wrong) or repr(wrong))
            return 422
        self.keys.setdefault(funder, []).append(key)
        return 204

    def check(self, key):
        allowed = REQUIRED | {"privateKeyAccess"}
        assert REQUIRED <= set(key) <= allowed, "fields " + ",".join(sorted(key))
        assert str(uuid.UUID(key["id"])) == key["id"], "id"
        assert type(key["version"]) is int and key["version"] >= 1, "version"
        public = load_pem_public_key(key["publicKey"].encode())
        assert key["publicKey"].startswith("-----BEGIN PUBLIC KEY-----\n"), "no SubjectPublicKeyInfo in PEM"
        assert isinstance(public, rsa.RSAPublicKey) and public.key_size == 2048, "not RSA of 2048 bits"
        form = "%Y-%m-%dT%H:%M:%SZ"
        ends, updated = (datetime.datetime.strptime(key[n], form) for n in ("expirationDate", "lastUpdateDate"))
        assert datetime.timedelta(0) < ends - updated <= datetime.timedelta(days=184), "dates"
        access = key.get("privateKeyAccess")
        assert access is not None or self.hr, "privateKeyAccess may be absent only where there is an HR system"
        if access is not None:
            assert set(access) == {"loginURL", "getKeyURL"}, "privateKeyAccess"
            login, get = (urllib.parse.urlsplit(access[n]) for n in ("loginURL", "getKeyURL"))
            assert login.scheme == get.scheme == "https" and login.netloc == get.netloc, "one Vault over TLS"
            assert login.path == "/v1/auth/cert/login", "loginURL"
            assert re.fullmatch(r"/v1/transit/export/encryption-key/[^/]+/%d" % key["version"], get.path), "getKeyURL"

    def obey(self, order):
        word, _, number = order.partition(" ")
        with self.lock:
            if word == "keys":
                return self.keys
            if word == "complaints":
                return self.complaints
            if word == "expire":
                self.tokens.clear()
            elif word == "no-hr":
                self.hr = False
            else:
                self.mood, self.left = word, int(number or 0)
            return "done"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def body(self):
        return self.rfile.read(int(self.headers.get("content-length") or 0))

    def answer(self, status, document=None):
        content = b"" if document is None else json.dumps(document).encode()
        self.send_response(status)
        if document is not None:
            self.send_header("content-type", "application/json")
        if status != 204:
            self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def do_POST(self):
        form = urllib.parse.parse_qs(self.body().decode())
        if self.path != TOKEN_PATH:
            return self.answer(404, {})
        with mob.lock:
            self.answer(*mob.token(self.headers.get("authorization"), form))

    def do_PUT(self):
        body, found = self.body(), KEY_PATH.match(self.path)
        if not found:
            return self.answer(404, {})
        with mob.lock:
            status = mob.put(found[1], self.headers.get("authorization"), self.headers.get("content-type"), body)
        self.answer(status, None if status == 204 else {"error": {"statusCode": status, "name": "Error", "message": "refused"}})

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    mob = Mob(sys.argv[1], sys.argv[2], sys.argv[3:])
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(json.dumps({"ready": "mob", "port": server.server_port}), flush=True)
    for line in sys.stdin:
        print(json.dumps(mob.obey(line.strip())), flush=True)
