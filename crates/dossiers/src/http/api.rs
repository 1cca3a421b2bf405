//! The platform's whole API, put together: routes, the OpenAPI document that lists them, the headers that every answer has.

use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::middleware::from_fn;
use sceau_accounts::default_headers;
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, ClientCredentials, Flow, HttpAuthScheme, HttpBuilder, OAuth2, Scopes, SecurityScheme,
};
use utoipa::openapi::{ComponentsBuilder, InfoBuilder, OpenApi, OpenApiBuilder};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::about::{self, About};
use super::{Platform, routes as dossiers};

/// Everything that the platform answers. `log_key` is the log's verifier key; `pages` answers where no route does.
///
/// Serve it with `into_make_service_with_connect_info::<SocketAddr>()`, or every source is taken for the same.
///
/// # Errors
/// When the OpenAPI document cannot be written as JSON.
pub fn api(platform: &Platform, log_key: &str, pages: Router) -> Result<Router, serde_json::Error> {
    let document = Arc::new(OnceLock::new());
    let about =
        About { platform: platform.clone(), log_key: log_key.into(), document: Arc::clone(&document) };
    let small = OpenApiRouter::new()
        .routes(routes!(about::check))
        .routes(routes!(about::config))
        .routes(routes!(about::openapi))
        .with_state(about);
    let (router, openapi) = OpenApiRouter::with_openapi(frame())
        .merge(sceau_accounts::routes(platform.accounts.clone()))
        .merge(dossiers(platform.clone()))
        .merge(small)
        .split_for_parts();
    // Set here and nowhere else, so it cannot be set yet.
    let _ = document.set(serde_json::to_value(in_openapi_spelling(openapi))?);
    Ok(router.merge(pages).layer(from_fn(default_headers)))
}

/// A wildcard is axum's: OpenAPI knows parameters only.
fn in_openapi_spelling(mut openapi: OpenApi) -> OpenApi {
    let paths = std::mem::take(&mut openapi.paths.paths);
    openapi.paths.paths = paths.into_iter().map(|(path, item)| (path.replace("{*", "{"), item)).collect();
    openapi
}

/// What the document says before its routes. The name behind a scheme's `security` is a role or a scope: who may call.
fn frame() -> OpenApi {
    let session = ApiKeyValue::with_description(
        "sceau_session",
        "A person's session; over TLS its name is __Host-sceau_session. Unsafe calls also need the platform's own Origin.",
    );
    let scopes = Scopes::from_iter([("key_manager", "what an organisation's key manager calls")]);
    let client = Flow::ClientCredentials(ClientCredentials::new("/v1/oauth/token", scopes));
    let http = |scheme, description: &str| {
        SecurityScheme::Http(HttpBuilder::new().scheme(scheme).description(Some(description)).build())
    };
    let components = ComponentsBuilder::new()
        .security_scheme("session", SecurityScheme::ApiKey(ApiKey::Cookie(session)))
        .security_scheme("client", SecurityScheme::OAuth2(OAuth2::new([client])))
        .security_scheme(
            "client_secret",
            http(HttpAuthScheme::Basic, "A confidential client's id and secret."),
        )
        .security_scheme(
            "reading",
            http(HttpAuthScheme::Bearer, "The token that a ticket was exchanged for; good for one dossier."),
        );
    let info =
        InfoBuilder::new().title("Sceau: the platform").version(env!("CARGO_PKG_VERSION")).description(Some(
            "Refusals are problem documents (RFC 9457); their codes are in docs/problem-codes.md.",
        ));
    OpenApiBuilder::new().info(info.build()).components(Some(components.build())).build()
}
