//! Text for people: counts with nouns, and foreign text made safe for terminals and markup.

use std::borrow::Cow;

/// Returns a count with its noun: `1 photo`, `2 photos`.
#[must_use]
pub fn counted(count: usize, noun: &str) -> String {
    let plural = match noun.strip_suffix('y') {
        _ if count == 1 => noun.to_owned(),
        Some(stem) => format!("{stem}ies"),
        None => format!("{noun}s"),
    };
    format!("{count} {plural}")
}

/// Returns the text with control characters and direction marks escaped as in JSON, so that it cannot steer a
/// terminal; line breaks stay.
///
/// Text that was JSON before is still the same JSON.
#[must_use]
pub fn printable(text: &str) -> Cow<'_, str> {
    escaped(text, |c| steers(c) && c != '\n')
}

/// Returns the text like [`printable`], with line breaks escaped too.
#[must_use]
pub fn one_line(text: &str) -> Cow<'_, str> {
    escaped(text, steers)
}

/// Escapes text for HTML and XML, also within quotes; characters that XML cannot hold become `�`.
#[must_use]
pub fn markup(text: &str) -> String {
    let fits = |c: char| !c.is_control() || matches!(c, '\t' | '\n' | '\r');
    let fitting: String = text.chars().map(|c| if fits(c) { c } else { '\u{fffd}' }).collect();
    fitting.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Returns whether a character is a control character, a Unicode line break or a mark that changes the
/// writing direction.
fn steers(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn escaped(text: &str, is_escaped: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.chars().any(&is_escaped) {
        return Cow::Borrowed(text);
    }
    let written = |c: char| match c {
        c if !is_escaped(c) => c.to_string(),
        '\n' => "\\n".to_owned(),
        '\r' => "\\r".to_owned(),
        '\t' => "\\t".to_owned(),
        c => format!("\\u{:04x}", u32::from(c)),
    };
    Cow::Owned(text.chars().map(written).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_one_and_all_else_many() {
        let counts = [0, 1, 2].map(|count| counted(count, "photo"));
        assert_eq!(counts, ["0 photos", "1 photo", "2 photos"]);
        assert_eq!(counted(3, "category"), "3 categories");
    }

    #[test]
    fn what_steers_a_terminal_is_written_out() {
        let name = "\u{1b}[2Jred\r\n\u{9b}31m \u{202e}gpj.a é";
        assert_eq!(one_line(name), "\\u001b[2Jred\\r\\n\\u009b31m \\u202egpj.a é");
        assert_eq!(printable("a\nb"), "a\nb");
        assert!(matches!(one_line("plain"), Cow::Borrowed("plain")));
    }

    #[test]
    fn text_cannot_become_markup() {
        assert_eq!(markup("<a b=\"c\">&\u{7}\n"), "&lt;a b=&quot;c&quot;&gt;&amp;\u{fffd}\n");
    }

    #[test]
    fn json_stays_the_same_json() {
        let value = serde_json::json!({"name": "\u{9b}\u{202e}\u{7f}\n"});
        let text = serde_json::to_string_pretty(&value).unwrap();
        let shown = printable(&text);
        assert!(shown.contains("\\u009b\\u202e\\u007f"), "{shown}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).unwrap(), value);
    }
}
