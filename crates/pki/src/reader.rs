//! DER as it stands in the bytes: elements, of a list perhaps millions, read one after the other and never kept.

use time::{OffsetDateTime, PrimitiveDateTime, macros::format_description};

use crate::der::tag;

/// What is left to read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a>(&'a [u8]);

/// One element.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Element<'a> {
    pub(crate) tag: u8,
    pub(crate) content: &'a [u8],
    /// With its tag and its length.
    pub(crate) whole: &'a [u8],
}

/// The bytes are not the DER that was expected here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotDer;

impl<'a> Reader<'a> {
    pub(crate) fn of(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// The tag of the next element.
    pub(crate) fn peek(self) -> Option<u8> {
        self.0.first().copied()
    }

    /// The next element (X.690 §8.1, §10.1): a tag of one octet, a definite length in the fewest octets, at most four.
    pub(crate) fn element(&mut self) -> Result<Element<'a>, NotDer> {
        let (&tag, rest) = self.0.split_first().ok_or(NotDer)?;
        let (&first, mut rest) = rest.split_first().ok_or(NotDer)?;
        if tag & 0x1f == 0x1f {
            return Err(NotDer);
        }
        let mut length = usize::from(first);
        if first >= 0x80 {
            let octets = usize::from(first & 0x7f);
            let (said, after) = rest.split_at_checked(octets).ok_or(NotDer)?;
            if !(1..=4).contains(&octets) || said.first() == Some(&0) {
                return Err(NotDer);
            }
            length = said.iter().fold(0, |length, octet| length << 8 | usize::from(*octet));
            if length < 0x80 {
                return Err(NotDer);
            }
            rest = after;
        }
        let (content, after) = rest.split_at_checked(length).ok_or(NotDer)?;
        let whole = self.0.get(..self.0.len() - after.len()).ok_or(NotDer)?;
        self.0 = after;
        Ok(Element { tag, content, whole })
    }

    pub(crate) fn expect(&mut self, tag: u8) -> Result<Element<'a>, NotDer> {
        self.element().and_then(|element| if element.tag == tag { Ok(element) } else { Err(NotDer) })
    }

    /// The next element if it has this tag.
    pub(crate) fn optional(&mut self, tag: u8) -> Result<Option<Element<'a>>, NotDer> {
        if self.peek() == Some(tag) { self.element().map(Some) } else { Ok(None) }
    }

    /// Nothing may follow.
    pub(crate) fn end(self) -> Result<(), NotDer> {
        if self.is_empty() { Ok(()) } else { Err(NotDer) }
    }

    /// The octets of an INTEGER that is not negative, without the zero that says so.
    pub(crate) fn unsigned(&mut self) -> Result<&'a [u8], NotDer> {
        let content = self.expect(tag::INTEGER)?.content;
        match content {
            [] => Err(NotDer),
            [0] => Ok(&[]),
            [0, next, ..] if *next < 0x80 => Err(NotDer),
            [0, rest @ ..] => Ok(rest),
            [first, ..] if *first >= 0x80 => Err(NotDer),
            all => Ok(all),
        }
    }

    /// A Time (RFC 5280 §5.1.2.4) in Unix milliseconds.
    pub(crate) fn time(&mut self) -> Result<u64, NotDer> {
        let element = self.element()?;
        let text = std::str::from_utf8(element.content).map_err(|_| NotDer)?;
        let form = format_description!("[year][month][day][hour][minute][second]Z");
        let whole = match (element.tag, text.get(..2).and_then(|year| year.parse::<u8>().ok())) {
            (tag::UTC_TIME, Some(50..)) => format!("19{text}"),
            (tag::UTC_TIME, Some(_)) => format!("20{text}"),
            (tag::GENERALIZED_TIME, Some(_)) => text.to_owned(),
            _ => return Err(NotDer),
        };
        let moment = PrimitiveDateTime::parse(&whole, form).map_err(|_| NotDer)?.assume_utc();
        let since = moment - OffsetDateTime::UNIX_EPOCH;
        u64::try_from(since.whole_milliseconds()).map_err(|_| NotDer)
    }
}

impl<'a> Element<'a> {
    pub(crate) fn inside(self) -> Reader<'a> {
        Reader(self.content)
    }
}

/// Gives each of these Extensions (RFC 5280 §4.1) to `act`: its number, whether it is critical, its value.
pub(crate) fn each_extension<'a, E: From<NotDer>>(
    mut extensions: Reader<'a>,
    mut act: impl FnMut(&'a [u8], bool, Reader<'a>) -> Result<(), E>,
) -> Result<(), E> {
    while !extensions.is_empty() {
        let mut extension = extensions.expect(tag::SEQUENCE)?.inside();
        let oid = extension.expect(tag::OID)?.content;
        let critical = match extension.optional(tag::BOOLEAN)?.map(|said| said.content) {
            None => false,
            Some([0xff]) => true,
            // DER leaves out what is the default.
            Some(_) => return Err(NotDer.into()),
        };
        let value = extension.expect(tag::OCTET_STRING)?.inside();
        extension.end()?;
        act(oid, critical, value)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::*;

    #[test]
    fn lengths_are_in_the_fewest_octets_and_within_the_bytes() {
        let read = |bytes: &'static [u8]| Reader::of(bytes).element().map(|element| element.content.len());
        assert_eq!(read(&[4, 1, 9]), Ok(1));
        assert_eq!(read(&[4, 0]), Ok(0));
        for bad in [
            &[4, 2, 9][..],
            &[4, 0x81, 1, 9],
            &[4, 0x80, 0, 0],
            &[4, 0x82, 0, 0x80],
            &[0x1f, 1, 0],
            &[4],
            &[],
        ] {
            assert_eq!(read(bad), Err(NotDer), "{bad:?}");
        }
    }

    #[test]
    fn numbers_are_minimal_and_not_negative() {
        let read = |bytes: &'static [u8]| Reader::of(bytes).unsigned();
        assert_eq!(read(&[2, 1, 0]), Ok(&[][..]));
        assert_eq!(read(&[2, 2, 0, 0x80]), Ok(&[0x80][..]));
        for bad in [&[2, 0][..], &[2, 1, 0x80], &[2, 2, 0, 1], &[4, 1, 1]] {
            assert_eq!(read(bad), Err(NotDer), "{bad:?}");
        }
    }

    #[test]
    fn times_are_of_this_century_and_the_last() {
        let read = |bytes: &'static [u8]| Reader::of(bytes).time();
        assert_eq!(read(b"\x17\x0d491231235959Z"), Ok(2_524_607_999_000));
        assert_eq!(read(b"\x17\x0d991231235959Z"), Ok(946_684_799_000));
        assert_eq!(read(b"\x18\x0f20500101000000Z"), Ok(2_524_608_000_000));
        for bad in [
            &b"\x17\x0d491331235959Z"[..],
            b"\x17\x0b4912312359Z",
            b"\x18\x1120500101000000.0Z",
            b"\x17\x0d501231235959Z",
        ] {
            assert_eq!(read(bad), Err(NotDer), "{bad:?}");
        }
    }
}
