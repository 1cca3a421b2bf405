"""A real S3 server (moto) for tests, behind a proxy that can fall ill.

Usage: servers_s3.py BUCKET [CERTIFICATE KEY]   (with them, over TLS)
Says {"ready": "s3", "port": N} and obeys lines on its standard input, each answered by one line "done":
  well | away N (503 to the next N) | half N (the next N downloads end in the middle) |
  lost N (the next N uploads are kept, and their answers lost) | silent N | count (says how many objects there are)
"""

import http.client
import http.server
import json
import socketserver
import ssl
import sys
import threading

import boto3
from moto.server import ThreadedMotoServer


class Mood:
    """What happens to the next requests."""

    def __init__(self):
        self.lock = threading.Lock()
        self.kind, self.left = "well", 0
        self.ended = threading.Event()

    def take(self, method):
        wanted = {"half": ("GET",), "lost": ("PUT",)}
        with self.lock:
            if self.left == 0 or method not in wanted.get(self.kind, (method,)):
                return "well"
            self.left -= 1
            return self.kind


MOOD = Mood()


class Proxy(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    target = ("127.0.0.1", 0)

    def log_message(self, *_):
        pass

    def serve(self):
        mood = MOOD.take(self.command)
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        if mood == "away":
            self.answer(503, {"content-type": "application/xml"}, b"<Error><Code>SlowDown</Code></Error>")
            return
        if mood == "silent":
            MOOD.ended.wait()
            self.close_connection = True
            return
        upstream = http.client.HTTPConnection(*self.target)
        upstream.request(self.command, self.path, body, {k: v for k, v in self.headers.items()})
        response = upstream.getresponse()
        content = response.read()
        headers = {k: v for k, v in response.getheaders() if k.lower() not in ("transfer-encoding", "connection", "content-length", "server", "date")}
        if mood == "lost":
            self.close_connection = True
            return
        if self.command == "HEAD":
            headers["content-length"] = response.getheader("content-length", "0")
        self.answer(response.status, headers, content, cut=mood == "half")

    def answer(self, status, headers, content, cut=False):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if "content-length" not in headers:
            self.send_header("content-length", str(len(content)))
        self.end_headers()
        if cut:
            content = content[: len(content) // 2]
            self.close_connection = True
        if self.command != "HEAD":
            self.wfile.write(content)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = serve


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    context = None

    def finish_request(self, request, client_address):
        # In the thread of the connection: a handshake that does not end holds up nobody else.
        if self.context is not None:
            try:
                request = self.context.wrap_socket(request, server_side=True)
            except (ssl.SSLError, OSError):
                return
        super().finish_request(request, client_address)


def main():
    bucket, *identity = sys.argv[1:]
    if identity:
        Server.context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        Server.context.load_cert_chain(*identity)
    moto = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    moto.start()
    Proxy.target = moto.get_host_and_port()
    url = "http://%s:%d" % Proxy.target
    s3 = boto3.client("s3", endpoint_url=url, region_name="us-east-1", aws_access_key_id="sceau", aws_secret_access_key="secret-of-the-store")
    s3.create_bucket(Bucket=bucket)
    proxy = Server(("127.0.0.1", 0), Proxy)
    threading.Thread(target=proxy.serve_forever, daemon=True).start()
    print(json.dumps({"ready": "s3", "port": proxy.server_address[1]}), flush=True)
    for line in sys.stdin:
        words = line.split()
        if words[0] == "count":
            pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
            print(sum(len(page.get("Contents", [])) for page in pages), flush=True)
            continue
        with MOOD.lock:
            MOOD.kind, MOOD.left = words[0], int(words[1]) if len(words) > 1 else 0
        print("done", flush=True)
    MOOD.ended.set()


if __name__ == "__main__":
    main()
