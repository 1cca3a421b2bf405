//! Cases that have one spelling in JSON, in records and on the command line.

/// The stable spelling of each case, and how it is read.
macro_rules! words {
    ($($name:ident { $($case:ident = $word:literal),+ $(,)? })+) => {$(
        impl $name {
            /// The stable spelling, as in JSON and in records.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$case => $word),+ }
            }
        }

        impl std::str::FromStr for $name {
            type Err = crate::MalformedId;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text {
                    $($word => Ok(Self::$case),)+
                    _ => Err(crate::MalformedId(concat!("one of:" $(, " ", $word)+))),
                }
            }
        }
    )+};
}

pub(super) use words;
