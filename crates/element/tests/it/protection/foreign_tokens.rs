//! Whoever owns another application makes no line about a datum of this one, whatever it cannot be answered for.

use sceau_crypto::jose::{PublicJwk, Rs256PrivateKey};
use sceau_element_api::documents::KeyPurpose;
use sceau_element_api::protect::DatumId;
use sceau_element_api::wire::Code;
use sceau_element_api::{Base64Url, Client};
use serde_json::{Value, json};

use super::caller::Caller;
use super::tokens::{Teller, create, part, registered};
use crate::house::by_passkey;

/// Another application, which signs by RSA and has no key that answers could be encrypted to.
struct Stranger {
    caller: Caller,
    signs: Rs256PrivateKey,
}

impl Stranger {
    async fn beside(teller: &Teller) -> Self {
        let mut caller = Caller::new(teller.house.organisation.id);
        let signs = Rs256PrivateKey::generate().unwrap();
        let public = PublicJwk::of_rs256(signs.public_key_info()).unwrap();
        caller.document.keys.push(registered("rsa", KeyPurpose::Signatures, "RS256", &public.to_json()));
        by_passkey(teller.house.client(), &teller.house.administrator, &caller.document, None).await.unwrap();
        Self { caller, signs }
    }

    fn token(&self, claims: &Value) -> String {
        let input = format!("{}.{}", part(&Teller::header()), part(claims));
        format!("{input}.{}", Base64Url(self.signs.sign(input.as_bytes()).unwrap()).encode())
    }
}

async fn accesses(teller: &Teller, datum: &Value) -> usize {
    let told = teller.ask("alice", json!({"accesses": {"datum": datum}})).await;
    told["answer"]["accesses"]["list"].as_array().unwrap().len()
}

async fn lines(client: &Client) -> usize {
    client.trace_lines(0).await.unwrap().lines.len()
}

#[tokio::test]
async fn a_stranger_writes_into_no_list_of_accesses_and_has_no_line_made() {
    let teller = Teller::begin().await;
    let client = teller.house.client();
    let datum = teller.ask("alice", create()).await["answer"]["datum"].clone();
    let stranger = Stranger::beside(&teller).await;
    let (listed, made) = (accesses(&teller, &datum).await, lines(client).await);
    assert_eq!(made, 1, "of the datum that was made");
    for id in [datum.clone(), json!(DatumId::random())] {
        for op in [
            json!({"open": {"datum": id, "wrapped_key": "AA"}}),
            json!({"erase": {"datum": id}}),
            json!({"grant": {"datum": id, "grant": {"to": {"user": "denis"}}}}),
            json!({"agree": {"datum": id, "to": {"user": "denis"}}}),
            json!({"describe": {"datum": id}}),
            json!({"accesses": {"datum": id}}),
        ] {
            let mut claims = stranger.caller.claims("alice", op.clone());
            let inside = teller.encrypt(&stranger.token(&claims));
            assert_eq!(teller.bring(&inside).await.unwrap().refused, Some(Code::DatumUnknown), "{op}");
            claims = stranger.caller.claims("alice", op.clone());
            claims["encrypt"] = json!(true);
            let asked = stranger.token(&claims);
            assert_eq!(teller.bring(&asked).await.unwrap().refused, Some(Code::DatumUnknown), "{op}");
        }
    }
    // Its listings are one access each, and what strangers tried is none.
    assert_eq!(accesses(&teller, &datum).await, listed + 1);
    assert_eq!(lines(client).await, made);
    // What is its own is refused for what it lacks, as before.
    let mut claims = stranger.caller.claims("alice", create());
    claims["encrypt"] = json!(true);
    let answer = teller.bring(&stranger.token(&claims)).await.unwrap();
    assert_eq!(answer.refused, Some(Code::SessionKeyInvalid));
}
