//! Delivering the letters that wait in the outbox.

use sceau_accounts::Accounts;
use sceau_element_api::AccountId;
use sceau_store::{DeliveryError, Mail, Mailer, Message, params};

use crate::letters::Text;
use crate::settle::Posted;
use crate::{Dossiers, statements};

impl Dossiers {
    /// Sends one letter, once however often it is delivered: finds the address at the last moment, so that the outbox holds none.
    ///
    /// # Errors
    /// [`DeliveryError::Later`] where trying again may help.
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
        let later = |error: sceau_store::StoreError| DeliveryError::Later(error.to_string());
        let row = self.database.fetch_one(statements::CONTACT, params![organisation]).await.map_err(later)?;
        row.get("contact_email").map_err(later)
    }
}

async fn citizen_address(accounts: &Accounts, account: &str) -> Result<String, DeliveryError> {
    let id: AccountId =
        account.parse().map_err(|_| DeliveryError::Refused("the account id is malformed".to_owned()))?;
    let account = accounts.account(id).await.map_err(|error| DeliveryError::Later(error.to_string()))?;
    account
        .map(|account| account.email)
        .ok_or_else(|| DeliveryError::Refused("the account does not exist any more".to_owned()))
}
