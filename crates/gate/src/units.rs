//! Lengths of time, sizes and hours as people write them.

use std::time::Duration;

use serde::{Deserialize, Deserializer, de::Error as _};

/// `90s`, `15m`, `48h` or `2d`, and never nought: nothing can be done within no time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span(pub(crate) Duration);

/// The same, or `0s`: at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Spread(pub(crate) Duration);

/// `512 KiB`, `64 MiB` or `2 GiB`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Size(pub(crate) u64);

/// `07:00`, since midnight UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hour(pub(crate) Duration);

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let Spread(duration) = Spread::deserialize(from)?;
        if duration.is_zero() {
            return Err(D::Error::custom("no time at all is too little: write it 90s, 15m, 48h or 2d"));
        }
        Ok(Self(duration))
    }
}

impl<'de> Deserialize<'de> for Spread {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        let read = with_unit(&text, &[("s", 1), ("m", 60), ("h", 3600), ("d", 86_400)]);
        read.map(|it| Self(Duration::from_secs(it)))
            .ok_or_else(|| D::Error::custom("write it 90s, 15m, 48h or 2d"))
    }
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        let read = with_unit(&text, &[("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)]);
        read.map(Self).ok_or_else(|| D::Error::custom("write it 512 KiB, 64 MiB or 2 GiB"))
    }
}

impl<'de> Deserialize<'de> for Hour {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        let read = text.split_once(':').and_then(|(hours, minutes)| {
            let (hours, minutes) = (digits(hours)?, digits(minutes)?);
            (hours < 24 && minutes < 60).then(|| Duration::from_secs(hours * 3600 + minutes * 60))
        });
        read.map(Self).ok_or_else(|| D::Error::custom("write it 07:00 (UTC)"))
    }
}

fn with_unit(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let (unit, times) = units.iter().find(|(unit, _)| text.ends_with(unit))?;
    digits(text.strip_suffix(unit)?.trim_end())?.checked_mul(*times)
}

/// A number of at most nine digits.
fn digits(text: &str) -> Option<u64> {
    let plain = (1..=9).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    if plain { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::*;

    fn read<T: for<'a> Deserialize<'a>>(text: &str) -> Option<T> {
        serde_json::from_value(serde_json::Value::from(text)).ok()
    }

    #[test]
    fn what_people_write_is_read_and_nothing_else() {
        for (text, seconds) in [("90s", 90), ("15m", 900), ("48h", 172_800), ("2d", 172_800)] {
            assert_eq!(read::<Span>(text).unwrap().0.as_secs(), seconds, "{text}");
            assert_eq!(read::<Spread>(text).unwrap().0.as_secs(), seconds, "{text}");
        }
        for (text, octets) in [("64 MiB", 64 << 20), ("512KiB", 512 << 10), ("2 GiB", 2 << 30)] {
            assert_eq!(read::<Size>(text).unwrap().0, octets, "{text}");
        }
        assert_eq!(read::<Hour>("07:30").unwrap().0.as_secs(), 27_000);
        for nought in ["0s", "0h", "00d"] {
            assert!(read::<Span>(nought).is_none(), "{nought}");
            assert!(read::<Spread>(nought).unwrap().0.is_zero(), "{nought}");
        }
        for text in ["", "h", "-1h", "1", "1w", "1.5h", "+1h", "99999999999s", "7:0:0", "24:00", "é"] {
            assert!(read::<Span>(text).is_none(), "{text}");
            assert!(read::<Size>(text).is_none() && read::<Hour>(text).is_none(), "{text}");
        }
    }
}
