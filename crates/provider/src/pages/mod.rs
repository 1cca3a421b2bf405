//! The pages on which people log in: no framework, no word from elsewhere, each usable without its script.

mod parts;
mod words;

use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use url::Url;

use crate::asking::Lang;
use crate::logins::{Over, Seen};
use parts::{Drawing, document, escape};
use words::Texts;

/// Nothing from elsewhere, nothing inline, no frame around us.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; \
    form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Whom a page speaks for, and to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Page<'a> {
    /// The provider's name.
    pub(crate) provider: &'a str,
    pub(crate) lang: Lang,
}

/// Why somebody is shown a page and not sent anywhere.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Stop<'a> {
    /// What the site asked cannot be answered; the words are for who made it.
    Site(&'a str),
    /// The page is over, or of another browser.
    Over,
    /// Too much at once.
    Often,
    /// Something of ours does not work.
    Broken,
}

/// What is asked on the first page.
#[derive(Debug)]
pub(crate) struct Who<'a> {
    pub(crate) site: &'a str,
    /// The sealed request.
    pub(crate) sealed: &'a str,
    /// Whom the site says, or who was typed.
    pub(crate) hint: &'a str,
    /// Whom this browser remembers.
    pub(crate) remembered: Option<&'a str>,
    /// What was typed is no alias.
    pub(crate) wrong: bool,
}

impl Page<'_> {
    fn texts(self) -> &'static Texts {
        Texts::of(self.lang)
    }

    /// Which keyring it is.
    pub(crate) fn who(self, who: &Who<'_>) -> Response {
        let (texts, site) = (self.texts(), escape(who.site));
        let sealed = escape(who.sealed);
        let known = who.remembered.map(|alias| {
            format!(
                "<form method=post action=/login class=known><input type=hidden name=request value=\"{sealed}\"><input type=hidden name=known value=1>\
                 <button class=wax>{} <b>{}</b></button></form><p class=or><span>{}</span></p>",
                texts.go_on_as,
                escape(alias),
                texts.or_somebody_else
            )
        });
        let wrong = if who.wrong {
            format!("<p class=error id=wrong>{}</p>", texts.alias_wrong)
        } else {
            String::new()
        };
        let described = if who.wrong {
            " aria-invalid=true aria-describedby=\"wrong help\""
        } else {
            " aria-describedby=help"
        };
        let quiet = if who.remembered.is_some() { "quiet" } else { "wax" };
        let focus = if who.remembered.is_none() { " autofocus" } else { "" };
        let body = format!(
            "<h1>{title}</h1><p class=lead>{lead}</p>{known}\
             <form method=post action=/login><input type=hidden name=request value=\"{sealed}\">\
             <label for=alias>{alias}</label>{wrong}\
             <input id=alias name=alias value=\"{hint}\" maxlength=64 required autocomplete=username autocapitalize=none spellcheck=false{focus}{described}>\
             <p class=small id=help>{help}</p>\
             <label class=tick><input type=checkbox name=remember value=1> <span>{remember} <small>{remember_small}</small></span></label>\
             <div class=acts><button class={quiet}>{ask}</button><button class=plain name=cancel value=1 formnovalidate>{back} {site}</button></div></form>",
            title = texts.log_in_to.replace("{site}", &site),
            lead = texts.lead.replace("{site}", &site),
            known = known.unwrap_or_default(),
            alias = texts.alias,
            hint = escape(who.hint),
            help = texts.alias_help.replace("{provider}", &escape(self.provider)),
            remember = texts.remember,
            remember_small = texts.remember_small,
            ask = texts.ask,
            back = texts.back_to,
        );
        let title = texts.log_in_to.replace("{site}", who.site);
        let status = if who.wrong { StatusCode::BAD_REQUEST } else { StatusCode::OK };
        self.answered(status, &title, "", &body)
    }

    /// They gave up before anybody was asked. A page, and no redirect: what a form leads to may be of our own origin alone.
    pub(crate) fn leaving(self, site: &str, to: Url) -> Response {
        self.over(site, &Over::Cancelled(to))
    }

    /// A login, as it is now.
    pub(crate) fn login(self, id: &str, seen: &Seen) -> Response {
        match &seen.over {
            None => self.waiting(id, seen),
            Some(over) => self.over(&seen.site, over),
        }
    }

    fn waiting(self, id: &str, seen: &Seen) -> Response {
        let (texts, site) = (self.texts(), escape(&seen.site));
        let body = format!(
            "<h1>{title}</h1><p class=lead>{lead}</p>{drawing}<p class=compare>{compare}</p><p class=warn>{warn}</p>\
             <p class=small id=news role=status>{waits} <span id=left></span></p>\
             <form method=post action=/login/{id}/cancel><div class=acts><button class=plain>{cancel}</button></div></form>",
            title = texts.look,
            lead = texts.look_lead.replace("{site}", &site),
            drawing = Drawing::Waiting(&seen.number).svg(&texts.drawing.replace("{number}", &seen.number)),
            compare = texts.compare,
            warn = texts.warn,
            waits = texts.waits,
            cancel = texts.cancel,
        );
        let head = format!(
            "<noscript><meta http-equiv=refresh content=4></noscript><script src=/assets/login.js defer data-news=/login/{id}/state data-left={} \
             data-words=\"{}\"></script>",
            seen.left,
            escape(texts.left)
        );
        self.answered(StatusCode::OK, texts.look, &head, &body)
    }

    fn over(self, site: &str, over: &Over) -> Response {
        let (texts, site) = (self.texts(), escape(site));
        let (title, words, to, drawing, at_once) = match over {
            Over::Agreed(to, _) => (texts.agreed, texts.agreed_words, to, Drawing::Agreed, true),
            Over::Refused(to) => (texts.refused, texts.refused_words, to, Drawing::Refused, false),
            Over::Silent(to) => (texts.silent, texts.silent_words, to, Drawing::Silent, false),
            Over::Cancelled(to) => (texts.cancelled, texts.cancelled_words, to, Drawing::Silent, true),
            Over::Other(to) => (texts.other, texts.other_words, to, Drawing::Refused, false),
            Over::Away(to) => (texts.away, texts.away_words, to, Drawing::Silent, false),
        };
        let to = escape(to.as_str());
        let head =
            if at_once { format!("<meta http-equiv=refresh content=\"0;url={to}\">") } else { String::new() };
        let class = if matches!(over, Over::Agreed(..)) { "wax" } else { "quiet" };
        let body = format!(
            "<h1>{title}</h1>{drawing}<p class=lead>{words}</p><div class=acts><a class=\"button {class}\" href=\"{to}\">{back} {site}</a></div>",
            drawing = drawing.svg(""),
            words = words.replace("{site}", &site),
            back = texts.back_to,
        );
        self.answered(StatusCode::OK, title, &head, &body)
    }

    /// There is nowhere to go back to.
    pub(crate) fn stop(self, stop: Stop<'_>) -> Response {
        let texts = self.texts();
        let (status, title, words) = match stop {
            Stop::Site(_) => (StatusCode::BAD_REQUEST, texts.stop_site, texts.stop_site_words),
            Stop::Over => (StatusCode::BAD_REQUEST, texts.stop_over, texts.stop_over_words),
            Stop::Often => (StatusCode::TOO_MANY_REQUESTS, texts.stop_often, texts.stop_often_words),
            Stop::Broken => (StatusCode::SERVICE_UNAVAILABLE, texts.away, texts.away_words),
        };
        let why = match stop {
            Stop::Site(why) => format!("<p class=\"small mono\">{}</p>", escape(why)),
            _ => String::new(),
        };
        let body = format!("<h1>{title}</h1>{}<p class=lead>{words}</p>{why}", Drawing::Silent.svg(""));
        self.answered(status, title, "", &body)
    }

    fn answered(self, status: StatusCode, title: &str, head: &str, body: &str) -> Response {
        let text = document(self.lang.as_str(), title, self.provider, head, body);
        let mut response = (status, text).into_response();
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        response
    }
}

/// A file of the pages: its media type and text.
pub(crate) fn file(name: &str) -> Option<(&'static str, &'static str)> {
    const STYLE: &str = "text/css; charset=utf-8";
    Some(match name {
        "fonts.css" => (STYLE, include_str!("fonts.css")),
        "login.css" => (STYLE, include_str!("login.css")),
        // The colours and sizes of every page of the house.
        "tokens.css" => (STYLE, include_str!("../../../../web/shared/src/tokens.css")),
        "login.js" => ("text/javascript; charset=utf-8", include_str!("login.js")),
        "sceau.svg" => ("image/svg+xml", include_str!("../../../../web/keys/public/sceau.svg")),
        _ => return None,
    })
}

/// The headers that hold every answer to itself.
pub(crate) fn harden(mut response: Response) -> Response {
    let headers = response.headers_mut();
    for (name, value) in [
        (CONTENT_SECURITY_POLICY, POLICY),
        (HeaderName::from_static("x-content-type-options"), "nosniff"),
        (HeaderName::from_static("x-frame-options"), "DENY"),
        // Forms tell their origin, which `no-referrer` would take from them; no other site is told an address.
        (HeaderName::from_static("referrer-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (HeaderName::from_static("permissions-policy"), "camera=(), microphone=(), geolocation=()"),
        (HeaderName::from_static("strict-transport-security"), "max-age=31536000"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}
