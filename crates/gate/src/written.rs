//! What a gate's file says by its text alone, for whoever tries that with any: nothing that it names is opened, and nobody is asked.

use std::path::Path;

use crate::{
    error::Error,
    guard::Wanted,
    issuing::names_of,
    lists::Source,
    observe::Observing,
    outgoing,
    pass::Pass,
    route,
    settings::{ClientsTable, ListenerTable, Settings},
    told, upstream,
};

/// Where files of a relative name would be.
const NOWHERE: &str = "/";

/// Reads a configuration as `check` does, but for the files that it names. The paths of its routes.
///
/// # Errors
/// [`Error`], with the setting at fault.
pub fn read_text(text: &str) -> Result<Vec<String>, Error> {
    let mut settings: Settings = toml::from_str(text)?;
    told::fill(&mut settings)?;
    let folder = Path::new(NOWHERE);
    for (nth, table) in settings.outgoing.iter_mut().enumerate() {
        if !is_a_file(table.profile.as_deref()) {
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
        listener(&format!("listener {}", nth + 1), table)?;
        paths.extend(table.route.iter().map(|route| route.path.clone()));
    }
    Ok(paths)
}

fn listener(name: &str, table: &ListenerTable) -> Result<(), Error> {
    Pass::all(name, &table.pass)?;
    if table.acme.is_some() || table.ca.is_some() {
        names_of(name, &table.names)?;
    }
    for (nth, table) in table.route.iter().enumerate() {
        let name = format!("{name}, route {}", nth + 1);
        route::check_written(&name, table)?;
        upstream::Written::of(&name, table)?;
    }
    Ok(())
}

fn clients(folder: &Path, name: &str, table: &ClientsTable) -> Result<(), Error> {
    let wrong = |setting: &str, reason| Error::setting(format!("clients.{name}, {setting}"), reason);
    if !is_a_file(table.profile.as_deref()) {
        let wanted = Wanted::of(folder, name, table)?;
        for text in &wanted.lists {
            Source::read(text, folder).map_err(|reason| wrong("revocation_lists", reason))?;
        }
    }
    let ocsp = table.ocsp.as_ref().map(|table| table.read(None));
    ocsp.transpose().map(drop).map_err(|reason| wrong("ocsp.responder", reason))
}

/// Whether a profile would be read from a file.
fn is_a_file(profile: Option<&str>) -> bool {
    profile.is_some_and(|name| name.contains('/') || name.ends_with(".toml"))
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
        ] {
            let error = read_text(&WHOLE.replacen(from, to, 1)).unwrap_err().to_string();
            assert!(error.contains(said), "{said}: {error}");
        }
    }

    #[test]
    fn whatever_is_cut_or_changed_is_read_or_refused() {
        for at in (0..WHOLE.len()).step_by(7) {
            drop(read_text(WHOLE.get(..at).unwrap_or_default()));
            for letter in ["\"", "]", "=", "9", "é"] {
                let changed =
                    [WHOLE.get(..at), Some(letter), WHOLE.get(at + 1..)].map(Option::unwrap_or_default);
                drop(read_text(&changed.concat()));
            }
        }
    }
}
