//! The stable codes of this room's problems. What means the same as in the accounts is said there.

sceau_element_api::problem_codes! {
    NotFound, "not_found", 404, Caller,
        "There is no such thing here, or it is not yours", "Check the address, and that you are signed in with the right account.";
    ForeignOrganisation, "foreign_organisation", 403, Caller,
        "This is another organisation's", "Use the credentials of the organisation that it belongs to.";
    DocumentMalformed, "document_malformed", 422, Caller,
        "The document is malformed", "Correct what the detail names.";
    TooManyDrafts, "too_many_drafts", 409, Caller,
        "There are twenty unfinished deposits already",
        "Finish or withdraw one of them; those left alone are removed after thirty days.";
    DraftSpaceUsedUp, "draft_space_used_up", 409, Caller,
        "Unfinished deposits take up all the space that they may",
        "Finish or withdraw an unfinished deposit, then send this again; those left alone are removed after thirty days.";
    NoRecipientKey, "no_recipient_key", 409, Organisation,
        "This organisation cannot receive dossiers now: it has no valid key",
        "Try again later; its administrator must connect its key manager.";
    NoKeyManager, "no_key_manager", 409, Organisation,
        "The organisation has connected no key manager yet",
        "Its administrator must connect one before dossiers can be opened.";
    AlreadySent, "already_sent", 409, Caller,
        "The dossier was sent and cannot change any more",
        "What was sent first stands. Begin another deposit if something is missing.";
    Withdrawn, "withdrawn", 409, Caller,
        "This unfinished deposit was withdrawn",
        "Its depositor withdrew it, or it was left alone for thirty days. Begin another one.";
    DigestMismatch, "digest_mismatch", 400, Caller,
        "What arrived is not what was sent", "It was damaged on its way. Send it again.";
    HeaderMalformed, "header_malformed", 422, Caller,
        "The envelope's header is malformed", "Seal the file again and send it from its header on.";
    HeaderTooLarge, "header_too_large", 413, Caller,
        "The envelope's header is too large", "A deposit has one recipient: seal the file to that one alone.";
    HeaderFirst, "header_first", 409, Caller,
        "The header of this file has not arrived", "Send the header of the file before its parts.";
    PartTooLarge, "part_too_large", 413, Caller,
        "A part is at most 1 MiB", "Cut the stream at each 1,048,576 bytes and send each part.";
    DossierTooLarge, "dossier_too_large", 413, Caller,
        "A dossier holds at most 8 GiB", "Send smaller files, or ask the organisation for another way.";
    TooManyFiles, "too_many_files", 422, Caller,
        "A dossier holds at most 50 files", "Join several documents into one file.";
    AlreadyThere, "already_there", 409, Caller,
        "Something else was sent here before", "Remove the file and add it again, under a new file id.";
    RecipientMismatch, "recipient_mismatch", 422, Caller,
        "This is not sealed to this dossier's recipient, or is of another file or dossier",
        "Seal it to the key that this dossier was begun with, under its own ids.";
    HeadersChanged, "headers_changed", 409, Caller,
        "The headers are not those that the record names", "Read the dossier's headers again, and begin again from them.";
    FileIncomplete, "file_incomplete", 409, Caller,
        "A file has not arrived whole", "Ask which parts have arrived and send the others.";
    PartsMismatch, "parts_mismatch", 422, Caller,
        "More parts of a file have arrived than the manifest lists",
        "Nothing was sent. Remove the file, add it again, and send again.";
    SizeMismatch, "size_mismatch", 422, Caller,
        "A file has not the size that the manifest says",
        "Nothing was sent. Remove the file, add it again, and send again.";
    FileMismatch, "file_mismatch", 422, Caller,
        "A file is not the one that the manifest names",
        "Nothing was sent. Remove the file, add it again, and send again.";
    FormChanged, "form_changed", 422, Caller,
        "The manifest does not answer the form as it stands", "Reload the page and send again.";
    AnswerMissing, "answer_missing", 422, Caller,
        "An answer is missing", "Answer the question that the detail names.";
    AnswerUnknown, "answer_unknown", 422, Caller,
        "An answer is to a question that the form does not ask", "Reload the page and send again.";
    AnswerInClear, "answer_in_clear", 422, Caller,
        "A sensitive answer was sent in clear; it was not kept", "Seal it with the others.";
    AnswerKind, "answer_kind", 422, Caller,
        "An answer is not of the kind that the form asks for", "Correct the answer that the detail names.";
    DocumentMissing, "document_missing", 422, Caller,
        "The scheme asks for documents and none was sent", "Add the documents, then send.";
    NoIntake, "no_intake", 409, Platform,
        "This platform has no intake that scans documents", "Its operator must connect one: see docs/operate.md.";
    AnotherIntake, "another_intake", 409, Organisation,
        "The scheme trusts another intake than the one of this platform",
        "Compare address and key with what the intake's operator published, and publish the scheme with them.";
    ScannedOnly, "scanned_only", 409, Caller,
        "Documents for this scheme come in through the intake, which scans them",
        "Ask for an intake grant and send the documents to the intake.";
    SealedOnly, "sealed_only", 409, Caller,
        "Documents for this scheme are sealed by who deposits them", "Seal them and send them here.";
    GrantInvalid, "grant_invalid", 403, Caller,
        "This intake grant was used or has expired", "Ask the platform for another one.";
    IntakeUnproven, "intake_unproven", 403, Caller,
        "This is not signed by the intake of this platform", "The platform's operator must give it the intake's key.";
    NotScanned, "not_scanned", 409, Caller,
        "The intake did not say that this file is clean", "Send the file to the intake again.";
    TicketInvalid, "ticket_invalid", 403, Caller,
        "This link was used or has expired", "Open the dossier again from the platform's list.";
    ReadingExpired, "reading_expired", 401, Caller,
        "The reading session has ended", "Open the dossier again from the platform's list.";
    AnotherManifest, "another_manifest", 409, Organisation,
        "The decision is about another manifest",
        "The depositor has sent a newer one. Open the dossier again and decide on that.";
    AlreadyDecided, "already_decided", 409, Organisation,
        "A final decision was taken before; it stands", "Open the dossier to see it.";
}
