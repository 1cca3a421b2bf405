//! Protects a field of an application's own, and reads it again (docs/protect-a-field.md). The text comes on standard input; what the application would
//! keep in its database goes to standard output.
//!
//! ```console
//! cargo run -p sceau-client --example protect_a_field -- KEYFRONT AUDIENCE APPLICATION KEY.pem USER < text
//! ```

use std::error::Error;
use std::io::{Read as _, Write as _};

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use sceau_client::protect::{Application, DataKey, NewDatum, User};
use sceau_client::{Server, Trust};
use sceau_crypto::SigningKey;
use sceau_element_api::Base64Url;
use serde_json::json;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [keyfront, audience, application, key, user] = arguments.as_slice() else {
        return Err("KEYFRONT AUDIENCE APPLICATION KEY.pem USER".into());
    };
    let mut text = Vec::new();
    std::io::stdin().read_to_end(&mut text)?;

    // Anchors are the system's. The log's key, where it is known, goes in by `with_log_key`: then answers are proven.
    let server = Server::new(keyfront, &Trust::default())?;
    let key = SigningKey::from_pem(&std::fs::read_to_string(key)?)?;
    let application = Application::new(server, audience.clone(), application.parse()?, key);
    let user = User { name: user.parse()?, groups: Vec::new(), id_token: None };

    // A datum begins, and its first key encrypts one text. Keep datum, wrapped key and ciphertext; forget the key.
    let about = NewDatum { name: "Ordonnance".into(), ..NewDatum::default() };
    let begun = application.create(&user, about).await?;
    let (cipher, nonce) = cipher(&begun.key)?;
    let mut ciphertext = text.clone();
    let bound = begun.datum.to_string();
    cipher.seal_in_place_append_tag(nonce, Aad::from(&bound), &mut ciphertext)?;

    // Whoever is authorised has the key given out again, for the datum and the wrapped key that were kept.
    let given = application.open(&user, begun.datum, &begun.wrapped_key).await?;
    let (cipher, nonce) = self::cipher(&given)?;
    let mut opened = ciphertext.clone();
    if cipher.open_in_place(nonce, Aad::from(&bound), &mut opened)? != text {
        return Err("what was read is not what was written".into());
    }

    let wrapped_key = Base64Url(begun.wrapped_key).encode();
    let ciphertext = Base64Url(ciphertext).encode();
    let field = json!({"datum": bound, "wrapped_key": wrapped_key, "ciphertext": ciphertext});
    Ok(writeln!(std::io::stdout(), "{field}")?)
}

/// AES-256-GCM under a data key, and the vector that came with it, which is for one text.
fn cipher(of: &DataKey) -> Result<(LessSafeKey, Nonce), aws_lc_rs::error::Unspecified> {
    let key = UnboundKey::new(&AES_256_GCM, of.key.expose())?;
    Ok((LessSafeKey::new(key), Nonce::assume_unique_for_key(of.iv)))
}
