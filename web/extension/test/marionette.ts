// Firefox by its own remote protocol (Marionette: length ‖ ":" ‖ JSON over TCP), with a profile of its own: no driver is needed beside the browser.
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

export const FIREFOX = process.env["SCEAU_FIREFOX"] ?? "/usr/bin/firefox-esr";
const ELEMENT = "element-6066-11e4-a52e-4f735466cecf";
/** The origin that the extension has in this profile: Firefox draws one elsewhere. */
const UUID = "5ce4b0b6-5f53-4e0b-9d0a-0d7a3c1e2f01";

/** What a profile is told: no traffic of the browser's own; permissions that a window would ask for are given. */
const PREFERENCES = {
  "marionette.port": 0,
  "extensions.webextensions.uuids": JSON.stringify({ "terminal@sceau.invalid": UUID }),
  "extensions.webextOptionalPermissionPrompts": false,
  "intl.accept_languages": "fr-FR",
  "intl.locale.requested": "en-US",
  "app.normandy.enabled": false,
  "app.update.disabledForTesting": true,
  "browser.shell.checkDefaultBrowser": false,
  "browser.safebrowsing.malware.enabled": false,
  "browser.safebrowsing.phishing.enabled": false,
  "browser.newtabpage.activity-stream.feeds.topsites": false,
  "browser.startup.page": 0,
  "datareporting.policy.dataSubmissionEnabled": false,
  "toolkit.telemetry.reportingpolicy.firstRun": false,
  "extensions.getAddons.cache.enabled": false,
  "network.captive-portal-service.enabled": false,
  "network.connectivity-service.enabled": false,
  "services.settings.server": "data:,",
};

export class Firefox {
  readonly #waiting = new Map<number, (answer: [unknown, unknown]) => void>();
  #calls = 0;
  #read = Buffer.alloc(0);

  private constructor(
    private readonly folder: string,
    private readonly process: ChildProcess,
    private readonly socket: Socket,
  ) {
    socket.on("data", (part) => {
      this.#read = Buffer.concat([this.#read, part]);
      this.#take();
    });
  }

  static async start(): Promise<Firefox> {
    const folder = mkdtempSync(join(tmpdir(), "sceau-firefox-"));
    const lines = Object.entries(PREFERENCES).map(([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});\n`);
    writeFileSync(join(folder, "user.js"), lines.join(""));
    const process_ = spawn("setpriv", ["--pdeathsig", "KILL", "--", FIREFOX, "--headless", "--no-remote", "--marionette", "--remote-allow-system-access", "--profile", folder], { stdio: "ignore", env: { ...process.env, HOME: folder, MOZ_DISABLE_CONTENT_SANDBOX: "1" } });
    const port = join(folder, "MarionetteActivePort");
    while (!existsSync(port) || readFileSync(port, "utf8").trim() === "") {
      if (process_.exitCode !== null) throw new Error("Firefox ended");
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    const socket = connect(Number(readFileSync(port, "utf8")), "127.0.0.1");
    const firefox = new Firefox(folder, process_, socket);
    await new Promise<void>((resolve, reject) => socket.once("connect", resolve).once("error", reject));
    await firefox.ask("WebDriver:NewSession", {});
    await firefox.ask("WebDriver:SetTimeouts", { implicit: 20_000, script: 20_000 });
    return firefox;
  }

  async install(path: string): Promise<void> {
    await this.ask("Addon:Install", { path, temporary: true });
  }

  /** Takes this certificate (PEM) at this port of this machine, and no other. */
  async trust(certificate: string, port: number): Promise<void> {
    const body = `const of = (name, kind) => Cc[name].getService(Ci[kind]);
      const taken = of("@mozilla.org/security/x509certdb;1", "nsIX509CertDB").constructX509FromBase64(arguments[0]);
      of("@mozilla.org/security/certoverride;1", "nsICertOverrideService").rememberValidityOverride("localhost", arguments[1], {}, taken, false);`;
    await this.#above(body, certificate.replaceAll(/-----[^-]+-----|\s/g, ""), port);
  }

  /** The same as {@link run}, with the browser's own rights. */
  async #above(body: string, ...args: unknown[]): Promise<unknown> {
    await this.ask("Marionette:SetContext", { value: "chrome" });
    try {
      return await this.run(body, ...args);
    } finally {
      await this.ask("Marionette:SetContext", { value: "content" });
    }
  }

  /** Opens a page of the terminal in a tab, as the extension's button does: pages of extensions are nowhere that a driver may go by itself. */
  async open(hash: string): Promise<void> {
    const before = (await this.ask("WebDriver:GetWindowHandles", {})) as string[];
    const body = "gBrowser.selectedTab = gBrowser.addTab(arguments[0], { triggeringPrincipal: Services.scriptSecurityManager.getSystemPrincipal() });";
    await this.#above(body, `moz-extension://${UUID}/terminal.html${hash}`);
    const after = (await this.ask("WebDriver:GetWindowHandles", {})) as string[];
    await this.ask("WebDriver:SwitchToWindow", { handle: after.find((handle) => !before.includes(handle)) });
  }

  /** Runs a function's body in the page; what it gives back. */
  async run(body: string, ...args: unknown[]): Promise<unknown> {
    return ((await this.ask("WebDriver:ExecuteScript", { script: body, args })) as { value: unknown }).value;
  }

  async #found(xpath: string): Promise<string> {
    const shown = async (): Promise<never> => {
      throw new Error(`${xpath} is not there, but: ${String(await this.run("return document.querySelector('main').textContent;"))}`);
    };
    return ((await this.ask("WebDriver:FindElement", { using: "xpath", value: xpath }).catch(shown)) as { value: Record<string, string> }).value[ELEMENT] ?? "";
  }

  /** Waits for an element of this kind with exactly this text. */
  text(kind: string, text: string): Promise<string> {
    return this.#found(`//${kind}[normalize-space(.)=${quoted(text)}]`);
  }

  async press(text: string): Promise<void> {
    await this.ask("WebDriver:ElementClick", { id: await this.text("*[self::button or self::a]", text) });
  }

  async fill(label: string, text: string): Promise<void> {
    const field = await this.#found(`//*[@id=//label[normalize-space(.)=${quoted(label)}]/@for]`);
    await this.ask("WebDriver:ElementSendKeys", { id: field, text });
  }

  /** Types on the keypad. */
  async keypad(pin: string, go: string): Promise<void> {
    for (const digit of Array.from(pin)) await this.press(digit);
    await this.press(go);
  }

  end(): void {
    this.socket.destroy();
    this.process.kill("SIGKILL");
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }

  async ask(command: string, parameters: object): Promise<unknown> {
    this.#calls += 1;
    const call = this.#calls;
    const json = JSON.stringify([0, call, command, parameters]);
    const answer = new Promise<[unknown, unknown]>((resolve) => this.#waiting.set(call, resolve));
    this.socket.write(`${Buffer.byteLength(json)}:${json}`);
    const [error, value] = await answer;
    if (error !== null) throw new Error(`${command} ${JSON.stringify(parameters)}: ${JSON.stringify(error)}`);
    return value;
  }

  #take(): void {
    for (;;) {
      const colon = this.#read.indexOf(":");
      const length = Number(this.#read.subarray(0, Math.max(colon, 0)).toString());
      if (colon < 0 || this.#read.length < colon + 1 + length) return;
      const said = JSON.parse(this.#read.subarray(colon + 1, colon + 1 + length).toString()) as unknown;
      this.#read = this.#read.subarray(colon + 1 + length);
      if (!Array.isArray(said)) continue;
      const [, call, error, value] = said as [number, number, unknown, unknown];
      this.#waiting.get(call)?.([error, value]);
      this.#waiting.delete(call);
    }
  }
}

const quoted = (text: string): string => (text.includes('"') ? `'${text}'` : `"${text}"`);
