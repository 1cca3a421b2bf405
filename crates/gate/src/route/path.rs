//! What a path may mean to a server behind the gate: a route is chosen by that, or a request would pass by the door of another.

/// What a server does to a path, in whatever order, and again where another stands behind it.
const STEPS: [Step; 9] = [
    turn,
    decode_again,
    decode_but_slashes,
    follow,
    resolve,
    without_parameters,
    without_what_a_parameter_begins,
    without_host,
    without_query,
];

type Step = fn(&str) -> Result<String, Unreadable>;

/// The longest path that is read in so many ways: another that could be is none.
const LONGEST: usize = 8 << 10;

/// In how many ways a path may be read at most; one that takes more was made for that.
const WAYS: usize = 64;
/// Of how many octets these are at most, together: what a request costs before anybody knows whose it is.
const OCTETS: usize = 64 << 10;

/// Whether a route may be for this path: every server reads it as it is written, or no request could be for it and for nothing else.
pub(super) fn is_plain(path: &str) -> bool {
    let base = path.trim_end_matches('/');
    !path.contains(['?', '#', ';'])
        && readings(path).is_ok_and(|all| all.iter().all(|read| read.trim_end_matches('/') == base))
}

/// Whether a path is that of a route, or below it.
pub(super) fn is_below(base: &str, path: &str, same: fn(&str, &str) -> bool) -> bool {
    let below = |rest: &str| rest.is_empty() || rest.starts_with('/');
    path.split_at_checked(base.len()).is_some_and(|(start, rest)| same(start, base) && below(rest))
}

/// What `of` finds for a path, in each way in which it may be read: with capitals, and without.
///
/// # Errors
/// [`Ambiguous`] where that is not the same in all.
pub(super) fn agreed<T: PartialEq>(
    path: &str,
    of: impl Fn(&str, fn(&str, &str) -> bool) -> Option<T>,
) -> Result<Option<T>, Ambiguous> {
    let written = of(path, str::eq);
    let readings = readings(path).map_err(|_| Ambiguous)?;
    let mut read = readings.iter().map(String::as_str).chain([path]);
    if read.all(|path| of(path, str::eq_ignore_ascii_case) == written) { Ok(written) } else { Err(Ambiguous) }
}

/// The path as any server may read it, or any that stands behind others; nothing where all read it as it is written. Capitals stay: some tell
/// them apart.
///
/// # Errors
/// [`Unreadable`].
fn readings(path: &str) -> Result<Vec<String>, Unreadable> {
    if is_read_alike(path) {
        return Ok(Vec::new());
    }
    if path.len() > LONGEST {
        return Err(Unreadable);
    }
    decode(path).ok_or(Unreadable)?;
    let mut all = vec![path.to_owned()];
    let (mut next, mut octets) = (0, path.len());
    while let Some(one) = all.get(next).cloned() {
        next += 1;
        for step in STEPS {
            let read = step(&one)?;
            if !all.contains(&read) {
                octets += read.len();
                all.push(read);
            }
            if all.len() > WAYS || octets > OCTETS {
                return Err(Unreadable);
            }
        }
    }
    Ok(all)
}

fn is_read_alike(path: &str) -> bool {
    !path.contains(['%', '\\', ';']) && !path.contains("//") && !path.contains("/.")
}

/// A path that does not mean the same to everybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ambiguous;

/// An encoding is no encoding, or dots lead above the root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Unreadable;

/// Takes backslashes for slashes.
fn turn(path: &str) -> Result<String, Unreadable> {
    Ok(path.replace('\\', "/"))
}

/// Resolves percent-encodings once, where there is one still.
fn decode_again(path: &str) -> Result<String, Unreadable> {
    let is_digit = |octet: &u8| octet.is_ascii_hexdigit();
    let mut three = path.as_bytes().windows(3);
    let is_encoded = three.any(|it| it.first() == Some(&b'%') && it.iter().skip(1).all(is_digit));
    if is_encoded { decode(path).ok_or(Unreadable) } else { Ok(path.to_owned()) }
}

/// The same, but for slashes, which stay encoded.
fn decode_but_slashes(path: &str) -> Result<String, Unreadable> {
    let mut parts = Vec::new();
    let mut rest = path;
    while let Some(at) = rest.to_ascii_lowercase().find("%2f") {
        let (before, after) = rest.split_at_checked(at).ok_or(Unreadable)?;
        let (slash, after) = after.split_at_checked(3).ok_or(Unreadable)?;
        parts.extend([decode_again(before)?, slash.to_owned()]);
        rest = after;
    }
    parts.push(decode_again(rest)?);
    Ok(parts.concat())
}

/// Takes what begins with two slashes for an address without a scheme, as who resolves it against their own address does (RFC 3986 §4.2): what stands
/// between those and the next is a host.
fn without_host(path: &str) -> Result<String, Unreadable> {
    let Some(rest) = path.strip_prefix("//") else { return Ok(path.to_owned()) };
    let path = rest.trim_start_matches('/').split_once('/').map_or("", |(_, path)| path);
    Ok(format!("/{path}"))
}

/// Ends it where a question begins, or a fragment, or HTTP's version, which were encoded: who decodes first, or passes on what it decoded, reads no
/// further.
fn without_query(path: &str) -> Result<String, Unreadable> {
    Ok(path.split(['?', '#', ' ']).next().unwrap_or_default().to_owned())
}

/// Follows dots, and drops empty segments.
fn follow(path: &str) -> Result<String, Unreadable> {
    let mut segments: Vec<&str> = Vec::new();
    // What stands before the first slash is nothing.
    for segment in path.split('/').skip(1) {
        match segment {
            "" | "." => {}
            ".." => drop(segments.pop().ok_or(Unreadable)?),
            plain => segments.push(plain),
        }
    }
    Ok(segments.iter().flat_map(|segment| ["/", segment]).collect())
}

/// Follows dots, encoded ones too, through segments that may be empty, as RFC 3986 §5.2.4 has it and WHATWG URL after it: what Node.js does.
fn resolve(path: &str) -> Result<String, Unreadable> {
    let mut segments: Vec<&str> = Vec::new();
    for segment in path.split('/').skip(1) {
        match segment.to_ascii_lowercase().replace("%2e", ".").as_str() {
            "." => {}
            ".." => drop(segments.pop().ok_or(Unreadable)?),
            _ => segments.push(segment),
        }
    }
    Ok(segments.iter().flat_map(|segment| ["/", segment]).collect())
}

/// Drops parameters of segments.
fn without_parameters(path: &str) -> Result<String, Unreadable> {
    let bare = path.split('/').map(|segment| segment.split(';').next().unwrap_or_default());
    Ok(bare.collect::<Vec<_>>().join("/"))
}

/// Ends it at the first parameter of any segment, as Jetty did before 9.1, and filters that cut a path at its first semicolon.
fn without_what_a_parameter_begins(path: &str) -> Result<String, Unreadable> {
    Ok(path.split(';').next().unwrap_or_default().to_owned())
}

fn decode(path: &str) -> Option<String> {
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::*;

    #[test]
    fn what_a_server_may_read_is_what_counts() {
        for (path, read) in [
            ("/x/../a/b", "/a/b"),
            ("/x/%2e%2E/a/b", "/a/b"),
            ("//a///b/", "/a/b"),
            ("/%61/b", "/a/b"),
            ("/x/..%2fa/b", "/a/b"),
            ("/a;v=1/b;c", "/a/b"),
            ("/x\\..\\a\\b", "/a/b"),
            ("/./a/./b", "/a/b"),
            // Some decode and leave dots, parameters or backslashes alone.
            ("/%61/../b", "/a/../b"),
            ("/%61/..;/b", "/a/..;/b"),
            ("/%61/c\\..\\b", "/a/c\\..\\b"),
            ("/%61/c\\..\\b", "/a/b"),
            ("/%61//b", "/a//b"),
            // What an encoded slash ends for one is a parameter to its end for another, which fuzzing found.
            ("/a/x/..;.%2fy/../b", "/a/b"),
            ("/a/x/..;.%2fy/../b", "/a/x/../y/../b"),
            ("/a/x/..;.%2fy/../b", "/b"),
            ("/a%2fx/../b", "/b"),
            // What is encoded over again is decoded again by a server behind a server.
            ("/%2561/b", "/a/b"),
            ("/x/%25252e%25252e/a", "/a"),
            ("/x%5c%252e%255c../a", "/a"),
            ("/100%25/a", "/100%/a"),
            // Who resolves it against an address of its own takes the first part for a host.
            ("//x/admin", "/admin"),
            ("///x/admin", "/admin"),
            ("/\\x/admin", "/admin"),
            ("/%2fx/admin", "/admin"),
            // What was encoded ends the path for who decodes first, or passes on what it decoded.
            ("/admin%3fx", "/admin"),
            ("/admin%2523", "/admin"),
            ("/admin%20x", "/admin"),
            // To some a parameter goes on to the end, slashes and all.
            ("/x/../admin;x/../open", "/admin"),
            ("/x/../admin%3b/..", "/admin"),
            // Some keep slashes encoded, and decode the rest.
            ("/a%2fb%5c..%5cadmin", "/admin"),
            ("/a%2fb/%252e%252e/admin", "/admin"),
            // Some keep empty segments, and dots go back through them.
            ("/a//x/../../b", "/a/b"),
            ("/a//b/..", "/a"),
        ] {
            assert!(readings(path).unwrap().iter().any(|one| one == read), "{path}: {:?}", readings(path));
        }
        assert_eq!(readings(&format!("/%61{}", "a".repeat(LONGEST))), Err(Unreadable));
        for path in [
            "/..",
            "/a/../../b",
            "/%2",
            "/%zz",
            "/a%00",
            "/%ff",
            "/a%0d%0ab",
            "/100%25/%2561",
            "//a\\/..",
            "/a/%252e%252e/%252e%252e/b",
        ] {
            assert_eq!(readings(path), Err(Unreadable), "{path}");
        }
        for path in ["/", "/a/b", "/a.b/~c/", ""] {
            assert_eq!(readings(path), Ok(Vec::new()), "{path}");
        }
    }

    #[test]
    fn a_route_is_for_a_path_that_is_read_in_one_way() {
        for path in ["/", "/a/b/", "/a.b/~c", "/.well-known/x", "/a:b@c!$&'()*+,="] {
            assert!(is_plain(path), "{path}");
        }
        for path in
            ["/a//b", "/a/../b", "/a/.", "/%61", "/a%20b", "/%C3%A9", "/a;b", "/a\\b", "/a?b", "/a#b", "/%"]
        {
            assert!(!is_plain(path), "{path}");
        }
    }
}
