/** Who is signed in, asked of the platform once and after each change. */
import { api } from "./api";
import { Problem } from "./api/http";
import type { Account, Config, Role } from "./api/types";
import { signOutThere } from "./signing-out";

const state = $state<{ account: Account | null | undefined; config: Config | undefined; trouble: unknown }>({
  account: undefined, config: undefined, trouble: undefined,
});

export const session = {
  /** `undefined` until the platform has answered, `null` for a visitor. */
  get account(): Account | null | undefined {
    return state.account;
  },
  get trouble(): unknown {
    return state.trouble;
  },
  /** Whether applications protect data here; not until the platform has said so. */
  get protects(): boolean {
    return state.config?.protects ?? false;
  },
};

export async function refresh(): Promise<Account | null> {
  try {
    state.account = (await api.me()).account;
    state.trouble = undefined;
  } catch (cause) {
    if (cause instanceof Problem && cause.status === 401) {
      state.account = null;
      state.trouble = undefined;
    } else {
      state.trouble = cause;
    }
  }
  return state.account ?? null;
}

export async function leave(): Promise<void> {
  const elsewhere = await api.logout();
  state.account = null;
  if (elsewhere !== undefined) signOutThere(elsewhere);
}

export async function config(): Promise<Config> {
  state.config ??= await api.config();
  return state.config;
}

/** The page where each role does its work. */
export function homeOf(role: Role | undefined): string {
  switch (role) {
    case "case_officer":
    case "supervisor":
      return "/organisation";
    case "organisation_admin":
      return "/organisation/aides";
    case "data_officer":
      return "/donnees";
    case "platform_admin":
      return "/administration";
    default:
      return "/deposer";
  }
}
