//! Whether what was granted is still granted: asked again and again, for as long as a data key is used.

use std::net::IpAddr;

use sceau_element_api::documents::{ApplicationDocument, ApplicationStatus, Datum, Document, KeyStanding};
use sceau_element_api::protect::Claims;
use sceau_element_api::wire::{AttestedRow, Code, Refusal, RowKey};
use sceau_element_api::{CallError, Client, Kind};
use sceau_trace::Hash;

use super::Ended;

/// How often in a row the element may leave the question without an answer.
const PATIENCE: u32 = 10;

/// What the element granted, and the rows that it judged by.
pub(super) struct Authorisation {
    element: Client,
    claims: Claims,
    /// The key that signed the call.
    kid: Option<String>,
    /// Where the call came from.
    address: Option<IpAddr>,
    datum: (Hash, Datum),
    /// None until it was looked at.
    application: Option<Hash>,
    unanswered: u32,
}

impl Authorisation {
    /// Of a call that was granted by this row; none where that is no datum.
    pub(super) fn granted(
        element: Client,
        claims: Claims,
        kid: Option<String>,
        address: Option<IpAddr>,
        row: &[u8],
    ) -> Option<Self> {
        let parsed = Datum::parse(row).ok()?;
        let datum = (parsed.hash, parsed.document);
        Some(Self { element, claims, kid, address, datum, application: None, unanswered: 0 })
    }

    /// Whether it still counts at `now` (Unix milliseconds).
    ///
    /// # Errors
    /// [`Ended::Refused`]; [`Ended::Unjudged`] once the element has left it open too often: what nobody confirms does not count.
    pub(super) async fn check(&mut self, now: u64) -> Result<(), Ended> {
        match self.judge(now).await {
            Ok(verdict) => {
                self.unanswered = 0;
                verdict.map_err(Ended::Refused)
            }
            Err(error) => {
                self.unanswered += 1;
                tracing::warn!(%error, "the element does not say whether an authorisation still counts");
                if self.unanswered < PATIENCE { Ok(()) } else { Err(Ended::Unjudged) }
            }
        }
    }

    async fn judge(&mut self, now: u64) -> Result<Result<(), Refusal>, CallError> {
        let datum = RowKey { kind: Kind::Datum, id: self.datum.1.id.into() };
        let application = RowKey { kind: Kind::Application, id: self.claims.iss.into() };
        let rows = self.element.current_many(vec![datum.clone(), application.clone()]).await?;
        let [current_datum, current_application] = rows.as_slice() else { return Err(CallError::Mismatch) };
        if hash_of(current_datum) != Some(self.datum.0) {
            let Some(parsed) = self.current::<Datum>(datum).await? else {
                return Ok(Err(Refusal::new(Code::DatumUnknown, "the datum is no more")));
            };
            self.datum = parsed;
        }
        if self.application.is_none() || hash_of(current_application) != self.application {
            let Some((hash, document)) = self.current::<ApplicationDocument>(application).await? else {
                return Ok(Err(out_of_use()));
            };
            if !self.speaks_for(&document) {
                return Ok(Err(out_of_use()));
            }
            self.application = Some(hash);
        }
        Ok(self.datum.1.may_be_opened_by(&self.claims, self.address, now))
    }

    /// The current version of a row, if its bytes are what the element attested.
    async fn current<D: Document>(&self, key: RowKey) -> Result<Option<(Hash, D)>, CallError> {
        let Some((row, kept)) = self.element.kept(key.kind, key.id).await? else { return Ok(None) };
        let parsed = D::parse(&kept.payload).map_err(|_| CallError::Mismatch)?;
        if parsed.hash == row.hash {
            Ok(Some((parsed.hash, parsed.document)))
        } else {
            Err(CallError::Mismatch)
        }
    }

    fn speaks_for(&self, document: &ApplicationDocument) -> bool {
        let signed =
            |kid: &str| document.keys.iter().any(|key| key.kid == kid && key.status == KeyStanding::Active);
        document.status == ApplicationStatus::Active && self.kid.as_deref().is_some_and(signed)
    }
}

fn hash_of(row: &Option<AttestedRow>) -> Option<Hash> {
    row.as_ref().map(|row| row.hash)
}

fn out_of_use() -> Refusal {
    Refusal::new(
        Code::ApplicationUnknown,
        "the application, or the key that signed the call, is not in use any more",
    )
}
