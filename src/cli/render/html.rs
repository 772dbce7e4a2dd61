//! Self-contained HTML pages of headings, tables and pictures.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::text::markup;

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1b1e28}\
img{max-width:100%;height:auto}table{border-collapse:collapse;margin:1rem 0;display:block;overflow-x:auto}\
th,td{padding:.2rem .7rem;text-align:right;border-bottom:1px solid #ddd}th:first-child,td:first-child{text-align:left}";

/// The tag that marks pages as written by this program.
pub(in crate::cli) const GENERATOR: &str = "<meta name=\"generator\" content=\"mae-seg\">";

/// An HTML page under construction.
#[derive(Debug)]
pub(in crate::cli) struct Page(String);

impl Page {
    pub(in crate::cli) fn new(title: &str) -> Self {
        let title = markup(title);
        Self(format!(
            "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
             {GENERATOR}<meta name=\"viewport\" content=\"width=device-width\"><title>{title}</title><style>{STYLE}</style></head>\n\
             <body><h1>{title}</h1>\n"
        ))
    }

    pub(in crate::cli) fn heading(&mut self, text: &str) {
        self.0 += &format!("<h2>{}</h2>\n", markup(text));
    }

    pub(in crate::cli) fn text(&mut self, text: &str) {
        self.0 += &format!("<p>{}</p>\n", markup(text));
    }

    pub(in crate::cli) fn table(&mut self, columns: &[&str], rows: &[Vec<String>]) {
        let cells = |tag: &str, cells: &mut dyn Iterator<Item = &str>| -> String {
            cells.map(|cell| format!("<{tag}>{}</{tag}>", markup(cell))).collect()
        };
        self.0 += &format!("<table><tr>{}</tr>\n", cells("th", &mut columns.iter().copied()));
        for row in rows {
            self.0 += &format!("<tr>{}</tr>\n", cells("td", &mut row.iter().map(String::as_str)));
        }
        self.0 += "</table>\n";
    }

    /// Adds a PNG, embedded in the page.
    pub(in crate::cli) fn picture(&mut self, description: &str, png: &[u8]) {
        let (alt, data) = (markup(description), STANDARD.encode(png));
        self.0 += &format!("<img alt=\"{alt}\" src=\"data:image/png;base64,{data}\">\n");
    }

    pub(in crate::cli) fn finish(self) -> String {
        self.0 + "</body></html>\n"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_become_markup() {
        let mut page = Page::new("<script>");
        page.table(&["a&b"], &[vec!["\"<img>".to_owned()]]);
        let page = page.finish();
        assert!(!page.contains("<script>") && !page.contains("<img>"), "{page}");
        assert!(page.contains("<td>&quot;&lt;img&gt;</td>") && page.contains("<th>a&amp;b</th>"), "{page}");
    }
}
