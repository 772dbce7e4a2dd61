//! Possible paths of photos for the names in annotation files.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

/// A path below a folder where a photo may be, and the folders of its listed name that were left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Candidate {
    pub(super) name: String,
    pub(super) left_out: String,
}

/// Returns possible paths of a photo, the likeliest first: as listed, then with fewer and fewer of its
/// folders; each as written, then with backslashes as separators, then percent-decoded like a web address,
/// and last without a query (`?`).
pub(super) fn candidates(listed: &str) -> impl Iterator<Item = Candidate> {
    let slashed = listed.replace('\\', "/");
    let decoded = percent_decode_str(&slashed).decode_utf8().map(Cow::into_owned).unwrap_or_default();
    let plain = slashed.split(['?', '#']).next().unwrap_or_default();
    let plain = percent_decode_str(plain).decode_utf8().map(Cow::into_owned).unwrap_or_default();
    let mut spellings = vec![listed.to_owned(), slashed, decoded, plain];
    spellings.dedup();
    let longest = spellings.iter().map(|spelling| spelling.matches('/').count()).max().unwrap_or_default();
    (0..=longest).flat_map(move |folders| {
        let cut = |spelling: &String| -> Option<Candidate> {
            let at = if folders == 0 { 0 } else { spelling.match_indices('/').nth(folders - 1)?.0 + 1 };
            let (left_out, name) = spelling.split_at(at);
            (!name.is_empty()).then(|| Candidate { name: name.to_owned(), left_out: left_out.to_owned() })
        };
        spellings.iter().filter_map(cut).collect::<Vec<_>>()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn likelier_places_come_first() {
        let names = |listed: &str| candidates(listed).map(|candidate| candidate.name).collect::<Vec<_>>();
        assert_eq!(names("a.jpg"), ["a.jpg"]);
        assert_eq!(names("x/y/a.jpg"), ["x/y/a.jpg", "y/a.jpg", "a.jpg"]);
        assert_eq!(names(r"x\a b.jpg"), [r"x\a b.jpg", "x/a b.jpg", "a b.jpg"]);
        assert_eq!(names("x/a%20b.jpg"), ["x/a%20b.jpg", "x/a b.jpg", "a%20b.jpg", "a b.jpg"]);
        assert_eq!(
            names("https://example.org/a%20b.jpg?size=9#top").last().map(String::as_str),
            Some("a b.jpg")
        );
        assert_eq!(names("/data/?d=x%2Fa.jpg").last().map(String::as_str), Some("a.jpg"));
        assert_eq!(candidates("x/y/a.jpg").last().unwrap().left_out, "x/y/");
    }
}
