//! Why we differ from the suite. Of what passes here and fails there, each says why nobody is let in by it who should not be.

/// RFC 5280 §6.1 does not look at it.
pub(super) const OF_ISSUERS: &str = "asked of who issues (RFC 5280 §4.2), not of who verifies (§6.1)";
/// `webpki` alone.
pub(super) const OF_BROWSERS: &str =
    "a rule of the CA/Browser Forum for servers of the Web, which RFC 5280 does not know";
pub(super) const UNCRITICAL_AUTHORITY: &str = "RFC 5280 §6.1.4 k asks that it be said, not that it be critical; NIST's suite calls it valid (PKITS 4.6.4)";
pub(super) const NO_AUTHORITY: &str =
    "it says that it is no authority, and nobody below it is believed (RFC 5280 §6.1.4 k)";
pub(super) const AUTHORITY: &str = "an authority's certificate is no client's";
pub(super) const NO_PURPOSE: &str = "a client's certificate names its purpose here";
pub(super) const UNCRITICAL: &str = "not known here, and so passed over where it is not critical (RFC 5280 §4.2); what policies are wanted, settings say";
pub(super) const NAMELESS: &str = "no name in it counts here: its subject is nobody, whom no rule can name (RFC 5280 §4.1.2.6 asks it of who issues)";
pub(super) const SERIAL: &str =
    "who verifies bears with it (RFC 5280 §4.1.2.2); numbers are compared octet by octet, whatever they are";
pub(super) const KEPT: &str =
    "the constraint is kept, critical or not, as webpki::nc::permitted-dns-match-noncritical asks";
pub(super) const NOT_WEIGHED: &str =
    "constraints on names of directories and mailboxes are not weighed, and so not met (RFC 5280 §4.2.1.10)";
pub(super) const PERIOD: &str = "read as OpenSSL reads it, the hosts below but not the one itself: less than RFC 5280 §4.2.1.10 would permit without the period";
pub(super) const NOBODY_BELOW: &str =
    "nobody is below a leaf whom its constraints could bind (RFC 5280 §6.1.4 g)";
pub(super) const NOTHING: &str =
    "they constrain nothing; that none such be issued is asked of who issues (RFC 5280 §4.2.1.10)";
pub(super) const SELF_ISSUED: &str =
    "self-issued authorities count as others do, for path lengths and constraints";
