"""What `sceau trace export` sends, read by what we did not write: Debian's rsyslog over TLS, PyPI's parsers of CEF and OCSF, and OpenTelemetry's own
messages. The log is written here from its documents (tlog.py), so that it may lie."""

import hashlib
import http.server
import json
import os
import pathlib
import re
import socket
import ssl
import struct
import subprocess
import tempfile
import threading
import time
import unittest

import pycef
import tlog
from google.protobuf import json_format
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from py_ocsf_models.objects.api import API
from py_ocsf_models.objects.metadata import Metadata
from py_ocsf_models.objects.resource_details import ResourceDetails

SCEAU = pathlib.Path(os.environ.get("SCEAU_BIN", "target/debug")) / "sceau"
RSYSLOG = "/usr/sbin/rsyslogd"
ORIGIN = "log.example.org/log"
ORGANISATION = "9d3c1f0e-5d0e-4b43-9d39-6d2f3a0c1e77"

# RFC 5424 section 6: what is escaped in a value is escaped, and nothing else.
NAME = r"[!#-<>-\\^-~]{1,32}"
PARAMETER = rf'({NAME})="((?:[^"\\\]]|\\["\\\]])*)"'
ELEMENT = rf"\[({NAME})((?: {PARAMETER})*)\]"
TIMESTAMP = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:Z|[+-]\d\d:\d\d)"
MESSAGE = re.compile(rf"<(?:1[0-8]\d|19[01]|[1-9]?\d)>1 {TIMESTAMP} [!-~]{{1,255}} [!-~]{{1,48}} [!-~]{{1,128}} [!-~]{{1,32}} ((?:{ELEMENT})+)(?: .*)?")


def structured(line):
    """The structured data of a message, which is one by the grammar of RFC 5424 section 6."""
    elements = MESSAGE.fullmatch(line)[1]
    plain = lambda value: re.sub(r'\\(["\\\]])', r"\1", value)
    return {
        element[1]: {parameter[1]: plain(parameter[2]) for parameter in re.finditer(PARAMETER, element[2])} for element in re.finditer(ELEMENT, elements)
    }


def record(number):
    """One of each kind that formats tell apart; every member is there, sorted, without white space."""
    action, outcome, code, attested = [
        ("login", "granted", "", None),
        ("datum.open", "refused", "user_not_authorised", None),
        ("scheme.publish", "granted", "", {"hash": "ab" * 32, "id": f"s{number}", "kind": "scheme", "previous": None, "version": 1}),
        ("unwrap.intent", "intent", "", None),
    ][number % 4]
    return json.dumps(
        {
            "action": action, "actor": {"id": "hmac:" + "A" * 43, "kind": "application"}, "asserted": "application", "attested": attested, "code": code,
            "detail": {"signer": "a=b=/+:"}, "organisation": ORGANISATION, "outcome": outcome,
            "subjects": [{"id": f"d{number}=", "kind": "datum"}, {"id": "f1", "kind": "file"}], "time": 1_795_183_391_007 + number, "v": 1,
        },
        sort_keys=True, separators=(",", ":"),
    ).encode()


class Log:
    """A folder of tiles."""

    def __init__(self, at, size):
        self.at, self.signer, self.entries = at, tlog.Signer(ORIGIN), []
        self.grow(size)

    def grow(self, size):
        self.entries += [record(number) for number in range(len(self.entries), size)]
        self.publish(self.entries)

    def publish(self, shown, leaves=None):
        """`shown` are the entries that the bundles hold, whatever the tree says."""
        hashes = leaves = [tlog.leaf(entry) for entry in leaves or shown]
        self.put("checkpoint", (text := tlog.checkpoint_text(ORIGIN, leaves)) + "\n" + self.signer.line(text))
        for number in range((len(shown) + 255) // 256):
            lot = shown[256 * number : 256 * number + 256]
            self.put(tlog.tile_path("entries", number, len(lot)), b"".join(len(entry).to_bytes(2, "big") + entry for entry in lot))
        level = 0
        while hashes:
            for number in range((len(hashes) + 255) // 256):
                row = hashes[256 * number : 256 * number + 256]
                self.put(tlog.tile_path(level, number, len(row)), b"".join(row))
            level, hashes = level + 1, [tlog.root(hashes[256 * at : 256 * at + 256]) for at in range(len(hashes) // 256)]

    def put(self, path, content):
        path = self.at / path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)


class Collector(http.server.BaseHTTPRequestHandler):
    posted, answer = [], b"{}"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        Collector.posted.append((self.path, self.headers["content-type"], body))
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(Collector.answer)))
        self.end_headers()
        self.wfile.write(Collector.answer)

    def log_message(self, *_):
        pass


class Export(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.at = pathlib.Path(folder.name)
        (self.at / "plain.cnf").write_text("[req]\ndistinguished_name = name\n[name]\n")
        for name, ca, by in [("ca", "TRUE", ""), ("other", "TRUE", ""), ("server", "FALSE", "ca"), ("client", "FALSE", "ca")]:
            words = f"req -x509 -config plain.cnf -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -keyout {name}.key -out {name}.pem -subj /CN={name}"
            words += f" -addext basicConstraints=critical,CA:{ca} -addext subjectAltName=DNS:localhost" + (f" -CA {by}.pem -CAkey {by}.key" if by else "")
            subprocess.run(["openssl", *words.split()], cwd=self.at, check=True, capture_output=True)
        (self.at / "identity.pem").write_text((self.at / "client.pem").read_text() + (self.at / "client.key").read_text())
        self.log = Log(self.at / "log", 7)

    def export(self, to, form="syslog", *more, key=None, position="position.json"):
        options = ["--log-key", key or self.log.signer.key.text, "--format", form, "--to", to, "--position", position, "--json"]
        ran = subprocess.run([SCEAU, "trace", "export", self.log.at, *options, *more], cwd=self.at, capture_output=True, text=True, timeout=60)
        return ran.returncode, json.loads(ran.stdout if ran.returncode == 0 else ran.stderr)

    def exported(self, *given, **named):
        code, said = self.export(*given, **named)
        self.assertEqual(code, 0, said)
        return said

    def lines(self, name):
        path = self.at / name
        return path.read_text().splitlines() if path.exists() else []

    def rsyslog(self, auth="anon"):
        """Where it listens, and the file that it writes what it understood into."""
        told, port = self.at / "told", self.at / "port"
        permitted = 'permittedPeer=["client", "localhost"]' if auth != "anon" else ""
        (self.at / "rsyslog.conf").write_text(f"""
global(workDirectory="{self.at}" maxMessageSize="64k" defaultNetstreamDriver="gtls" defaultNetstreamDriverCAFile="{self.at}/ca.pem"
  defaultNetstreamDriverCertFile="{self.at}/server.pem" defaultNetstreamDriverKeyFile="{self.at}/server.key")
module(load="imtcp" streamDriver.name="gtls" streamDriver.mode="1" streamDriver.authMode="{auth}" {permitted})
input(type="imtcp" address="127.0.0.1" port="0" listenPortFileName="{port}")
template(name="all" type="list") {{ property(name="jsonmesg") constant(value="\\n") }}
action(type="omfile" file="{told}" template="all" asyncWriting="off")
""")
        program = subprocess.Popen([RSYSLOG, "-n", "-f", self.at / "rsyslog.conf", "-i", self.at / "rsyslog.pid"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(lambda: (program.kill(), program.wait()))
        self.until(lambda: port.exists() and port.read_text().strip())
        return f"tls://localhost:{port.read_text().strip()}"

    def until(self, holds):
        end = time.monotonic() + 20
        while not (found := holds()):
            self.assertLess(time.monotonic(), end, "it does not come")
            time.sleep(0.02)
        return found

    def received(self, count):
        self.until(lambda: len(self.lines("told")) >= count)
        return [json.loads(line) for line in self.lines("told")]

    def test_rsyslog_understands_each_message_and_gets_each_once(self):
        to = self.rsyslog()
        self.log.grow(600)
        said = self.exported(to, "syslog", "--to-anchors", "ca.pem")
        self.assertEqual((said["sent"], said["next"]), (600, 600))
        self.assertEqual(self.exported(to, "syslog", "--to-anchors", "ca.pem")["sent"], 0)
        self.log.grow(605)
        self.assertEqual(self.exported(to, "syslog", "--to-anchors", "ca.pem")["sent"], 5)
        told = self.received(605)
        self.assertEqual(len(told), 605)
        for number, one in enumerate(told):
            self.assertEqual((one["hostname"], one["programname"], one["syslogfacility"]), ("log.example.org", "sceau", "13"))
            size = 600 if number < 600 else 605
            self.assertIn(f'index="{number}" checkpointSize="{size}" leaf="{tlog.leaf(self.log.entries[number]).hex()}"', one["structured-data"])
            self.assertEqual(one["syslogseverity"], "4" if number % 4 == 1 else "6")
        self.assertEqual(told[1]["msg"].strip(), "application datum.open refused (user_not_authorised)")
        self.assertEqual(told[1]["msgid"], "datum.open")

    def test_a_receiver_asks_for_a_certificate(self):
        to = self.rsyslog("x509/name")
        self.assertEqual(self.export(to, "syslog", "--to-anchors", "ca.pem")[0], 1)
        self.assertFalse((self.at / "position.json").exists())
        self.exported(to, "syslog", "--to-anchors", "ca.pem", "--to-identity", "identity.pem")
        self.assertEqual(len(self.received(7)), 7)
        self.assertEqual(self.export(to, "syslog", "--to-anchors", "other.pem", position="other")[0], 1, "a receiver of another authority")

    def test_cef_is_read_as_it_was_meant(self):
        to = self.rsyslog()
        self.exported(to, "cef", "--to-anchors", "ca.pem")
        self.exported("events.cef", "cef", position="file.json")
        over_tls = [one["msg"].strip() for one in self.received(7)]
        self.assertEqual(over_tls, self.lines("events.cef"))
        for number, line in enumerate(over_tls):
            event = pycef.parse(line)
            self.assertEqual((event["DeviceVendor"], event["DeviceEventClassID"]), ("Sceau", json.loads(record(number))["action"]))
            self.assertEqual((event["externalId"], event["checkpointSize"]), (str(number), "7"))
            self.assertEqual(event["rt"], str(1_795_183_391_007 + number))
            # This parser leaves it to its callers to take escapes away.
            subjects, detail = (event[name].replace("\\=", "=") for name in ("subjects", "detail"))
            self.assertEqual((subjects, detail), (f"datum:d{number}= file:f1", "signer=a=b=/+:"))
        self.assertEqual(pycef.parse(over_tls[1])["reason"], "user_not_authorised")

    def test_syslog_in_a_file_is_as_its_grammar_says(self):
        self.exported("events.log")
        for number, line in enumerate(self.lines("events.log")):
            said = structured(line)
            data = said["sceau@32473"]
            self.assertEqual((data["index"], data["checkpointSize"], data["leaf"]), (str(number), "7", tlog.leaf(record(number)).hex()))
            self.assertEqual(said["meta"]["sequenceId"], str(number + 1))
            self.assertEqual(data["detail"], "signer=a=b=/+:")

    def test_ocsf_has_what_its_classes_demand(self):
        self.exported("events.json", "ocsf")
        events = [json.loads(line) for line in self.lines("events.json")]
        self.assertEqual([event["type_uid"] for event in events[:4]], [300201, 600302, 300401, 600399])
        base = {"activity_id", "category_uid", "class_uid", "metadata", "severity_id", "time", "type_uid"}
        demanded = {3002: {"user", "service"}, 3004: {"entity"}, 6003: {"actor", "api", "src_endpoint"}}
        for number, event in enumerate(events):
            self.assertLessEqual(base | demanded[event["class_uid"]], set(event))
            self.assertEqual(event["type_uid"], event["class_uid"] * 100 + event["activity_id"])
            self.assertEqual(event["category_uid"], event["class_uid"] // 1000)
            Metadata.model_validate(event["metadata"])
            self.assertEqual(event["actor"]["user"]["uid"], "hmac:" + "A" * 43)
            if "api" in event:
                API.model_validate(event["api"])
                for one in event["resources"]:
                    ResourceDetails.model_validate(one)
            self.assertEqual(hashlib.sha256(b"\0" + event["raw_data"].encode()).hexdigest(), event["unmapped"]["leaf_hash"])
            self.assertEqual(event["unmapped"]["checkpoint_size"], 7)
            self.assertEqual((event["metadata"]["uid"], event["time"]), (f"{ORIGIN}#{number}", 1_795_183_391_007 + number))

    def collector(self):
        Collector.posted, Collector.answer = [], b"{}"
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Collector)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.at / "server.pem", self.at / "server.key")
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(lambda: (server.shutdown(), server.server_close()))
        return f"https://localhost:{server.server_address[1]}"

    def test_a_collector_of_opentelemetry_takes_logs(self):
        to = self.collector()
        self.log.grow(300)
        self.assertEqual(self.exported(to, "otlp", "--to-anchors", "ca.pem")["sent"], 300)
        records = []
        for path, kind, body in Collector.posted:
            self.assertEqual((path, kind), ("/v1/logs", "application/json"))
            message = json_format.Parse(body, ExportLogsServiceRequest())
            records += message.resource_logs[0].scope_logs[0].log_records
        self.assertEqual(len(records), 300)
        for number, one in enumerate(records):
            said = {attribute.key: attribute.value for attribute in one.attributes}
            self.assertEqual(said["sceau.checkpoint.size"].int_value, 300)
            self.assertEqual((said["sceau.index"].int_value, one.time_unix_nano), (number, (1_795_183_391_007 + number) * 1_000_000))
            self.assertEqual([value.string_value for value in said["sceau.subjects"].array_value.values], [f"datum:d{number}=", "file:f1"])
        Collector.answer = b'{"partialSuccess": {"rejectedLogRecords": "2", "errorMessage": "too old"}}'
        self.log.grow(301)
        self.assertEqual(self.export(to, "otlp", "--to-anchors", "ca.pem")[1]["code"], "rejected")
        Collector.answer = b"{}"
        self.assertEqual(self.exported(to, "otlp", "--to-anchors", "ca.pem")["sent"], 1)

    def test_what_a_receiver_did_not_read_to_its_end_is_sent_again(self):
        code, said = self.export(self.receiver(self.fallen), "syslog", "--to-anchors", "ca.pem")
        self.assertEqual((code, said["code"]), (1, "place_away"))
        self.assertFalse((self.at / "position.json").exists())
        self.exported(self.rsyslog(), "syslog", "--to-anchors", "ca.pem")
        self.assertEqual(len(self.received(7)), 7)

    def test_the_end_of_a_connection_can_be_demanded_in_writing(self):
        to = self.receiver(lambda connection: connection.close())
        self.assertEqual(self.export(to, "syslog", "--to-anchors", "ca.pem", "--demand-close")[0], 1)
        self.assertFalse((self.at / "position.json").exists())
        to = self.receiver(lambda connection: connection.unwrap().close())
        self.exported(to, "syslog", "--to-anchors", "ca.pem", "--demand-close")

    def fallen(self, connection):
        """As one that is killed with octets unread: the kernel resets the connection."""
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()

    def receiver(self, end):
        """Takes one connection, and all that it says; then ends it in this way."""
        listener = socket.create_server(("127.0.0.1", 0))
        listener.settimeout(20)
        self.addCleanup(listener.close)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.at / "server.pem", self.at / "server.key")

        def take():
            connection = context.wrap_socket(listener.accept()[0], server_side=True, suppress_ragged_eofs=False)
            while connection.recv(65536):
                pass
            end(connection)

        taking = threading.Thread(target=take)
        taking.start()
        self.addCleanup(taking.join)
        return f"tls://localhost:{listener.getsockname()[1]}"

    def test_what_is_not_in_the_signed_log_is_not_sent(self):
        self.exported("events.log")
        self.log.grow(300)
        changed = list(self.log.entries)
        changed[280] = changed[280].replace(b"granted", b"refused")
        self.log.publish(changed, leaves=self.log.entries)
        code, said = self.export("events.log")
        self.assertEqual((code, said["code"]), (5, "proof.root_mismatch"))
        self.assertEqual(len(self.lines("events.log")), 256, "the bundle before is whole, and of this one nothing")
        self.assertEqual(json.loads((self.at / "position.json").read_text())["next"], 256)
        self.log.publish(self.log.entries)
        self.exported("events.log")
        indices = [structured(line)["sceau@32473"]["index"] for line in self.lines("events.log")]
        self.assertEqual(indices, [str(number) for number in range(300)])

    def test_a_log_that_was_rewritten_is_told(self):
        self.exported("events.log")
        rewritten = list(self.log.entries)
        rewritten[3] = record(99)
        self.log.publish([*rewritten, record(7)])
        self.assertEqual(self.export("events.log")[1]["code"], "checkpoint.not_an_extension")
        self.log.publish(self.log.entries[:5])
        self.assertEqual(self.export("events.log")[0], 5)
        other = tlog.Signer(ORIGIN)
        self.log.publish(self.log.entries)
        self.assertEqual(self.export("events.log", key=other.key.text, position="new")[0], 5)
        self.assertEqual(len(self.lines("events.log")), 7)

    def test_an_export_begins_where_it_is_told_and_follows(self):
        self.exported("events.log", "syslog", "--from-now")
        self.assertEqual(self.lines("events.log"), [])
        (self.at / "events.log").write_text("half a line that a fallen machine left")
        options = ["--log-key", self.log.signer.key.text, "--to", "events.log", "--position", "position.json", "--every", "1"]
        program = subprocess.Popen([SCEAU, "trace", "export", self.log.at, *options], cwd=self.at, stderr=subprocess.DEVNULL)
        self.addCleanup(lambda: (program.kill(), program.wait()))
        self.log.grow(9)
        lines = self.until(lambda: (lines := self.lines("events.log"))[2:] and lines)
        self.assertEqual([structured(line)["sceau@32473"]["index"] for line in lines[1:]], ["7", "8"])

    def test_what_does_not_fit_together_is_said(self):
        for to, form, more in [
            ("tls://localhost", "otlp", ["--to-anchors", "ca.pem"]), ("tls://localhost", "syslog", []), ("https://localhost", "cef", []), ("ftp://localhost", "cef", []),
        ]:
            self.assertEqual(self.export(to, form, *more)[0], 2, (to, form))
        (self.at / "position.json").write_text("{}")
        self.assertEqual(self.export("events.log")[1]["code"], "position_malformed")


if __name__ == "__main__":
    unittest.main()
