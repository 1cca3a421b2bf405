//! One order (RFC 8555 §7.4): the names, a challenge for each, the request, the chain.

use std::time::Duration;

use instant_acme::{
    Account, AuthorizationStatus, CertificateIdentifier, ChallengeType, Identifier, KeyAuthorization,
    NewOrder, Order, OrderStatus, RetryPolicy,
};
use sceau_pki::challenge_config;

use super::Challenges;
use crate::{
    clock::now,
    issuing::{
        settings::ChallengeKind,
        trouble::{Trouble, plain},
    },
};

/// How often the authority is asked whether it is done, and how long.
const POLLING: RetryPolicy = RetryPolicy::new()
    .initial_delay(Duration::from_millis(500))
    .backoff(1.5)
    .timeout(Duration::from_secs(180));

/// What is asked for.
pub(super) struct Wanted<'a> {
    pub(super) names: &'a [String],
    pub(super) kind: ChallengeKind,
    /// PKCS#10, DER.
    pub(super) request: &'a [u8],
    pub(super) replaced: Option<CertificateIdentifier<'static>>,
}

/// The chain, in PEM.
pub(super) async fn order(
    account: &Account,
    wanted: Wanted<'_>,
    challenges: &Challenges,
) -> Result<String, Trouble> {
    let identifiers: Vec<_> = wanted.names.iter().cloned().map(Identifier::Dns).collect();
    let asked = NewOrder::new(&identifiers);
    let asked = match wanted.replaced {
        Some(replaced) => asked.replaces(replaced),
        None => asked,
    };
    let mut order = account.new_order(&asked).await.map_err(Trouble::of)?;
    let _clearing = Clearing(challenges);
    answer(&mut order, wanted.kind, challenges).await?;
    match order.poll_ready(&POLLING).await {
        Ok(OrderStatus::Ready) => {}
        Ok(status) => return Err(why(&mut order).await.unwrap_or_else(|| refused(status))),
        Err(error) => return Err(why(&mut order).await.unwrap_or_else(|| Trouble::of(error))),
    }
    challenges.clear();
    order.finalize_csr(wanted.request).await.map_err(Trouble::of)?;
    order.poll_certificate(&POLLING).await.map_err(Trouble::of)
}

/// Makes an answer ready for each name that is not proven yet, and says so.
async fn answer(order: &mut Order, kind: ChallengeKind, challenges: &Challenges) -> Result<(), Trouble> {
    let (wanted, written) = match kind {
        ChallengeKind::TlsAlpn => (ChallengeType::TlsAlpn01, "tls-alpn-01"),
        ChallengeKind::Http => (ChallengeType::Http01, "http-01"),
    };
    let mut authorizations = order.authorizations();
    while let Some(authorization) = authorizations.next().await {
        let mut authorization = authorization.map_err(Trouble::of)?;
        match authorization.status {
            AuthorizationStatus::Pending => {}
            AuthorizationStatus::Valid => continue,
            status => return Err(Trouble::Refused(format!("an authorization is {status:?}"))),
        }
        let mut challenge = authorization.challenge(wanted.clone()).ok_or(Trouble::NotOffered(written))?;
        let Identifier::Dns(name) = challenge.identifier().identifier else {
            return Err(Trouble::Broken("it asks for a name that was not asked for".to_owned()));
        };
        let key = challenge.key_authorization();
        match kind {
            ChallengeKind::TlsAlpn => {
                challenges.handshake(name, challenge_config(name, &digest(&key)?, now())?);
            }
            ChallengeKind::Http => challenges.token(&challenge.token, key.as_str()),
        }
        challenge.set_ready().await.map_err(Trouble::of)?;
    }
    Ok(())
}

fn digest(key: &KeyAuthorization) -> Result<[u8; 32], Trouble> {
    key.digest()
        .as_ref()
        .try_into()
        .map_err(|_| Trouble::Broken("its challenge cannot be answered".to_owned()))
}

/// What the authority says of the challenge that failed.
async fn why(order: &mut Order) -> Option<Trouble> {
    let mut authorizations = order.authorizations();
    while let Some(Ok(mut authorization)) = authorizations.next().await {
        let state = authorization.refresh().await.ok()?;
        let error = state.challenges.iter().find_map(|challenge| challenge.error.as_ref());
        if let Some(error) = error {
            return Some(Trouble::Challenge(plain(&error.to_string())));
        }
    }
    None
}

fn refused(status: OrderStatus) -> Trouble {
    Trouble::Refused(format!("the order is {status:?}"))
}

/// Nothing is answered once an order is over, however that ends.
struct Clearing<'a>(&'a Challenges);

impl Drop for Clearing<'_> {
    fn drop(&mut self) {
        self.0.clear();
    }
}
