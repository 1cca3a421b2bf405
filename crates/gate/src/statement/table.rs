//! Tables of a page, of text alone.

/// A table.
pub(super) struct Table {
    head: String,
    rows: String,
}

impl Table {
    pub(super) fn new(columns: &[&str]) -> Self {
        let head =
            columns.iter().map(|column| format!("<th scope=\"col\">{}</th>", escaped(column))).collect();
        Self { head, rows: String::new() }
    }

    pub(super) fn row(&mut self, cells: &[&str]) {
        let cells: String = cells.iter().map(|cell| format!("<td>{}</td>", escaped(cell))).collect();
        self.rows += &format!("<tr>{cells}</tr>\n");
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    pub(super) fn written(self) -> String {
        format!("<table>\n<thead><tr>{}</tr></thead>\n<tbody>\n{}</tbody>\n</table>\n", self.head, self.rows)
    }
}

/// Text for a page: nothing of a name is markup, and what turns a line around is written as its number.
pub(super) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped += "&amp;",
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            '"' => escaped += "&quot;",
            odd if sceau_pki::acts_on_text(odd) => escaped += &odd.escape_unicode().to_string(),
            plain => escaped.push(plain),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_text() {
        let mut table = Table::new(&["a"]);
        table.row(&["<script>alert(1)</script>&\"\u{202e}\n"]);
        let written = table.written();
        assert!(
            written.contains("<td>&lt;script&gt;alert(1)&lt;/script&gt;&amp;&quot;\\u{202e}\\u{a}</td>"),
            "{written}"
        );
    }
}
