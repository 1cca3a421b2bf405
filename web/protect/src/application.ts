// An application that protects data: for a user of its own, it asks for keys, says who else may have them, and asks who did.
import { base64url, datumOf, PipedEnvelope } from "@sceau/crypto/envelope";
import { Content, type ContentToSign, type OpenedContent } from "./content.js";
import type { DataKey, FileName, OpenedFile, ProtectedField } from "./data-key.js";
import { malformed, ofData, ProtectError } from "./errors.js";
import { type Answer, type Asked, Keyfront, type Settings, type User } from "./keyfront.js";
import { type Access, type Accesses, type Authorisation, authorisation, type Datum, type Erasure, type Grantee, newDatum, type NewDatum, type Rules, type Validity, validity } from "./said.js";
import { type KeyAnswer, Session, type SessionCurve, type SessionKey } from "./session.js";

/** What became of a datum: where the log has the call's record, and what is kept now, where that changed. */
export interface Changed {
  readonly index: number;
  readonly document: Datum | null;
}

export class Application {
  readonly #keyfront: Keyfront;
  readonly #curve: SessionCurve;

  constructor(settings: Settings & { readonly session?: SessionCurve }) {
    this.#keyfront = new Keyfront(settings);
    this.#curve = settings.session ?? "P-256";
  }

  /** For this user, of these groups: Sceau takes the application's word for both, but where a provider of identities is registered for it. Then `idToken` gives the user's. */
  as(user: string, groups: readonly string[] = [], idToken?: () => string | Promise<string>): ActingFor {
    return new ActingFor(this.#keyfront, idToken ? { user, groups, idToken } : { user, groups }, this.#curve);
  }
}

/** Calls for one user. Each throws a `ProtectError`. */
export class ActingFor {
  readonly #keyfront: Keyfront;
  readonly #user: User;
  readonly #curve: SessionCurve;

  /** @internal */
  constructor(keyfront: Keyfront, user: User, curve: SessionCurve) {
    [this.#keyfront, this.#user, this.#curve] = [keyfront, user, curve];
  }

  /** Encrypts a field under a key of its own. Keep what comes back. */
  async protectField(text: string | Uint8Array<ArrayBuffer>, about: NewDatum = {}): Promise<ProtectedField> {
    const key = await (await this.create(about)).forFields();
    return key.seal(text);
  }

  async openField(field: ProtectedField): Promise<Uint8Array<ArrayBuffer>> {
    const key = await (await this.open(field.datum, field.wrappedKey)).forFields();
    return key.open(field);
  }

  /** Encrypts many fields (at most 400) by one call, each under a key of its own; in the place of one that is refused is the error. */
  async protectFields(fields: readonly { readonly text: string | Uint8Array<ArrayBuffer>; readonly about?: NewDatum }[]): Promise<(ProtectedField | ProtectError)[]> {
    const keys = await this.createMany(fields.map(({ about = {} }) => about));
    return inTurn(keys, async (key, at) => (await key.forFields()).seal(fields[at]?.text ?? ""));
  }

  /** Opens many fields by one call; in the place of one that is refused, or does not open, is the error. */
  async openFields(fields: readonly ProtectedField[]): Promise<(Uint8Array<ArrayBuffer> | ProtectError)[]> {
    const keys = await this.openMany(fields);
    return inTurn(keys, async (key, at) => (await key.forFields()).open(fields[at] as ProtectedField));
  }

  /** Another text in the place of a field's, for the same people, under a fresh vector. */
  async rewriteField(field: ProtectedField, text: string | Uint8Array<ArrayBuffer>): Promise<ProtectedField> {
    const key = await (await this.open(field.datum, field.wrappedKey)).forFields();
    await key.open(field);
    return key.seal(text);
  }

  /** Encrypts a file or a stream of any length, as `sceau protect` does. */
  async protectFile(
    source: Blob | ReadableStream<Uint8Array>,
    name: FileName,
    about: NewDatum = {},
  ): Promise<{ datum: string; envelope: ReadableStream<Uint8Array<ArrayBuffer>> }> {
    const key = await this.create(about);
    return { datum: key.datum, envelope: await key.sealFile(source, name) };
  }

  /**
   * Opens a protected file. The datum that is named is truly the file's: its header is verified under that datum's key, so that an
   * authorisation for it is one for this file and no other.
   */
  async openFile(source: Blob | ReadableStream<Uint8Array>): Promise<OpenedFile> {
    let envelope: PipedEnvelope;
    try {
      envelope = await PipedEnvelope.read(source instanceof Blob ? source.stream() : source);
    } catch (error) {
      throw ofData(error);
    }
    try {
      const of = datumOf(envelope.header);
      if (!of) throw new ProtectError("envelope_not_a_datum", "data", "it is sealed for recipients, and not under a datum's key");
      const key = await this.open(base64url(of.datum), base64url(of.wrapped));
      return await key.openEnvelope(envelope);
    } catch (error) {
      await envelope.cancel(error);
      throw error;
    }
  }

  /**
   * Encrypts a file of at most 256 MiB in the profile `cbc-rs256`, for who must keep it so, and has the element sign it. Whoever can choose takes `protectFile`.
   */
  async protectContent(source: Blob | ReadableStream<Uint8Array>, name: FileName, about: NewDatum = {}): Promise<{ datum: string; content: Blob }> {
    const session = await Session.draw(this.#curve);
    const answer = await this.createContentFor(session.publicKey, about);
    const { toSign, signed } = await (await session.openForContent(answer)).seal(source, name);
    return { datum: answer.datum, content: signed(await this.signContent(toSign)) };
  }

  /** Opens such a file. All of it was compared with its signature, and the element knew that for its own, before anything is decrypted. */
  async openContent(source: Blob | ReadableStream<Uint8Array>): Promise<OpenedContent> {
    const content = await Content.read(source);
    const session = await Session.draw(this.#curve);
    return session.openContent(await this.openContentFor(session.publicKey, content), content);
  }

  /** Begins a datum, and gets its first data key. */
  async create(about: NewDatum = {}): Promise<DataKey> {
    const session = await Session.draw(this.#curve);
    return session.open(await this.createFor(session.publicKey, about));
  }

  /** Gets a data key again. */
  async open(datum: string, wrappedKey: string): Promise<DataKey> {
    const session = await Session.draw(this.#curve);
    return session.open(await this.openFor(session.publicKey, datum, wrappedKey));
  }

  /** Begins many data (at most 400) by one call: each is judged and recorded by itself, and in the place of one that is refused is the error. */
  async createMany(data: readonly NewDatum[]): Promise<(DataKey | ProtectError)[]> {
    const session = await Session.draw(this.#curve);
    const answers = await this.#keyfront.callMany(this.#user, "create_many", session.publicKey, data.map((about) => ({ ...newDatum(about) })));
    return session.openAll(answers.map((answer) => (answer instanceof ProtectError ? answer : withKey(answer, answer.wrappedKey, true))));
  }

  /** Gets many data keys again, likewise. */
  async openMany(data: readonly { readonly datum: string; readonly wrappedKey: string }[]): Promise<(DataKey | ProtectError)[]> {
    const session = await Session.draw(this.#curve);
    const asked = data.map(({ datum, wrappedKey }) => ({ datum, wrapped_key: wrappedKey }));
    const answers = await this.#keyfront.callMany(this.#user, "open_many", session.publicKey, asked);
    return session.openAll(answers.map((answer, at) => (answer instanceof ProtectError ? answer : withKey(answer, data[at]?.wrappedKey ?? null, false))));
  }

  /** The same for a session elsewhere, such as a browser's: its answer passes through here unread. */
  async createFor(session: SessionKey, about: NewDatum = {}): Promise<KeyAnswer> {
    const answer = await this.#keyfront.call(this.#user, "create", { ...newDatum(about), session });
    return withKey(answer, answer.wrappedKey, true);
  }

  async openFor(session: SessionKey, datum: string, wrappedKey: string): Promise<KeyAnswer> {
    const answer = await this.#keyfront.call(this.#user, "open", { datum, wrapped_key: wrappedKey, session });
    return withKey(answer, wrappedKey, false);
  }

  /** Of a content of the profile `cbc-rs256`, for a session elsewhere; `Session.openForContent` opens the answer. */
  async createContentFor(session: SessionKey, about: NewDatum = {}): Promise<KeyAnswer> {
    const answer = await this.#keyfront.call(this.#user, "create", { ...newDatum(about), session, profile: "cbc-rs256" });
    return withKey(answer, answer.wrappedKey, true);
  }

  async openContentFor(session: SessionKey, { datum, wrappedKey, signature }: Pick<Content, "datum" | "wrappedKey" | "signature">): Promise<KeyAnswer> {
    const answer = await this.#keyfront.call(this.#user, "open", { datum, wrapped_key: wrappedKey, session, content: signature });
    return { ...withKey(answer, wrappedKey, false), content: signature };
  }

  /** The element's signature of a content, once; the same one again has the same. */
  signContent(toSign: ContentToSign): Promise<string> {
    return this.#keyfront.signContent(toSign);
  }

  grant(datum: string, grant: Authorisation): Promise<Changed> {
    return this.#change("grant", { datum, grant: authorisation(grant) });
  }

  revoke(datum: string, to: Grantee): Promise<Changed> {
    return this.#change("revoke", { datum, to });
  }

  /** Agrees that another user opens the datum, once, where its rules ask for a second person. */
  async agree(datum: string, to: string): Promise<number> {
    return (await this.#change("agree", { datum, to: { user: to } })).index;
  }

  /** Lets somebody's authorisation count, or no more for now. */
  setGrantActive(datum: string, to: Grantee, active: boolean): Promise<Changed> {
    return this.#change(active ? "activate_grant" : "deactivate_grant", { datum, to });
  }

  activate(datum: string): Promise<Changed> {
    return this.#change("activate", { datum });
  }

  /** Gives its keys out no more, for now. */
  deactivate(datum: string): Promise<Changed> {
    return this.#change("deactivate", { datum });
  }

  /** For good: no key of it is given out again. */
  erase(datum: string): Promise<Changed> {
    return this.#change("erase", { datum });
  }

  /** The certificate of an erasure. */
  async erasure(datum: string): Promise<Erasure> {
    const { erasure } = await this.#keyfront.call(this.#user, "erasure", { datum });
    if (erasure?.datum !== datum) throw malformed("erasure");
    return erasure;
  }

  /** In the place of those that it has; `{}` takes them all away. */
  setRules(datum: string, rules: Rules): Promise<Changed> {
    return this.#change("set_rules", { datum, rules });
  }

  /** Until when it opens, and its window of validity, also once they are over; what is left out stays as it is. */
  setValidity(datum: string, to: Validity): Promise<Changed> {
    return this.#change("set_validity", { datum, ...validity(to) });
  }

  async describe(datum: string): Promise<Datum> {
    const { document } = await this.#keyfront.call(this.#user, "describe", { datum });
    if (!document) throw malformed("document");
    return document;
  }

  /** Who asked for what of a datum, the last call first. */
  async accesses(datum: string, before?: number): Promise<Accesses> {
    const { accesses } = await this.#keyfront.call(this.#user, "accesses", { datum, before });
    if (!accesses) throw malformed("accesses");
    return accesses;
  }

  /** All of them. Each page is a call, and on record itself. */
  async *allAccesses(datum: string): AsyncGenerator<Access, void, undefined> {
    let before: number | undefined;
    do {
      const { list, next } = await this.accesses(datum, before);
      yield* list;
      before = next ?? undefined;
    } while (before !== undefined);
  }

  async #change(name: string, asked: Asked): Promise<Changed> {
    const { index, document } = await this.#keyfront.call(this.#user, name, asked);
    return { index, document };
  }
}

/** What becomes of each key; an error of one stays in its place. */
async function inTurn<T>(keys: readonly (DataKey | ProtectError)[], use: (key: DataKey, at: number) => Promise<T>): Promise<(T | ProtectError)[]> {
  const all: (T | ProtectError)[] = [];
  for (const [at, key] of keys.entries()) {
    all.push(key instanceof ProtectError ? key : await use(key, at).catch(refused));
  }
  return all;
}

function refused(error: unknown): ProtectError {
  if (error instanceof ProtectError) return error;
  throw error;
}

function withKey({ datum, call, item, dataKey, index }: Answer, wrappedKey: string | null, begun: boolean): KeyAnswer {
  if (dataKey === null || wrappedKey === null) throw malformed("data_key");
  return { datum, call, ...(item === undefined ? {} : { item }), dataKey, wrappedKey, begun, index };
}
