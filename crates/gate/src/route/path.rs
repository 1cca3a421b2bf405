//! What a path may mean to a server behind the gate: a route is chosen by that, or a request would pass by the door of another.

/// What a server of one kind does to a path.
#[derive(Clone, Copy)]
struct Manner {
    /// Resolves percent-encodings, once.
    decodes: bool,
    /// Follows dots, and drops empty segments.
    follows: bool,
    /// Takes a backslash for a slash.
    turns: bool,
    /// Drops parameters of segments.
    drops: bool,
}

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
    let decoded = decode(path).ok_or(Unreadable)?;
    let each = (1..16_u8).map(|bits| {
        let [decodes, follows, turns, drops] = [1, 2, 4, 8].map(|bit| bits & bit != 0);
        let manner = Manner { decodes, follows, turns, drops };
        manner.read(if manner.decodes { &decoded } else { path })
    });
    each.collect()
}

/// A path that does not mean the same to everybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ambiguous;

/// An encoding is no encoding, or dots lead above the root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Unreadable;

impl Manner {
    fn read(self, path: &str) -> Result<String, Unreadable> {
        let mut segments: Vec<&str> = Vec::new();
        let slashes: &[char] = if self.turns { &['/', '\\'] } else { &['/'] };
        // What stands before the first slash is nothing.
        for segment in path.split(slashes).skip(1) {
            let segment = if self.drops { segment.split(';').next().unwrap_or_default() } else { segment };
            match segment {
                "" | "." if self.follows => {}
                ".." if self.follows => drop(segments.pop().ok_or(Unreadable)?),
                plain => segments.push(plain),
            }
        }
        Ok(segments.iter().flat_map(|segment| ["/", segment]).collect())
    }
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
        ] {
            assert!(readings(path).unwrap().iter().any(|one| one == read), "{path}: {:?}", readings(path));
        }
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
