//! What a path may mean to a server behind the gate: a route is chosen by that, or a request would pass by the door of another.

/// What a server does to a path.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// Resolves percent-encodings, once.
    Decode,
    /// Follows dots, and drops empty segments.
    Follow,
    /// Follows dots, encoded ones too, through segments that may be empty, as RFC 3986 §5.2.4 has it and WHATWG URL after it: what Node.js does.
    Resolve,
    /// Drops parameters of segments.
    Drop,
}

/// The longest path that is read in so many ways: another that could be is none.
const LONGEST: usize = 8 << 10;

/// The orders in which servers take some of these steps: Tomcat drops parameters before it decodes, and others after.
const ORDERS: [&[Step]; 16] = {
    use Step::{Decode, Drop, Follow};
    [
        &[],
        &[Decode],
        &[Follow],
        &[Drop],
        &[Decode, Follow],
        &[Follow, Decode],
        &[Decode, Drop],
        &[Drop, Decode],
        &[Follow, Drop],
        &[Drop, Follow],
        &[Decode, Follow, Drop],
        &[Decode, Drop, Follow],
        &[Follow, Decode, Drop],
        &[Follow, Drop, Decode],
        &[Drop, Decode, Follow],
        &[Drop, Follow, Decode],
    ]
};

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

/// The path as each kind of server may read it; nothing where all read it as it is written. Capitals stay: some tell them apart.
///
/// # Errors
/// [`Unreadable`].
fn readings(path: &str) -> Result<Vec<String>, Unreadable> {
    let is_plain = !path.contains(['%', '\\', ';']) && !path.contains("//") && !path.contains("/.");
    if is_plain {
        return Ok(Vec::new());
    }
    if path.len() > LONGEST {
        return Err(Unreadable);
    }
    let mut all = Vec::new();
    // Some take a backslash for a slash; some resolve the address before they look at its path, or in the place of following it.
    for (turns, first) in [(false, &[][..]), (true, &[]), (false, &[Step::Resolve]), (true, &[Step::Resolve])]
    {
        let begun = read(path, first, turns)?;
        for order in ORDERS {
            all.push(read(&begun, order, turns)?);
            if order.iter().any(|step| matches!(step, Step::Follow)) {
                let strictly = order.iter().map(|step| match step {
                    Step::Follow => Step::Resolve,
                    other => *other,
                });
                all.push(read(&begun, &strictly.collect::<Vec<_>>(), turns)?);
            }
        }
    }
    Ok(all)
}

/// A path that does not mean the same to everybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ambiguous;

/// An encoding is no encoding, or dots lead above the root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Unreadable;

fn read(path: &str, order: &[Step], turns: bool) -> Result<String, Unreadable> {
    let turned = |path: String| if turns { path.replace('\\', "/") } else { path };
    let taken = order.iter().try_fold(turned(path.to_owned()), |path, step| {
        Ok(turned(match step {
            Step::Decode => decode(&path).ok_or(Unreadable)?,
            Step::Follow => follow(&path)?,
            Step::Resolve => resolve(&path)?,
            Step::Drop => without_parameters(&path),
        }))
    })?;
    Ok(taken)
}

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

fn without_parameters(path: &str) -> String {
    let bare = path.split('/').map(|segment| segment.split(';').next().unwrap_or_default());
    bare.collect::<Vec<_>>().join("/")
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
            // Some keep empty segments, and dots go back through them.
            ("/a//x/../../b", "/a/b"),
            ("//a\\/..", "/a"),
        ] {
            assert!(readings(path).unwrap().iter().any(|one| one == read), "{path}: {:?}", readings(path));
        }
        assert_eq!(readings(&format!("/%61{}", "a".repeat(LONGEST))), Err(Unreadable));
        for path in ["/..", "/a/../../b", "/%2", "/%zz", "/a%00", "/%ff", "/a%0d%0ab"] {
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
