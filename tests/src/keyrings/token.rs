//! A token of SoftHSM in which the element's keys are.

use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use super::Keyrings;
use crate::{Program, Scratch};

/// Debian's `softhsm2`.
const MODULE: &str = "/usr/lib/softhsm/libsofthsm2.so";
const TOKEN_PIN: &str = "un code assez long";

impl Keyrings {
    /// Starts them with the element's keys in a token, and with these members of the policy in the place of its own.
    pub fn start_in_token(name: &str, other: Value) -> Self {
        let scratch = Scratch::new(name);
        initialise(&scratch);
        Self::begun(scratch, other, "", true)
    }

    /// Moves the element's keys from files into a token, and starts it again.
    pub fn move_into_token(&mut self) {
        self.stop();
        initialise(&self.scratch);
        let moved = Program::sceau("hsm")
            .args(["move", "--element"])
            .arg(self.scratch.join("element"))
            .arg("--passphrase-file")
            .arg(self.scratch.join("passphrase"))
            .arg(address(&self.scratch))
            .env("SOFTHSM2_CONF", self.scratch.join("softhsm2.conf"));
        moved.run().success();
        self.in_token = true;
        self.start_element();
    }

    /// What the token's storage has, by OpenSC's tool.
    pub fn stored_in_token(&self) -> String {
        let tool = Program::other("pkcs11-tool")
            .args(["--module", MODULE, "--token-label", "essai", "--login", "--pin", TOKEN_PIN])
            .arg("--list-objects")
            .env("SOFTHSM2_CONF", self.scratch.join("softhsm2.conf"));
        tool.run().success().text()
    }

    /// An element that is told where its keys are.
    pub(super) fn with_keystore(&self, element: Program) -> Program {
        if self.in_token {
            let conf = self.scratch.join("softhsm2.conf");
            element.args(["--keystore-token", &address(&self.scratch)]).env("SOFTHSM2_CONF", conf)
        } else {
            element.arg("--keystore-passphrase-file").arg(self.scratch.join("passphrase"))
        }
    }
}

fn address(scratch: &Scratch) -> String {
    let pin = scratch.join("token-pin");
    format!("pkcs11:token=essai;object=element?module-path={MODULE}&pin-source=file:{}", pin.display())
}

/// Makes a token whose storage is in the folder `tokens`.
fn initialise(scratch: &Scratch) {
    let tokens = scratch.join("tokens");
    std::fs::create_dir(&tokens).expect("a new folder");
    std::fs::set_permissions(&tokens, PermissionsExt::from_mode(0o700)).expect("ours");
    let conf = format!("directories.tokendir = {}\nlog.level = ERROR\n", tokens.display());
    let conf = scratch.write("softhsm2.conf", conf);
    scratch.write("token-pin", TOKEN_PIN);
    let init =
        ["--init-token", "--free", "--label", "essai", "--pin", TOKEN_PIN, "--so-pin", "douze chiffres"];
    Program::other("softhsm2-util").args(init).env("SOFTHSM2_CONF", conf).run().success();
}
