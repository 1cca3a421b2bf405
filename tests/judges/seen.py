"""That one log's record was there when another log's element saw it, by a verifier that shares no code with Sceau (docs/verify-evidence.md).

    seen.py FILE LOG_KEY OTHER_LOG_KEY      entry of the other log, and the size of this one that it saw
"""

import json
import sys

import evidence


def seen(file: str, log_key: str, by: str) -> tuple[int, int]:
    evidence.verify(file, log_key)
    whole = json.loads(file)
    (sighting,) = whole["attachments"]["seen"]
    other = evidence.verify(json.dumps(sighting["evidence"]), by)
    record = other["record"]
    assert (record["action"], record["outcome"], record["asserted"]) == ("log.seen", "granted", "element"), "no sighting"
    detail = record["detail"]
    assert detail["origin"] == log_key.partition("+")[0], "another log was seen"
    proof = [bytes.fromhex(node) for node in sighting["proof"]]
    root = evidence.included(evidence.unbase64(whole["record"]), whole["index"], int(detail["size"]), proof)
    assert root.hex() == detail["root"], "not under what was seen"
    return other["index"], int(detail["size"])


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as read:
        print(*seen(read.read(), *sys.argv[2:4]))
