#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests state what must hold")]
use super::*;

const SET: SetId = SetId::from_bytes([7; 8]);

fn shares(threshold: u8, total: u8) -> (Secret<32>, Vec<Share>) {
    let secret = Secret::random();
    let shares = split(&secret, SET, threshold, total).unwrap();
    (secret, shares)
}

fn copied(share: &Share) -> Share {
    let Written::Clear(share) = read(&share.to_text()).unwrap() else { panic!("it was in clear") };
    share
}

#[test]
fn any_threshold_of_them_give_the_key_back_and_fewer_do_not() {
    let (secret, made) = shares(3, 5);
    for absent in 0..5 {
        for also in 0..absent {
            let kept = (0..5).filter(|at| *at != absent && *at != also);
            let kept: Vec<Share> = kept.map(|at| copied(&made[at])).collect();
            assert_eq!(combine(&kept).unwrap(), secret);
            let fewer: Vec<Share> = kept.iter().take(2).map(copied).collect();
            assert_eq!(combine(&fewer), Err(ShareError::TooFew { needed: 3, given: 2 }));
            // Even put together without asking how many it takes, they are another key.
            let forced = Gf256::combine_bytes(fewer.iter().map(Share::point).collect::<Vec<_>>()).unwrap();
            assert_ne!(forced, secret.expose());
        }
    }
    assert_eq!(combine(&made).unwrap(), secret, "more than it takes");
}

#[test]
fn a_share_of_another_set_and_one_given_twice_are_named() {
    let (_, made) = shares(2, 3);
    let other = split(&Secret::random(), SetId::from_bytes([8; 8]), 2, 3).unwrap();
    let mixed = [copied(&made[0]), copied(&other[2])];
    let found = SetId::from_bytes([8; 8]);
    assert_eq!(combine(&mixed), Err(ShareError::OtherSet { number: 3, found, wanted: SET }));
    assert_eq!(combine(&[copied(&made[1]), copied(&made[1])]), Err(ShareError::Twice(2)));
    assert_eq!(combine(&[]), Err(ShareError::TooFew { needed: 2, given: 0 }));
}

#[test]
fn each_wrong_character_and_each_swap_of_two_is_noticed() {
    let (_, made) = shares(2, 3);
    let text = made[0].to_text().to_string();
    let at: Vec<usize> = text.char_indices().filter(|(_, c)| !c.is_whitespace()).map(|(at, _)| at).collect();
    for (n, at) in at.iter().enumerate() {
        let mut wrong = text.clone().into_bytes();
        wrong[*at] = if wrong[*at] == b'q' { b'p' } else { b'q' };
        assert!(read(std::str::from_utf8(&wrong).unwrap()).is_err(), "character {n}");
        wrong = text.clone().into_bytes();
        if wrong[*at] != wrong[0] {
            wrong.swap(0, *at);
            assert!(read(std::str::from_utf8(&wrong).unwrap()).is_err(), "swap {n}");
        }
    }
    assert_eq!(read("hello").unwrap_err(), ShareError::NotAShare);
    assert_eq!(read(&text[..text.len() - 2]).unwrap_err(), ShareError::Copied);
    let copied_by_hand = format!("# for people\n  {}\n", text.to_uppercase().replace(' ', "\n"));
    assert!(matches!(read(&copied_by_hand), Ok(Written::Clear(share)) if share.value == made[0].value));
}

#[test]
fn a_sealed_share_opens_with_its_key_only() {
    let (secret, made) = shares(2, 2);
    let key =
        |byte: u8| move |_: &[u8; SALT]| Ok::<_, ShareError>(Secret::fill_with(|bytes| bytes.fill(byte)));
    let sealed = made[1].seal(key(1)).unwrap().to_text();
    let Written::Sealed(sealed) = read(&sealed).unwrap() else { panic!("it was sealed") };
    assert_eq!(sealed.head(), made[1].head());
    assert_eq!(sealed.open(key(2)).unwrap_err(), ShareError::Refused(2));
    let opened = sealed.open(key(1)).unwrap();
    assert_eq!(opened.fingerprint(), made[1].fingerprint());
    assert_eq!(combine(&[copied(&made[0]), opened]).unwrap(), secret);
}

#[test]
fn impossible_numbers_are_refused() {
    for (threshold, total) in [(1, 3), (4, 3), (0, 0), (2, 100), (2, 1)] {
        let made = split(&Secret::random(), SET, threshold, total);
        assert_eq!(made.map(|_| ()), Err(ShareError::Numbers), "{threshold} of {total}");
    }
}

/// `pyshamir` (PyPI, the scheme of HashiCorp Vault: GF(256), polynomial 0x11b) split 00 01 … 1f into three, two open it.
#[test]
fn shares_that_another_program_made_are_put_together() {
    let point = |number: u8, value: &str| {
        let mut bytes = [0; 32];
        hex::decode_to_slice(value, &mut bytes).unwrap();
        let value = Secret::from_slice(&bytes).unwrap();
        Share { head: ShareHead { set: SET, threshold: 2, total: 99, number }, value }
    };
    let shares = [
        (137, "e920a8ed9747cad0b5ed9a37d69bc33e531fd303a87ad1fa89e67bfe127c9697"),
        (187, "68fac4b94be88234401b80d64516c9a8beaeec4f1f3a7968d1bc8a4aa38de6e7"),
    ];
    let secret = combine(&shares.map(|(number, value)| point(number, value))).unwrap();
    assert_eq!(
        hex::encode(secret.expose()),
        "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
    );
}

/// What `tests/judges/shamir_combine.py` puts together with another library.
#[test]
fn the_vectors_open() {
    #[derive(serde::Deserialize)]
    struct Vectors {
        secret: String,
        shares: Vec<String>,
    }
    let vectors: Vectors = serde_json::from_str(include_str!("../vectors/shares.json")).unwrap();
    let shares: Vec<Share> = vectors
        .shares
        .iter()
        .map(|text| match read(text).unwrap() {
            Written::Clear(share) => share,
            Written::Sealed(_) => panic!("they are in clear"),
        })
        .collect();
    for start in 0..3 {
        let some: Vec<Share> = shares[start..start + 3].iter().map(copied).collect();
        assert_eq!(hex::encode(combine(&some).unwrap().expose()), vectors.secret);
    }
}
