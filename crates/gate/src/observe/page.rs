//! The page on which people see where a gate stands, as it is built into the program: it asks for `/state.json` and for nothing of elsewhere.

const HTML: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";
const DRAWING: &str = "image/svg+xml";

/// The media type and the text of a file of the page.
pub(crate) fn file(path: &str) -> Option<(&'static str, &'static str)> {
    Some(match path {
        "/" => (HTML, include_str!("page/index.html")),
        "/page.css" => (STYLE, include_str!("page/page.css")),
        "/page.js" => (SCRIPT, include_str!("page/page.js")),
        "/words.js" => (SCRIPT, include_str!("page/words.js")),
        // The colours and sizes of every page of the house.
        "/tokens.css" => (STYLE, include_str!("../../../../web/shared/src/tokens.css")),
        "/sceau.svg" => (DRAWING, include_str!("../../../../web/keys/public/sceau.svg")),
        _ => return None,
    })
}
