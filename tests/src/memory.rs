//! Looking for secrets where none may be: the live memory of a process, files, logs.

use std::collections::BTreeSet;
use std::os::unix::fs::FileExt;

use aho_corasick::AhoCorasick;
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;

/// Something that must (or must not) be found, in every form in which it could lie around.
#[derive(Clone, Debug)]
pub struct Needle {
    name: String,
    forms: Vec<(&'static str, Vec<u8>)>,
}

/// Where a needle was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The needle's name.
    pub needle: String,
    /// In which form: `raw`, `hex`, `base64`, `base64url`…
    pub form: &'static str,
    /// The name of the haystack.
    pub place: String,
}

impl Needle {
    /// Bytes to look for raw, in hexadecimal (both cases) and in base64 (both alphabets, at each of the three
    /// offsets that a longer encoding can give them).
    ///
    /// Take at least 12 bytes, or chance will find them.
    pub fn new(name: &str, bytes: &[u8]) -> Self {
        assert!(bytes.len() >= 12, "{name}: {} bytes are found by chance", bytes.len());
        let hex: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
        let mut forms = vec![
            ("raw", bytes.to_vec()),
            ("hex", hex.to_uppercase().into_bytes()),
            ("hex", hex.into_bytes()),
            ("reversed", bytes.iter().rev().copied().collect()),
        ];
        for offset in 0..3 {
            let standard = base64_inside(bytes, offset);
            let url = standard.replace('+', "-").replace('/', "_");
            if url != standard {
                forms.push(("base64url", url.into_bytes()));
            }
            forms.push(("base64", standard.into_bytes()));
        }
        Self { name: name.to_owned(), forms }
    }

    /// Text to look for, also as the UTF-16 that some libraries hold.
    pub fn text(name: &str, text: &str) -> Self {
        let mut needle = Self::new(name, text.as_bytes());
        needle.forms.push(("utf-16", text.encode_utf16().flat_map(u16::to_le_bytes).collect()));
        needle
    }

    /// An AES-256 key, also as the part of its key schedule that does not repeat it (FIPS 197, section 5.2), in both
    /// byte orders of its words.
    pub fn aes_256(name: &str, key: &[u8; 32]) -> Self {
        let schedule = aes_256_schedule(key);
        let rounds = schedule.get(8..24).unwrap_or_default();
        Self::new(name, key)
            .also("key, words swapped", key.chunks(4).flat_map(|word| word.iter().rev().copied()).collect())
            .also("key schedule", rounds.iter().flat_map(|word| word.to_be_bytes()).collect())
            .also("key schedule, words swapped", rounds.iter().flat_map(|word| word.to_le_bytes()).collect())
    }

    /// Adds a form that the caller computed, for instance a DER encoding.
    pub fn also(mut self, form: &'static str, bytes: Vec<u8>) -> Self {
        self.forms.push((form, bytes));
        self
    }
}

/// The characters of a base64 encoding that depend on `bytes` alone when `offset` (0, 1 or 2) bytes stand before.
fn base64_inside(bytes: &[u8], offset: usize) -> String {
    let mut padded = vec![0; offset];
    padded.extend_from_slice(bytes);
    let text = STANDARD_NO_PAD.encode(&padded);
    // Each character holds 6 bits: drop the first ones, mixed with what stands before, and the last one, mixed with
    // what comes after.
    let (first, last) = ((offset * 8).div_ceil(6), padded.len() * 8 / 6);
    text.get(first..last).unwrap_or_default().to_owned()
}

/// The 60 words of FIPS 197, section 5.2, for a key of eight words.
fn aes_256_schedule(key: &[u8; 32]) -> Vec<u32> {
    let mut words: Vec<u32> = key.as_chunks::<4>().0.iter().map(|word| u32::from_be_bytes(*word)).collect();
    let mut constant = 1_u8;
    for i in 8..60 {
        let mut word = words.last().copied().unwrap_or_default();
        if i % 8 == 0 {
            word = substitute(word.rotate_left(8)) ^ (u32::from(constant) << 24);
            constant = times_x(constant);
        } else if i % 8 == 4 {
            word = substitute(word);
        }
        words.push(words.get(i - 8).copied().unwrap_or_default() ^ word);
    }
    words
}

/// The S-box of FIPS 197, section 5.1.1, on each byte: the inverse in GF(2^8), then an affine map. Slow, and no matter.
fn substitute(word: u32) -> u32 {
    let inverse = |a: u8| (1..=255).find(|b| times(a, *b) == 1).unwrap_or(0);
    let affine = |b: u8| (1..5).fold(b, |sum, turn| sum ^ b.rotate_left(turn)) ^ 0x63;
    u32::from_be_bytes(word.to_be_bytes().map(|byte| affine(inverse(byte))))
}

fn times(a: u8, b: u8) -> u8 {
    (0..8).rev().fold(0, |sum, bit| times_x(sum) ^ if b >> bit & 1 == 1 { a } else { 0 })
}

fn times_x(a: u8) -> u8 {
    (a << 1) ^ if a >> 7 == 1 { 0x1b } else { 0 }
}

/// Looks for every form of every needle.
pub fn search(place: &str, haystack: &[u8], needles: &[Needle]) -> Vec<Found> {
    let forms: Vec<(&Needle, &(&str, Vec<u8>))> =
        needles.iter().flat_map(|needle| needle.forms.iter().map(move |form| (needle, form))).collect();
    let searcher = AhoCorasick::new(forms.iter().map(|(_, (_, bytes))| bytes)).expect("short patterns");
    // Overlapping, since one form may lie inside another.
    let hits: BTreeSet<usize> =
        searcher.find_overlapping_iter(haystack).map(|hit| hit.pattern().as_usize()).collect();
    hits.into_iter()
        .filter_map(|hit| forms.get(hit))
        .map(|(needle, (form, _))| Found { needle: needle.name.clone(), form, place: place.to_owned() })
        .collect()
}

/// A live dump of a process: each readable region with its line of `/proc/PID/maps`. Needs the same user, and a
/// process that lets itself be dumped.
pub fn memory_of(pid: u32) -> std::io::Result<Vec<(String, Vec<u8>)>> {
    let maps = std::fs::read_to_string(format!("/proc/{pid}/maps"))?;
    let memory = std::fs::File::open(format!("/proc/{pid}/mem"))?;
    let mut regions = Vec::new();
    for line in maps.lines() {
        let mut words = line.split_whitespace();
        let (Some(range), Some(rights)) = (words.next(), words.next()) else { continue };
        let bounds =
            range.split_once('-').map(|(a, b)| (u64::from_str_radix(a, 16), u64::from_str_radix(b, 16)));
        let Some((Ok(from), Ok(to))) = bounds else { continue };
        if !rights.starts_with('r') || line.ends_with("[vvar]") || line.ends_with("[vvar_vclock]") {
            continue;
        }
        let mut bytes = vec![0; usize::try_from(to - from).unwrap_or(0)];
        let mut filled = 0;
        // A region can shrink or refuse a page while we look: keep what could be read.
        while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match memory.read_at(rest, from + filled as u64) {
                Ok(read) if read > 0 => filled += read,
                _ => break,
            }
        }
        bytes.truncate(filled);
        regions.push((line.to_owned(), bytes));
    }
    Ok(regions)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_schedule_is_that_of_fips_197_appendix_a_3() {
        let key = std::array::from_fn(|i| {
            let hex = "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4";
            u8::from_str_radix(hex.get(2 * i..2 * i + 2).expect("64 digits"), 16).expect("hexadecimal")
        });
        let words = aes_256_schedule(&key);
        assert_eq!((words.len(), words.get(8), words.get(59)), (60, Some(&0x9ba3_5411), Some(&0x706c_631e)));
    }
}
