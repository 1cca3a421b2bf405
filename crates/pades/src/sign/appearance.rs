//! How a signature is shown: a frame with a few lines of text (ISO 32000-1 §12.5.5), which says what the certificate says, and proves nothing.

use super::letters;
use crate::{
    error::PdfError,
    object::{Dictionary, Object, Reference},
    pages::Page,
};

/// Sizes of letters that are tried, in half points.
const SIZES: std::ops::RangeInclusive<u16> = 10..=24;
/// Between the frame and the text, in points; and from line to line, in sizes.
const MARGIN: f64 = 3.0;
const LEADING: f64 = 1.2;

/// What is shown, and where.
#[derive(Clone, Debug)]
pub struct Appearance {
    /// On which page, counted from 1.
    pub page: u32,
    /// Where on the page as it is shown: from its left, from its bottom, width, height, in points (1/72 inch).
    pub rectangle: [f64; 4],
    /// The text, line by line; lines that are too long are broken between words.
    pub lines: Vec<String>,
}

/// What is drawn.
pub(super) struct Drawn {
    /// Where on the page, as the page itself measures.
    pub(super) rectangle: Object,
    width: f64,
    height: f64,
    turn: u16,
    pub(super) content: Vec<u8>,
}

impl Appearance {
    pub(super) fn drawn(&self, page: &Page) -> Result<Drawn, PdfError> {
        let [left, bottom, right, top] = page.shown;
        let (mut width, mut height) = (right - left, top - bottom);
        if page.turn % 180 == 90 {
            std::mem::swap(&mut width, &mut height);
        }
        let [x, y, w, h] = self.rectangle;
        let fits = [x, y, w, h].iter().all(|number| number.is_finite())
            && x >= 0.0
            && y >= 0.0
            && w > 0.0
            && h > 0.0
            && x + w <= width
            && y + h <= height;
        if !fits {
            let whole = |number: f64| if number.is_finite() { number.max(0.0) as u32 } else { 0 };
            return Err(PdfError::NotOnPage { width: whole(width), height: whole(height) });
        }
        // From what is shown to what the page measures: it is turned clockwise for showing.
        let corner = |x: f64, y: f64| match page.turn {
            90 => (right - y, bottom + x),
            180 => (right - x, top - y),
            270 => (left + y, top - x),
            _ => (left + x, bottom + y),
        };
        let ((ax, ay), (bx, by)) = (corner(x, y), corner(x + w, y + h));
        let corners = [ax.min(bx), ay.min(by), ax.max(bx), ay.max(by)];
        let content = self.text(w, h)?;
        let rectangle = Object::Array(corners.map(number).to_vec());
        Ok(Drawn { rectangle, width: w, height: h, turn: page.turn, content })
    }

    /// The text in the largest letters that fit.
    fn text(&self, width: f64, height: f64) -> Result<Vec<u8>, PdfError> {
        let lines = self.lines.iter().map(|line| encoded(line)).collect::<Result<Vec<_>, _>>()?;
        for size in SIZES.rev().map(|half| f64::from(half) / 2.0) {
            let across = (width - 2.0 * MARGIN) * 1000.0 / size;
            let broken: Option<Vec<Vec<u8>>> =
                lines.iter().map(|line| broken(line, across)).try_fold(Vec::new(), |mut all, lines| {
                    all.extend(lines?);
                    Some(all)
                });
            let Some(broken) = broken else { continue };
            if broken.len() as f64 * size * LEADING + 2.0 * MARGIN > height {
                continue;
            }
            let mut content = format!(
                "q 0.5 w 0.25 0.25 {:.2} {:.2} re S BT /F1 {size:.1} Tf {:.2} TL {MARGIN:.2} {:.2} Td\n",
                width - 0.5,
                height - 0.5,
                size * LEADING,
                height - MARGIN - size,
            );
            for line in broken {
                content.push_str(&format!("<{}> Tj T*\n", hex::encode_upper(line)));
            }
            content.push_str("ET Q\n");
            return Ok(content.into_bytes());
        }
        Err(PdfError::TooSmall)
    }
}

impl Drawn {
    pub(super) fn dictionary(&self, font: Reference) -> Dictionary {
        // Upright on a page that is turned: the box is turned the other way before it is put into the rectangle.
        let matrix = match self.turn {
            90 => [0, 1, -1, 0, 0, 0],
            180 => [-1, 0, 0, -1, 0, 0],
            270 => [0, -1, 1, 0, 0, 0],
            _ => [1, 0, 0, 1, 0, 0],
        };
        let fonts = Dictionary::of([("F1", font.into())]);
        let bounds = [0.0, 0.0, self.width, self.height].map(number).to_vec();
        Dictionary::of([
            ("Type", Object::name("XObject")),
            ("Subtype", Object::name("Form")),
            ("BBox", Object::Array(bounds)),
            ("Matrix", Object::Array(matrix.map(Object::Integer).to_vec())),
            ("Resources", Dictionary::of([("Font", fonts.into())]).into()),
        ])
    }
}

/// The font that every reader has (ISO 32000-1 §9.6.2.2).
pub(super) fn font() -> Dictionary {
    Dictionary::of([
        ("Type", Object::name("Font")),
        ("Subtype", Object::name("Type1")),
        ("BaseFont", Object::name("Helvetica")),
        ("Encoding", Object::name("WinAnsiEncoding")),
    ])
}

fn number(value: f64) -> Object {
    Object::Real(format!("{value:.2}"))
}

fn encoded(line: &str) -> Result<Vec<u8>, PdfError> {
    line.chars().map(|character| letters::code(character).ok_or(PdfError::Character(character))).collect()
}

/// A line in lines that are not wider than that; none where a word is.
fn broken(line: &[u8], across: f64) -> Option<Vec<Vec<u8>>> {
    let wide = |text: &[u8]| f64::from(text.iter().map(|code| u32::from(letters::width(*code))).sum::<u32>());
    let mut lines: Vec<Vec<u8>> = vec![Vec::new()];
    for word in line.split(|code| *code == b' ') {
        if wide(word) > across {
            return None;
        }
        let last = lines.last_mut()?;
        let joined = if last.is_empty() { word.to_vec() } else { [last.as_slice(), b" ", word].concat() };
        if wide(&joined) <= across {
            *last = joined;
        } else {
            lines.push(word.to_vec());
        }
    }
    Some(lines)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::*;

    fn page(turn: u16) -> Page {
        let reference = Reference { number: 1, generation: 0 };
        Page { reference, dictionary: Dictionary::default(), shown: [10.0, 20.0, 110.0, 220.0], turn }
    }

    fn shown(rectangle: [f64; 4], lines: &[&str]) -> Appearance {
        Appearance { page: 1, rectangle, lines: lines.iter().map(|line| (*line).to_owned()).collect() }
    }

    #[test]
    fn a_rectangle_is_where_people_see_it_however_the_page_is_turned() {
        let rectangle = |turn, rectangle| match shown(rectangle, &["x"])
            .drawn(&page(turn))
            .map(|it| it.rectangle)
        {
            Ok(Object::Array(all)) => all.iter().map(|one| one.number().unwrap() as i32).collect::<Vec<_>>(),
            other => panic!("{:?}", other.err()),
        };
        assert_eq!(rectangle(0, [0.0, 0.0, 40.0, 20.0]), [10, 20, 50, 40]);
        // Turned by a quarter, what is shown at the left bottom is the page's right bottom.
        assert_eq!(rectangle(90, [0.0, 0.0, 40.0, 20.0]), [90, 20, 110, 60]);
        assert_eq!(rectangle(180, [0.0, 0.0, 40.0, 20.0]), [70, 200, 110, 220]);
        assert_eq!(rectangle(270, [0.0, 0.0, 40.0, 20.0]), [10, 180, 30, 220]);
        let beyond = shown([150.0, 0.0, 51.0, 20.0], &["x"]).drawn(&page(90)).err();
        assert!(matches!(beyond, Some(PdfError::NotOnPage { width: 200, height: 100 })));
    }

    #[test]
    fn letters_that_the_font_lacks_are_refused_and_others_are_written_as_they_are() {
        let drawn = shown([0.0, 0.0, 90.0, 40.0], &["à Nîmes, 5 €"]).drawn(&page(0)).unwrap();
        let content = String::from_utf8(drawn.content).unwrap();
        assert!(content.contains("E0204EEE6D65732C20352080"), "{content}");
        for (text, refused) in
            [("Łódź", 'Ł'), ("e\u{301}", '\u{301}'), ("a\nb", '\n'), ("\u{202e}x", '\u{202e}')]
        {
            let error = shown([0.0, 0.0, 90.0, 40.0], &[text]).drawn(&page(0)).err();
            assert!(matches!(error, Some(PdfError::Character(it)) if it == refused), "{text}");
        }
        let small = shown([0.0, 0.0, 30.0, 9.0], &["does not fit"]).drawn(&page(0)).err();
        assert!(matches!(small, Some(PdfError::TooSmall)));
    }
}
