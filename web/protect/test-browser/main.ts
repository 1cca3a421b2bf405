// Runs every case in the browser that opened this page. The result is JSON in #result, whose data-state says "done" or "failed".
import { cases } from "./cases.js";

const place = document.getElementById("result") as HTMLElement;
const failed: { name: string; error: string }[] = [];
for (const { name, run } of cases) await run().catch((error: unknown) => failed.push({ name, error: String(error) }));
place.textContent = JSON.stringify({ passed: cases.length - failed.length, failed }, null, 2);
place.dataset["state"] = failed.length === 0 ? "done" : "failed";
