import { words } from "@sceau/shared";

/** The pages about protected data, beside each other. */
export const places = words({
  fr: { label: "Données protégées", data: "Données", accesses: "Accès", activity: "Activité", acts: "Actes", erasures: "Effacements", supervision: "Supervision" },
  en: { label: "Protected data", data: "Data", accesses: "Accesses", activity: "Activity", acts: "Acts", erasures: "Erasures", supervision: "Monitoring" },
});
