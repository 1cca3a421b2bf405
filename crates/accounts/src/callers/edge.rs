//! Requests on their way in: what the caller showed beside each, and the verdict before any handler.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use futures::StreamExt as _;
use sceau_pki::{ClientIdentity, Refusal};
use tokio_rustls::rustls::pki_types::CertificateDer;

use super::{CallerCode, Callers};
use crate::http::ProblemResponse;

/// How long a refused body is read on, and how much of it.
const LINGER: Duration = Duration::from_secs(5);
const REFUSED: usize = 1 << 20;

/// What a caller showed, put beside each request by whoever took the connection. The default is nothing.
#[derive(Debug, Clone, Default)]
pub enum Presented {
    #[default]
    /// No certificate.
    Nothing,
    /// A chain, leaf first; whoever showed it holds the leaf's key.
    Chain(Arc<[CertificateDer<'static>]>),
    /// What was forwarded cannot be read.
    Garbled,
}

impl Presented {
    /// What a connection's peer showed in the handshake.
    pub fn of(chain: Option<&[CertificateDer<'_>]>) -> Self {
        let owned =
            |chain: &[CertificateDer<'_>]| chain.iter().map(|each| each.clone().into_owned()).collect();
        chain.map_or(Self::Nothing, |chain| Self::Chain(owned(chain)))
    }

    /// As rustls' `peer_certificates()` gives it.
    pub(super) fn chain(&self) -> Result<Option<&[CertificateDer<'static>]>, Refusal> {
        match self {
            Self::Nothing => Ok(None),
            Self::Chain(chain) => Ok(Some(chain)),
            Self::Garbled => Err(Refusal::Malformed),
        }
    }

    /// SHA-256 of the leaf, for the log.
    fn fingerprint(&self) -> Option<String> {
        let Self::Chain(chain) = self else { return None };
        let identity = ClientIdentity::read(chain.first()?).ok()?;
        Some(identity.fingerprint.to_string())
    }
}

/// How the caller of a request stands from then on: for what is under way for long after it was judged. Handlers find it among the request's extensions.
#[derive(Debug, Clone)]
pub struct Standing {
    callers: Callers,
    shown: Presented,
    path: String,
}

impl Standing {
    /// Judges again what was shown, by the anchors, rules and lists of this moment.
    ///
    /// # Errors
    /// Why the same request would be turned away now.
    pub fn check(&self) -> Result<(), CallerCode> {
        let verdict = self.callers.verdict(&self.path, &self.shown);
        verdict.map(|_| ()).map_err(|refusal| CallerCode::of(&refusal))
    }
}

/// How a role words a refusal.
pub type Words = fn(CallerCode, String) -> Response;

/// As a problem document.
pub fn turned_away(code: CallerCode, detail: String) -> Response {
    ProblemResponse::from(code.problem().with_detail(detail)).into_response()
}

/// These routes, where each request is judged first, if anybody judges.
pub fn guarded<S: Clone + Send + Sync + 'static>(
    router: Router<S>,
    callers: Option<&Callers>,
    words: Words,
) -> Router<S> {
    match callers {
        Some(callers) => router.layer(from_fn_with_state((callers.clone(), words), judge)),
        None => router,
    }
}

async fn judge(
    State((callers, words)): State<(Callers, Words)>,
    mut request: Request,
    next: Next,
) -> Response {
    let shown = request.extensions_mut().remove::<Presented>().unwrap_or_default();
    match callers.judge(&request, &shown) {
        Ok(caller) => {
            if let Some(caller) = caller {
                request.extensions_mut().insert(caller);
            }
            let path = request.uri().path().to_owned();
            request.extensions_mut().insert(Standing { callers, shown, path });
            next.run(request).await
        }
        Err(refusal) => {
            let code = CallerCode::of(&refusal);
            let fingerprint = shown.fingerprint();
            tracing::info!(code = code.as_str(), fingerprint, "a caller was turned away by its certificate");
            tokio::spawn(tokio::time::timeout(LINGER, pass_over(request.into_body())));
            words(code, refusal.to_string())
        }
    }
}

/// Reads on of a refused body, and keeps nothing: who is cut off while sending does not read why.
async fn pass_over(body: Body) {
    let (mut body, mut left) = (body.into_data_stream(), REFUSED);
    while let Some(Ok(bytes)) = body.next().await {
        match left.checked_sub(bytes.len()) {
            Some(rest) => left = rest,
            None => return,
        }
    }
}
