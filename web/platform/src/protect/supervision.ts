/** Texts that have the log sent to a security operations centre: made from what somebody chose. No I/O, and no secret. docs/export-to-a-soc.md. */

export const FORMATS = ["syslog", "cef", "ocsf", "otlp"] as const;
export type Format = (typeof FORMATS)[number];

export interface Chosen {
  readonly format: Format;
  /** The collector's name or address, with a port where it is not the usual one. */
  readonly collector: string;
  /** Whether the receiver asks who sends, by certificate. */
  readonly identity: boolean;
  /** Whether what is in the log already is left out. */
  readonly fromNow: boolean;
}

const USUAL: Record<Format, number> = { syslog: 6514, cef: 6514, ocsf: 6514, otlp: 4318 };

/** Whether this can be a collector: a name, an IPv4 address, or an IPv6 one in brackets, maybe with a port. Anything else would be more than an address in a command. */
export function isCollector(text: string): boolean {
  const [, name = "", port] = /^((?=.{1,253}(?::|$))[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]{2,45}\])(?::(\d{1,5}))?$/.exec(text) ?? [];
  return name !== "" && !name.includes("..") && (port === undefined || (Number(port) >= 1 && Number(port) <= 65_535));
}

const portOf = ({ collector, format }: Chosen): string => /:(\d+)$/.exec(collector)?.[1] ?? String(USUAL[format]);
const hostOf = ({ collector }: Chosen): string => collector.replace(/:\d+$/, "");

/** Where the exporter sends to. */
export const destinationOf = (chosen: Chosen): string => `${chosen.format === "otlp" ? "https" : "tls"}://${hostOf(chosen)}:${portOf(chosen)}`;

const FOLDER = "/etc/sceau-export";

function command(chosen: Chosen, origin: string): string[] {
  return [
    `/usr/bin/sceau trace export ${origin}`, `--log-key @${FOLDER}/log.vkey`, `--format ${chosen.format}`, `--to ${destinationOf(chosen)}`, `--to-anchors ${FOLDER}/collector-authority.pem`,
    ...(chosen.identity ? ["--to-identity %d/exporter.pem"] : []), ...(chosen.fromNow ? ["--from-now"] : []), "--position /var/lib/sceau-export/position.json", "--every 10",
  ];
}

/** A unit of systemd: a user of its own, no right but to read its folder and to send. */
export const unitOf = (chosen: Chosen, origin: string): string => `[Unit]
Description=Sceau: the log, on its way to the security operations centre
After=network-online.target
Wants=network-online.target

[Service]
DynamicUser=yes
StateDirectory=sceau-export
${chosen.identity ? `LoadCredential=exporter.pem:${FOLDER}/exporter.pem\n` : ""}ExecStart=${command(chosen, origin).join(" \\\n  ")}
Restart=on-failure
RestartSec=30s
# A log that was rewritten ends the export with code 5: that is for people to look into.
RestartPreventExitStatus=5
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
CapabilityBoundingSet=
RestrictAddressFamilies=AF_INET AF_INET6
SystemCallFilter=@system-service

[Install]
WantedBy=multi-user.target
`;

/** What the receiver is set up with: rsyslog for syslog and what travels in it, OpenTelemetry's collector else. */
export function receiverOf(chosen: Chosen): string {
  const port = portOf(chosen);
  if (chosen.format === "otlp") {
    return `receivers:
  otlp:
    protocols:
      http:
        endpoint: 0.0.0.0:${port}
        tls:
          cert_file: /etc/otelcol/server.pem
          key_file: /etc/otelcol/server.key
exporters:
  file:
    path: /var/lib/otelcol/sceau.json
service:
  pipelines:
    logs:
      receivers: [otlp]
      exporters: [file]
`;
  }
  const auth = chosen.identity ? `streamDriver.authMode="x509/name" permittedPeer=["exporter.example.org"]` : `streamDriver.authMode="anon"`;
  return `global(maxMessageSize="64k" defaultNetstreamDriver="gtls" defaultNetstreamDriverCAFile="/etc/rsyslog.d/sceau-ca.pem"
  defaultNetstreamDriverCertFile="/etc/rsyslog.d/server.pem" defaultNetstreamDriverKeyFile="/etc/rsyslog.d/server.key")
module(load="imtcp" streamDriver.name="gtls" streamDriver.mode="1" ${auth})
input(type="imtcp" port="${port}" ruleset="sceau")
template(name="whole" type="list") { ${chosen.format === "syslog" ? `property(name="rawmsg")` : `property(name="msg" position.from="2")`} constant(value="\\n") }
ruleset(name="sceau") { action(type="omfile" file="/var/log/sceau.log" template="whole") }
`;
}

/** Where each thing stands in what arrives. */
export const FIELDS = ["entry", "when", "what", "ended", "who", "about"] as const;
export type FieldOf = (typeof FIELDS)[number];
export const PLACES: Record<Format, Record<FieldOf, string>> = {
  syslog: { entry: "log, index, checkpointSize, leaf", when: "TIMESTAMP", what: "MSGID, action", ended: "outcome, code; severity", who: "actorKind, actor, asserted, organisation", about: "subject, attested, detail" },
  cef: { entry: "deviceExternalId, externalId, checkpointSize, leafHash", when: "rt", what: "signature id, act", ended: "outcome, reason; severity", who: "spriv, suid, cs…", about: "subjects, attested, detail" },
  ocsf: { entry: "metadata.log_name, metadata.sequence, checkpoint_size, raw_data", when: "time", what: "api.operation, metadata.event_code", ended: "status_id, status_code, severity_id", who: "actor.user", about: "resources, unmapped" },
  otlp: { entry: "sceau.log, sceau.index, sceau.checkpoint.size, sceau.leaf", when: "timeUnixNano", what: "event.name, sceau.action", ended: "sceau.outcome, sceau.code; severityText", who: "sceau.actor.kind, sceau.actor.id, sceau.asserted, sceau.organisation", about: "sceau.subjects, sceau.attested, sceau.detail.…" },
};
