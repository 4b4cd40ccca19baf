//! The assets, within the binary, under an address that changes with their bytes: a browser keeps them for ever.

use std::sync::LazyLock;

use axum::Router;
use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

/// Every asset: its name, its type, its bytes.
const ASSETS: [(&str, &str, &str); 4] = [
    ("app.css", "text/css; charset=utf-8", include_str!("../assets/app.css")),
    ("app.js", "text/javascript; charset=utf-8", include_str!("../assets/app.js")),
    ("icon.svg", "image/svg+xml", include_str!("../assets/icon.svg")),
    ("icons.svg", "image/svg+xml", include_str!("../assets/icons.svg")),
];

static BASE: LazyLock<String> = LazyLock::new(|| {
    let parts: Vec<&[u8]> = ASSETS.iter().map(|(_, _, text)| text.as_bytes()).collect();
    format!("/assets/{}", kernel::Digest::of(&parts).short())
});

/// Where the assets are, without a slash at the end.
pub(super) fn base() -> &'static str {
    &BASE
}

pub(crate) fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new().route("/assets/{version}/{name}", get(asset))
}

async fn asset(Path((_, name)): Path<(String, String)>) -> Response {
    let found = ASSETS.iter().find(|(own, _, _)| *own == name);
    let Some((_, kind, text)) = found else {
        return (StatusCode::NOT_FOUND, "there is no such asset\n").into_response();
    };
    let headers = [(header::CONTENT_TYPE, *kind), (header::CACHE_CONTROL, "public, max-age=31536000, immutable")];
    (headers, *text).into_response()
}
