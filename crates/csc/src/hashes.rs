//! Signatures of hashes: the consent, the activation data (SAD), and what it fetches.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::consents::{Begun, Sad, Seen, Used};
use crate::input::{Implied, Input};
use crate::kept::drawn;
use crate::service::{Answer, KEPT_FOR, Service, full};
use crate::tokens::Bearer;
use crate::{CscError, algorithms};

impl Service {
    /// Asks the holder (section 11.6). No PIN is taken: the holder agrees on the terminal, and the application asks by the handle.
    pub(crate) async fn authorize(&self, bearer: &Bearer, input: &Input) -> Result<Answer, CscError> {
        let credential = self.usable(bearer, input)?;
        let number = input.number("numSignatures")?;
        let number = usize::try_from(number).ok().filter(|number| *number >= 1);
        let number = number.ok_or_else(|| CscError::invalid("Invalid value for parameter numSignatures"))?;
        if number > self.0.plan.most {
            return Err(CscError::invalid("Numbers of signatures is too high"));
        }
        // Version 1 implies the algorithm.
        let (hashes, names) = input.itemised()?;
        if hashes.len() != number {
            return Err(CscError::invalid("Invalid value for parameter numSignatures"));
        }
        let said = input.optional("description")?;
        // A place first: nobody is asked for what could not be kept.
        let begun = Begun { keyring: credential.keyring, hashes: hashes.clone(), ends: self.ends() };
        let client = &bearer.client;
        let handle = self.0.consents.begin(client, begun, self.now()).map_err(|_| full())?;
        let (at, client) = (handle.clone(), client.clone());
        self.ask(bearer, &credential, (said, &names, &hashes), move |service, left| match left {
            Ok(left) => {
                service.0.consents.left(&at, &client, left, service.now());
                Ok(())
            }
            Err(error) => {
                service.0.consents.ended(&at, &client, service.now());
                Err(error)
            }
        })
        .await?;
        Ok(Answer::Begun(json!({"handle": handle})))
    }

    /// Whether the holder agreed (section 11.7).
    pub(crate) async fn check(&self, bearer: &Bearer, input: &Input) -> Result<Answer, CscError> {
        let (handle, client) = (input.text("handle")?, &bearer.client);
        let unknown = || CscError::parameter("handle");
        let waits = || Ok(Answer::Begun(json!({"handle": handle})));
        match self.0.consents.look(handle, client, bearer.keyring, self.now()).ok_or_else(unknown)? {
            Seen::Soon => return waits(),
            Seen::Agreed => {}
            Seen::Ask(request, ends) => match self.heard(request, ends, bearer.keyring).await {
                Ok(None) => return waits(),
                Ok(Some(signatures)) => {
                    if !self.0.consents.agreed(handle, client, signatures, self.now()) {
                        return Err(CscError::server());
                    }
                }
                Err(refused) => {
                    if refused.words().0 == "access_denied" {
                        self.0.consents.ended(handle, client, self.now());
                    }
                    return Err(refused);
                }
            },
        }
        let sad = self.0.consents.activation(handle, client, self.now()).ok_or_else(full)?;
        Ok(Answer::Done(told(&sad)))
    }

    /// Other activation data for what is left of a transaction (section 11.9). New hashes need the holder anew, by `credentials/authorize`.
    pub(crate) fn extend(&self, bearer: &Bearer, input: &Input) -> Result<Value, CscError> {
        let credential = self.usable(bearer, input)?;
        let (sad, hashes) = (input.text("SAD")?, input.hashes(Implied::Elsewhere)?);
        let used = Used { sad, client: &bearer.client, keyring: credential.keyring };
        self.0.consents.extend(used, &hashes, self.now()).map(|sad| told(&sad))
    }

    /// The signatures of hashes that the holder agreed to (section 11.10), in the order of the call.
    pub(crate) fn sign_hash(&self, bearer: &Bearer, input: &Input) -> Result<Value, CscError> {
        let sad = input.text("SAD")?;
        let credential = self.named(bearer, input)?;
        let implied = algorithms::judge(input, credential.kind)?;
        let hashes = input.hashes(implied)?;
        if !credential.is_valid(self.now()) {
            return Err(CscError::invalid("Signing certificate is expired"));
        }
        let later = later(input)?;
        let used = Used { sad, client: &bearer.client, keyring: credential.keyring };
        let now = self.now();
        let release = || {
            let signatures = self.0.consents.release(used, &hashes, now)?;
            let signatures: Vec<String> = signatures.iter().map(|one| STANDARD.encode(one)).collect();
            Ok(json!({"signatures": signatures}))
        };
        let Some(kept_for) = later else { return release() };
        // A place first: what is given out is given out once.
        let ((id, at), client, keyring) = (drawn(), &bearer.client, credential.keyring);
        self.0.answers.put(at, client, (keyring, None), now + kept_for, now).map_err(|_| full())?;
        match release() {
            Ok(answer) => self.0.answers.with(&at, client, now, |kept| kept.1 = Some(answer)),
            Err(error) => {
                self.0.answers.take(&at, client, now);
                return Err(error);
            }
        };
        Ok(json!({"responseID": id}))
    }
}

/// For how long an answer is kept that is not waited for; none where it is.
pub(crate) fn later(input: &Input) -> Result<Option<u64>, CscError> {
    if input.word("operationMode", &["S", "A"])? == "S" {
        return Ok(None);
    }
    // Nobody is called: an application could have us call anybody.
    if input.get("response_uri").is_some() {
        return Err(CscError::parameter("response_uri"));
    }
    let Some(period) = input.get("validity_period") else { return Ok(Some(KEPT_FOR)) };
    let period = period.as_u64().ok_or_else(|| CscError::parameter("validity_period"))?;
    if (1000..=KEPT_FOR).contains(&period) {
        Ok(Some(period))
    } else {
        Err(CscError::invalid("Out of bounds parameter validity_period"))
    }
}

fn told(sad: &Sad) -> Value {
    json!({"SAD": sad.text, "expiresIn": sad.seconds})
}
