"""Another reader of PDFs, for tests that are not in Python: writes a document, or says what pyHanko thinks of each signature of one."""

import io
import json
import pathlib
import sys

from asn1crypto import pem, x509
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko_certvalidator import ValidationContext

from pdf_house import written


def judged(document: str, *roots: str) -> list[dict]:
    trusted = [x509.Certificate.load(pem.unarmor(pathlib.Path(root).read_bytes())[2]) for root in roots]
    reader = PdfFileReader(io.BytesIO(pathlib.Path(document).read_bytes()))
    said = [validate_pdf_signature(one, ValidationContext(trust_roots=trusted)) for one in reader.embedded_regular_signatures]
    return [
        {"holds": one.bottom_line, "trusted": one.trusted, "covers": one.coverage.name, "by": one.pkcs7_signature_mechanism, "signer": one.signing_cert.subject.native["common_name"]}
        for one in said
    ]


if __name__ == "__main__":
    if sys.argv[1] == "write":
        pathlib.Path(sys.argv[2]).write_bytes(written())
    else:
        print(json.dumps(judged(*sys.argv[2:])))
