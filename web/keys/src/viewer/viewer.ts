// Runs in a frame of opaque origin, in one self-contained document whose policy allows no connection at all. Whatever a hostile document
// achieves here, it finds no key, no token, no other document and no way out.
import * as pdf from "pdfjs-dist/legacy/build/pdf.mjs";
import * as pdfWorker from "pdfjs-dist/legacy/build/pdf.worker.mjs";
import data from "virtual:pdf-data";
import type { FromFrame, Show } from "./protocol";

// pdf.js then parses in this thread: a worker script would need an address, and this document has none to give.
(globalThis as { pdfjsWorker?: unknown }).pdfjsWorker = pdfWorker;

const words = {
  fr: { page: (n: number) => `Page ${n}`, image: "Document déposé", failed: "Ce document ne peut pas être affiché. Vous pouvez le télécharger." },
  en: { page: (n: number) => `Page ${n}`, image: "Deposited document", failed: "This document cannot be shown. You can download it." },
};
const place = document.getElementById("pages") as HTMLElement;
const page = window.parent;
let shown = false;

window.addEventListener("message", (event: MessageEvent<Partial<Show> | null>) => {
  if (event.source !== page || event.data?.sceau !== "show" || shown) return;
  shown = true;
  void show(event.data as Show);
});
tell({ sceau: "ready" });

async function show({ pieces, type, language }: Show): Promise<void> {
  document.documentElement.lang = language;
  const bytes = await new Blob([...pieces]).arrayBuffer();
  const sha256 = hex(await crypto.subtle.digest("SHA-256", bytes));
  document.documentElement.dataset["sha256"] = sha256;
  try {
    const failed = (): void => fail(sha256, language);
    const pages =
      type === "application/pdf" ? await showPdf(bytes, language, failed) : await showImage(bytes, type, language);
    document.documentElement.dataset["pages"] = String(pages);
    tell({ sceau: "shown", sha256, pages });
  } catch {
    fail(sha256, language);
  }
}

function fail(sha256: string, language: "fr" | "en"): void {
  const said = document.createElement("p");
  said.className = "said";
  said.textContent = words[language].failed;
  place.replaceChildren(said);
  tell({ sceau: "failed", sha256 });
}

async function showImage(bytes: ArrayBuffer, type: string, language: "fr" | "en"): Promise<number> {
  const image = new Image();
  image.alt = words[language].image;
  image.src = URL.createObjectURL(new Blob([bytes], { type }));
  await image.decode();
  place.replaceChildren(image);
  return 1;
}

/** What pdf.js would fetch, from this very document. */
class Enclosed {
  fetch({ filename }: { filename: string }): Promise<Uint8Array> {
    const encoded = data[filename];
    if (encoded === undefined) return Promise.reject(new Error(`${filename} is not enclosed`));
    return Promise.resolve(Uint8Array.from(atob(encoded), (character) => character.charCodeAt(0)));
  }
}

/** A browser draws nothing in a frame that is out of sight, so pages are drawn as they come into view, and not waited for. */
async function showPdf(bytes: ArrayBuffer, language: "fr" | "en", failed: () => void): Promise<number> {
  const document_ = await pdf.getDocument({
    data: bytes,
    isEvalSupported: false,
    disableAutoFetch: true,
    useWorkerFetch: false,
    useSystemFonts: false,
    BinaryDataFactory: Enclosed,
    enableXfa: false,
    stopAtErrors: false,
    verbosity: pdf.VerbosityLevel.ERRORS,
  }).promise;
  const first = (await document_.getPage(1)).getViewport({ scale: 1 });
  const shape = `${first.width} / ${first.height}`;
  const watcher = new IntersectionObserver(
    (entries) => {
      for (const entry of entries) if (entry.isIntersecting) draw(document_, entry.target as HTMLElement).catch(failed);
    },
    { rootMargin: "800px" },
  );
  for (let number = 1; number <= document_.numPages; number += 1) {
    const section = document.createElement("section");
    section.className = "page";
    section.dataset["number"] = String(number);
    section.setAttribute("aria-label", words[language].page(number));
    section.style.aspectRatio = shape;
    place.append(section);
    watcher.observe(section);
  }
  return document_.numPages;
}

async function draw(document_: pdf.PDFDocumentProxy, section: HTMLElement): Promise<void> {
  if (section.dataset["drawn"]) return;
  section.dataset["drawn"] = "yes";
  const source = await document_.getPage(Number(section.dataset["number"]));
  const natural = source.getViewport({ scale: 1 });
  section.style.aspectRatio = `${natural.width} / ${natural.height}`;
  const width = section.clientWidth || 800;
  const viewport = source.getViewport({ scale: width / natural.width });
  const density = Math.min(2, window.devicePixelRatio || 1);

  const canvas = document.createElement("canvas");
  canvas.setAttribute("aria-hidden", "true");
  canvas.width = Math.floor(viewport.width * density);
  canvas.height = Math.floor(viewport.height * density);
  section.append(canvas);
  await source.render({ canvas, viewport, transform: [density, 0, 0, density, 0, 0] }).promise;

  const text = document.createElement("div");
  text.className = "text";
  text.style.setProperty("--total-scale-factor", String(viewport.scale));
  text.style.setProperty("--text-scale-factor", String(viewport.scale));
  section.append(text);
  await new pdf.TextLayer({ textContentSource: source.streamTextContent(), container: text, viewport }).render();
}

/** The page's origin is not known here, and these words are nobody's secret. */
function tell(message: FromFrame): void {
  page.postMessage(message, "*");
}

function hex(bytes: ArrayBuffer): string {
  return Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
