//! SoftHSM for tests. A module is loaded once into a process and reads its settings then, so each test here runs in a process of its own: the test
//! binary starts itself again for that one test, with a folder of tokens.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use sceau_hsm::pkcs11::Pkcs11Uri;

/// Debian's `softhsm2`.
pub(crate) const MODULE: &str = "/usr/lib/softhsm/libsofthsm2.so";
/// Debian's `opensc-pkcs11`: it passes everything on to SoftHSM, and writes down what is asked.
pub(crate) const SPY: &str = "/usr/lib/x86_64-linux-gnu/pkcs11-spy.so";
/// Debian's `libnss3`: it does RSA-OAEP with SHA-256 by itself.
const NSS: &str = "/usr/lib/x86_64-linux-gnu/libsoftokn3.so";
/// The module of bad days, which is in front of another one (`module/bad_days.c`).
const BAD_DAYS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/module/bad_days.c");
pub(crate) const PIN: &str = "un code assez long";
const FOLDER: &str = "SCEAU_TEST_TOKENS";

/// A folder with a token named `essai`, and files of PINs.
pub(crate) struct Stage {
    pub(crate) folder: PathBuf,
    /// What the module of bad days passes on to.
    behind: &'static str,
}

/// Tests that get a stage.
macro_rules! with_tokens {
    ($(fn $name:ident($stage:ident: &Stage) $body:block)*) => {
        $(#[test] fn $name() {
            fn test($stage: &crate::token_stage::Stage) $body
            crate::token_stage::run(concat!(module_path!(), "::", stringify!($name)), test);
        })*
    };
}
pub(crate) use with_tokens;

pub(crate) fn run(name: &str, test: fn(&Stage)) {
    run_before(name, MODULE, test);
}

/// The same with softoken of NSS behind the module of bad days.
pub(crate) fn run_in_nss(name: &str, test: fn(&Stage)) {
    run_before(name, NSS, test);
}

fn run_before(name: &str, behind: &'static str, test: fn(&Stage)) {
    if let Some(folder) = std::env::var_os(FOLDER) {
        return test(&Stage { folder: folder.into(), behind });
    }
    let folder = tempfile::tempdir().unwrap();
    let stage = Stage { folder: folder.path().to_owned(), behind };
    fs::create_dir(stage.folder.join("tokens")).unwrap();
    let conf =
        format!("directories.tokendir = {}\nlog.level = ERROR\n", stage.folder.join("tokens").display());
    fs::write(stage.folder.join("softhsm2.conf"), conf).unwrap();
    stage.secret("pin", &format!("{PIN}\n"));
    stage.token("essai");
    stage.database();
    // Tests are named without the binary's name.
    let name = name.split_once("::").unwrap().1;
    let mut again = Command::new(std::env::current_exe().unwrap());
    again.args([name, "--exact", "--nocapture"]).env(FOLDER, &stage.folder);
    let done = stage.softhsm(&mut again);
    let said = String::from_utf8_lossy(&done.stdout);
    let ran = done.status.success() && said.contains("1 passed");
    assert!(ran, "{said}\n{}", String::from_utf8_lossy(&done.stderr));
}

impl Stage {
    /// The address of a key of the token `essai`.
    pub(crate) fn uri(&self, key: &str) -> Pkcs11Uri {
        self.address(&format!("token=essai;{key}"), "pin")
    }

    pub(crate) fn address(&self, path: &str, pin: &str) -> Pkcs11Uri {
        self.address_by(Path::new(MODULE), path, pin)
    }

    fn address_by(&self, module: &Path, path: &str, pin: &str) -> Pkcs11Uri {
        let pin = self.folder.join(pin);
        let (module, pin) = (module.display(), pin.display());
        format!("pkcs11:{path}?module-path={module}&pin-source=file:{pin}").parse().unwrap()
    }

    /// The address of a key by the module of bad days, which is compiled for it.
    pub(crate) fn on_bad_days(&self, key: &str) -> Pkcs11Uri {
        let module = self.folder.join("bad-days.so");
        let mut compile = Command::new("cc");
        compile
            .args(["-shared", "-fPIC", "-fvisibility=hidden", "-O1", "-o"])
            .arg(&module)
            .args([BAD_DAYS, "-ldl"]);
        assert!(compile.status().unwrap().success());
        let token = if self.behind == NSS { "NSS%20Certificate%20DB" } else { "essai" };
        self.address_by(&module, &format!("token={token};{key}"), "pin")
    }

    /// What the module does from now on, in place of what it passes on.
    pub(crate) fn order(&self, orders: &str) {
        let (draft, orders_file) = (self.folder.join("orders.new"), self.folder.join("orders"));
        fs::write(&draft, orders).unwrap();
        fs::rename(draft, orders_file).unwrap();
    }

    /// An empty database of softoken, which it takes for a token.
    fn database(&self) {
        if self.behind != NSS {
            return;
        }
        fs::create_dir(self.folder.join("nss")).unwrap();
        let mut make = Command::new("certutil");
        make.arg("-N").arg("-d").arg(format!("sql:{}", self.folder.join("nss").display()));
        assert!(make.arg("-f").arg(self.folder.join("pin")).output().unwrap().status.success());
    }

    /// Makes a token with this label.
    pub(crate) fn token(&self, label: &str) {
        let mut init = Command::new("softhsm2-util");
        init.args(["--init-token", "--free", "--label", label, "--pin", PIN, "--so-pin", "douze chiffres"]);
        assert!(self.softhsm(&mut init).status.success());
    }

    pub(crate) fn secret(&self, name: &str, content: &str) {
        fs::write(self.folder.join(name), content).unwrap();
        fs::set_permissions(self.folder.join(name), fs::Permissions::from_mode(0o600)).unwrap();
    }

    /// OpenSC's tool in the token `essai`, logged in: what it prints.
    pub(crate) fn pkcs11_tool(&self, arguments: &[&str]) -> Output {
        let mut tool = Command::new("pkcs11-tool");
        tool.args(["--module", MODULE, "--token-label", "essai", "--login", "--pin", PIN]).args(arguments);
        self.softhsm(&mut tool)
    }

    /// The folder of the one token of that many there are.
    pub(crate) fn pull_out(&self) -> PulledOut {
        let there = self.folder.join("tokens");
        let away = self.folder.join("pulled-out");
        fs::rename(&there, &away).unwrap();
        fs::create_dir(&there).unwrap();
        PulledOut { there, away }
    }

    fn softhsm(&self, command: &mut Command) -> Output {
        let credentials = self.folder.join("credentials");
        command.env("SOFTHSM2_CONF", self.folder.join("softhsm2.conf"));
        command.env("PKCS11SPY", MODULE).env("PKCS11SPY_OUTPUT", self.folder.join("asked"));
        command.env("SCEAU_BAD_DAYS_BEHIND", self.behind);
        command.env("SCEAU_BAD_DAYS_ORDERS", self.folder.join("orders"));
        if self.behind == NSS {
            let database = self.folder.join("nss");
            let parameters =
                format!("configdir='sql:{}' certPrefix='' keyPrefix='' flags=", database.display());
            command.env("SCEAU_BAD_DAYS_NSS", parameters);
        }
        command.env("CREDENTIALS_DIRECTORY", credentials).output().unwrap()
    }
}

/// A token that is not in its slot.
pub(crate) struct PulledOut {
    there: PathBuf,
    away: PathBuf,
}

impl PulledOut {
    pub(crate) fn put_back(self) {
        fs::remove_dir_all(&self.there).unwrap();
        fs::rename(&self.away, &self.there).unwrap();
    }
}

/// Whether OpenSSL takes a signature for that of this public key (SubjectPublicKeyInfo).
pub(crate) fn openssl_verifies(
    folder: &Path,
    public: &[u8],
    options: &[&str],
    message: &[u8],
    signature: &[u8],
) -> bool {
    let write = |name: &str, content: &[u8]| fs::write(folder.join(name), content).unwrap();
    write("public.der", public);
    write("message", message);
    write("signature", signature);
    let done = Command::new("openssl")
        .args(["dgst", "-keyform", "DER", "-verify", "public.der", "-signature", "signature"])
        .args(options)
        .arg("message")
        .current_dir(folder)
        .output()
        .unwrap();
    done.status.success()
}
