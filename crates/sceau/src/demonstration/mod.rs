//! A demonstration organisation, made through the public API like any other: nothing of it is wired into a role.

mod cast;
mod keyring;
mod lease;
mod raise;
mod scheme;
mod teller;

use std::path::Path;

use serde_json::{Value, json};

use crate::failure::{Exit, Failure};
use crate::house::{House, Layout};

pub(crate) use cast::{Cast, Officer, accept};
pub(crate) use raise::{officer_trust, raise};
pub(crate) use scheme::{answers, form, scanned_form};
pub(crate) use teller::Teller;

impl Failure {
    /// The platform was made an administrator by somebody else before.
    fn no_first_link() -> Self {
        let words =
            "this platform has an administrator already, and not the demonstration’s: use another --data";
        Self::new(Exit::Usage, "administrator_exists", words)
    }

    /// The demonstration plays the case officer, whose invitation works once.
    pub(crate) fn used_before(folder: &Path) -> Self {
        let words =
            format!("{} holds a demonstration already: give a new folder as --data", folder.display());
        Self::new(Exit::Usage, "demonstration_exists", words)
    }
}

/// Raises the demonstration and says where to click.
pub(crate) async fn show(house: &mut House, layout: &Layout) -> Result<Value, Failure> {
    let mut cast = Cast::open(layout)?;
    let tell = Teller::aside();
    let officer = raise(house, layout, &mut cast, &tell).await?;
    let administrator = cast.administrator(house).await?;
    let director = cast.director(&administrator).await?;
    // The demonstration's administrator has used it.
    house.first_administrator = None;
    let folder = layout.demonstration()?;
    let keyring = if house.has_keyrings() { Some(keyring::raise(layout, &tell).await?) } else { None };
    eprintln!(
        "\n  As a citizen       {}/deposer\n  As a case officer  {}\n                     with the certificate {} (password beside it)\n                     the link works once; then sign in at {}/entrer\n  As an administrator of the organisation, who registers applications\n                     {}   (once, too)",
        house.platform,
        officer.link,
        folder.join("officer.p12").display(),
        house.platform,
        director.link
    );
    if let Some(keyring) = &keyring {
        eprintln!(
            "  As the holder of a keyring, who signs a PDF\n                     cd {} && cat steps",
            keyring.display()
        );
    }
    Ok(
        json!({"keyring": keyring, "case_officer": officer.link, "organisation_admin": director.link, "folder": folder}),
    )
}
