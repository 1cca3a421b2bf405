//! What of this room enters the trace. Account ids only; unknown people are counted rather than listed.

use axum::extract::MatchedPath;
use axum::http::request::Parts;
use sceau_element_api::wire::RecordDraft;
use sceau_element_api::{AccountId, Role};
use sceau_trace::{Action, Actor, ActorKind};

use crate::account::actor;
use crate::accounts::Inner;
use crate::oidc::ProviderName;
use crate::{Account, Accounts, AccountsError, LoginMethod};

/// The id of no account, under a commitment as any other.
const NOBODY: &str = "unknown";

impl Accounts {
    /// Records a sign-in before it takes effect.
    pub(crate) async fn record_login(
        &self,
        role: Role,
        id: AccountId,
        method: LoginMethod,
    ) -> Result<(), AccountsError> {
        let draft =
            RecordDraft::new(actor(role, id), Action::LOGIN).granted().detail("method", method.as_str());
        self.inner.element.append(draft).await?;
        Ok(())
    }

    /// Records a sign-in by a provider, and by which, before it takes effect.
    pub(crate) async fn record_login_by(
        &self,
        provider: &ProviderName,
        role: Role,
        id: AccountId,
    ) -> Result<(), AccountsError> {
        let draft = RecordDraft::new(actor(role, id), Action::LOGIN).granted();
        let draft =
            draft.detail("method", LoginMethod::Provider.as_str()).detail("provider", provider.as_str());
        self.inner.element.append(draft).await?;
        Ok(())
    }

    /// Records a sign-out.
    pub(crate) async fn record_logout(&self, account: &Account) -> Result<(), AccountsError> {
        self.inner.element.append(RecordDraft::new(account.actor(), Action::LOGOUT).granted()).await?;
        Ok(())
    }

    /// Records a refused sign-in. What cannot be recorded is refused all the same.
    ///
    /// Where nobody is known by what was shown, the record is about [`NOBODY`]: everyone reads the log, and would else see from the number
    /// of subjects whether an address has an account.
    pub(crate) async fn record_refused_login(&self, id: Option<AccountId>, error: &AccountsError) {
        self.append_refusal(refused_login(id, error)).await;
    }

    /// Records a refused sign-in by a provider of the settings, and by which.
    pub(crate) async fn record_refused_login_by(
        &self,
        provider: &ProviderName,
        id: Option<AccountId>,
        error: &AccountsError,
    ) {
        self.append_refusal(refused_login(id, error).detail("provider", provider.as_str())).await;
    }

    /// Records that somebody signed in was refused a route.
    pub(crate) async fn record_refused_access(
        &self,
        account: &Account,
        parts: &Parts,
        error: &AccountsError,
    ) {
        let route = parts.extensions.get::<MatchedPath>().map_or("unmatched", MatchedPath::as_str);
        let draft = RecordDraft::new(account.actor(), Action::ACCESS)
            .refused(error.problem().code)
            .detail("method", parts.method.as_str())
            .detail("route", route.replace(['{', '}', '*'], ""));
        self.append_refusal(draft).await;
    }

    /// Records a row that is not what was attested.
    pub(crate) async fn record_tampering<T>(&self, id: AccountId, result: &Result<T, AccountsError>) {
        let Err(error @ AccountsError::Tampered { kind }) = result else { return };
        tracing::error!(account = %id, kind, "a row of the database is not what was attested");
        let draft = RecordDraft::new(Actor::new(ActorKind::Platform, "accounts"), Action::ACCESS)
            .refused(error.problem().code)
            .subject("account", id)
            .detail("row", *kind);
        self.append_refusal(draft).await;
    }

    /// Appends a refusal, at a bounded rate.
    async fn append_refusal(&self, draft: RecordDraft) {
        let Inner { refusals, element, .. } = &*self.inner;
        refusals.record(draft, self.now_ms(), |draft| element.append(draft)).await;
    }
}

fn refused_login(id: Option<AccountId>, error: &AccountsError) -> RecordDraft {
    let about = id.map_or_else(|| NOBODY.to_owned(), |id| id.to_string());
    RecordDraft::new(Actor::new(ActorKind::Platform, "accounts"), Action::LOGIN)
        .refused(error.problem().code)
        .subject("account", about)
}
