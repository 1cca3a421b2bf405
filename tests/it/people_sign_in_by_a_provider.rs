//! A provider of identities that we did not write signs people in: the whole way over HTTP, its keys replaced in the middle, its levels, its
//! signed userinfo, and its access tokens for machines.

use std::sync::Arc;

use reqwest::redirect::Policy;
use sceau_accounts::oidc::{AccessTokens, Http, IssuerUrl, Provider, WebClient};
use sceau_client::{ClientError, Server, Trust};
use sceau_store::{Clock, SystemClock};
use sceau_tests::{House, Program, Running, opened_trace};
use serde_json::{Value, json};

const SECRET: &str = "a secret with + and : in it, of many characters";

/// The platform, and the provider that its settings name.
struct Pair {
    house: House,
    provider: Running,
    issuer: String,
}

impl Pair {
    /// `settings`: more lines of the provider's table; `arguments`: how the client shows its secret, how its tokens are signed, whose manner
    /// the provider has.
    fn raise(name: &str, settings: &str, arguments: &[&str]) -> Self {
        let mut house = House::start(name);
        house.stop_platform();
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/provider/provider.mjs");
        let program = Program::other("node").named("provider").arg(script).arg(&house.origin).args(arguments);
        let provider = program.start(house.scratch.path());
        let issuer = provider.ready()["issuer"].as_str().unwrap().to_owned();
        let secret = house.scratch.write("provider.secret", SECRET);
        std::fs::set_permissions(&secret, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        let settings = format!(
            "[[identity.providers]]\nname = \"id\"\nissuer = \"{issuer}\"\nclient_id = \"sceau\"\nclient_secret_file = \"{}\"\n{settings}",
            secret.display()
        );
        let config = house.scratch.write("identity.toml", settings);
        std::fs::set_permissions(&config, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        house.more.extend(["--config".to_owned(), config.display().to_string()]);
        house.start_platform();
        Self { house, provider, issuer }
    }

    fn browser(&self) -> Browser {
        let stop = Policy::custom(|attempt| {
            // The platform's own pages, after signing in and after signing out: another browser's jar is for those.
            let home = attempt.url().path() == "/" || attempt.url().path().starts_with("/retour/");
            if home { attempt.stop() } else { attempt.follow() }
        });
        let http = reqwest::Client::builder().cookie_store(true).no_proxy().redirect(stop).build().unwrap();
        let platform = Server::new(&self.house.origin, &Trust::default()).unwrap();
        Browser { http, platform }
    }

    async fn tell(&self, path: &str) {
        let told = reqwest::Client::new().post(format!("{}/test/{path}", self.issuer)).send().await.unwrap();
        assert!(told.status().is_success());
    }
}

/// A browser: one jar for the provider, one for the platform.
struct Browser {
    http: reqwest::Client,
    platform: Server,
}

impl Browser {
    /// To the provider and back: what the page at the return address posts.
    async fn away(&self) -> Value {
        let begun: Value = self.platform.post("/v1/providers/id/begin", &json!({})).await.unwrap();
        self.follow(begun["url"].as_str().unwrap()).await
    }

    async fn follow(&self, url: &str) -> Value {
        let answer = self.http.get(url).send().await.unwrap();
        let (status, address) = (answer.status(), answer.url().clone());
        let back = answer.headers().get("location").map(|place| place.to_str().unwrap().to_owned());
        let back = back.unwrap_or_else(|| panic!("{address} answered {status}"));
        let back = reqwest::Url::parse(&back).unwrap();
        assert_eq!(back.path(), "/retour/id");
        let one =
            |name: &str| back.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
        json!({"provider": "id", "state": one("state"), "code": one("code"), "iss": one("iss")})
    }

    async fn finish(&self, arrival: &Value) -> Result<Value, ClientError> {
        self.platform.post("/v1/providers/finish", arrival).await
    }

    async fn sign_in(&self) -> Result<Value, ClientError> {
        self.finish(&self.away().await).await
    }

    /// Signs out here, and goes on at the provider to the end. The address that one comes back to.
    async fn sign_out(&self) -> reqwest::Url {
        let out: Value = self.platform.post("/v1/logout", &json!({})).await.unwrap();
        let there = self.http.get(out["continue_at"].as_str().unwrap()).send().await.unwrap();
        let (status, confirm) = (there.status(), there.url().join("/session/end/confirm").unwrap());
        let page = there.text().await.unwrap();
        assert_eq!(status, 200, "the provider asks whether to sign out there too: {page}");
        let after = page.split_once("name=\"xsrf\" value=\"").expect("its own form").1;
        let form = [("xsrf", after.split_once('"').unwrap().0), ("logout", "yes")];
        let answer = self.http.post(confirm).form(&form).send().await.unwrap();
        answer.headers()["location"].to_str().unwrap().parse().unwrap()
    }

    async fn account(&self) -> Value {
        let me: Value = self.platform.get("/v1/me").await.unwrap();
        me["account"].clone()
    }
}

fn code<T: std::fmt::Debug>(outcome: Result<T, ClientError>) -> String {
    outcome.unwrap_err().code().unwrap_or("none").to_owned()
}

#[tokio::test]
async fn somebody_signs_in_again_after_the_keys_were_replaced_and_out() {
    let pair = Pair::raise("provider", "", &[]);
    let lea = pair.browser();
    assert_eq!(lea.sign_in().await.unwrap()["first"], true);
    let account = lea.account().await;
    assert_eq!((&account["email"], &account["name"]), (&json!("lea@example.org"), &json!("Léa Durand")));
    assert_eq!((&account["role"], &account["has_passkey"]), (&json!("citizen"), &json!(false)));

    pair.tell("rotate").await;
    let again = pair.browser();
    assert_eq!(again.sign_in().await.unwrap()["first"], false, "under a key that was not there before");
    assert_eq!(again.account().await["id"], account["id"]);

    // Somebody else is somebody else, and what one browser began no other ends.
    pair.tell("person?accountId=noe").await;
    let noe = pair.browser();
    let arrival = noe.away().await;
    assert_eq!(code(pair.browser().finish(&arrival).await), "ceremony_over");
    assert_eq!(noe.finish(&arrival).await.unwrap()["first"], true);
    assert_eq!(code(noe.finish(&arrival).await), "ceremony_over", "once");
    assert_ne!(noe.account().await["id"], account["id"]);
    let mut another = noe.away().await;
    another["iss"] = "https://evil.example.org".into();
    assert_eq!(code(noe.finish(&another).await), "provider_refused");
    let (stolen, mut used) = (pair.browser().away().await, noe.away().await);
    used["code"] = stolen["code"].clone();
    assert_eq!(code(noe.finish(&used).await), "provider_refused", "PKCE: the code is of another sign-in");

    let out: Value = lea.platform.post("/v1/logout", &json!({})).await.unwrap();
    let confirm = reqwest::Client::new().get(out["continue_at"].as_str().unwrap()).send().await.unwrap();
    assert_eq!(confirm.status(), 200, "the provider asks whether to sign out there too");
    assert_eq!(code(lea.platform.get::<Value>("/v1/me").await), "not_signed_in");

    let trace = opened_trace(&pair.house).await;
    let by_provider =
        |record: &&sceau_trace::Record| record.detail().get("method").is_some_and(|it| it == "provider");
    let mine = trace.iter().filter(by_provider).collect::<Vec<_>>();
    assert_eq!(mine.len(), 3);
    assert!(mine.iter().all(|record| record.detail()["provider"] == "id"), "by which");
    assert_eq!(trace.iter().filter(|record| record.action().to_string() == "identity.enrol").count(), 2);
    drop(pair.provider);
}

#[test]
fn the_doctor_asks_it_and_says_which_clock_is_ahead() {
    let pair = Pair::raise("doctored", "", &[]);
    let found = |program: Program| -> Value {
        let config = pair.house.scratch.join("identity.toml");
        let program =
            program.args(["--json", "--config"]).arg(config).arg("--data").arg(pair.house.scratch.path());
        let report: Value = serde_json::from_str(&program.run().text()).expect("findings");
        let findings = report["findings"].as_array().expect("a list of findings");
        findings.iter().find(|finding| finding["check"] == "identity").expect("of the provider").clone()
    };
    let well = found(Program::sceau("doctor"));
    assert_eq!(well["state"], "well", "{well}");
    assert!(well["found"].as_str().unwrap().contains("id answers with 2 keys, and has our time"), "{well}");
    let late = found(Program::sceau("doctor").at_time("+5m"));
    assert_eq!(late["state"], "trouble", "{late}");
    assert!(late["found"].as_str().unwrap().contains("s ahead of that of id"), "{late}");
}

/// Signs somebody in and out of a provider that refuses what its documents do not list, and shows that the session there ended too.
async fn in_and_out(pair: &Pair) -> String {
    let logins = || async {
        let told = reqwest::get(format!("{}/test/logins", pair.issuer)).await.unwrap();
        told.text().await.unwrap().parse::<u32>().unwrap()
    };
    let lea = pair.browser();
    assert_eq!(lea.sign_in().await.unwrap()["first"], true);
    let name = lea.account().await["name"].as_str().unwrap().to_owned();
    assert_eq!(lea.sign_in().await.unwrap()["first"], false);
    assert_eq!(logins().await, 1, "it knows the browser");
    let back = lea.sign_out().await;
    assert_eq!(
        (back.origin().ascii_serialization().as_str(), back.path()),
        (pair.house.origin.as_str(), "/")
    );
    assert!(back.query_pairs().any(|(key, state)| key == "state" && state.len() >= 32), "{back}");
    assert_eq!(code(lea.platform.get::<Value>("/v1/me").await), "not_signed_in");
    lea.sign_in().await.unwrap();
    assert_eq!(logins().await, 2, "it knew the browser no more");
    name
}

#[tokio::test]
async fn france_connect_gets_what_it_lists_and_levels_and_means_are_held_to() {
    let ways = "preset = \"franceconnect\"\nlevels = [\"eidas2\"]\nmeans = [\"mfa\"]\n";
    let pair = Pair::raise("franceconnect", ways, &["client_secret_post", "ES256", "franceconnect"]);
    assert_eq!(in_and_out(&pair).await, "Léa Durand");
    pair.tell("person?accountId=lea&acr=eidas1&amr=pwd mfa").await;
    assert_eq!(code(pair.browser().sign_in().await), "provider_level");
    pair.tell("person?accountId=lea&acr=eidas2&amr=pwd").await;
    assert_eq!(code(pair.browser().sign_in().await), "provider_level");
}

#[tokio::test]
async fn pro_connect_gets_what_it_lists_with_its_levels_among_the_claims() {
    let level = "https://proconnect.gouv.fr/assurance/consistency-checked-2fa";
    let ways = format!("preset = \"proconnect\"\nlevels = [\"{level}\"]\n");
    let pair = Pair::raise("proconnect", &ways, &["client_secret_post", "RS256", "proconnect"]);
    pair.tell(&format!("person?accountId=lea&acr={level}")).await;
    assert_eq!(in_and_out(&pair).await, "Léa Martin", "the name that one goes by");
}

#[tokio::test]
async fn its_access_tokens_speak_for_a_machine() {
    let pair = Pair::raise("machine", "", &[]);
    let resource = pair.provider.ready()["resource"].as_str().unwrap().to_owned();
    let form = [("grant_type", "client_credentials"), ("scope", "deposits"), ("resource", &resource)];
    let asked = reqwest::Client::new().post(format!("{}/token", pair.issuer));
    let answer =
        asked.basic_auth("hr", Some("another+secret+of+many+characters")).form(&form).send().await.unwrap();
    let token: Value = answer.json().await.unwrap();
    let token = token["access_token"].as_str().unwrap();

    let issuer = IssuerUrl::try_from(pair.issuer.clone()).unwrap();
    let (http, clock): (Arc<dyn Http>, Arc<dyn Clock>) =
        (Arc::new(WebClient::new(None).unwrap()), Arc::new(SystemClock));
    let provider = Provider::new(issuer, http, clock);
    let tokens = AccessTokens::new(provider.clone(), vec![resource], Vec::new());
    let claims = tokens.verify(token).await.unwrap();
    assert!(claims.is_machine() && claims.scopes.contains("deposits"));
    assert_eq!(claims.client.as_deref(), Some("hr"));
    let others = AccessTokens::new(provider, vec!["https://other.example.org".into()], Vec::new());
    assert!(others.verify(token).await.is_err());
}
