//! A token of SoftHSM, and how many HMAC it makes when nobody asks it for anything else.
//!
//! Its module reads where its tokens are from the environment of the process, once: so the bench starts itself again to ask it.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::mechanism::Mechanism;
use cryptoki::object::Attribute;
use cryptoki::session::UserType;
use cryptoki::types::AuthPin;
use sceau_tests::{Program, Scratch};

/// Debian's `softhsm2`.
const MODULE: &str = "/usr/lib/softhsm/libsofthsm2.so";
const PIN: &str = "un code assez long";
/// Where the process that asks the token writes the number down.
const ANSWER: &str = "SCEAU_BENCH_BARE_HMAC";
/// As long as the longest input of a datum's key.
const INPUT: [u8; 128] = [7; 128];
const LENGTH: Duration = Duration::from_secs(2);

/// A token in a folder of its own.
pub(super) struct Token {
    scratch: Scratch,
}

impl Token {
    pub(super) fn make() -> Result<Self, String> {
        let scratch = Scratch::new("token");
        let tokens = scratch.join("tokens");
        std::fs::create_dir(&tokens).map_err(|error| error.to_string())?;
        scratch.write("pin", format!("{PIN}\n"));
        let settings = format!("directories.tokendir = {}\nlog.level = ERROR\n", tokens.display());
        scratch.write("softhsm2.conf", settings);
        let token = Self { scratch };
        let init = Program::other("softhsm2-util").args(["--init-token", "--free", "--label", "bench"]);
        token.seen_by(init.args(["--pin", PIN, "--so-pin", "douze chiffres"])).run().success();
        Ok(token)
    }

    fn seen_by(&self, program: Program) -> Program {
        program.env("SOFTHSM2_CONF", self.scratch.join("softhsm2.conf"))
    }

    /// The element with its keys in the token.
    pub(super) fn kept_by(&self, element: Program) -> Program {
        let pin = self.scratch.join("pin");
        let address = format!(
            "pkcs11:token=bench;object=element?module-path={MODULE}&pin-source=file:{}",
            pin.display()
        );
        self.seen_by(element).arg("--keystore-token").arg(address)
    }

    /// HMAC a second of the bare token, with one thread or two, whichever makes more.
    pub(super) fn bare_rate(&self) -> Result<f64, String> {
        let answer = self.scratch.join("rate");
        let me: PathBuf = std::env::current_exe().map_err(|error| error.to_string())?;
        let again =
            Program::other("setpriv").args(["--pdeathsig", "KILL"]).arg(me).args(["--only", "protect-token"]);
        self.seen_by(again).env(ANSWER, &answer).run().success();
        let rate = std::fs::read_to_string(&answer).map_err(|error| error.to_string())?;
        rate.parse().map_err(|_| format!("{rate} is no rate"))
    }
}

/// In the process that [`Token::bare_rate`] starts: asks, and writes the number down. None in any other.
pub(super) fn asked() -> Option<Result<(), String>> {
    let answer = std::env::var_os(ANSWER)?;
    Some(loops().and_then(|rate| std::fs::write(answer, rate.to_string()).map_err(|error| error.to_string())))
}

fn loops() -> Result<f64, String> {
    ask().map_err(|error| error.to_string())
}

fn ask() -> Result<f64, cryptoki::error::Error> {
    let module = Pkcs11::new(MODULE)?;
    module.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK))?;
    let slots = module.get_slots_with_initialized_token()?;
    let slot = *slots.first().ok_or(cryptoki::error::Error::NotSupported)?;
    let session = module.open_rw_session(slot)?;
    session.login(UserType::User, Some(&AuthPin::from(PIN)))?;
    let kept = [
        Attribute::Token(true),
        Attribute::Private(true),
        Attribute::Sensitive(true),
        Attribute::Extractable(false),
        Attribute::Sign(true),
        Attribute::ValueLen(32.into()),
    ];
    let key = session.generate_key(&Mechanism::GenericSecretKeyGen, &kept)?;
    let mut best: f64 = 0.0;
    for threads in 1..=2 {
        let sessions: Result<Vec<_>, _> = (0..threads).map(|_| module.open_ro_session(slot)).collect();
        let began = Instant::now();
        let counts = std::thread::scope(|scope| {
            let begun = sessions?.into_iter().map(|session| {
                scope.spawn(move || {
                    let mut count = 0.0;
                    while began.elapsed() < LENGTH {
                        session.sign(&Mechanism::Sha256Hmac, key, &INPUT)?;
                        count += 1.0;
                    }
                    Ok::<_, cryptoki::error::Error>(count)
                })
            });
            let begun: Vec<_> = begun.collect();
            let ended = begun.into_iter().map(|one| one.join().expect("a loop ends"));
            ended.sum::<Result<f64, _>>()
        });
        best = best.max(counts? / began.elapsed().as_secs_f64());
    }
    session.destroy_object(key)?;
    Ok(best)
}
