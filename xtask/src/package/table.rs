//! What the packages are.

/// A package with roles: their units, whose passphrases it makes, folders for keys in `/etc/sceau`, what else is there, what it adds to units of others, and which package
/// beside the programs it stands on.
pub(super) struct Package {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    pub(super) roles: &'static [&'static str],
    pub(super) secrets: &'static [&'static str],
    pub(super) keys: &'static [&'static str],
    pub(super) settings: &'static [&'static str],
    pub(super) drop_ins: &'static [&'static str],
    pub(super) stands_on: Option<&'static str>,
}

pub(super) const PACKAGES: [Package; 10] = [
    Package {
        name: "sceau-platform",
        about: "platform, element and intake as services",
        roles: &["element", "platform", "intake"],
        secrets: &["element"],
        keys: &[],
        settings: &["element.env", "platform.env", "platform.toml", "intake.env"],
        drop_ins: &[],
        stands_on: None,
    },
    Package {
        name: "sceau-keymanager",
        about: "key manager as a service, on the owner's premises",
        roles: &["keymanager"],
        secrets: &["keymanager"],
        keys: &[],
        settings: &["keymanager.env"],
        drop_ins: &[],
        stands_on: None,
    },
    // By itself: who does not install it has no host that sees documents as MOB's does, and an element that hears nobody more.
    Package {
        name: "sceau-mob",
        about: "host of Mon Compte Mobilité's interface as a service, beside the platform",
        roles: &["mob"],
        secrets: &[],
        keys: &[],
        settings: &["mob.env"],
        drop_ins: &["sceau-element.service.d/mob.conf"],
        stands_on: Some("sceau-platform"),
    },
    // By itself too: without it no application is heard, and the element has no keys for data.
    Package {
        name: "sceau-keyfront",
        about: "keyfront as a service, where applications ask for the keys of their data",
        roles: &["keyfront"],
        secrets: &[],
        keys: &[],
        settings: &["keyfront.env"],
        drop_ins: &["sceau-element.service.d/keyfront.conf"],
        stands_on: Some("sceau-platform"),
    },
    // By itself: without it no holder signs.
    Package {
        name: "sceau-keyrings",
        about: "host of keyrings as a service, which actors and terminals call",
        roles: &["keyrings"],
        secrets: &[],
        keys: &[],
        settings: &["keyrings.env"],
        drop_ins: &["sceau-element.service.d/keyrings.conf"],
        stands_on: Some("sceau-platform"),
    },
    // By itself: who does not install it has no faces looked at, and an element that nobody else comes to.
    Package {
        name: "sceau-biometric",
        about: "process that compares faces for the element, by models of yours",
        roles: &["biometric"],
        secrets: &["biometric"],
        keys: &[],
        settings: &["biometric.env"],
        drop_ins: &["sceau-element.service.d/biometric.conf"],
        stands_on: Some("sceau-platform"),
    },
    // By itself, with who runs the sites: on the platform's machine it would log in whom the platform likes.
    Package {
        name: "sceau-provider",
        about: "provider as a service, which logs people in at sites by their keyrings",
        roles: &["provider"],
        secrets: &[],
        keys: &[],
        settings: &["provider.env", "provider.toml"],
        drop_ins: &[],
        stands_on: None,
    },
    // By itself, and of another owner than the platform: on its machine it would witness nothing.
    Package {
        name: "sceau-witness",
        about: "witness of logs as a service: cosigns what only grows",
        roles: &["witness"],
        secrets: &["witness"],
        keys: &[],
        settings: &["witness.env", "witness.logs"],
        drop_ins: &[],
        stands_on: None,
    },
    Package {
        name: "sceau-gate",
        about: "TLS edge before a service: judges the certificate of who calls",
        roles: &["gate"],
        secrets: &[],
        keys: &["gate"],
        settings: &["gate.toml"],
        drop_ins: &[],
        stands_on: None,
    },
    Package {
        name: "sceau-connector",
        about: "connector to the organisation's own system as a service",
        roles: &["connector"],
        secrets: &[],
        keys: &[],
        settings: &["connector.toml"],
        drop_ins: &[],
        stands_on: None,
    },
];
