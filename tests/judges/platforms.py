"""Elements and their platforms, as they are shipped, for judges of logs that are served."""

import json
import os
import pathlib
import subprocess
import time
import unittest
import urllib.request

BIN = pathlib.Path(os.environ["SCEAU_BIN"])
PATIENCE = 120


class House:
    """An element and its platform; both end with the test."""

    def __init__(self, test: unittest.TestCase, folder: pathlib.Path, name: str, peers: list[str], trace: str = ""):
        self.folder, self.processes = folder, []
        folder.mkdir()
        test.addCleanup(self.end)
        passphrase = folder / "passphrase"
        passphrase.touch(mode=0o600)
        passphrase.write_text("a passphrase for one test only")
        self.socket = folder / "run" / "element.sock"
        told = [word for key in peers for word in ("--peer-log", key)]
        places = ["--state", str(folder / "element"), "--socket", str(self.socket), "--keystore-passphrase-file", str(passphrase)]
        self.element = [BIN / "sceau-element", *places, "--origin", f"{name}.example/log", *told, "--die-with-parent"]
        self.key = self.start(self.element)["log_key"]
        (folder / "platform.toml").write_text(trace)
        platform = [BIN / "sceau", "serve", "platform", "--config", folder / "platform.toml", "--data", folder / "platform", "--element", self.socket]
        self.url = self.start([*platform, "--listen", "127.0.0.1:0", "--die-with-parent"])["url"].replace("sceau.localhost", "127.0.0.1")

    def start(self, command: list) -> dict:
        with open(self.folder / "said", "ab") as said:
            process = subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, stderr=said)
        self.processes.append(process)
        line = process.stdout.readline()
        assert line, (self.folder / "said").read_text()
        return json.loads(line)

    def end(self) -> None:
        for process in reversed(self.processes):
            process.kill()
            process.wait()
            process.stdout.close()

    def evidence(self, index: int) -> str:
        with urllib.request.urlopen(f"{self.url}/v1/trace/evidence/{index}") as answer:
            return answer.read().decode()

    def announced_anchors(self) -> str:
        with urllib.request.urlopen(f"{self.url}/trace/stamp-anchors") as answer:
            return answer.read().decode()


def sceau(*words: object) -> tuple[int, str]:
    ran = subprocess.run([BIN / "sceau", "trace", *map(str, words), "--json"], capture_output=True, text=True)
    return ran.returncode, ran.stdout or ran.stderr


def eventually(what, holds):
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if (found := holds()) is not None:
            return found
        time.sleep(0.2)
    raise AssertionError(what)
