//! Which route a request's path is for: where the gate says one, servers of several kinds, written here apart from the gate's own readings, must see
//! the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use url::Url;

/// The longest first, as in a gate's file; the last has no guard.
const ROUTES: [&str; 4] = ["/open/public", "/guarded", "/open", ""];

fuzz_target!(|path: &str| {
    // As HTTP has it: a path begins with a slash, and has no question mark, space or control.
    if !path.starts_with('/')
        || !path.bytes().all(|octet| octet.is_ascii_graphic() && !b"?#".contains(&octet))
    {
        return;
    }
    let Ok(found) = sceau_gate::read_path(&ROUTES, path) else { return };
    for (kind, read) in [
        ("as it is", Some(path.to_owned())),
        ("nginx", decoded(path).and_then(|path| followed(&path))),
        ("Tomcat", decoded(&without_parameters(path)).and_then(|path| followed(&path))),
        ("Tomcat, parameters late", decoded(path).and_then(|path| followed(&without_parameters(&path)))),
        ("IIS", decoded(path).and_then(|path| followed(&path.replace('\\', "/")))),
        ("a file server", followed(path)),
        ("one that decodes last", followed(path).and_then(|path| decoded(&path))),
        (
            "one that drops parameters last",
            decoded(path).and_then(|path| followed(&path)).map(|path| without_parameters(&path)),
        ),
        ("Jetty before 9.1", decoded(&before_parameters(path)).and_then(|path| followed(&path))),
        ("a filter of servlets", decoded(path).and_then(|path| followed(&before_parameters(&path)))),
        (
            "nginx before Jetty",
            decoded(path).and_then(|path| followed(&before_parameters(&followed(&path)?))),
        ),
        ("nginx before nginx", decoded(path).and_then(|path| followed(&decoded(&followed(&path)?)?))),
        (
            "nginx before Tomcat",
            decoded(path).and_then(|path| followed(&decoded(&without_parameters(&followed(&path)?))?)),
        ),
        (
            "who resolves it",
            Url::parse("http://a").and_then(|base| base.join(path)).ok().map(|url| url.path().to_owned()),
        ),
        ("who decodes before a question", decoded(path).map(|path| before_question(&path))),
        (
            "nginx, passing on what it decoded",
            decoded(path).and_then(|path| decoded(&before_question(&followed(&path)?))),
        ),
        ("a browser", Url::parse(&format!("http://a{path}")).ok().map(|url| url.path().to_owned())),
        (
            "a browser, then nginx",
            Url::parse(&format!("http://a{path}")).ok().and_then(|url| followed(&decoded(url.path())?)),
        ),
    ] {
        let Some(read) = read else { continue };
        let place = ROUTES.iter().position(|base| is_below(base, &read.to_ascii_lowercase()));
        assert_eq!(place, found, "{kind} reads {read:?} for {path:?}");
    }
});

fn before_question(path: &str) -> String {
    path.split(['?', '#', ' ']).next().unwrap_or_default().to_owned()
}

/// A parameter goes on to the end of the path.
fn before_parameters(path: &str) -> String {
    path.split(';').next().unwrap_or_default().to_owned()
}

fn is_below(base: &str, path: &str) -> bool {
    path.strip_prefix(base).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Percent-encodings resolved once.
fn decoded(path: &str) -> Option<String> {
    let mut octets = Vec::new();
    let mut rest = path.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        if *first == b'%' {
            let digits = std::str::from_utf8(after.get(..2)?).ok()?;
            octets.push(u8::from_str_radix(digits, 16).ok()?);
            rest = &after[2..];
        } else {
            octets.push(*first);
            rest = after;
        }
    }
    String::from_utf8(octets).ok()
}

/// RFC 3986 §5.2.4, one slash for several; none where dots lead above the root.
fn followed(path: &str) -> Option<String> {
    let mut out: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(out.pop()?),
            part => out.push(part),
        }
    }
    Some(format!("/{}", out.join("/")))
}

fn without_parameters(path: &str) -> String {
    path.split('/').map(|part| part.split(';').next().unwrap_or("")).collect::<Vec<_>>().join("/")
}
