//! Characters that are taken for others: which text may stand beside which.

use unicode_normalization::char::is_combining_mark;

/// Scripts whose letters are taken for one another's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Script {
    Latin,
    Greek,
    Cyrillic,
    Armenian,
    /// Of today, and not taken for these.
    Other,
    /// Of few readers, with many letters that look like Latin ones: Cherokee, Lisu, Coptic, Deseret, Old Italic.
    Rare,
}

fn script(c: char) -> Option<Script> {
    if !c.is_alphabetic() {
        return None;
    }
    Some(match c {
        // Ordinals, and the micro sign: they stand in Latin words.
        'a'..='z'
        | 'A'..='Z'
        | '\u{aa}'
        | '\u{b5}'
        | '\u{ba}'
        | '\u{c0}'..='\u{2ff}'
        | '\u{1d00}'..='\u{1dbf}'
        | '\u{1e00}'..='\u{1eff}'
        | '\u{2c60}'..='\u{2c7f}'
        | '\u{a720}'..='\u{a7ff}'
        | '\u{ab30}'..='\u{ab64}' => Script::Latin,
        '\u{370}'..='\u{3e1}' | '\u{3f0}'..='\u{3ff}' | '\u{1f00}'..='\u{1fff}' => Script::Greek,
        '\u{400}'..='\u{52f}'
        | '\u{1c80}'..='\u{1c8f}'
        | '\u{2de0}'..='\u{2dff}'
        | '\u{a640}'..='\u{a69f}' => Script::Cyrillic,
        '\u{530}'..='\u{58f}' => Script::Armenian,
        // Hebrew to Georgian and Korean, Ethiopic, Khmer, Mongolian; China, Japan, Korea; forms of Hebrew and Arabic.
        '\u{590}'..='\u{139f}'
        | '\u{1780}'..='\u{18af}'
        | '\u{1c90}'..='\u{1cbf}'
        | '\u{2d00}'..='\u{2d2f}'
        | '\u{2d80}'..='\u{2ddf}'
        | '\u{2e80}'..='\u{a4cf}'
        | '\u{a8e0}'..='\u{a8ff}'
        | '\u{a960}'..='\u{a97f}'
        | '\u{a9e0}'..='\u{a9ff}'
        | '\u{aa60}'..='\u{aa7f}'
        | '\u{ac00}'..='\u{d7ff}'
        | '\u{f900}'..='\u{faff}'
        | '\u{fb1d}'..='\u{fdff}'
        | '\u{fe70}'..='\u{feff}'
        | '\u{1b000}'..='\u{1b16f}'
        | '\u{20000}'..='\u{3ffff}' => Script::Other,
        _ => Script::Rare,
    })
}

/// Whether no word has letters of two scripts that look alike (compare Unicode Technical Standard #39 section 5).
pub(crate) fn one_script(text: &str) -> bool {
    words(text).all(|word| {
        let mut scripts = word.chars().filter_map(script);
        let first = scripts.next();
        scripts.all(|script| Some(script) == first)
    })
}

/// Digits and what joins letters belong to the word: `раураl-2` is one.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let within =
        |c: char| c.is_alphanumeric() || is_combining_mark(c) || matches!(c, '\'' | '\u{2019}' | '.' | '_');
    text.split(move |c| !within(c)).filter(|word| !word.is_empty())
}

/// Letters of Cyrillic, Greek and Armenian that readers do not tell from Latin ones.
const TWINS: &str =
    "авекмнорстухѕіјԁһԛԝьѡѵүгпӏҺАВЕКМНОРСТУХЅІЈԌԚԜЬѠѴҮӀαγικνορτυχωϲϳΑΒΕΖΗΙΚΜΝΟΡΤΥΧϹͿաեզհղոցսքօՏՍԼՕՔ";

/// Letters of few readers; whole words of twins beside Latin letters; and a text of nothing else.
pub(super) fn looks_like(text: &str) -> bool {
    let letters = || text.chars().filter(|c| c.is_alphabetic());
    let twin = |word: &str| {
        let mut letters = word.chars().filter(|c| c.is_alphabetic()).peekable();
        letters.peek().is_some() && letters.all(|c| TWINS.contains(c))
    };
    let latin = letters().any(|c| script(c) == Some(Script::Latin));
    letters().any(|c| script(c) == Some(Script::Rare)) || twin(text) || (latin && words(text).any(twin))
}

/// Letters and punctuation that are made to look like others: forms of letters and numbers, sounds of phonetics, strokes and dots that are not those of texts,
/// and the lines that a screen is drawn with.
pub(super) fn is_disguised(c: char) -> bool {
    let styled = matches!(c,
        '\u{2100}'..='\u{210f}' | '\u{2110}'..='\u{2115}' | '\u{2117}'..='\u{2121}' | '\u{2123}'..='\u{218b}' | '\u{2460}'..='\u{24ff}'
        | '\u{ff01}'..='\u{ff5e}' | '\u{1d400}'..='\u{1d7ff}' | '\u{1f100}'..='\u{1f1e5}');
    let phonetic = matches!(c,
        '\u{138}' | '\u{17f}' | '\u{1c0}'..='\u{1c3}' | '\u{250}'..='\u{2ff}' | '\u{1d00}'..='\u{1dbf}' | '\u{a720}'..='\u{a7ff}'
        | '\u{ab30}'..='\u{ab64}')
        // Letters of alphabets of today: Azerbaijani, and of West Africa.
        && !matches!(c, '\u{253}' | '\u{254}' | '\u{257}' | '\u{259}' | '\u{25b}' | '\u{263}' | '\u{272}');
    let strokes = matches!(c,
        '\u{2024}' | '\u{2025}' | '\u{2027}' | '\u{2044}' | '\u{2215}' | '\u{2216}' | '\u{2223}' | '\u{2236}' | '\u{2500}'..='\u{259f}'
        | '\u{2758}' | '\u{29f8}' | '\u{29f9}' | '\u{2e31}'..='\u{2e35}' | '\u{fe10}'..='\u{fe19}' | '\u{fe30}'..='\u{fe6f}');
    styled || phonetic || strokes
}

/// Symbols of music, of which some draw nothing; what is drawn as the font likes (private use); what is no character.
pub(super) fn is_unseen(c: char) -> bool {
    let of_fonts = matches!(c, '\u{e000}'..='\u{f8ff}' | '\u{f0000}'..);
    let none = matches!(c, '\u{fdd0}'..='\u{fdef}') || u32::from(c) & 0xfffe == 0xfffe;
    matches!(c, '\u{1d000}'..='\u{1d24f}') || of_fonts || none
}

/// Round or upright letters, marks and signs of scripts that stand beside others: among digits of ASCII they read as zeros and ones.
const AMONG_DIGITS: &str = "\u{b20}\u{c02}\u{c82}\u{d02}\u{d20}\u{d82}\u{101d}\u{110b}\u{1175}\u{11bc}\u{12d0}\u{25cb}\u{25ef}\u{26aa}\u{2b55}\u{2b58}\u{2f01}\u{3007}\u{3147}\u{3163}\u{4e28}";

/// Whether a number has something else among its digits that reads as one: points, commas and narrow blanks within it are the number's.
pub(super) fn joins_a_number(line: &str) -> bool {
    let within = |c: char| {
        c.is_ascii_digit()
            || matches!(c, '.' | ',' | '\'' | '\u{a0}' | '\u{202f}')
            || AMONG_DIGITS.contains(c)
    };
    let mixed = |number: &str| {
        number.contains(|c: char| c.is_ascii_digit()) && number.contains(|c| AMONG_DIGITS.contains(c))
    };
    line.split(|c| !within(c)).any(mixed)
}

/// Whether something unusual stands between two letters or digits of ASCII, where it reads as a comma, a point or a colon.
pub(super) fn joined_otherwise(line: &str) -> bool {
    let usual = |c: char| {
        matches!(c,
            '\u{a0}'..='\u{a5}' | '\u{a7}' | '\u{a9}' | '\u{ab}'..='\u{ae}' | '\u{b0}'..='\u{b3}' | '\u{b5}' | '\u{b7}' | '\u{b9}'..='\u{bf}' | '\u{d7}' | '\u{f7}'
            | '\u{2010}'..='\u{2015}' | '\u{2018}' | '\u{2019}' | '\u{201c}' | '\u{201d}' | '\u{2022}' | '\u{2026}' | '\u{202f}' | '\u{2030}'
            | '\u{20a0}'..='\u{20bf}' | '\u{2116}' | '\u{2122}' | '\u{2190}'..='\u{21ff}' | '\u{2212}' | '\u{2260}'..='\u{2265}')
    };
    let unusual = |c: char| !c.is_ascii() && !c.is_alphabetic() && !is_combining_mark(c) && !usual(c);
    let all: Vec<char> = line.chars().collect();
    all.windows(3).any(|three| match three {
        [before, c, after] => before.is_ascii_alphanumeric() && unusual(*c) && after.is_ascii_alphanumeric(),
        _ => false,
    })
}

/// Whether digits are of one decimal system, and those of ASCII wherever there are letters of Latin.
pub(super) fn digits_of_one_system(text: &str) -> bool {
    // Squares, halves and quarters belong to ASCII's. A block of 128 characters has the digits of one system.
    let system = |c: char| match c {
        '\u{b2}' | '\u{b3}' | '\u{b9}' | '\u{bc}'..='\u{be}' => 0,
        c => u32::from(c) >> 7,
    };
    let mut systems = text.chars().filter(|c| c.is_numeric()).map(system);
    let latin = text.chars().any(|c| script(c) == Some(Script::Latin));
    let first = if latin { Some(0) } else { systems.next() };
    systems.all(|system| Some(system) == first)
}

/// Whether letters that are read to the left stand beside others or beside digits: which comes first is then another thing on each screen.
pub(super) fn two_directions(line: &str) -> bool {
    let leftward = |c: char| matches!(c, '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{feff}' | '\u{10800}'..='\u{10fff}' | '\u{1e800}'..='\u{1efff}');
    let left = line.chars().any(|c| c.is_alphabetic() && leftward(c));
    left && line.chars().any(|c| c.is_numeric() || (c.is_alphabetic() && !leftward(c)))
}
