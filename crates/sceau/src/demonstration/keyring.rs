//! A keyring to try: its policy, who acts, and one that waits to be activated, made by the officer, the authority and the provider of the demonstration as by any other.

use std::path::{Path, PathBuf};

use sceau_client::keyring::{FileKey, Handed, current, deliver, fabricate, now, publish};
use sceau_client::{ClientError, Server, Trust};
use sceau_element_api::documents::Document;
use sceau_element_api::keyring::{KeyringAccess, KeyringPolicy, KeyringsAbout};
use sceau_element_api::{Base64Url, Client, KeyringId, PolicyId, RowId};
use sceau_hsm::durable::{secret_folder, write_public, write_secret};
use sceau_keyring::Identity;
use sceau_pki::{Certificate, PrivateKey};
use serde_json::{Value, json};

use super::{Teller, lease};
use crate::failure::{Exit, Failure};
use crate::house::{Layout, local};

const ORGANISATION: &str = "5b1f6a0e-52f7-4d0c-9a35-6f5a5b0d0e01";
const POLICY: &str = "5b1f6a0e-52f7-4d0c-9a35-6f5a5b0d0e02";
const AUTHORITY: &str = "5b1f6a0e-52f7-4d0c-9a35-6f5a5b0d0e03";
const PROVIDER: &str = "5b1f6a0e-52f7-4d0c-9a35-6f5a5b0d0e04";
const SUPPORT: &str = "5b1f6a0e-52f7-4d0c-9a35-6f5a5b0d0e05";
const HOLDER: &str = "Cléo Démonstration";

/// The folder in which somebody plays holder and provider, and what is in it.
struct Place {
    folder: PathBuf,
    /// With the officer's certificate and key.
    officer: PathBuf,
    address: String,
    authority: PathBuf,
}

/// Makes what is not there yet; gives the folder, with the commands to copy in its file `steps`.
pub(super) async fn raise(layout: &Layout, tell: &Teller) -> Result<PathBuf, Failure> {
    let place = Place {
        folder: layout.demonstration()?.join("keyring"),
        officer: layout.keyrings(),
        address: layout.keyrings_address(),
        authority: layout.local_authority(),
    };
    secret_folder(&place.folder)?;
    for (name, called) in
        [("ra", "Registration authority"), ("sp", "Service provider"), ("support", "Support")]
    {
        local::actor(&place.folder, name, called)?;
    }
    let about = Client::new(layout.socket()).keyrings_about().await;
    let about = about.map_err(|error| Failure::role("element", &error))?;
    place.published(&about).await?;
    let keyring = place.handed_over(&about).await?;
    place.lay_out(&about, keyring)?;
    tell.done("keyring", "made for a holder, and not activated yet");
    Ok(place.folder)
}

impl Place {
    fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The host, as this actor reaches it.
    fn host(&self, folder: &Path, actor: &str) -> Result<(Server, FileKey), Failure> {
        let read =
            |path: &Path| std::fs::read_to_string(path).map_err(|cause| Failure::file("read", path, &cause));
        let key = zeroize::Zeroizing::new(read(&folder.join(format!("{actor}.key")))?);
        let both = format!("{}{}", *key, read(&folder.join(format!("{actor}.pem")))?);
        let trust = Trust {
            anchors_pem: Some(read(&self.authority)?.into_bytes()),
            identity_pem: Some(both.into_bytes()),
        };
        let key = PrivateKey::from_pem(&key).map_err(|error| Failure::role("keyring", &error))?;
        let signer =
            FileKey::from_pkcs8(&key.to_pkcs8()).map_err(|error| Failure::role("keyring", &error))?;
        Ok((Server::new(&self.address, &trust)?, signer))
    }

    /// What the officer signs: a policy, and who acts.
    async fn published(&self, about: &KeyringsAbout) -> Result<(), Failure> {
        let (host, officer) = self.host(&self.officer, "officer")?;
        let policy = json!({
            "v": 1, "time": now(), "origin": about.origin, "policy": POLICY, "organisation": ORGANISATION,
            "name": "Signature (demonstration)", "use": "sign", "pin": {"least": 6, "most": 12}, "second_factor": "none",
            "algorithm": "ES256", "authority": {"embedded": {"days": 365}}, "subject": ["common_name"],
            "activation_days": 90, "terminals_most": 1, "roaming": "none", "biometric": "none", "batch_most": 10,
            "request_seconds": 600, "dissociation": "holder", "discloses": "identity", "applies_to_existing": false,
            "status": "active",
        });
        first::<KeyringPolicy>(&host, &officer, about, POLICY, policy).await?;
        let actor = |id: &str,
                     role: &str,
                     name: &str,
                     file: &str,
                     kinds: &[&str]|
         -> Result<Value, Failure> {
            let certificate = certificate(&self.file(&format!("{file}.pem")))?;
            Ok(json!({
                "id": id, "role": role, "name": name, "certificate": certificate, "policies": [POLICY], "kinds": kinds,
                "status": "active",
            }))
        };
        let actors = [
            actor(AUTHORITY, "registration_authority", "Guichet de démonstration", "ra", &[])?,
            actor(
                PROVIDER,
                "service_provider",
                "Notaires de démonstration",
                "sp",
                &["sign", "authenticate"],
            )?,
            actor(SUPPORT, "support", "Assistance de démonstration", "support", &[])?,
        ];
        let access = json!({
            "v": 1, "time": now(), "origin": about.origin, "organisation": ORGANISATION, "actors": actors,
        });
        first::<KeyringAccess>(&host, &officer, about, ORGANISATION, access).await
    }

    /// A keyring that was handed over to whoever has this folder: one that an earlier start handed over, or another.
    async fn handed_over(&self, about: &KeyringsAbout) -> Result<KeyringId, Failure> {
        let kept = self.file("keyring.json");
        let known: Option<Value> = std::fs::read(&kept).ok().and_then(|it| serde_json::from_slice(&it).ok());
        let known = known.and_then(|it| it.get("keyring")?.as_str()?.parse().ok());
        if let Some(keyring) = known {
            return Ok(keyring);
        }
        let (host, authority) = self.host(&self.folder, "ra")?;
        let policy: PolicyId = POLICY.parse().map_err(|error| malformed(&error))?;
        let (package, jws) = fabricate(&host, about, &authority, policy).await?;
        let identity = Identity {
            common_name: HOLDER.to_owned(),
            given_name: None,
            surname: None,
            serial_number: None,
            country: None,
        };
        let handed =
            Handed { holder: "demonstration".to_owned(), identity, channels: vec!["hand".to_owned()] };
        deliver(&host, about, &authority, jws.expose(), handed).await?;
        write_secret(&self.file("code"), package.code.shown().as_bytes())?;
        write_public(&self.file("invitation"), json!(package.invitation()).to_string().as_bytes())?;
        // The last one: a start that was cut off before has another keyring made, and this one is activated by nobody.
        write_secret(&kept, json!({"keyring": package.keyring}).to_string().as_bytes())?;
        Ok(package.keyring)
    }

    /// What the commands name, and the commands.
    fn lay_out(&self, about: &KeyringsAbout, keyring: KeyringId) -> Result<(), Failure> {
        let read = |path: &Path| std::fs::read(path).map_err(|cause| Failure::file("read", path, &cause));
        write_public(&self.file("host.pem"), &read(&self.authority)?)?;
        write_public(&self.file("element.json"), json!(about).to_string().as_bytes())?;
        if let Some(authority) = &about.authority {
            let authority = Certificate::from_der(authority, "the element's authority");
            let authority = authority.map_err(|error| Failure::role("element", &error))?;
            write_public(&self.file("authority.pem"), authority.to_pem().as_bytes())?;
        }
        let lease = self.file("lease.pdf");
        if !lease.exists() {
            write_public(&lease, &lease::pdf())?;
        }
        let program =
            std::env::current_exe().map_err(|cause| Failure::system("find the program itself", &cause))?;
        let bin = program.parent().unwrap_or(Path::new("/usr/bin")).display();
        let steps = steps(&bin.to_string(), &self.address, keyring);
        Ok(write_public(&self.file("steps"), steps.as_bytes())?)
    }
}

/// Publishes a document, unless a version of it stands.
async fn first<D: Document>(
    host: &Server,
    officer: &FileKey,
    about: &KeyringsAbout,
    id: &str,
    written: Value,
) -> Result<(), Failure> {
    let row: RowId = id.parse().map_err(|error| malformed(&error))?;
    match current::<D>(host, about, row).await {
        Ok(_) => return Ok(()),
        Err(ClientError::Refused { status: 404, .. }) => {}
        Err(error) => return Err(error.into()),
    }
    let document: D = serde_json::from_value(written).map_err(|error| malformed(&error))?;
    publish(host, officer, &document, None).await?;
    Ok(())
}

fn certificate(path: &Path) -> Result<Base64Url, Failure> {
    let text = std::fs::read_to_string(path).map_err(|cause| Failure::file("read", path, &cause))?;
    let all = Certificate::all_from_pem(&text, &path.display().to_string());
    let first = all.ok().and_then(|all| all.into_iter().next());
    let first = first.ok_or_else(|| malformed(&format!("{} is no certificate", path.display())))?;
    Ok(Base64Url::from(first.der().as_ref()))
}

fn malformed(error: &impl ToString) -> Failure {
    Failure::new(Exit::System, "demonstration", error.to_string())
}

/// The commands, to be copied one after the other; a test runs them.
fn steps(bin: &str, host: &str, keyring: KeyringId) -> String {
    let quoted = bin.replace('\'', r"'\''");
    let terminal = format!("--folder terminal --at {host} --anchors host.pem");
    let provider = format!(
        "--at {host} --anchors host.pem --element element.json \\\n    --certificate sp.pem --key sp.key"
    );
    let request = format!(
        "sceau keyring request {provider} --provider {PROVIDER} \\\n    --keyring {keyring} --description 'The lease of 12 March'"
    );
    let id = r#"ID=$(sed -n 's/.*"request": *"\([^"]*\)".*/\1/p' asked)"#;
    format!(
        "# A keyring of this demonstration. Copy these commands one after the other into a shell in this folder.
# What happens: docs/sign-with-a-keyring.md.

PATH='{quoted}':$PATH

# You are the holder. Activate the keyring: the activation code is in the file `code`, the PIN (6 to 12 digits) is yours.
sceau terminal activate {terminal} --invitation invitation

# You are the service provider. Ask the holder to sign; what it prints names the request.
{request} --file lease.pdf | tee asked
{id}

# You are the holder. See what waits, read it, agree with the PIN.
sceau terminal pending {terminal}
sceau terminal sign {terminal} --request $ID --certificate holder.pem

# The same for a PDF: it is prepared for the holder's certificate, asked for, agreed to, and completed.
sceau sign lease.pdf --certificate holder.pem --prepare -o prepared.pdf
{request} --prepared prepared.pdf --holder holder.pem | tee asked
{id}
sceau terminal sign {terminal} --request $ID
sceau keyring outcome {provider} --request $ID --out lease.sig
sceau sign prepared.pdf --certificate holder.pem --signature lease.sig -o signed.pdf
sceau verify signed.pdf --anchors authority.pem
"
    )
}
