// A site that logs people in by OpenID Connect, with a client library that we did not write, and the browser of one of its people, by plain HTTP.
//
// Argument: JSON. `issuer` as it is published, `at` where it listens; `client`, `secret` or `key` (a private JWK); `flow`: code or ciba; `alias`; `pushed`; `parameters`.
// It says each step in a line of JSON: what the browser shows, then how it ended.
import * as oidc from "openid-client";

const told = JSON.parse(process.argv[2]);
const say = (words) => console.log(JSON.stringify(words));
const REDIRECT = "https://site.example/callback";

/** The issuer has a name of its own, and listens at a port that the system chose. */
const there = (url) => String(url).replace(told.issuer, told.at);

async function site() {
  let way = oidc.None();
  if (told.secret) way = oidc.ClientSecretBasic(told.secret);
  if (told.key) {
    const key = await crypto.subtle.importKey("jwk", told.key, { name: "ECDSA", namedCurve: "P-256" }, false, ["sign"]);
    way = oidc.PrivateKeyJwt({ key, kid: told.kid });
  }
  const fetched = (url, options) => fetch(there(url), options);
  const config = await oidc.discovery(new URL(told.issuer), told.client, {}, way, {
    [oidc.customFetch]: fetched,
  });
  config[oidc.customFetch] = fetched;
  return config;
}

/** What a browser does: one jar, forms with their origin, no redirect followed by itself. */
class Browser {
  #jar = new Map();

  async ask(url, form) {
    const headers = { cookie: [...this.#jar].map(([name, value]) => `${name}=${value}`).join("; ") };
    headers["accept-language"] = told.language ?? "en";
    if (form) headers.origin = told.issuer;
    const body = form && new URLSearchParams(form);
    const answer = await fetch(there(url), { method: form ? "POST" : "GET", headers, body, redirect: "manual" });
    for (const cookie of answer.headers.getSetCookie()) {
      const [name, value] = cookie.split(";")[0].split(/=(.*)/s);
      this.#jar.set(name, value);
    }
    const to = answer.headers.get("location");
    return { status: answer.status, to, text: await answer.text() };
  }
}

/** Text of an attribute, as HTML has it. */
const unescape = (text) =>
  text.replaceAll("&#39;", "'").replaceAll("&quot;", '"').replaceAll("&gt;", ">").replaceAll("&lt;", "<").replaceAll("&amp;", "&");
const found = (text, pattern) => {
  const hit = pattern.exec(text);
  if (!hit) throw new Error(`the page has no ${pattern}:\n${text}`);
  return unescape(hit[1]);
};

async function byBrowser(config) {
  const verifier = oidc.randomPKCECodeVerifier();
  const [state, nonce] = [oidc.randomState(), oidc.randomNonce()];
  const parameters = {
    redirect_uri: REDIRECT,
    scope: "openid profile",
    code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
    state,
    nonce,
    ...told.parameters,
  };
  const build = told.pushed ? oidc.buildAuthorizationUrlWithPAR : oidc.buildAuthorizationUrl;
  const browser = new Browser();
  const first = await browser.ask(await build(config, parameters));
  let back = first.to;
  if (!back) {
    const request = found(first.text, /name=request value="([^"]+)"/);
    const began = await browser.ask(`${told.issuer}/login`, { request, alias: told.alias, remember: "1" });
    if (began.status !== 303) return say({ over: true, stopped: began.status });
    const wait = new URL(began.to, told.issuer);
    const page = await browser.ask(wait);
    say({ number: found(page.text, /<text class=number[^>]*>(\d{4})</), page: page.text });
    for (;;) {
      const news = await browser.ask(`${wait}/state`);
      if (JSON.parse(news.text).over) break;
    }
    const last = await browser.ask(wait);
    back = found(last.text, /<a class="button [a-z]+" href="([^"]+)"/);
  } else {
    say({ number: null });
  }
  const tokens = await oidc.authorizationCodeGrant(config, new URL(back), {
    pkceCodeVerifier: verifier,
    expectedState: state,
    expectedNonce: nonce,
    idTokenExpected: true,
    maxAge: 300,
  });
  return { tokens, back, verifier };
}

async function byBackChannel(config) {
  const parameters = { scope: "openid profile", login_hint: told.alias, ...told.parameters };
  const began = await oidc.initiateBackchannelAuthentication(config, parameters);
  say({ number: null, began });
  return { tokens: await oidc.pollBackchannelAuthenticationGrant(config, { ...began, interval: 5 }) };
}

try {
  const config = await site();
  const done = await (told.flow === "ciba" ? byBackChannel(config) : byBrowser(config));
  if (done) {
    const claims = done.tokens.claims();
    const info = await oidc.fetchUserInfo(config, done.tokens.access_token, claims.sub);
    const over = { over: true, claims, info };
    if (done.back) {
      // The same code again: refused, and what was handed out for it is taken back.
      const again = { pkceCodeVerifier: done.verifier, expectedState: oidc.skipStateCheck };
      const same = oidc.authorizationCodeGrant(config, new URL(done.back), again);
      over.again = await same.then(() => "granted", (error) => error.error ?? error.code);
      const after = oidc.fetchUserInfo(config, done.tokens.access_token, claims.sub);
      over.after = await after.then(() => "granted", (error) => error.status ?? error.code);
    } else {
      await oidc.tokenRevocation(config, done.tokens.access_token);
      const after = oidc.fetchUserInfo(config, done.tokens.access_token, claims.sub);
      over.after = await after.then(() => "granted", (error) => error.status ?? error.code);
    }
    say(over);
  }
} catch (error) {
  say({ number: null });
  say({ over: true, error: error.error ?? error.code ?? String(error), words: error.error_description ?? String(error.cause ?? "") });
}
