/** Numbers that an administrator types from another channel. */

/** The 64 characters, or undefined when what was typed is not a fingerprint. Spaces and capitals are forgiven. */
export function fingerprintOf(typed: string): string | undefined {
  const plain = typed.replaceAll(/[^0-9a-zA-Z]/g, "").toLowerCase();
  return /^[0-9a-f]{64}$/.test(plain) ? plain : undefined;
}

/** SIRET: 14 digits with a Luhn check. La Poste's establishments (SIREN 356 000 000) add up to a multiple of five instead. */
export function isSiret(typed: string): boolean {
  const digits = typed.replaceAll(/\s/g, "");
  if (!/^\d{14}$/.test(digits)) return false;
  const values = Array.from(digits, Number);
  const plain = values.reduce((sum, digit) => sum + digit, 0);
  const luhn = values.reduce((sum, digit, i) => sum + (i % 2 === 0 ? doubled(digit) : digit), 0);
  return luhn % 10 === 0 || (digits.startsWith("356000000") && plain % 5 === 0);
}

const doubled = (digit: number): number => (digit > 4 ? digit * 2 - 9 : digit * 2);
