//! Letters to citizens about their subscriptions: left in the transaction that they speak of, so that none is lost with a mail server.

use sceau_element_api::OrganisationId;
use sceau_store::{DeliveryError, Mail, Mailer, Message, Outbox, StoreError, Transaction, params};
use serde::{Deserialize, Serialize};

use crate::{Dossiers, Fault};

/// The topic of these letters in the outbox.
pub const MOB_LETTERS: &str = "mob_letter";

/// The SQL of this part.
pub mod statements {
    sceau_store::statements! {
        pub ADDRESSEE = "SELECT funder, person FROM mob_requests WHERE id = $1";
    }
}

/// What happened to a subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Step {
    /// It was sent.
    Sent,
    /// It was granted.
    Validated,
    /// It was refused.
    Rejected,
}

/// A letter as it waits: the address is found at the last moment, so that the outbox holds none.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Posted {
    subscription: String,
    step: Step,
}

/// Leaves a letter about a subscription that came in over HTTP; another's citizen is known to its company alone.
pub(super) async fn post(
    outbox: &Outbox,
    transaction: &mut Transaction,
    subscription: &str,
    step: Step,
) -> Result<(), StoreError> {
    let known = transaction.fetch_optional(statements::ADDRESSEE, params![subscription]).await?;
    if known.is_some() {
        let subscription = subscription.to_owned();
        outbox.enqueue(transaction, MOB_LETTERS, &Posted { subscription, step }).await?;
    }
    Ok(())
}

impl Dossiers {
    /// Sends one letter about a subscription, once however often it is delivered.
    ///
    /// # Errors
    /// [`DeliveryError`]: trying again may help, unless it is refused.
    pub async fn deliver_mob_letter(&self, mail: &Mailer, message: &Message) -> Result<(), DeliveryError> {
        #[derive(Deserialize)]
        struct Addressee {
            email: String,
        }
        let Posted { subscription, step } = message.parse()?;
        let row = self.database.fetch_optional(statements::ADDRESSEE, params![subscription]).await?;
        let refused = |why: &str| DeliveryError::Refused(why.to_owned());
        let row = row.ok_or_else(|| refused("the subscription does not exist any more"))?;
        let person: Addressee = serde_json::from_str(&row.get::<String>("person")?)
            .map_err(|_| refused("the citizen is not readable"))?;
        let funder: OrganisationId =
            row.get::<String>("funder")?.parse().map_err(|_| refused("the funder's id is malformed"))?;
        let organisation = self.enrolled(funder).await.map_err(unread)?.document.name;
        let (subject, text) = words(step, &organisation);
        mail.deliver(&Mail { to: person.email, subject, text }, message).await
    }
}

fn unread(fault: Fault) -> DeliveryError {
    match fault {
        Fault::Store(error) => error.into(),
        Fault::Element(error) => DeliveryError::Away(error.to_string()),
        fault => DeliveryError::Later(fault.code()),
    }
}

/// Subject and text: French, then English, and nothing that a postman should not read.
fn words(step: Step, organisation: &str) -> (String, String) {
    let (subject, fr, en) = match step {
        Step::Sent => (
            "Confirmation d’envoi de la demande / Your request has been sent",
            format!("Votre demande d’aide à {organisation} est transmise."),
            format!("Your request for support from {organisation} has been sent."),
        ),
        Step::Validated => (
            "Votre demande d’aide a été validée / Your request has been granted",
            format!("{organisation} a validé votre demande d’aide."),
            format!("{organisation} has granted your request for support."),
        ),
        Step::Rejected => (
            "Votre demande d’aide a été rejetée / Your request has been refused",
            format!("{organisation} a rejeté votre demande d’aide. Le motif est sur votre espace."),
            format!(
                "{organisation} has refused your request for support. The reason is on your account's page."
            ),
        ),
    };
    let text = format!(
        "Bonjour,\n\n{fr}\n\nCe message ne contient volontairement aucun détail.\n\n---\n\nHello,\n\n{en}\n\n\
         This message deliberately contains no detail.\n"
    );
    (subject.to_owned(), text)
}
