//! RFC 9807 appendix C.1.1 and C.1.2: the vectors of our suite, played by a generator that gives the appendix's numbers.

use std::collections::{HashMap, VecDeque};

use opaque_ke::rand::{CryptoRng, Error, RngCore};
use opaque_ke::{
    ClientLogin, ClientLoginFinishParameters, ClientRegistration, ClientRegistrationFinishParameters,
    CredentialFinalization, CredentialRequest, CredentialResponse, Identifiers, RegistrationRequest,
    RegistrationResponse, RegistrationUpload, ServerLogin, ServerLoginParameters, ServerRegistration,
    ServerSetup,
};

use super::suite::ElementSuite;

/// Gives what it was told to, in the order in which it is asked.
struct Scripted(VecDeque<Vec<u8>>);

impl RngCore for Scripted {
    fn next_u32(&mut self) -> u32 {
        unimplemented!("only bytes are drawn")
    }

    fn next_u64(&mut self) -> u64 {
        unimplemented!("only bytes are drawn")
    }

    fn fill_bytes(&mut self, dest: &mut [u8]) {
        let drawn = self.0.pop_front().unwrap();
        // A scalar is 64 random bytes, reduced (RFC 9496 section 4.4): the one of the appendix and 32 zeros reduce to itself.
        assert!(drawn.len() == dest.len() || dest.len() == 64, "{} bytes are drawn", dest.len());
        dest.fill(0);
        dest.iter_mut().zip(drawn).for_each(|(byte, drawn)| *byte = drawn);
    }

    fn try_fill_bytes(&mut self, dest: &mut [u8]) -> Result<(), Error> {
        self.fill_bytes(dest);
        Ok(())
    }
}

impl CryptoRng for Scripted {}

struct Vector(HashMap<String, Vec<u8>>);

impl Vector {
    fn all() -> Vec<Self> {
        let text = include_str!("../../vectors/rfc9807.txt");
        let value = |line: &str| {
            let (name, value) = line.split_once(": ").unwrap();
            (name.to_owned(), hex::decode(value).unwrap())
        };
        let vector = |part: &str| Self(part.lines().skip(1).map(value).collect());
        text.split("[RFC 9807 ").skip(1).map(vector).collect()
    }

    fn get(&self, name: &str) -> &[u8] {
        &self.0[name]
    }

    fn script(&self, names: &[&str]) -> Scripted {
        Scripted(names.iter().map(|name| self.get(name).to_vec()).collect())
    }

    fn identifiers(&self) -> Identifiers<'_> {
        let named = |name: &str| self.0.get(name).map(Vec::as_slice);
        Identifiers { client: named("client_identity"), server: named("server_identity") }
    }

    fn setup(&self) -> ServerSetup<ElementSuite> {
        let key = self.get("server_public_key");
        // The last part is only for users who are not registered: any point will do.
        ServerSetup::deserialize(&[self.get("oprf_seed"), self.get("server_private_key"), key].concat())
            .unwrap()
    }
}

#[test]
fn a_registration_is_that_of_the_appendix() {
    for vector in Vector::all() {
        let mut drawn = vector.script(&["blind_registration", "envelope_nonce"]);
        let password = vector.get("password");
        let started = ClientRegistration::<ElementSuite>::start(&mut drawn, password).unwrap();
        assert_eq!(started.message.serialize().as_slice(), vector.get("registration_request"));
        let request = RegistrationRequest::deserialize(vector.get("registration_request")).unwrap();
        let answered =
            ServerRegistration::start(&vector.setup(), request, vector.get("credential_identifier")).unwrap();
        assert_eq!(answered.message.serialize().as_slice(), vector.get("registration_response"));
        let response = RegistrationResponse::deserialize(vector.get("registration_response")).unwrap();
        let parameters = ClientRegistrationFinishParameters::new(vector.identifiers(), None);
        let finished = started.state.finish(&mut drawn, password, response, parameters).unwrap();
        assert_eq!(finished.message.serialize().as_slice(), vector.get("registration_upload"));
        assert_eq!(finished.export_key.as_slice(), vector.get("export_key"));
        assert!(drawn.0.is_empty());
    }
}

#[test]
fn a_login_is_that_of_the_appendix() {
    let vectors = Vector::all();
    assert_eq!(vectors.len(), 2);
    for vector in vectors {
        let mut drawn = vector.script(&["blind_login", "client_keyshare_seed", "client_nonce"]);
        let password = vector.get("password");
        let client = ClientLogin::<ElementSuite>::start(&mut drawn, password).unwrap();
        assert_eq!(client.message.serialize().as_slice(), vector.get("KE1"));

        let upload = RegistrationUpload::deserialize(vector.get("registration_upload")).unwrap();
        let parameters = || ServerLoginParameters {
            context: Some(vector.get("context")),
            identifiers: vector.identifiers(),
        };
        // It draws a mask for users who are not registered, whether it is asked for one or not.
        let mut served = vector.script(&["masking_nonce", "server_keyshare_seed", "server_nonce"]);
        served.0.push_front(vec![0; 64]);
        let server = ServerLogin::start(
            &mut served,
            &vector.setup(),
            Some(ServerRegistration::finish(upload)),
            CredentialRequest::deserialize(vector.get("KE1")).unwrap(),
            vector.get("credential_identifier"),
            parameters(),
        )
        .unwrap();
        assert_eq!(server.message.serialize().as_slice(), vector.get("KE2"));

        let response = CredentialResponse::deserialize(vector.get("KE2")).unwrap();
        let finish =
            ClientLoginFinishParameters::new(Some(vector.get("context")), vector.identifiers(), None);
        let finished = client.state.finish(&mut drawn, password, response, finish).unwrap();
        assert_eq!(finished.message.serialize().as_slice(), vector.get("KE3"));
        assert_eq!(finished.session_key.as_slice(), vector.get("session_key"));
        assert_eq!(finished.export_key.as_slice(), vector.get("export_key"));

        let message = CredentialFinalization::deserialize(vector.get("KE3")).unwrap();
        let ended = server.state.finish(message, parameters()).unwrap();
        assert_eq!(ended.session_key.as_slice(), vector.get("session_key"));
    }
}
