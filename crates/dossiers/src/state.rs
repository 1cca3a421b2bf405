//! Which act leads a dossier from one phase to the next.

use sceau_element_api::documents::{DossierPhase, Outcome};

/// A step that the phase does not allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a dossier that is {} cannot be {act}", name(*.from))]
pub(crate) struct Forbidden {
    from: DossierPhase,
    act: &'static str,
}

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

/// The citizen sends the dossier.
pub(crate) fn submit(from: DossierPhase) -> Result<DossierPhase, Forbidden> {
    match from {
        DossierPhase::Draft => Ok(DossierPhase::Submitted),
        from => Err(Forbidden { from, act: "submitted" }),
    }
}

/// The organisation decides. A request for more information may be followed by a decision.
pub(crate) fn decide(from: DossierPhase, outcome: Outcome) -> Result<DossierPhase, Forbidden> {
    match from {
        DossierPhase::Submitted | DossierPhase::MoreInformation => Ok(phase_of(outcome)),
        from => Err(Forbidden { from, act: "decided" }),
    }
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
            assert!(decide(phase, Outcome::Refused).is_err());
            assert!(submit(phase).is_err());
        }
    }

    #[test]
    fn a_draft_cannot_be_decided_nor_read() {
        assert!(decide(DossierPhase::Draft, Outcome::Accepted).is_err());
        assert!(!is_readable(DossierPhase::Draft));
    }

    #[test]
    fn a_dossier_is_sent_once() {
        assert_eq!(submit(DossierPhase::Draft), Ok(DossierPhase::Submitted));
        assert!(submit(DossierPhase::Submitted).is_err());
    }
}
