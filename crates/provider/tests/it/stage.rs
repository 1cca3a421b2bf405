//! A provider in this process, holders that answer as they are told, and browsers.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{Request, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http_body_util::BodyExt as _;
use sceau_accounts::TrustedProxies;
use sceau_client::keyring::FileKey;
use sceau_crypto::jose::{KeySet, PublicJwk};
use sceau_crypto::sha256;
use sceau_element_api::{KeyringId, KeyringRequestId};
use sceau_keyring::{Identity, Signs as _};
use sceau_provider::oauth::{Authenticates, Client, ClientId, Clients, GrantKind};
use sceau_provider::{
    Agreed, Alias, Answer, Ask, AskError, Fonts, Holders, Lang, Later, Plan, Provider, ProviderSecret,
    Records, TokenKeys, routes,
};
use sceau_store::{Clock as _, ManualClock};
use serde_json::{Value, json};
use tokio::sync::watch;
use tower::ServiceExt as _;

pub(crate) const ISSUER: &str = "https://login.example.org";
pub(crate) const REDIRECT: &str = "https://library.example.org/callback?from=sceau";
pub(crate) const SECRET: &str = "a+secret: of many/characters";
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub(crate) const NOW: u64 = 1_800_000_000_000;

/// Who holds the holders while nobody is asked.
const OF_STAGE_AND_PROVIDER: usize = 2;

/// What holders do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Does {
    Wait,
    Yes,
    No,
}

/// Holders that do as they are told.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) asked: Mutex<Vec<Ask>>,
    pub(crate) does: watch::Sender<Does>,
    pub(crate) is_there: AtomicBool,
    clock: Arc<ManualClock>,
}

impl Holders for Told {
    fn ask(&self, ask: Ask) -> Later<'_, Result<Answer, AskError>> {
        self.asked.lock().unwrap().push(ask.clone());
        let mut does = self.does.subscribe();
        Box::pin(async move {
            let does = *does.wait_for(|does| *does != Does::Wait).await.expect("it is there");
            if does == Does::No {
                return Ok(Answer::Refused);
            }
            let identity = Identity {
                common_name: "Marie <Curie>".to_owned(),
                given_name: None,
                surname: None,
                serial_number: None,
                country: None,
            };
            Ok(Answer::Agreed(Box::new(Agreed {
                id: KeyringRequestId::random(),
                keyring: ask.keyring,
                identity: Some(identity),
                time: self.clock.now_ms(),
                index: 7,
                request: "request".to_owned(),
                proof: "proof".to_owned(),
            })))
        })
    }

    fn is_there(&self) -> Later<'_, bool> {
        Box::pin(async { self.is_there.load(Ordering::Relaxed) })
    }
}

/// The provider, and all that stands around it.
pub(crate) struct Stage {
    pub(crate) router: Router,
    pub(crate) provider: Provider,
    pub(crate) holders: Arc<Told>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) marie: KeyringId,
    pub(crate) records: Records,
    /// The key of the client `keys`.
    pub(crate) key: FileKey,
    _folder: tempfile::TempDir,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) status: StatusCode,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) text: String,
}

impl Answered {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    /// What it was refused with.
    pub(crate) fn error(&self) -> String {
        self.json()["error"].as_str().unwrap_or_default().to_owned()
    }

    /// Where it sends on: by its header, or by the link of its page.
    pub(crate) fn to(&self) -> url::Url {
        let link = || {
            let (_, rest) = self.text.split_once("<a class=\"button ").expect("a link");
            let (_, rest) = rest.split_once("href=\"").unwrap();
            rest.split_once('"').unwrap().0.replace("&amp;", "&")
        };
        let to = self.headers.get("location").cloned().unwrap_or_else(link);
        url::Url::options().base_url(Some(&ISSUER.parse().unwrap())).parse(&to).unwrap()
    }

    /// A parameter of where it sends on.
    pub(crate) fn told(&self, name: &str) -> String {
        let to = self.to();
        to.query_pairs()
            .find(|(other, _)| other == name)
            .map(|(_, value)| value.into_owned())
            .unwrap_or_default()
    }

    /// The sealed request of a page.
    pub(crate) fn sealed(&self) -> String {
        let (_, rest) = self.text.split_once("name=request value=\"").unwrap_or_else(|| panic!("{self:?}"));
        rest.split_once('"').unwrap().0.to_owned()
    }
}

fn client(id: &str, authenticates: Authenticates, grants: &[GrantKind]) -> Client {
    let code = grants.contains(&GrantKind::Code);
    Client {
        id: ClientId::parse(id).unwrap(),
        name: format!("Site {id}"),
        redirect_uris: if code { vec![REDIRECT.to_owned()] } else { Vec::new() },
        authenticates,
        scopes: if id == "archive" { ["openid", "service"] } else { ["openid", "profile"] }
            .map(str::to_owned)
            .into(),
        grants: grants.iter().copied().collect(),
        pushed_only: id == "keys",
        sector: String::new(),
    }
}

impl Stage {
    pub(crate) async fn raise() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::at(NOW));
        let key = FileKey::generate().unwrap().0;
        let jwk: Value = serde_json::from_str(&PublicJwk::of_spki(key.spki()).unwrap().to_json()).unwrap();
        let keys = KeySet::parse(json!({"keys": [jwk]}).to_string().as_bytes()).unwrap();
        let both = [GrantKind::Code, GrantKind::Ciba];
        let clients = Clients::new([
            client("library", Authenticates::Secret(sha256(SECRET.as_bytes())), &both),
            client("keys", Authenticates::Keys(keys), &both),
            client("public", Authenticates::Nobody, &[GrantKind::Code]),
            client("archive", Authenticates::Nobody, &[GrantKind::Code]),
        ]);
        let plan = Plan {
            issuer: ISSUER.to_owned(),
            name: "Ville <de> Lyon".to_owned(),
            lang: Lang::En,
            clients: clients.unwrap(),
            login_seconds: 180,
            token_seconds: 600,
            acr: "urn:sceau:keyring".to_owned(),
            evidence_days: 30,
            logins_per_address: 30,
            proxies: TrustedProxies::default(),
            fonts: Fonts::default(),
        };
        let own = (
            TokenKeys::open(folder.path(), 90 * 24 * 3_600_000, NOW).unwrap(),
            ProviderSecret::open(folder.path()).unwrap(),
        );
        let records = Records::open(folder.path()).await.unwrap();
        let marie = KeyringId::random();
        records.add(&Alias::parse("M.Curie").unwrap(), marie, NOW).await.unwrap();
        let holders = Arc::new(Told {
            asked: Mutex::default(),
            does: watch::Sender::new(Does::Wait),
            is_there: AtomicBool::new(true),
            clock: Arc::clone(&clock),
        });
        let provider = Provider::new(
            plan,
            own,
            records.clone(),
            Arc::clone(&holders) as Arc<dyn Holders>,
            Arc::clone(&clock) as _,
        );
        Self {
            router: routes(provider.clone()),
            provider,
            holders,
            clock,
            marie,
            records,
            key,
            _folder: folder,
        }
    }

    /// What holders were asked, once they were asked so often.
    pub(crate) async fn asked(&self, count: usize) -> Vec<Ask> {
        let asked = async {
            while self.holders.asked.lock().unwrap().len() < count {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), asked).await.expect("they are asked");
        self.holders.asked.lock().unwrap().clone()
    }

    /// Waits until nobody is asked any more, and whoever waited was told: each question holds the holders until then.
    pub(crate) async fn settled(&self) {
        let settled = async {
            while Arc::strong_count(&self.holders) > OF_STAGE_AND_PROVIDER {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), settled).await.expect("it is told");
    }

    pub(crate) async fn ask(&self, request: Request<Body>) -> Answered {
        self.ask_from([192, 0, 2, 7].into(), request).await
    }

    /// The same from an address.
    pub(crate) async fn ask_from(&self, from: IpAddr, mut request: Request<Body>) -> Answered {
        request.extensions_mut().insert(ConnectInfo(std::net::SocketAddr::from((from, 4711))));
        let answer = self.router.clone().oneshot(request).await.unwrap();
        let status = answer.status();
        let mut headers = BTreeMap::new();
        for (name, value) in answer.headers() {
            let value = value.to_str().unwrap().to_owned();
            headers
                .entry(name.to_string())
                .and_modify(|all: &mut String| *all += &format!("\n{value}"))
                .or_insert(value);
        }
        let text =
            String::from_utf8(answer.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap();
        Answered { status, headers, text }
    }

    /// A form of a site, with its secret.
    pub(crate) async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answered {
        let basic = STANDARD.encode(format!("library:{}", encoded(SECRET)));
        self.post_as(path, Some(&format!("Basic {basic}")), fields).await
    }

    /// The same as somebody else.
    pub(crate) async fn post_as(
        &self,
        path: &str,
        authorization: Option<&str>,
        fields: &[(&str, &str)],
    ) -> Answered {
        let mut request =
            Request::post(path).header("content-type", "application/x-www-form-urlencoded; charset=utf-8");
        if let Some(authorization) = authorization {
            request = request.header("authorization", authorization);
        }
        self.ask(request.body(form(fields).into()).unwrap()).await
    }

    /// A token for a code, of the client `library`.
    pub(crate) async fn redeem(&self, code: &str) -> Answered {
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", REDIRECT),
            ("code_verifier", VERIFIER),
        ];
        self.post("/token", &fields).await
    }

    pub(crate) async fn userinfo(&self, token: &str) -> Answered {
        let request = Request::get("/userinfo").header("authorization", format!("Bearer {token}"));
        self.ask(request.body(Body::empty()).unwrap()).await
    }

    /// A statement by the client `keys`, with these members in the place of its own.
    pub(crate) fn assertion(&self, other: &Value) -> String {
        let mut claims = json!({"iss": "keys", "sub": "keys", "aud": ISSUER, "jti": hex::encode(sceau_crypto::random::<8>()),
            "iat": self.clock.now_ms() / 1000, "exp": self.clock.now_ms() / 1000 + 60});
        for (member, value) in other.as_object().into_iter().flatten() {
            claims[member] = value.clone();
        }
        let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let input = format!("{}.{}", encode(&json!({"alg": "ES256"})), encode(&claims));
        format!("{input}.{}", URL_SAFE_NO_PAD.encode(self.key.sign(input.as_bytes()).unwrap()))
    }
}

pub(crate) fn form(fields: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// What the client `library` asks for, with these parameters in the place of its own.
pub(crate) fn request(other: &[(&str, &str)]) -> String {
    let challenge = URL_SAFE_NO_PAD.encode(sha256(VERIFIER.as_bytes()));
    let own = [
        ("client_id", "library"),
        ("redirect_uri", REDIRECT),
        ("response_type", "code"),
        ("scope", "openid profile email"),
        ("state", "st&ate"),
        ("nonce", "n-0S6"),
        ("code_challenge", challenge.as_str()),
        ("code_challenge_method", "S256"),
    ];
    let kept = own.into_iter().filter(|(name, _)| !other.iter().any(|(same, _)| same == name));
    let more = other.iter().copied().filter(|(_, value)| !value.is_empty());
    format!("/authorize?{}", form(&kept.chain(more).collect::<Vec<_>>()))
}

/// A browser: its cookies, and what it says of where its forms come from.
#[derive(Debug)]
pub(crate) struct Browser {
    pub(crate) jar: BTreeMap<String, String>,
    from: IpAddr,
}

impl Default for Browser {
    fn default() -> Self {
        Self::at(7)
    }
}

impl Browser {
    /// At another address.
    pub(crate) fn at(number: u8) -> Self {
        Self { jar: BTreeMap::new(), from: [192, 0, 2, number].into() }
    }

    /// Says who it is; what is answered.
    pub(crate) async fn tries(&mut self, stage: &Stage, url: &str, alias: &str) -> Answered {
        let sealed = self.get(stage, url).await.sealed();
        self.post(stage, "/login", &[("request", &sealed), ("alias", alias), ("remember", "1")]).await
    }

    fn keep(&mut self, answer: &Answered) {
        for line in answer.headers.get("set-cookie").into_iter().flat_map(|lines| lines.lines()) {
            assert!(line.contains("; Path=/; Secure; HttpOnly; SameSite=Lax"), "{line}");
            let (name, value) = line.split(';').next().unwrap().split_once('=').unwrap();
            self.jar.insert(name.to_owned(), value.to_owned());
        }
    }

    fn cookies(&self) -> String {
        self.jar.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
    }

    pub(crate) async fn get(&mut self, stage: &Stage, path: &str) -> Answered {
        let request = Request::get(path).header("cookie", self.cookies()).header("accept-language", "en");
        let answer = stage.ask_from(self.from, request.body(Body::empty()).unwrap()).await;
        self.keep(&answer);
        answer
    }

    pub(crate) async fn post(&mut self, stage: &Stage, path: &str, fields: &[(&str, &str)]) -> Answered {
        self.post_from(stage, path, ISSUER, fields).await
    }

    pub(crate) async fn post_from(
        &mut self,
        stage: &Stage,
        path: &str,
        origin: &str,
        fields: &[(&str, &str)],
    ) -> Answered {
        let request = Request::post(path)
            .header("cookie", self.cookies())
            .header("origin", origin)
            .header("content-type", "application/x-www-form-urlencoded");
        let answer = stage.ask_from(self.from, request.body(form(fields).into()).unwrap()).await;
        self.keep(&answer);
        answer
    }

    /// Begins to log in as this holder; the path of the page that waits.
    pub(crate) async fn begin(&mut self, stage: &Stage, url: &str, alias: &str) -> String {
        let began = self.tries(stage, url, alias).await;
        assert_eq!(began.status, StatusCode::SEE_OTHER, "{began:?}");
        began.headers["location"].clone()
    }

    /// Logs in as Marie; the page that leads back.
    pub(crate) async fn log_in(&mut self, stage: &Stage, url: &str) -> Answered {
        let wait = self.begin(stage, url, "m.curie").await;
        stage.holders.does.send_replace(Does::Yes);
        let news = self.get(stage, &format!("{wait}/state")).await;
        assert_eq!(news.json(), json!({"over": true}));
        stage.holders.does.send_replace(Does::Wait);
        self.get(stage, &wait).await
    }
}

/// What an ID token says; its signature is for the library's tests.
pub(crate) fn claims(answer: &Answered) -> Value {
    let token = answer.json()["id_token"].as_str().unwrap().to_owned();
    let payload = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}
