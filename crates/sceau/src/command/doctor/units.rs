//! The systemd units of the packages, where there are some: whether they run, and whether a drop-in took away what confines them.

use std::collections::BTreeMap;
use std::process::Command;

use super::Finding;

const ROLES: [&str; 7] = ["element", "platform", "intake", "mob", "keyfront", "keymanager", "connector"];
/// What every unit of ours has (packaging/systemd), as `systemctl show` says it.
const CONFINED: [(&str, &str); 7] = [
    ("NoNewPrivileges", "yes"),
    ("ProtectSystem", "strict"),
    ("ProtectHome", "yes"),
    ("PrivateDevices", "yes"),
    ("MemoryDenyWriteExecute", "yes"),
    ("RestrictSUIDSGID", "yes"),
    ("LimitCORE", "0"),
];

pub(super) fn look() -> Vec<Finding> {
    ROLES.iter().filter_map(|role| unit(&format!("sceau-{role}.service"))).collect()
}

fn unit(name: &str) -> Option<Finding> {
    let asked: Vec<&str> = ["LoadState", "UnitFileState", "ActiveState", "User"]
        .into_iter()
        .chain(CONFINED.map(|one| one.0))
        .collect();
    let said =
        Command::new("systemctl").args(["show", name, "--property", &asked.join(",")]).output().ok()?;
    let text = String::from_utf8_lossy(&said.stdout);
    judged(name, &text.lines().filter_map(|line| line.split_once('=')).collect())
}

fn judged(name: &str, said: &BTreeMap<&str, &str>) -> Option<Finding> {
    let is = |property: &str| said.get(property).copied().unwrap_or_default();
    if is("LoadState") != "loaded" {
        return None;
    }
    let loosened: Vec<String> = CONFINED
        .iter()
        .filter(|(property, wanted)| is(property) != *wanted)
        .map(|(property, _)| format!("{property}={}", is(property)))
        .collect();
    if !loosened.is_empty() || matches!(is("User"), "" | "root") {
        let found = format!(
            "{name} is less confined than it was delivered: User={} {}",
            is("User"),
            loosened.join(" ")
        );
        let advice =
            format!("see `systemctl cat {name}` for the drop-in that says so, and remove those lines");
        return Some(Finding::trouble("unit", found.trim_end(), advice));
    }
    match (is("ActiveState"), is("UnitFileState")) {
        ("active", _) => Some(Finding::well("unit", format!("{name} runs, confined as it was delivered"))),
        (state, "enabled") => {
            let advice = format!("see `journalctl --unit {name}`, then `systemctl start {name}`");
            Some(Finding::trouble("unit", format!("{name} is enabled, and {state}"), advice))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::super::State;
    use super::*;

    #[test]
    fn a_unit_that_a_drop_in_opens_is_named_with_what_it_opens() {
        let mut said: BTreeMap<&str, &str> = CONFINED.into_iter().collect();
        said.extend([("LoadState", "loaded"), ("ActiveState", "active"), ("User", "sceau-element")]);
        assert_eq!(judged("sceau-element.service", &said).unwrap().state, State::Well);
        said.insert("ProtectSystem", "no");
        let finding = judged("sceau-element.service", &said).unwrap();
        assert_eq!(finding.state, State::Trouble);
        assert!(finding.found.contains("ProtectSystem=no"), "{}", finding.found);
        said.extend([("ProtectSystem", "strict"), ("ActiveState", "failed"), ("UnitFileState", "enabled")]);
        assert_eq!(judged("sceau-element.service", &said).unwrap().state, State::Trouble);
        said.insert("UnitFileState", "disabled");
        assert!(judged("sceau-element.service", &said).is_none(), "who does not use it is not told");
        said.insert("LoadState", "not-found");
        assert!(judged("sceau-element.service", &said).is_none());
    }
}
