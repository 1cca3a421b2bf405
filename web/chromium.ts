// A real Chromium for the browser tests: a fresh profile each time, no background traffic.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { readFileSync, statSync } from "node:fs";
import { extname, isAbsolute, join, normalize } from "node:path";
import { type Browser, chromium } from "playwright-core";

export function launch(): Promise<Browser> {
  return chromium.launch({
    executablePath: process.env["SCEAU_CHROMIUM"] ?? "/usr/bin/chromium",
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}

/** Where the page tests keep their pictures: SCEAU_PICTURES, when it is a folder's whole path. Elsewhere it may say `keep`. */
export function picturesFolder(said: string | undefined = process.env["SCEAU_PICTURES"]): string | undefined {
  return said !== undefined && isAbsolute(said) ? said : undefined;
}

export type Handler = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>;

/** A server on a port that the system chooses, on loopback. */
export async function serve(handler: Handler): Promise<{ server: Server; port: number }> {
  const server = createServer((request, response) => {
    Promise.resolve(handler(request, response)).catch((error: unknown) => {
      response.statusCode = 500;
      response.end(String(error));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { server, port: (server.address() as AddressInfo).port };
}

const TYPES: Record<string, string> = {
  ".css": "text/css",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".json": "application/json",
  ".svg": "image/svg+xml",
  ".woff2": "font/woff2",
};

/** The file of a built site, or its index for a page that the script draws. */
export function file(root: string, path: string): { body: Buffer; type: string; name: string } {
  const name = normalize(path).replace(/^(\.\.[/\\])+/, "");
  const at = join(root, name);
  const exists = statSync(at, { throwIfNoEntry: false })?.isFile() ?? false;
  const found = exists ? at : join(root, "index.html");
  return { body: readFileSync(found), type: TYPES[extname(found)] ?? "application/octet-stream", name: exists ? name : "/" };
}
