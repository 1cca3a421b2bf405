// The picture of a roaming code (QR code, ISO/IEC 18004), as the path of its dark modules.
import { PICTURE_PREFIX } from "@sceau/terminal";
import encodeQR from "qr";

/** Light modules around it (section 6.3.8). */
const QUIET = 4;

export interface Picture {
  /** Modules on a side, with the light ones around. */
  readonly side: number;
  /** One unit square for each dark module. */
  readonly path: string;
}

/** The picture of a code in groups of four. */
export function picture(code: string): Picture {
  const rows = encodeQR(`${PICTURE_PREFIX}${code}`, "raw", { ecc: "medium", border: QUIET });
  const path = rows.flatMap((row, y) => row.flatMap((dark, x) => (dark ? [`M${x} ${y}h1v1h-1z`] : []))).join("");
  return { side: rows.length, path };
}
