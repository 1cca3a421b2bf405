//! Acts of administrators over the console: what they did is listed as the element attested it, and the lists of data show it at once.

use sceau_element_api::documents::Remit;
use sceau_element_api::documents::{ActDecision, Datum, Decided, Document as _, Does, ProtectAct};
use sceau_element_api::protect::Called;
use sceau_element_api::wire::{AttestedRow, Version};
use sceau_element_api::{ActId, Client, Kind, OrganisationId, Role};
use sceau_protect::{
    ActState, ActView, Acts, ActsPage, Console, ConsoleFault, DatumState, Registration, Search,
};
use sceau_store::{Statement, params};
use serde_json::json;

use crate::caller::{Protected, seconds};
use crate::certificates_are_their_organisations::console;
use crate::house::{Person, staff};

const EDIT: Statement = Statement::new("EDIT", "UPDATE protect_act SET payload = $1 WHERE id = $2");

pub(crate) fn act(by: &Person, does: Does, of: &Called) -> ProtectAct {
    ProtectAct {
        v: 1,
        act: ActId::random(),
        organisation: by.account.organisation.unwrap(),
        does,
        data: vec![of.datum],
        reason: "Départ de l'équipe".into(),
        time: seconds() * 1000,
        by: by.account.account,
        decision: None,
    }
}

/// What a page sends.
pub(crate) async fn signed(
    client: &Client,
    by: &Person,
    act: &ProtectAct,
    previous: Option<Version>,
) -> Registration {
    let payload = act.to_bytes().unwrap();
    let proof = by.passkey.prove(client.nonce().await.unwrap(), Kind::ProtectAct, &payload);
    let payload = sceau_element_api::Base64Url(payload);
    serde_json::from_value(json!({"payload": payload, "previous": previous, "proof": proof})).unwrap()
}

async fn found(console: &Console, organisation: OrganisationId, state: DatumState) -> usize {
    let search = Search { state: Some(state), ..Search::default() };
    console.data(&Remit::whole(organisation), &search).await.unwrap().data.len()
}

/// All acts of the first page.
async fn listed(console: &Console, organisation: OrganisationId) -> Vec<ActView> {
    let Acts { waiting, past, .. } =
        console.acts(&Remit::whole(organisation), &ActsPage::default()).await.unwrap();
    waiting.into_iter().chain(past).collect()
}

fn code(outcome: Result<AttestedRow, ConsoleFault>) -> String {
    outcome.unwrap_err().problem().code.to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_act_is_carried_and_listed_and_the_data_show_it() {
    let mut protected = Protected::begin().await;
    let folder = tempfile::tempdir().unwrap();
    let client = protected.client().clone();
    let (console, database) = console(&folder, &client).await;
    let organisation = protected.organisation.id;
    let first = &protected.administrator;
    let second = staff(&client, &protected.admin, Role::OrganisationAdmin, organisation).await;
    let op = protected.application.create();
    let created = protected.application.ask(&client, "alice", op).await.unwrap();

    let hold = act(first, Does::Hold, &created);
    console.act(signed(&client, first, &hold, None).await).await.unwrap();
    assert_eq!(found(&console, organisation, DatumState::Held).await, 1);
    assert_eq!(found(&console, organisation, DatumState::Active).await, 0);
    let view = console.datum(&Remit::whole(organisation), created.datum).await.unwrap();
    assert!(!view.altered);
    assert_eq!(Datum::parse(&view.payload).unwrap().document.held.unwrap().act, hold.act);

    let request = act(first, Does::Erase, &created);
    let row = console.act(signed(&client, first, &request, None).await).await.unwrap();
    let all = listed(&console, organisation).await;
    let asked = all.iter().find(|one| one.act == request.act).unwrap();
    assert_eq!((asked.state, asked.ends, asked.altered), (ActState::Requested, Some(request.ends()), false));
    assert_eq!(all.iter().find(|one| one.act == hold.act).unwrap().state, ActState::Done);
    assert!(listed(&console, OrganisationId::random()).await.is_empty());
    let decided = |by: &Person| {
        let decision = ActDecision {
            is: Decided::Approved,
            by: by.account.account,
            time: seconds() * 1000,
            request: row.hash,
        };
        ProtectAct { decision: Some(decision), ..request.clone() }
    };
    let own = signed(&client, first, &decided(first), Some(row.version())).await;
    assert_eq!(code(console.act(own).await), "same_person");

    // Whoever writes the database changes what is listed, not what is shown: nor can they approve.
    let altered = ProtectAct { data: vec![created.datum], reason: "x".into(), ..decided(&second) };
    let payload = altered.to_bytes().unwrap();
    let values = params![payload, request.act.to_string()];
    database.execute(EDIT, values).await.unwrap();
    let all = listed(&console, organisation).await;
    let asked = all.iter().find(|one| one.act == request.act).unwrap();
    assert_eq!((asked.state, asked.altered), (ActState::Requested, true));

    let approval = signed(&client, &second, &decided(&second), Some(row.version())).await;
    console.act(approval).await.unwrap();
    assert_eq!(found(&console, organisation, DatumState::Erased).await, 1);
    assert_eq!(found(&console, organisation, DatumState::Held).await, 0);
    let all = listed(&console, organisation).await;
    let done = all.iter().find(|one| one.act == request.act).unwrap();
    assert_eq!((done.state, done.ends, done.altered), (ActState::Approved, None, false));
    let certificate = console.erasure(&Remit::whole(organisation), created.datum).await.unwrap();
    assert_eq!(certificate.act, Some(request.act));
}
