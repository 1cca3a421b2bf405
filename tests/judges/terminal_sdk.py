"""The whole life of a keyring on a terminal that is a shell over the SDK: by its Python binding, which comes of the same metadata as Kotlin's and Swift's."""

import ctypes
import hashlib
import pathlib
import re
import shutil
import subprocess
import unittest

import pkcs11

from terminal_house import PIN, Device, Folder, House, Key, generate, library, sdk, seen, typed

Host, Local, Refused = sdk.TerminalError.Host, sdk.TerminalError.Local, sdk.TerminalError.Refused


class Lives(House):
    def test_a_keyring_from_its_activation_to_its_end(self):
        keyring = self.handed("life")
        shell = self.shell("life")
        terminal = self.terminal(shell)
        self.assertIsNone(terminal.names())
        self.refused(Local, "terminal_missing", terminal.pending)
        self.activate(terminal, keyring)
        self.refused(Local, "terminal_exists", lambda: self.begun(terminal, "life"))
        # A start later, on the same device.
        terminal = self.terminal(shell)
        self.assertEqual(terminal.names().keyring, keyring)
        self.sign(terminal, keyring)
        self.says_who(terminal, keyring)
        self.says_no(terminal, keyring)
        self.stops(terminal, keyring)
        ended = terminal.destroy(typed())
        self.assertTrue(ended.forgotten and ended.proof)
        self.assertEqual((shell.storage.names(), shell.key.objects()), ([], []), "nothing is left, the key neither")
        self.assertIsNone(terminal.names())

    def activate(self, terminal, keyring: str):
        wrong = (self.at / "life.code").read_text().strip()[:-1] + ("A" if not (self.at / "life.code").read_text().strip().endswith("A") else "B")
        with self.assertRaises(sdk.TerminalError):
            terminal.activate((self.at / "life.invitation").read_text(), wrong, None)
        begun = self.begun(terminal, "life")
        shown = begun.shown()
        self.assertEqual((shown.holder.common_name, shown.signs, shown.pin_least, shown.pin_most), ("Marie Curie", True, 6, 12))
        self.refused(Local, "pins_differ", lambda: begun.choose(typed(), typed("402917385517")))
        self.refused(Local, "pin_not_taken", lambda: begun.choose(typed("123456"), typed("123456")))
        self.refused(Local, "pin_not_taken", lambda: begun.choose(sdk.Keypad(), sdk.Keypad()))
        activated = begun.choose(typed(), typed())
        self.assertEqual((activated.keyring, activated.phase), (keyring, sdk.Phase.ACTIVE))
        self.assertIn(b"Marie Curie", activated.certificate)
        # What was sent is kept, and is not written over: its answer may have been lost.
        self.refused(Local, "terminal_exists", lambda: begun.choose(typed(), typed()))

    def sign(self, terminal, keyring: str):
        self.assertEqual(terminal.pending(), [])
        asked = self.ask(keyring)
        self.assertEqual([one.request for one in terminal.news([])], [asked])
        request = terminal.request(asked)
        shown = request.shown()
        self.assertEqual((shown.kind, shown.provider), (sdk.Kind.SIGN, "Notaires de démonstration"))
        self.assertEqual(shown.description, "Le bail du 12 mars\n\n1 250 € par mois", "each word, and each line")
        lease = (self.at / "lease.pdf").read_bytes()
        self.assertEqual([(one.label, one.sha256) for one in shown.items], [("lease.pdf", hashlib.sha256(lease).hexdigest())])
        # Nobody agrees to what was not shown.
        self.refused(Local, "request_unread", lambda: request.approve(typed()))
        request.seen(shown.parts[0])
        self.assertEqual(len(request.unread()), 1)
        self.refused(Local, "request_unread", lambda: request.approve(typed()))
        seen(request)
        self.refused(Local, "pin_invalid", lambda: request.approve(typed("402917385517")))
        state = terminal.state()
        self.assertEqual((state.wrong_pins, state.pins_left, state.phase), (1, 2, sdk.Phase.ACTIVE))
        self.assertEqual(state.warnings.attempts, [], "it was this terminal")
        agreed = request.approve(typed())
        self.assertEqual(agreed.delivery, sdk.Delivery.HANDED_OVER)
        self.refused(Local, "request_answered", lambda: request.approve(typed()))
        self.refused(Local, "request_answered", request.reject)
        self.verified(agreed)
        self.assertEqual(self.outcome(asked, "--out", "life.sig", "--proof", "life.proof"), "signed")
        self.assertEqual((self.at / "life.sig").read_bytes(), agreed.signatures[0])
        self.assertEqual(terminal.pending(), [])

    def verified(self, agreed):
        """By OpenSSL: the signature is over the file, under the certificate that the element's authority made."""
        (self.at / "me.der").write_bytes(agreed.certificates[0])
        (self.at / "me.sig").write_bytes(agreed.signatures[0])
        openssl = lambda *words: subprocess.run(["openssl", *words], cwd=self.at, check=True, capture_output=True)
        (self.at / "me.pub").write_bytes(openssl("x509", "-inform", "DER", "-in", "me.der", "-pubkey", "-noout").stdout)
        openssl("dgst", "-sha256", "-verify", "me.pub", "-signature", "me.sig", "lease.pdf")
        openssl("x509", "-inform", "DER", "-in", "me.der", "-out", "me.pem")
        openssl("verify", "-CAfile", "authority.pem", "me.pem")

    def says_who(self, terminal, keyring: str):
        asked = self.ask(keyring, "--authenticate", "--nonce", "n1")
        request = seen(terminal.request(asked))
        shown = request.shown()
        self.assertEqual((shown.kind, shown.items, shown.told), (sdk.Kind.AUTHENTICATE, [], [sdk.Disclosed.COMMON_NAME]))
        agreed = request.approve(typed())
        self.assertEqual((agreed.signatures, agreed.certificates), ([], []))
        self.assertEqual(self.outcome(asked), "signed")

    def says_no(self, terminal, keyring: str):
        rejected, reported, unread = (self.ask(keyring) for _ in range(3))
        self.assertEqual({one.request for one in terminal.pending()}, {rejected, reported, unread})
        terminal.request(rejected).reject()
        terminal.request(reported).report(sdk.ReportReason.STRANGER)
        terminal.reject(unread)
        for asked in (rejected, reported, unread):
            self.assertEqual(self.outcome(asked), "rejected")
        self.assertEqual(terminal.pending(), [])
        self.refused(Host, "request_settled", lambda: terminal.request(rejected))

    def stops(self, terminal, keyring: str):
        asked = self.ask(keyring)
        request = seen(terminal.request(asked))
        terminal.suspend(sdk.SuspendReason.SUSPECTED)
        self.assertEqual(terminal.state().phase, sdk.Phase.SUSPENDED)
        self.refused(Refused, "keyring_suspended", lambda: request.approve(typed()))
        self.sceau("keyring", "resume", keyring, "--reason", "unfounded", *self.host, *self.authority)
        self.assertEqual(request.approve(typed()).delivery, sdk.Delivery.HANDED_OVER)


class Keys(House):
    def test_the_devices_key_never_leaves_it(self):
        keyring, terminal, shell = self.activated("held")
        private = shell.key.private()
        told = [private[one] for one in (pkcs11.Attribute.SENSITIVE, pkcs11.Attribute.EXTRACTABLE, pkcs11.Attribute.NEVER_EXTRACTABLE)]
        self.assertEqual(told, [True, False, True])
        with self.assertRaises(pkcs11.exceptions.AttributeSensitive):
            private[pkcs11.Attribute.VALUE]
        before = shell.key.signed
        seen(terminal.request(self.ask(keyring))).approve(typed())
        self.assertGreater(shell.key.signed, before, "each message is signed where the key is")
        self.assertEqual(sorted(shell.storage.names()), ["attempts.json", "device.spki", "keyring.json", "secret.json"], "no private key is among what is kept")
        self.assertEqual(shell.storage.read("device.spki"), shell.key.public_key())
        for name in shell.storage.names():
            self.assertNotIn(PIN.encode(), shell.storage.read(name))

    def test_a_key_that_does_not_sign_as_it_should_says_so(self):
        class Hashes(Key):
            def sign(self, message: bytes) -> bytes:
                return super().sign(hashlib.sha256(message).digest())

        class Fails(Key):
            def sign(self, message: bytes) -> bytes:
                raise sdk.ShellError.Failed("no finger was shown")

        class Breaks(Key):
            def sign(self, message: bytes) -> bytes:
                raise ValueError("a mistake of the shell")

        self.handed("odd")
        for key, words in ((Hashes("odd"), "hashed once"), (Fails("odd"), "no finger"), (Breaks("odd"), "the shell's own code")):
            shell = sdk.Shell(storage=Folder(self.at / "odd.kept"), key=key, surroundings=Device())
            told = self.refused(sdk.TerminalError.Shell, "key_failed", lambda: self.begun(self.terminal(shell), "odd"))
            self.assertIn(words, told.detail)
            self.assertEqual(shell.storage.names(), [])

    def test_one_page_at_a_time(self):
        keyring, terminal, shell = self.activated("alone")
        request = seen(terminal.request(self.ask(keyring)))

        class Nosy(Key):
            def sign(self, message: bytes) -> bytes:
                told.append(sdk_refusal(terminal.state))
                told.append(sdk_refusal(lambda: seen(request)))
                return super().sign(message)

        def sdk_refusal(does):
            try:
                return does() and None
            except Local as refused:
                return refused.code

        told = []
        nosy = sdk.Shell(storage=shell.storage, key=Nosy("alone"), surroundings=shell.surroundings)
        terminal = self.terminal(nosy)
        request = seen(terminal.request(self.ask(keyring)))
        told.clear()
        request.approve(typed())
        self.assertEqual(told[:4], ["terminal_busy"] * 4, "while it is answered")
        self.assertLessEqual(set(told), {"terminal_busy", "request_answered"})


class Copies(House):
    def test_what_was_copied_is_no_terminal(self):
        keyring, terminal, shell = self.activated("copied")
        elsewhere = self.copy(shell, "copied-elsewhere")
        changed = lambda **parts: self.refused(Local, "terminal_changed", lambda: self.terminal(self.with_(shell, **parts)))
        changed(storage=elsewhere, surroundings=Device("8"))
        # Who makes the device look like the other one has not its key.
        changed(storage=elsewhere, key=Key("copied", "tablet"))
        other = Key("copied-other", "tablet")
        other.make()
        changed(storage=elsewhere, key=other)
        # And one that runs is looked at again, not at its start alone.
        request = seen(terminal.request(self.ask(keyring)))
        shell.surroundings.number = "8"
        self.refused(Local, "terminal_changed", lambda: request.approve(typed()))
        shell.surroundings.number = "7"
        request.approve(typed())

    def test_the_element_knows_another_device_too(self):
        """The hardware was moved, or its system lies, and the copy was edited so that it takes itself for the terminal."""
        _, _, shell = self.activated("moved")
        moved = self.copy(shell, "moved-edited")
        there = Device("8")
        self.handed("fresh")
        fresh = sdk.Shell(storage=Folder(self.at / "fresh.kept"), key=Key("fresh"), surroundings=there)
        self.begun(self.terminal(fresh), "fresh").choose(typed(), typed())
        image = lambda storage: re.search(rb'"image":"([^"]*)"', storage.read("keyring.json")).group(1)
        moved.write("keyring.json", moved.read("keyring.json").replace(image(moved), image(fresh.storage)))
        altered = self.terminal(self.with_(shell, storage=moved, surroundings=there))
        self.refused(Refused, "terminal_altered", altered.state)

    def test_an_older_copy_put_back_is_stale(self):
        keyring, terminal, shell = self.activated("older")
        older = self.copy(shell, "older-copy")
        for _ in range(2):
            seen(terminal.request(self.ask(keyring))).approve(typed())
        for name in older.names():
            shell.storage.write(name, older.read(name))
        request = seen(self.terminal(shell).request(self.ask(keyring)))
        self.refused(Refused, "secret_stale", lambda: request.approve(typed()))

    def test_a_copy_is_seen_by_its_holder(self):
        """Somebody has storage, key and device in hand, and tries a PIN: the terminal says so before the next one."""
        keyring, terminal, shell = self.activated("guessed")
        seen(terminal.request(self.ask(keyring))).approve(typed())
        guesser = self.terminal(self.with_(shell, storage=self.copy(shell, "guessed-copy")))
        asked = self.ask(keyring)
        self.refused(Local, "pin_invalid", lambda: seen(guesser.request(asked)).approve(typed("402917385517")))
        request = terminal.request(asked)
        shown = request.shown()
        self.assertEqual([one.ended for one in shown.warnings.attempts], [sdk.HowEnded.WRONG_PIN()])
        self.assertEqual(shown.parts[0], sdk.Part.WARNINGS())
        request.seen(sdk.Part.WORDS())
        request.seen(sdk.Part.ITEM(index=0))
        self.refused(Local, "request_unread", lambda: request.approve(typed()))
        seen(request).approve(typed())

    def test_a_copy_that_guesses_while_the_holder_reads_is_seen_before_the_next_pin(self):
        keyring, terminal, shell = self.activated("read")
        guesser = self.terminal(self.with_(shell, storage=self.copy(shell, "read-copy")))
        request = seen(terminal.request(self.ask(keyring)))
        guessed = self.ask(keyring)
        self.refused(Local, "pin_invalid", lambda: seen(guesser.request(guessed)).approve(typed("402917385517")))
        request.approve(typed())
        attempts = lambda: [one.ended for one in terminal.request(self.ask(keyring)).shown().warnings.attempts]
        self.assertEqual(attempts(), [sdk.HowEnded.WRONG_PIN()])
        seen(terminal.request(guessed)).approve(typed())
        self.assertEqual(attempts(), [], "once")

    def test_a_device_that_was_tampered_with_is_refused(self):
        keyring, terminal, shell = self.activated("tampered")
        request = seen(terminal.request(self.ask(keyring)))
        for signal in sdk.TamperingSignal:
            shell.surroundings.signals = [signal]
            for does in (lambda: self.terminal(shell), terminal.names, terminal.pending, terminal.state, lambda: request.approve(typed())):
                self.refused(Local, "terminal_tampered", does)
            fresh = self.shell("untouched", shell.surroundings)
            self.refused(Local, "terminal_tampered", lambda: self.terminal(fresh))
        shell.surroundings.signals = []
        request.approve(typed())

    def copy(self, shell, name: str) -> Folder:
        to = self.at / f"{name}.kept"
        shutil.copytree(shell.storage.at, to)
        return Folder(to)

    def with_(self, shell, storage=None, key=None, surroundings=None):
        return sdk.Shell(storage=storage or shell.storage, key=key or shell.key, surroundings=surroundings or Device())


class Fingerprints(House):
    def test_a_policy_that_asks_for_the_fingerprint_takes_devices_alone_that_know_their_holder(self):
        self.publish(biometric="fingerprint")
        keyring, shell = self.handed("fingerprint"), self.shell("fingerprint")
        terminal = self.terminal(shell)
        self.refused(Local, "fingerprint_missing", lambda: self.begun(terminal, "fingerprint"))
        self.assertIsNone(terminal.names())
        shell.surroundings.knows_holder = True
        self.begun(terminal, "fingerprint").choose(typed(), typed())
        request = seen(terminal.request(self.ask(keyring)))
        # Its holder took the device's lock off meanwhile.
        shell.surroundings.knows_holder = False
        self.refused(Local, "fingerprint_missing", lambda: request.approve(typed()))
        shell.surroundings.knows_holder = True
        request.approve(typed())


class Bindings(unittest.TestCase):
    """Kotlin and Swift are generated when they are packaged, and are not in the tree: that each of them is of this source, and asks it whether it is."""

    CHECK = re.compile(r"(uniffi_sceau_terminal_sdk_checksum_\w+)\(\)\s*!=\s*(\d+)")

    def checks(self, folder: pathlib.Path, ending: str) -> dict[str, int]:
        (file,) = (one for one in folder.rglob(f"*.{ending}"))
        return {name: int(number) for name, number in self.CHECK.findall(file.read_text())}

    def test_each_language_says_what_the_source_says(self):
        of = {"python": "py", "kotlin": "kt", "swift": "swift"}
        checks = {language: self.checks(generate(language), ending) for language, ending in of.items()}
        self.assertGreater(len(checks["python"]), 30)
        self.assertEqual(checks["python"], checks["kotlin"])
        self.assertEqual(checks["python"], checks["swift"])
        loaded = ctypes.CDLL(str(library()))
        for name, number in checks["kotlin"].items():
            function = getattr(loaded, name)
            function.restype = ctypes.c_uint16
            self.assertEqual(function(), number, name)

    def test_they_have_the_names_that_a_shell_uses(self):
        (kotlin,) = generate("kotlin").rglob("*.kt")
        self.assertEqual(kotlin.parent.relative_to(kotlin.parents[3]), pathlib.Path("org/sceau/terminal"))
        swift = generate("swift")
        (source,) = swift.glob("*.swift")
        self.assertEqual(source.name, "SceauTerminal.swift")
        page = (pathlib.Path(__file__).resolve().parents[2] / "docs/build-a-terminal.md").read_text()
        for language, text in (("kotlin", kotlin.read_text()), ("swift", source.read_text())):
            samples = "".join(re.findall(rf"```{language}\n(.*?)```", page, re.S))
            called = set(re.findall(r"\b(?:terminal|request|activation|keypad|pad)\.(\w+)\(", samples))
            self.assertGreater(len(called), 8, "the page shows how it is used")
            declared = set(re.findall(r"\bfun? ?`?(\w+)`?\(", text)) | set(re.findall(r"\bfunc (\w+)\(", text))
            self.assertEqual(called - declared, set(), f"the page's {language} calls what is not there")


if __name__ == "__main__":
    unittest.main()
