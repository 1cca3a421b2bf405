"""A real mail server (aiosmtpd) for tests, with TLS.

Usage: servers_smtp.py CERTIFICATE KEY implicit|starttls|clear
Says {"ready": "smtp", "port": N} and obeys lines on its standard input:
  take | later N (451 to the next N letters) | mailbox (450) | never (550) | login (535 to each login) -> "done"
  letters -> one line of JSON, each letter whole, with its Message-ID, its recipient and whether TLS and a login were there
"""

import asyncio
import email
import email.policy
import json
import ssl
import sys
import threading

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword


class Sink:
    def __init__(self):
        self.letters, self.kind, self.left = [], "take", 0

    async def handle_RCPT(self, server, session, envelope, address, options):
        if self.kind == "never":
            return "550 5.1.1 <%s> is not known here" % address
        if self.kind == "mailbox":
            return "450 4.2.1 <%s> takes no letters now" % address
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        if self.kind == "later" and self.left > 0:
            self.left -= 1
            return "451 4.7.1 come back later"
        letter = email.message_from_bytes(envelope.content, policy=email.policy.default)
        self.letters.append({
            "id": letter["message-id"], "source": envelope.content.decode(), "to": envelope.rcpt_tos, "subject": letter["subject"],
            "text": letter.get_content(), "tls": server.transport.get_extra_info("sslcontext") is not None, "login": bool(session.authenticated),
        })
        return "250 2.0.0 kept"

    def authenticate(self, server, session, envelope, mechanism, data):
        right = isinstance(data, LoginPassword) and (data.login, data.password) == (b"sceau", b"secret of the mail")
        # What is not handled here, the server refuses (535).
        return AuthResult(success=right and self.kind != "login", handled=right and self.kind != "login")


def main():
    certificate, key, mode = sys.argv[1:]
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    sink = Sink()
    arguments = {"authenticator": sink.authenticate, "auth_required": mode != "clear", "auth_require_tls": mode == "starttls"}
    if mode == "starttls":
        arguments.update(tls_context=context, require_starttls=True)
    loop = asyncio.new_event_loop()
    serving = loop.run_until_complete(loop.create_server(
        lambda: SMTP(sink, hostname="localhost", loop=loop, **arguments), "127.0.0.1", 0,
        ssl=context if mode == "implicit" else None))
    threading.Thread(target=loop.run_forever, daemon=True).start()
    print(json.dumps({"ready": "smtp", "port": serving.sockets[0].getsockname()[1]}), flush=True)
    for line in sys.stdin:
        words = line.split()
        if words[0] == "letters":
            print(json.dumps(sink.letters), flush=True)
            continue
        sink.kind, sink.left = words[0], int(words[1]) if len(words) > 1 else 0
        print("done", flush=True)


if __name__ == "__main__":
    main()
