//! Objects as they are written (ISO 32000-1 §7.2, §7.3): read from a window of the document, which may turn out to be too short.

use crate::object::{Dictionary, Object, Reference};

/// How deep arrays and dictionaries stand in one another at most, and how many objects are read at once.
const DEPTH: usize = 64;
const MOST: usize = 500_000;
/// A number or a keyword is not longer.
const LONGEST_WORD: usize = 64;

/// Why nothing was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unread {
    /// The window ends before the object.
    Short,
    /// These bytes are not that.
    Wrong(&'static str),
}

/// A reader of a window.
#[derive(Debug)]
pub(crate) struct Parser<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Whether nothing follows the window: then its end is the object's too.
    last: bool,
    left: usize,
    /// The place of the value of `/Contents` in the outermost dictionary that was read last.
    contents: Option<(usize, usize)>,
}

pub(crate) fn is_space(octet: u8) -> bool {
    matches!(octet, 0 | 9 | 10 | 12 | 13 | 32)
}

fn is_delimiter(octet: u8) -> bool {
    matches!(octet, b'(' | b')' | b'<' | b'>' | b'[' | b']' | b'{' | b'}' | b'/' | b'%')
}

impl<'a> Parser<'a> {
    pub(crate) fn new(bytes: &'a [u8], last: bool) -> Self {
        Self { bytes, at: 0, last, left: MOST, contents: None }
    }

    /// How far it is.
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    /// Goes on from here.
    pub(crate) fn go_to(&mut self, at: usize) {
        self.at = at;
    }

    pub(crate) fn contents(&self) -> Option<(usize, usize)> {
        self.contents
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// The next byte, which must be there.
    fn next(&mut self) -> Result<u8, Unread> {
        let octet = self.peek().ok_or(Unread::Short)?;
        self.at += 1;
        Ok(octet)
    }

    /// Passes white space and comments.
    pub(crate) fn space(&mut self) {
        while let Some(octet) = self.peek() {
            if octet == b'%' {
                while self.peek().is_some_and(|octet| octet != 10 && octet != 13) {
                    self.at += 1;
                }
            } else if is_space(octet) {
                self.at += 1;
            } else {
                return;
            }
        }
    }

    /// Passes white space alone; what is next.
    pub(crate) fn blank(&mut self) -> Option<u8> {
        while self.peek().is_some_and(is_space) {
            self.at += 1;
        }
        self.peek()
    }

    /// So many bytes.
    pub(crate) fn take(&mut self, length: usize) -> Result<&'a [u8], Unread> {
        let taken = self.bytes.get(self.at..self.at.saturating_add(length)).ok_or(Unread::Short)?;
        self.at += length;
        Ok(taken)
    }

    /// The next word of regular characters; empty where none is next.
    pub(crate) fn word(&mut self) -> Result<&'a [u8], Unread> {
        self.space();
        let start = self.at;
        while self.peek().is_some_and(|octet| !is_space(octet) && !is_delimiter(octet)) {
            self.at += 1;
            if self.at - start > LONGEST_WORD {
                return Err(Unread::Wrong("a word is longer than any"));
            }
        }
        if self.peek().is_none() && !self.last {
            return Err(Unread::Short);
        }
        Ok(self.bytes.get(start..self.at).unwrap_or_default())
    }

    /// This word and no other.
    pub(crate) fn expect(&mut self, wanted: &str, what: &'static str) -> Result<(), Unread> {
        if self.word()? == wanted.as_bytes() { Ok(()) } else { Err(Unread::Wrong(what)) }
    }

    /// A number that is not negative.
    pub(crate) fn unsigned(&mut self) -> Result<u64, Unread> {
        let word = self.word()?;
        digits(word).ok_or(Unread::Wrong("a number is expected"))
    }

    /// `number generation obj`, which stands before each object of its own.
    pub(crate) fn head(&mut self) -> Result<Reference, Unread> {
        let wrong = Unread::Wrong("there is no object where one should be");
        let number =
            u32::try_from(self.unsigned().map_err(|why| if why == Unread::Short { why } else { wrong })?);
        let generation =
            u16::try_from(self.unsigned().map_err(|why| if why == Unread::Short { why } else { wrong })?);
        self.expect("obj", "there is no object where one should be")?;
        match (number, generation) {
            (Ok(number), Ok(generation)) => Ok(Reference { number, generation }),
            _ => Err(wrong),
        }
    }

    /// The next object.
    pub(crate) fn object(&mut self) -> Result<Object, Unread> {
        self.contents = None;
        self.nested(0)
    }

    fn nested(&mut self, depth: usize) -> Result<Object, Unread> {
        self.left = self.left.checked_sub(1).ok_or(Unread::Wrong("an object has too many parts"))?;
        if depth > DEPTH {
            return Err(Unread::Wrong("objects stand too deep in one another"));
        }
        self.space();
        match self.peek().ok_or(Unread::Short)? {
            b'/' => self.name().map(Object::Name),
            b'(' => self.literal().map(Object::Text),
            b'[' => self.array(depth),
            b'<' if self.bytes.get(self.at + 1) == Some(&b'<') => self.dictionary(depth),
            b'<' if self.bytes.len() > self.at + 1 => self.hexadecimal().map(Object::Text),
            b'<' => Err(Unread::Short),
            b'+' | b'-' | b'.' | b'0'..=b'9' => self.number(),
            _ => match self.word()? {
                b"true" => Ok(Object::Boolean(true)),
                b"false" => Ok(Object::Boolean(false)),
                b"null" => Ok(Object::Null),
                _ => Err(Unread::Wrong("a word stands where an object should be")),
            },
        }
    }

    fn name(&mut self) -> Result<Vec<u8>, Unread> {
        self.at += 1;
        let mut name = Vec::new();
        while let Some(octet) = self.peek() {
            if is_space(octet) || is_delimiter(octet) {
                return Ok(name);
            }
            self.at += 1;
            let escaped = self.bytes.get(self.at..self.at + 2).and_then(hex_pair);
            match (octet, escaped) {
                (b'#', Some(octet)) => {
                    name.push(octet);
                    self.at += 2;
                }
                (b'#', None) if self.bytes.len() < self.at + 2 && !self.last => return Err(Unread::Short),
                _ => name.push(octet),
            }
        }
        if self.last { Ok(name) } else { Err(Unread::Short) }
    }

    fn literal(&mut self) -> Result<Vec<u8>, Unread> {
        self.at += 1;
        let (mut text, mut open) = (Vec::new(), 1usize);
        loop {
            match self.next()? {
                b'(' => {
                    open += 1;
                    text.push(b'(');
                }
                b')' if open == 1 => return Ok(text),
                b')' => {
                    open -= 1;
                    text.push(b')');
                }
                b'\\' => self.escaped(&mut text)?,
                13 => {
                    // An end of a line is one line feed, however it is written.
                    self.at += usize::from(self.peek() == Some(10));
                    text.push(10);
                }
                octet => text.push(octet),
            }
        }
    }

    fn escaped(&mut self, text: &mut Vec<u8>) -> Result<(), Unread> {
        match self.next()? {
            b'n' => text.push(10),
            b'r' => text.push(13),
            b't' => text.push(9),
            b'b' => text.push(8),
            b'f' => text.push(12),
            10 => {}
            13 => self.at += usize::from(self.peek() == Some(10)),
            first @ b'0'..=b'7' => {
                let mut value = u32::from(first - b'0');
                for _ in 0..2 {
                    let Some(digit @ b'0'..=b'7') = self.peek() else { break };
                    value = value * 8 + u32::from(digit - b'0');
                    self.at += 1;
                }
                // A high-order overflow is ignored (§7.3.4.2).
                text.push((value & 0xff) as u8);
            }
            octet => text.push(octet),
        }
        Ok(())
    }

    fn hexadecimal(&mut self) -> Result<Vec<u8>, Unread> {
        self.at += 1;
        let (mut text, mut half) = (Vec::new(), None);
        loop {
            let octet = self.next()?;
            let digit = char::from(octet).to_digit(16).map(|digit| digit as u8);
            match (digit, half) {
                (Some(high), None) => half = Some(high),
                (Some(low), Some(high)) => {
                    text.push(high << 4 | low);
                    half = None;
                }
                (None, _) if octet == b'>' => {
                    text.extend(half.map(|high| high << 4));
                    return Ok(text);
                }
                (None, _) if is_space(octet) => {}
                (None, _) => return Err(Unread::Wrong("a hexadecimal text has other characters")),
            }
        }
    }

    fn array(&mut self, depth: usize) -> Result<Object, Unread> {
        self.at += 1;
        let mut all = Vec::new();
        loop {
            self.space();
            if self.peek().ok_or(Unread::Short)? == b']' {
                self.at += 1;
                return Ok(Object::Array(all));
            }
            all.push(self.nested(depth + 1)?);
        }
    }

    fn dictionary(&mut self, depth: usize) -> Result<Object, Unread> {
        self.at += 2;
        let (mut pairs, mut contents) = (Vec::new(), None);
        loop {
            self.space();
            match self.next()? {
                b'/' => {
                    self.at -= 1;
                    let key = self.name()?;
                    self.space();
                    let start = self.at;
                    let value = self.nested(depth + 1)?;
                    if key == b"Contents" {
                        contents = Some((start, self.at));
                    }
                    pairs.push((key, value));
                }
                b'>' if self.next()? == b'>' => {
                    if depth == 0 {
                        self.contents = contents;
                    }
                    let read = Dictionary::read(pairs);
                    return read.map(Object::Dictionary).ok_or(Unread::Wrong("a dictionary has a key twice"));
                }
                _ => return Err(Unread::Wrong("a dictionary has something else than names and values")),
            }
        }
    }

    /// A number, or a reference, which begins with one.
    fn number(&mut self) -> Result<Object, Unread> {
        let word = self.word()?;
        if let Some(number) = digits(word) {
            let after = self.at;
            if let Some(reference) = self.reference(number)? {
                return Ok(Object::Reference(reference));
            }
            self.at = after;
        }
        let wrong = Unread::Wrong("a number is not one");
        let text = std::str::from_utf8(word).map_err(|_| wrong)?;
        if let Ok(number) = text.parse() {
            return Ok(Object::Integer(number));
        }
        let plain = text.bytes().all(|octet| matches!(octet, b'+' | b'-' | b'.' | b'0'..=b'9'));
        let real = plain && text.parse::<f64>().is_ok();
        if real { Ok(Object::Real(text.to_owned())) } else { Err(wrong) }
    }

    fn reference(&mut self, number: u64) -> Result<Option<Reference>, Unread> {
        self.space();
        if !self.peek().is_none_or(|octet| octet.is_ascii_digit()) {
            return Ok(None);
        }
        let Some(generation) = digits(self.word()?) else { return Ok(None) };
        self.space();
        if self.peek().is_some_and(|octet| octet != b'R') || self.word()? != b"R" {
            return Ok(None);
        }
        let (number, generation) = (u32::try_from(number).ok(), u16::try_from(generation).ok());
        Ok(number.zip(generation).map(|(number, generation)| Reference { number, generation }))
    }
}

fn digits(word: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(word).ok()?;
    let plain = !text.is_empty() && text.bytes().all(|octet| octet.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}

fn hex_pair(two: &[u8]) -> Option<u8> {
    let mut octet = [0];
    hex::decode_to_slice(two, &mut octet).ok()?;
    let [octet] = octet;
    Some(octet)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests state what must hold")]
    use super::*;

    fn read(text: &str) -> Result<Object, Unread> {
        Parser::new(text.as_bytes(), true).object()
    }

    #[test]
    fn objects_are_read_as_the_standard_writes_them() {
        assert_eq!(read("(a\\(b\\)(c)\\101\\n\\\r\nd)"), Ok(Object::Text(b"a(b)(c)A\nd".to_vec())));
        assert_eq!(read("<48 656C6c 7>"), Ok(Object::Text(b"Hellp".to_vec())));
        assert_eq!(read("/A#20b"), Ok(Object::Name(b"A b".to_vec())));
        assert_eq!(read("12 0 R"), Ok(Object::Reference(Reference { number: 12, generation: 0 })));
        assert_eq!(read("-.5"), Ok(Object::Real("-.5".to_owned())));
        let Object::Array(all) = read("[1 2 R 3 0 R null % word\n true]").unwrap() else { panic!() };
        assert_eq!(all.len(), 4);
        let Object::Dictionary(all) = read("<</A 1/B<</C[<61>]>>>>").unwrap() else { panic!() };
        assert_eq!(all.integer("A"), Some(1));
    }

    #[test]
    fn what_is_no_object_is_refused() {
        for wrong in ["<</A 1/A 2>>", "<</A>>", "<< 1 2 >>", "word", "<zz>", "1.2.3", ")"] {
            assert!(matches!(read(wrong), Err(Unread::Wrong(_))), "{wrong}");
        }
        let deep = "[".repeat(100_000);
        assert!(matches!(read(&deep), Err(Unread::Wrong(_))));
        let many = format!("[{}]", "0 ".repeat(600_000));
        assert!(matches!(read(&many), Err(Unread::Wrong(_))));
    }

    #[test]
    fn a_window_that_is_too_short_is_told_apart() {
        let whole = b"<</A[1 0 R(x\\)y)<6162>/N#41]/Contents<00>>> ";
        for length in 0..whole.len() - 1 {
            let read = Parser::new(&whole[..length], false).object();
            assert!(read == Err(Unread::Short), "{length}: {read:?}");
        }
        let mut parser = Parser::new(whole, false);
        parser.object().unwrap();
        let (start, end) = parser.contents().unwrap();
        assert_eq!(&whole[start..end], b"<00>");
    }
}
