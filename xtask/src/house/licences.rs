//! SPDX licence expressions, as far as crates use them (SPDX 2.3, annex D): `A OR B AND C`, parentheses, `WITH`, old `A/B`.

use std::collections::BTreeSet;

/// A licence, or a choice or sum of licences.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Expression {
    One(String),
    Any(Vec<Expression>),
    All(Vec<Expression>),
}

impl Expression {
    /// Parses; `None` for what is not an expression.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let spaced = text.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
        let mut words = spaced.split_whitespace().peekable();
        let expression = any(&mut words)?;
        words.next().is_none().then_some(expression)
    }

    /// Whether a choice exists that stays inside the list.
    pub(super) fn fits(&self, allowed: &BTreeSet<String>) -> bool {
        match self {
            Self::One(id) => allowed.contains(id),
            Self::Any(choices) => choices.iter().any(|e| e.fits(allowed)),
            Self::All(parts) => parts.iter().all(|e| e.fits(allowed)),
        }
    }
}

type Words<'a> = std::iter::Peekable<std::str::SplitWhitespace<'a>>;

fn any(words: &mut Words<'_>) -> Option<Expression> {
    list(words, "OR", all)
        .map(|mut found| if found.len() == 1 { found.remove(0) } else { Expression::Any(found) })
}

fn all(words: &mut Words<'_>) -> Option<Expression> {
    list(words, "AND", one)
        .map(|mut found| if found.len() == 1 { found.remove(0) } else { Expression::All(found) })
}

fn list(
    words: &mut Words<'_>,
    by: &str,
    item: fn(&mut Words<'_>) -> Option<Expression>,
) -> Option<Vec<Expression>> {
    let mut found = vec![item(words)?];
    while words.next_if(|word| *word == by).is_some() {
        found.push(item(words)?);
    }
    Some(found)
}

fn one(words: &mut Words<'_>) -> Option<Expression> {
    match words.next()? {
        "(" => {
            let inner = any(words)?;
            words.next_if(|word| *word == ")").map(|_| inner)
        }
        "OR" | "AND" | "WITH" | ")" => None,
        id if words.next_if(|word| *word == "WITH").is_some() => {
            Some(Expression::One(format!("{id} WITH {}", words.next()?)))
        }
        id => Some(Expression::One(id.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(text: &str) -> bool {
        let allowed =
            ["MIT", "Apache-2.0", "ISC", "Apache-2.0 WITH LLVM-exception"].map(str::to_owned).into();
        Expression::parse(text).is_some_and(|e| e.fits(&allowed))
    }

    #[test]
    fn a_choice_needs_one_and_a_sum_needs_all() {
        for good in [
            "MIT",
            "MIT OR GPL-3.0",
            "GPL-3.0/MIT",
            "MIT AND ISC",
            "(MIT OR GPL-3.0) AND ISC",
            "Apache-2.0 WITH LLVM-exception OR GPL-3.0",
        ] {
            assert!(fits(good), "{good}");
        }
        for bad in
            ["GPL-3.0", "MIT AND GPL-3.0", "(MIT OR ISC) AND GPL-3.0", "GPL-2.0 WITH Classpath-exception-2.0"]
        {
            assert!(!fits(bad), "{bad}");
        }
    }

    #[test]
    fn nonsense_is_not_an_expression() {
        for bad in ["", "OR", "MIT OR", "(MIT", "MIT)", "MIT ISC", "MIT WITH"] {
            assert_eq!(Expression::parse(bad), None, "{bad}");
        }
    }
}
