// pdf.js ships no types for its worker; here it is only handed over.
declare module "pdfjs-dist/legacy/build/pdf.worker.mjs" {
  export const WorkerMessageHandler: unknown;
}

/** Made by viewer.plugin.ts: files that pdf.js asks for, base64 by name. */
declare module "virtual:pdf-data" {
  const data: Readonly<Record<string, string>>;
  export default data;
}
