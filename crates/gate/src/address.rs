//! What a path may mean to a server behind the gate: a route is chosen by that, or a request would pass by the door of another.

/// The path as the laxest of servers reads it: percent-encodings resolved once, backslashes taken for slashes, parameters of segments dropped,
/// empty segments too, dots followed. None where an encoding is no encoding, or the dots lead above the root.
pub(crate) fn meaning(path: &str) -> Option<String> {
    let decoded = decode(path)?;
    let mut segments: Vec<&str> = Vec::new();
    for segment in decoded.split(['/', '\\']) {
        match segment.split(';').next().unwrap_or_default() {
            "" | "." => {}
            ".." => drop(segments.pop()?),
            plain => segments.push(plain),
        }
    }
    Some(segments.iter().flat_map(|segment| ["/", segment]).collect())
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
    use super::*;

    #[test]
    fn what_a_server_may_read_is_what_counts() {
        for (path, read) in [
            ("/a/b", "/a/b"),
            ("/", ""),
            ("/x/../a/b", "/a/b"),
            ("/x/%2e%2E/a/b", "/a/b"),
            ("//a///b/", "/a/b"),
            ("/%61/b", "/a/b"),
            ("/x/..%2fa/b", "/a/b"),
            ("/a;v=1/b;c", "/a/b"),
            ("/x\\..\\a\\b", "/a/b"),
            ("/./a/./b", "/a/b"),
        ] {
            assert_eq!(meaning(path).as_deref(), Some(read), "{path}");
        }
        for path in ["/..", "/a/../../b", "/%2", "/%zz", "/a%00", "/%ff", "/a%0d%0ab"] {
            assert_eq!(meaning(path), None, "{path}");
        }
    }
}
