use crate::RecordError;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::{borrow::Cow, fmt};

/// In which quality somebody or something acted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ActorKind {
    /// Who deposits.
    Citizen,
    /// Who reads and decides for an organisation (gestionnaire).
    CaseOfficer,
    /// Who also assigns (superviseur).
    Supervisor,
    /// Who administers one organisation on the platform.
    OrganisationAdmin,
    /// Who administers protected data of one organisation, and nothing else of it.
    DataOfficer,
    /// Who administers the platform.
    PlatformAdmin,
    /// A machine with credentials of its own.
    Client,
    /// An organisation's key manager.
    KeyManager,
    /// An application whose keys an organisation registered, with which it signs its calls.
    Application,
    /// The security officer, who signs the policies of keyrings.
    Officer,
    /// Who makes keyrings and delivers them to people.
    RegistrationAuthority,
    /// Who helps holders of keyrings.
    Support,
    /// Whose keyring it is.
    Holder,
    /// The platform itself.
    Platform,
    /// The element itself.
    Element,
}

impl ActorKind {
    /// The stable spelling, as in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Citizen => "citizen",
            Self::CaseOfficer => "case_officer",
            Self::Supervisor => "supervisor",
            Self::OrganisationAdmin => "organisation_admin",
            Self::DataOfficer => "data_officer",
            Self::PlatformAdmin => "platform_admin",
            Self::Client => "client",
            Self::KeyManager => "key_manager",
            Self::Application => "application",
            Self::Officer => "officer",
            Self::RegistrationAuthority => "registration_authority",
            Self::Support => "support",
            Self::Holder => "holder",
            Self::Platform => "platform",
            Self::Element => "element",
        }
    }
}

/// On whose word a record names its actor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Asserted {
    /// The platform says so, nothing more.
    Platform,
    /// The actor's passkey signed the act.
    Passkey,
    /// The organisation's own key signed the act.
    Organisation,
    /// A registered key of the application signed the act; the person that it acts for is its word.
    Application,
    /// The key of a certificate that the security officer registered signed the act, or the officer's own.
    Actor,
    /// The key of a terminal that is bound to the keyring signed the act.
    Terminal,
    /// The element saw it itself.
    Element,
}

impl Asserted {
    /// The stable spelling, as in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Platform => "platform",
            Self::Passkey => "passkey",
            Self::Organisation => "organisation",
            Self::Application => "application",
            Self::Actor => "actor",
            Self::Terminal => "terminal",
            Self::Element => "element",
        }
    }
}

/// Where an act stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// About to be done; durable before the act.
    Intent,
    /// Done.
    Granted,
    /// Not done; the record's code says why.
    Refused,
}

impl Outcome {
    /// The stable spelling, as in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Intent => "intent",
            Self::Granted => "granted",
            Self::Refused => "refused",
        }
    }
}

/// What was done: dotted lower-case words. The constants are the registry; others of the same form are read too, so that
/// an older program can show a newer log.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Action(Cow<'static, str>);

macro_rules! actions {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
        impl Action {
            $($(#[$doc])* pub const $name: Action = Action(Cow::Borrowed($text));)*
            /// All registered actions.
            pub const REGISTERED: &'static [Action] = &[$(Action::$name),*];
        }
    };
}

actions! {
    /// A deposit was started.
    DEPOSIT_BEGIN = "deposit.begin";
    /// A deposit was submitted with its manifest.
    DEPOSIT_COMPLETE = "deposit.complete";
    /// The intake gave its word on a file that it received.
    INTAKE_SCAN = "intake.scan";
    /// Dossiers were listed.
    DOSSIER_LIST = "dossier.list";
    /// A dossier was looked at (its state, not its documents).
    DOSSIER_VIEW = "dossier.view";
    /// A one-use reading ticket was issued.
    TICKET_ISSUE = "ticket.issue";
    /// A reading ticket was exchanged.
    TICKET_EXCHANGE = "ticket.exchange";
    /// A key manager is about to release a content key.
    UNWRAP_INTENT = "unwrap.intent";
    /// How that ended.
    UNWRAP_OUTCOME = "unwrap.outcome";
    /// A key manager is about to have the antivirus examine a document, before anybody sees it.
    SCAN_INTENT = "scan.intent";
    /// How that ended.
    SCAN_OUTCOME = "scan.outcome";
    /// A supervisor is about to let an officer open an infected document.
    EXCEPTION_INTENT = "exception.intent";
    /// How that ended.
    EXCEPTION_OUTCOME = "exception.outcome";
    /// Such an exception was taken back before its time.
    EXCEPTION_REVOKE = "exception.revoke";
    /// Ciphertext was fetched.
    DOCUMENT_FETCH = "document.fetch";
    /// A decision on a dossier.
    DECISION = "decision";
    /// A recipient key's statement was published.
    KEY_PUBLISH = "key.publish";
    /// An organisation was enrolled.
    ORGANISATION_ENROL = "organisation.enrol";
    /// An account was enrolled.
    ACCOUNT_ENROL = "account.enrol";
    /// A passkey was enrolled.
    CREDENTIAL_ENROL = "credential.enrol";
    /// What a provider of identities calls somebody was bound to an account.
    IDENTITY_ENROL = "identity.enrol";
    /// A scheme was published.
    SCHEME_PUBLISH = "scheme.publish";
    /// Somebody signed in, or tried to.
    LOGIN = "login";
    /// Somebody signed out.
    LOGOUT = "logout";
    /// An attestation of another kind.
    ATTEST = "attest";
    /// What the database holds was asked for, and refused.
    ACCESS = "access";
    /// The element started.
    ELEMENT_START = "element.start";
    /// A request of a key manager's administrator.
    ADMINISTER = "administer";
    /// A key manager issued a client certificate.
    CERTIFICATE_ISSUE = "certificate.issue";
    /// A key manager refuses a client certificate from now on.
    CERTIFICATE_WITHDRAW = "certificate.withdraw";
    /// A key manager changed one of its registers.
    REGISTER_CHANGE = "register.change";
    /// An organisation made or ended a machine of its own on the platform, or said where it is told of news.
    CONNECTOR_CHANGE = "connector.change";
    /// A person had a message that was given up tried again, or discarded it.
    DELIVERY_CHANGE = "delivery.change";
    /// A key manager was connected to its platform.
    PLATFORM_CONNECT = "platform.connect";
    /// A key manager read the platform's log.
    LOG_WATCH = "log.watch";
    /// A key manager made a key.
    KEY_MAKE = "key.make";
    /// A key manager destroyed a key.
    KEY_DESTROY = "key.destroy";
    /// A key manager made the organisation's next root.
    ROOT_MAKE = "root.make";
    /// A key manager took up the root that the log enrolled.
    ROOT_TAKE_OVER = "root.take_over";
    /// An organisation withdrew its keys, and put new ones in their place.
    KEY_WITHDRAW = "key.withdraw";
    /// A key manager is about to use a key, or a secret, of those that it keeps as a Vault does.
    TRANSIT_INTENT = "transit.intent";
    /// How that ended.
    TRANSIT_OUTCOME = "transit.outcome";
    /// A key manager is about to seal what it has to another of its keys.
    REWRAP_INTENT = "rewrap.intent";
    /// How that ended.
    REWRAP_OUTCOME = "rewrap.outcome";
    /// A key manager's calendar says that something is due.
    CALENDAR_ALERT = "calendar.alert";
    /// A key manager was backed up, its key in shares.
    BACKUP_MAKE = "backup.make";
    /// A key manager was made anew from a backup.
    BACKUP_RESTORE = "backup.restore";
    /// An application was registered with its keys, or changed.
    APPLICATION_ENROL = "application.enrol";
    /// An application asked for something about a datum that could not be told, or not whose word it was.
    DATUM_CALL = "datum.call";
    /// A datum was begun: its first data key was given out.
    DATUM_CREATE = "datum.create";
    /// A data key of a datum was given out again.
    DATUM_OPEN = "datum.open";
    /// The element's keystore signed a content of a datum.
    DATUM_SIGN = "datum.sign";
    /// A datum's keys are given out again.
    DATUM_ACTIVATE = "datum.activate";
    /// A datum's keys are given out no more, for now.
    DATUM_DEACTIVATE = "datum.deactivate";
    /// A second person agreed that somebody opens a datum.
    DATUM_AGREE = "datum.agree";
    /// Administrators did something with data of their organisation, or asked that it be done.
    DATUM_ACT = "datum.act";
    /// Administrators stopped a datum's keys, whatever its owner says.
    DATUM_HOLD = "datum.hold";
    /// They let it go.
    DATUM_RELEASE = "datum.release";
    /// Somebody was authorised to open a datum.
    DATUM_GRANT = "datum.grant";
    /// An authorisation was removed.
    DATUM_REVOKE = "datum.revoke";
    /// An authorisation counts again.
    DATUM_GRANT_ACTIVATE = "datum.grant.activate";
    /// An authorisation counts no more, for now.
    DATUM_GRANT_DEACTIVATE = "datum.grant.deactivate";
    /// What is said of a datum was read.
    DATUM_DESCRIBE = "datum.describe";
    /// The accesses to a datum were listed.
    DATUM_ACCESSES = "datum.accesses";
    /// A datum has other rules.
    DATUM_RULES = "datum.rules";
    /// A datum's key is given out from and until another moment.
    DATUM_VALIDITY = "datum.validity";
    /// A datum was erased: its key is never given out again.
    DATUM_ERASE = "datum.erase";
    /// The certificate of an erasure was asked for.
    DATUM_ERASURE = "datum.erasure";
    /// The salts of an organisation's data are sealed under the key of a next epoch from here on.
    EPOCH_BEGIN = "epoch.begin";
    /// Salts were sealed anew, under the key of the present epoch.
    EPOCH_RESEAL = "epoch.reseal";
    /// The key of an epoch was destroyed, and with it what opened the salts of erased data.
    EPOCH_END = "epoch.end";
    /// The key under which it is sealed who asked in a month is to be destroyed when that is kept no more.
    RETENTION_DUE = "retention.due";
    /// The key of a month was destroyed: who asked in it is forgotten.
    RETENTION_END = "retention.end";
    /// Keyrings began: with which security officer, and which keys of the element.
    KEYRING_BEGIN = "keyring.begin";
    /// The security officer published a policy of keyrings.
    KEYRING_POLICY = "keyring.policy";
    /// The security officer said who acts on an organisation's keyrings.
    KEYRING_ACCESS = "keyring.access";
    /// A registration authority had a keyring made, of nobody yet.
    KEYRING_MAKE = "keyring.make";
    /// A registration authority said to whom it delivered a keyring.
    KEYRING_DELIVER = "keyring.deliver";
    /// A holder activated a keyring on a terminal.
    KEYRING_ACTIVATE = "keyring.activate";
    /// The element took the certificate that an authority outside issued for a keyring's key.
    KEYRING_CERTIFY = "keyring.certify";
    /// Wrong second factors blocked a keyring that was not activated yet.
    KEYRING_BLOCK = "keyring.block";
    /// A terminal begins to prove a PIN; durable before it is answered.
    KEYRING_ATTEMPT = "keyring.attempt";
    /// The PIN was wrong.
    KEYRING_FAIL = "keyring.fail";
    /// A holder signed with a keyring.
    KEYRING_SIGN = "keyring.sign";
    /// A holder showed a service provider who it is, with a keyring.
    KEYRING_AUTHENTICATE = "keyring.authenticate";
    /// A registration authority or support read where a keyring stands, and what was done with it.
    KEYRING_READ = "keyring.read";
    /// A keyring was stopped, until its registration authority lets it go on.
    KEYRING_SUSPEND = "keyring.suspend";
    /// A registration authority let a keyring go on.
    KEYRING_RESUME = "keyring.resume";
    /// A keyring was ended, for good.
    KEYRING_DESTROY = "keyring.destroy";
    /// A holder had a code given out, with which one other terminal may come to the keyring.
    KEYRING_ROAM = "keyring.roam";
    /// A terminal came with that code.
    KEYRING_ARRIVE = "keyring.arrive";
    /// The holder found the same short code on both terminals: the one that came may try the PIN.
    KEYRING_ADMIT = "keyring.admit";
    /// That code is of no use any more: the holder took it back, or a second terminal came with it.
    KEYRING_WITHDRAW = "keyring.withdraw";
    /// The terminal that came proved the PIN, and is one of the keyring; where the keyring moved, the other one is none any more.
    KEYRING_JOIN = "keyring.join";
    /// A holder asked that a terminal be taken off a keyring, where support has to agree.
    KEYRING_PART = "keyring.part";
    /// A terminal was taken off a keyring.
    KEYRING_DISSOCIATE = "keyring.dissociate";
    /// A holder had a template made of their face, which their terminal alone keeps.
    KEYRING_ENROL = "keyring.enrol";
    /// The security officer named the next one.
    KEYRING_OFFICER = "keyring.officer";
    /// A checkpoint of another element's log was seen, which extends the one that was seen before; or was refused, for it does not.
    LOG_SEEN = "log.seen";
}

impl Action {
    /// An action in its stable spelling: words of a-z, 0-9, dash and underscore joined by dots, at most 64 bytes.
    pub fn parse(text: &str) -> Result<Self, RecordError> {
        if let Some(known) = Action::REGISTERED.iter().find(|known| known.as_str() == text) {
            return Ok(known.clone());
        }
        let word = |word: &str| super::check::is_kind(word);
        if text.len() <= 64 && text.split('.').all(word) {
            return Ok(Action(Cow::Owned(text.to_owned())));
        }
        Err(RecordError::Field { field: "action", rule: "lower-case words joined by dots, at most 64 bytes" })
    }

    /// The stable spelling.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for Action {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Action {
    #[expect(clippy::disallowed_methods, reason = "reads what another program recorded")]
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        Action::parse(&text).map_err(serde::de::Error::custom)
    }
}
