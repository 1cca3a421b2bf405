//! What a path may mean to a server behind the gate: a route is chosen by that, or a request would pass by the door of another.

mod steps;

use std::borrow::Cow;

use steps::{STEPS, Unreadable, decode, has_another_encoding};

/// The longest path that is read in so many ways: another that could be is none.
const LONGEST: usize = 8 << 10;

/// In how many ways a path may be read at most; one that takes more was made for that.
const WAYS: usize = 64;
/// Of how many octets these are at most, together, so that each step looks at no more: what a request costs before anybody knows whose it is. Over HTTP/2 a
/// path that was sent once costs its sender an octet.
const OCTETS: usize = 16 << 10;

/// Whether a route may be for this path: every server reads it as it is written, or no request could be for it and for nothing else.
pub(super) fn is_plain(path: &str) -> bool {
    let base = path.trim_end_matches('/');
    path.is_ascii()
        && !path.contains(['?', '#', ';'])
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
    let is_same = |path: &str| of(path, str::eq_ignore_ascii_case) == written;
    let readings = readings(path).map_err(|_| Ambiguous)?;
    let mut read = readings.iter().map(String::as_str).chain([path]);
    // Of other letters, some are capitals or small letters of ASCII's: the Kelvin sign, the long s.
    if read.all(|path| {
        is_same(path) && (path.is_ascii() || is_same(&path.to_lowercase()) && is_same(&path.to_uppercase()))
    }) {
        Ok(written)
    } else {
        Err(Ambiguous)
    }
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
        if has_another_encoding(&one) {
            return Err(Unreadable);
        }
        for step in STEPS {
            let Cow::Owned(read) = step(&one)? else { continue };
            if all.contains(&read) {
                continue;
            }
            octets += read.len();
            if all.len() >= WAYS || octets > OCTETS {
                return Err(Unreadable);
            }
            all.push(read);
        }
    }
    Ok(all)
}

fn is_read_alike(path: &str) -> bool {
    let has_odd_dots =
        || path.contains('.') && (path.contains("/.") || path.contains("./") || path.ends_with('.'));
    !path.contains(['%', '\\', ';']) && !path.contains("//") && !has_odd_dots()
}

/// A path that does not mean the same to everybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ambiguous;

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
            // Windows drops dots and spaces at the end of a file's name.
            ("/admin./x", "/admin/x"),
            ("/x/.%2e%20/admin", "/admin"),
            ("/admin%20./x.", "/admin/x"),
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
            // What IIS decodes, behind who decodes before it.
            "/x/%25u002e%25u002e/admin",
        ] {
            assert_eq!(readings(path), Err(Unreadable), "{path}");
        }
        for path in ["/", "/a/b", "/a.b/~c/", ""] {
            assert_eq!(readings(path), Ok(Vec::new()), "{path}");
        }
    }

    /// Whoever sends a path once over HTTP/2 has it judged again for an octet: each reading is looked at once by each step, and they are few and short together.
    #[test]
    fn what_a_path_costs_is_bounded_whatever_stands_in_it() {
        let mut most = 0;
        for path in [
            format!("/a{}", "%2f".repeat(2_700)),
            format!("/%252561{}", "%2f".repeat(1_325)),
            format!("/%61%255c%61%2e;{}", "/.%2f;".repeat(660)),
            format!("/a%5c%61%2e;{}", "/.%2f;b%20/../c".repeat(60)),
            format!("/%61/{}", "./x%3b/%252e%252e/".repeat(400)),
            format!("/%61{}", "/a".repeat(2_000)),
        ] {
            if let Ok(all) = readings(&path) {
                let octets = STEPS.len() * all.iter().map(String::len).sum::<usize>();
                assert!(all.len() <= 64 && octets <= 160 << 10, "{octets} octets for {}", path.len());
                most = most.max(octets);
            }
        }
        assert!(most > 64 << 10, "long paths that mean little are read: {most}");
        let long = format!("/studies/{}/S%C3%A9rie%20{}", "1.2.840".repeat(200), "x".repeat(2_000));
        assert!(readings(&long).is_ok_and(|all| all.len() > 1), "and so are honest ones");
    }

    #[test]
    fn capitals_of_no_ascii_letter_are_capitals_too() {
        let routes = ["/sas", "/kv", ""];
        let of = |path: &str, same: fn(&str, &str) -> bool| {
            routes.iter().position(|base| is_below(base, path, same))
        };
        for path in ["/%E2%84%AAv/x", "/%C5%BFas/x", "/SA%C5%BF"] {
            assert_eq!(agreed(path, of), Err(Ambiguous), "{path}");
        }
        for (path, route) in [("/donn%C3%A9es", 2), ("/sas/%C5%BF", 0), ("/kv/%E2%84%AA", 1)] {
            assert_eq!(agreed(path, of), Ok(Some(route)), "{path}");
        }
    }

    #[test]
    fn a_route_is_for_a_path_that_is_read_in_one_way() {
        for path in ["/", "/a/b/", "/a.b/~c", "/.well-known/x", "/a:b@c!$&'()*+,="] {
            assert!(is_plain(path), "{path}");
        }
        for path in [
            "/a//b",
            "/a/../b",
            "/a/.",
            "/a.",
            "/a./b",
            "/données",
            "/%61",
            "/a%20b",
            "/%C3%A9",
            "/a;b",
            "/a\\b",
            "/a?b",
            "/a#b",
            "/%",
        ] {
            assert!(!is_plain(path), "{path}");
        }
    }
}
