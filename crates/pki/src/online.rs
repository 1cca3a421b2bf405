//! Lists and responders together: who is asked first about a certificate, and what counts where they differ. Asking is the caller's work.

use std::fmt;

use crate::{certificate::Certificate, revocation::Status};

/// Who is asked first. Whoever either of them calls revoked stays out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Preferred {
    /// The responder; the list where that says nothing.
    #[default]
    Ocsp,
    /// The list; the responder where no current one speaks.
    List,
}

/// What a responder said of a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// Nobody asked it.
    Unasked,
    /// Not taken back, which holds until then (Unix milliseconds).
    Good {
        /// Not included.
        until: u64,
    },
    /// Taken back.
    Revoked,
    /// No answer, or none that says anything.
    Nothing {
        /// When the last one that did ended.
        ended: Option<u64>,
        /// When to ask again.
        again: u64,
    },
}

/// What a caller heard, by certificate and issuer, and whom it asks first.
#[derive(Clone, Copy)]
pub struct Online<'a> {
    /// Who is asked first.
    pub preferred: Preferred,
    /// Looked at for a certificate with which nothing else is wrong along its whole chain.
    pub heard: &'a dyn Fn(&Certificate, &Certificate) -> Heard,
}

impl fmt::Debug for Online<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Online").field("preferred", &self.preferred).finish_non_exhaustive()
    }
}

/// What is to be asked of a responder: both stand in a chain that an anchor vouches for.
#[derive(Clone, Debug)]
pub struct Unasked {
    /// About which certificate.
    pub certificate: Certificate,
    /// Whose it is.
    pub issuer: Certificate,
}

/// What is said of one certificate of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Word {
    /// Nobody is to be asked.
    Unneeded,
    Good {
        until: u64,
    },
    Revoked,
    /// A responder is to be asked first.
    Unasked,
    /// The last word ended then; another may be had from `again` on.
    Unknown {
        ended: Option<u64>,
        again: u64,
    },
}

/// Of lists (none: they are not asked), and of a responder (none: neither is it).
pub(crate) fn word(listed: Option<Status>, online: Option<(Online<'_>, &Certificate, &Certificate)>) -> Word {
    let (preferred, heard) = match (listed, online) {
        (Some(Status::Revoked), _) => return Word::Revoked,
        (None, None) => return Word::Unneeded,
        (Some(Status::Good { until }), None) => return Word::Good { until },
        (Some(Status::Unknown { ended }), None) => return Word::Unknown { ended, again: u64::MAX },
        (_, Some((online, certificate, issuer))) => {
            (online.preferred, || (online.heard)(certificate, issuer))
        }
    };
    if let (Preferred::List, Some(Status::Good { until })) = (preferred, listed) {
        // What was heard for want of a list still counts.
        return if heard() == Heard::Revoked { Word::Revoked } else { Word::Good { until } };
    }
    match (heard(), listed) {
        (Heard::Revoked, _) => Word::Revoked,
        (Heard::Unasked, _) => Word::Unasked,
        (Heard::Good { until }, _) => Word::Good { until },
        (Heard::Nothing { again, .. }, Some(Status::Good { until })) => {
            Word::Good { until: until.min(again) }
        }
        (Heard::Nothing { ended, again }, Some(Status::Unknown { ended: listed })) => {
            Word::Unknown { ended: ended.max(listed), again }
        }
        (Heard::Nothing { ended, again }, _) => Word::Unknown { ended, again },
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::*;
    use crate::{Authority, AuthorityProfile};

    const GOOD: Option<Status> = Some(Status::Good { until: 90 });
    const ENDED: Option<Status> = Some(Status::Unknown { ended: Some(20) });

    fn said(preferred: Preferred, listed: Option<Status>, heard: Heard) -> Word {
        let any = Authority::create(&AuthorityProfile::of("Essai"), 1_795_176_000_000).unwrap();
        let heard = |_: &Certificate, _: &Certificate| heard;
        let online = Online { preferred, heard: &heard };
        word(listed, Some((online, any.certificate(), any.certificate())))
    }

    #[test]
    fn whoever_either_calls_revoked_stays_out() {
        for preferred in [Preferred::Ocsp, Preferred::List] {
            for listed in [None, GOOD, ENDED, Some(Status::Revoked)] {
                assert_eq!(
                    said(preferred, listed, Heard::Revoked),
                    Word::Revoked,
                    "{preferred:?} {listed:?}"
                );
            }
            let heard = Heard::Good { until: 50 };
            assert_eq!(said(preferred, Some(Status::Revoked), heard), Word::Revoked, "{preferred:?}");
        }
        assert_eq!(word(Some(Status::Revoked), None), Word::Revoked);
    }

    #[test]
    fn the_preferred_one_speaks_and_the_other_for_want_of_it() {
        let nothing = Heard::Nothing { ended: Some(30), again: 40 };
        for (preferred, listed, heard, word) in [
            (Preferred::Ocsp, GOOD, Heard::Good { until: 50 }, Word::Good { until: 50 }),
            (Preferred::Ocsp, GOOD, Heard::Unasked, Word::Unasked),
            (Preferred::Ocsp, GOOD, nothing, Word::Good { until: 40 }),
            (Preferred::Ocsp, ENDED, nothing, Word::Unknown { ended: Some(30), again: 40 }),
            (Preferred::Ocsp, None, nothing, Word::Unknown { ended: Some(30), again: 40 }),
            (Preferred::List, GOOD, Heard::Unasked, Word::Good { until: 90 }),
            (Preferred::List, ENDED, Heard::Unasked, Word::Unasked),
            (Preferred::List, ENDED, Heard::Good { until: 50 }, Word::Good { until: 50 }),
            (Preferred::List, None, Heard::Unasked, Word::Unasked),
        ] {
            assert_eq!(said(preferred, listed, heard), word, "{preferred:?} {listed:?} {heard:?}");
        }
        assert_eq!(word(None, None), Word::Unneeded);
        assert_eq!(word(GOOD, None), Word::Good { until: 90 });
    }
}
