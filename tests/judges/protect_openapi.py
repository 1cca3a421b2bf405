"""The keyfront's OpenAPI document (docs/openapi-keyfront.json) beside a keyfront: each operation is there under its method and no other, and what is answered has
the members that are said."""

import json
import pathlib
import re
import unittest
import urllib.error
import urllib.request

from joserfc import jwe, jwt
from joserfc.jwk import RSAKey
from protect_application import Application

DOCUMENT = json.loads((pathlib.Path(__file__).parents[2] / "docs/openapi-keyfront.json").read_text())
PAGES = pathlib.Path(__file__).parents[2] / "docs"
# The element's codes with their statuses, and whatever the two pages name.
CODES = {code: int(status) for code, status in re.findall(r"^\| `(\w+)` \| (\d+) \|", (PAGES / "problem-codes.md").read_text(), re.MULTILINE)}
LISTED = (PAGES / "problem-codes.md").read_text() + (PAGES / "protect-a-field.md").read_text()
METHODS = ("get", "post", "put", "delete")


class OpenApi(Application):
    def ask_plainly(self, method, path, body=None, **headers):
        asked = urllib.request.Request(self.house.url + path, method=method.upper(), data=body, headers=headers)
        try:
            with urllib.request.urlopen(asked, timeout=30) as answer:
                return answer.status, answer.headers.get_content_type(), answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.headers.get_content_type(), error.read()

    def is_said(self, path, method, status, kind, body):
        """Holds an answer to the document, and to the list of codes."""
        said = DOCUMENT["paths"][path][method]["responses"]
        self.assertIn(str(status), said, (path, body))
        self.has_members(said[str(status)]["content"][kind]["schema"], body, path)
        if kind == "application/problem+json":
            code = json.loads(body)["code"]
            self.assertEqual(CODES.get(code, status), status, code)
            self.assertIn(f"`{code}`", LISTED)

    def has_members(self, schema, body, path):
        """Holds a body to a schema's members, where it names one."""
        if "$ref" in schema:
            schema = DOCUMENT["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
            members = set(json.loads(body))
            self.assertLessEqual(members, set(schema["properties"]), path)
            self.assertLessEqual(set(schema["required"]), members, path)

    def sent(self, path, body, kind):
        """Asks with a body of the schema that the document says, and holds the answer to it: status and body."""
        said = DOCUMENT["paths"][path]["post"]["requestBody"]["content"]
        self.assertIn(kind, said)
        self.has_members(said[kind]["schema"], body, path)
        answer = self.ask_plainly("post", path, body, **{"content-type": kind})
        self.is_said(path, "post", *answer)
        return answer[0], answer[2]

    def test_each_operation_is_there_and_no_other(self):
        for path, item in DOCUMENT["paths"].items():
            for method in METHODS:
                with self.subTest(path=path, method=method):
                    status, kind, body = self.ask_plainly(method, path, b"" if method == "post" else None)
                    if method in item:
                        self.assertNotEqual(status, 404)
                        self.is_said(path, method, status, kind, body)
                    else:
                        self.assertEqual(status, 405)
        self.assertEqual(self.ask_plainly("get", "/v1/protect/elsewhere")[0], 404)

    def test_answers_have_the_members_that_are_said(self):
        created = self.granted("alice", {"create": {"session": self.session()}})
        of = {"datum": created["datum"]}
        for user, op in [
            ("alice", {"create": {"session": self.session()}}), ("alice", self.opening(created)), ("bob", self.opening(created)), ("alice", {"describe": of}),
            ("alice", {"accesses": of}), ("alice", {"erase": of}), ("alice", {"erasure": of}), ("alice", self.opening(created)), ("alice", {"describe": {"datum": "A" * 43}}),
        ]:
            with self.subTest(user=user, op=op):
                call = self.sign(self.claims(user, op) | {"prove": True}).encode()
                answer = self.ask_plainly("post", "/v1/protect/calls", call, **{"content-type": "application/jose"})
                self.is_said("/v1/protect/calls", "post", *answer)

    def test_a_batch_is_asked_for_and_answered_as_is_said(self):
        created = self.granted("alice", {"create": {"session": self.session()}})
        opening = {name: created[name] for name in ("datum", "wrapped_key")}
        schemas = DOCUMENT["components"]["schemas"]
        for user, op in [
            ("alice", {"create_many": {"session": self.session(), "data": [{"name": "one"}, {}]}}),
            ("alice", {"open_many": {"session": self.session(), "data": [opening, opening | {"datum": "A" * 43}]}}),
            ("bob", {"open_many": {"session": self.session(), "data": [opening]}}),
        ]:
            with self.subTest(user=user, op=op):
                claims = self.claims(user, op)
                self.assertEqual(set(schemas["BatchClaims"]["required"]), set(claims))
                call = self.sign(claims).encode()
                answer = self.ask_plainly("post", "/v1/protect/batches", call, **{"content-type": "application/jose"})
                self.is_said("/v1/protect/batches", "post", *answer)
                self.assertEqual(answer[0], 200)
                for item in json.loads(answer[2])["items"]:
                    ((kind, said),) = item.items()
                    schema = schemas["AnswerOfMany"]["properties"][kind]
                    self.has_members({"$ref": schema["$ref"]} if "$ref" in schema else schema, json.dumps(said), kind)
                    if kind == "refused":
                        self.assertEqual(set(said), set(schema["required"]))
                        self.assertEqual(CODES[said["code"]], said["status"])
                again = self.ask_plainly("post", "/v1/protect/batches", call, **{"content-type": "application/jose"})
                self.is_said("/v1/protect/batches", "post", *again)
                self.assertEqual(again[0], 409)

    def test_a_content_is_asked_for_and_answered_as_is_said(self):
        created = self.granted("alice", {"create": {"session": self.session(), "profile": "cbc-rs256"}})
        key = jwe.decrypt_compact(created["data_key"], self.sessions["ECDH-ES"], algorithms=["ECDH-ES", "A256GCM"])
        asked = {"datum": created["datum"], "permit": json.loads(key.plaintext)["permit"], "sha256": "A" * 43}
        self.assertEqual(self.sent("/v1/protect/contents", json.dumps(asked).encode(), "application/json")[0], 200)
        for status, wrong in [
            (403, asked | {"permit": "A" * len(asked["permit"])}), (403, asked | {"datum": "A" * 43}), (400, asked | {"sha256": "A"}),
        ]:
            with self.subTest(wrong=wrong):
                self.assertEqual(self.sent("/v1/protect/contents", json.dumps(wrong).encode(), "application/json")[0], status)
        # No more, and no less.
        for wrong in [asked | {"ticket": "A"}, *({n: v for n, v in asked.items() if n != left_out} for left_out in asked)]:
            with self.subTest(wrong=wrong):
                answer = self.ask_plainly("post", "/v1/protect/contents", json.dumps(wrong).encode(), **{"content-type": "application/json"})
                self.assertEqual(answer[0], 400)
        self.granted("alice", {"erase": {"datum": created["datum"]}})
        self.assertEqual(self.sent("/v1/protect/contents", json.dumps(asked).encode(), "application/json")[0], 410)

    def test_calls_that_are_tokens_are_answered_as_is_said(self):
        def asked(user, op, key="RS256"):
            header = {"alg": "RS256", "kid": "rs256", "typ": "JWT"}
            call = jwt.encode(header, self.claims(user, op), self.keys["RS256"] if key else RSAKey.generate_key(2048), algorithms=["RS256"])
            answer = self.ask_plainly("post", "/v1/protect/tokens", call.encode(), **{"content-type": "application/jwt"})
            self.is_said("/v1/protect/tokens", "post", *answer)
            return answer[0], answer[1]
        created = self.granted("alice", {"create": {"session": self.session()}})
        of = {"datum": created["datum"]}
        token, problem = "application/jwt", "application/problem+json"
        self.assertEqual(asked("alice", {"describe": of}), (200, token))
        self.assertEqual(asked("bob", {"describe": of}), (403, token))
        self.assertEqual(asked("alice", {"describe": {"datum": "A" * 43}}), (404, token))
        self.assertEqual(asked("alice", {"describe": of}, None), (403, problem))
        self.granted("alice", {"erase": of})
        self.assertEqual(asked("alice", {"open": of | {"wrapped_key": created["wrapped_key"]}}), (410, token))
        self.assertEqual(self.sent("/v1/protect/tokens", b"a.b.c", token)[0], 403)

    def test_claims_are_those_that_are_said(self):
        schema = DOCUMENT["components"]["schemas"]["Claims"]
        claims = self.claims("alice", {"create": {"session": self.session()}})
        self.assertEqual(set(schema["required"]), set(claims))
        for left_out in claims:
            with self.subTest(left_out=left_out):
                call = self.sign({name: value for name, value in claims.items() if name != left_out})
                self.assertEqual(self.bring(call)[0], 400)


if __name__ == "__main__":
    unittest.main()
