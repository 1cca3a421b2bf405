#![allow(clippy::unwrap_used, reason = "tests state what must hold")]

use super::*;

fn client(redirect_uris: &[&str], authenticates: Authenticates, grants: &[GrantKind]) -> Client {
    Client {
        id: ClientId::parse("c").unwrap(),
        name: "A site".to_owned(),
        redirect_uris: redirect_uris.iter().map(|&uri| uri.to_owned()).collect(),
        authenticates,
        scopes: Default::default(),
        grants: grants.iter().copied().collect(),
        pushed_only: false,
        sector: String::new(),
    }
}

#[test]
fn addresses_that_people_may_be_sent_to() {
    let checked = |uri: &str, authenticates| client(&[uri], authenticates, &[GrantKind::Code]).checked();
    let secret = || Authenticates::Secret([0; 32]);
    for uri in [
        "https://a.example/cb",
        "https://a.example:8443/cb?x=1",
        "http://127.0.0.1:3000/cb",
        "http://[::1]/cb",
        "http://localhost/cb",
    ] {
        assert!(checked(uri, secret()).is_ok(), "{uri}");
    }
    for uri in [
        "http://a.example/cb",
        "http://127.0.0.1.evil.example/cb",
        "https://a.example/cb#x",
        "https://user@a.example/cb",
        "https://:pw@a.example/cb",
        "/cb",
        "javascript:alert(1)",
        "data:text/html,x",
        "org.example.app:/cb",
    ] {
        assert!(matches!(checked(uri, secret()), Err(ClientError::Redirect(_))), "{uri}");
    }
    assert!(checked("org.example.app:/cb", Authenticates::Nobody).is_ok());
    assert!(checked("javascript:alert(1)", Authenticates::Nobody).is_err());
}

#[test]
fn clients_that_make_no_sense_are_refused() {
    let (one, secret) = ("https://a.example/cb", || Authenticates::Secret([0; 32]));
    let of =
        |uris: &[&str], authenticates, grants: &[GrantKind]| client(uris, authenticates, grants).checked();
    assert!(matches!(of(&[], secret(), &[GrantKind::Code]), Err(ClientError::Redirects(_))));
    assert!(matches!(of(&[one], secret(), &[GrantKind::Ciba]), Err(ClientError::Redirects(_))));
    assert!(matches!(of(&[one], secret(), &[]), Err(ClientError::Grants(_))));
    assert!(matches!(
        of(&[one], Authenticates::Nobody, &[GrantKind::Code, GrantKind::Ciba]),
        Err(ClientError::Public(_))
    ));
    assert!(matches!(
        of(&[one, "https://b.example/cb"], secret(), &[GrantKind::Code]),
        Err(ClientError::Sector(_))
    ));
    assert_eq!(of(&[one, "https://a.example/2"], secret(), &[GrantKind::Code]).unwrap().sector, "a.example");
    let twice = [(); 2].map(|()| client(&[one], secret(), &[GrantKind::Code]));
    assert!(matches!(Clients::new(twice), Err(ClientError::Twice(_))));
    assert!(ClientId::parse("a b").is_none() && ClientId::parse("").is_none());
}

#[test]
fn what_is_kept_ends_and_is_bounded() {
    let shelf: Shelf<u8, &str> = Shelf::new(2);
    shelf.put(1, "one", 100, 0).unwrap();
    assert_eq!(shelf.put_once(1, "again", 100, 50), Ok(false));
    assert_eq!(shelf.put_once(2, "two", 200, 50), Ok(true));
    assert_eq!(shelf.put(3, "three", 300, 50), Err(Full));
    assert_eq!(shelf.take(&1, 100), None, "it ended");
    shelf.put(3, "three", 300, 100).unwrap();
    assert_eq!((shelf.take(&3, 200), shelf.take(&3, 200)), (Some("three"), None));
    assert_eq!(shelf.with(&2, 199, |text| *text), Some("two"));
    assert_eq!((shelf.with(&2, 200, |text| *text), shelf.len()), (None, 1));
}

#[test]
fn parameters_are_there_once() {
    assert_eq!(Params::parse("a=1&b=&c=x+y%26").unwrap().get("c"), Some("x y&"));
    let params = Params::parse("a=1&b=").unwrap();
    assert_eq!((params.get("a"), params.get("b"), params.get("z")), (Some("1"), None, None));
    assert!(Params::parse("a=1&a=1").is_err());
    assert!(Params::parse(&"x".repeat(17 * 1024)).is_err());
    let many: Vec<String> = (0..41).map(|number| format!("p{number}=1")).collect();
    assert!(Params::parse(&many.join("&")).is_err());
    assert!(!format!("{:?}", Params::parse("client_secret=hunter2").unwrap()).contains("hunter2"));
}

#[test]
fn a_token_is_of_the_header_alone() {
    assert_eq!(bearer(Some("Bearer abc")), Some("abc"));
    assert_eq!(bearer(Some("bearer  abc")), Some("abc"));
    for other in [None, Some("Basic abc"), Some("Bearer"), Some("Bearer "), Some("Bearer a b")] {
        assert_eq!(bearer(other), None, "{other:?}");
    }
}
