//! Whether what was granted is still granted: asked again and again, for as long as a data key is used.

use std::net::IpAddr;
use std::time::Duration;

use sceau_element_api::documents::{ApplicationDocument, ApplicationStatus, Datum, Document, KeyStanding};
use sceau_element_api::protect::Claims;
use sceau_element_api::wire::{AttestedRow, Code, Refusal, RowKey};
use sceau_element_api::{CallError, Client, Kind};
use sceau_trace::Hash;
use tokio::time::Instant;

use super::Ended;
use super::proof::UserProof;

/// How long the element may leave the question without an answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long it may take for one.
const ANSWER: Duration = Duration::from_secs(2);

/// What the element granted, and the rows that it judged by.
pub(super) struct Authorisation {
    element: Client,
    claims: Claims,
    /// The key that signed the call.
    kid: Option<String>,
    /// Who proved its user, and by which key, where a provider did.
    proof: UserProof,
    /// Where the call came from.
    address: Option<IpAddr>,
    datum: (Hash, Datum),
    /// None until it was looked at.
    application: Option<Hash>,
    /// When it was confirmed last; first, when it was asked first. Not by the wall clock, which somebody may set back.
    confirmed: Option<Instant>,
}

impl Authorisation {
    /// Of a call that was granted by this row, and in whose word; none where that is no datum.
    pub(super) fn granted(
        element: Client,
        (claims, proven_by): (Claims, Option<&str>),
        kid: Option<String>,
        address: Option<IpAddr>,
        row: &[u8],
    ) -> Option<Self> {
        let proof = UserProof::of(claims.id_token, proven_by.is_some());
        let claims = Claims { id_token: None, ..claims };
        let parsed = Datum::parse(row).ok()?;
        let datum = (parsed.hash, parsed.document);
        let element = element.with_deadline(ANSWER);
        Some(Self { element, claims, kid, proof, address, datum, application: None, confirmed: None })
    }

    /// Whether it still counts at `now` (Unix milliseconds).
    ///
    /// # Errors
    /// [`Ended::Refused`]; [`Ended::Unjudged`] once the element has left it open for ten seconds: what nobody confirms does not count.
    pub(super) async fn check(&mut self, now: u64) -> Result<(), Ended> {
        let confirmed = *self.confirmed.get_or_insert_with(Instant::now);
        match self.judge(now).await {
            Ok(verdict) => {
                self.confirmed = Some(Instant::now());
                verdict.map_err(Ended::Refused)
            }
            Err(error) => {
                tracing::warn!(%error, "the element does not say whether an authorisation still counts");
                if confirmed.elapsed() < PATIENCE { Ok(()) } else { Err(Ended::Unjudged) }
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

    fn speaks_for(&mut self, document: &ApplicationDocument) -> bool {
        let signed =
            |kid: &str| document.keys.iter().any(|key| key.kid == kid && key.status == KeyStanding::Active);
        document.status == ApplicationStatus::Active
            && self.kid.as_deref().is_some_and(signed)
            && self.proof.holds(document.provider.as_ref(), &self.claims)
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::*;
    use serde_json::json;

    #[tokio::test(start_paused = true)]
    async fn what_no_element_confirms_ends_after_ten_seconds() {
        let id = "9d3c1f0e-5d0e-4b43-9d39-6d2f3a0c1e77";
        let datum = "nV85gXBBn2sWqSBtpYI5nNgVzPnhAKPOMvVYk2aT1Zg";
        let row = json!({
            "v": 1, "id": datum, "organisation": id, "application": id, "owner": "alice", "name": "", "tags": [], "created": 1, "expires": 2,
            "valid_from": null, "valid_until": null, "status": "active", "grants": [],
        });
        let claims = json!({
            "iss": id, "aud": "log", "iat": 1, "exp": 2, "jti": "0123456789abcdef", "sub": "alice", "op": {"describe": {"datum": datum}},
        });
        let claims = serde_json::from_value(claims).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let nobody = Client::new(folder.path().join("no.sock"));
        let row = row.to_string();
        let mut granted = Authorisation::granted(nobody, (claims, None), None, None, row.as_bytes()).unwrap();
        // However the wall clock is set meanwhile.
        for now in [1_000_000, 9_000_000, 0] {
            assert_eq!(granted.check(now).await, Ok(()));
            tokio::time::advance(PATIENCE / 3).await;
        }
        tokio::time::advance(PATIENCE / 3).await;
        assert_eq!(granted.check(0).await, Err(Ended::Unjudged));
    }
}
