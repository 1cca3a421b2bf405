// A provider of identities that we did not write (oidc-provider, certified by the OpenID Foundation), on loopback. Whoever comes is signed in
// as the account that the test names, at once. Arguments: origin of the platform, how the client shows its secret, how its tokens are signed, and
// whose manner it has: `franceconnect` and `proconnect` refuse whatever their own documents do not list.
import { createServer } from "node:http";
import { generateKeyPairSync, randomUUID } from "node:crypto";
import Provider from "oidc-provider";

const [origin, authentication = "client_secret_basic", signed = "", manner = ""] = process.argv.slice(2);
const resource = "https://sceau.example.org/api";
let person = { accountId: "lea", acr: "eidas2", amr: ["pwd", "mfa"] };
let handle;
let logins = 0;

// What the documents list for the address where people sign in: what must be there, and what may (docs/deploy/openid-connect.md names them).
const both = ["response_type", "client_id", "redirect_uri", "scope", "state", "nonce"];
const listed = {
  franceconnect: { must: [...both, "acr_values"], may: ["claims", "prompt", "idp_hint"] },
  proconnect: { must: both, may: ["claims", "prompt", "idp_hint", "login_hint"] },
}[manner];

/** Why a request is refused before the provider looks at it; nothing for one that keeps to the list. */
function unlisted({ pathname, searchParams: query }) {
  if (!listed) return undefined;
  const short = (name) => (query.get(name) ?? "").length < 32;
  if (pathname === "/auth") {
    const { must, may } = listed;
    const strange = [...query.keys()].find((name) => !must.includes(name) && !may.includes(name));
    return strange ?? must.find((name) => !query.has(name)) ?? ["state", "nonce"].find(short);
  }
  const names = ["id_token_hint", "post_logout_redirect_uri", "state"];
  return pathname === "/session/end" ? (names.find((name) => !query.has(name)) ?? [...query.keys()].find((name) => !names.includes(name)) ?? ["state"].find(short)) : undefined;
}

function key(kind) {
  const { privateKey } = kind === "RSA" ? generateKeyPairSync("rsa", { modulusLength: 2048 }) : generateKeyPairSync("ec", { namedCurve: "P-256" });
  const alg = kind === "RSA" ? "RS256" : "ES256";
  return { ...privateKey.export({ format: "jwk" }), kid: randomUUID(), use: "sig", alg };
}

function configuration() {
  const client = {
    client_id: "sceau", client_secret: "a secret with + and : in it, of many characters", token_endpoint_auth_method: authentication,
    redirect_uris: [`${origin}/retour/id`], post_logout_redirect_uris: [`${origin}/`], response_types: ["code"],
    grant_types: ["authorization_code"], id_token_signed_response_alg: signed || "ES256",
    ...(signed === "" ? {} : { userinfo_signed_response_alg: signed }),
  };
  const machine = {
    client_id: "hr", client_secret: "another secret of many characters", redirect_uris: [], response_types: [], grant_types: ["client_credentials"],
  };
  return {
    clients: [client, machine],
    jwks: { keys: [key("EC"), key("RSA")] },
    cookies: { keys: ["loopback"] },
    pkce: { required: () => manner === "" },
    acrValues: ["eidas1", "eidas2", "https://proconnect.gouv.fr/assurance/consistency-checked-2fa"],
    claims: { openid: ["sub", "acr", "amr"], email: ["email"], profile: ["given_name", "family_name"], given_name: ["given_name"], family_name: ["family_name"], usual_name: ["usual_name"] },
    findAccount: (_ctx, id) => ({
      accountId: id,
      claims: () => ({ sub: id, email: `${id}@example.org`, given_name: "Léa", family_name: "Durand", usual_name: "Martin" }),
    }),
    interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
    async loadExistingGrant(ctx) {
      const { client, session, provider } = ctx.oidc;
      const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId });
      grant.addOIDCScope("openid email profile given_name family_name usual_name");
      await grant.save();
      return grant;
    },
    ttl: { AccessToken: 300, AuthorizationCode: 60, ClientCredentials: 300, Grant: 600, IdToken: 300, Interaction: 300, Session: 600 },
    features: {
      devInteractions: { enabled: false },
      jwtUserinfo: { enabled: true },
      // Its own page asks for a font of somebody else's.
      rpInitiatedLogout: {
        enabled: true,
        logoutSource: (ctx, form) => {
          const button = '<button form="op.logoutForm" name="logout" value="yes">Sign out</button>';
          ctx.body = `<!doctype html><html lang="en"><link rel="icon" href="data:,"><title>Sign out</title>${form}${button}</html>`;
        },
      },
      claimsParameter: { enabled: true },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: () => ({ scope: "deposits", audience: resource, accessTokenFormat: "jwt", jwt: { sign: { alg: "ES256" } } }),
      },
    },
  };
}

function raise(issuer) {
  const provider = new Provider(issuer, configuration());
  const serve = provider.callback();
  handle = async (request, response) => {
    if (!request.url.startsWith("/interaction/")) return serve(request, response);
    const { prompt } = await provider.interactionDetails(request, response);
    if (prompt.name !== "login") throw new Error(`asked for ${prompt.name}`);
    logins += 1;
    return provider.interactionFinished(request, response, { login: person }, { mergeWithLastSubmission: false });
  };
}

const server = createServer(async (request, response) => {
  try {
    const url = new URL(request.url, "http://x");
    if (request.method === "POST" && url.pathname === "/test/rotate") {
      raise(issuer);
      response.end();
    } else if (request.method === "POST" && url.pathname === "/test/person") {
      person = Object.fromEntries([...url.searchParams].map(([name, value]) => [name, name === "amr" ? value.split(" ") : value]));
      response.end();
    } else if (url.pathname === "/test/logins") {
      response.end(String(logins));
    } else if (unlisted(url) !== undefined) {
      response.statusCode = 400;
      response.end(`Y000400 ${unlisted(url)}`);
    } else {
      await handle(request, response);
    }
  } catch (error) {
    process.stderr.write(`${error.stack}\n`);
    response.statusCode = 500;
    response.end();
  }
});
let issuer;
server.listen(0, "127.0.0.1", () => {
  issuer = `http://127.0.0.1:${server.address().port}`;
  raise(issuer);
  process.stdout.write(`${JSON.stringify({ ready: "provider", issuer, resource })}\n`);
});
