/** How a person comes in: passkey first, password accepted. Each of these ends with a session cookie that scripts cannot read. */
import { base64url, fromBase64url, loginChallenge, SceauError } from "@sceau/crypto";
import { enteredByPasskey, enteredByPassword } from "./account";
import { api } from "./api";
import { create, type CreationOptions, get, type RequestOptions } from "./webauthn";

export { passkeysWork } from "./webauthn";

export async function enterWithPasskey(): Promise<void> {
  const { login_id, public_key } = await api.passkeyLoginBegin();
  const asked = options(public_key) as RequestOptions;
  const challenge = base64url(await loginChallenge(fromBase64url(asked.challenge)));
  const credential = await get({ ...asked, challenge });
  await api.passkeyLoginFinish(login_id, credential);
  enteredByPasskey(credential.response.userHandle);
}

export async function registerPasskey(who: { email: string; name: string; invitation?: string }): Promise<void> {
  const { registration_id, public_key } = await api.passkeyRegisterBegin(who);
  const asked = options(public_key) as CreationOptions;
  await api.passkeyRegisterFinish(registration_id, await create(asked));
  enteredByPasskey(asked.user.id);
}

export async function enterWithPassword(email: string, password: string): Promise<void> {
  await api.passwordLogin(email, password);
  await enteredByPassword(email);
}

export async function registerPassword(who: { email: string; name: string; password: string }): Promise<void> {
  await api.passwordRegister(who);
  await enteredByPassword(who.email);
}

/** Whether the person, or the device for them, declined: nothing went wrong and nothing was sent. */
export const isCancelled = (cause: unknown): boolean => cause instanceof SceauError && cause.code === "passkey_refused";

/** Some libraries wrap the options as the browser's own call takes them. */
function options(said: unknown): unknown {
  return (said as { publicKey?: unknown }).publicKey ?? said;
}
