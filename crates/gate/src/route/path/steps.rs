//! What servers do to a path, each by itself.

use std::borrow::Cow;

/// What a server does to a path, in whatever order, and again where another stands behind it. Each looks at a path once: what it costs is its length.
pub(super) const STEPS: [Step; 10] = [
    turn,
    decode_again,
    decode_but_slashes,
    follow,
    resolve,
    without_parameters,
    without_what_a_parameter_begins,
    without_host,
    without_query,
    without_ends,
];

type Step = fn(&str) -> Result<Cow<'_, str>, Unreadable>;

/// An encoding is no encoding, or dots lead above the root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unreadable;

/// Takes backslashes for slashes.
fn turn(path: &str) -> Result<Cow<'_, str>, Unreadable> {
    Ok(if path.contains('\\') { path.replace('\\', "/").into() } else { path.into() })
}

/// Resolves percent-encodings once, where there is one still.
fn decode_again(path: &str) -> Result<Cow<'_, str>, Unreadable> {
    let is_digit = |octet: &u8| octet.is_ascii_hexdigit();
    let mut three = path.as_bytes().windows(3);
    let is_encoded = three.any(|it| it.first() == Some(&b'%') && it.iter().skip(1).all(is_digit));
    if is_encoded { decode(path).map(Cow::Owned).ok_or(Unreadable) } else { Ok(path.into()) }
}

/// The same, but for slashes, which stay encoded.
fn decode_but_slashes(path: &str) -> Result<Cow<'_, str>, Unreadable> {
    let mut read = String::new();
    let mut from = 0;
    for (at, three) in path.as_bytes().windows(3).enumerate() {
        if three.eq_ignore_ascii_case(b"%2f") {
            let after = at + three.len();
            read.push_str(&decode_again(path.get(from..at).ok_or(Unreadable)?)?);
            read.push_str(path.get(at..after).ok_or(Unreadable)?);
            from = after;
        }
    }
    if from == 0 {
        return decode_again(path);
    }
    read.push_str(&decode_again(path.get(from..).ok_or(Unreadable)?)?);
    Ok(changed(path, read))
}

/// Takes what begins with two slashes for an address without a scheme, as who resolves it against their own address does (RFC 3986 §4.2): what stands
/// between those and the next is a host.
fn without_host(path: &str) -> Result<Cow<'_, str>, Unreadable> {
    let Some(rest) = path.strip_prefix("//") else { return Ok(path.into()) };
    let path = rest.trim_start_matches('/').split_once('/').map_or("", |(_, path)| path);
    Ok(format!("/{path}").into())
}

/// Ends it where a question begins, or a fragment, or HTTP's version, which were encoded: who decodes first, or passes on what it decoded, reads no
/// further.
fn without_query(path: &str) -> Result<Cow<'_, str>, Unreadable> {
    Ok(up_to(path, &['?', '#', ' ']))
}

/// Follows dots, and drops empty segments.
fn follow(path: &str) -> Result<Cow<'_, str>, Unreadable> {
    let mut segments: Vec<&str> = Vec::new();
    // What stands before the first slash is nothing.
    for segment in path.split('/').skip(1) {
        match segment {
            "" | "." => {}
            ".." => drop(segments.pop().ok_or(Unreadable)?),
            plain => segments.push(plain),
        }
    }
    Ok(changed(path, joined(&segments)))
}

/// Follows dots, encoded ones too, through segments that may be empty, as RFC 3986 §5.2.4 has it and WHATWG URL after it: what Node.js does.
fn resolve(path: &str) -> Result<Cow<'_, str>, Unreadable> {
    let mut segments: Vec<&str> = Vec::new();
    for segment in path.split('/').skip(1) {
        match dots(segment) {
            Some(1) => {}
            Some(2) => drop(segments.pop().ok_or(Unreadable)?),
            _ => segments.push(segment),
        }
    }
    Ok(changed(path, joined(&segments)))
}

/// How many dots a segment is, some of them encoded perhaps, where it is nothing else.
fn dots(segment: &str) -> Option<usize> {
    let mut rest = segment.as_bytes();
    let mut count = 0;
    while let Some((first, after)) = rest.split_first() {
        rest = match first {
            b'.' => after,
            b'%' => after.split_at_checked(2).filter(|(digits, _)| digits.eq_ignore_ascii_case(b"2e"))?.1,
            _ => return None,
        };
        count += 1;
    }
    Some(count)
}

/// Drops parameters of segments.
fn without_parameters(path: &str) -> Result<Cow<'_, str>, Unreadable> {
    if !path.contains(';') {
        return Ok(path.into());
    }
    let bare = path.split('/').map(|segment| segment.split(';').next().unwrap_or_default());
    Ok(bare.collect::<Vec<_>>().join("/").into())
}

/// Ends it at the first parameter of any segment, as Jetty did before 9.1, and filters that cut a path at its first semicolon.
fn without_what_a_parameter_begins(path: &str) -> Result<Cow<'_, str>, Unreadable> {
    Ok(up_to(path, &[';']))
}

/// Drops dots and spaces at the ends of segments, as Windows does where a path is a file's.
fn without_ends(path: &str) -> Result<Cow<'_, str>, Unreadable> {
    let bare = path.split('/').map(|segment| match segment.trim_end_matches(' ') {
        dots @ ("." | "..") => dots,
        plain => plain.trim_end_matches(['.', ' ']),
    });
    Ok(changed(path, bare.collect::<Vec<_>>().join("/")))
}

fn joined(segments: &[&str]) -> String {
    segments.iter().flat_map(|segment| ["/", segment]).collect()
}

fn up_to<'a>(path: &'a str, ends: &[char]) -> Cow<'a, str> {
    path.split_once(ends).map_or(path.into(), |(before, _)| before.to_owned().into())
}

fn changed(path: &str, read: String) -> Cow<'_, str> {
    if read == path { path.into() } else { read.into() }
}

/// Whether it has an encoding that is none of HTTP's, and that IIS resolves (`%u002e`).
pub(super) fn has_another_encoding(path: &str) -> bool {
    path.as_bytes().windows(6).any(|it| match it {
        [b'%', b'u' | b'U', digits @ ..] => digits.iter().all(u8::is_ascii_hexdigit),
        _ => false,
    })
}

pub(super) fn decode(path: &str) -> Option<String> {
    let mut octets = Vec::with_capacity(path.len());
    let mut rest = path.bytes();
    while let Some(octet) = rest.next() {
        octets.push(match octet {
            b'%' => {
                let digits = [rest.next()?, rest.next()?];
                let [high, low] = digits.map(|digit| char::from(digit).to_digit(16));
                u8::try_from(high? << 4 | low?).ok()?
            }
            plain => plain,
        });
    }
    String::from_utf8(octets).ok().filter(|decoded| !decoded.chars().any(char::is_control))
}
