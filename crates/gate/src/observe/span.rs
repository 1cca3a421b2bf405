//! Where a request stands in a trace (W3C Trace Context, <https://www.w3.org/TR/trace-context/>). Pure but for the numbers that it draws.

use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use uuid::Uuid;

const PARENT: HeaderName = HeaderName::from_static("traceparent");
const STATE: HeaderName = HeaderName::from_static("tracestate");

/// One request's part of a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) trace: u128,
    pub(crate) id: u64,
    /// None: the trace begins here.
    pub(crate) parent: Option<u64>,
    /// Whether whoever began it wants it recorded.
    pub(crate) sampled: bool,
}

impl Span {
    /// Goes on with the trace that the request belongs to, else begins one; the service behind is told of this span.
    pub(crate) fn take(headers: &mut HeaderMap) -> Self {
        let mut said = headers.get_all(PARENT).iter();
        let parent = match (said.next(), said.next()) {
            (Some(one), None) => one.to_str().ok().and_then(read),
            _ => None,
        };
        let id = Uuid::new_v4().as_u64_pair().0;
        let span = match parent {
            Some((trace, parent, sampled)) => Self { trace, id, parent: Some(parent), sampled },
            None => {
                // It belonged to what could not be read (§3.3).
                headers.remove(STATE);
                Self { trace: Uuid::new_v4().as_u128(), id, parent: None, sampled: true }
            }
        };
        if let Ok(value) = HeaderValue::from_str(&span.to_string()) {
            headers.insert(PARENT, value);
        }
        span
    }
}

impl std::fmt::Display for Span {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "00-{:032x}-{:016x}-{:02x}", self.trace, self.id, u8::from(self.sampled))
    }
}

/// Trace, parent and whether it is sampled (§3.2.2; of a later version, what this one knows of it: §4).
fn read(text: &str) -> Option<(u128, u64, bool)> {
    let mut fields = text.splitn(5, '-');
    let mut field = |length: usize| {
        let field = fields.next().filter(|field| field.len() == length)?;
        let is_lower = field.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
        is_lower.then_some(field)
    };
    let (version, trace, parent, flags) = (field(2)?, field(32)?, field(16)?, field(2)?);
    if version == "ff" || (version == "00" && fields.next().is_some()) {
        return None;
    }
    let trace = u128::from_str_radix(trace, 16).ok().filter(|trace| *trace > 0)?;
    let parent = u64::from_str_radix(parent, 16).ok().filter(|parent| *parent > 0)?;
    Some((trace, parent, u8::from_str_radix(flags, 16).ok()? & 1 == 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn headers(said: &[&'static str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(STATE, HeaderValue::from_static("congo=t61rcWkgMzE"));
        said.iter().for_each(|said| {
            headers.append(PARENT, HeaderValue::from_static(said));
        });
        headers
    }

    #[test]
    fn a_trace_goes_on() {
        let mut headers = headers(&[GOOD]);
        let span = Span::take(&mut headers);
        assert_eq!(
            (span.trace, span.parent),
            (0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736, Some(0x00f0_67aa_0ba9_02b7))
        );
        assert!(span.sampled && span.id != 0);
        let said = headers.get(PARENT).and_then(|said| said.to_str().ok()).map(str::to_owned);
        assert_eq!(said, Some(format!("00-4bf92f3577b34da6a3ce929d0e0e4736-{:016x}-01", span.id)));
        assert!(headers.contains_key(STATE), "it is the trace's, and goes along");
    }

    #[test]
    fn what_is_no_parent_begins_a_trace() {
        for said in [
            &[][..],
            &[GOOD, GOOD],
            &["00-00000000000000000000000000000000-00f067aa0ba902b7-01"],
            &["00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01"],
            &["00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01"],
            &["00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more"],
            &["ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"],
            &["00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7"],
            &["00-+bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"],
            &[""],
        ] {
            let mut headers = headers(said);
            let span = Span::take(&mut headers);
            assert!(span.parent.is_none() && span.sampled, "{said:?}");
            assert_eq!(headers.get_all(PARENT).iter().count(), 1, "{said:?}");
            assert!(!headers.contains_key(STATE), "{said:?}");
        }
    }

    #[test]
    fn a_later_version_is_read_as_far_as_it_is_known_and_what_is_not_wanted_is_not_sampled() {
        let later = "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what-will-be";
        assert!(read(later).is_some_and(|(_, _, sampled)| sampled));
        assert!(read(&GOOD.replace("-01", "-00")).is_some_and(|(_, _, sampled)| !sampled));
    }
}
