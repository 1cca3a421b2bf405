//! Tokens: who logged in, what the token may, and that both still hold at each use.

use std::marker::PhantomData;
use std::sync::{Arc, PoisonError};

use rustls::pki_types::CertificateDer;
use sceau_crypto::{random, sha256};
use sceau_pki::{CertificateRole, VerifiedClient};
use sceau_store::Rule;
use sceau_trace::{Action, Actor};
use zeroize::Zeroizing;

use super::policy::{OF_APPROLES, Policy, Power, Right, ceiling};
use super::{Refusal, TransitSettings};
use crate::connector::Caller;
use crate::denial::Denial;
use crate::manager::KeyManager;
use crate::officer::Shown;

/// Tokens at once; past that, nobody logs in until some end.
const TOKENS: usize = 10_000;
/// Logins of one certificate or role.
const LOGINS: Rule = Rule::per_hour(60, 1200);

/// Who holds a token. What it may is judged again at each use.
#[derive(Clone)]
pub(super) enum Holder {
    Certificate(Arc<[CertificateDer<'static>]>),
    AppRole { role: String, accessor: String },
}

/// A token as it is kept, under the SHA-256 of its text.
#[derive(Clone)]
pub(crate) struct Kept {
    holder: Holder,
    policies: Vec<Policy>,
    accessor: String,
    made: u64,
    expires: u64,
}

/// A token that holds now.
#[derive(Debug, Clone)]
pub(crate) struct LiveToken {
    /// As records name its holder.
    pub(crate) actor: Actor,
    pub(crate) policies: Vec<Policy>,
    pub(crate) accessor: String,
    pub(crate) made: u64,
    pub(crate) expires: u64,
    hash: [u8; 32],
}

/// Proof that a live token may do this.
#[derive(Debug)]
pub(crate) struct Permit<R> {
    pub(crate) token: LiveToken,
    right: PhantomData<R>,
}

/// A new token, shown once.
pub(crate) struct LoggedIn {
    pub(crate) token: Zeroizing<String>,
    pub(crate) accessor: String,
    pub(crate) policies: Vec<Policy>,
    pub(crate) ms: u64,
}

impl LiveToken {
    /// The proof, if any policy has the power.
    pub(crate) fn permit<R: Right>(self) -> Result<Permit<R>, Refusal> {
        if self.policies.iter().any(|policy| policy.power == R::POWER) {
            Ok(Permit { token: self, right: PhantomData })
        } else {
            Err(Refusal::forbidden())
        }
    }
}

impl<R: Right> Permit<R> {
    /// Whether it reaches to this key.
    pub(super) fn check_key(&self, name: &str) -> Result<(), Refusal> {
        let reaches =
            self.token.policies.iter().any(|policy| {
                policy.power == R::POWER && policy.key.as_deref().is_none_or(|key| key == name)
            });
        if reaches { Ok(()) } else { Err(Refusal::forbidden()) }
    }
}

impl KeyManager {
    /// The settings, where there is a Transit.
    pub(crate) fn transit_settings(&self) -> Result<&TransitSettings, Refusal> {
        self.settings().transit.as_ref().ok_or_else(Refusal::not_found)
    }

    /// Logs a certificate in, under the role of this name or the first that it fits.
    pub(crate) async fn login_by_certificate(
        &self,
        shown: Shown<'_>,
        role: Option<&str>,
    ) -> Result<LoggedIn, Refusal> {
        let judged = self.identify(shown).map_err(|denial| {
            let why = format!("invalid certificate or no client certificate supplied: {denial}");
            (None, Refusal { code: denial_code(&denial), ..Refusal::invalid(why) })
        });
        let entered = judged.and_then(|(client, actor)| {
            let found = self.policies_of(&client, role);
            let (policies, ms) = found.map_err(|refusal| (Some(actor.clone()), refusal))?;
            Ok((actor, policies, ms))
        });
        let Ok((actor, policies, ms)) = entered else {
            let Err((actor, refusal)) = entered else { return Err(Refusal::forbidden()) };
            return self.refuse_login(actor, refusal).await;
        };
        let chain = shown.map(Arc::<[CertificateDer<'static>]>::from).unwrap_or_default();
        self.enter(actor, Holder::Certificate(chain), policies, ms).await
    }

    /// Logs an AppRole in.
    pub(crate) async fn login_by_approle(&self, role_id: &str, secret_id: &str) -> Result<LoggedIn, Refusal> {
        let wrong = || Refusal { code: "login_refused", ..Refusal::invalid("invalid role or secret ID") };
        let roles = self.approles().await?;
        let Some((name, role, accessor)) = roles.find(role_id, secret_id, self.now()) else {
            // Guesses alone are counted together: nobody who guesses keeps out who knows.
            let counted = self.transit().logins.take("approle", LOGINS, self.now());
            let refusal = if counted.is_ok() { wrong() } else { Refusal::quota() };
            return self.refuse_login(None, refusal).await;
        };
        let (policies, ms) = (role.policies(), role.token_ms);
        let ms = if ms == 0 { self.transit_settings()?.token_ms } else { ms };
        let actor = approle_actor(&name);
        self.enter(actor, Holder::AppRole { role: name, accessor }, policies, ms).await
    }

    /// The token of this text, if it holds now: not expired, and its holder neither withdrawn nor revoked since.
    pub(crate) async fn live_token(&self, text: &str) -> Result<LiveToken, Refusal> {
        let hash = sha256(text.as_bytes());
        let mut kept = {
            let mut tokens = self.transit().tokens.lock().unwrap_or_else(PoisonError::into_inner);
            match tokens.get(&hash) {
                Some(kept) if kept.expires > self.now() => kept.clone(),
                Some(_) => {
                    tokens.remove(&hash);
                    return Err(Refusal::forbidden());
                }
                None => return Err(Refusal::forbidden()),
            }
        };
        let (actor, most) = match &kept.holder {
            Holder::Certificate(chain) => {
                let (client, actor) = self.identify(Some(chain)).map_err(|_| Refusal::forbidden())?;
                (actor, ceiling(client.role()))
            }
            Holder::AppRole { role, accessor } => {
                let may = self.approles().await?.may(role, accessor, self.now());
                let may = may.ok_or_else(Refusal::forbidden)?;
                kept.policies.retain(|policy| may.contains(policy));
                (approle_actor(role), OF_APPROLES)
            }
        };
        let Kept { policies, accessor, made, expires, .. } = kept;
        let policies = within(policies, most);
        Ok(LiveToken { actor, policies, accessor, made, expires, hash })
    }

    /// Ends a token.
    pub(crate) async fn revoke_token(&self, token: &LiveToken) -> Result<(), Refusal> {
        self.transit().tokens.lock().unwrap_or_else(PoisonError::into_inner).remove(&token.hash);
        let mut draft = self.own_record(Action::LOGOUT).granted().detail("by", "transit");
        draft.actor = token.actor.clone();
        self.journal().append(draft).await?;
        Ok(())
    }

    /// Who a certificate is, as each of the three kinds is judged everywhere here.
    fn identify(&self, shown: Shown<'_>) -> Result<(VerifiedClient, Actor), Denial> {
        let client = self.judge_client(shown)?;
        let actor = match client.role() {
            CertificateRole::CaseOfficer => self.judge_officer(shown)?.actor(),
            CertificateRole::Connector => Caller::Connector(&self.judge_connector(shown)?).actor(),
            _ => {
                self.judge_administrator(shown)?;
                self.own_record(Action::LOGIN).actor
            }
        };
        Ok((client, actor))
    }

    fn policies_of(
        &self,
        client: &VerifiedClient,
        name: Option<&str>,
    ) -> Result<(Vec<Policy>, u64), Refusal> {
        let settings = self.transit_settings()?;
        let most = ceiling(client.role());
        if settings.roles.is_empty() && name.is_none() {
            return Ok((most.iter().copied().map(Policy::every).collect(), settings.token_ms));
        }
        let subject = &client.identity().subject;
        let common = subject.common_name();
        let fits = |role: &super::LoginRole| {
            let named = |name: &String| common.as_deref() == Some(name.as_str());
            let one_of = |unit: &String| subject.organizational_units().any(|held| held == unit.as_str());
            (role.common_names.is_empty() || role.common_names.iter().any(named))
                && (role.organizational_units.is_empty() || role.organizational_units.iter().any(one_of))
        };
        let mut roles = settings.roles.iter().filter(|(each, _)| name.is_none_or(|name| name == each));
        let (_, role) = roles.find(|(_, role)| fits(role)).ok_or_else(|| Refusal {
            code: "login_refused",
            ..Refusal::invalid("the certificate fits no role, or not the one that was named")
        })?;
        Ok((within(role.policies.clone(), most), role.token_ms.unwrap_or(settings.token_ms)))
    }

    /// Records the login, and only then makes the token.
    async fn enter(
        &self,
        actor: Actor,
        holder: Holder,
        policies: Vec<Policy>,
        ms: u64,
    ) -> Result<LoggedIn, Refusal> {
        let now = self.now();
        if self.transit().logins.take(&format!("holder:{}", actor.id), LOGINS, now).is_err() {
            return self.refuse_login(Some(actor), Refusal::quota()).await;
        }
        let accessor = hex::encode(random::<12>());
        let mut draft = self.own_record(Action::LOGIN).granted().detail("by", "transit");
        draft.actor = actor;
        self.journal().append(draft.detail("accessor", accessor.as_str())).await?;
        let secret = sceau_crypto::Secret::<32>::random();
        let mut text = Zeroizing::new(String::with_capacity(68));
        text.push_str("hvs.");
        text.push_str(&Zeroizing::new(hex::encode(secret.expose())));
        let kept = Kept {
            holder,
            policies: policies.clone(),
            accessor: accessor.clone(),
            made: now,
            expires: now.saturating_add(ms),
        };
        let mut tokens = self.transit().tokens.lock().unwrap_or_else(PoisonError::into_inner);
        if tokens.len() >= TOKENS {
            tokens.retain(|_, kept| kept.expires > now);
        }
        if tokens.len() >= TOKENS {
            return Err(Refusal::quota());
        }
        tokens.insert(sha256(text.as_bytes()), kept);
        Ok(LoggedIn { token: text, accessor, policies, ms })
    }

    async fn refuse_login(&self, actor: Option<Actor>, refusal: Refusal) -> Result<LoggedIn, Refusal> {
        let mut draft = self.own_record(Action::LOGIN).refused(refusal.code).detail("by", "transit");
        let id = actor.as_ref().map(|actor| actor.id.clone());
        if let Some(actor) = actor {
            draft.actor = actor;
        }
        self.record_refusal(id.as_deref(), draft).await?;
        Err(refusal)
    }
}

fn within(mut policies: Vec<Policy>, most: &[Power]) -> Vec<Policy> {
    policies.retain(|policy| most.contains(&policy.power));
    policies
}

fn approle_actor(role: &str) -> Actor {
    Actor::new(sceau_trace::ActorKind::Client, format!("approle.{role}"))
}

/// The code in the trace, of the table of problems.
fn denial_code(denial: &Denial) -> &'static str {
    crate::code::Code::named(denial.code()).map_or("login_refused", |code| code.as_str())
}
