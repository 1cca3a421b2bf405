//! Threat 3.9.5.3, deriving a holder's key: it comes of nothing that anybody knows, and signatures say nothing of it: what two of the same document have in common is nothing.

use std::collections::BTreeSet;

use sceau_pki::Certificate;
use sceau_tests::keyrings::Keyrings;

/// The first number of a signature (DER, RFC 3279): of two with the same, a key is computed.
fn first_number(signature: &[u8]) -> Vec<u8> {
    let length = usize::from(signature[3]);
    signature[4..4 + length].to_vec()
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_and_signatures_have_nothing_in_common() {
    let keyrings = Keyrings::start("keyring-derived");
    let document = keyrings.scratch.write("document", b"the same");
    let (mut keys, mut numbers) = (BTreeSet::new(), BTreeSet::new());
    // The same holder, policy, PIN, machine and document.
    for name in ["a", "b"] {
        let (keyring, folder) = keyrings.activated(name, "Marie Curie");
        for number in 0..4 {
            let request = keyrings.request(&format!("{name}{number}"), &keyring, &document);
            keyrings.sign(&folder, &request, "pin").success();
            numbers.insert(first_number(&std::fs::read(request.with_extension("signature")).unwrap()));
            let pem = std::fs::read_to_string(request.with_extension("pem")).unwrap();
            let holder = Certificate::all_from_pem(&pem, "the holder's").unwrap().remove(0);
            keys.insert(holder.public_key_info());
        }
    }
    assert_eq!((keys.len(), numbers.len()), (2, 8));
}
