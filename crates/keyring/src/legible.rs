//! Texts that somebody approves: what is read is what is written. Judged at three doors by this one function: the service provider's, the terminal's, the element's.

use sceau_element_api::protect::is_plain;
use unicode_normalization::char::is_combining_mark;

mod look_alikes;

pub(crate) use look_alikes::one_script;
use look_alikes::{
    digits_of_one_system, is_disguised, is_unseen, joined_otherwise, joins_a_number, looks_like,
    two_directions,
};

/// The most characters of a description.
pub const MOST_CHARACTERS: usize = 4000;
/// The most lines of a description.
pub const MOST_LINES: usize = 60;
/// The most characters of a label.
const MOST_OF_LABEL: usize = 200;
/// Marks that may stand on one letter.
const MOST_MARKS: usize = 2;

/// A text is not shown to anybody, because it could be read as another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Illegible {
    /// Empty, or too long.
    #[error(
        "a description has 1 to {MOST_CHARACTERS} characters, a label 1 to {MOST_OF_LABEL}, a name 1 to 64"
    )]
    Length,
    /// Too many lines, or an empty one at its beginning or end, or two together.
    #[error("a description has at most {MOST_LINES} lines, a label one, and no run of empty lines")]
    Lines,
    /// A character that nothing shows, that turns the direction round, or a letter that is not written in its one form (NFC).
    #[error("it has characters that nothing shows or that turn the reading round, or is not in form NFC")]
    Unseen,
    /// A run of blanks, which pushes what follows out of sight, or one of an unusual width.
    #[error("it has several blanks together, at the end of a line, or of an unusual width")]
    Blanks,
    /// A word of two scripts.
    #[error(
        "a word mixes letters of two scripts, or a line letters that are read to the left with others or with digits: give each a line of its own"
    )]
    Scripts,
    /// A letter or word that looks like another.
    #[error("it has letters, digits or punctuation that look like others")]
    LooksLike,
    /// Marks piled up.
    #[error("more than {MOST_MARKS} marks stand on one letter, or one strikes it out")]
    Marks,
    /// An identity has other fields than its policy asks for.
    #[error("the identity has not exactly the fields that the policy asks for")]
    Fields,
}

impl Illegible {
    /// Stable code of this error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Length => "text_length",
            Self::Lines => "text_lines",
            Self::Unseen => "text_unseen",
            Self::Blanks => "text_blanks",
            Self::Scripts => "text_scripts",
            Self::LooksLike => "text_looks_like",
            Self::Marks => "text_marks",
            Self::Fields => "identity_fields",
        }
    }
}

/// Whether a description may be shown.
///
/// # Errors
/// [`Illegible`].
pub fn description(text: &str) -> Result<(), Illegible> {
    if text.trim().is_empty() || text.chars().count() > MOST_CHARACTERS {
        return Err(Illegible::Length);
    }
    let lines: Vec<&str> = text.split('\n').collect();
    let empty = |line: Option<&&str>| line.is_none_or(|line| line.is_empty());
    let together = lines.windows(2).any(|two| two.iter().all(|line| line.is_empty()));
    if lines.len() > MOST_LINES || empty(lines.first()) || empty(lines.last()) || together {
        return Err(Illegible::Lines);
    }
    lines.iter().try_for_each(|line| one_line(line))?;
    one_reading(text)
}

/// Whether the label of an item may be shown.
///
/// # Errors
/// [`Illegible`].
pub fn label(text: &str) -> Result<(), Illegible> {
    if text.trim().is_empty() || text.chars().count() > MOST_OF_LABEL {
        return Err(Illegible::Length);
    }
    if text.contains('\n') {
        return Err(Illegible::Lines);
    }
    one_line(text)?;
    one_reading(text)
}

/// Of the whole text: digits of two systems, or words that look like others, may stand on two lines.
fn one_reading(text: &str) -> Result<(), Illegible> {
    if looks_like(text) || !digits_of_one_system(text) { Err(Illegible::LooksLike) } else { Ok(()) }
}

fn one_line(line: &str) -> Result<(), Illegible> {
    if !is_plain(line) || line.chars().any(is_unseen) {
        return Err(Illegible::Unseen);
    }
    let wide = |c: char| c.is_whitespace() && !matches!(c, ' ' | '\u{a0}' | '\u{202f}');
    let blank = |c: char| c.is_whitespace();
    let run = line.chars().zip(line.chars().skip(1)).any(|(one, next)| blank(one) && blank(next));
    if line.chars().any(wide) || run || line.ends_with(blank) {
        return Err(Illegible::Blanks);
    }
    if line.chars().any(is_disguised) || joined_otherwise(line) || joins_a_number(line) {
        return Err(Illegible::LooksLike);
    }
    if !one_script(line) || two_directions(line) {
        return Err(Illegible::Scripts);
    }
    let mut marks = 0;
    let piled = line.chars().any(|c| {
        marks = if is_combining_mark(c) { marks + 1 } else { 0 };
        marks > MOST_MARKS || strikes_out(c)
    });
    if piled { Err(Illegible::Marks) } else { Ok(()) }
}

/// Marks that lie over the letter.
fn strikes_out(c: char) -> bool {
    matches!(c, '\u{334}'..='\u{338}' | '\u{488}'..='\u{489}' | '\u{20d0}'..='\u{20ff}')
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use serde::Deserialize;

    use super::*;

    /// What people write and what reads as something else: texts that every implementation shows or refuses alike.
    #[derive(Deserialize)]
    struct Vectors {
        descriptions: Vec<Vector>,
        labels: Vec<Vector>,
    }

    #[derive(Deserialize)]
    struct Vector {
        text: String,
        /// How many times it stands there, once unless said.
        #[serde(default = "once")]
        repeat: usize,
        /// The code of a refusal; none where it is shown.
        verdict: Option<String>,
    }

    fn once() -> usize {
        1
    }

    #[test]
    fn what_people_write_is_shown_and_what_reads_as_something_else_is_not() {
        let vectors: Vectors = serde_json::from_str(include_str!("../vectors/legible.json")).unwrap();
        assert!(vectors.descriptions.len() > 60 && vectors.labels.len() > 4);
        for Vector { text, repeat, verdict } in &vectors.descriptions {
            assert_eq!(
                description(&text.repeat(*repeat)).err().map(|why| why.code()),
                verdict.as_deref(),
                "{text:?}"
            );
        }
        for Vector { text, repeat, verdict } in &vectors.labels {
            assert_eq!(
                label(&text.repeat(*repeat)).err().map(|why| why.code()),
                verdict.as_deref(),
                "{text:?}"
            );
        }
    }
}
