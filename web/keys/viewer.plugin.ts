// Builds the viewer into one self-contained viewer.html, and writes what the server must send with each page into headers.json.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { build, type Plugin, type Rolldown } from "vite";

const at = (path: string): string => fileURLToPath(new URL(`src/viewer/${path}`, import.meta.url));
const source = (text: string): string => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;

export function viewer(): Plugin {
  return {
    name: "sceau-viewer",
    async generateBundle() {
      const { html, script, style } = await assemble();
      this.emitFile({ type: "asset", fileName: "viewer.html", source: html });
      this.emitFile({ type: "asset", fileName: "headers.json", source: `${JSON.stringify(headers(script, style), null, 2)}\n` });
    },
    configureServer(server) {
      server.middlewares.use("/viewer.html", (_request, response, next) => {
        assemble().then(({ html, script, style }) => {
          response.setHeader("content-type", "text/html; charset=utf-8");
          response.setHeader("content-security-policy", frame(script, style));
          response.end(html);
        }, next);
      });
    },
  };
}

async function assemble(): Promise<{ html: string; script: string; style: string }> {
  const result = await build({
    configFile: false,
    logLevel: "warn",
    plugins: [pdfData()],
    define: { "import.meta.url": '""' }, // one classic script, which has no address
    build: {
      write: false,
      target: "es2022",
      rolldownOptions: { input: at("viewer.ts"), output: { format: "iife", codeSplitting: false } },
    },
  });
  const { output } = (Array.isArray(result) ? result[0] : result) as Rolldown.RolldownOutput;
  // The parser of HTML ends a script at the first "</script", and treats "<!--" specially, wherever they stand.
  const script = output[0].code.replaceAll("</script", "<\\/script").replaceAll("<!--", "<\\!--");
  const style = readFileSync(at("viewer.css"), "utf8");
  const html = readFileSync(at("viewer.html"), "utf8")
    .replace("/*style*/", () => style)
    .replace("/*script*/", () => script);
  return { html, script, style };
}

/** The decoders and standard fonts that pdf.js would fetch, as a module: name → base64. The frame can fetch nothing. */
function pdfData(): Plugin {
  const id = "virtual:pdf-data";
  return {
    name: "sceau-pdf-data",
    resolveId: (source) => (source === id ? id : null),
    load(asked) {
      if (asked !== id) return null;
      const home = dirname(createRequire(import.meta.url).resolve("pdfjs-dist/package.json"));
      const files = ["wasm", "standard_fonts"].flatMap((folder) =>
        readdirSync(`${home}/${folder}`)
          .filter((name) => /^(?!qcms).*\.(wasm|pfb|ttf)$/.test(name))
          .sort()
          .map((name) => [name, readFileSync(`${home}/${folder}/${name}`).toString("base64")]),
      );
      return `export default ${JSON.stringify(Object.fromEntries(files))};`;
    },
  };
}

/** The frame: its own script and style and nothing else, no connection, an opaque origin even when it is opened by itself. */
const frame = (script: string, style: string): string =>
  [
    "default-src 'none'",
    `script-src ${source(script)} 'wasm-unsafe-eval'`, // the decoders of scanned pages are WebAssembly
    `style-src ${source(style)}`,
    "img-src blob: data:",
    "font-src blob: data:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'self'",
    "sandbox allow-scripts",
  ].join("; ");

/** The pages. `{platform}` is the platform's origin, the one other place that they may call. */
const pages = [
  "default-src 'none'",
  "script-src 'self'",
  "worker-src 'self'",
  "style-src 'self'",
  "font-src 'self'",
  "img-src 'self'",
  "connect-src 'self' {platform}",
  "frame-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

function headers(script: string, style: string): Record<string, Record<string, string>> {
  const all = {
    "cache-control": "no-store",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), publickey-credentials-get=()",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
  };
  return {
    "/viewer.html": { ...all, "cache-control": "no-cache", "content-security-policy": frame(script, style) },
    "/assets/*": { ...all, "cache-control": "public, max-age=31536000, immutable", "cross-origin-resource-policy": "same-origin" },
    "*": { ...all, "content-security-policy": pages },
  };
}
