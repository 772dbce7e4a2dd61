//! The languages of the page, and which of them a visitor reads.

/// A language of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Language {
    /// English.
    English,
    /// Simplified Chinese.
    Chinese,
}

impl Language {
    /// All languages, in the order of the switch.
    pub const ALL: [Self; 2] = [Self::English, Self::Chinese];

    /// Returns the language tag, as in browsers and `lang` attributes.
    #[must_use]
    pub const fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Chinese => "zh-CN",
        }
    }

    /// Returns the language's own name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::Chinese => "简体中文",
        }
    }

    /// Returns what separates two sentences.
    #[must_use]
    pub const fn between_sentences(self) -> &'static str {
        match self {
            Self::English => " ",
            Self::Chinese => "",
        }
    }

    /// Returns the language of a tag such as `zh-Hans-SG`, whatever country or script it names.
    #[must_use]
    pub fn of(tag: &str) -> Option<Self> {
        let primary = tag.split(['-', '_']).next().unwrap_or_default();
        Self::ALL.into_iter().find(|language| language.tag()[..2].eq_ignore_ascii_case(primary))
    }

    /// Returns the first supported language of these tags, the likeliest first; else English.
    #[must_use]
    pub fn first_of(tags: impl IntoIterator<Item = String>) -> Self {
        tags.into_iter().find_map(|tag| Self::of(&tag)).unwrap_or(Self::English)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(tags: &[&str]) -> Language {
        Language::first_of(tags.iter().map(|tag| (*tag).to_owned()))
    }

    #[test]
    fn the_first_language_that_is_spoken_here_is_chosen() {
        for tag in ["zh", "zh-CN", "zh-Hans", "zh-Hans-SG", "zh-SG", "zh-TW", "zh-HK", "ZH_cn"] {
            assert_eq!(chosen(&[tag, "en"]), Language::Chinese, "{tag}");
        }
        assert_eq!(chosen(&["fr-FR", "zh-CN", "en"]), Language::Chinese);
        assert_eq!(chosen(&["de", "en-GB", "zh"]), Language::English);
        for tags in [&["fr"][..], &[], &[""], &["zhuang"]] {
            assert_eq!(chosen(tags), Language::English, "{tags:?}");
        }
    }
}
