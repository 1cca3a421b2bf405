// A real element that serves keyrings, its host, and the people of a keyring, who act by the command line. Everything lies in a folder of its own and ends with the test.
import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { request as ask } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { type Carrier, HostError } from "../src";

const PROGRAMS = process.env["SCEAU_BIN"] ?? new URL("../../../target/debug", import.meta.url).pathname;
const ORIGIN = "test.sceau.localhost/log";
const ORGANISATION = "3f7c1b4e-7a34-4c8e-9d8a-6a1f2c3d4e50";
const POLICY = "9a1d7c52-0b0e-4c0f-8a52-51b8f0f1c001";
const AUTHORITY = "9a1d7c52-0b0e-4c0f-8a52-51b8f0f1c002";
const PROVIDER = "9a1d7c52-0b0e-4c0f-8a52-51b8f0f1c003";
const SUPPORT = "9a1d7c52-0b0e-4c0f-8a52-51b8f0f1c004";
export const PROVIDER_NAME = "Notaires de la Seine";

/** A keyring that was handed over and not activated. */
export interface Handed {
  readonly id: string;
  readonly invitation: string;
  readonly code: string;
  readonly second: string | null;
}

export class House {
  readonly #running: ChildProcess[] = [];
  /** Where the host is. */
  url = "";
  #published = false;

  private constructor(readonly folder: string) {}

  /** Starts both with these members of the policy in the place of its own. */
  static async start(policy: object = {}): Promise<House> {
    const house = new House(mkdtempSync(join(tmpdir(), "sceau-terminal-")));
    try {
      await house.#begin(policy);
    } catch (error) {
      house.end();
      throw error;
    }
    return house;
  }

  async #begin(policy: object): Promise<void> {
    mkdirSync(this.at("run"));
    this.write("passphrase", "four words and one more");
    for (const actor of ["officer", "ra", "sp", "support"]) this.#certificate(actor);
    this.#certificate("host", "-addext", "subjectAltName=DNS:localhost", "-addext", "basicConstraints=critical,CA:FALSE");
    this.write("host.both", this.read("host.pem") + this.read("host.key"));
    this.write("sceau.toml", "[keyrings]\n");
    const socket = this.at("run/element.sock");
    await this.#start("sceau-element", "--state", this.at("element"), "--socket", socket, "--origin", ORIGIN, "--keystore-passphrase-file",
      this.at("passphrase"), "--keyrings-officer", this.at("officer.pem"));
    const told = await this.#start("sceau", "serve", "keyrings", "--listen", "127.0.0.1:0", "--element", socket, "--config", this.at("sceau.toml"),
      "--data", this.at("platform"), "--tls", this.at("host.both"));
    this.url = (JSON.parse(told) as { url: string }).url;
    this.write("element.json", this.sceau("keyring", "element", "--socket", socket));
    this.publish(policy);
    const actor = (id: string, role: string, name: string, file: string, kinds: string[]): object => ({
      id, role, name, certificate_file: file, policies: [POLICY], kinds, status: "active",
    });
    this.write("access.json", JSON.stringify({
      origin: ORIGIN, organisation: ORGANISATION,
      actors: [actor(AUTHORITY, "registration_authority", "Guichet", "ra.pem", []), actor(PROVIDER, "service_provider", PROVIDER_NAME, "sp.pem", ["sign", "authenticate"]),
        actor(SUPPORT, "support", "Assistance", "support.pem", [])],
    }));
    this.act("officer", "access", this.at("access.json"));
  }

  /** Publishes the policy of this house, in the officer's word. */
  publish(policy: object): void {
    this.write("policy.json", JSON.stringify({
      origin: ORIGIN, policy: POLICY, organisation: ORGANISATION, name: "Signature des baux", use: "sign", pin: { least: 6, most: 12 }, second_factor: "none",
      algorithm: "ES256", authority: { embedded: { days: 365 } }, subject: ["common_name"], activation_days: 30, terminals_most: 1, roaming: "none",
      biometric: "none", batch_most: 10, request_seconds: 600, dissociation: "holder", discloses: "identity", applies_to_existing: false, status: "active", ...policy,
    }));
    const follows = this.#published ? ["--follows", this.at("policy.row")] : [];
    this.write("policy.row", this.act("officer", "policy", ...follows, this.at("policy.json")));
    this.#published = true;
  }

  /** A keyring for this holder, handed over. */
  handOver(name: string, holder: string, channels: string[] = ["hand"]): Handed {
    const files = ["package", "invitation", "code", ...(channels.length === 2 ? ["second"] : [])];
    const made = this.act("ra", "fabricate", "--policy", POLICY, "--element", this.at("element.json"), ...files.flatMap((file) => [`--${file}`, this.at(`${name}.${file}`)]));
    this.act("ra", "deliver", "--holder", "2026-118", "--common-name", holder, ...channels.flatMap((channel) => ["--channel", channel]),
      "--element", this.at("element.json"), this.at(`${name}.package`));
    const { keyring } = JSON.parse(made) as { keyring: string };
    const second = channels.length === 2 ? this.read(`${name}.second`) : null;
    return { id: keyring, invitation: this.read(`${name}.invitation`), code: this.read(`${name}.code`), second };
  }

  /** A request to sign these files, left at the host; its id. */
  leave(keyring: string, description: string, files: Readonly<Record<string, string>>): string {
    const paths = Object.entries(files).map(([name, content]) => this.write(name, content));
    const said = this.act("sp", "request", "--provider", PROVIDER, "--keyring", keyring, "--element", this.at("element.json"), "--description", description,
      ...paths.flatMap((path) => ["--file", path]));
    return (JSON.parse(said) as { request: string }).request;
  }

  /** A request for who the holder is, left at the host; its id. */
  leaveLogin(keyring: string, description: string, nonce: string): string {
    const said = this.act("sp", "request", "--provider", PROVIDER, "--keyring", keyring, "--element", this.at("element.json"), "--authenticate", "--nonce", nonce, "--description", description);
    return (JSON.parse(said) as { request: string }).request;
  }

  /** What the provider is told of a request; what it got is in files that end in `.sig`, `.pem` and `.proof`. */
  outcome(request: string): { state: string } {
    const out = (end: string): string => this.at(`${request}.${end}`);
    const said = this.act("sp", "outcome", "--element", this.at("element.json"), "--request", request, "--out", out("sig"), "--holder", out("pem"), "--proof", out("proof"));
    return JSON.parse(said) as { state: string };
  }

  /** Whether OpenSSL verifies what the provider got, over a file. */
  verifies(request: string, file: string, signature = "sig"): boolean {
    const key = execFileSync("openssl", ["x509", "-in", this.at(`${request}.pem`), "-pubkey", "-noout"], { encoding: "utf8" });
    const done = spawnSync("openssl", ["dgst", "-sha256", "-verify", this.write(`${request}.pub`, key), "-signature", this.at(`${request}.${signature}`), this.at(file)]);
    return done.status === 0;
  }

  /** `sceau keyring <words>` of an actor at the host; what it says. */
  act(actor: string, ...words: string[]): string {
    return this.sceau("keyring", ...words, "--certificate", this.at(`${actor}.pem`), "--key", this.at(`${actor}.key`), "--at", this.url, "--anchors", this.at("host.pem"));
  }

  sceau(...words: string[]): string {
    const done = spawnSync(join(PROGRAMS, "sceau"), words, { encoding: "utf8" });
    if (done.status !== 0) throw new Error(`sceau ${words.join(" ")}: ${done.stderr}`);
    return done.stdout;
  }

  /** The way to the host, as a terminal in Node has it: over TLS, to this house's certificate alone. */
  carrier(): Carrier {
    const ca = this.read("host.pem");
    const carried = (path: string, body?: unknown): Promise<unknown> => new Promise((resolve, reject) => {
      const method = body === undefined ? "GET" : "POST";
      const sent = ask(`${this.url}${path}`, { method, ca, headers: { "content-type": "application/json" } }, (response) => {
        let text = "";
        response.setEncoding("utf8").on("data", (part: string) => (text += part)).on("end", () => {
          const said = JSON.parse(text) as { code: string; detail: string };
          const status = response.statusCode ?? 0;
          if (status < 300) resolve(said);
          else reject(new HostError(said.code, said.detail, status));
        });
      });
      sent.on("error", (error) => reject(new HostError("unreachable", error.message, 0)));
      sent.end(body === undefined ? undefined : JSON.stringify(body));
    });
    return {
      host: new URL(this.url).host,
      get: (path) => carried(path),
      post: carried,
      pause: (time) => new Promise((resolve) => setTimeout(resolve, time)),
    };
  }

  /** `sceau terminal <words>` on the terminal of this folder; what it says, in JSON. */
  terminal(name: string, ...words: string[]): Record<string, unknown> {
    return JSON.parse(this.sceau("terminal", ...this.#at(name, words))) as Record<string, unknown>;
  }

  /** `sceau terminal confirm` with the short code that the other terminal shows; what it says, once that one is a terminal of the keyring. */
  confirming(name: string, short: string): Promise<string> {
    return this.#lasting(this.#at(name, ["confirm", "--shown", short])).ended;
  }

  /** `sceau terminal join` with a code: the short code that it shows, and how it ends. */
  joining(name: string, code: string, pin: string): { readonly short: Promise<string>; readonly ended: Promise<string> } {
    const words = this.#at(name, ["join", "--code-file", this.write(`${name}.code`, code), "--pin-file", this.write(`${name}.pin`, pin)]);
    const { child, said, ended } = this.#lasting(words);
    const short = new Promise<string>((resolve, reject) => {
      child.stderr?.on("data", () => {
        const shown = /^ {4}([0-9A-Z]{4}-[0-9A-Z]{4})$/m.exec(said.err)?.[1];
        if (shown !== undefined) resolve(shown);
      });
      ended.then(() => reject(new Error("it showed no short code")), reject);
    });
    short.catch(() => undefined);
    return { short, ended };
  }

  /** A command of `sceau terminal` that waits for others. */
  #lasting(words: string[]): { readonly child: ChildProcess; readonly said: { out: string; err: string }; readonly ended: Promise<string> } {
    const child = spawn("setpriv", ["--pdeathsig", "KILL", "--", join(PROGRAMS, "sceau"), "terminal", ...words], { stdio: ["ignore", "pipe", "pipe"] });
    this.#running.push(child);
    const said = { out: "", err: "" };
    child.stdout.setEncoding("utf8").on("data", (part: string) => (said.out += part));
    child.stderr.setEncoding("utf8").on("data", (part: string) => (said.err += part));
    const ended = new Promise<string>((resolve, reject) => child.on("close", (status) => (status === 0 ? resolve(said.out) : reject(new Error(said.err)))));
    ended.catch(() => undefined);
    return { child, said, ended };
  }

  #at(name: string, [command = "", ...words]: string[]): string[] {
    return [command, "--folder", this.at(name), ...words, "--at", this.url, "--anchors", this.at("host.pem")];
  }

  at(name: string): string {
    return join(this.folder, name);
  }

  read(name: string): string {
    return readFileSync(this.at(name), "utf8");
  }

  write(name: string, content: string): string {
    writeFileSync(this.at(name), content, { mode: 0o600 });
    return this.at(name);
  }

  /** Ends the processes, and takes the folder away. */
  end(): void {
    for (const child of this.#running.splice(0).reverse()) child.kill("SIGKILL");
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Starts a program that lasts; what it says first, once it is ready. */
  async #start(program: string, ...words: string[]): Promise<string> {
    const child = spawn("setpriv", ["--pdeathsig", "KILL", "--", join(PROGRAMS, program), ...words], { stdio: ["ignore", "pipe", "pipe"] });
    this.#running.push(child);
    let errors = "";
    child.stderr.setEncoding("utf8").on("data", (part: string) => (errors += part));
    for await (const line of createInterface(child.stdout)) {
      child.stdout.resume();
      return line;
    }
    throw new Error(`${program} ended: ${errors}`);
  }

  #certificate(name: string, ...more: string[]): void {
    execFileSync("openssl", ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30", ...more, "-subj", `/CN=${name}`,
      "-keyout", this.at(`${name}.key`), "-out", this.at(`${name}.pem`)], { stdio: "ignore" });
  }
}
