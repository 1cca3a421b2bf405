//! Why the intake refuses a file or a deposit, in codes that the page has words for.

sceau_element_api::problem_codes! {
    Infected, "infected", 422, Caller,
        "The antivirus found something in this document", "Scan your device, then send another copy.";
    Encrypted, "encrypted", 422, Caller,
        "This document is protected by a password and cannot be checked", "Send a copy without a password.";
    Unscannable, "unscannable", 422, Caller,
        "This document cannot be checked whole: it unfolds into too much", "Send a plain copy of it.";
    WrongType, "wrong_type", 422, Caller,
        "This is not the kind of file that it is said to be, or not one that is taken", "Send a PDF, JPEG or PNG file.";
    TwoTypes, "two_types", 422, Caller,
        "This file is a document and an archive at once", "Print it to a new PDF, and send that.";
    Name, "file_name", 422, Caller,
        "The file's name cannot be taken", "Rename it: at most 200 plain characters, without / or \\.";
    TooLarge, "file_too_large", 413, Caller,
        "The file is larger than the intake takes", "Send a smaller copy.";
    WrongSize, "wrong_size", 422, Caller,
        "The file has not the size that was said", "Send it again.";
    TooManyFiles, "intake_too_many_files", 422, Caller,
        "A dossier holds at most 50 files", "Join several documents into one file.";
    Incomplete, "form_incomplete", 422, Caller,
        "The form is not complete", "Answer what the detail names.";
    Cut, "upload_cut", 400, Caller,
        "The file did not arrive whole", "Send it again.";
    TooSlow, "too_slow", 408, Caller,
        "The file arrives too slowly", "Send it again over a better connection.";
    TooManyAtOnce, "too_many_at_once", 429, Caller,
        "Too many files are on their way from here at once", "Send it again when another has arrived.";
    AntivirusAway, "antivirus_away", 503, Platform,
        "The antivirus is not there at the moment", "The document waits: send it again in a moment.";
    Busy, "intake_busy", 503, Platform,
        "The intake has as many deposits as it can hold", "Try again in a moment.";
    UnknownDeposit, "unknown_deposit", 404, Caller,
        "The intake does not know this deposit any more", "Ask the platform for another grant.";
    NotProven, "not_proven", 409, Platform,
        "What the platform said of this dossier is not proven by its log", "Nothing was sealed. Tell the organisation.";
    AnotherDossier, "another_dossier", 409, Platform,
        "The platform named another dossier, form or organisation to the intake than the page means",
        "Nothing was sent. Do not deposit here, and tell the organisation.";
    PlatformAway, "platform_away", 503, Platform,
        "The platform does not take the sealed document at the moment", "Send it again in a moment.";
    NotWaiting, "not_waiting", 409, Caller,
        "This file is under way or was settled before", "Ask for its state.";
}

pub(crate) use Code as Refusal;

impl Code {
    /// Whether the file itself is at fault: it was judged, and that is on record. Otherwise it may be sent again.
    pub(crate) fn is_of_the_file(self) -> bool {
        matches!(
            self,
            Self::Infected
                | Self::Encrypted
                | Self::Unscannable
                | Self::WrongType
                | Self::TwoTypes
                | Self::TooLarge
                | Self::Name
        )
    }
}
