// Characters that are taken for others: which text may stand beside which. The rules of crates/keyring/src/legible/look_alikes.rs, range by range.

type Script = "latin" | "greek" | "cyrillic" | "armenian" | "other" | "rare";

const ALPHABETIC = /\p{Alphabetic}/u;
const NUMERIC = /\p{N}/u;
const MARK = /\p{M}/u;
const SCRIPTS: readonly (readonly [Script, RegExp])[] = [
  // Ordinals, and the micro sign: they stand in Latin words.
  ["latin", /[a-zA-Z\u{aa}\u{b5}\u{ba}\u{c0}-\u{2ff}\u{1d00}-\u{1dbf}\u{1e00}-\u{1eff}\u{2c60}-\u{2c7f}\u{a720}-\u{a7ff}\u{ab30}-\u{ab64}]/u],
  ["greek", /[\u{370}-\u{3e1}\u{3f0}-\u{3ff}\u{1f00}-\u{1fff}]/u],
  ["cyrillic", /[\u{400}-\u{52f}\u{1c80}-\u{1c8f}\u{2de0}-\u{2dff}\u{a640}-\u{a69f}]/u],
  ["armenian", /[\u{530}-\u{58f}]/u],
  // Hebrew to Georgian and Korean, Ethiopic, Khmer, Mongolian; China, Japan, Korea; forms of Hebrew and Arabic.
  [
    "other",
    /[\u{590}-\u{139f}\u{1780}-\u{18af}\u{1c90}-\u{1cbf}\u{2d00}-\u{2d2f}\u{2d80}-\u{2ddf}\u{2e80}-\u{a4cf}\u{a8e0}-\u{a8ff}\u{a960}-\u{a97f}\u{a9e0}-\u{a9ff}\u{aa60}-\u{aa7f}\u{ac00}-\u{d7ff}\u{f900}-\u{faff}\u{fb1d}-\u{fdff}\u{fe70}-\u{feff}\u{1b000}-\u{1b16f}\u{20000}-\u{3ffff}]/u,
  ],
];

function script(c: string): Script | null {
  if (!ALPHABETIC.test(c)) return null;
  return SCRIPTS.find(([, letters]) => letters.test(c))?.[0] ?? "rare";
}

const letters = (text: string): string[] => Array.from(text).filter((c) => ALPHABETIC.test(c));
const isAlphanumeric = (c: string): boolean => ALPHABETIC.test(c) || NUMERIC.test(c);

/** Runs of characters that `within` takes. Digits and what joins letters belong to a word: `раураl-2` is one. */
function runs(text: string, within: (c: string) => boolean): string[] {
  const found: string[] = [];
  let run = "";
  for (const c of text) {
    if (within(c)) run += c;
    else if (run !== "") {
      found.push(run);
      run = "";
    }
  }
  return run === "" ? found : [...found, run];
}

const words = (text: string): string[] => runs(text, (c) => isAlphanumeric(c) || MARK.test(c) || "'\u2019._".includes(c));

/** Whether no word has letters of two scripts that look alike (compare Unicode Technical Standard #39 section 5). */
export const oneScript = (text: string): boolean => words(text).every((word) => new Set(letters(word).map(script)).size <= 1);

/** Letters of Cyrillic, Greek and Armenian that readers do not tell from Latin ones. */
const TWINS = new Set("авекмнорстухѕіјԁһԛԝьѡѵүгпӏҺАВЕКМНОРСТУХЅІЈԌԚԜЬѠѴҮӀαγικνορτυχωϲϳΑΒΕΖΗΙΚΜΝΟΡΤΥΧϹͿաեզհղոցսքօՏՍԼՕՔ");

/** Letters of few readers; whole words of twins beside Latin letters; and a text of nothing else. */
export function looksLike(text: string): boolean {
  const twin = (word: string): boolean => {
    const all = letters(word);
    return all.length > 0 && all.every((c) => TWINS.has(c));
  };
  const scripts = new Set(letters(text).map(script));
  return scripts.has("rare") || twin(text) || (scripts.has("latin") && words(text).some(twin));
}

const STYLED =
  /[\u{2100}-\u{210f}\u{2110}-\u{2115}\u{2117}-\u{2121}\u{2123}-\u{218b}\u{2460}-\u{24ff}\u{ff01}-\u{ff5e}\u{1d400}-\u{1d7ff}\u{1f100}-\u{1f1e5}]/u;
const PHONETIC = /[\u{138}\u{17f}\u{1c0}-\u{1c3}\u{250}-\u{2ff}\u{1d00}-\u{1dbf}\u{a720}-\u{a7ff}\u{ab30}-\u{ab64}]/u;
/** Letters of alphabets of today: Azerbaijani, and of West Africa. */
const OF_TODAY = /[\u{253}\u{254}\u{257}\u{259}\u{25b}\u{263}\u{272}]/u;
const STROKES =
  /[\u{2024}\u{2025}\u{2027}\u{2044}\u{2215}\u{2216}\u{2223}\u{2236}\u{2500}-\u{259f}\u{2758}\u{29f8}\u{29f9}\u{2e31}-\u{2e35}\u{fe10}-\u{fe19}\u{fe30}-\u{fe6f}]/u;

/** Letters and punctuation that are made to look like others, and the lines that a screen is drawn with. */
export const isDisguised = (c: string): boolean => STYLED.test(c) || (PHONETIC.test(c) && !OF_TODAY.test(c)) || STROKES.test(c);

/** Symbols of music, of which some draw nothing; what is drawn as the font likes (private use); what is no character. */
export function isUnseen(c: string): boolean {
  const point = c.codePointAt(0) ?? 0;
  return /[\u{1d000}-\u{1d24f}\u{e000}-\u{f8ff}\u{f0000}-\u{10ffff}\u{fdd0}-\u{fdef}]/u.test(c) || (point & 0xfffe) === 0xfffe;
}

/** Round or upright letters, marks and signs of scripts that stand beside others: among digits of ASCII they read as zeros and ones. */
const AMONG_DIGITS = new Set("\u0b20\u0c02\u0c82\u0d02\u0d20\u0d82\u101d\u110b\u1175\u11bc\u12d0\u25cb\u25ef\u26aa\u2b55\u2b58\u2f01\u3007\u3147\u3163\u4e28");

/** Whether a number has something else among its digits that reads as one. */
export function joinsANumber(line: string): boolean {
  const within = (c: string): boolean => /[0-9.,'\u{a0}\u{202f}]/u.test(c) || AMONG_DIGITS.has(c);
  return runs(line, within).some((number) => /[0-9]/.test(number) && Array.from(number).some((c) => AMONG_DIGITS.has(c)));
}

const USUAL =
  /[\u{a0}-\u{a5}\u{a7}\u{a9}\u{ab}-\u{ae}\u{b0}-\u{b3}\u{b5}\u{b7}\u{b9}-\u{bf}\u{d7}\u{f7}\u{2010}-\u{2015}\u{2018}\u{2019}\u{201c}\u{201d}\u{2022}\u{2026}\u{202f}\u{2030}\u{20a0}-\u{20bf}\u{2116}\u{2122}\u{2190}-\u{21ff}\u{2212}\u{2260}-\u{2265}]/u;

/** Whether something unusual stands between two letters or digits of ASCII, where it reads as a comma, a point or a colon. */
export function joinedOtherwise(line: string): boolean {
  const all = Array.from(line);
  const ascii = (c: string | undefined): boolean => c !== undefined && /[0-9A-Za-z]/.test(c);
  const unusual = (c: string): boolean => c > "\u{7f}" && !ALPHABETIC.test(c) && !MARK.test(c) && !USUAL.test(c);
  return all.some((c, at) => unusual(c) && ascii(all[at - 1]) && ascii(all[at + 1]));
}

/** Whether digits are of one decimal system, and those of ASCII wherever there are letters of Latin. */
export function digitsOfOneSystem(text: string): boolean {
  // Squares, halves and quarters belong to ASCII's. A block of 128 characters has the digits of one system.
  const system = (c: string): number => (/[\u{b2}\u{b3}\u{b9}\u{bc}-\u{be}]/u.test(c) ? 0 : (c.codePointAt(0) ?? 0) >> 7);
  const systems = new Set(Array.from(text).filter((c) => NUMERIC.test(c)).map(system));
  if (letters(text).some((c) => script(c) === "latin")) systems.add(0);
  return systems.size <= 1;
}

const LEFTWARD = /[\u{590}-\u{8ff}\u{fb1d}-\u{fdff}\u{fe70}-\u{feff}\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u;

/** Whether letters that are read to the left stand beside others or beside digits. */
export function twoDirections(line: string): boolean {
  const all = Array.from(line);
  const left = all.some((c) => ALPHABETIC.test(c) && LEFTWARD.test(c));
  return left && all.some((c) => NUMERIC.test(c) || (ALPHABETIC.test(c) && !LEFTWARD.test(c)));
}
