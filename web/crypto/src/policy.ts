// Policies of witnesses (C2SP tlog-policy) and what they say of a checkpoint. The rules are those of crates/trace/src/policy/.
import { equal } from "./bytes";
import { SceauError } from "./errors";
import { type Checkpoint, type LogKey, parseLogKey, parseWitnessKey, sameKey, verifyCosignature, type WitnessKey } from "./note";

/** More of any of these are refused; the specification asks for 32. */
const MAX_NAMED = 256;
const MAX_LENGTH = 1 << 20;

/** A witness that a policy names. */
export interface PolicyWitness {
  /** What the policy calls it. */
  readonly name: string;
  readonly key: WitnessKey;
}

/** Which witnesses must have cosigned for a checkpoint to be believed. Made by {@link parsePolicy} alone. */
export interface Policy {
  /** Empty where it leaves them to its reader. */
  readonly logs: readonly LogKey[];
  readonly witnesses: readonly PolicyWitness[];
  readonly quorum: Quorum;
}

/** Nobody; one witness, by its place in the policy; so many of these. */
export type Quorum =
  | { readonly of: "nobody" }
  | { readonly of: "witness"; readonly at: number }
  | { readonly of: "group"; readonly least: number; readonly members: readonly Quorum[] };

/** What a policy says of a checkpoint that its log signed. */
export type PolicyVerdict =
  | {
      readonly state: "met" | "short" | "unasked"; // whether who cosigned is a quorum; the policy asks for none
      readonly cosigned: readonly { readonly witness: PolicyWitness; readonly time: number }[]; // unix seconds, by the witness's clock
      readonly missing: readonly PolicyWitness[];
      /** Names over signatures by keys that the policy does not have: nothing is known of them. */
      readonly strangers: readonly string[];
    }
  /** A signature in a witness's name is not its own: the whole checkpoint is suspect. */
  | { readonly state: "forged"; readonly by: PolicyWitness }
  /** The policy speaks of other logs. */
  | { readonly state: "other_log" };

/** A text that is no policy. Whoever wrote it corrects that line, counted from 1. */
export class PolicySyntax extends SceauError {
  constructor(readonly line: number, reason: string) {
    super("policy.malformed", `line ${line}: ${reason}`);
    this.name = "PolicySyntax";
  }
}

/** Reads a policy. Of each key, the type must be the one of its use. Throws {@link PolicySyntax}. */
export async function parsePolicy(text: string): Promise<Policy> {
  if (text.length > MAX_LENGTH) throw new PolicySyntax(1, "too long");
  const reader = new Reader();
  const lines = text.split("\n");
  for (const [at, content] of lines.entries()) {
    try {
      await reader.line(content);
    } catch (cause) {
      throw new PolicySyntax(at + 1, cause instanceof SceauError ? cause.message : String(cause));
    }
  }
  if (reader.asked === undefined) throw new PolicySyntax(lines.length, "there is no line `quorum`");
  return { logs: reader.logs, witnesses: reader.witnesses, quorum: reader.asked };
}

/** Which of the policy's witnesses cosigned, and whether they are enough. One wrong cosignature in a witness's name is enough to disbelieve all. */
export async function judgeCheckpoint(policy: Policy, checkpoint: Checkpoint): Promise<PolicyVerdict> {
  if (policy.logs.length > 0 && !policy.logs.some((log) => sameKey(log, checkpoint.log))) return { state: "other_log" };
  const times: (number | null)[] = [];
  for (const witness of policy.witnesses) {
    try {
      times.push(await verifyCosignature(checkpoint, witness.key));
    } catch (cause) {
      if (cause instanceof SceauError && cause.code === "note.bad_signature") return { state: "forged", by: witness };
      throw cause;
    }
  }
  const cosigned = policy.witnesses.flatMap((witness, at) => {
    const time = times[at] ?? null;
    return time === null ? [] : [{ witness, time }];
  });
  const known = (name: string, id: string) => policy.witnesses.some(({ key }) => key.name === name && key.id === id);
  return {
    state: policy.quorum.of === "nobody" ? "unasked" : isMet(policy.quorum, times) ? "met" : "short",
    cosigned,
    missing: policy.witnesses.filter((_, at) => times[at] === null),
    strangers: checkpoint.others.filter(({ name, id }) => !known(name, id)).map(({ name }) => name),
  };
}

function isMet(quorum: Quorum, times: readonly (number | null)[]): boolean {
  switch (quorum.of) {
    case "nobody":
      return true;
    case "witness":
      return (times[quorum.at] ?? null) !== null;
    case "group":
      return quorum.members.filter((member) => isMet(member, times)).length >= quorum.least;
  }
}

class Reader {
  readonly logs: LogKey[] = [];
  readonly witnesses: PolicyWitness[] = [];
  asked: Quorum | undefined;
  /** What each name stands for; null once it is a member of a group, since it may be of one only. */
  readonly #names = new Map<string, Quorum | null>();

  async line(content: string): Promise<void> {
    demand(!/[\x00-\x08\x0a-\x1f\x7f]/.test(content), "a control character");
    const words = content.split(/[ \t]+/).filter((word) => word !== "");
    const [kind, first, second, ...more] = words;
    if (kind === undefined || kind.startsWith("#")) return;
    if (kind === "log" && first !== undefined && more.length === 0) await this.#log(first);
    else if (kind === "witness" && first !== undefined && second !== undefined && more.length <= 1) await this.#witness(first, second);
    else if (kind === "group" && first !== undefined && second !== undefined) this.#group(first, second, more);
    else if (kind === "quorum" && first !== undefined && second === undefined) this.#quorum(first);
    else throw new SceauError("policy.malformed", "not `log KEY [URL]`, `witness NAME KEY [URL]`, `group NAME all|any|NUMBER NAME…` or `quorum NAME`");
  }

  async #log(text: string): Promise<void> {
    const key = await parseLogKey(text);
    demand(!this.logs.some((known) => samePublic(known, key)), "this log's key stands here twice");
    demand(this.logs.push(key) <= MAX_NAMED, "too many");
  }

  async #witness(name: string, text: string): Promise<void> {
    const key = await parseWitnessKey(text);
    demand(!this.witnesses.some((known) => samePublic(known.key, key)), "this witness's key stands here twice");
    this.#define(name, { of: "witness", at: this.witnesses.length });
    this.witnesses.push({ name, key });
  }

  #group(name: string, least: string, names: string[]): void {
    const members = names.map((member) => this.#member(member));
    const number = least === "all" ? members.length : least === "any" ? 1 : /^(0|[1-9][0-9]*)$/.test(least) ? Number(least) : NaN;
    demand(number >= 1 && number <= members.length, "a group asks for one of its members at least, and for no more than it has");
    this.#define(name, { of: "group", least: number, members });
  }

  #member(name: string): Quorum {
    const defined = this.#names.get(name);
    if (!defined) throw new SceauError("policy.malformed", "a group's members are named on the lines before it, and are of one group only");
    this.#names.set(name, null);
    return defined;
  }

  #quorum(name: string): void {
    demand(this.asked === undefined, "there is a line `quorum` already");
    const asked = name === "none" ? { of: "nobody" as const } : this.#names.get(name);
    if (!asked) throw new SceauError("policy.malformed", "the quorum is named on a line before it, and is no member of a group");
    this.asked = asked;
  }

  #define(name: string, standsFor: Quorum): void {
    demand(name !== "none" && !this.#names.has(name), "this name is taken");
    this.#names.set(name, standsFor);
    demand(this.#names.size <= MAX_NAMED, "too many");
  }
}

const samePublic = (a: { publicKey: Uint8Array }, b: { publicKey: Uint8Array }): boolean => equal(a.publicKey, b.publicKey);

function demand(holds: boolean, reason: string): void {
  if (!holds) throw new SceauError("policy.malformed", reason);
}
