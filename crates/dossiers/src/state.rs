//! Which act each phase of a dossier allows, and where it leads.

use sceau_element_api::documents::{DossierPhase, Outcome};

/// The stable name of a phase, in the database and in JSON.
pub(crate) fn name(phase: DossierPhase) -> &'static str {
    match phase {
        DossierPhase::Draft => "draft",
        DossierPhase::Submitted => "submitted",
        DossierPhase::MoreInformation => "more_information",
        DossierPhase::Accepted => "accepted",
        DossierPhase::Refused => "refused",
        DossierPhase::Withdrawn => "withdrawn",
    }
}

const ALL: [DossierPhase; 6] = [
    DossierPhase::Draft,
    DossierPhase::Submitted,
    DossierPhase::MoreInformation,
    DossierPhase::Accepted,
    DossierPhase::Refused,
    DossierPhase::Withdrawn,
];

/// The phase of a stable name.
pub(crate) fn from_name(text: &str) -> Option<DossierPhase> {
    ALL.into_iter().find(|phase| name(*phase) == text)
}

/// Whether files may still be sent: before the first submission, and when the organisation asked for more.
pub(crate) fn takes_files(phase: DossierPhase) -> bool {
    matches!(phase, DossierPhase::Draft | DossierPhase::MoreInformation)
}

/// Whether the organisation may decide. A request for more information may be followed by a decision.
pub(crate) fn can_be_decided(phase: DossierPhase) -> bool {
    matches!(phase, DossierPhase::Submitted | DossierPhase::MoreInformation)
}

/// The phase that a decision leads to.
pub(crate) fn phase_of(outcome: Outcome) -> DossierPhase {
    match outcome {
        Outcome::Accepted => DossierPhase::Accepted,
        Outcome::Refused => DossierPhase::Refused,
        Outcome::MoreInformation => DossierPhase::MoreInformation,
    }
}

/// Whether the organisation may open it.
pub(crate) fn is_readable(phase: DossierPhase) -> bool {
    !matches!(phase, DossierPhase::Draft | DossierPhase::Withdrawn)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_go_both_ways() {
        for phase in ALL {
            assert_eq!(from_name(name(phase)), Some(phase));
        }
        assert_eq!(from_name("Draft"), None);
    }

    #[test]
    fn a_final_decision_is_final() {
        for phase in [DossierPhase::Accepted, DossierPhase::Refused, DossierPhase::Withdrawn] {
            assert!(!can_be_decided(phase));
            assert!(!takes_files(phase));
        }
    }

    #[test]
    fn a_draft_can_neither_be_decided_nor_read() {
        assert!(!can_be_decided(DossierPhase::Draft));
        assert!(!is_readable(DossierPhase::Draft));
    }

    #[test]
    fn what_was_sent_takes_files_again_only_when_more_is_asked() {
        assert!(!takes_files(DossierPhase::Submitted));
        assert!(takes_files(phase_of(Outcome::MoreInformation)));
    }
}
