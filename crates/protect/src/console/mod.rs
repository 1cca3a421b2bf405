//! The console: what administrators and data officers of an organisation see of its applications and data, on the platform's pages.
//!
//! It shows no key, and changes a datum by what the element takes from their passkeys alone. Which data there are is the database's word. An application and a datum are shown as attested; a line of the
//! list is the database's, and marked where it is not what was attested.

mod accesses;
mod activity;
mod acts;
mod applications;
mod asked;
mod data;
mod erasures;
mod fault;
mod http;

pub use accesses::{By, How, Looked, OnRecord, RecordLine};
pub use activity::{Activity, CallsOfApplication, CallsOfHour, DataCounted, Ending, RefusedFor, Span};
pub use acts::{ActState, ActView, Acts, ActsPage};
pub use applications::ApplicationView;
pub use data::{DatumLine, DatumView, Found};
pub use fault::ConsoleFault;
pub use http::routes;

use std::sync::Arc;

use axum::extract::FromRef;
use sceau_accounts::Accounts;
use sceau_element_api::Client;
use sceau_store::Clock;

use self::asked::Asked;
use crate::rows::Rows;

/// What the console stands on. Clones are the same console.
#[derive(Debug, Clone)]
pub struct Console {
    accounts: Accounts,
    element: Client,
    rows: Rows,
    clock: Arc<dyn Clock>,
    asked: Asked,
}

impl Console {
    /// A console of these rows, for whom the accounts know.
    #[must_use]
    pub fn new(accounts: Accounts, element: Client, rows: Rows, clock: Arc<dyn Clock>) -> Self {
        Self { accounts, element, rows, clock, asked: Asked::default() }
    }
}

impl FromRef<Console> for Accounts {
    fn from_ref(console: &Console) -> Self {
        console.accounts.clone()
    }
}
