//! The console's certificates of erasure: as the element gives them, to whose they are.

use std::sync::Arc;

use futures::future::{BoxFuture, FutureExt as _};
use sceau_accounts::{Accounts, AccountsConfig, Directory, Parts};
use sceau_element_api::documents::Remit;
use sceau_element_api::protect::DatumId;
use sceau_element_api::{Client, OrganisationId};
use sceau_protect::{Console, MIGRATIONS, Rows};
use sceau_store::{Database, SystemClock};
use serde_json::json;

use crate::caller::Protected;

pub(crate) struct NoNames;

impl Directory for NoNames {
    fn organisation_name(&self, _: OrganisationId) -> BoxFuture<'_, Option<String>> {
        async { None }.boxed()
    }
}

/// A console before an element, on a database without anybody.
pub(crate) async fn console(folder: &tempfile::TempDir, element: &Client) -> (Console, Database) {
    let migrations = [sceau_store::MIGRATIONS, sceau_accounts::MIGRATIONS, MIGRATIONS].concat();
    let database = Database::open(&folder.path().join("records.db"), &migrations).await.unwrap();
    let parts = Parts {
        database: database.clone(),
        element: Arc::new(element.clone()),
        clock: Arc::new(SystemClock),
        directory: Arc::new(NoNames),
        config: AccountsConfig::at("http://sceau.localhost:8080"),
    };
    let rows = Rows::new(database.clone());
    let console = Console::new(Accounts::beside(parts), element.clone(), rows, Arc::new(SystemClock));
    (console, database)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_is_its_organisations_and_of_what_was_erased() {
    let mut protected = Protected::begin().await;
    let folder = tempfile::tempdir().unwrap();
    let client = protected.client().clone();
    let (console, _) = console(&folder, &client).await;
    let application = &mut protected.application;
    let organisation = application.document.organisation;
    let op = application.create();
    let created = application.ask(&client, "alice", op).await.unwrap();
    let status =
        |outcome: Result<_, sceau_protect::ConsoleFault>| outcome.err().map(|it| it.problem().status);
    assert_eq!(
        status(console.erasure(&Remit::whole(organisation), created.datum).await),
        Some(404),
        "it is not erased"
    );

    let erased = application.ask(&client, "alice", json!({"erase": {"datum": created.datum}})).await.unwrap();
    let certificate = console.erasure(&Remit::whole(organisation), created.datum).await.unwrap();
    assert_eq!((certificate.datum, certificate.erased.index), (created.datum, erased.index));
    let hello = client.hello().await.unwrap();
    certificate.verify(Some(&sceau_trace::VerifierKey::parse(&hello.log_key).unwrap())).unwrap();
    assert_eq!(
        status(console.erasure(&Remit::whole(OrganisationId::random()), created.datum).await),
        Some(404)
    );
    assert_eq!(status(console.erasure(&Remit::whole(organisation), DatumId::random()).await), Some(404));
}
