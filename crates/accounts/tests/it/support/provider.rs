use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use futures::future::BoxFuture;
use sceau_accounts::oidc::{Ask, Http, HttpAnswer, HttpFailure};
use sceau_crypto::{SigningKey, sha256};
use serde_json::{Value, json};

pub const ISSUER: &str = "https://id.example.org/realms/a";

type Change = Box<dyn Fn(&mut Value) + Send>;
type Forge = Box<dyn Fn(String) -> String + Send>;

/// What a code stands for.
struct Grant {
    asked: HashMap<String, String>,
    subject: String,
}

/// A provider without a network, which keeps to the standard unless a test says otherwise.
pub struct Double {
    keys: Mutex<Vec<(String, SigningKey)>>,
    /// Set: it does not answer.
    pub away: Mutex<bool>,
    /// How often it was asked who it is.
    pub asked: AtomicU32,
    /// The `Date` of its answers.
    pub date_ms: Mutex<Option<u64>>,
    /// Its own clock, in seconds.
    pub now_s: Mutex<u64>,
    /// Whether it names itself in its answers.
    pub names_itself: Mutex<bool>,
    /// Whether its userinfo is signed.
    pub signs_userinfo: Mutex<bool>,
    /// What it tells of a person besides.
    pub person: Mutex<Value>,
    /// What it does to ID tokens before it signs them, to userinfo, and to ID tokens once they are signed.
    pub alter: Mutex<Change>,
    pub alter_userinfo: Mutex<Change>,
    pub forge: Mutex<Forge>,
    grants: Mutex<HashMap<String, Grant>>,
    forms: Mutex<Vec<HashMap<String, String>>>,
}

impl Double {
    pub fn new(names: &[&str]) -> Arc<Self> {
        let keys = names.iter().map(|name| ((*name).to_owned(), SigningKey::generate())).collect();
        Arc::new(Self {
            keys: Mutex::new(keys),
            away: Mutex::new(false),
            asked: AtomicU32::new(0),
            date_ms: Mutex::new(None),
            now_s: Mutex::new(0),
            names_itself: Mutex::new(true),
            signs_userinfo: Mutex::new(false),
            person: Mutex::new(
                json!({"email": "lea@example.org", "given_name": "Léa", "family_name": "Durand"}),
            ),
            alter: Mutex::new(Box::new(|_| {})),
            alter_userinfo: Mutex::new(Box::new(|_| {})),
            forge: Mutex::new(Box::new(|token| token)),
            grants: Mutex::default(),
            forms: Mutex::default(),
        })
    }

    pub fn rotate(&self, name: &str) {
        *self.keys.lock().unwrap() = vec![(name.to_owned(), SigningKey::generate())];
    }

    pub fn jwks(&self) -> Value {
        let keys = self.keys.lock().unwrap();
        let jwk = |(name, key): &(String, SigningKey)| {
            json!({"kty": "OKP", "crv": "Ed25519", "use": "sig", "kid": name,
                "x": BASE64.encode(key.verifying_key().as_bytes())})
        };
        json!({ "keys": keys.iter().map(jwk).collect::<Vec<_>>() })
    }

    /// Signs `claims` under its first key, with this header besides.
    pub fn sign(&self, header: Value, claims: &Value) -> String {
        let keys = self.keys.lock().unwrap();
        let (name, key) = &keys[0];
        let mut whole = json!({"alg": "EdDSA", "kid": name});
        whole.as_object_mut().unwrap().extend(header.as_object().unwrap().clone());
        let input = format!("{}.{}", BASE64.encode(whole.to_string()), BASE64.encode(claims.to_string()));
        let signature = BASE64.encode(key.sign(input.as_bytes()));
        format!("{input}.{signature}")
    }

    /// Somebody signs in at the address that we sent the browser to: the code.
    pub fn consent(&self, url: &str, subject: &str) -> String {
        let url: url::Url = url.parse().unwrap();
        let asked = url.query_pairs().into_owned().collect();
        let code = BASE64.encode(sceau_crypto::random::<16>());
        self.grants.lock().unwrap().insert(code.clone(), Grant { asked, subject: subject.to_owned() });
        code
    }

    /// What was posted to its token endpoint.
    pub fn forms(&self) -> Vec<HashMap<String, String>> {
        self.forms.lock().unwrap().clone()
    }

    fn tokens(&self, form: &str) -> (u16, Value) {
        let form: HashMap<String, String> =
            url::form_urlencoded::parse(form.as_bytes()).into_owned().collect();
        self.forms.lock().unwrap().push(form.clone());
        let Some(Grant { asked, subject }) = self.grants.lock().unwrap().remove(&form["code"]) else {
            return (400, json!({"error": "invalid_grant"}));
        };
        let challenge = asked.get("code_challenge");
        let verified = challenge.is_none_or(|challenge| {
            form.get("code_verifier").is_some_and(|it| BASE64.encode(sha256(it.as_bytes())) == *challenge)
        });
        if !verified || asked["redirect_uri"] != form["redirect_uri"] {
            return (400, json!({"error": "invalid_grant"}));
        }
        let now = *self.now_s.lock().unwrap();
        let mut claims = json!({"iss": ISSUER, "sub": subject, "aud": asked["client_id"], "nonce": asked["nonce"],
            "iat": now, "exp": now + 300});
        (self.alter.lock().unwrap())(&mut claims);
        let id_token = (self.forge.lock().unwrap())(self.sign(json!({"typ": "JWT"}), &claims));
        (
            200,
            json!({"access_token": subject, "id_token": id_token, "token_type": "Bearer", "expires_in": 60}),
        )
    }

    fn userinfo(&self, subject: &str) -> (&'static str, Vec<u8>) {
        let mut claims = self.person.lock().unwrap().clone();
        claims["sub"] = subject.into();
        (self.alter_userinfo.lock().unwrap())(&mut claims);
        if *self.signs_userinfo.lock().unwrap() {
            claims["iss"] = ISSUER.into();
            claims["aud"] = "sceau".into();
            return ("application/jwt", self.sign(json!({}), &claims).into_bytes());
        }
        ("application/json", claims.to_string().into_bytes())
    }

    fn answer(&self, ask: &Ask) -> (u16, &'static str, Vec<u8>) {
        let json = |status, value: Value| (status, "application/json", value.to_string().into_bytes());
        match ask.url.path() {
            "/keys" => json(200, self.jwks()),
            "/token" => {
                let (status, value) = self.tokens(ask.form.as_ref().unwrap());
                json(status, value)
            }
            "/userinfo" => {
                let bearer = ask.authorization.as_ref().unwrap().strip_prefix("Bearer ").unwrap().to_owned();
                let (kind, body) = self.userinfo(&bearer);
                (200, kind, body)
            }
            _ => {
                self.asked.fetch_add(1, Ordering::SeqCst);
                let at = |path: &str| format!("https://id.example.org/{path}");
                let names_itself = *self.names_itself.lock().unwrap();
                json(
                    200,
                    json!({"issuer": ISSUER, "jwks_uri": at("keys"), "authorization_endpoint": at("auth"),
                    "token_endpoint": at("token"), "userinfo_endpoint": at("userinfo"), "end_session_endpoint": at("end"),
                    "authorization_response_iss_parameter_supported": names_itself}),
                )
            }
        }
    }
}

impl Http for Double {
    fn ask(&self, ask: Ask) -> BoxFuture<'_, Result<HttpAnswer, HttpFailure>> {
        Box::pin(async move {
            if *self.away.lock().unwrap() {
                self.asked.fetch_add(1, Ordering::SeqCst);
                return Err(HttpFailure("connection refused".into()));
            }
            let (status, media_type, body) = self.answer(&ask);
            let date_ms = *self.date_ms.lock().unwrap();
            Ok(HttpAnswer { status, media_type: media_type.into(), date_ms, body })
        })
    }
}
