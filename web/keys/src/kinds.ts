/** Which words of problems.ts say a stable code: those of docs/problem-codes-key-manager.md, and those that the pages and the platform give. */
const KINDS = [
  [/^foreign_origin$/, "origin"],
  [/^(not_found|unknown_key)$/, "missing"],
  [/^(network|request_too_slow)$/, "network"],
  [/^internal$/, "failed"],
  [/^platform_not_connected$/, "unlinked"],
  [/^(platform_other_root|platform_log_inconsistent|acknowledgement_unproven)$/, "unproven"],
  [/^platform_refused$/, "refused"],
  [/^no_signing_key$/, "unsigned"],
  [/^key_needed$/, "needed"],
  [/^ticket_of_another_account$/, "account"],
  [/ticket/, "ticket"],
  [/quota|rate/, "quota"],
  [/assign|grant/, "assignment"],
  [/bound|binding/, "binding"],
  [/certificate/, "certificate"],
  [/session|token|expired|http_401/, "session"],
  [/^not_scanned$/, "unscanned"],
  [/^(manifest|scheme_malformed|form_|file_of_another_dossier|evidence|opening\.|note\.|checkpoint|proof\.|record\.|file_missing)/, "manifest"],
  [/^(header|envelope_(commitment|hash)|metadata|stream|segment|size_differs)/, "altered"],
  [/recipient|unwrap|unknown_key|key_(not|disabled)/, "key"],
  [/^already_decided$/, "decided"],
  [/^too_large_for_a_page$/, "large"],
  [/platform|unreachable/, "clock"],
  [/invalid|malformed|http_4(00|22)/, "input"],
] as const;

export function kindOf(code: string): (typeof KINDS)[number][1] | undefined {
  return KINDS.find(([codes]) => codes.test(code))?.[1];
}
