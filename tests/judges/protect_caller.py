"""An application that we did not write calls for the protection of its data: it signs calls, opens answers and encrypts with PyPI's joserfc and
cryptography, against the element and the keyfront as they are shipped."""

import hashlib
import hmac
import json
import secrets
import unittest

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from protect_application import Application
from protect_house import answered, b64, erasure, prove, unb64


class Protection(Application):
    def test_a_field_is_encrypted_and_read_again_with_each_algorithm(self):
        for alg in self.keys:
            for session in self.sessions:
                with self.subTest(alg=alg, session=session):
                    op = {"create": {"name": "Ordonnance", "session": self.session(session)}}
                    created = self.granted("alice@example.org", op, alg)
                    key, iv = self.data_key(created, session)
                    sealed = AESGCM(key).encrypt(iv, b"Metformine 500 mg", created["datum"].encode())
                    opened = self.granted("alice@example.org", self.opening(created, session), alg)
                    key, iv = self.data_key(opened, session)
                    self.assertEqual(AESGCM(key).decrypt(iv, sealed, created["datum"].encode()), b"Metformine 500 mg")

    def test_who_is_not_authorised_gets_nothing(self):
        created = self.granted("alice", {"create": {"session": self.session()}})
        self.refused(self.ask("bob", self.opening(created)), "user_not_authorised")
        grant = {"grant": {"datum": created["datum"], "grant": {"to": {"user": "bob"}}}}
        changed = self.granted("alice", grant)
        self.assertEqual(changed["document"]["grants"][0]["to"], {"user": "bob"})
        self.assertEqual(self.data_key(self.granted("bob", self.opening(created))), self.data_key(created))
        self.granted("alice", {"revoke": {"datum": created["datum"], "to": {"user": "bob"}}})
        self.refused(self.ask("bob", self.opening(created)), "user_not_authorised")
        self.granted("alice", {"deactivate": {"datum": created["datum"]}})
        self.refused(self.ask("alice", self.opening(created)), "datum_inactive")
        described = self.granted("alice", {"describe": {"datum": created["datum"]}})
        self.assertEqual((described["document"]["status"], described["document"]["owner"]), ("inactive", "alice"))
        accesses = self.granted("alice", {"accesses": {"datum": created["datum"], "most": 3}})["accesses"]
        said = [(one["action"], one["user"], one["refused"]) for one in accesses["list"]]
        self.assertEqual(
            said,
            [
                ("datum.describe", "alice", None),
                ("datum.open", "alice", "datum_inactive"),
                ("datum.deactivate", "alice", None),
            ],
        )
        self.assertEqual(accesses["next"], accesses["list"][2]["index"])
        self.refused(
            self.ask("bob", {"accesses": {"datum": created["datum"]}}), "user_not_authorised"
        )

    def test_many_fields_are_encrypted_and_read_again_by_one_call_each(self):
        def asked(user, op, alg, session):
            claims = self.claims(user, op)
            call = self.sign(claims, alg).encode()
            status, answer = self.house.post("/v1/protect/batches", call, "application/jose")
            self.assertEqual(status, 200, answer)
            keys = [self.data_key(item["granted"] | {"asked": claims["jti"], "item": n}, session) if "granted" in item else None for n, item in enumerate(answer["items"])]
            return answer["items"], keys, call

        texts = [f"Metformine {mg} mg".encode() for mg in range(60)]
        for alg, session in [("ES256", "ECDH-ES"), ("RS256", "RSA-OAEP-256")]:
            with self.subTest(alg=alg, session=session):
                op = {"create_many": {"session": self.session(session), "data": [{"name": f"Ordonnance {n}"} for n, _ in enumerate(texts)]}}
                begun, keys, _ = asked("alice", op, alg, session)
                self.assertEqual(len({key for key, _ in keys}), len(texts))
                data = [item["granted"]["datum"] for item in begun]
                sealed = [AESGCM(key).encrypt(iv, text, datum.encode()) for (key, iv), text, datum in zip(keys, texts, data)]
                opening = [{name: item["granted"][name] for name in ("datum", "wrapped_key")} for item in begun]
                grant = {"grant": {"datum": data[7], "grant": {"to": {"user": "bob"}}}}
                self.granted("alice", grant)
                op = {"open_many": {"session": self.session(session), "data": opening}}
                _, keys, call = asked("alice", op, alg, session)
                for (key, iv), text, field, datum in zip(keys, texts, sealed, data):
                    self.assertEqual(AESGCM(key).decrypt(iv, field, datum.encode()), text)
                items, keys, _ = asked("bob", op, alg, session)
                self.assertEqual([n for n, key in enumerate(keys) if key], [7])
                self.assertEqual({item["refused"]["code"] for item in items if "refused" in item}, {"user_not_authorised"})
                self.assertEqual(self.house.post("/v1/protect/batches", call, "application/jose")[1]["code"], "call_replayed")
                # The owner finds each of them among the datum's own.
                accesses = self.granted("alice", {"accesses": {"datum": data[3], "most": 3}})["accesses"]["list"]
                self.assertEqual([(one["user"], one["refused"]) for one in accesses], [("bob", "user_not_authorised"), ("alice", None), ("alice", None)])
        self.house.end()
        self.house.begin()
        self.assertEqual(self.house.post("/v1/protect/batches", call, "application/jose")[1]["code"], "call_replayed")

    def test_every_answer_is_proven_by_the_log_and_an_altered_one_is_not(self):
        def asked(op):
            call = self.sign(self.claims("alice", op) | {"prove": True})
            status, answer = self.bring(call)
            self.assertEqual(status, 200, answer)
            return call, answer

        log_key = self.house.log_key
        created = asked({"create": {"name": "Müller “π”", "tags": ["a\u00a0/\\\""], "session": self.session()}})
        datum = created[1]["datum"]
        opened = asked(self.opening(created[1]))
        of = lambda name: asked({name: {"datum": datum}})
        answers = [created, opened, of("describe"), of("accesses"), of("deactivate"), of("erase"), of("erasure")]
        for call, answer in answers:
            record = prove(call, answer, self.application, log_key)
            self.assertNotIn("alice", json.dumps(record))
        erasure(answers[-1][1]["erasure"], log_key)
        self.assertEqual(answers[2][1]["document"]["name"], "Müller “π”")
        for at, name, other in [
            (1, "data_key", created[1]["data_key"]), (1, "proof", created[1]["proof"]), (1, "index", created[1]["index"]),
            (0, "wrapped_key", "AAAA"), (2, "document", answers[2][1]["document"] | {"owner": "mallory"}),
            (3, "accesses", {"list": [], "next": None}),
        ]:
            call, answer = answers[at]
            with self.subTest(altered=name), self.assertRaises(AssertionError):
                prove(call, answer | {name: other}, self.application, log_key)
        with self.assertRaises(AssertionError):
            prove(created[0], opened[1], self.application, log_key)

    def test_what_is_erased_is_certified(self):
        created = self.granted("alice", {"create": {"session": self.session()}})
        survivor = self.granted("alice", {"create": {"session": self.session()}})
        of = {"datum": created["datum"]}
        self.assertEqual(self.granted("alice", {"erase": of})["document"]["status"], "erased")
        self.refused(self.ask("alice", self.opening(created)), "datum_erased")
        before = self.granted("alice", {"erasure": of})["erasure"]
        self.assertIsNone(before["destroyed"])
        self.assertEqual(before["not_covered"], ["keys_handed_out", "keystore_copies"])
        self.assertEqual(len(erasure(before, self.house.log_key)), 1)
        self.house.end()
        self.house.begin()
        after = self.granted("alice", {"erasure": of})["erasure"]
        self.assertEqual(len(erasure(after, self.house.log_key)), 2)
        self.assertFalse((self.house.at / f"state/keys/keys/protect-epoch-{after['epoch']}-1.key").exists())
        # Its row in the database has the salt of the epoch before.
        self.assertEqual(self.data_key(self.granted("alice", self.opening(survivor))), self.data_key(survivor))
        self.refused(self.ask("alice", self.opening(created)), "datum_erased")

    def test_what_is_forged_replayed_or_unreadable_is_refused(self):
        claims = self.claims("alice", {"create": {"session": self.session()}})
        part = lambda value: b64(json.dumps(value).encode())
        none = f"{part({'alg': 'none', 'kid': 'es256', 'typ': 'sceau-protect-call'})}.{part(claims)}."
        self.refused(self.bring(none), "proof_invalid")
        public = self.keys["RS256"].as_pem(private=False)
        header = {"alg": "HS256", "kid": "rs256", "typ": "sceau-protect-call"}
        body = f"{part(header)}.{part(claims)}"
        shared = f"{body}.{b64(hmac.new(public, body.encode(), 'sha256').digest())}"
        self.refused(self.bring(shared), "proof_invalid")
        call = self.sign(claims)
        self.assertEqual(self.bring(call)[0], 200)
        self.refused(self.bring(call), "call_replayed")
        self.refused(self.bring("a" * 100_000), "too_large")
        self.refused(self.bring(""), "proof_invalid")
        self.refused(self.bring(self.sign(claims | {"aud": "elsewhere", "jti": secrets.token_hex(16)})), "call_elsewhere")
        old = {"iat": claims["iat"] - 1000, "exp": claims["iat"] - 900, "jti": secrets.token_hex(16)}
        self.refused(self.bring(self.sign(claims | old)), "call_expired")

    def test_a_killed_element_gives_the_same_key_and_knows_its_calls(self):
        created = self.granted("alice", {"create": {"session": self.session()}})
        call = self.sign(self.claims("alice", self.opening(created)))
        self.assertEqual(self.bring(call)[0], 200)
        self.house.end()
        self.house.begin()
        self.refused(self.bring(call), "call_replayed")
        self.assertEqual(self.data_key(self.granted("alice", self.opening(created))), self.data_key(created))


if __name__ == "__main__":
    unittest.main()
