"""A Vault's Transit engine and logins, as far as a keystore needs them, for tests. Written from the description of the HTTP API, with nothing of
ours.

Usage: servers_vault.py CERTIFICATE_AND_KEY CLIENT_AUTHORITY ROLE_ID SECRET_ID
Says {"ready": "vault", "port": N} and obeys lines on its standard input, each answered by one line of JSON:
  seal | unseal | expire (ends every token) | silent N (the next N connections end without an answer) | logins (how many there were) |
  deny | allow (no token may decrypt) | export NAME (makes a key exportable) | import NAME (makes it an imported one) | keys (their names)
"""

import base64
import http.server
import json
import os
import re
import secrets
import ssl
import sys
import threading

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, hmac, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

OAEP = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
RAW = (serialization.Encoding.Raw, serialization.PublicFormat.Raw)
SPKI = (serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


class Refused(Exception):
    def __init__(self, status, why):
        self.status, self.why = status, why


class Key:
    def __init__(self, wanted):
        self.type = wanted.get("type", "aes256-gcm96")
        self.exportable, self.deletable, self.imported = bool(wanted.get("exportable")), False, False
        if self.type in ("aes256-gcm96", "hmac"):
            self.secret = os.urandom(32)
        elif self.type == "ed25519":
            self.secret = ed25519.Ed25519PrivateKey.generate()
        elif self.type == "rsa-3072":
            self.secret = rsa.generate_private_key(65537, 3072)
        else:
            raise Refused(400, "unknown key type " + self.type)

    def shown(self):
        if self.type == "ed25519":
            public = base64.b64encode(self.secret.public_key().public_bytes(*RAW)).decode()
        elif self.type == "rsa-3072":
            public = self.secret.public_key().public_bytes(*SPKI).decode()
        else:
            return 1700000000
        return {"name": self.type, "public_key": public, "creation_time": "2026-01-01T00:00:00Z"}


def bytes_of(body, name):
    try:
        return base64.b64decode(body.get(name) or "", validate=True)
    except ValueError:
        raise Refused(400, "failed to base64-decode " + name)


def spelt(content):
    return "vault:v1:" + base64.b64encode(content).decode()


def read(body, name):
    version, _, content = body.get(name, "").removeprefix("vault:").partition(":")
    if version != "v1":
        raise Refused(400, "invalid ciphertext: version")
    return base64.b64decode(content)


class Vault:
    def __init__(self, role_id, secret_id):
        self.role, self.lock = (role_id, secret_id), threading.Lock()
        self.tokens, self.keys, self.sealed, self.denied = set(), {}, False, False
        self.silent, self.logins = 0, 0

    def login(self):
        self.logins += 1
        token = "hvs." + secrets.token_urlsafe(24)
        self.tokens.add(token)
        return {"auth": {"client_token": token, "lease_duration": 2764800, "policies": ["default"], "renewable": True}}

    def answer(self, method, path, token, certificate, body):
        if self.sealed:
            raise Refused(503, "Vault is sealed")
        if path == "auth/cert/login" and method == "POST":
            if not certificate:
                raise Refused(400, "client certificate must be supplied")
            return self.login()
        if path == "auth/approle/login" and method == "POST":
            if (body.get("role_id"), body.get("secret_id")) != self.role:
                raise Refused(400, "invalid role or secret ID")
            return self.login()
        if token not in self.tokens:
            raise Refused(403, "permission denied")
        found = re.fullmatch(r"transit/keys/([\w.-]+)(/config)?", path)
        if found:
            return self.manage(method, found[1], bool(found[2]), body)
        found = re.fullmatch(r"transit/(encrypt|decrypt|sign|hmac)/([\w.-]+)", path)
        if not found or method != "POST":
            raise Refused(404, "no handler for route")
        if self.denied and found[1] == "decrypt":
            raise Refused(403, "permission denied")
        if found[2] not in self.keys:
            raise Refused(400, "encryption key not found")
        return {"data": self.use(found[1], self.keys[found[2]], body)}

    def manage(self, method, name, config, body):
        if method == "POST" and not config:
            if name not in self.keys:
                self.keys[name] = Key(body)
            return None
        key = self.keys.get(name)
        if key is None:
            raise Refused(404 if method == "GET" else 400, "no existing key found")
        if config:
            key.deletable = body.get("deletion_allowed", key.deletable)
            return None
        if method == "DELETE":
            if not key.deletable:
                raise Refused(400, "deletion is not allowed for this key")
            del self.keys[name]
            return None
        return {"data": {"name": name, "type": key.type, "exportable": key.exportable, "derived": False,
                         "imported_key": key.imported,
                         "allow_plaintext_backup": False, "latest_version": 1, "keys": {"1": key.shown()}}}

    def use(self, act, key, body):
        if act == "sign":
            if key.type != "ed25519":
                raise Refused(400, "key type does not support signing")
            return {"signature": spelt(key.secret.sign(bytes_of(body, "input")))}
        if act == "hmac":
            if key.type != "hmac":
                raise Refused(400, "key type does not support HMAC here")
            mac = hmac.HMAC(key.secret, hashes.SHA256())
            mac.update(bytes_of(body, "input"))
            return {"hmac": spelt(mac.finalize())}
        associated = bytes_of(body, "associated_data") or None
        if act == "encrypt":
            if key.type != "aes256-gcm96":
                raise Refused(400, "key type does not support associated data")
            nonce = os.urandom(12)
            return {"ciphertext": spelt(nonce + AESGCM(key.secret).encrypt(nonce, bytes_of(body, "plaintext"), associated))}
        try:
            sealed = read(body, "ciphertext")
            if key.type == "aes256-gcm96":
                plain = AESGCM(key.secret).decrypt(sealed[:12], sealed[12:], associated)
            elif key.type == "rsa-3072":
                plain = key.secret.decrypt(sealed, OAEP)
            else:
                raise Refused(400, "key type does not support decryption")
        except (InvalidTag, ValueError):
            raise Refused(400, "invalid ciphertext: unable to decrypt")
        return {"data": None, "plaintext": base64.b64encode(plain).decode()}

    def obey(self, order):
        word, _, rest = order.partition(" ")
        with self.lock:
            if word == "logins":
                return self.logins
            if word == "keys":
                return sorted(self.keys)
            if word == "expire":
                self.tokens.clear()
            elif word == "export":
                self.keys[rest].exportable = True
            elif word == "import":
                self.keys[rest].imported = True
            elif word == "silent":
                self.silent = int(rest)
            elif word in ("deny", "allow"):
                self.denied = word == "deny"
            else:
                self.sealed = word == "seal"
            return "done"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def handle_one(self):
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        with vault.lock:
            silent, vault.silent = vault.silent > 0, max(0, vault.silent - 1)
        if silent:
            self.close_connection = True
            return
        with vault.lock:
            try:
                path = self.path.removeprefix("/v1/")
                certificate = self.connection.getpeercert(True)
                token = self.headers.get("x-vault-token")
                document, status = vault.answer(self.command, path, token, certificate, json.loads(body or b"{}")), 200
            except Refused as refused:
                document, status = {"errors": [refused.why]}, refused.status
        status = 204 if document is None else status
        content = b"" if document is None else json.dumps(document).encode()
        self.send_response(status)
        if status != 204:
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_DELETE = handle_one

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    vault = Vault(sys.argv[3], sys.argv[4])
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[1])
    context.load_verify_locations(sys.argv[2])
    context.verify_mode = ssl.CERT_OPTIONAL
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(json.dumps({"ready": "vault", "port": server.server_port}), flush=True)
    for line in sys.stdin:
        print(json.dumps(vault.obey(line.strip())), flush=True)
