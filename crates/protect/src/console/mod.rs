//! The console: what administrators of an organisation see of its applications and data, on the platform's pages.
//!
//! It shows no key and changes no datum. Which data there are is the database's word. An application and a datum are shown as attested; a line of the
//! list is the database's, and marked where it is not what was attested.

mod applications;
mod data;
mod fault;
mod http;

pub use applications::ApplicationView;
pub use data::{DatumLine, DatumView, Found};
pub use fault::ConsoleFault;
pub use http::routes;

use std::sync::Arc;

use axum::extract::FromRef;
use sceau_accounts::Accounts;
use sceau_element_api::Client;
use sceau_store::Clock;

use crate::rows::Rows;

/// What the console stands on. Clones are the same console.
#[derive(Debug, Clone)]
pub struct Console {
    accounts: Accounts,
    element: Client,
    rows: Rows,
    clock: Arc<dyn Clock>,
}

impl Console {
    /// A console of these rows, for whom the accounts know.
    #[must_use]
    pub fn new(accounts: Accounts, element: Client, rows: Rows, clock: Arc<dyn Clock>) -> Self {
        Self { accounts, element, rows, clock }
    }
}

impl FromRef<Console> for Accounts {
    fn from_ref(console: &Console) -> Self {
        console.accounts.clone()
    }
}
