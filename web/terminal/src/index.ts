// A keyring's terminal in TypeScript: the protocol of crates/keyring and crates/client/src/terminal, without interface. It believes the element whose key the invitation
// pins, shows what the service provider signed and nothing else, and sends no PIN: what leaves is OPAQUE's. It must never hand out a device key, show a text that is
// not what it seems, or take a refusal of who carries messages for the element's.
export { activate, type Chosen, type Invitation, parseInvitation, type ToActivate } from "./activate";
export type { Bytes } from "./bytes";
export type { Used } from "./consent";
export { type Policy, type RequestKind, type SubjectField } from "./documents";
export { type By, codeOf, TerminalError } from "./errors";
export { CODE_LENGTH, type Factors, parseFactor, ROAMING_LENGTH, SECOND_LENGTH, SHORT_LENGTH } from "./factors";
export { type Carrier, hostAt, HostError, hostOrigin } from "./host";
export { type Identity } from "./identity";
export { pinRefused, type PinRule } from "./opaque";
export { type Asked, type Item, type Request } from "./request";
export { dissociate, type Dissociated } from "./dissociate";
export { type Here, join, parseRoamingCode, type ToJoin } from "./join";
export { admit, awaitComing, awaitJoined, type Became, type Came, isOff, isShown, letCome, withdraw } from "./roam";
export { PICTURE_PREFIX } from "./roaming";
export { type BoundTerminal, type FormerTerminal, type Happening, isNone, look, mayTry, type Other, type Others, type Phase, type Standing, suspend, SUSPEND_REASONS, type SuspendReason, type TerminalState } from "./state";
export { type Cabinet, type Environment, type Kept, type Loaded, type Lock, Storage } from "./storage";
export { type Approve, asked, destroy, type ToApprove, use } from "./use";
export { REPORT_REASONS, type ReportReason, Visitor, type Waiting } from "./visit";
