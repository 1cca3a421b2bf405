//! A use in two halves, for a terminal whose holder reads at leisure and types the PIN later: what [`super::sign`] and [`super::authenticate`] do in one.

use sceau_element_api::keyring::RequestKind;
use sceau_keyring::{Pin, Used};

use super::sign::{Authenticated, Doing, Signed, ToApprove, may_type, used_with};
use super::storage::Storage;
use crate::ClientError;
use crate::keyring::{Carries, now};

/// A request as its holder reads it. What they agree to is this, and nothing else.
#[derive(Debug)]
pub struct Reading {
    jws: String,
    asked: ToApprove,
}

/// What came of a request that its holder agreed to.
#[derive(Debug)]
pub enum Agreed {
    /// It is signed.
    Signed(Signed),
    /// The element said who it is.
    Authenticated(Authenticated),
}

/// The first half of [`sign`] and of [`authenticate`], for who shows it and asks for the PIN later: a request that may be shown, and what others tried meanwhile.
///
/// # Errors
/// As [`sign`].
pub async fn read(
    storage: &Storage,
    carrier: &impl Carries,
    request_jws: &str,
) -> Result<Reading, ClientError> {
    let mut asked = storage.load()?.0.judge(request_jws, now())?;
    may_type(storage, carrier, &mut asked, None).await?;
    Ok(Reading { jws: request_jws.to_owned(), asked })
}

impl Reading {
    /// What the holder reads.
    #[must_use]
    pub fn asked(&self) -> &ToApprove {
        &self.asked
    }

    /// The second half: the holder read it and agrees. It is good once.
    ///
    /// # Errors
    /// As [`sign`].
    pub async fn agree(
        &self,
        storage: &Storage,
        carrier: &impl Carries,
        pin: &Pin,
    ) -> Result<Agreed, ClientError> {
        let doing = Doing::only(&self.jws);
        let (kept, used) = used_with(storage, carrier, doing, &self.asked, pin).await?;
        let Used { signatures, proof, index, .. } = used;
        Ok(match self.asked.request.kind {
            RequestKind::Sign => {
                Agreed::Signed(Signed { signatures, certificates: kept.certificates(), proof, index })
            }
            _ => Agreed::Authenticated(Authenticated { proof, index }),
        })
    }
}
