//! What readers ask: answered from what is durable, without the writer.

use sceau_element_api::Kind;
use sceau_element_api::protect::MOST_ACCESSES;
use sceau_element_api::wire::{AttestedRow, Code, MAX_ENTRIES, MAX_ROWS, Refusal, Request, Response, RowKey};

use super::{Service, refused};

/// Bytes of entries in one answer: base64url makes them a third longer, and a frame is 1 MiB.
const ENTRIES_BUDGET: usize = 640 * 1024;

impl Service {
    pub(super) fn read(&self, request: &Request) -> Response {
        self.try_read(request).unwrap_or_else(Response::Refused)
    }

    fn try_read(&self, request: &Request) -> Result<Response, Refusal> {
        let view = &self.view;
        Ok(match request {
            Request::Hello => Response::Hello(self.hello()),
            Request::Nonce => Response::Nonce(self.nonces.issue(self.clock.now().uptime)),
            Request::TraceLines { from } => Response::TraceLines(self.trace_lines(*from)?),
            Request::VerifyTraceLines(lines) => Response::TraceLinesVerified(self.verify_trace_lines(lines)?),
            Request::PublishedKeys => Response::PublishedKeys(self.published_keys()?),
            Request::Kept(key) => {
                if !kept_here(key.kind) {
                    return Err(Refusal::new(
                        Code::Malformed,
                        "rows of this kind are the database's to keep",
                    ));
                }
                Response::Kept(view.kept(key).map_err(refused)?)
            }
            Request::Erasure(datum) => Response::Erasure(Box::new(view.erasure(*datum).map_err(refused)?)),
            Request::Accesses { datum, before, most } => {
                let most = (*most).min(MOST_ACCESSES);
                Response::Accesses(view.accesses(*datum, *before, most).map_err(refused)?)
            }
            Request::RefusedCalls { from, count } => {
                Response::RefusedCalls(view.refused_calls(*from, (*count).min(MAX_ENTRIES)).map_err(refused)?)
            }
            Request::WaitingActs(organisation) => {
                Response::WaitingActs(view.with_state(|state| state.acts().waiting(*organisation)))
            }
            Request::Current(key) => Response::Current(self.rows(std::slice::from_ref(key))?.pop().flatten()),
            Request::CurrentMany(keys) => Response::CurrentMany(self.rows(keys)?),
            Request::KeyringContext => Response::KeyringContext(self.desk()?.offer()),
            Request::KeyringsAbout => Response::KeyringsAbout(Box::new(self.desk()?.about()?)),
            Request::AwaitedCertificates { after } => {
                let desk = self.desk()?;
                Response::AwaitedCertificates(self.using_keys(|| desk.awaited(*after))?)
            }
            Request::Peers => Response::Peers(self.peer_logs()),
            Request::Checkpoint => Response::Checkpoint(view.note().to_string()),
            Request::Entries { start, count } => {
                let entries =
                    view.entries(*start, (*count).min(MAX_ENTRIES), ENTRIES_BUDGET).map_err(refused)?;
                Response::Entries(entries.into_iter().map(Into::into).collect())
            }
            Request::Tile { level, index, width } => {
                Response::Tile(view.tile(*level, *index, *width).map_err(refused)?.into())
            }
            Request::InclusionProof { index, size } => {
                Response::Proof(view.inclusion(*index, *size).map_err(refused)?)
            }
            Request::Consistency { from, to } => {
                Response::Proof(view.consistency(*from, *to).map_err(refused)?)
            }
            Request::EvidenceFor { index } => {
                let evidence = view.evidence(*index).map_err(refused)?.to_bytes();
                Response::Evidence(String::from_utf8_lossy(&evidence).into_owned())
            }
            _ => return Err(Refusal::new(Code::Malformed, "the operation is unknown to this version")),
        })
    }

    fn rows(&self, keys: &[RowKey]) -> Result<Vec<Option<AttestedRow>>, Refusal> {
        let served = keys.iter().all(|key| key.kind != Kind::Policy);
        if keys.len() > MAX_ROWS || !served {
            return Err(Refusal::new(
                Code::Malformed,
                format!("at most {MAX_ROWS} rows of kinds that are attested"),
            ));
        }
        Ok(self.view.rows(keys))
    }
}

/// Kinds whose current version the journal gives back with its bytes: what no person is in, and what only data officers say of data.
fn kept_here(kind: Kind) -> bool {
    matches!(kind, Kind::Application | Kind::Datum | Kind::ProtectAct)
        || matches!(kind, Kind::KeyringPolicy | Kind::KeyringAccess | Kind::KeyringOfficer | Kind::Keyring)
}
