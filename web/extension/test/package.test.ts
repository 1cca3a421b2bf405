// What is packaged: the same archive for the same source, and a manifest that asks for as little as it may.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { zip } from "../archive";
import { distributor, manifest } from "../manifest";
import { files } from "../package.plugin";

const here = new URL("..", import.meta.url).pathname;
const scratch = mkdtempSync(join(tmpdir(), "sceau-package-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));
const sum = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

describe("an archive", () => {
  const content = new Map([["b/two.txt", new TextEncoder().encode("two")], ["a.txt", new TextEncoder().encode("one, é")], ["empty", new Uint8Array()]]);

  it("is the same whatever the order of its files, and another program reads it", () => {
    const archive = zip(content);
    expect(sum(zip(new Map([...content].reverse())))).toBe(sum(archive));
    const path = join(scratch, "archive.zip");
    writeFileSync(path, archive);
    const read = 'import sys, zipfile\nz = zipfile.ZipFile(sys.argv[1])\nassert z.testzip() is None\nfor i in z.infolist(): print(i.filename, i.date_time[0], z.read(i).decode())';
    expect(execFileSync("python3", ["-c", read, path], { encoding: "utf8" })).toBe("a.txt 1980 one, é\nb/two.txt 1980 two\nempty 1980 \n");
  });
});

describe("the package", () => {
  it.each([["chromium", "zip"], ["firefox", "xpi"]])("for %s is built twice alike", (browser, ending) => {
    const built = join(here, "dist", `${browser}.${ending}`);
    // `npm run build` is the stage before.
    if (!existsSync(built)) throw new Error(`${built} is missing: npm run build`);
    const out = join(scratch, browser);
    execFileSync("npx", ["vite", "build", "--mode", browser], { cwd: here, stdio: "ignore", env: { ...process.env, NODE_ENV: "production", SCEAU_EXTENSION_OUT: out } });
    expect(sum(readFileSync(`${out}.${ending}`))).toBe(sum(readFileSync(built)));
    // What a test needs of permissions is given to a copy: what is distributed asks for no host before its holder allows one.
    const said = JSON.parse(new TextDecoder().decode(files(out).get("manifest.json"))) as Record<string, unknown>;
    expect(["host_permissions", "content_scripts", "externally_connectable", "web_accessible_resources"].filter((name) => name in said)).toEqual([]);
    // No code is fetched: what pages run is in the package.
    const pages = [...files(out)].filter(([name]) => name.endsWith(".html")).map(([, bytes]) => new TextDecoder().decode(bytes));
    expect(pages.length).toBe(1);
    for (const page of pages) expect(page.match(/(?:src|href)="[^"]*"/g)?.filter((link) => !/="\.\//.test(link))).toEqual([]);
    expect([...files(out).keys()].filter((name) => name.startsWith("_"))).toEqual([]);
  });

  it("for Firefox takes updates from whoever distributes it, and from nobody else's list", () => {
    const of = (said: Record<string, string>): unknown => (manifest("firefox", "1.2.3", distributor(said)) as { browser_specific_settings: { gecko: unknown } }).browser_specific_settings.gecko;
    const mine = { SCEAU_FIREFOX_ID: "terminal@example.org", SCEAU_FIREFOX_UPDATES: "https://example.org/terminal.json" };
    expect(of(mine)).toMatchObject({ id: "terminal@example.org", update_url: "https://example.org/terminal.json" });
    // To try it: an address that leads nowhere, and not none.
    expect(of({})).toMatchObject({ id: "terminal@sceau.invalid", update_url: "https://sceau.invalid/terminal/updates.json" });
    for (const wrong of [{ SCEAU_FIREFOX_ID: mine.SCEAU_FIREFOX_ID }, { SCEAU_FIREFOX_UPDATES: mine.SCEAU_FIREFOX_UPDATES }, { ...mine, SCEAU_FIREFOX_UPDATES: "http://example.org/" }, { ...mine, SCEAU_FIREFOX_ID: "me" }]) {
      expect(() => distributor(wrong)).toThrow("give both or neither");
    }
  });

  it("asks for three permissions, for hosts at run time alone, and runs no code but its own", () => {
    for (const browser of ["chromium", "firefox"] as const) {
      const said = manifest(browser, "1.2.3") as Record<string, unknown> & { content_security_policy: { extension_pages: string } };
      expect(said["permissions"]).toEqual(["storage", "alarms", "notifications"]);
      expect([said["host_permissions"], said["content_scripts"], said["web_accessible_resources"], said["externally_connectable"]]).toEqual([undefined, undefined, undefined, undefined]);
      expect(said.content_security_policy.extension_pages).toContain("script-src 'self' 'wasm-unsafe-eval';");
      expect(said.content_security_policy.extension_pages).toContain("default-src 'none'");
    }
  });
});
