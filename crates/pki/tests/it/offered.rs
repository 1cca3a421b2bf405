//! What holds of revocation lists whatever is offered; the bytes choose what that is. For the tests here, and for the fuzz target `list`.

use std::sync::LazyLock;

use sceau_pki::{
    Authority, AuthorityProfile, RevocationList, RevocationLists, RevocationReason, Revoked, Taken,
    Unwelcome, UsedLists,
};

const NOW: u64 = 1_800_000_000_000;
const HOUR: u64 = 3_600_000;
/// Serial numbers on the list: short, of the longest kind, and one whose first bit is set.
const NAMED: [&[u8]; 3] = [&[7], &[0x7f; 20], &[0x90, 1]];

struct Stage {
    authority: Authority,
    /// Of the same name, with another key.
    double: Authority,
    /// A list of `authority`, DER.
    good: Vec<u8>,
}

static STAGE: LazyLock<Stage> = LazyLock::new(|| {
    let make =
        || Authority::create(&AuthorityProfile::of("Offered"), NOW - 9000 * HOUR).expect("an authority");
    let (authority, double) = (make(), make());
    let taken_back = |serial: &&[u8]| Revoked {
        serial: serial.to_vec(),
        at: NOW - HOUR,
        reason: RevocationReason::KeyCompromise,
    };
    let revoked: Vec<_> = NAMED.iter().map(taken_back).collect();
    let good = authority.revocation_list(&revoked, 42, 7, NOW).expect("a list");
    Stage { authority, double, good }
});

impl Stage {
    fn is_ours(&self, list: &RevocationList) -> bool {
        list.is_signed_by(&self.authority.certificate().public_key_info())
    }
}

/// A list in which anything was changed is refused or not its issuer's, and one in which nothing was names what it names.
pub(crate) fn a_change_is_seen(bytes: &[u8]) {
    let stage = &*STAGE;
    let [high, low, put @ ..] = bytes else { return };
    let mut changed = stage.good.clone();
    let at = usize::from(u16::from_be_bytes([*high, *low])) % changed.len();
    for (place, octet) in changed.iter_mut().skip(at).zip(put) {
        *place = *octet;
    }
    let read = RevocationLists::read(&changed, "the list");
    let ours = read.iter().flat_map(RevocationLists::iter).any(|list| stage.is_ours(list));
    assert_eq!(ours, changed == stage.good, "octets from {at}: {put:02x?}");
    if let (true, Ok(lists)) = (ours, read) {
        let list = lists.iter().next().expect("one was read");
        assert_eq!((list.len(), list.number().as_str()), (NAMED.len(), "2a"));
        assert!(NAMED.iter().all(|serial| list.names(serial)));
        assert!(NAMED.contains(&put) || put.first() == Some(&0) || !list.names(put), "{put:02x?}");
    }
}

/// Each three octets offer a list: its number, its hour, and whose it is. The list in use is never older than one before it, never of the future, and never
/// somebody else's.
pub(crate) fn the_list_in_use_never_goes_back(bytes: &[u8]) {
    let stage = &*STAGE;
    let mut used = UsedLists::of(vec![stage.authority.certificate().clone()]);
    let mut newest: Option<(u64, u64)> = None;
    for offer in bytes.chunks_exact(3).take(8) {
        let [number, hour, who] = [offer[0], offer[1], offer[2]].map(u64::from);
        let from = NOW - 200 * HOUR + hour * HOUR;
        let by = if who % 4 == 0 { &stage.double } else { &stage.authority };
        let der = by.revocation_list(&[], number, 30, from).expect("a list");
        let lists = RevocationLists::read(&der, "the list").expect("it is one");
        let expected = match newest {
            _ if who % 4 == 0 => Err(Unwelcome::FalseSignature),
            _ if from > NOW => Err(Unwelcome::Future),
            Some((lowest, since)) if number < lowest || from < since => Err(Unwelcome::Older),
            _ => Ok(Taken::New),
        };
        assert_eq!(used.take(&lists, NOW), expected, "{offer:?} after {newest:?}");
        if expected.is_ok() {
            newest = Some((number, from));
            assert_eq!(used.take(&lists, NOW), Ok(Taken::Same));
        }
        let kept: Vec<_> = used.lists().iter().map(|list| list.this_update()).collect();
        assert_eq!(kept, newest.iter().map(|(_, from)| *from).collect::<Vec<_>>());
    }
}
