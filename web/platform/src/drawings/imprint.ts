/** The drawing pressed in an organisation's wax: curves whose numbers are the bytes of its root's fingerprint. Recognition, not verification. */

export interface Imprint { blob: string; curves: string[] }

/** `fingerprint`: lower-case hex; empty for a seal without an owner yet. The drawing fits a square of 100. */
export function imprint(fingerprint: string): Imprint {
  const bytes = bytesOf(fingerprint);
  return { blob: blob(bytes), curves: [0, 1, 2].map((layer) => rosette(bytes, layer)) };
}

/** The outline of pressed wax: a circle that three slow waves push out of round. */
function blob(bytes: number[]): string {
  return closed(120, (turn) => {
    const wave = (n: number, at: number) => Math.sin(n * turn + (2 * Math.PI * at) / 256);
    return 44 + 1.7 * wave(3, part(bytes, 3)) + 1.5 * wave(5, part(bytes, 11)) + 1.1 * wave(8, part(bytes, 19));
  });
}

/** A rose curve; the petals, the depth and the tilt come from the bytes of its layer. */
function rosette(bytes: number[], layer: number): string {
  const petals = 5 + (part(bytes, layer) % 8) + layer * 3;
  const depth = 0.16 + (part(bytes, layer + 6) / 255) * 0.3;
  const tilt = (2 * Math.PI * part(bytes, layer + 12)) / 256;
  const second = 2 + (part(bytes, layer + 17) % 3);
  const radius = 27 - layer * 7.5;
  return closed(360, (turn) => radius * (1 - depth / 2 + (depth / 2) * Math.cos(petals * turn + tilt) + 0.07 * Math.cos(petals * second * turn)));
}

function closed(steps: number, radius: (turn: number) => number): string {
  const points = Array.from({ length: steps }, (_, step) => {
    const turn = (2 * Math.PI * step) / steps;
    const r = radius(turn);
    return `${(50 + r * Math.cos(turn)).toFixed(1)} ${(50 + r * Math.sin(turn)).toFixed(1)}`;
  });
  return `M${points.join("L")}Z`;
}

function bytesOf(hex: string): number[] {
  const pairs = hex.replaceAll(/[^0-9a-f]/gi, "").match(/../g) ?? [];
  return pairs.length > 0 ? pairs.map((pair) => Number.parseInt(pair, 16)) : [83, 67, 69, 65, 85];
}

const part = (bytes: number[], at: number): number => bytes[at % bytes.length] ?? 0;
