//! The biometric process beside the element, and keyrings that ask for the face.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::Keyrings;
use crate::{Finished, Program};

#[path = "../../../crates/biometric/tests/it/tiny_model.rs"]
pub mod tiny_model;

impl Keyrings {
    /// Starts element and host, the biometric process with a tiny model, and a policy that asks for the face besides the PIN.
    pub fn start_with_faces(name: &str) -> Self {
        let model = tiny_model::onnx(1);
        let mut keyrings = Self::start_with(name, face_policy(&model, 800));
        keyrings.scratch.write("model.onnx", &model);
        keyrings.start_biometric();
        keyrings
    }

    /// Starts the biometric process, once more where it ran.
    pub fn start_biometric(&mut self) {
        self.stop_biometric();
        let process = Program::ours("sceau-biometric")
            .arg("--state")
            .arg(self.scratch.join("biometric"))
            .arg("--element")
            .arg(self.biometric_socket())
            .arg("--model")
            .arg(self.scratch.join("model.onnx"))
            .arg("--keystore-passphrase-file")
            .arg(self.scratch.join("passphrase"));
        self.biometric = Some(process.start(self.scratch.path()));
    }

    /// Ends it.
    pub fn stop_biometric(&mut self) {
        drop(self.biometric.take());
    }

    /// Its process's id.
    pub fn biometric_id(&self) -> u32 {
        self.biometric.as_ref().expect("it runs").pid()
    }

    /// The element's socket for it.
    pub fn biometric_socket(&self) -> PathBuf {
        self.scratch.join("run").join("biometric.sock")
    }

    /// A picture of a person, in a file.
    pub fn picture(&self, person: u64, noise: u64) -> PathBuf {
        self.scratch.write(&format!("person-{person}-{noise}.ppm"), tiny_model::picture(person, noise))
    }

    /// `sceau terminal face`, of this person.
    pub fn enrol(&self, folder: &Path, person: u64) -> Finished {
        let picture = self.picture(person, 1);
        let face = self.terminal("face", folder).arg("--capture").arg(picture);
        face.arg("--pin-file").arg(self.scratch.join("pin")).run()
    }

    /// `sceau terminal sign` with a picture of this person; what it writes is named after the request.
    pub fn sign_as(&self, folder: &Path, request: &Path, person: u64) -> Finished {
        let out = |end: &str| request.with_extension(end);
        let picture = self.picture(person, 2);
        let sign = self.terminal("sign", folder).arg("--out").arg(out("signature")).arg("--certificate");
        let sign = sign.arg(out("pem")).arg("--proof").arg(out("proof")).arg("--capture").arg(picture);
        sign.arg("--pin-file").arg(self.scratch.join("pin")).arg(request).run()
    }
}

/// What of a policy asks for the face, by this model.
pub fn face_policy(model: &[u8], least: u16) -> Value {
    json!({"biometric": "face", "face": {"model": sceau_trace::sha256(model), "least": least}})
}
