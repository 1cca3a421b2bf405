//! File names: from a path to what an envelope may carry, and from an envelope to what may touch a disk.

use std::path::Path;

/// Bytes of a file name on common file systems.
const LONGEST: usize = 255;
/// Bytes that an extension may have to be kept when a name is cut.
const EXTENSION: usize = 16;
/// When nothing of a name is left.
const FALLBACK: &str = "document";

/// The name that an envelope carries for the file at `path`: its own, corrected where the format asks for it.
pub fn for_envelope(path: &Path) -> String {
    let name = path.file_name().map_or_else(|| FALLBACK.into(), |name| name.to_string_lossy());
    let kept = |character: char| match character {
        '/' | '\\' | char::REPLACEMENT_CHARACTER => '_',
        character if character.is_control() => '_',
        character => character,
    };
    shortened(name.chars().map(kept).collect())
}

/// The name under which a file of a foreign envelope may be written: one component, visible, writable on every common
/// system, and never one that a program or a person takes for something else. Letters of all scripts stay.
pub fn for_disk(name: &str) -> String {
    let name: String =
        name.chars().map(|character| if is_trick(character) { '_' } else { character }).collect();
    // A leading dot hides, a leading dash is an option.
    let name = cut(name.trim_matches(' '));
    let mut name = match name.chars().next() {
        None => FALLBACK.to_owned(),
        Some('.' | '-' | '~') => format!("_{}", name.get(1..).unwrap_or_default()),
        Some(_) => name,
    };
    if is_reserved(&name) {
        name.insert(0, '_');
    }
    cut(&name)
}

/// No longer than a name may be, and without the dots and spaces at the end that Windows drops.
fn cut(name: &str) -> String {
    let mut name = shortened(name.trim_end_matches(['.', ' ']).to_owned());
    name.truncate(name.trim_end_matches(['.', ' ']).len());
    name
}

/// The media type that a name suggests.
pub fn media_type(name: &str) -> &'static str {
    let extension = name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
    match extension.as_deref() {
        Some("pdf") => "application/pdf",
        Some("jpg" | "jpeg") => "image/jpeg",
        Some("png") => "image/png",
        Some("webp") => "image/webp",
        Some("tif" | "tiff") => "image/tiff",
        Some("heic") => "image/heic",
        Some("txt") => "text/plain",
        Some("csv") => "text/csv",
        Some("html" | "htm") => "text/html",
        Some("xml") => "application/xml",
        Some("json") => "application/json",
        Some("zip") => "application/zip",
        Some("gz" | "tgz") => "application/gzip",
        Some("tar") => "application/x-tar",
        Some("mp4") => "video/mp4",
        Some("odt") => "application/vnd.oasis.opendocument.text",
        Some("ods") => "application/vnd.oasis.opendocument.spreadsheet",
        Some("docx") => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        Some("xlsx") => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        _ => "application/octet-stream",
    }
}

/// Separators, what Windows refuses, control characters, and what is invisible or reverses the reading direction. The joiners
/// U+200C and U+200D stay: Persian and emoji are written with them.
fn is_trick(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|'
            | '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}' | '\u{2215}' | '\u{2044}' | '\u{ff0f}' | '\u{ff3c}' | '\u{29f8}')
}

/// Names of devices on Windows, whatever their extension.
fn is_reserved(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().trim_end().to_ascii_uppercase();
    let numbered = |prefix: &str| {
        stem.strip_prefix(prefix).is_some_and(|rest| {
            let mut characters = rest.chars();
            matches!((characters.next(), characters.next()), (Some('0'..='9' | '¹' | '²' | '³'), None))
        })
    };
    matches!(stem.as_str(), "CON" | "PRN" | "AUX" | "NUL" | "CONIN$" | "CONOUT$")
        || numbered("COM")
        || numbered("LPT")
}

/// Cut between characters, keeping the extension.
fn shortened(name: String) -> String {
    if name.len() <= LONGEST {
        return name;
    }
    let extension = name.rfind('.').filter(|dot| *dot > 0 && name.len() - dot <= EXTENSION);
    let (stem, extension) = name.split_at(extension.unwrap_or(name.len()));
    let mut end = (LONGEST - extension.len()).min(stem.len());
    while !stem.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}{extension}", stem.get(..end).unwrap_or_default())
}

/// A server's words as a terminal may show them: bounded, and without what steers it or turns the reading direction round.
#[must_use]
pub fn plain(words: &str) -> String {
    let steers = |c: char| {
        c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    words.chars().take(1000).map(|c| if steers(c) { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_all_scripts_stay_as_they_are() {
        for name in
            ["Décision n° 12.pdf", "決定書.pdf", "تصميم می‌خواهم.pdf", "a b.c", "famille 👨‍👩‍👧.jpg", "Ça va…"]
        {
            assert_eq!(for_disk(name), name);
        }
    }

    #[test]
    fn tricks_are_made_visible() {
        for (name, safe) in [
            ("../../etc/passwd", "_._.._etc_passwd"),
            ("..\\..\\boot.ini", "_._.._boot.ini"),
            (".bashrc", "_bashrc"),
            ("-rf", "_rf"),
            ("~root", "_root"),
            ("facture\u{202e}fdp.exe", "facture_fdp.exe"),
            ("a\u{2066}b\u{2069}\u{200f}c", "a_b__c"),
            ("line\nbreak\u{7}\u{85}\u{1b}[31m", "line_break___[31m"),
            ("nul", "_nul"),
            ("CON.pdf", "_CON.pdf"),
            ("Com1.tar.gz", "_Com1.tar.gz"),
            ("lpt³", "_lpt³"),
            ("aux .txt", "_aux .txt"),
            ("report.pdf::$DATA", "report.pdf__$DATA"),
            ("name. . .", "name"),
            ("   ", "document"),
            ("...", "document"),
            ("", "document"),
            ("one\u{2215}two\u{ff0f}three", "one_two_three"),
        ] {
            assert_eq!(for_disk(name), safe, "{name:?}");
        }
        assert_eq!(for_disk("COMPTE.pdf"), "COMPTE.pdf");
        assert_eq!(for_disk("console.txt"), "console.txt");
    }

    #[test]
    fn long_names_are_cut_between_characters_and_keep_their_extension() {
        let cut = for_disk(&format!("{}.pdf", "é".repeat(200)));
        assert!(cut.len() <= 255 && cut.ends_with("é.pdf"), "{cut}");
        assert_eq!(for_disk(&"x".repeat(300)), "x".repeat(255));
        assert_eq!(for_disk(&format!("x.{}", "y".repeat(300))).len(), 255);
        // Where the cut falls, no dot is left at the end, and no name of a device appears.
        assert_eq!(for_disk(&format!("{}.{}", "x".repeat(254), "y".repeat(20))), "x".repeat(254));
        assert_eq!(for_disk(&format!("CON{}x", " ".repeat(260))), "_CON");
        let reserved = for_disk(&format!("CON.{}", "y".repeat(251)));
        assert!(reserved.len() <= 255 && reserved.starts_with("_CON."), "{reserved}");
    }

    #[test]
    fn what_an_envelope_carries_is_what_the_format_allows() {
        for path in ["/tmp/a\\b\n.pdf", "x", "/", "..", "é.pdf"] {
            let name = for_envelope(Path::new(path));
            assert!(
                sceau_crypto::envelope::Metadata::new(&name, media_type(&name)).is_ok(),
                "{path:?} {name:?}"
            );
        }
        use std::os::unix::ffi::OsStrExt;
        let latin = Path::new(std::ffi::OsStr::from_bytes(b"caf\xe9.pdf"));
        assert_eq!(for_envelope(latin), "caf_.pdf");
    }
}
