// Distinguished names as people read them (RFC 4514). The rules are those of crates/pki/src/name.rs.
import { type Bytes, hex } from "../bytes";
import { dotted, type Element, inside, NotDer, only, TAG } from "./der";

/** Short names (RFC 4514 §3, then others registered for LDAP). */
const SHORT: Readonly<Record<string, string>> = {
  "2.5.4.3": "CN", "2.5.4.7": "L", "2.5.4.8": "ST", "2.5.4.10": "O", "2.5.4.11": "OU", "2.5.4.6": "C", "2.5.4.9": "STREET", "0.9.2342.19200300.100.1.25": "DC",
  "0.9.2342.19200300.100.1.1": "UID", "2.5.4.5": "serialNumber", "1.2.840.113549.1.9.1": "emailAddress", "2.5.4.97": "organizationIdentifier", "2.5.4.4": "SN",
  "2.5.4.42": "GN", "2.5.4.12": "title",
};

/** The text of a name, last part first. `der` is all of it. */
export function nameText(der: Bytes): string {
  const sets: string[] = [];
  for (const all = only(der, TAG.sequence); !all.empty; ) {
    const set = inside(all.expect(TAG.set));
    const parts: string[] = [];
    while (!set.empty) parts.push(part(set.expect(TAG.sequence)));
    if (parts.length === 0) throw new NotDer();
    sets.unshift(parts.join("+"));
  }
  return sets.join(",");
}

function part(attribute: Element): string {
  const fields = inside(attribute);
  const kind = dotted(fields.expect(TAG.oid).content);
  const value = fields.element();
  fields.end();
  // A string type is neither constructed nor of another class.
  if (value.tag > 0x1e) throw new NotDer();
  const short = SHORT[kind];
  const text = short === undefined ? undefined : textOf(value);
  return `${short ?? kind}=${text === undefined ? `#${hex(value.whole)}` : escaped(text)}`;
}

function textOf({ tag, content }: Element): string | undefined {
  try {
    if (tag === TAG.utf8) return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(content);
    if (tag === TAG.bmp && content.length % 2 === 0) return new TextDecoder("utf-16be", { fatal: true, ignoreBOM: true }).decode(content);
  } catch {
    return undefined;
  }
  const ascii = [TAG.printable, TAG.numeric, TAG.ia5, TAG.visible].some((one) => one === tag) && content.every((octet) => octet < 0x80);
  return ascii ? new TextDecoder().decode(content) : undefined;
}

/** RFC 4514 §2.4, and in hexadecimal what acts on the text around it or is not seen, so that a name never breaks or turns around a line. */
function escaped(text: string): string {
  const all = Array.from(text);
  return all
    .map((char, at) => {
      if ('"+,;<>\\'.includes(char) || (char === "#" && at === 0) || (char === " " && (at === 0 || at === all.length - 1))) return `\\${char}`;
      return /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(char) ? [...new TextEncoder().encode(char)].map((octet) => `\\${hex(Uint8Array.of(octet))}`).join("") : char;
    })
    .join("");
}
