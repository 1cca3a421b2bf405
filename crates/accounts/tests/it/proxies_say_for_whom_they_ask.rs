use std::net::SocketAddr;

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::Request;
use sceau_accounts::TrustedProxies;
use sceau_store::Rule;

use crate::support::{ORIGIN, World};

/// Two sign-ins of each machine, behind the proxies of `10.0.0.0/8`.
async fn world(proxies: &[&str]) -> World {
    let proxies = proxies.iter().map(|network| network.parse().unwrap()).collect();
    World::with(move |config| {
        config.limits.login_by_source = Rule { burst: 2, every_ms: 60_000 };
        config.trusted_proxies = TrustedProxies::new(proxies);
    })
    .await
}

async fn ask(world: &World, peer: &str, header: (&str, &str)) -> u16 {
    let request = Request::post("/v1/element/nonce").header("origin", ORIGIN).header(header.0, header.1);
    let mut request = request.body(Body::empty()).unwrap();
    request.extensions_mut().insert(ConnectInfo::<SocketAddr>(format!("{peer}:1000").parse().unwrap()));
    world.send(request).await.status.as_u16()
}

#[tokio::test]
async fn behind_a_trusted_proxy_each_machine_has_its_own_rate() {
    let world = world(&["10.0.0.0/8"]).await;
    for name in ["forwarded", "x-forwarded-for"] {
        let of =
            |machine: &str| if name == "forwarded" { format!("for={machine}") } else { machine.to_owned() };
        let (one, other) =
            if name == "forwarded" { ("192.0.2.7", "192.0.2.8") } else { ("192.0.2.17", "192.0.2.18") };
        for status in [200, 200, 429] {
            assert_eq!(ask(&world, "10.0.0.1", (name, &of(one))).await, status, "{name}");
        }
        assert_eq!(ask(&world, "10.0.0.2", (name, &of(one))).await, 429, "through any of the proxies");
        assert_eq!(ask(&world, "10.0.0.1", (name, &of(other))).await, 200, "another machine");
        // What a machine writes before the proxy does is not looked at.
        let spoofed = format!("{}, {}", of("198.51.100.1"), of(one));
        assert_eq!(ask(&world, "10.0.0.1", (name, &spoofed)).await, 429);
    }
}

#[tokio::test]
async fn a_machine_that_is_no_proxy_cannot_choose_its_address() {
    for proxies in [&["10.0.0.0/8"][..], &[]] {
        let world = world(proxies).await;
        let mut told = Vec::new();
        for guess in 0..4 {
            told.push(ask(&world, "192.0.2.1", ("forwarded", &format!("for=203.0.113.{guess}"))).await);
        }
        assert_eq!(told, [200, 200, 429, 429], "{proxies:?}");
        assert_eq!(ask(&world, "192.0.2.1", ("x-forwarded-for", "203.0.113.9")).await, 429);
    }
}
