//! What a gate's file says by its text alone, for whoever tries that with any: nothing that it names is opened, and nobody is asked.

use std::{collections::BTreeMap, path::Path};

use crate::{
    error::Error,
    guard::Wanted,
    issuing::names_of,
    lists::{Hosts, Source},
    observe::Observing,
    outgoing,
    pass::Pass,
    profiles, route,
    settings::{ClientsTable, ListenerTable, Settings},
    told::Telling,
    upstream,
};

/// Where files of a relative name would be.
const NOWHERE: &str = "/";

/// Reads what the text of a configuration says: what rests on files that it names, or on what else listens, `check` alone judges. The paths of its
/// routes.
///
/// # Errors
/// [`Error`], with the setting at fault.
pub fn read_text(text: &str) -> Result<Vec<String>, Error> {
    let mut settings: Settings = toml::from_str(text)?;
    settings.is_something()?;
    Telling::of(&settings)?;
    let folder = Path::new(NOWHERE);
    for (nth, table) in settings.outgoing.iter_mut().enumerate() {
        if !is_of_a_file(table.profile.as_deref()) {
            outgoing::fill(folder, nth, table)?;
        }
        outgoing::Written::of(folder, &format!("outgoing {}", nth + 1), table)?;
    }
    for (name, table) in &settings.clients {
        clients(folder, name, table)?;
    }
    settings.observe.as_ref().map(|table| Observing::read(folder, table)).transpose()?;
    let mut paths = Vec::new();
    for (nth, table) in settings.listener.iter().enumerate() {
        listener(&format!("listener {}", nth + 1), table, &settings.clients)?;
        paths.extend(table.route.iter().map(|route| route.path.clone()));
    }
    Ok(paths)
}

fn listener(
    name: &str,
    table: &ListenerTable,
    clients: &BTreeMap<String, ClientsTable>,
) -> Result<(), Error> {
    Pass::all(name, &table.pass)?;
    if table.acme.is_some() || table.ca.is_some() {
        names_of(name, &table.names)?;
    }
    route::check_apart(name, &table.route)?;
    for (nth, table) in table.route.iter().enumerate() {
        let name = format!("{name}, route {}", nth + 1);
        route::check_written(&name, table)?;
        if table.clients.as_ref().is_some_and(|named| !clients.contains_key(named)) {
            return Err(route::no_such_clients(&name));
        }
        upstream::Written::of(&name, table)?;
    }
    Ok(())
}

fn clients(folder: &Path, name: &str, table: &ClientsTable) -> Result<(), Error> {
    let wrong = |setting: &str, reason| Error::setting(format!("clients.{name}, {setting}"), reason);
    let hosts = table.distribution_points.as_deref().map(Hosts::read);
    hosts.transpose().map_err(|reason| wrong("distribution_points", reason))?;
    if !is_of_a_file(table.profile.as_deref()) {
        let wanted = Wanted::of(folder, name, table)?;
        for text in &wanted.lists {
            Source::read(text, folder).map_err(|reason| wrong("revocation_lists", reason))?;
        }
    }
    let ocsp = table.ocsp.as_ref().map(|table| table.read(None));
    ocsp.transpose().map(drop).map_err(|reason| wrong("ocsp.responder", reason))
}

/// Whether a profile would be read from a file.
fn is_of_a_file(profile: Option<&str>) -> bool {
    profile.is_some_and(profiles::is_a_file)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::*;

    const WHOLE: &str = r#"
[observe]
address = "127.0.0.1:9464"
[[listener]]
address = "0.0.0.0:443"
certificate = "server.pem"
key = "server.key"
pass = [{ name = "intake.example.org", to = "10.0.0.2:8443", send_proxy = 2 }]
[[listener.route]]
path = "/fhir"
upstream = ["http://127.0.0.1:8080", "https://a.internal:8443", "unix:/run/a.sock"]
clients = "sas"
check = { path = "/health", status = [200], every = "5s" }
largest_body = "10 MiB"
[clients.sas]
profile = "sas"
environment = ["recette", "preproduction"]
ocsp = { nonce = "demanded" }
distribution_points = ["lists.example"]
[[outgoing]]
address = "127.0.0.1:8081"
profile = "sas"
environment = "production"
editor = "MonLogiciel"
"#;

    #[test]
    fn a_file_is_judged_by_its_text_alone() {
        assert_eq!(read_text(WHOLE).unwrap(), ["/fhir"]);
        for (from, to, said) in [
            ("\"/fhir\"", "\"/a/../b\"", "listener 1, route 1, path"),
            ("unix:/run", "unix:run", "listener 1, route 1, upstream"),
            ("\"/health\"", "\"health\"", "listener 1, route 1, check.path"),
            ("10.0.0.2:8443", "10.0.0.2", "listener 1, pass 1, to"),
            ("\"recette\"", "\"production\"", "clients.sas, environment"),
            ("127.0.0.1:8081", "0.0.0.0:8081", "outgoing 1, address"),
            ("127.0.0.1:9464", "0.0.0.0:9464", "observe, address"),
            ("10 MiB", "10 MB", "512 KiB"),
            ("\"lists.example\"", "\"http://lists.example\"", "clients.sas, distribution_points"),
            ("clients = \"sas\"", "clients = \"sos\"", "listener 1, route 1, clients"),
            (WHOLE, "", "it has neither a [[listener]] nor an [[outgoing]]"),
        ] {
            let error = read_text(&WHOLE.replacen(from, to, 1)).unwrap_err().to_string();
            assert!(error.contains(said), "{said}: {error}");
        }
    }

    /// As `fuzz/fuzz_targets/gate_file.rs` has it: each route is found by its own path, and who wrote the file is at fault.
    fn judged(text: &str) {
        match read_text(text) {
            Ok(paths) => {
                for path in &paths {
                    let base = path.trim_end_matches('/');
                    assert_eq!(route::read_path(&[base], path), Ok(Some(0)), "{path:?}");
                }
            }
            Err(error) => assert!(!error.to_string().is_empty() && !error.is_of_the_system(), "{text}"),
        }
    }

    #[test]
    fn whatever_is_cut_or_changed_is_read_or_refused() {
        for at in (0..WHOLE.len()).step_by(7) {
            judged(WHOLE.get(..at).unwrap_or_default());
            for letter in ["\"", "]", "=", "9", "é"] {
                let changed =
                    [WHOLE.get(..at), Some(letter), WHOLE.get(at + 1..)].map(Option::unwrap_or_default);
                judged(&changed.concat());
            }
        }
    }
}
