// Texts that somebody approves: what is read is what is written. The rules of crates/keyring/src/legible.rs and crates/element-api/src/protect/plain.rs: the same
// strings are refused here, at the element's door and at the provider's; crates/keyring/vectors/legible.json holds them together.
import { digitsOfOneSystem, isDisguised, isUnseen, joinedOtherwise, joinsANumber, looksLike, oneScript, twoDirections } from "./look-alikes";

/** Why a text is not shown. */
export type Illegible = "text_length" | "text_lines" | "text_unseen" | "text_blanks" | "text_scripts" | "text_looks_like" | "text_marks";

const MOST_CHARACTERS = 4000;
const MOST_LINES = 60;
const MOST_OF_LABEL = 200;
const MOST_MARKS = 2;

const length = (text: string): number => Array.from(text).length;
const isBlank = (text: string): boolean => /^\p{White_Space}*$/u.test(text);

/** Why a description may not be shown; none where it may. */
export function description(text: string): Illegible | null {
  if (isBlank(text) || length(text) > MOST_CHARACTERS) return "text_length";
  const lines = text.split("\n");
  const together = lines.some((line, at) => line === "" && lines[at + 1] === "");
  if (lines.length > MOST_LINES || lines[0] === "" || lines.at(-1) === "" || together) return "text_lines";
  for (const line of lines) {
    const why = oneLine(line);
    if (why !== null) return why;
  }
  return oneReading(text);
}

/** The same of the label of an item. */
export function label(text: string): Illegible | null {
  if (isBlank(text) || length(text) > MOST_OF_LABEL) return "text_length";
  if (text.includes("\n")) return "text_lines";
  return oneLine(text) ?? oneReading(text);
}

/** Of the whole text: digits of two systems, or words that look like others, may stand on two lines. */
const oneReading = (text: string): Illegible | null => (looksLike(text) || !digitsOfOneSystem(text) ? "text_looks_like" : null);

function oneLine(line: string): Illegible | null {
  // What this browser has no character for, it draws as it likes: refused here, even where the element's tables are newer and have it.
  if (!isPlain(line) || /\p{Cn}/u.test(line) || Array.from(line).some(isUnseen)) return "text_unseen";
  if (/[^\P{White_Space} \u{a0}\u{202f}]|\p{White_Space}{2}|\p{White_Space}$/u.test(line)) return "text_blanks";
  if (Array.from(line).some(isDisguised) || joinedOtherwise(line) || joinsANumber(line)) return "text_looks_like";
  if (!oneScript(line) || twoDirections(line)) return "text_scripts";
  return isPiled(line) ? "text_marks" : null;
}

function isPiled(line: string): boolean {
  let marks = 0;
  for (const c of line) {
    marks = /\p{M}/u.test(c) ? marks + 1 : 0;
    // Marks that lie over the letter.
    if (marks > MOST_MARKS || /[\u{334}-\u{338}\u{488}\u{489}\u{20d0}-\u{20ff}]/u.test(c)) return true;
  }
  return false;
}

/** Controls, half characters, and what turns the reading round or is of the category Cf. */
const HIDES =
  /[\p{Cc}\p{Cs}\u{ad}\u{600}-\u{605}\u{61c}\u{6dd}\u{70f}\u{890}\u{891}\u{8e2}\u{180e}\u{200b}\u{200e}\u{200f}\u{2028}-\u{202e}\u{2060}-\u{206f}\u{feff}\u{fff9}-\u{fffb}\u{110bd}\u{110cd}\u{13430}-\u{1343f}\u{1bca0}-\u{1bca3}\u{1d173}-\u{1d17a}\u{e0000}-\u{e007f}]/u;
/** What nothing shows (`Default_Ignorable_Code_Point`), besides. */
const IGNORABLE =
  /[\u{34f}\u{115f}\u{1160}\u{17b4}\u{17b5}\u{180b}-\u{180f}\u{2800}\u{3164}\u{fe00}-\u{fe0e}\u{ffa0}\u{fff0}-\u{fff8}\u{e0000}-\u{e0fff}]/u;
/** Letters and marks of scripts whose letters are joined. */
const JOINS =
  /[\u{620}-\u{8ff}\u{900}-\u{109f}\u{1780}-\u{18af}\u{1900}-\u{1cff}\u{a800}-\u{abff}\u{fb50}-\u{fdff}\u{fe70}-\u{fefc}\u{10a00}-\u{11fff}\u{1e900}-\u{1e95f}]/u;
/** Symbols that emoji are made of. */
const SYMBOL =
  /[\u{a9}\u{ae}\u{203c}\u{2049}\u{2122}\u{2139}\u{2190}-\u{21ff}\u{2300}-\u{27bf}\u{2934}\u{2935}\u{2b00}-\u{2bff}\u{3030}\u{303d}\u{3297}\u{3299}\u{1f000}-\u{1faff}]/u;
/** Of the scripts of India, and of Sinhala. */
const VIRAMA = /[\u{94d}\u{9cd}\u{a4d}\u{acd}\u{b4d}\u{bcd}\u{c4d}\u{ccd}\u{d4d}\u{dca}]$/u;

/** Whether a name is what it seems: nothing in it is unseen, turns the reading round, or is written in two ways (NFC). */
export function isPlain(text: string): boolean {
  let before = "";
  for (const c of text) {
    const shows =
      c === "\u200c"
        ? JOINS.test(before)
        : c === "\u200d"
          ? JOINS.test(before) || SYMBOL.test(before) || before === "\ufe0f"
          : c === "\ufe0f"
            ? SYMBOL.test(before)
            : !IGNORABLE.test(c);
    if (!shows) return false;
    before = c;
  }
  // At the end nothing is joined, but a dead consonant of India shows that it is one.
  if (/[\u200c\u200d]$/u.test(text) && !VIRAMA.test(text.slice(0, -1))) return false;
  return !HIDES.test(text) && text.normalize("NFC") === text;
}
