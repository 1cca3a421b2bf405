//! Raising the demonstration, step by step; each step that was done before is left alone.

use std::path::PathBuf;
use std::time::Duration;

use sceau_client::{Person, Server, Trust};
use sceau_hsm::durable::write_secret;
use sceau_keymanager::{Connection, KeyManager};
use sceau_pki::CertificateRole;
use serde_json::{Value, json};

use super::{Cast, Officer, Teller};
use crate::failure::{Exit, Failure};
use crate::house::{House, Layout};
use crate::owner;
use crate::serve::keymanager::KeyManagerState;

const ORGANISATION: &str = "Métropole de Démonstration";

/// Makes administrator, organisation, key manager, scheme and case officer; starts the key manager.
pub(crate) async fn raise(
    house: &mut House,
    layout: &Layout,
    cast: &mut Cast,
    tell: &Teller,
) -> Result<Officer, Failure> {
    let administrator = cast.administrator(house).await?;
    tell.done("administrator", "signed in with a passkey");
    prepare_key_manager(house, layout, cast, &administrator, tell).await?;
    let address = house.start_key_manager(layout).await?.unwrap_or_default();
    tell.done("key manager", &address);
    let chief = cast.chief(house, &administrator).await?;
    tell.done("scheme published", "under the organisation administrator’s passkey");
    let officer = cast.officer(&chief).await?;
    if !cast.bound {
        bind(layout, &address, &officer).await?;
        cast.note_bound()?;
    }
    tell.done("case officer", "invited; certificate bound to the account at the key manager");
    await_recipient_key(&chief, cast).await?;
    Ok(officer)
}

/// The key manager serves before it has published its keys: until then nobody can deposit.
async fn await_recipient_key(chief: &Person, cast: &Cast) -> Result<(), Failure> {
    let Some(organisation) = cast.organisation else { return Ok(()) };
    let mut pause = tokio::time::interval(Duration::from_millis(50));
    // Longer than its pause between two attempts, which is a minute.
    for _ in 0..1800 {
        pause.tick().await;
        let view: Value = chief.server().get(&format!("/v1/organisations/{organisation}")).await?;
        if view.get("current_key").is_some_and(|key| !key.is_null()) {
            return Ok(());
        }
    }
    let words = "the key manager published no key within 90 seconds; logs/keymanager.log tells why";
    Err(Failure::new(Exit::System, "no_recipient_key", words))
}

/// Who the case officer's browser is to the key manager.
pub(crate) fn officer_trust(layout: &Layout) -> Result<Trust, Failure> {
    trust(layout, "officer")
}

async fn prepare_key_manager(
    house: &House,
    layout: &Layout,
    cast: &mut Cast,
    administrator: &Person,
    tell: &Teller,
) -> Result<(), Failure> {
    let key_manager = open_or_make(layout).await?;
    let fingerprint = key_manager.root_fingerprint();
    let (organisation, credentials) =
        cast.organisation(administrator, ORGANISATION, &fingerprint.to_string()).await?;
    let Some(credentials) = credentials else { return Ok(()) };
    let authority = sceau_hsm::certificates::read_certificate(&layout.key_manager().join("authority.pem"))
        .map_err(|error| Failure::role("authority", &error))?;
    // The folder, if it is not there yet.
    layout.demonstration()?;
    write_secret(&layout.authority(), authority.to_pem().as_bytes())?;
    tell.done(
        "organisation enrolled",
        &format!("root fingerprint {}, handed over by another channel", fingerprint.grouped()),
    );
    for (holder, name, role) in [
        ("officer", "Anne Démonstration", CertificateRole::CaseOfficer),
        ("administrator", "Administration des clés", CertificateRole::Administrator),
    ] {
        let issued = owner::certificate(&key_manager, name, role).await?;
        write_secret(&holder_file(layout, holder, "p12")?, &issued.pkcs12)?;
        write_secret(&holder_file(layout, holder, "password")?, issued.password.as_bytes())?;
        write_secret(&holder_file(layout, holder, "pem")?, issued.pem.as_bytes())?;
        write_secret(&holder_file(layout, holder, "fingerprint")?, issued.fingerprint.as_bytes())?;
    }
    let connection = Connection {
        platform: house.platform.clone(),
        organisation,
        credentials,
        log_key: house.log_key()?,
        anchors_pem: None,
    };
    key_manager.connect(&connection).await?;
    cast.forget_client()
}

async fn open_or_make(layout: &Layout) -> Result<KeyManager, Failure> {
    let state = KeyManagerState {
        data: layout.key_manager(),
        passphrase_file: layout.passphrase("keymanager")?,
        policy: None,
    };
    if layout.has_key_manager() {
        state.open().await
    } else {
        owner::init(&state, ORGANISATION, &layout.key_manager_address()).await
    }
}

/// The key manager's administrator binds the certificate to the account, as on the page.
async fn bind(layout: &Layout, address: &str, officer: &Officer) -> Result<(), Failure> {
    let server = Server::new(address, &trust(layout, "administrator")?)?;
    let path = holder_file(layout, "officer", "fingerprint")?;
    let fingerprint = std::fs::read_to_string(&path).map_err(|cause| Failure::file("read", &path, &cause))?;
    let binding = json!({
        "certificate_fingerprint": fingerprint, "account": officer.account, "role": "case_officer",
        "name": "Anne Démonstration",
    });
    let _: Value = server.post("/v1/bindings", &binding).await?;
    Ok(())
}

fn trust(layout: &Layout, holder: &str) -> Result<Trust, Failure> {
    let read = |path: PathBuf| std::fs::read(&path).map_err(|cause| Failure::file("read", &path, &cause));
    Ok(Trust {
        anchors_pem: Some(read(layout.authority())?),
        identity_pem: Some(read(holder_file(layout, holder, "pem")?)?),
    })
}

fn holder_file(layout: &Layout, holder: &str, extension: &str) -> Result<PathBuf, Failure> {
    Ok(layout.demonstration()?.join(format!("{holder}.{extension}")))
}
