//! Shares as custodians hold them: a few lines of text, in clear or sealed under a passphrase of their own.

use std::path::Path;

use sceau_crypto::Secret;
use sceau_crypto::sharing::{self, Share, Written};
use sceau_element_api::Base64Url;
use sceau_hsm::{Derivation, Passphrase, Unlock};
use zeroize::Zeroizing;

use super::{BackupError, BackupNote};
use crate::error::Error;

/// Argon2id (RFC 9106 §4, second recommendation), as the keystore has it. Another cost needs another version of the share's format.
const MEMORY: u32 = 64 * 1024;
const PASSES: u32 = 3;
const LANES: u32 = 4;

/// The text of a share for its custodian: in clear, or sealed under their passphrase. `made` is the day of the backup, for people.
///
/// # Errors
/// When the key cannot be derived.
pub fn share_text(
    note: &BackupNote,
    made: &str,
    share: &Share,
    passphrase: Option<Passphrase>,
) -> Result<Zeroizing<String>, Error> {
    let head = share.head();
    let written = match passphrase {
        None => share.to_text(),
        Some(passphrase) => share.seal(|salt| key(salt, passphrase))?.to_text(),
    };
    let mut text = Zeroizing::new(String::with_capacity(2048));
    let lines = [
        format!("# SCEAU  part / share {} sur / of {}", head.number, head.total),
        format!("# {}  ({})", note.organisation_name.replace(char::is_control, " "), note.root_fingerprint),
        format!("# sauvegarde / backup {}, {made}", note.backup),
        format!(
            "# FR : {} parts sur {} ouvrent la sauvegarde, moins n'en disent rien.",
            head.threshold, head.total
        ),
        "# Gardez celle-ci loin de la sauvegarde et des autres. Elle se recopie à la main :".to_owned(),
        "# une lettre fausse est reconnue.".to_owned(),
        format!(
            "# EN: any {} of the {} shares open the backup, fewer tell nothing.",
            head.threshold, head.total
        ),
        "# Keep this one away from the backup and from the others. It can be copied by hand:".to_owned(),
        "# a wrong letter is noticed.".to_owned(),
    ];
    for line in &lines {
        text.push_str(line);
        text.push('\n');
    }
    text.push_str(&written);
    text.push('\n');
    Ok(text)
}

/// Reads a share; a sealed one with the passphrase that `ask` gives for its number.
///
/// # Errors
/// [`Error::Backup`]: not a share, copied wrongly, sealed and no passphrase, the wrong one.
pub fn open_share(
    text: &str,
    ask: impl FnOnce(u8) -> Result<Option<Passphrase>, Error>,
) -> Result<Share, Error> {
    match sharing::read(text).map_err(BackupError::Share)? {
        Written::Clear(share) => Ok(share),
        Written::Sealed(sealed) => {
            let number = sealed.head().number;
            let passphrase = ask(number)?.ok_or(BackupError::ShareSealed(number))?;
            sealed.open(|salt| key(salt, passphrase))
        }
    }
}

fn key(salt: &[u8], passphrase: Passphrase) -> Result<Secret<32>, Error> {
    let salt = Base64Url(salt.to_vec()).encode();
    let derivation = Derivation::Argon2id { memory: MEMORY, passes: PASSES, lanes: LANES, salt };
    Ok(derivation.key(&Unlock::Passphrase(passphrase), Path::new("a share"))?)
}
