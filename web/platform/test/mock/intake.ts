/** An intake for the pages' own tests: what it says of a file goes by the file's name. */
export interface Answer { status?: number; json?: unknown; text?: string }

const CODES: Record<string, [number, string]> = {
  "programme.pdf": [422, "wrong_type"],
  "photo douteuse.pdf": [422, "infected"],
  "relevé protégé.pdf": [422, "encrypted"],
};

export class Intake {
  /** Whether the platform has none. */
  absent = false;
  /** Whether the antivirus is away: files wait for it. */
  antivirusAway = false;
  #names: string[] = [];

  /** One that is called `examen…` is looked at for ever. */
  answer(method: string, what: string, place: string, json: () => Record<string, unknown>): Answer | Promise<Answer> {
    if (method === "POST" && what === "") {
      this.#names = [];
      return { status: 201, json: { id: "visit", token: "t" } };
    }
    if (method === "POST" && what === "files") return { status: 201, json: { place: this.#names.push(String(json()["name"])) - 1 } };
    if (method === "GET") return { json: this.#names.map((name, at) => ({ place: at, state: name.startsWith("examen") ? "scanning" : "sealed" })) };
    if (method !== "PUT") return {};
    const name = this.#names[Number(place)] ?? "";
    if (this.antivirusAway) return { status: 503, text: "antivirus_away" };
    const [status, text] = CODES[name] ?? [200, ""];
    if (status !== 200) return { status, text };
    if (name.startsWith("examen")) return new Promise(() => undefined);
    return { json: { file_id: "0".repeat(32), envelope_hash: "0".repeat(64), size: 1, parts: 1 } };
  }
}
