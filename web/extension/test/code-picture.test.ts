// The picture of a roaming code, read again by a decoder, as a camera would see it.
import decodeQR from "qr/decode.js";
import { describe, expect, it } from "vitest";
import { picture } from "../src/code-picture";

/** Its modules as pixels, so many on a side each. */
function drawn(path: string, side: number, scale: number): { width: number; height: number; data: Uint8Array } {
  const width = side * scale;
  const data = new Uint8Array(width * width * 4).fill(255);
  for (const [, x, y] of path.matchAll(/M(\d+) (\d+)h1v1h-1z/g)) {
    for (let row = Number(y) * scale; row < (Number(y) + 1) * scale; row += 1) data.fill(0, (row * width + Number(x) * scale) * 4, (row * width + (Number(x) + 1) * scale) * 4);
  }
  for (let at = 3; at < data.length; at += 4) data[at] = 255;
  return { width, height: width, data };
}

describe("the picture of a roaming code", () => {
  it("says the code, and what it is, to who scans it", () => {
    const code = "ABCD-EFGH-JKMN-PQRS-TVWX-YZ01";
    const { side, path } = picture(code);
    expect(side).toBe(37);
    expect(decodeQR(drawn(path, side, 4))).toBe(`SCEAU:ROAM:${code}`);
    // Light all around.
    for (const [, x, y] of path.matchAll(/M(\d+) (\d+)/g)) for (const at of [Number(x), Number(y)]) expect(at >= 4 && at < side - 4).toBe(true);
  });
});
