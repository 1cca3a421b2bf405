import { readFile } from "node:fs/promises";
import { Application, ProtectError, type ProtectedField, readSigningKey } from "@sceau/protect";

// An administrator of your organisation registered the application and its key; the keyfront's ready line says url and audience.
const { KEYFRONT = "https://keys.example.org:8447", AUDIENCE = "sceau.example.org/log" } = process.env;
const { APPLICATION = "9d3c1f0e-5d0e-4b43-9d39-6d2f3a0c1e77", KEY = "application.key" } = process.env;
const key = await readSigningKey("ES256", "2026-a", await readFile(KEY, "utf8"));
const application = new Application({ keyfront: KEYFRONT, audience: AUDIENCE, application: APPLICATION, key });

// Alice writes. What comes back is text: keep it in the place of the field.
const alice = application.as("alice@example.org");
const field = await alice.protectField("Metformine 500 mg", { name: "Ordonnance", tags: ["2026"] });
const column = JSON.stringify(field);

// Bob may not read it until she says so.
const bob = application.as("bob@example.org", ["pharmacy"]);
const kept = JSON.parse(column) as ProtectedField;
await bob.openField(kept).catch((error: unknown) => {
  if (error instanceof ProtectError) console.log(error.code, error.fault); // user_not_authorised caller
});
await alice.grant(field.datum, { to: { group: "pharmacy" } });
console.log(new TextDecoder().decode(await bob.openField(kept))); // Metformine 500 mg

// Each time is on record.
for await (const access of alice.allAccesses(field.datum)) console.log(access.action, access.user, access.refused);
