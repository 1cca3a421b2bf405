// The page of a gate: asks for /state.json and says what it means. Everything shown is text, never markup.
import { words } from "/words.js";

const EVERY = 5_000;
const SOON = 30; // days left that want somebody
const stored = localStorage.getItem("language");
let language = stored ?? (navigator.language.startsWith("fr") ? "fr" : "en");
let state = null;
let answers = true;
let shown = "";

const byId = (id) => document.getElementById(id);
const say = (word, ...values) => (typeof word === "function" ? word(...values) : word);
const date = (at) => new Date(at).toLocaleString(language, { dateStyle: "medium", timeStyle: "short" });

const day = (at) => new Date(at).toLocaleDateString(language, { dateStyle: "medium" });
const milliseconds = (micros) =>
  micros === null ? "" : `${(micros / 1000).toLocaleString(language, { maximumFractionDigits: 1 })} ms`;
const count = (number) => number.toLocaleString(language);

/** What cannot be seen, turns a line around or looks like a Latin letter is written as its number. */
const ODD = /[\p{Cc}\p{Cf}\u2028\u2029]|[^\p{Script=Latin}\p{Script=Common}\p{Script=Inherited}]/gu;
const plain = (text) => String(text).replace(ODD, (c) => `\\u{${c.codePointAt(0).toString(16)}}`);

function make(name, properties = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key === "label") element.dataset.label = value;
    else element[key] = value;
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

/** The common name of a distinguished name, or all of it. */
const short = (name) => /(?:^|,)CN=((?:[^,\\]|\\.)*)/.exec(name)?.[1].replace(/\\(.)/g, "$1") ?? name;

/** From when to when, and where now is. */
function line(from, until, now) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const share = Math.min(1, Math.max(0, (now - from) / Math.max(1, until - from)));
  svg.setAttribute("viewBox", "0 0 200 10");
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("class", now > until ? "line ended" : "line");
  const draw = (kind, attributes) => {
    const part = document.createElementNS(svg.namespaceURI, kind);
    for (const [key, value] of Object.entries(attributes)) part.setAttribute(key, value);
    svg.append(part);
  };
  draw("line", { class: "all", x1: 2, x2: 198, y1: 5, y2: 5, "stroke-width": 2 });
  draw("line", { class: "past", x1: 2, x2: 2 + 196 * share, y1: 5, y2: 5, "stroke-width": 3 });
  draw("rect", { class: "now", x: 196 * share, y: 0, width: 4, height: 10 });
  return svg;
}

/** A register. Columns: [heading, number?]; rows: arrays of nodes or texts, the first of which names the row. */
function table(title, columns, rows) {
  const head = columns.map(([heading, number]) => make("th", { scope: "col", className: number ? "number" : "" }, heading));
  const body = rows.map((cells) =>
    make("tr", {}, ...cells.map((cell, at) => {
      const [heading, number] = columns[at];
      const properties = at === 0 ? { scope: "row" } : { label: heading };
      return make(at === 0 ? "th" : "td", { ...properties, className: number ? "number" : "" }, ...[cell].flat());
    })),
  );
  return make("table", { ariaLabel: title }, make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...body));
}

const soft = (text) => make("div", { className: "soft" }, text);
const wants = (text) => make("span", { className: "wants" }, text);
const mono = (text) => make("bdi", { className: "mono" }, plain(text));

function lists(w) {
  const rows = state.lists.flatMap((feed) =>
    feed.used.length === 0
      ? [[wants(w.none), mono(feed.source), "", "", ""]]
      : feed.used.map((list) => [
          make("bdi", { title: list.issuer }, plain(short(list.issuer))),
          mono(feed.source),
          [
            list.current ? `${w.ends} ${date(list.next_update)}` : wants(`${w.ended} ${date(list.next_update)}`),
            soft(`${w.made} ${date(list.this_update)}`),
            line(list.this_update, list.next_update, state.now),
          ],
          count(list.entries),
          mono(list.number),
        ]),
  );
  return table(w.lists, [[w.issuer], [w.source], [w.state], [w.entries, true], [w.number, true]], rows);
}

function responders(w) {
  const rows = state.responders.map((it) => [
    mono(it.responder),
    count(it.asked),
    milliseconds(it.mean_microseconds),
    it.outcomes.map(([outcome, times]) => `${w.outcomes[outcome] ?? outcome} ${count(times)}`).join(" · "),
  ]);
  return table(w.responders, [[w.responder], [w.asked, true], [w.mean, true], [w.said]], rows);
}

function certificates(w) {
  const seen = new Map();
  for (const it of state.certificates) {
    const setting = it.place.split(/[ .,]+/).at(-1);
    const known = seen.get(`${it.subject} ${it.serial}`) ?? { ...it, uses: new Set() };
    known.uses.add(w.uses[setting] ?? it.place);
    seen.set(`${it.subject} ${it.serial}`, known);
  }
  const rows = [...seen.values()]
    .sort((one, other) => one.days_left - other.days_left)
    .map((it) => [
      make("bdi", { title: it.subject }, plain(short(it.subject))),
      [...it.uses].join(", "),
      [it.days_left < SOON ? wants(w.left(it.days_left)) : w.left(it.days_left), line(it.not_before, it.not_after, state.now)],
      day(it.not_after),
    ]);
  return table(w.certificates, [[w.certificate], [w.use], [w.remaining], [w.end]], rows);
}

function namedClients(w) {
  return state.clients.flatMap((clients) => {
    const refused = clients.refused.reduce((sum, one) => sum + one.count, 0);
    const counts = [w.passed(clients.passed, count), w.refusedCount(refused, count)];
    if (clients.unchecked > 0) counts.push(w.unchecked(clients.unchecked, count));
    const rows = clients.named.map((it) => [
      [mono(it.common_name), soft(it.organizational_units.map(plain).join(", "))],
      count(it.requests),
      it.last === null ? w.never : date(it.last),
      it.certificate_ends === null ? "" : day(it.certificate_ends),
    ]);
    const columns = [[w.client], [w.requests, true], [w.last], [w.certificateEnds]];
    return [
      make("h3", {}, clients.name),
      make("p", { className: "small" }, counts.join(" · ")),
      rows.length > 0 ? table(clients.name, columns, rows) : make("p", { className: "nothing" }, w.anybody),
    ];
  });
}

function services(w) {
  const rows = state.services.map((it) => [
    mono(it.service),
    it.up === null ? w.notAsked : it.up ? w.serves : wants(w.servesNot),
    count(it.answered),
    milliseconds(it.mean_microseconds),
    count(it.failed.reduce((sum, [, failed]) => sum + failed, 0)),
  ]);
  return table(w.services, [[w.service], [w.state], [w.answered, true], [w.mean, true], [w.failed, true]], rows);
}

function listeners(w) {
  const rows = state.listeners.map((it) => [
    mono(it.address),
    ...[it.open, it.connections, it.failed].map(count),
  ]);
  return table(w.listeners, [[w.address], [w.open, true], [w.connections, true], [w.failedHandshakes, true]], rows);
}

function refusals(w) {
  if (state.refusals.length === 0) return make("p", { className: "nothing" }, w.noRefusal);
  const rows = state.refusals.map((it) => [
    date(it.time),
    [
      it.common_name === null ? w.noCertificate : mono(it.common_name),
      soft([...it.organizational_units.map(plain), it.from].join(" · ")),
    ],
    [w.codes[it.code] ?? it.code, soft(it.code)],
    mono(it.route),
  ]);
  return table(w.refusals, [[w.when], [w.who], [w.why], [w.where]], rows);
}

/** What wants somebody, the most pressing first. */
function attention(w) {
  const ended = state.lists.flatMap((feed) => {
    if (feed.used.length === 0) return [w.listMissing(plain(feed.source))];
    const issuers = new Set(feed.used.map((list) => list.issuer));
    const current = (issuer) => feed.used.some((list) => list.issuer === issuer && list.current);
    return [...issuers].filter((issuer) => !current(issuer)).map((issuer) => w.listEnded(plain(short(issuer))));
  });
  const away = state.services.filter((it) => it.up === false).map((it) => w.serviceAway(plain(it.service)));
  const issuing = state.obtained
    .filter((it) => it.failures > 0 || !it.in_use)
    .map((it) => w.notIssued(plain(it.names.join(", ")), it.in_use, it.code ?? ""));
  // The gate sees to these by itself, and some live for days only.
  const renewed = new Set(state.obtained.filter((it) => it.failures === 0).map((it) => it.serial));
  const ending = state.certificates
    .filter((it) => it.days_left < SOON && !renewed.has(it.serial))
    .sort((one, other) => one.days_left - other.days_left)
    .map((it) => w.certificateEnding(plain(short(it.subject)), w.left(it.days_left)));
  return [...new Set([...ended, ...away, ...issuing, ...ending])];
}

function show() {
  const w = words[language];
  document.documentElement.lang = language;
  byId("language").textContent = w.other;
  byId("language").lang = language === "fr" ? "en" : "fr";
  byId("eyebrow").textContent = w.eyebrow;
  if (state === null) {
    byId("title").textContent = answers ? "…" : w.gone;
    return;
  }
  byId("asof").textContent = w.asOf(new Date(state.now).toLocaleTimeString(language), state.version);
  // What did not change stays as it is, under whoever reads or marks it.
  const { now, ...rest } = state;
  const next = JSON.stringify([language, answers, Math.floor(now / 60_000), rest]);
  if (next === shown) return;
  shown = next;
  const pressing = attention(w);
  const [title, lead] = !answers ? [w.gone, w.goneLead] : pressing.length > 0 ? [say(w.wants, pressing.length), w.wantsLead] : [w.well, w.wellLead];
  // Said aloud when it changes, not each time that it is asked.
  if (byId("title").textContent !== title) byId("title").textContent = title;
  if (byId("lead").textContent !== lead) byId("lead").textContent = lead;
  document.title = `${title} Sceau`;
  byId("attention").hidden = pressing.length === 0;
  byId("attention").replaceChildren(...pressing.map((text) => make("li", {}, make("span", {}, text))));
  const heading = (text) => make("h2", {}, text);
  byId("sections").replaceChildren(
    heading(w.lists), state.lists.length > 0 ? lists(w) : make("p", { className: "nothing" }, w.noList),
    ...(state.clients.length > 0 ? [heading(w.clients), ...namedClients(w)] : []),
    heading(w.refusals), refusals(w),
    ...(state.responders.length > 0 ? [heading(w.responders), responders(w)] : []),
    heading(w.certificates), certificates(w),
    heading(w.services), services(w),
    heading(w.listeners), listeners(w),
  );
}

async function look() {
  if (document.visibilityState === "visible") {
    try {
      const response = await fetch("/state.json");
      if (!response.ok) throw new Error(String(response.status));
      state = await response.json();
      answers = true;
    } catch {
      answers = false;
    }
    show();
  }
  setTimeout(look, EVERY);
}

byId("language").addEventListener("click", () => {
  language = language === "fr" ? "en" : "fr";
  localStorage.setItem("language", language);
  show();
});
show();
look();
