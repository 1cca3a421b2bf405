//! What happens, for whoever runs the connector.

use serde::Serialize;

/// What a person may want to know as it happens.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A dossier is with the organisation's system.
    HandedOver {
        /// The dossier.
        dossier: String,
        /// Where it is.
        folder: String,
    },
    /// A dossier was sent again before this could be handed over: the later one comes by itself.
    Superseded {
        /// The dossier.
        dossier: String,
    },
    /// The feed had a dossier again that the organisation's system has: it was not handed over a second time.
    Repeated {
        /// The dossier.
        dossier: String,
    },
    /// It will be tried again.
    Later {
        /// The dossier; none where it is about the feed.
        dossier: Option<String>,
        /// Stable code.
        code: String,
        /// In words.
        detail: String,
    },
    /// Put aside until a person says that it be tried again.
    Aside {
        /// The dossier.
        dossier: String,
        /// Stable code.
        code: String,
        /// In words.
        detail: String,
    },
    /// The log has what a depositor sent to the organisation, and the feed has not.
    Withheld {
        /// Hash of its manifest.
        manifest_hash: String,
        /// Where the log has it.
        log_index: u64,
    },
    /// The log has a decision of the organisation, and the feed has not, or shows an older one.
    DecisionWithheld {
        /// The dossier.
        dossier: String,
        /// Hash of the manifest that it is about.
        manifest_hash: String,
        /// Where the log has it.
        log_index: u64,
    },
    /// The organisation's system was told what the organisation decided, wherever it did.
    Told {
        /// The dossier.
        dossier: String,
        /// What was decided.
        decision: String,
    },
    /// A decision was signed by the key manager.
    Decided {
        /// Where it was found.
        folder: String,
    },
    /// A decision was refused for good; what was found stays, with the reason beside it.
    DecisionRefused {
        /// Where it was found.
        folder: String,
        /// Stable code.
        code: String,
        /// In words.
        detail: String,
    },
}
