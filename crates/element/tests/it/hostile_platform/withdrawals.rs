//! Withdrawing, which removes files, and sending, which the depositor signs: never both.

use crate::house::{House, by_passkey, by_platform, current, refused};
use sceau_element_api::Kind;
use sceau_element_api::documents::{DossierPhase, DossierState};
use sceau_element_api::wire::Code;

#[tokio::test]
async fn it_cannot_take_back_what_the_depositor_signed() {
    let house = House::build().await;
    let client = house.client();
    house.submit().await;
    let before = current(client, Kind::Dossier, house.dossier.dossier).await;
    for phase in [DossierPhase::Draft, DossierPhase::Withdrawn] {
        let back = DossierState { phase, time: 2, ..house.dossier.clone() };
        refused(by_platform(client, &back, before).await, Code::FieldFixed);
    }
}

#[tokio::test]
async fn it_cannot_send_what_another_of_its_processes_withdrew() {
    let house = House::build().await;
    let client = house.client();
    let before = current(client, Kind::Dossier, house.dossier.dossier).await;
    let withdrawn = DossierState { phase: DossierPhase::Withdrawn, time: 2, ..house.dossier.clone() };
    by_platform(client, &withdrawn, before).await.unwrap();
    refused(by_passkey(client, &house.citizen, &house.manifest(), None).await, Code::FieldFixed);
}
