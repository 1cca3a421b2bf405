//! The body of an HTTP error: a problem document (RFC 9457) with a stable code. No web framework here.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// The media type of a problem document.
pub const MEDIA_TYPE: &str = "application/problem+json";

/// A problem document (RFC 9457 section 3). `code` is what programs match on; `title` and `detail` are for people.
///
/// What a person is told never holds an internal cause, a key, a token or personal data: those stay in no document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{status} {code}: {title}")]
pub struct Problem {
    /// A URI reference for the kind of problem, `urn:sceau:problem:<code>`.
    #[serde(rename = "type")]
    pub kind: Cow<'static, str>,
    /// A short summary that does not change from one occurrence to the next.
    pub title: Cow<'static, str>,
    /// The HTTP status code.
    pub status: u16,
    /// The stable code, in snake case.
    pub code: Cow<'static, str>,
    /// What to do about this occurrence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

impl Problem {
    /// A problem with a status, a stable code and a title.
    #[must_use]
    pub fn new(status: u16, code: impl Into<Cow<'static, str>>, title: impl Into<Cow<'static, str>>) -> Self {
        let code = code.into();
        Self {
            kind: format!("urn:sceau:problem:{code}").into(),
            title: title.into(),
            status,
            code,
            detail: None,
        }
    }

    /// Adds what to do about this occurrence.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }
}

impl From<&crate::wire::Refusal> for Problem {
    /// A refusal of the element, as the platform's API answers it.
    fn from(refusal: &crate::wire::Refusal) -> Self {
        Self::new(refusal.code.http_status(), refusal.code.as_str(), refusal.code.title())
            .with_detail(refusal.detail.clone())
    }
}

/// Who must change something before asking again helps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AtFault {
    /// Whoever asks: a person, or the program that asks for them.
    Caller,
    /// The organisation that the request concerns.
    Organisation,
    /// The platform, or the element that it stands on.
    Platform,
}

impl AtFault {
    /// In words, as in `docs/problem-codes.md`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Caller => "who asks",
            Self::Organisation => "the organisation",
            Self::Platform => "the platform",
        }
    }
}

/// Makes the enum `Code`: every problem that a room answers with, each said once.
///
/// A line is: variant, code, HTTP status, [`AtFault`], title, remedy. `docs/problem-codes.md` is compared with these tables by a test.
#[macro_export]
macro_rules! problem_codes {
    ($($name:ident, $code:literal, $status:literal, $fault:ident, $title:literal, $remedy:literal;)+) => {
        /// A stable code of this room, with its status, title and remedy.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Code {
            $(#[doc = $title] $name,)+
        }

        impl Code {
            /// Every code of this room.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The code as text, in snake case.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $code,)+ }
            }

            /// The HTTP status.
            pub fn http_status(self) -> u16 {
                match self { $(Self::$name => $status,)+ }
            }

            /// Who must change something.
            pub fn at_fault(self) -> $crate::problem::AtFault {
                match self { $(Self::$name => $crate::problem::AtFault::$fault,)+ }
            }

            /// What happened, in a line.
            pub fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)+ }
            }

            /// What to do, where an occurrence says nothing more exact.
            pub fn remedy(self) -> &'static str {
                match self { $(Self::$name => $remedy,)+ }
            }

            /// The problem document.
            pub fn problem(self) -> $crate::problem::Problem {
                $crate::problem::Problem::new(self.http_status(), self.as_str(), self.title()).with_detail(self.remedy())
            }
        }

        impl From<Code> for $crate::problem::Problem {
            fn from(code: Code) -> Self {
                code.problem()
            }
        }
    };
}
