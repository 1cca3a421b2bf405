//! Texts for people that are what they seem: no character in them is unseen, and none is written in two ways.

use unicode_normalization::is_nfc;

/// Whether no character of a text turns the reading direction round or is of the category Cf (Unicode Standard Annex #9), the joiners apart.
///
/// It is asked of free text, and of nothing that names.
#[must_use]
pub(crate) fn is_legible(text: &str) -> bool {
    let hides = |c: char| {
        matches!(c,
            '\u{ad}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}' | '\u{890}'..='\u{891}' | '\u{8e2}' | '\u{180e}'
            | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}' | '\u{110bd}' | '\u{110cd}' | '\u{13430}'..='\u{1343f}' | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e007f}')
    };
    !text.chars().any(|c| c.is_control() || hides(c))
}

/// Whether a name is what it seems: [`is_legible`], in Normalization Form C (Unicode Standard Annex #15), and without characters that nothing shows
/// (`Default_Ignorable_Code_Point` of the Unicode Character Database, and the blank of Braille). The joiners U+200C and U+200D stay after a letter of a script that is
/// joined, and U+200D and U+FE0F after a symbol: Persian, Hindi and emoji are written with them (compare RFC 5892, A.1 and A.2). Letters of two scripts that look
/// alike stay two letters.
///
/// It is asked of what is new. What the journal has from before stays readable.
#[must_use]
pub fn is_plain(text: &str) -> bool {
    let mut before = None;
    let shows = text.chars().all(|c| {
        let before = before.replace(c);
        match c {
            '\u{200c}' => before.is_some_and(joins),
            '\u{200d}' => {
                before.is_some_and(|before| joins(before) || is_symbol(before) || before == '\u{fe0f}')
            }
            '\u{fe0f}' => before.is_some_and(is_symbol),
            c => !is_ignorable(c),
        }
    });
    // At the end nothing is joined, but a dead consonant of India shows that it is one.
    let joiner = text.strip_suffix(['\u{200c}', '\u{200d}']);
    let shows = shows && joiner.is_none_or(|text| text.ends_with(VIRAMAS));
    shows && is_legible(text) && is_nfc(text)
}

/// Of the scripts of India, and of Sinhala.
const VIRAMAS: [char; 10] = [
    '\u{94d}', '\u{9cd}', '\u{a4d}', '\u{acd}', '\u{b4d}', '\u{bcd}', '\u{c4d}', '\u{ccd}', '\u{d4d}',
    '\u{dca}',
];

/// Besides what [`is_legible`] refuses.
fn is_ignorable(c: char) -> bool {
    matches!(c,
        '\u{34f}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{2800}' | '\u{3164}'
        | '\u{fe00}'..='\u{fe0e}' | '\u{ffa0}' | '\u{fff0}'..='\u{fff8}' | '\u{e0000}'..='\u{e0fff}')
}

/// Letters and marks of scripts whose letters are joined: Arabic, Syriac and their like, of India and its neighbours, Mongolian.
fn joins(c: char) -> bool {
    matches!(c,
        '\u{620}'..='\u{8ff}' | '\u{900}'..='\u{109f}' | '\u{1780}'..='\u{18af}' | '\u{1900}'..='\u{1cff}' | '\u{a800}'..='\u{abff}'
        | '\u{fb50}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}' | '\u{10a00}'..='\u{11fff}' | '\u{1e900}'..='\u{1e95f}')
}

/// Symbols that emoji are made of.
fn is_symbol(c: char) -> bool {
    matches!(c,
        '\u{a9}' | '\u{ae}' | '\u{203c}' | '\u{2049}' | '\u{2122}' | '\u{2139}' | '\u{2190}'..='\u{21ff}' | '\u{2300}'..='\u{27bf}'
        | '\u{2934}'..='\u{2935}' | '\u{2b00}'..='\u{2bff}' | '\u{3030}' | '\u{303d}' | '\u{3297}' | '\u{3299}' | '\u{1f000}'..='\u{1faff}')
}

#[cfg(test)]
mod tests {
    use super::{is_legible, is_plain};

    #[test]
    fn a_name_of_any_script_is_plain_and_one_with_unseen_or_turning_characters_is_not() {
        for name in [
            "Décision n° 12",
            "決定書",
            "تصميم می\u{200c}خواهم",
            "क्\u{200d}ष",
            "അവന്\u{200d}",
            "famille 👨\u{200d}👩\u{200d}👧",
            "❤\u{fe0f}\u{200d}🔥 😀",
            "한국어",
            "",
        ] {
            assert!(is_plain(name), "{name}");
        }
        for c in "\n\u{7f}\u{9b}\u{ad}\u{61c}\u{200b}\u{200e}\u{200f}\u{2028}\u{202a}\u{202e}\u{2060}\u{2066}\u{2069}\u{feff}\u{e0041}".chars() {
            assert!(!is_legible(&format!("a{c}b")), "{:x}", u32::from(c));
            assert!(!is_plain(&format!("a{c}b")), "{:x}", u32::from(c));
        }
    }

    #[test]
    fn what_nothing_shows_names_nobody() {
        let unseen = "\u{34f}\u{115f}\u{1160}\u{17b4}\u{17b5}\u{180b}\u{180d}\u{180f}\u{200c}\u{200d}\u{2065}\u{2800}\u{3164}\u{fe00}\u{fe0f}\u{ffa0}\u{fff0}\u{1bca0}\u{e0100}\u{e01ef}\u{e0fff}";
        for c in unseen.chars() {
            for name in [format!("ali{c}ce"), format!("{c}alice"), format!("alice{c}"), format!("{c}")] {
                assert!(!is_plain(&name), "{:x}", u32::from(c));
            }
        }
        for name in [
            "می\u{200c}",
            "می\u{200c}\u{200c}خ",
            "👨\u{200d}",
            "👨\u{200d}\u{200d}👩",
            "❤\u{fe0f}\u{fe0f}",
            "👨\u{200c}👩",
        ] {
            assert!(!is_plain(name), "{name:?}");
        }
    }

    #[test]
    fn one_letter_is_written_in_one_way() {
        assert!(is_plain("André") && is_plain("Ångström") && is_plain("q\u{301}"));
        for name in [
            "Andre\u{301}",
            "A\u{30a}ngström",
            "\u{212b}ngström",
            "\u{1112}\u{1161}\u{11ab}",
            "d\u{307}\u{323}",
        ] {
            assert!(!is_plain(name) && is_legible(name), "{name:?}");
        }
    }
}
