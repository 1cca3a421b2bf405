//! Delivering the letters that wait in the outbox.

use sceau_accounts::{Accounts, AccountsError};
use sceau_element_api::AccountId;
use sceau_store::{DeliveryError, Mail, Mailer, Message, params};

use crate::letters::Text;
use crate::settle::Posted;
use crate::{Dossiers, statements};

impl Dossiers {
    /// Sends one letter, once however often it is delivered: finds the address at the last moment, so that the outbox holds none.
    ///
    /// # Errors
    /// [`DeliveryError`]: trying again may help, unless it is refused.
    pub async fn deliver_letter(
        &self,
        accounts: &Accounts,
        mail: &Mailer,
        message: &Message,
    ) -> Result<(), DeliveryError> {
        let posted: Posted = message.parse()?;
        let to = match &posted.account {
            Some(account) => citizen_address(accounts, account).await?,
            None => self.contact_address(&posted.organisation).await?,
        };
        let Text { subject, body } = posted.letter.text();
        mail.deliver(&Mail { to, subject, text: body }, message).await
    }

    async fn contact_address(&self, organisation: &str) -> Result<String, DeliveryError> {
        let row = self.database.fetch_one(statements::CONTACT, params![organisation]).await?;
        Ok(row.get("contact_email")?)
    }
}

async fn citizen_address(accounts: &Accounts, account: &str) -> Result<String, DeliveryError> {
    let id: AccountId =
        account.parse().map_err(|_| DeliveryError::Refused("the account id is malformed".to_owned()))?;
    let account = accounts.account(id).await.map_err(unread)?;
    account
        .map(|account| account.email)
        .ok_or_else(|| DeliveryError::Refused("the account does not exist any more".to_owned()))
}

/// An account that cannot be read: whose fault that is decides how long its letter waits.
fn unread(error: AccountsError) -> DeliveryError {
    match error {
        AccountsError::Store(error) => error.into(),
        AccountsError::Element(error) => DeliveryError::Away(error.to_string()),
        error => DeliveryError::Later(error.to_string()),
    }
}
