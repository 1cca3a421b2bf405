//! Who calls: an application whose calls are signed before the clock runs, over connections that are kept.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, ParsedPublicKey,
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair, VerificationAlgorithm,
};
use sceau_crypto::jose::jwe::{EncryptionKey, Fields};
use sceau_element_api::protect::KeyMembers;
use sceau_element_api::{ApplicationId, Base64Url};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// What an application signs with.
pub(super) enum Key {
    Es256(EcdsaKeyPair),
    /// RSA-2048.
    Rs256(RsaKeyPair),
}

impl Key {
    pub(super) fn es256() -> Result<Self, String> {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING);
        pair.map(Self::Es256).map_err(|error| error.to_string())
    }

    pub(super) fn rs256() -> Result<Self, String> {
        RsaKeyPair::generate(KeySize::Rsa2048).map(Self::Rs256).map_err(|error| error.to_string())
    }

    pub(super) fn algorithm(&self) -> &'static str {
        match self {
            Self::Es256(_) => "ES256",
            Self::Rs256(_) => "RS256",
        }
    }

    /// The public part.
    pub(super) fn jwk(&self) -> Result<KeyMembers, String> {
        let mut jwk = KeyMembers { kty: "EC".into(), crv: None, x: None, y: None, n: None, e: None };
        let public = match self {
            Self::Es256(pair) => pair.public_key().as_ref(),
            Self::Rs256(pair) => pair.public_key().as_ref(),
        };
        let part =
            |range| public.get(range).map(|part| Base64Url::from(part).encode()).ok_or("a short public key");
        if matches!(self, Self::Es256(_)) {
            // An uncompressed point.
            (jwk.crv, jwk.x, jwk.y) = (Some("P-256".into()), Some(part(1..33)?), Some(part(33..65)?));
        } else {
            // RSAPublicKey (RFC 8017 appendix A.1.1) of 2,048 bits, with the exponent 65,537.
            (jwk.kty, jwk.n, jwk.e) = ("RSA".into(), Some(part(9..265)?), Some(part(267..270)?));
        }
        Ok(jwk)
    }

    /// Its signatures that both processors verify in a second when they do nothing else.
    pub(super) fn verified_a_second(&self) -> Result<f64, String> {
        let (public, algorithm): (&[u8], &dyn VerificationAlgorithm) = match self {
            Self::Es256(pair) => (pair.public_key().as_ref(), &ECDSA_P256_SHA256_FIXED),
            Self::Rs256(pair) => (pair.public_key().as_ref(), &RSA_PKCS1_2048_8192_SHA256),
        };
        let public = ParsedPublicKey::new(algorithm, public).map_err(|error| error.to_string())?;
        // As long as a call.
        let message = [7; 700];
        let signature = self.sign(&message)?;
        let began = Instant::now();
        let count = || {
            let mut count = 0_u32;
            while began.elapsed() < Duration::from_secs(2) {
                public.verify_sig(&message, &signature).map_err(|error| error.to_string())?;
                count += 1;
            }
            Ok::<_, String>(count)
        };
        let counts = std::thread::scope(|scope| {
            [scope.spawn(count), scope.spawn(count)].map(|one| one.join().expect("a loop ends"))
        });
        let counts = counts.into_iter().sum::<Result<u32, _>>()?;
        Ok(f64::from(counts) / began.elapsed().as_secs_f64())
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, String> {
        let random = SystemRandom::new();
        match self {
            Self::Es256(pair) => pair.sign(&random, message).map(|signed| signed.as_ref().to_vec()),
            Self::Rs256(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature).map(|()| signature)
            }
        }
        .map_err(|error| error.to_string())
    }
}

/// How calls travel.
pub(super) enum Profile {
    /// As docs/protect-a-field.md has it.
    Calls,
    /// As docs/protect-by-tokens.md has it; encrypted to this key of the element, if any.
    Tokens(Option<EncryptionKey>),
}

impl Profile {
    fn typ(&self) -> &'static str {
        match self {
            Self::Calls => "sceau-protect-call",
            Self::Tokens(_) => "JWT",
        }
    }

    fn request(&self, signed: String) -> Result<Vec<u8>, String> {
        let (route, kind, call) = match self {
            Self::Calls => ("calls", "jose", signed),
            Self::Tokens(None) => ("tokens", "jwt", signed),
            Self::Tokens(Some(key)) => {
                let fields = Fields { cty: Some("JWT"), ..Fields::default() };
                let sealed = key.encrypt(&fields, signed.as_bytes());
                ("tokens", "jwt", sealed.map_err(|error| error.to_string())?)
            }
        };
        Ok(posted(route, kind, &call))
    }
}

/// A request that brings a call.
fn posted(route: &str, kind: &str, call: &str) -> Vec<u8> {
    let head = format!(
        "POST /v1/protect/{route} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/{kind}\r\ncontent-length: {}\r\n\r\n",
        call.len()
    );
    (head + call).into_bytes()
}

/// An application that is registered.
pub(super) struct Application {
    pub(super) id: ApplicationId,
    pub(super) key: Key,
    /// The log's name.
    pub(super) audience: String,
    /// The key of its session, as calls name it.
    pub(super) session: Value,
    pub(super) profile: Profile,
}

/// A datum of the application's.
pub(super) struct Owned {
    datum: Value,
    wrapped_key: Value,
}

impl Owned {
    /// What the answer to a create says.
    pub(super) fn told(answer: &[u8]) -> Result<Self, String> {
        Self::of(serde_json::from_slice(answer).map_err(|error| error.to_string())?)
    }

    /// What the answer to a batch says of each of its data, which must all be granted.
    pub(super) fn told_of_many(answer: &[u8]) -> Result<Vec<Self>, String> {
        let mut answer: Value = serde_json::from_slice(answer).map_err(|error| error.to_string())?;
        let items = answer.get_mut("items").and_then(Value::as_array_mut).ok_or("no items")?;
        let granted = |item: &mut Value| {
            let granted = item.get_mut("granted").map(Value::take);
            Self::of(granted.ok_or_else(|| format!("a datum of a batch was refused: {item}"))?)
        };
        items.iter_mut().map(granted).collect()
    }

    fn of(mut answer: Value) -> Result<Self, String> {
        let mut part = |name: &str| answer.get_mut(name).map(Value::take).ok_or(format!("no {name}"));
        let datum = part("datum")?;
        // Who opens one has the wrapped key already.
        Ok(Self { datum, wrapped_key: part("wrapped_key").unwrap_or_default() })
    }
}

impl Application {
    /// So many requests for a data key of a new datum.
    pub(super) fn creates(&self, count: usize) -> Result<Vec<Vec<u8>>, String> {
        let op = json!({"create": {"name": "Ordonnance", "tags": ["2026"], "session": self.session}});
        (0..count).map(|_| self.request(&op)).collect()
    }

    /// So many batches, each of so many new data.
    pub(super) fn batches(&self, count: usize, each: usize) -> Result<Vec<Vec<u8>>, String> {
        let data = vec![json!({"name": "Ordonnance", "tags": ["2026"]}); each];
        let op = json!({"create_many": {"session": self.session, "data": data}});
        (0..count).map(|_| Ok(posted("batches", "jose", &self.call(&op)?))).collect()
    }

    /// So many batches for the data keys of these, each for all of them.
    pub(super) fn batches_of(&self, of: &[Owned], count: usize) -> Result<Vec<Vec<u8>>, String> {
        let data: Vec<Value> =
            of.iter().map(|of| json!({"datum": of.datum, "wrapped_key": of.wrapped_key})).collect();
        let op = json!({"open_many": {"session": self.session, "data": data}});
        (0..count).map(|_| Ok(posted("batches", "jose", &self.call(&op)?))).collect()
    }

    /// So many for the data keys of these, by turns.
    pub(super) fn opens(&self, of: &[Owned], count: usize) -> Result<Vec<Vec<u8>>, String> {
        let open = |of: &Owned| json!({"open": {"datum": of.datum, "wrapped_key": of.wrapped_key, "session": self.session}});
        of.iter().cycle().take(count).map(|of| self.request(&open(of))).collect()
    }

    /// One that erases it.
    pub(super) fn erases(&self, of: &Owned) -> Result<Vec<Vec<u8>>, String> {
        Ok(vec![self.request(&json!({"erase": {"datum": of.datum}}))?])
    }

    fn request(&self, op: &Value) -> Result<Vec<u8>, String> {
        self.profile.request(self.call(op)?)
    }

    /// A signed call.
    pub(super) fn call(&self, op: &Value) -> Result<String, String> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_err(|error| error.to_string())?.as_secs();
        let id = Base64Url::from(sceau_crypto::random::<16>().as_slice()).encode();
        let claims = json!({
            "iss": self.id, "aud": self.audience, "iat": now, "exp": now + 290, "jti": id, "sub": "alice@example.org", "op": op,
        });
        let header = json!({"alg": self.key.algorithm(), "kid": "one", "typ": self.profile.typ()});
        let part = |value: &Value| Base64Url::from(value.to_string().as_bytes()).encode();
        let input = format!("{}.{}", part(&header), part(&claims));
        Ok(format!("{input}.{}", Base64Url::from(self.key.sign(input.as_bytes())?).encode()))
    }
}

/// What a load came to.
pub(super) struct Load {
    /// Calls a second, from the first to the last answer.
    pub(super) rate: f64,
    /// Milliseconds of each, from the instant that it was due.
    pub(super) times: Vec<f64>,
    /// The answers, where they were to be kept.
    pub(super) answers: Vec<Vec<u8>>,
}

/// How calls are brought.
#[derive(Clone, Copy)]
pub(super) enum Pace {
    /// Each connection brings its next one when it has its answer.
    Full,
    /// The same, and the answers are kept.
    Kept,
    /// So many a second in all, each due at an instant that no answer moves.
    Even(f64),
}

/// Brings all these requests over so many connections.
pub(super) async fn bring(
    to: SocketAddr,
    requests: Vec<Vec<u8>>,
    connections: usize,
    pace: Pace,
) -> Result<Load, String> {
    let mut open = Vec::new();
    for _ in 0..connections {
        open.push(Connection::open(to).await?);
    }
    let (count, requests) = (requests.len(), Arc::new(requests));
    let began = Instant::now();
    let all = open.into_iter().enumerate().map(|(nth, mut connection)| {
        let requests = Arc::clone(&requests);
        tokio::spawn(async move {
            let (mut times, mut answers) = (Vec::new(), Vec::new());
            for (at, request) in requests.iter().enumerate().skip(nth).step_by(connections) {
                let due = match pace {
                    Pace::Even(rate) => began + Duration::from_secs_f64(at as f64 / rate),
                    _ => Instant::now(),
                };
                if matches!(pace, Pace::Even(_)) {
                    tokio::time::sleep_until(due.into()).await;
                }
                let answer = connection.ask(request).await?;
                times.push(due.elapsed().as_secs_f64() * 1e3);
                if matches!(pace, Pace::Kept) {
                    answers.push(answer.to_vec());
                }
            }
            Ok::<_, String>((times, answers))
        })
    });
    let mut load = Load { rate: 0.0, times: Vec::with_capacity(count), answers: Vec::new() };
    for one in all.collect::<Vec<_>>() {
        let (times, answers) = one.await.map_err(|error| error.to_string())??;
        load.times.extend(times);
        load.answers.extend(answers);
    }
    load.rate = count as f64 / began.elapsed().as_secs_f64();
    Ok(load)
}

/// A connection of HTTP/1.1 that is kept.
struct Connection {
    stream: TcpStream,
    answer: Vec<u8>,
}

impl Connection {
    async fn open(to: SocketAddr) -> Result<Self, String> {
        let stream = TcpStream::connect(to).await.map_err(|error| error.to_string())?;
        drop(stream.set_nodelay(true));
        Ok(Self { stream, answer: Vec::with_capacity(4096) })
    }

    /// The body of the answer, which must be a grant.
    async fn ask(&mut self, request: &[u8]) -> Result<&[u8], String> {
        self.stream.write_all(request).await.map_err(|error| error.to_string())?;
        self.answer.clear();
        loop {
            if let Some(begins) = whole(&self.answer) {
                let (head, body) = self.answer.split_at(begins);
                let granted = head.starts_with(b"HTTP/1.1 200");
                return if granted { Ok(body) } else { Err(String::from_utf8_lossy(body).into_owned()) };
            }
            if self.stream.read_buf(&mut self.answer).await.map_err(|error| error.to_string())? == 0 {
                return Err("the connection ended".into());
            }
        }
    }
}

/// Where the body of an answer begins, once all of it is there.
fn whole(answer: &[u8]) -> Option<usize> {
    let begins = answer.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let head = std::str::from_utf8(answer.get(..begins)?).ok()?;
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "))?;
    (answer.len() >= begins + length.parse::<usize>().ok()?).then_some(begins)
}
