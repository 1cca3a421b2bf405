//! Whose revocation list is missing, where none speaks for a certificate, and what to do.

use sceau_pki::{Certificate, RevocationLists, Vouched};

use super::lists;
use crate::say;

/// For people: each certificate of the way that no current list of its issuer speaks for.
pub(super) fn words(vouched: &Vouched, given: &RevocationLists, now: u64) -> String {
    let way: Vec<_> =
        vouched.path.iter().filter_map(|der| Certificate::from_der(der, "a chain").ok()).collect();
    let issuers = way.iter().skip(1).chain([&vouched.anchor]);
    let silent: Vec<_> =
        way.iter().zip(issuers).filter_map(|(one, issuer)| silent(one, issuer, given, now)).collect();
    if silent.is_empty() {
        return "the lists speak, and their word cannot be used".to_owned();
    }
    silent.join("; ")
}

/// None where a list speaks.
fn silent(one: &Certificate, issuer: &Certificate, given: &RevocationLists, now: u64) -> Option<String> {
    let named: Vec<_> = given.iter().filter(|list| list.issuer() == one.issuer()).collect();
    let key = issuer.public_key_info();
    let own = || named.iter().filter(|list| list.is_signed_by(&key));
    if own().any(|list| list.is_current(now)) {
        return None;
    }
    let fault = match own().map(|list| list.next_update()).max() {
        Some(until) if until < now => format!("the list given ended on {}", say::day(until)),
        Some(_) => "the list given is of the future".to_owned(),
        None if named.is_empty() => "no list of that issuer is given".to_owned(),
        None => "the list given under that name is signed by another key".to_owned(),
    };
    let places = lists::places(std::slice::from_ref(one));
    let from = if places.is_empty() {
        "ask the issuer for it, and name its file with --list".to_owned()
    } else {
        format!("name it with --list {}, or have it fetched with --online", places.join(" or --list "))
    };
    Some(format!("who takes back {} is {}, and {fault}: {from}", one.subject(), one.issuer()))
}
