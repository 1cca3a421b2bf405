//! An organisation whose own system is fed by `sceau connect`.

use std::path::{Path, PathBuf};

use sceau_client::{Deposited, Document, Person, ReadingPage, Scheme, Server, Trust};
use sceau_element_api::DossierId;
use serde_json::{Value, json};

use crate::program::Program;
use crate::{House, Premises, Staff, Stage, now_ms, publish_scheme};

/// Its key manager, its people, its scheme, and what its connector is told.
#[derive(Debug)]
pub struct Connected {
    /// The key manager; it runs.
    pub premises: Premises,
    /// The people.
    pub staff: Staff,
    /// What is answered.
    pub scheme: Scheme,
    /// Where dossiers appear.
    pub output: PathBuf,
    /// The connector's client secret on the platform.
    client_secret: String,
    /// The connector's client id on the platform.
    pub client_id: String,
    /// The table of `connector.toml`.
    table: String,
}

impl Connected {
    /// Makes the organisation, its connector's client and certificate, and its grant of everything.
    pub async fn found(house: &House, administrator: &Person, name: &str) -> Self {
        let (mut premises, staff) = Premises::found(house, administrator, name).await;
        premises.start_key_manager(house);
        let scheme = publish_scheme(&staff.chief).await;
        let made = staff.chief.server().post("/v1/organisation/connectors", &json!({"name": "Paie"})).await;
        let made: Value = made.expect("an organisation's administrator may");
        let text = |key: &str| made.get(key).and_then(Value::as_str).expect("credentials").to_owned();
        let (client_id, client_secret) = (text("client_id"), text("client_secret"));
        let organisation = premises.organisation;
        let write = |what: &str, bytes: &[u8]| house.scratch.write(&format!("{organisation}.{what}"), bytes);
        let secret = write("secret", client_secret.as_bytes());
        let certificate = write("pem", premises.connector().0);
        let anchors = write("anchors", premises.authority());
        let output = house.scratch.join(&format!("{organisation}.in"));
        let state = house.scratch.join(&format!("{organisation}.state"));
        let table = format!(
            "[[organisation]]\nname = \"{organisation}\"\nplatform = \"{}\"\norganisation = \"{organisation}\"\n\
            client_id = \"{client_id}\"\nclient_secret_file = {secret:?}\nlog_key = \"{}\"\n\
            key_manager = \"{}\"\nkey_manager_anchors = {anchors:?}\ncertificate = {certificate:?}\n\
            state = {state:?}\npoll_seconds = 1\n[organisation.handover]\nfolder = {output:?}\n",
            house.origin,
            administrator.log_key(),
            premises.address(),
        );
        let connected = Self { premises, staff, scheme, output, client_secret, client_id, table };
        connected.grant(&json!({})).await;
        connected
    }

    /// Grants the connector everything for a day, but what `but` says.
    pub async fn grant(&self, but: &Value) {
        let mut grant = json!({
            "certificate_fingerprint": self.premises.connector().1, "name": "paie", "schemes": null,
            "not_before": now_ms() - 1000, "not_after": now_ms() + 86_400_000, "decides": null,
        });
        for (key, value) in but.as_object().into_iter().flatten() {
            grant[key] = value.clone();
        }
        let granted = self.premises.administration().post("/v1/connectors", &grant).await;
        let _: Value = granted.expect("the key manager's administrator may");
    }

    /// Lets the connector decide in the case officer's name.
    pub async fn grant_decisions(&self) {
        self.grant(&json!({"decides": {"account": self.staff.officer.account, "role": "case_officer"}}))
            .await;
    }

    /// Revokes the grant.
    pub async fn revoke(&self) {
        let path = format!("/v1/connectors/{}/revoke", self.premises.connector().1);
        let revoked = self.premises.administration().post(&path, &json!({})).await;
        let _: Value = revoked.expect("the key manager's administrator may");
    }

    /// Adds to the table of the handover: a program, a server.
    pub fn handing_to(mut self, more: &str) -> Self {
        self.table.push_str(more);
        self
    }

    /// The platform as the connector's client sees it, signed in.
    pub async fn feed(&self, house: &House) -> Server {
        let server = Server::new(&house.origin, &Trust::default()).expect("a good address");
        let credentials = (self.client_id.as_str(), self.client_secret.as_str());
        let fields = [("grant_type", "client_credentials"), ("scope", "dossiers.receive")];
        let token: Value =
            server.post_form("/v1/oauth/token", credentials, &fields).await.expect("a good secret");
        server.set_bearer(token.get("access_token").and_then(Value::as_str).map(str::to_owned));
        server
    }

    /// This organisation's key manager, as the connector of `other` calls it.
    pub fn key_manager_as(&self, other: &Self) -> Server {
        let (anchors, identity) = (self.premises.authority().to_vec(), other.premises.connector().0.to_vec());
        let trust = Trust { anchors_pem: Some(anchors), identity_pem: Some(identity) };
        Server::new(&self.premises.address(), &trust).expect("a good address")
    }

    /// Gives the connector another client: one may ask for so many tokens in a minute.
    pub async fn another_client(&mut self, house: &House) {
        let made =
            self.staff.chief.server().post("/v1/organisation/connectors", &json!({"name": "Paie"})).await;
        let made: Value = made.expect("an organisation's administrator may");
        let text = |key: &str| made.get(key).and_then(Value::as_str).expect("credentials").to_owned();
        let client_id = text("client_id");
        self.table = self.table.replacen(&self.client_id, &client_id, 1);
        (self.client_id, self.client_secret) = (client_id, text("client_secret"));
        house.scratch.write(&format!("{}.secret", self.premises.organisation), &self.client_secret);
    }

    /// Lets the connector miss what the log has after a second, and not after ten minutes.
    pub fn watching_closely(mut self) -> Self {
        self.table = self.table.replacen("poll_seconds = 1", "poll_seconds = 1\noverdue_seconds = 1", 1);
        self
    }

    /// The table with something else in the place of what it says: another's credentials.
    pub fn saying(mut self, instead_of: &str, this: &str) -> Self {
        self.table = self.table.replacen(instead_of, this, 1);
        self
    }

    /// A deposit of one document for this organisation.
    pub async fn deposit(&self, citizen: &Person, content: &[u8]) -> Deposited {
        let document = Document {
            name: "pièce.pdf".to_owned(),
            media_type: "application/pdf".to_owned(),
            content: content.to_vec(),
        };
        let answers = Stage::answers();
        let deposited = citizen.deposit(&self.scheme, &answers, &[document], now_ms(), &mut |_| {}).await;
        deposited.expect("a whole deposit is taken")
    }

    /// The case officer decides on the key manager's page.
    pub async fn decides(&self, house: &House, dossier: DossierId, decision: &str, reason: &str) {
        let link = self.staff.officer.ticket(dossier).await.expect("a case officer may read it");
        let log_key = self.staff.officer.log_key();
        let page = ReadingPage::open(&link, &house.origin, &self.premises.officer_trust(), log_key).await;
        page.expect("the ticket is fresh").decide(decision, reason).await.expect("nobody decided before");
    }

    /// The folders that have appeared.
    pub fn folders(&self) -> Vec<PathBuf> {
        let Ok(entries) = std::fs::read_dir(&self.output) else { return Vec::new() };
        let visible = |path: &PathBuf| {
            path.file_name().and_then(|name| name.to_str()).is_some_and(|name| !name.starts_with('.'))
        };
        entries.flatten().map(|entry| entry.path()).filter(visible).collect()
    }

    /// The program, of these organisations.
    pub fn program(house: &House, organisations: &[&Self]) -> Program {
        Self::program_with(house, organisations, "")
    }

    /// The same, with a beginning of its configuration: the antivirus.
    pub fn program_with(house: &House, organisations: &[&Self], first: &str) -> Program {
        let tables = organisations.iter().map(|connected| connected.table.as_str());
        let text: Vec<&str> = std::iter::once(first).chain(tables).collect();
        let config = house.scratch.write("connector.toml", text.join("\n"));
        house.clocked("connector", Program::sceau("connect").named("connect").arg("--config").arg(config))
    }

    /// What the folder says of its dossier.
    pub fn said(folder: &Path, name: &str) -> Value {
        let path = folder.join(name);
        let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        serde_json::from_slice(&bytes).expect("JSON")
    }
}
