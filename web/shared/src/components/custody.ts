/** Where a document is, and so who can read it. */
export type CustodyState =
  | "draft" // on the depositor's device, not sealed
  | "sealing" // being sealed and sent
  | "sealed" // sealed on the platform; only the organisation holds the key
  | "opened" // read on the organisation's own page
  | "decided"; // as opened, and a decision was signed
