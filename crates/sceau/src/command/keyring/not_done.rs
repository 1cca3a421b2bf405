//! How what is asked of keyrings ends the program.

use sceau_client::ClientError;
use sceau_element_api::problem::AtFault;
use sceau_element_api::wire::Code;
use sceau_keyrings::KeyringsCode;

use crate::failure::{Exit, Failure};

/// Why something was not done: what a terminal, a host or the element says ends as whose fault it is, and what went wrong in this program as it went wrong.
#[derive(Debug)]
pub(crate) struct NotDone(Failure);

impl From<Failure> for NotDone {
    fn from(failure: Failure) -> Self {
        Self(failure)
    }
}

impl From<ClientError> for NotDone {
    fn from(error: ClientError) -> Self {
        let exit = exit(&error);
        let mut failure = Failure::from(error);
        failure.exit = exit.unwrap_or(failure.exit);
        Self(failure)
    }
}

impl From<NotDone> for Failure {
    fn from(not_done: NotDone) -> Self {
        not_done.0
    }
}

/// How a refusal ends; none for what is no refusal.
fn exit(error: &ClientError) -> Option<Exit> {
    let code = error.code()?;
    let of_element = || Code::ALL.iter().find(|known| known.as_str() == code).map(|known| by_element(*known));
    let of_host =
        || KeyringsCode::ALL.iter().find(|known| known.as_str() == code).map(|known| by_host(*known));
    let otherwise = || match error {
        ClientError::Keyring { .. } => Some(by_terminal(code)),
        ClientError::Refused { status, .. } | ClientError::InClear { status, .. } => Some(by_status(*status)),
        _ => None,
    };
    of_element().or_else(of_host).or_else(otherwise)
}

fn by_element(code: Code) -> Exit {
    match code {
        Code::PinInvalid
        | Code::SecretStale
        | Code::KeyringBlocked
        | Code::KeyringCooling
        | Code::FactorInvalid
        | Code::FaceNotMatched => Exit::Key,
        Code::ProofInvalid => Exit::Proof,
        Code::RequestInvalid
        | Code::RequestSpent
        | Code::ActorUnknown
        | Code::SadInvalid
        | Code::FaceInvalid => Exit::Input,
        // Who asked asked for something that this version does not do.
        Code::KindNotServed => Exit::Usage,
        other => by_status(other.http_status()),
    }
}

fn by_host(code: KeyringsCode) -> Exit {
    match (code, code.at_fault()) {
        (KeyringsCode::RequestSettled | KeyringsCode::RequestUnknown | KeyringsCode::RequestOther, _) => {
            Exit::Input
        }
        (_, AtFault::Caller) => Exit::Usage,
        _ => Exit::System,
    }
}

/// What the terminal itself finds, in words that no other has.
fn by_terminal(code: &str) -> Exit {
    match code {
        "policy_changed" | "request_kind" | "terminal_damaged" => Exit::Input,
        _ => Exit::Usage,
    }
}

/// Whoever asks is at fault from 400 on (RFC 9110 section 15.5), but where it was only not the moment.
fn by_status(status: u16) -> Exit {
    match status {
        408 | 425 | 429 => Exit::System,
        400..=499 => Exit::Usage,
        _ => Exit::System,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: u16, code: &str) -> ClientError {
        ClientError::Refused { status, code: code.to_owned(), detail: String::new() }
    }

    fn found(code: &'static str) -> ClientError {
        ClientError::Keyring { code, detail: String::new() }
    }

    #[test]
    fn each_refusal_ends_as_whose_fault_it_is() {
        let ends = [
            (found("pin_invalid"), Exit::Key),
            (refused(423, "keyring_blocked"), Exit::Key),
            (refused(422, "factor_invalid"), Exit::Key),
            (refused(403, "face_not_matched"), Exit::Key),
            (found("face_invalid"), Exit::Input),
            (found("face_missing"), Exit::Usage),
            (found("fingerprint_missing"), Exit::Usage),
            (refused(503, "face_unavailable"), Exit::System),
            (found("request_invalid"), Exit::Input),
            (found("actor_unknown"), Exit::Input),
            (found("proof_invalid"), Exit::Proof),
            (found("request_kind"), Exit::Input),
            (found("terminal_damaged"), Exit::Input),
            (found("terminal_busy"), Exit::Usage),
            (found("pin_not_taken"), Exit::Usage),
            (refused(409, "request_settled"), Exit::Input),
            (refused(429, "asked_often"), Exit::Usage),
            (refused(429, "requests_wait"), Exit::Usage),
            (refused(403, "role_other"), Exit::Usage),
            (refused(409, "keyring_phase"), Exit::Usage),
            (refused(501, "kind_not_served"), Exit::Usage),
            (refused(503, "busy"), Exit::System),
            (refused(503, "unavailable"), Exit::System),
            (refused(429, "of_a_gate"), Exit::System),
            (refused(404, "of_a_gate"), Exit::Usage),
        ];
        for (error, exit) in ends {
            let words = format!("{error:?}");
            assert_eq!(Failure::from(NotDone::from(error)).exit, exit, "{words}");
        }
        let unproven = ClientError::Unproven(String::new());
        assert_eq!(Failure::from(NotDone::from(unproven)).exit, Exit::Proof);
        // What went wrong here is told as it is: a file of the PIN that others can read is no lack of agreement.
        let own = Failure::new(Exit::Usage, "pins_differ", "the two PINs differ: start again");
        let told = Failure::from(NotDone::from(own));
        assert_eq!((told.exit, told.code.as_str()), (Exit::Usage, "pins_differ"));
    }
}
