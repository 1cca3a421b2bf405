#![allow(clippy::unwrap_used, reason = "tests state what must hold")]
use super::*;

const SITE: &str = "notary";
const NOW: u64 = 1_795_397_664_000;

struct Agreed {
    consents: Consents,
    keyring: KeyringId,
    handle: String,
    sad: String,
}

fn begun(keyring: KeyringId, hashes: &[[u8; 32]]) -> Begun {
    Begun { keyring, hashes: hashes.to_vec(), ends: NOW + 60_000 }
}

fn agreed(hashes: &[[u8; 32]]) -> Agreed {
    let (consents, keyring) = (Consents::default(), KeyringId::random());
    let handle = consents.begin(SITE, begun(keyring, hashes), NOW).unwrap();
    let signatures = (0..hashes.len()).map(|at| vec![u8::try_from(at).unwrap()]).collect();
    assert!(consents.agreed(&handle, SITE, signatures, NOW));
    let sad = consents.activation(&handle, SITE, NOW).unwrap().text;
    Agreed { consents, keyring, handle, sad }
}

impl Agreed {
    fn used<'a>(&'a self, sad: &'a str) -> Used<'a> {
        Used { sad, client: SITE, keyring: self.keyring }
    }

    fn release(&self, hashes: &[[u8; 32]], now: u64) -> Result<Vec<Vec<u8>>, CscError> {
        self.consents.release(self.used(&self.sad), hashes, now)
    }
}

fn said(error: CscError) -> String {
    error.words().1.to_owned()
}

const UNAUTHORISED: &str = "Hash is not authorized by the SAD";
const UNKNOWN: &str = "Invalid parameter SAD";

#[test]
fn each_hash_is_given_out_once_and_in_the_order_that_is_asked() {
    let it = agreed(&[[1; 32], [2; 32], [3; 32]]);
    assert_eq!(it.release(&[[3; 32], [1; 32]], NOW).unwrap(), [vec![2], vec![0]]);
    assert_eq!(said(it.release(&[[1; 32]], NOW).unwrap_err()), UNAUTHORISED);
    // One that is over spoils the call, and the others stay.
    assert_eq!(said(it.release(&[[2; 32], [3; 32]], NOW).unwrap_err()), UNAUTHORISED);
    assert_eq!(said(it.release(&[[2; 32], [2; 32]], NOW).unwrap_err()), UNAUTHORISED);
    assert_eq!(it.release(&[[2; 32]], NOW).unwrap(), [vec![1]]);
}

#[test]
fn activation_data_is_of_one_application_one_credential_and_these_hashes() {
    let it = agreed(&[[1; 32]]);
    assert_eq!(said(it.release(&[[9; 32]], NOW).unwrap_err()), UNAUTHORISED);
    let other = Used { client: "other", ..it.used(&it.sad) };
    assert_eq!(said(it.consents.release(other, &[[1; 32]], NOW).unwrap_err()), UNKNOWN);
    let credential = Used { keyring: KeyringId::random(), ..it.used(&it.sad) };
    assert_eq!(said(it.consents.release(credential, &[[1; 32]], NOW).unwrap_err()), UNKNOWN);
    // A handle is no activation data, nor the other way round.
    assert_eq!(said(it.consents.release(it.used(&it.handle), &[[1; 32]], NOW).unwrap_err()), UNKNOWN);
    assert_eq!(it.consents.look(&it.sad, SITE, it.keyring, NOW), None);
    assert_eq!(it.consents.look(&it.handle, "other", it.keyring, NOW), None);
    assert_eq!(it.consents.look(&it.handle, SITE, KeyringId::random(), NOW), None, "another holder's token");
    assert!(it.consents.activation(&it.handle, "other", NOW).is_none());
    assert_eq!(it.release(&[[1; 32]], NOW).unwrap().len(), 1);
}

#[test]
fn activation_data_ends_and_is_renewed_for_what_is_left_alone() {
    let it = agreed(&[[1; 32], [2; 32]]);
    it.release(&[[1; 32]], NOW).unwrap();
    let extended = |hashes: &[[u8; 32]], now| it.consents.extend(it.used(&it.sad), hashes, now);
    assert_eq!(said(extended(&[[7; 32]], NOW).unwrap_err()), UNAUTHORISED, "nobody was asked");
    assert_eq!(said(extended(&[[1; 32]], NOW).unwrap_err()), UNAUTHORISED, "it was given out");
    let late = NOW + ACTIVATION - 1;
    let renewed = extended(&[[2; 32]], late).unwrap().text;
    assert_eq!(said(it.release(&[[2; 32]], late).unwrap_err()), UNKNOWN, "the one before is over");
    let later = late + ACTIVATION - 1;
    assert_eq!(it.consents.release(it.used(&renewed), &[[2; 32]], later).unwrap(), [vec![1]]);

    let it = agreed(&[[1; 32]]);
    assert_eq!(said(it.release(&[[1; 32]], NOW + ACTIVATION).unwrap_err()), "SAD expired");
    // Its application, which may have lost an answer, has another one by its handle, as long as the signatures wait.
    let sad = it.consents.activation(&it.handle, SITE, NOW + ACTIVATION).unwrap().text;
    assert!(it.consents.release(it.used(&sad), &[[1; 32]], NOW + ACTIVATION).is_ok());
    let over = NOW + 60_000 + AFTERWARDS;
    assert!(it.consents.activation(&it.handle, SITE, over).is_none());
}

#[test]
fn nothing_is_given_out_before_the_holder_agreed_nor_after_they_refused() {
    let (consents, keyring) = (Consents::default(), KeyringId::random());
    let handle = consents.begin(SITE, begun(keyring, &[[1; 32]]), NOW).unwrap();
    assert!(consents.activation(&handle, SITE, NOW).is_none());
    let look = |now| consents.look(&handle, SITE, keyring, now);
    assert_eq!(look(NOW), Some(Seen::Soon), "it is on its way");
    let left = Left { request: KeyringRequestId::random(), ends: NOW + 60_000, _turn: Box::new(()) };
    consents.left(&handle, SITE, left, NOW);
    assert_eq!(consents.look(&handle, SITE, KeyringId::random(), NOW), None, "and spends no pause");
    assert!(matches!(look(NOW), Some(Seen::Ask(_, ends)) if ends == NOW + 60_000));
    assert_eq!(look(NOW + 1), Some(Seen::Soon), "the host is not asked at each call");
    assert!(!consents.agreed(&handle, SITE, vec![vec![1], vec![2]], NOW), "one signature for each hash");
    consents.ended(&handle, "other", NOW);
    assert!(look(NOW + PAUSE).is_some(), "another's word ends nothing");
    consents.ended(&handle, SITE, NOW);
    assert_eq!(look(NOW + PAUSE), None);
}

#[test]
fn who_asks_again_and_again_loses_nothing_and_takes_no_places() {
    let it = agreed(&[[1; 32]]);
    let mut last = String::new();
    for _ in 0..4 * OF_ONE {
        last = it.consents.activation(&it.handle, SITE, NOW).unwrap().text;
    }
    assert_eq!(said(it.release(&[[1; 32]], NOW).unwrap_err()), UNKNOWN, "the first one is over");
    assert_eq!(it.consents.release(it.used(&last), &[[1; 32]], NOW).unwrap().len(), 1);
}

#[test]
fn one_application_does_not_take_the_room_of_others() {
    let (consents, keyring) = (Consents::default(), KeyringId::random());
    for _ in 0..OF_ONE {
        consents.begin(SITE, begun(keyring, &[]), NOW).unwrap();
    }
    assert_eq!(consents.begin(SITE, begun(keyring, &[]), NOW), Err(Full));
    consents.begin("other", begun(keyring, &[]), NOW).unwrap();
    let later = NOW + 60_000 + AFTERWARDS;
    consents.begin(SITE, begun(keyring, &[]), later).unwrap();
}
