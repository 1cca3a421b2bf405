//! The platform's whole API, put together: routes, the OpenAPI document that lists them, the headers that every answer has.

use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::middleware::from_fn;
use sceau_accounts::default_headers;
use sceau_element_api::problem::MEDIA_TYPE;
use serde_json::{Value, json};
use utoipa::openapi::schema::Type;
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, ClientCredentials, Flow, HttpAuthScheme, HttpBuilder, OAuth2, Scopes, SecurityScheme,
};
use utoipa::openapi::{ComponentsBuilder, InfoBuilder, Object, ObjectBuilder, OpenApi, OpenApiBuilder};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::about::{self, About};
use super::{Platform, routes as dossiers};

/// What stands beside the platform's own rooms.
#[derive(Default)]
pub struct Beside {
    /// The console of protected data, where data are protected.
    pub protection: Option<OpenApiRouter>,
    /// Answers where no route does.
    pub pages: Router,
}

impl std::fmt::Debug for Beside {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Beside").field("protection", &self.protection.is_some()).finish_non_exhaustive()
    }
}

/// Everything that the platform answers. `log_key` is the log's verifier key.
///
/// Serve it with `into_make_service_with_connect_info::<SocketAddr>()`, or every source is taken for the same.
///
/// # Errors
/// When the OpenAPI document cannot be written as JSON.
pub fn api(platform: &Platform, log_key: &str, beside: Beside) -> Result<Router, serde_json::Error> {
    let Beside { protection, pages } = beside;
    let document = Arc::new(OnceLock::new());
    let about = About {
        platform: platform.clone(),
        log_key: log_key.into(),
        protects: protection.is_some(),
        document: Arc::clone(&document),
        glance: Arc::default(),
    };
    let small = OpenApiRouter::new()
        .routes(routes!(about::check))
        .routes(routes!(about::config))
        .routes(routes!(about::openapi))
        .with_state(about);
    let (router, openapi) = OpenApiRouter::with_openapi(frame())
        .merge(sceau_accounts::routes(platform.accounts.clone()))
        .merge(dossiers(platform.clone()))
        .merge(protection.unwrap_or_default())
        .merge(small)
        .split_for_parts();
    // Set here and nowhere else, so it cannot be set yet.
    let _ = document.set(whole(openapi)?);
    Ok(router.merge(pages).layer(from_fn(default_headers)))
}

/// The document as its readers need it. A wildcard is axum's: OpenAPI knows parameters only. A refusal that says no body of its own is a
/// problem document.
fn whole(openapi: OpenApi) -> Result<Value, serde_json::Error> {
    let mut document = serde_json::to_value(openapi)?;
    let Some(paths) = document.get_mut("paths").and_then(Value::as_object_mut) else { return Ok(document) };
    let spelled = std::mem::take(paths).into_iter().map(|(path, item)| (path.replace("{*", "{"), item));
    *paths = spelled.collect();
    let operations = paths.values_mut().filter_map(Value::as_object_mut).flat_map(|item| item.values_mut());
    let responses =
        operations.filter_map(|operation| operation.get_mut("responses")?.as_object_mut()).flatten();
    for (status, response) in responses {
        if let Some(response) = response.as_object_mut().filter(|_| status.starts_with(['4', '5'])) {
            let problem = json!({MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}});
            response.entry("content").or_insert(problem);
        }
    }
    Ok(document)
}

/// A problem document (RFC 9457), as every refusal is one.
fn problem() -> Object {
    let text = |words: &str| ObjectBuilder::new().schema_type(Type::String).description(Some(words)).build();
    ObjectBuilder::new()
        .description(Some("A problem document (RFC 9457)."))
        .property("type", text("urn:sceau:problem: and the code"))
        .property("title", text("what happened, in a line"))
        .property("status", ObjectBuilder::new().schema_type(Type::Integer).build())
        .property("code", text("what programs match on: see docs/problem-codes.md"))
        .property("detail", text("what to do about this occurrence"))
        .required("type")
        .required("title")
        .required("status")
        .required("code")
        .build()
}

/// What the document says before its routes. The name behind a scheme's `security` is a role or a scope: who may call.
fn frame() -> OpenApi {
    let session = ApiKeyValue::with_description(
        "sceau_session",
        "A person's session; over TLS its name is __Host-sceau_session. Unsafe calls also need the platform's own Origin.",
    );
    let scopes = Scopes::from_iter([
        ("key_manager", "what an organisation's key manager calls"),
        ("dossiers.receive", "what an organisation's connectors call"),
    ]);
    let client = Flow::ClientCredentials(ClientCredentials::new("/v1/oauth/token", scopes));
    let http = |scheme, description: &str| {
        SecurityScheme::Http(HttpBuilder::new().scheme(scheme).description(Some(description)).build())
    };
    let components = ComponentsBuilder::new()
        .schema("Problem", problem())
        .security_scheme("session", SecurityScheme::ApiKey(ApiKey::Cookie(session)))
        .security_scheme("client", SecurityScheme::OAuth2(OAuth2::new([client])))
        .security_scheme(
            "client_secret",
            http(HttpAuthScheme::Basic, "A confidential client's id and secret."),
        )
        .security_scheme(
            "intake",
            http(
                HttpAuthScheme::Bearer,
                "The intake's session for one dossier; or, to begin one, what its key signed.",
            ),
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
