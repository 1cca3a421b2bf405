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
    let named = ["c", "d"].map(|id| Client {
        id: ClientId::parse(id).unwrap(),
        name: if id == "c" { "A site".to_owned() } else { " a SITE".to_owned() },
        ..client(&[one], secret(), &[GrantKind::Code])
    });
    assert!(matches!(Clients::new(named), Err(ClientError::Name(_))));
    assert!(ClientId::parse("a b").is_none() && ClientId::parse("").is_none());
}

#[test]
fn what_is_kept_ends_and_is_bounded() {
    let shelf: Shelf<u8, &str> = Shelf::new(2);
    shelf.put(1, "one", 100, 0).unwrap();
    assert_eq!(shelf.put_once("", 1, "again", 100, 50), Ok(false));
    assert_eq!(shelf.put_once("", 2, "two", 200, 50), Ok(true));
    assert_eq!(shelf.put(3, "three", 300, 50), Err(Full));
    assert_eq!(shelf.take(&1, 100), None, "it ended");
    shelf.put(3, "three", 300, 100).unwrap();
    assert_eq!((shelf.take(&3, 200), shelf.take(&3, 200)), (Some("three"), None));
    assert_eq!(shelf.with(&2, 199, |text| *text), Some("two"));
    assert_eq!((shelf.with(&2, 200, |text| *text), shelf.len()), (None, 1));
}

#[test]
fn nobody_takes_the_places_of_all() {
    let shelf: Shelf<u32, ()> = Shelf::shared(100, 10);
    for name in 0..10 {
        shelf.put_for("one", name, (), 100, 0).unwrap();
    }
    assert_eq!(shelf.put_for("one", 10, (), 100, 0), Err(Full));
    assert_eq!(shelf.put_once("one", 10, (), 100, 0), Err(Full));
    shelf.put_for("one", 3, (), 100, 0).unwrap();
    shelf.put_for("other", 20, (), 100, 0).unwrap();
    assert_eq!(shelf.take(&0, 0), Some(()));
    shelf.put_for("one", 10, (), 200, 0).unwrap();
    for name in 30..39 {
        assert_eq!(shelf.put_for("one", name, (), 200, 100), Ok(()), "what ended makes room");
    }
    assert_eq!((shelf.len(), shelf.put_for("one", 39, (), 200, 100)), (10, Err(Full)));
    assert_eq!((shelf.swap(&10, (), 300, 199), shelf.swap(&10, (), 400, 300)), (Some(()), None));
}

#[test]
fn one_client_pushes_its_share_and_leaves_the_others_theirs() {
    let named = |id: &str| {
        let mut one = client(&["https://a.example/cb"], Authenticates::Nobody, &[GrantKind::Code]);
        (one.id, one.name) = (ClientId::parse(id).unwrap(), id.to_owned());
        one
    };
    let clients = Clients::new(["one", "other"].map(named)).unwrap();
    let server: Server<()> =
        Server::new("https://login.example".to_owned(), clients, Supports::default(), 600, 0);
    let challenge = "c".repeat(43);
    let push = |id: &str, now| {
        let form = format!(
            "client_id={id}&redirect_uri=https://a.example/cb&response_type=code&code_challenge={challenge}&code_challenge_method=S256&unread=x"
        );
        let form = Params::parse(&form).unwrap();
        let caller = server.authenticate(["/par", "/token"], None, &form, now).unwrap();
        server.push(&caller, form, now)
    };
    let named = push("one", 0).unwrap();
    assert!((1..2_000).all(|_| push("one", 0).is_ok()));
    assert_eq!(push("one", 0).unwrap_err().error, ErrorCode::TemporarilyUnavailable);
    assert!(push("other", 0).is_ok());
    let browser = format!("client_id=one&request_uri={named}");
    let (_, asked) = server.asked(Params::parse(&browser).unwrap(), 0).unwrap();
    assert_eq!(asked.unwrap().params.get("unread"), None, "what is not read is not kept");
    assert!(push("one", PUSHED_SECONDS * 1000).is_ok(), "what ended makes room");
}

#[test]
fn programs_on_peoples_machines_share_no_sector() {
    let sector = |id: &str, uri: &str| {
        let mut one = client(&[uri], Authenticates::Nobody, &[GrantKind::Code]);
        one.id = ClientId::parse(id).unwrap();
        one.checked().unwrap().sector
    };
    for uri in ["http://127.0.0.1:3000/cb", "http://[::1]/cb", "http://localhost/cb", "org.example.app:/cb"] {
        assert_ne!(sector("one", uri), sector("other", uri), "{uri}");
    }
    assert_eq!(sector("one", "https://a.example/cb"), sector("other", "https://a.example/cb"));
    let mixed =
        client(&["https://a.example/cb", "http://127.0.0.1/cb"], Authenticates::Nobody, &[GrantKind::Code]);
    assert!(matches!(mixed.checked(), Err(ClientError::Sector(_))));
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
