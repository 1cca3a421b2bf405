"""What a gate shows, read by libraries that are not ours: its metrics by PyPI's prometheus-client, its traces as OpenTelemetry's own messages."""

import base64
import http.server
import json
import os
import pathlib
import ssl
import subprocess
import tempfile
import threading
import unittest
import urllib.request

from google.protobuf import json_format
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from prometheus_client.parser import text_string_to_metric_families

PROGRAM = pathlib.Path(os.environ.get("SCEAU_BIN", "target/debug")) / "sceau"
TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


class Service(http.server.BaseHTTPRequestHandler):
    """The service behind the gate, and the collector: what is posted is kept."""

    posted, arrived = [], threading.Event()

    def do_GET(self):
        self.send_response(200)
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def do_POST(self):
        Service.posted.append((self.path, self.headers, self.rfile.read(int(self.headers["content-length"]))))
        self.do_GET()
        Service.arrived.set()

    def log_message(self, *_):
        pass


class Gate(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        at = pathlib.Path(cls.folder.name)
        cls.service = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Service)
        threading.Thread(target=cls.service.serve_forever, daemon=True).start()
        port = cls.service.server_address[1]
        words = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -keyout key.pem -out server.pem"
        # A name that a careless writer of labels or JSON would trip over.
        subject = ["-subj", '/CN=local"ho\\\\st', "-addext", "subjectAltName=DNS:localhost"]
        subprocess.run(["openssl", *words.split(), *subject], cwd=at, check=True, capture_output=True)
        (at / "key.pem").chmod(0o600)
        (at / "gate.toml").write_text(f"""
[[listener]]
address = "127.0.0.1:0"
certificate = "server.pem"
key = "key.pem"
[[listener.route]]
path = "/a"
upstream = "http://127.0.0.1:{port}"
[[listener.route]]
path = "/away"
upstream = "http://127.0.0.1:9"
[[listener.route]]
path = "/guarded"
upstream = "http://127.0.0.1:{port}"
clients = "x"
[clients.x]
anchors = ["server.pem"]
[observe]
address = "127.0.0.1:0"
traces = "http://127.0.0.1:{port}/otlp"
""")
        arguments = [PROGRAM, "gate", "run", "--die-with-parent", "--config", at / "gate.toml"]
        cls.gate = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        ready = json.loads(cls.gate.stdout.readline())
        cls.address, cls.observed = ready["addresses"][0].replace("127.0.0.1", "localhost"), ready["observed"]
        cls.trust = ssl.create_default_context(cafile=at / "server.pem")

    @classmethod
    def tearDownClass(cls):
        cls.gate.terminate()
        cls.gate.wait()
        cls.gate.stdout.close()
        cls.service.shutdown()
        cls.service.server_close()
        cls.folder.cleanup()

    def get(self, path, **headers):
        request = urllib.request.Request(f"https://{self.address}{path}", headers=headers)
        try:
            with urllib.request.urlopen(request, context=self.trust, timeout=20) as response:
                return response.status
        except urllib.error.HTTPError as error:
            with error:
                return error.code

    def test_metrics_are_prometheus_own(self):
        self.assertEqual([self.get(path) for path in ("/a/b", "/guarded", "/away", "/none")], [200, 401, 502, 404])
        with urllib.request.urlopen(f"http://{self.observed}/metrics", timeout=20) as response:
            self.assertEqual(response.headers["content-type"], "text/plain; version=0.0.4; charset=utf-8")
            text = response.read().decode()
        families = {family.name: family for family in text_string_to_metric_families(text)}
        for family in families.values():
            self.assertTrue(family.documentation, family.name)
            self.assertIn(family.type, ("counter", "gauge", "histogram"), family.name)
            names = [(sample.name, tuple(sorted(sample.labels.items()))) for sample in family.samples]
            self.assertEqual(len(names), len(set(names)), "no sample twice: " + family.name)
        subjects = {sample.labels["subject"] for sample in families["sceau_gate_certificate_days_left"].samples}
        self.assertTrue(any('"' in subject for subject in subjects), subjects)
        for sample in families["sceau_gate_request_seconds"].samples:
            if sample.name.endswith("_bucket") and sample.labels["le"] == "+Inf":
                same = {key: value for key, value in sample.labels.items() if key != "le"}
                counts = [one.value for one in families["sceau_gate_request_seconds"].samples
                          if one.name.endswith("_count") and one.labels == same]
                self.assertEqual(counts, [sample.value])
        up = {sample.labels["service"]: sample.value for sample in families["sceau_gate_service_up"].samples}
        self.assertEqual(up["http://127.0.0.1:9"], 0)

    def test_traces_are_opentelemetrys_own(self):
        self.assertEqual(self.get("/a/c", traceparent=f"00-{TRACE}-{PARENT}-01"), 200)
        wanted = None
        while wanted is None:
            self.assertTrue(Service.arrived.wait(20), "no trace arrives")
            Service.arrived.clear()
            for path, headers, body in list(Service.posted):
                self.assertEqual((path, headers["content-type"]), ("/otlp/v1/traces", "application/json"))
                for span in self.spans(body):
                    if span.trace_id.hex() == TRACE:
                        wanted = span
        self.assertEqual((wanted.parent_span_id.hex(), len(wanted.span_id)), (PARENT, 8))
        self.assertEqual((wanted.kind, wanted.name), (Span.SPAN_KIND_SERVER, "GET /a"))
        self.assertLess(wanted.start_time_unix_nano, wanted.end_time_unix_nano)
        said = {one.key: one.value for one in wanted.attributes}
        self.assertEqual(said["http.response.status_code"].int_value, 200)
        self.assertEqual(said["url.path"].string_value, "/a/c")
        self.assertEqual(said["tls.protocol.version"].string_value, "1.3")
        self.assertFalse(said["tls.resumed"].bool_value)

    @staticmethod
    def spans(body):
        """OTLP's JSON is protobuf's, but for ids, which are hexadecimal; a field that is not known is refused."""
        request = json.loads(body)
        for resource in request["resourceSpans"]:
            for scope in resource["scopeSpans"]:
                for span in scope["spans"]:
                    for field in ("traceId", "spanId", "parentSpanId"):
                        span[field] = base64.b64encode(bytes.fromhex(span[field])).decode()
        parsed = json_format.ParseDict(request, ExportTraceServiceRequest())
        return [span for resource in parsed.resource_spans for scope in resource.scope_spans for span in scope.spans]


if __name__ == "__main__":
    unittest.main()
