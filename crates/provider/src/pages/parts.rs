//! What every page is made of.

/// A text as it stands in HTML, in an element or in a quoted attribute.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

/// A whole page.
pub(super) fn document(lang: &str, title: &str, provider: &str, head: &str, body: &str) -> String {
    let (title, provider) = (escape(title), escape(provider));
    format!(
        "<!doctype html><html lang={lang}><head><meta charset=utf-8><meta name=viewport content=\"width=device-width,initial-scale=1\">\
         <meta name=robots content=noindex><title>{title} · {provider}</title><link rel=icon href=/assets/sceau.svg type=image/svg+xml>\
         <link rel=stylesheet href=/assets/fonts.css><link rel=stylesheet href=/assets/tokens.css><link rel=stylesheet href=/assets/login.css>{head}</head>\
         <body><header><img src=/assets/sceau.svg alt=\"\" width=34 height=34><span>{provider}</span></header><main>{body}</main></body></html>"
    )
}

/// What a page shows besides words: the browser, the terminal, and what passes between them.
#[derive(Debug, Clone, Copy)]
pub(super) enum Drawing<'a> {
    /// Both show this number.
    Waiting(&'a str),
    Agreed,
    Refused,
    Silent,
}

impl Drawing<'_> {
    /// The drawing; decoration where it says nothing that the words do not.
    pub(super) fn svg(self, says: &str) -> String {
        let number = match self {
            Self::Waiting(number) => number,
            _ => "",
        };
        let spoken = if says.is_empty() {
            "aria-hidden=true".to_owned()
        } else {
            format!("role=img aria-label=\"{}\"", escape(says))
        };
        let class = match self {
            Self::Waiting(_) => "waiting",
            Self::Agreed => "agreed",
            Self::Refused => "refused",
            Self::Silent => "silent",
        };
        let between = match self {
            Self::Waiting(_) => {
                "<g class=way><circle cx=262 cy=96 r=3.5 /><circle cx=282 cy=96 r=3.5 /><circle cx=302 cy=96 r=3.5 /></g>"
            }
            Self::Agreed => "<path class=way d=\"M310 96h-58m12-10-12 10 12 10\"/>",
            Self::Refused => "<path class=way d=\"M270 84l24 24m0-24-24 24\"/>",
            Self::Silent => "<path class=way d=\"M254 96h56\" stroke-dasharray=\"2 9\"/>",
        };
        let seal = match self {
            Self::Waiting(_) => format!(
                "<text class=number x=122 y=112>{number}</text><text class=\"number small\" x=386 y=106>{number}</text>"
            ),
            Self::Agreed => {
                "<circle class=seal cx=386 cy=92 r=27 /><path class=mark d=\"M374 92l9 9 16-18\"/>".to_owned()
            }
            Self::Refused => {
                "<circle class=seal cx=386 cy=92 r=27 /><path class=mark d=\"M376 82l20 20m0-20-20 20\"/>"
                    .to_owned()
            }
            Self::Silent => "<path class=line d=\"M366 92h40\"/>".to_owned(),
        };
        format!(
            "<svg class=\"drawing {class}\" viewBox=\"0 0 460 190\" {spoken}>\
             <rect class=sheet x=6 y=22 width=232 height=146 rx=5 /><path class=line d=\"M6 50h232\"/><circle class=dot cx=22 cy=36 r=3.5 />\
             <circle class=dot cx=36 cy=36 r=3.5 /><rect class=sheet x=326 y=6 width=120 height=178 rx=13 />\
             <path class=line d=\"M370 18h32\"/><path class=line d=\"M352 152h68\"/>{between}{seal}</svg>"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_is_written_leaves_its_place() {
        assert_eq!(escape("<a href='x'>\"&"), "&lt;a href=&#39;x&#39;&gt;&quot;&amp;");
        let page = document("en", "<b>", "\"><script>", "", "");
        assert!(!page.contains("<b>") && !page.contains("<script>"), "{page}");
    }
}
