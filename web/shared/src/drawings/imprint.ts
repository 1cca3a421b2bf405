/** The drawing pressed in an organisation's wax: curves whose numbers are the bytes of its root's fingerprint. Recognition, not verification. */

export interface Imprint { blob: string; curves: string[]; beads: [number, number][] }

/** `fingerprint`: lower-case hex; empty for a seal without an owner yet. The drawing fits a square of 100. */
export function imprint(fingerprint: string): Imprint {
  const bytes = bytesOf(fingerprint);
  return { blob: blob(bytes), curves: [outer(bytes), middle(bytes), heart(bytes)], beads: beads(bytes) };
}

/** The outline of pressed wax: a circle that three slow waves push out of round. */
function blob(bytes: number[]): string {
  return closed(120, (turn) => {
    const wave = (n: number, at: number) => Math.sin(n * turn + (2 * Math.PI * byte(bytes, at)) / 256);
    return 44 + 1.7 * wave(3, 3) + 1.5 * wave(5, 11) + 1.1 * wave(8, 19);
  });
}

/** A band of scallops, points or waves near the rim. */
function outer(bytes: number[]): string {
  const count = pick(bytes, 0, [6, 8, 9, 10, 12, 14, 16, 20]);
  const depth = 2 + (byte(bytes, 1) / 255) * 5;
  const shape = byte(bytes, 2) % 3;
  return closed(480, (turn) => {
    const wave = Math.cos(count * turn);
    return 25 + depth * (shape === 0 ? wave : shape === 1 ? Math.abs(wave) * 2 - 1 : Math.asin(wave) / 1.6);
  });
}

/** A star polygon {n/k}: one line that turns several times before it closes. */
function middle(bytes: number[]): string {
  const points = pick(bytes, 4, [5, 6, 7, 8, 9, 10, 11]);
  const step = 2 + (byte(bytes, 5) % Math.max(1, Math.floor((points - 1) / 2) - 1));
  const tilt = (2 * Math.PI * byte(bytes, 6)) / 256;
  const rounds = gcd(points, step);
  return Array.from({ length: rounds }, (_, round) => {
    const corners = Array.from({ length: points / rounds }, (_, i) => at(17, tilt + (2 * Math.PI * (round + i * step)) / points));
    return `M${corners.join("L")}Z`;
  }).join("");
}

/** A rose at the centre. */
function heart(bytes: number[]): string {
  const petals = pick(bytes, 7, [2, 3, 4, 5, 6, 8]);
  const open = 0.15 + (byte(bytes, 8) / 255) * 0.55;
  const tilt = (2 * Math.PI * byte(bytes, 9)) / 256;
  return closed(240, (turn) => 8.5 * (open + (1 - open) * Math.abs(Math.cos((petals * turn) / 2 + tilt))));
}

/** Beads between the band and the rim; some organisations have none. */
function beads(bytes: number[]): [number, number][] {
  const count = pick(bytes, 10, [0, 12, 16, 24, 32]);
  return Array.from({ length: count }, (_, i) => {
    const turn = (2 * Math.PI * i) / count;
    return [50 + 36.5 * Math.cos(turn), 50 + 36.5 * Math.sin(turn)];
  });
}

function closed(steps: number, radius: (turn: number) => number): string {
  const points = Array.from({ length: steps }, (_, step) => at(radius((2 * Math.PI * step) / steps), (2 * Math.PI * step) / steps));
  return `M${points.join("L")}Z`;
}

const at = (radius: number, turn: number): string => `${(50 + radius * Math.cos(turn)).toFixed(1)} ${(50 + radius * Math.sin(turn)).toFixed(1)}`;
const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b));

/** Numbers that all change when any character of the fingerprint does (FNV-1a, then a multiplicative stir). */
function bytesOf(hex: string): number[] {
  let state = 0x811c9dc5;
  for (let i = 0; i < hex.length; i += 1) state = Math.imul(state ^ hex.charCodeAt(i), 0x01000193);
  return Array.from({ length: 20 }, () => {
    state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x6d2b79f5;
    return ((state ^ (state >>> 13)) >>> 8) & 255;
  });
}

const byte = (bytes: number[], index: number): number => bytes[index % bytes.length] ?? 0;
const pick = (bytes: number[], index: number, from: number[]): number => from[byte(bytes, index) % from.length] ?? 0;
