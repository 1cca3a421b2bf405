/** Which page an address shows, and who may see it. The platform enforces this too; here it only spares a refusal. */
import type { Component } from "svelte";
import type { Role } from "../api/types";
import Accesses from "./Accesses.svelte";
import Account from "./Account.svelte";
import Applications from "./Applications.svelte";
import Acts from "./Acts.svelte";
import Activity from "./Activity.svelte";
import Administration from "./Administration.svelte";
import Connectors from "./Connectors.svelte";
import Complete from "./Complete.svelte";
import Data from "./Data.svelte";
import Datum from "./Datum.svelte";
import Deliveries from "./Deliveries.svelte";
import Deposit from "./Deposit.svelte";
import Dossier from "./Dossier.svelte";
import Dossiers from "./Dossiers.svelte";
import Erasures from "./Erasures.svelte";
import Enter from "./Enter.svelte";
import Inbox from "./Inbox.svelte";
import Invitation from "./Invitation.svelte";
import NotFound from "./NotFound.svelte";
import Return from "./Return.svelte";
import Schemes from "./Schemes.svelte";
import Supervision from "./Supervision.svelte";
import Choose from "./Choose.svelte";
import Team from "./Team.svelte";
import Trace from "./Trace.svelte";
import Welcome from "./Welcome.svelte";

export interface PageChoice {
  component: Component<{ id: string }>;
  props: { id: string };
  roles?: readonly Role[];
}

const citizen = ["citizen"] as const;
/** Who looks at protected data and acts on them. */
const stewards = ["organisation_admin", "data_officer"] as const;
const officers = ["case_officer", "supervisor"] as const;
const everybody = ["citizen", "case_officer", "supervisor", "organisation_admin", "data_officer", "platform_admin"] as const;

export function pageFor([first = "", second = "", third]: string[]): PageChoice {
  if (third !== undefined) return page(NotFound);
  switch (`/${first}${second === "" ? "" : "/"}`) {
    case "/": return page(Welcome);
    case "/entrer": return page(Enter);
    case "/retour/": return page(Return, undefined, second);
    case "/compte": return page(Account, everybody);
    case "/invitation": return page(Invitation);
    case "/trace": return page(Trace);
    case "/evidence": return page(Trace);
    case "/deposer": return page(Choose);
    case "/deposer/": return page(Deposit, citizen, second);
    case "/completer/": return page(Complete, citizen, second);
    case "/dossiers": return page(Dossiers, citizen);
    case "/dossiers/": return page(Dossier, citizen, second);
    case "/organisation": return page(Inbox, officers);
    case "/organisation/":
      if (second === "aides") return page(Schemes, ["organisation_admin"]);
      if (second === "equipe") return page(Team, ["organisation_admin"]);
      if (second === "connecteurs") return page(Connectors, ["organisation_admin"]);
      return page(NotFound);
    case "/applications": return page(Applications, stewards);
    case "/donnees": return page(Data, stewards);
    case "/donnees/": return page(Datum, stewards, second);
    case "/protection/":
      if (second === "acces") return page(Accesses, stewards);
      if (second === "actes") return page(Acts, stewards);
      if (second === "activite") return page(Activity, stewards);
      if (second === "effacements") return page(Erasures, stewards);
      if (second === "supervision") return page(Supervision, ["organisation_admin"]);
      return page(NotFound);
    case "/administration": return page(Administration, ["platform_admin"]);
    case "/administration/": return second === "envois" ? page(Deliveries, ["platform_admin"]) : page(NotFound);
    default: return page(NotFound);
  }
}

function page(component: Component<never>, roles?: readonly Role[], id = ""): PageChoice {
  return { component: component as PageChoice["component"], props: { id }, ...(roles ? { roles } : {}) };
}
