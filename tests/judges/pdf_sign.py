"""`sceau sign` on documents of others, judged by pyHanko, pdfsig and qpdf; `sceau verify` on documents that pyHanko signed."""

import hashlib
import io
import os
import resource
import subprocess
import unittest

import pikepdf
from asn1crypto import cms, tsp
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils
from pyhanko.pdf_utils.generic import NumberObject
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import fields, signers
from pyhanko.sign.validation import DocumentSecurityStore, validate_pdf_signature

from pdf_house import KEYS, House, documents, rewritten, written
from stamp_authority import Authority


class Signs(House):
    def test_each_form_and_each_key(self):
        for form, document in documents().items():
            for key in KEYS:
                with self.subTest(form=form, key=key):
                    (self.at / "in.pdf").write_bytes(document)
                    self.signed("in.pdf", "out.pdf", key, "--reason", "J'accepte")
                    (said,) = self.pyhanko("out.pdf")
                    self.assertTrue(said.bottom_line and said.trusted, said.pretty_print_details())
                    self.assertEqual(said.coverage.name, "ENTIRE_FILE")
                    self.assertIn("Signature is Valid", self.pdfsig("out.pdf"))
                    code, (ours,) = self.verified("out.pdf")
                    self.assertEqual((code, ours["verdict"], ours["signer"]), (0, "holds", "CN=Marie Curie"))
                    self.assertIn("whether the signer's certificate was revoked", ours["not_known"])
                    (self.at / "out.pdf").unlink()

    def test_one_behind_another(self):
        for form, document in documents().items():
            with self.subTest(form=form):
                (self.at / "in.pdf").write_bytes(document)
                self.signed("in.pdf", "one.pdf", "rsa")
                self.signed("one.pdf", "two.pdf", "p256", "--rectangle", "300,60,220,60", "--page", "2", "--text", "Signé électroniquement", "--text", "à Nîmes")
                first, second = self.pyhanko("two.pdf")
                self.assertTrue(first.bottom_line and second.bottom_line, first.pretty_print_details())
                text = subprocess.run(["pdftotext", self.at / "two.pdf", "-"], check=True, capture_output=True, text=True).stdout
                self.assertIn("Signé électroniquement", text)
                code, (one, two) = self.verified("two.pdf")
                self.assertEqual((code, one["verdict"], two["verdict"]), (5, "added_to", "holds"))
                self.assertTrue(two["coverage"]["whole"])
                self.assertIn("shown on page 2", one["coverage"]["added"][0]["what"])
                for name in ("one.pdf", "two.pdf"):
                    (self.at / name).unlink()

    def test_a_time_stamp_and_evidence(self):
        authority = Authority(self.at / "tsa")
        self.addCleanup(authority.close)
        for key in KEYS:
            with self.subTest(key=key):
                (self.at / "in.pdf").write_bytes(written())
                self.signed("in.pdf", f"{key}-t.pdf", key, "--stamp-authority", authority.url, "--stamp-anchors", "tsa/ca.pem")
                (said,) = self.pyhanko(f"{key}-t.pdf", "tsa/ca.pem")
                self.assertTrue(said.bottom_line and said.timestamp_validity.trusted and said.timestamp_validity.valid, said.pretty_print_details())
                code, (ours,) = self.verified(f"{key}-t.pdf", "--stamp-anchors", "tsa/ca.pem")
                self.assertEqual((code, ours["stamp"]["holds"], ours["chain"]["stamped"]), (0, True, True))
                # Its roots, its list, and that of the authority of time stamps.
                self.tsa_list()
                evidence = ["ca.pem", "ca.crl", "tsa/ca.pem", "tsa/ca.crl", f"{key}.pem"]
                code, said = self.sceau("sign", f"{key}-t.pdf", "-o", f"{key}-lt.pdf", *[word for file in evidence for word in ("--evidence", file)])
                self.assertEqual(code, 0, said)
                subprocess.run(["qpdf", "--check", self.at / f"{key}-lt.pdf"], check=True, capture_output=True)
                # pyHanko has nothing but the document, and demands that revocation be known.
                reader = self.reader(f"{key}-lt.pdf")
                store = DocumentSecurityStore.read_dss(reader)
                self.assertEqual((len(store.certs), len(store.crls), len(store.vri_entries)), (3, 2, 1))
                roots = [self.certificate("ca.pem"), self.certificate("tsa/ca.pem")]
                strict = {"trust_roots": roots, "allow_fetching": False, "revocation_mode": "hard-fail"}
                keeping = store.as_validation_context(strict)
                said = validate_pdf_signature(reader.embedded_regular_signatures[0], keeping, keeping)
                self.assertTrue(said.bottom_line, said.pretty_print_details())
                code, (ours,) = self.verified(f"{key}-lt.pdf", "--stamp-anchors", "tsa/ca.pem")
                self.assertEqual((code, ours["verdict"], ours["chain"]["unrevoked"]), (5, "added_to", True))
                self.assertNotIn("whether the signer's certificate was revoked", ours["not_known"])
                self.assertTrue(all(it["harmless"] for it in ours["coverage"]["added"]))

    def tsa_list(self):
        tsa = self.at / "tsa"
        (tsa / "index").touch()
        (tsa / "ca.cnf").write_text("[ca]\ndefault_ca=c\n[c]\ndatabase=index\ndefault_md=sha256\ndefault_crl_days=7\ncrl_extensions=r\ncertificate=ca.pem\nprivate_key=ca.key\n[r]\nauthorityKeyIdentifier=keyid\n")
        subprocess.run(["openssl", "ca", "-config", "ca.cnf", "-gencrl", "-out", "ca.crl"], cwd=tsa, check=True, capture_output=True)

    def test_whoever_was_taken_back_is_refused(self):
        (self.at / "in.pdf").write_bytes(written())
        self.signed("in.pdf", "out.pdf")
        self.openssl("ca", "-config", "ca.cnf", "-revoke", "p256.pem")
        self.openssl("ca", "-config", "ca.cnf", "-gencrl", "-out", "ca.crl")
        code, (ours,) = self.verified("out.pdf", "--crl", "ca.crl")
        self.assertEqual((code, ours["verdict"], ours["chain"]["code"]), (5, "untrusted", "certificate_revoked"))

    def test_a_large_document_is_never_held(self):
        large = b"%PDF-1.7\n1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n2 0 obj\n<</Type/Pages/Count 1/Kids[3 0 R]>>\nendobj\n"
        large += b"3 0 obj\n<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R>>\nendobj\n"
        size = 300 << 20
        at = [large.index(b"%d 0 obj" % number) for number in (1, 2, 3)] + [len(large)]
        large += b"4 0 obj\n<</Length %d>>\nstream\n" % size
        with open(self.at / "large.pdf", "wb") as file:
            file.write(large)
            file.seek(size, os.SEEK_CUR)
            file.write(b"\nendstream\nendobj\n")
            start = file.tell()
            file.write(b"xref\n0 5\n0000000000 65535 f \n" + b"".join(b"%010d 00000 n \n" % one for one in at))
            file.write(b"trailer\n<</Size 5/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % start)
        code, said = self.sign("large.pdf", "signed.pdf")
        self.assertEqual(code, 0, said)
        self.assertEqual(self.verified("signed.pdf")[0], 0)
        self.assertLess(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, 120 << 10, "a child had more than 120 MiB")


class Others(House):
    """Documents that pyHanko signed, certified or encrypted."""

    def by_pyhanko(self, document: bytes, key: str = "rsa", **how) -> bytes:
        signer = signers.SimpleSigner.load(str(self.at / f"{key}.key"), str(self.at / f"{key}.pem"))
        metadata = signers.PdfSignatureMetadata(field_name="Theirs", subfilter=fields.SigSeedSubFilter.PADES, **how)
        return signers.sign_pdf(IncrementalPdfFileWriter(io.BytesIO(document)), metadata, signer=signer).getvalue()

    def test_what_pyhanko_signed_holds_and_is_signed_again(self):
        for form, document in documents().items():
            with self.subTest(form=form):
                (self.at / "in.pdf").write_bytes(self.by_pyhanko(document))
                code, (ours,) = self.verified("in.pdf")
                self.assertEqual((code, ours["verdict"]), (0, "holds"))
                self.signed("in.pdf", "out.pdf")
                theirs, ours = self.pyhanko("out.pdf")
                self.assertTrue(theirs.bottom_line and ours.bottom_line, theirs.pretty_print_details())
                self.assertEqual([one["verdict"] for one in self.verified("out.pdf")[1]], ["added_to", "holds"])
                (self.at / "out.pdf").unlink()

    def test_a_field_that_waits_is_signed_in(self):
        out = io.BytesIO()
        writer = IncrementalPdfFileWriter(io.BytesIO(written()))
        fields.append_signature_field(writer, fields.SigFieldSpec("Tenant", on_page=1, box=(50, 50, 200, 100)))
        writer.write(out)
        (self.at / "in.pdf").write_bytes(out.getvalue())
        self.signed("in.pdf", "out.pdf", "p256", "--field", "Tenant")
        (said,) = self.pyhanko("out.pdf")
        self.assertTrue(said.bottom_line)
        self.assertEqual(self.verified("out.pdf")[1][0]["field"], "Tenant")
        self.assertEqual(self.sign("out.pdf", "again.pdf", "p256", "--field", "Tenant"), (2, "pdf.field"))

    def test_what_was_certified_is_respected(self):
        for permission, code in ((fields.MDPPerm.NO_CHANGES, 2), (fields.MDPPerm.FILL_FORMS, 0)):
            (self.at / "in.pdf").write_bytes(self.by_pyhanko(written(), certify=True, docmdp_permissions=permission))
            ended, said = self.sign("in.pdf", f"{permission.name}.pdf")
            self.assertEqual(ended, code, said)
        self.assertTrue(all(one.bottom_line for one in self.pyhanko("FILL_FORMS.pdf")))
        self.assertEqual([one["verdict"] for one in self.verified("FILL_FORMS.pdf")[1]], ["added_to", "holds"])

    def test_what_was_edited_behind_a_signature_is_told(self):
        (self.at / "in.pdf").write_bytes(self.by_pyhanko(written()))
        writer = IncrementalPdfFileWriter(io.BytesIO((self.at / "in.pdf").read_bytes()))
        page = writer.root["/Pages"]["/Kids"][0]
        page["/Rotate"] = NumberObject(180)
        writer.update_container(page)
        out = io.BytesIO()
        writer.write(out)
        (self.at / "edited.pdf").write_bytes(out.getvalue())
        code, (ours,) = self.verified("edited.pdf")
        self.assertEqual((code, ours["verdict"]), (5, "changed_since"))
        self.assertTrue(any("/Rotate" in it["what"] for it in ours["coverage"]["added"]), ours)

    def test_what_is_not_taken_is_said(self):
        (self.at / "locked.pdf").write_bytes(rewritten(written(), encryption=pikepdf.Encryption(owner="o", user="")))
        self.assertEqual(self.sign("locked.pdf", "out.pdf"), (3, "pdf.encrypted"))
        (self.at / "text.pdf").write_text("no PDF")
        self.assertEqual(self.sign("text.pdf", "out.pdf"), (3, "pdf.not_a_pdf"))
        (self.at / "cut.pdf").write_bytes(written()[:-200])
        self.assertEqual(self.sign("cut.pdf", "out.pdf")[1], "pdf.damaged")
        (self.at / "in.pdf").write_bytes(written())
        self.assertEqual(self.sign("in.pdf", "out.pdf", "p256", "--rectangle", "0,0,100,50", "--text", "Łódź"), (2, "pdf.character"))
        self.assertEqual(self.sign("in.pdf", "out.pdf", "p256", "--rectangle", "0,0,100,50", "--page", "4"), (2, "pdf.no_page"))
        self.assertFalse((self.at / "out.pdf").exists())


class Elsewhere(House):
    """A key that is elsewhere signs in two steps."""

    def test_prepared_then_completed(self):
        for name in ("a.pdf", "b.pdf"):
            (self.at / name).write_bytes(written())
        (self.at / "prepared").mkdir()
        (self.at / "signed").mkdir()
        code, said = self.sceau("sign", "a.pdf", "b.pdf", "--certificate", "p256.pem", "--prepare", "-o", "prepared")
        self.assertEqual(code, 0, said)
        code, ours = self.verified("prepared/a.pdf")
        self.assertEqual((code, ours[0]["verdict"]), (5, "false"))
        # The attributes, put together by another library.
        key = serialization.load_pem_private_key((self.at / "p256.key").read_bytes(), None)
        for name in ("a", "b"):
            raw = (self.at / "prepared" / f"{name}.pdf").read_bytes()
            rest = raw.rpartition(b"/ByteRange [")[2]
            numbers = [int(number) for number in rest.split(b"]")[0].split()]
            covered = raw[: numbers[1]] + raw[numbers[2] : numbers[2] + numbers[3]]
            identity = tsp.ESSCertIDv2({"cert_hash": hashlib.sha256(self.certificate("p256.pem").dump()).digest()})
            attributes = cms.CMSAttributes(
                [
                    cms.CMSAttribute({"type": "content_type", "values": ["data"]}),
                    cms.CMSAttribute({"type": "message_digest", "values": [hashlib.sha256(covered).digest()]}),
                    cms.CMSAttribute({"type": "signing_certificate_v2", "values": [tsp.SigningCertificateV2({"certs": [identity]})]}),
                ]
            )
            digest = hashlib.sha256(attributes.untag().dump(force=True)).digest()
            (self.at / f"{name}.sig").write_bytes(key.sign(digest, ec.ECDSA(utils.Prehashed(hashes.SHA256()))))
        swapped = ["--signature", "b.sig", "--signature", "a.sig"]
        code, said = self.sceau("sign", "prepared/a.pdf", "prepared/b.pdf", "--certificate", "p256.pem", *swapped, "-o", "signed")
        self.assertEqual((code, said), (5, "signature.false"))
        right = ["--signature", "a.sig", "--signature", "b.sig"]
        code, said = self.sceau("sign", "prepared/a.pdf", "prepared/b.pdf", "--certificate", "p256.pem", *right, "-o", "signed")
        self.assertEqual(code, 0, said)
        for name in ("a", "b"):
            (said,) = self.pyhanko(f"signed/{name}.pdf")
            self.assertTrue(said.bottom_line, said.pretty_print_details())


if __name__ == "__main__":
    unittest.main()
