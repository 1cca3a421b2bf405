//! What a holder reads on the terminal. The registered name of the site and a number to compare; never a text of whoever began it, but a site's own bounded line.

use std::collections::BTreeSet;

use sceau_keyring::{Illegible, description, label};

/// The longest line of a site's own (CIBA's `binding_message`), in characters.
const LONGEST_BINDING: usize = 100;

/// A language of the pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Lang {
    /// French.
    Fr,
    /// English.
    En,
}

impl Lang {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Fr, Self::En];

    /// As HTML and settings name it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fr => "fr",
            Self::En => "en",
        }
    }

    /// By the first that is one of ours: of `ui_locales`, then of `Accept-Language` in the order that it is written; else `otherwise`.
    #[must_use]
    pub fn choose(ui_locales: Option<&str>, accepted: Option<&str>, otherwise: Self) -> Self {
        let wished = ui_locales.unwrap_or_default().split(' ');
        let accepted =
            accepted.unwrap_or_default().split(',').map(|one| one.split(';').next().unwrap_or_default());
        wished.chain(accepted).find_map(|tag| Self::parse(tag.trim())).unwrap_or(otherwise)
    }

    /// Of a language tag (RFC 5646).
    #[must_use]
    pub fn parse(tag: &str) -> Option<Self> {
        let primary = tag.split('-').next().unwrap_or_default().to_ascii_lowercase();
        Self::ALL.into_iter().find(|lang| lang.as_str() == primary)
    }
}

/// What is asked, to be put in words.
#[derive(Debug, Clone, Copy)]
pub struct Words<'a> {
    /// In which language.
    pub lang: Lang,
    /// The site's registered name.
    pub site: &'a str,
    /// The number that the browser shows.
    pub number: Option<&'a str>,
    /// The site's own line, where no browser shows a number.
    pub binding: Option<&'a str>,
    /// Whether the site is told their name.
    pub tells_name: bool,
    /// Whether the site sees their certificate, and may ask them to sign.
    pub signs: bool,
}

impl<'a> Words<'a> {
    /// What a site of this name asks for by these scopes; without a number and a line of its own.
    #[must_use]
    pub fn of(lang: Lang, site: &'a str, scope: &BTreeSet<String>) -> Self {
        let (tells_name, signs) = (scope.contains("profile"), scope.contains("service"));
        Self { lang, site, number: None, binding: None, tells_name, signs }
    }

    /// The description of the request.
    #[must_use]
    pub fn description(&self) -> String {
        let fr = self.lang == Lang::Fr;
        let mut lines = vec![if fr {
            format!("Ouvrir une session : {}", self.site)
        } else {
            format!("Log in to: {}", self.site)
        }];
        let told = match (self.signs, self.tells_name, fr) {
            (true, _, true) => {
                Some("Le site apprend votre nom et votre certificat, et pourra vous demander des signatures.")
            }
            (true, _, false) => {
                Some("The site is told your name and your certificate, and may ask you for signatures.")
            }
            (false, true, true) => Some("Le site apprend votre nom."),
            (false, true, false) => Some("The site is told your name."),
            (false, false, _) => None,
        };
        lines.extend(told.map(str::to_owned));
        lines.push(String::new());
        if let Some(number) = self.number {
            lines.push(if fr { format!("Nombre : {number}") } else { format!("Number: {number}") });
            lines.push(
                (if fr {
                    "Dites oui seulement si votre navigateur montre ce nombre."
                } else {
                    "Say yes only if your browser shows this number."
                })
                .to_owned(),
            );
        } else {
            lines.push(
                (if fr {
                    "Dites oui seulement si vous venez de le demander à ce site."
                } else {
                    "Say yes only if you have just asked this site for it."
                })
                .to_owned(),
            );
        }
        if let Some(binding) = self.binding {
            lines.push(if fr {
                format!("Le site dit : {binding}")
            } else {
                format!("The site says: {binding}")
            });
        }
        lines.join("\n")
    }

    /// Whether a site's name can be shown with all that may stand beside it: judged once, when the provider starts.
    ///
    /// # Errors
    /// [`Illegible`].
    pub fn site_is_legible(site: &str) -> Result<(), Illegible> {
        label(site)?;
        for lang in Lang::ALL {
            let one =
                Words { lang, site, number: Some("4711"), binding: None, tells_name: true, signs: true };
            description(&one.description())?;
            description(&Words { number: None, signs: false, ..one }.description())?;
        }
        Ok(())
    }
}

/// Whether a site's own line may be shown below its name.
pub(crate) fn binding_is_legible(words: &Words<'_>) -> bool {
    let short =
        words.binding.is_none_or(|line| line.chars().count() <= LONGEST_BINDING && label(line).is_ok());
    short && description(&words.description()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_is_the_first_that_is_ours() {
        let choose = |locales, accepted| Lang::choose(locales, accepted, Lang::En);
        assert_eq!(choose(Some("de fr-CA en"), Some("en")), Lang::Fr);
        assert_eq!(choose(None, Some("de-DE, fr;q=0.9, en;q=0.8")), Lang::Fr);
        assert_eq!(choose(Some("xx"), None), Lang::En);
        assert_eq!(Lang::choose(None, None, Lang::Fr), Lang::Fr);
    }

    #[test]
    fn what_holders_read_is_legible_and_names_the_site() {
        for site in ["Bibliothèque de Lyon", "Library (branch 7)", "Портал"] {
            assert_eq!(Words::site_is_legible(site), Ok(()), "{site}");
        }
        for site in ["pаypal", "a\nb", "", "Pay 1৪00"] {
            assert!(Words::site_is_legible(site).is_err(), "{site}");
        }
        let words = Words {
            lang: Lang::Fr,
            site: "Mairie",
            number: Some("4711"),
            binding: None,
            tells_name: true,
            signs: false,
        };
        let signs = Words { tells_name: false, signs: true, ..words }.description();
        assert!(["nom", "certificat", "signatures"].iter().all(|word| signs.contains(word)), "{signs}");
        let said = words.description();
        assert!(!said.contains("signatures"), "{said}");
        assert!(said.contains("Mairie") && said.contains("4711") && said.contains("votre nom"), "{said}");
        let binding =
            |line: &'static str| binding_is_legible(&Words { number: None, binding: Some(line), ..words });
        assert!(binding("Guichet 4, dossier W-118"));
        let long: &'static str = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";
        for line in ["a\nNombre : 1", "pay\u{202e}all", long, " \t"] {
            assert!(!binding(line), "{line:?}");
        }
    }
}
