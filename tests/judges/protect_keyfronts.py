"""Two keyfronts, and two platforms that count, on one database and one element: what one does, the other has; what is used up at one
is at the other; each refusal is counted once. Over SQLite, where all are on one machine, and over PostgreSQL."""

import concurrent.futures
import hashlib
import json
import secrets
import subprocess
import time
import unittest
import urllib.request

from protect_application import Application
from protect_house import b64, Files
from protect_rows import PostgreSQL, Sqlite


class OverSqlite(Application):
    HOUSE = (Files, Sqlite)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        house = cls.house
        # Its records are the same, and nothing else needs to be; a file is in the folder that all of them have.
        there = house.at / ("data" if cls.HOUSE[1] is Sqlite else "data-of-the-second")
        there.mkdir(mode=0o700, exist_ok=True)
        beside = [("second-keyfront", "keyfront", there), ("platform", "platform", house.at / "data"), ("second-platform", "platform", there)]
        cls.beside = [house.launch(name, *house.serve(role, data)) for name, role, data in beside]
        ready = [house.ready(name, program) for (name, *_), program in zip(beside, cls.beside)]
        cls.urls = [house.url, ready[0]["url"]]

    @classmethod
    def tearDownClass(cls):
        for program in cls.beside:
            program.kill()
            program.wait()
            program.stdout.close()
        super().tearDownClass()

    def at(self, which, call):
        """A call brought to the first keyfront, or to the second."""
        return self.house.post("/v1/protect/calls", call.encode(), "application/jose", self.urls[which])

    def done(self, which, user, op):
        claims = self.claims(user, op)
        status, answer = self.at(which, self.sign(claims))
        self.assertEqual(status, 200, answer)
        return answer | {"asked": claims["jti"]}

    def create(self, which):
        return self.done(which, "alice", {"create": {"session": self.session()}})

    def counted(self):
        """What the log counted of calls of this application, by what was answered."""
        said = self.house.rows.execute(f"SELECT code, sum(n) FROM protect_tally WHERE application = '{self.application}' GROUP BY code")
        return {code: int(n) for code, n in said}

    def body(self, which, path, call, body):
        url = f"{self.urls[which]}/v1/protect/{path}"
        asked = ["curl", "--silent", "--max-time", "60", "-X", "POST", "-H", f"Sceau-Call: {call}", "-T", "-", "-w", "%{stderr}%{http_code}", url]
        ran = subprocess.run(asked, input=body, capture_output=True)
        return ran.returncode, ran.stderr.decode()[-3:], ran.stdout

    def its_session(self, which):
        with urllib.request.urlopen(f"{self.urls[which]}/v1/protect/keyfront", timeout=30) as answer:
            return json.load(answer)["session"]

    def test_what_one_does_the_other_has(self):
        for first, then in [(0, 1), (1, 0)]:
            created = self.create(first)
            opened = self.done(then, "alice", self.opening(created))
            self.assertEqual(self.data_key(opened), self.data_key(created))
            self.refused(self.at(then, self.sign(self.claims("bob", self.opening(created)))), "user_not_authorised")
            self.done(then, "alice", {"grant": {"datum": created["datum"], "grant": {"to": {"user": "bob"}}}})
            self.assertEqual(self.data_key(self.done(first, "bob", self.opening(created))), self.data_key(created))
            self.done(first, "alice", {"erase": {"datum": created["datum"]}})
            self.refused(self.at(then, self.sign(self.claims("alice", self.opening(created)))), "datum_erased")

    def test_a_call_is_used_up_at_both(self):
        created = self.create(0)
        call = self.sign(self.claims("alice", self.opening(created)))
        self.assertEqual(self.at(0, call)[0], 200)
        self.refused(self.at(1, call), "call_replayed")
        race = self.sign(self.claims("alice", self.opening(created)))
        with concurrent.futures.ThreadPoolExecutor() as at_once:
            answers = sorted(status for status, _ in at_once.map(lambda which: self.at(which % 2, race), range(8)))
        self.assertEqual(answers.count(200), 1, answers)

    def test_what_both_change_at_once_is_as_the_element_has_it(self):
        created = self.create(0)
        datum = created["datum"]
        users = [f"user{n}" for n in range(12)]
        grant = lambda n: self.at(n % 2, self.sign(self.claims("alice", {"grant": {"datum": datum, "grant": {"to": {"user": users[n]}}}})))

        def granted(n):
            # Whose row another changed between the look and the call is told so, and asks again with another call.
            until = time.monotonic() + 30
            while (answer := grant(n))[0] != 200:
                self.assertLess(time.monotonic(), until, answer)
                self.assertIn(answer[1]["code"], ("stale_version", "row_altered"), answer)

        with concurrent.futures.ThreadPoolExecutor() as at_once:
            list(at_once.map(granted, range(len(users))))
        for n, user in enumerate(users):
            self.assertEqual(self.data_key(self.done(n % 2, user, self.opening(created))), self.data_key(created))
        said = self.house.rows.execute(f"SELECT version FROM protect_datum WHERE id = '{datum}'")
        self.assertEqual(said, [(str(1 + len(users)),)])

    def test_a_body_goes_to_whose_session_its_call_names(self):
        content = secrets.token_bytes(3_000_000)
        bound = {"body": b64(hashlib.sha256(content).digest())}
        sessions = [self.its_session(which) for which in (0, 1)]
        self.assertNotEqual(*sessions)
        create = self.sign(self.claims("alice", {"create": {"session": sessions[0]}}) | bound)
        code, status, said = self.body(1, "encrypt", create, content)
        self.assertEqual((code, status), (0, "422"), said)
        self.assertEqual(json.loads(said)["code"], "session_key_invalid")
        # It is not used up: where it belongs it is done.
        code, status, sealed = self.body(0, "encrypt", create, content)
        self.assertEqual((code, status, sealed[:5]), (0, "200", b"sceau"))
        datum, length = b64(sealed[64:96]), int.from_bytes(sealed[96:98], "big")
        opening = {"open": {"datum": datum, "wrapped_key": b64(sealed[98 : 98 + length]), "session": sessions[1]}}
        self.assertEqual(self.body(1, "decrypt", self.sign(self.claims("alice", opening)), sealed), (0, "200", content))

    def test_each_refusal_is_counted_once(self):
        created = self.create(0)
        number = f"SELECT number FROM protect_datum WHERE id = '{created['datum']}'"
        before = self.counted().get("user_not_authorised", 0)
        for n in range(20):
            self.refused(self.at(n % 2, self.sign(self.claims("mallory", self.opening(created)))), "user_not_authorised")
        self.done(1, "alice", self.opening(created))
        last = self.done(0, "alice", {"describe": {"datum": created["datum"]}})["index"]
        until = time.monotonic() + 30
        while int(self.house.rows.execute("SELECT next FROM protect_tallied")[0][0]) <= last:
            self.assertLess(time.monotonic(), until, "the log is not counted")
            time.sleep(0.1)
        self.assertEqual(self.house.rows.execute(f"SELECT n FROM protect_refused WHERE number = ({number})"), [("20",)])
        # What the other tests had refused meanwhile is another's: none runs beside this one.
        self.assertEqual(self.counted()["user_not_authorised"] - before, 20)
        stock = self.house.rows.execute("SELECT status, sum(n) FROM protect_stock GROUP BY status")
        data = self.house.rows.execute("SELECT status, count(*) FROM protect_datum GROUP BY status")
        self.assertEqual(sorted(row for row in stock if row[1] != "0"), sorted(data), "data are counted once")


class OverPostgreSQL(OverSqlite):
    HOUSE = (Files, PostgreSQL)


if __name__ == "__main__":
    unittest.main()
