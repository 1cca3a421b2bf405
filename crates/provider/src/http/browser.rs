//! What people's browsers call: the question which keyring it is, the page that waits for the terminal, and the way back.
//!
//! Nothing is kept for who only looks: the request travels in the page, sealed for this browser. A login is of the browser that began it. Every form is of one of our own pages.

use std::time::Duration;

use axum::Json;
use axum::extract::{Path, RawQuery, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, LOCATION, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sceau_crypto::{Label, SealedBlob, random, sha256};
use sceau_element_api::KeyringId;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::places;
use super::reading::{Form, Source, accepted, cookie, is_own};
use crate::asking::{Asks, Lang, State as Asked, Whom};
use crate::logins::{Beginning, Over};
use crate::oauth::{AuthorizationRequest, ErrorCode, OAuthError, Params, Unanswerable};
use crate::pages::{self, Page, Stop, Who};
use crate::provider::{Inner, Provider};
use crate::records::Alias;

/// What tells one browser from another for as long as it runs, and the holder that one remembers.
const BROWSER: &str = "__Host-sceau-browser";
const HOLDER: &str = "__Host-sceau-holder";
/// How long a page may be looked at, and a browser remember somebody.
const PAGE: u64 = 300_000;
const REMEMBERED: u64 = 180 * 24 * 3_600;
/// How long news are waited for.
const PATIENCE: Duration = Duration::from_secs(25);

/// A request as it travels in a page.
#[derive(Serialize, Deserialize)]
struct Carried {
    params: Params,
    lang: String,
    until: u64,
}

/// Whom a browser remembers.
#[derive(Serialize, Deserialize)]
struct Remembered {
    alias: String,
    keyring: KeyringId,
    until: u64,
}

/// A browser, as its cookie names it; new where it has none.
struct Browser {
    hash: [u8; 32],
    fresh: Option<String>,
}

impl Browser {
    fn of(headers: &HeaderMap) -> Self {
        match cookie(headers, BROWSER).filter(|text| text.len() == 43) {
            Some(text) => Self { hash: sha256(text.as_bytes()), fresh: None },
            None => {
                let text = URL_SAFE_NO_PAD.encode(random::<32>());
                Self { hash: sha256(text.as_bytes()), fresh: Some(text) }
            }
        }
    }

    /// One that was here before.
    fn known(headers: &HeaderMap) -> Option<[u8; 32]> {
        let browser = Self::of(headers);
        browser.fresh.is_none().then_some(browser.hash)
    }
}

pub(super) async fn authorize(
    State(provider): State<Provider>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    asked(&provider, Params::parse(&query.unwrap_or_default()), &headers)
}

/// The same by a form (OpenID Connect Core section 3.1.2.1), from any site. A browser keeps its cookie back from a form of another site: it comes again by itself, with it.
pub(super) async fn authorize_by_form(
    State(provider): State<Provider>,
    headers: HeaderMap,
    form: Result<Form, OAuthError>,
) -> Response {
    match form {
        Ok(Form(params)) => go(&format!("{}?{}", places::AUTHORIZE, params.to_query())),
        Err(error) => asked(&provider, Err(error), &headers),
    }
}

fn asked(provider: &Provider, params: Result<Params, OAuthError>, headers: &HeaderMap) -> Response {
    let lang_of = |locales: Option<&str>| Lang::choose(locales, accepted(headers), provider.plan.lang);
    let stop = |error: &Unanswerable, lang| page(provider, lang).stop(Stop::Site(&error.to_string()));
    let params = match params {
        Ok(params) => params,
        Err(error) => return stop(&Unanswerable::Params(error), lang_of(None)),
    };
    let lang = lang_of(params.get("ui_locales"));
    let (back, asked) = match provider.server.asked(params.clone(), provider.now()) {
        Ok(read) => read,
        Err(error) => return stop(&error, lang),
    };
    match asked.and_then(|request| provider.may_be_shown(request)) {
        Err(error) => go(back.refusal(&error, provider.server.issuer()).as_str()),
        Ok((request, _)) => {
            let lang = lang_of(request.params.get("ui_locales").or(params.get("ui_locales")));
            let browser = Browser::of(headers);
            let sealed = provider.carried(params, lang, browser.hash);
            let remembered = provider.remembered(headers).filter(|_| !wants_another(&request));
            let hint = request.params.get("login_hint").unwrap_or_default();
            let who = Who {
                site: &request.client.name,
                sealed: &sealed,
                hint: if Alias::parse(hint).is_ok() || hint.parse::<KeyringId>().is_ok() { hint } else { "" },
                remembered: remembered.as_ref().map(|one| one.alias.as_str()),
                wrong: false,
            };
            let mut response = page(provider, lang).who(&who);
            if let Some(fresh) = browser.fresh {
                set(&mut response, &format!("{BROWSER}={fresh}; Path=/; Secure; HttpOnly; SameSite=Lax"));
            }
            response
        }
    }
}

fn wants_another(request: &AuthorizationRequest) -> bool {
    request.params.words("prompt").any(|word| word == "select_account")
}

/// Somebody says which keyring it is, or goes back.
pub(super) async fn begin(
    State(provider): State<Provider>,
    source: Source,
    headers: HeaderMap,
    form: Result<Form, OAuthError>,
) -> Response {
    let lang = Lang::choose(None, accepted(&headers), provider.plan.lang);
    let over = || page(&provider, lang).stop(Stop::Over);
    let (Ok(Form(form)), true, Some(browser)) =
        (form, is_own(&headers, provider.server.issuer()), Browser::known(&headers))
    else {
        return over();
    };
    let Some(sealed) = form.get("request") else { return over() };
    let Some(carried) = provider.opened(sealed, browser) else { return over() };
    let lang = Lang::parse(&carried.lang).unwrap_or(lang);
    let now = provider.now();
    let Ok((back, asked)) = provider.server.asked(carried.params.clone(), now) else { return over() };
    let (request, expected) = match asked.and_then(|request| provider.may_be_shown(request)) {
        Ok(shown) => shown,
        Err(error) => {
            let to = back.refusal(&error, provider.server.issuer());
            return page(&provider, lang).leaving(back.site(), to);
        }
    };
    if form.get("cancel").is_some() {
        let _ = provider.server.used(&carried.params, now);
        let error = OAuthError::new(ErrorCode::AccessDenied, "given up");
        let to = request.refusal(&error, provider.server.issuer());
        return page(&provider, lang).leaving(&request.client.name, to);
    }
    let remembered = provider.still_remembered(&headers).await;
    let typed = form.get("alias").unwrap_or_default().trim();
    let known = remembered.filter(|one| form.get("known").is_some() || one.alias == typed.to_lowercase());
    let (whom, asks) = match known {
        Some(one) => (Ok(Whom { hint: one.alias, keyring: Some(one.keyring) }), Asks::remembered()),
        None if Alias::parse(typed).is_err() && typed.parse::<KeyringId>().is_err() => {
            let site = request.client.name.as_str();
            let who = Who { site, sealed, hint: typed, remembered: None, wrong: true };
            return page(&provider, lang).who(&who);
        }
        None => (provider.whom(typed).await, Asks::stranger(source.0)),
    };
    let Ok(whom) = whom else { return page(&provider, lang).stop(Stop::Broken) };
    let often = || page(&provider, lang).stop(Stop::Often);
    if asks.is_stranger() && !provider.may_begin(source.0) {
        return often();
    }
    if !provider.server.used(&carried.params, now) {
        return over();
    }
    let remember = form.get("remember").is_some() || !asks.is_stranger();
    let beginning = Beginning { request, browser, whom, asks, lang, remember, expected };
    provider.login_began(beginning).map_or_else(often, |id| go(&format!("/login/{id}")))
}

pub(super) async fn login(
    State(provider): State<Provider>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    let seen = Browser::known(&headers).and_then(|browser| provider.login_seen(&id, browser));
    let Some(seen) = seen else {
        let lang = Lang::choose(None, accepted(&headers), provider.plan.lang);
        return page(&provider, lang).stop(Stop::Over);
    };
    let mut response = page(&provider, seen.lang).login(&id, &seen);
    if let Some(Over::Agreed(_, Some((alias, keyring)))) = seen.over {
        let until = provider.now() / 1000 + REMEMBERED;
        let value = provider.sealed_for_browser(&Remembered { alias, keyring, until });
        set(
            &mut response,
            &format!("{HOLDER}={value}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age={REMEMBERED}"),
        );
    }
    response
}

/// Whether it is over; the answer waits for that a while.
pub(super) async fn news(
    State(provider): State<Provider>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    let browser = Browser::known(&headers);
    let Some(mut news) = browser.and_then(|browser| provider.login_news(&id, browser)) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let ended = news.wait_for(|state| !matches!(state, Asked::Waiting));
    let over = matches!(tokio::time::timeout(PATIENCE, ended).await, Ok(_ended));
    Json(json!({ "over": over })).into_response()
}

pub(super) async fn cancel(
    State(provider): State<Provider>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    let own = is_own(&headers, provider.server.issuer());
    let browser = Browser::known(&headers).filter(|_| own);
    if browser.is_some_and(|browser| provider.login_cancelled(&id, browser)) {
        return go(&format!("/login/{id}"));
    }
    let lang = Lang::choose(None, accepted(&headers), provider.plan.lang);
    page(&provider, lang).stop(Stop::Over)
}

pub(super) async fn asset(State(provider): State<Provider>, Path(name): Path<String>) -> Response {
    let fonts = &provider.plan.fonts;
    let font = |bytes: &Option<Vec<u8>>| bytes.clone().map(|bytes| ("font/woff2", bytes));
    let found = match name.as_str() {
        "serif.woff2" => font(&fonts.serif),
        "sans.woff2" => font(&fonts.sans),
        // A program that was built without them names none.
        "fonts.css" if fonts.serif.is_none() || fonts.sans.is_none() => Some(("text/css", Vec::new())),
        name => pages::file(name).map(|(kind, text)| (kind, text.as_bytes().to_vec())),
    };
    match found {
        Some((kind, bytes)) => {
            let kept = HeaderValue::from_static("public, max-age=3600");
            ([(CONTENT_TYPE, HeaderValue::from_static(kind)), (CACHE_CONTROL, kept)], bytes).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

impl Inner {
    /// What OpenID Connect asks besides OAuth, and who it must be, where the site says so.
    fn may_be_shown(
        &self,
        request: AuthorizationRequest,
    ) -> Result<(AuthorizationRequest, Option<String>), OAuthError> {
        let wrong = |error: ErrorCode, why: &'static str| Err(OAuthError::new(error, why));
        if !["openid", "service"].iter().any(|word| request.scope.contains(*word)) {
            let words = "scope has openid or service, and the client is registered for it";
            return wrong(ErrorCode::InvalidScope, words);
        }
        if request.params.get("nonce").is_some_and(|nonce| nonce.len() > 512) {
            return wrong(ErrorCode::InvalidRequest, "nonce has at most 512 characters");
        }
        // Everybody says yes on the terminal each time: any age that is asked for holds, and nothing can be answered without them.
        request.params.number("max_age")?;
        let prompts: Vec<&str> = request.params.words("prompt").collect();
        if prompts.contains(&"none") {
            let alone = prompts.len() == 1;
            let error = if alone { ErrorCode::LoginRequired } else { ErrorCode::InvalidRequest };
            return wrong(error, "no session is kept here: people are asked each time");
        }
        let Some(hint) = request.params.get("id_token_hint") else { return Ok((request, None)) };
        let said = self.keys.said(hint).filter(|said| said["aud"] == request.client.id.as_str());
        let subject = said.as_ref().and_then(|said| said["sub"].as_str()).map(str::to_owned);
        match subject {
            Some(subject) => Ok((request, Some(subject))),
            None => wrong(
                ErrorCode::InvalidRequest,
                "id_token_hint is no ID token of this provider for this client",
            ),
        }
    }

    fn carried(&self, params: Params, lang: Lang, browser: [u8; 32]) -> String {
        let carried = Carried { params, lang: lang.as_str().to_owned(), until: self.now() + PAGE };
        let text = serde_json::to_vec(&carried).unwrap_or_default();
        let context = [b"provider/page ".as_slice(), &browser].concat();
        URL_SAFE_NO_PAD
            .encode(SealedBlob::seal(&self.of_pages, Label::StateAtRest, &context, &text).as_bytes())
    }

    fn opened(&self, sealed: &str, browser: [u8; 32]) -> Option<Carried> {
        let blob = SealedBlob::from_bytes(URL_SAFE_NO_PAD.decode(sealed).ok()?).ok()?;
        let context = [b"provider/page ".as_slice(), &browser].concat();
        let text = blob.open(&self.of_pages, Label::StateAtRest, &context).ok()?;
        let carried: Carried = serde_json::from_slice(text.expose()).ok()?;
        (self.now() < carried.until).then_some(carried)
    }

    fn sealed_for_browser(&self, remembered: &Remembered) -> String {
        let text = serde_json::to_vec(remembered).unwrap_or_default();
        let blob =
            SealedBlob::seal(self.secret.of_browsers(), Label::StateAtRest, b"provider/browser", &text);
        URL_SAFE_NO_PAD.encode(blob.as_bytes())
    }

    /// The same, as long as the directory has them under that name.
    async fn still_remembered(&self, headers: &HeaderMap) -> Option<Remembered> {
        let remembered = self.remembered(headers)?;
        let now = self.whom(&remembered.alias).await.ok()?;
        (now.keyring == Some(remembered.keyring)).then_some(remembered)
    }

    fn remembered(&self, headers: &HeaderMap) -> Option<Remembered> {
        let bytes = URL_SAFE_NO_PAD.decode(cookie(headers, HOLDER)?).ok()?;
        let blob = SealedBlob::from_bytes(bytes).ok()?;
        let text = blob.open(self.secret.of_browsers(), Label::StateAtRest, b"provider/browser").ok()?;
        let remembered: Remembered = serde_json::from_slice(text.expose()).ok()?;
        (self.now() / 1000 < remembered.until).then_some(remembered)
    }
}

fn page(provider: &Provider, lang: Lang) -> Page<'_> {
    Page { provider: &provider.plan.name, lang }
}

/// Sends a browser on; its next request is a GET.
fn go(to: &str) -> Response {
    match HeaderValue::from_str(to) {
        Ok(to) => (StatusCode::SEE_OTHER, [(LOCATION, to)]).into_response(),
        Err(_) => StatusCode::BAD_REQUEST.into_response(),
    }
}

fn set(response: &mut Response, cookie: &str) {
    if let Ok(cookie) = HeaderValue::from_str(cookie) {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
}
