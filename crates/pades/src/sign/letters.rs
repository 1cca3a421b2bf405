//! Letters of the font that every reader has (Helvetica, WinAnsiEncoding: ISO 32000-1 annex D): how each is written, and how wide it is.

/// How a character is written; none where the font does not have it.
pub(super) fn code(character: char) -> Option<u8> {
    let number = u32::from(character);
    match number {
        0x20..=0x7e | 0xa1..=0xff => u8::try_from(number).ok(),
        _ => OTHERS.iter().find(|(other, _)| *other == character).map(|(_, code)| *code),
    }
}

/// How wide a letter is, in thousandths of its size; rather too wide where its width is not kept here.
pub(super) fn width(code: u8) -> u16 {
    match code {
        0x20..=0x7e => WIDTHS.get(usize::from(code - 0x20)).copied().unwrap_or(WIDEST),
        0xc0..=0xc5 | 0xc8..=0xcb | 0xdd | 0xde => 667,
        0xcc..=0xcf => 278,
        0xc7 | 0xd0 | 0xd1 | 0xd9..=0xdc => 722,
        0xd2..=0xd6 | 0xd8 => 778,
        0xdf | 0xf8 => 611,
        0xe0..=0xe5 | 0xe8..=0xeb | 0xf0..=0xf6 | 0xf9..=0xfc | 0xfe => 556,
        0xe7 | 0xfd | 0xff => 500,
        0xec..=0xef => 278,
        0x91 | 0x92 => 222,
        _ => WIDEST,
    }
}

const WIDEST: u16 = 1000;

const OTHERS: [(char, u8); 27] = [
    ('€', 0x80),
    ('‚', 0x82),
    ('ƒ', 0x83),
    ('„', 0x84),
    ('…', 0x85),
    ('†', 0x86),
    ('‡', 0x87),
    ('ˆ', 0x88),
    ('‰', 0x89),
    ('Š', 0x8a),
    ('‹', 0x8b),
    ('Œ', 0x8c),
    ('Ž', 0x8e),
    ('‘', 0x91),
    ('’', 0x92),
    ('“', 0x93),
    ('”', 0x94),
    ('•', 0x95),
    ('–', 0x96),
    ('—', 0x97),
    ('˜', 0x98),
    ('™', 0x99),
    ('š', 0x9a),
    ('›', 0x9b),
    ('œ', 0x9c),
    ('ž', 0x9e),
    ('Ÿ', 0x9f),
];

/// From the space on (Adobe's metrics of Helvetica).
const WIDTHS: [u16; 95] = [
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556, 556,
    556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667, 611, 778, 722, 278,
    500, 667, 556, 833, 722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469,
    556, 333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556, 556, 556, 333, 500,
    278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584,
];
