"""An HR system to which a connector posts dossiers, with Python's standard library alone.

hr_post.py FOLDER TOKEN

Says on standard output that it is ready ({"ready": "hr", "port": …}), then one line of JSON for each request: its key, whether it is the
first with it, and each part with its field, file name, size and SHA-256. A key that was answered before gets the same answer again, and is not
taken in twice: FOLDER holds one file for each, so that another start of this program remembers; of a decision that it is told of, what it is told.

What it answers: a decision where a document begins with "decide "; 503, once for each key, where it begins with "busy "; 422 where it begins
with "bad "; else 204.
"""

import hashlib
import http.server
import json
import mmap
import os
import re
import sys
import tempfile

FOLDER, TOKEN = sys.argv[1:3]
CHUNK = 1 << 20


def parts(body, boundary):
    """The parts of a multipart body (RFC 2046 section 5.1): headers as text, and where the content begins and ends."""
    line = b"--" + boundary
    assert body[: len(line) + 2] == line + b"\r\n", "the body begins with its boundary"
    at = len(line) + 2
    while True:
        head = body.find(b"\r\n\r\n", at)
        end = body.find(b"\r\n" + line, head + 2)
        assert head >= 0 and end >= 0, "a part has a head and an end"
        yield body[at:head].decode(), head + 4, end
        at = end + 2 + len(line) + 2
        if body[at - 2 : at] == b"--":
            return


def field(head, name):
    found = re.search(r'content-disposition:[^\r]*?[; ]' + name + r'="((?:[^"\\]|\\.)*)"', head, re.I)
    if found:
        return found.group(1)
    extended = re.search(r"content-disposition:[^\r]*?[; ]" + name + r"\*=utf-8''([^;\r]*)", head, re.I)
    return extended and bytes(re.sub(r"%(..)", lambda m: chr(int(m[1], 16)), extended.group(1)), "latin-1").decode()


class System(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def read_body(self):
        spool = tempfile.TemporaryFile(dir=FOLDER)
        if "content-length" in self.headers:
            left = int(self.headers["content-length"])
            while left:
                chunk = self.rfile.read(min(left, CHUNK))
                assert chunk, "the sender went away"
                spool.write(chunk)
                left -= len(chunk)
            spool.flush()
            return spool
        while size := int(self.rfile.readline().split(b";")[0], 16):
            spool.write(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        spool.flush()
        return spool

    def do_POST(self):
        try:
            spool = self.read_body()
        except (AssertionError, ConnectionError):
            self.close_connection = True
            return
        key = self.headers["idempotency-key"]
        said, kept = [], os.path.join(FOLDER, key)
        status, answer, told = 204, b"", None
        with mmap.mmap(spool.fileno(), 0, access=mmap.ACCESS_READ) as body:
            boundary = re.search(r"boundary=\"?([^\";]+)", self.headers["content-type"]).group(1).encode()
            for head, begin, end in parts(body, boundary):
                digest = hashlib.sha256()
                for at in range(begin, end, CHUNK):
                    digest.update(body[at : min(at + CHUNK, end)])
                said.append(
                    {
                        "field": field(head, "name"),
                        "name": field(head, "filename"),
                        "size": end - begin,
                        "sha256": digest.hexdigest(),
                    }
                )
                if said[-1]["field"] == "decided":
                    told = json.loads(body[begin:end])
                    assert told["decision"] == self.headers["sceau-kind"] and key.endswith("." + told["decision"])
                if said[-1]["field"] == "document":
                    word = body[begin : min(begin + 7, end)]
                    if word.startswith(b"decide "):
                        status, answer = 200, json.dumps({"decision": "accepted", "reason": "Repris."}).encode()
                    elif word.startswith(b"busy ") and not os.path.exists(kept + ".busy"):
                        status = 503
                    elif word.startswith(b"bad "):
                        status = 422
        if self.headers["authorization"] != "Bearer " + TOKEN:
            status, answer = 401, b""
        first = not os.path.exists(kept)
        if status == 503:
            open(kept + ".busy", "x").close()
        elif status < 300 and first:
            with open(kept + ".new", "wb") as file:
                file.write(json.dumps(told).encode() if told else answer)
            os.rename(kept + ".new", kept)
        print(json.dumps({"key": key, "status": status, "first": first, "parts": said}), flush=True)
        self.send_response(status)
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), System)
print(json.dumps({"ready": "hr", "port": server.server_port}), flush=True)
server.serve_forever()
