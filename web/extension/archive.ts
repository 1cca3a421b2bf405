// A ZIP archive (APPNOTE 6.3.10) that is the same for the same files: names in order, one time for all, nothing compressed.

const CRC = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  return crc;
});

const crc32 = (bytes: Uint8Array): number => (bytes.reduce((crc, byte) => (crc >>> 8) ^ (CRC[(crc ^ byte) & 0xff] ?? 0), 0xffffffff) ^ 0xffffffff) >>> 0;

/** 1 January 1980, as DOS writes it. */
const DATE = 0x0021;
const VERSION = 20;

export function zip(files: ReadonlyMap<string, Uint8Array>): Uint8Array {
  const parts: Uint8Array[] = [];
  const directory: Uint8Array[] = [];
  let offset = 0;
  for (const name of [...files.keys()].sort()) {
    const content = files.get(name) ?? new Uint8Array();
    const encoded = new TextEncoder().encode(name);
    // Version, flags (UTF-8), stored, time, date, sum, sizes, length of the name, no extra field.
    const common = fields([VERSION, 2], [0x0800, 2], [0, 2], [0, 2], [DATE, 2], [crc32(content), 4], [content.length, 4], [content.length, 4], [encoded.length, 2], [0, 2]);
    const local = join(fields([0x04034b50, 4]), common, encoded, content);
    directory.push(join(fields([0x02014b50, 4], [VERSION, 2]), common, fields([0, 2], [0, 2], [0, 2], [0, 4], [offset, 4]), encoded));
    parts.push(local);
    offset += local.length;
  }
  const central = join(...directory);
  const count = directory.length;
  return join(...parts, central, fields([0x06054b50, 4], [0, 2], [0, 2], [count, 2], [count, 2], [central.length, 4], [offset, 4], [0, 2]));
}

/** Whole numbers of so many bytes, the lowest byte first. */
function fields(...numbers: readonly (readonly [number, 2 | 4])[]): Uint8Array {
  return Uint8Array.from(numbers.flatMap(([number, size]) => Array.from({ length: size }, (_, at) => (number >>> (8 * at)) & 0xff)));
}

function join(...parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
