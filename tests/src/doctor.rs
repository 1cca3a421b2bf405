//! What `sceau doctor` finds, and the words that it says it in.

use serde_json::Value;

use crate::Program;

/// One look.
#[derive(Debug)]
pub struct Findings(Vec<Finding>);

/// What was found of one thing.
#[derive(Debug)]
pub struct Finding {
    /// What was looked at.
    pub check: String,
    /// `well`, `notice` or `trouble`.
    pub state: String,
    /// What was found, then `→` and what to do, as far as there is something to do.
    pub words: String,
}

impl Findings {
    /// Of a look by this program.
    pub fn said_by(program: &Program) -> Self {
        let ran = program.clone().arg("--json").run();
        let text = ran.text();
        let found: Value = text
            .lines()
            .next()
            .and_then(|line| serde_json::from_str(line).ok())
            .unwrap_or_else(|| panic!("no findings: {text}{}", ran.stderr));
        let text = |finding: &Value, name: &str| finding[name].as_str().unwrap_or_default().to_owned();
        let one = |finding: &Value| Finding {
            check: text(finding, "check"),
            state: text(finding, "state"),
            words: format!("{} → {}", text(finding, "found"), text(finding, "advice")),
        };
        let all: Vec<Finding> = found["findings"].as_array().expect("a list").iter().map(one).collect();
        let troubles = all.iter().any(|finding| finding.state == "trouble");
        assert_eq!(ran.code, Some(i32::from(troubles)), "the exit code says whether there is trouble");
        Self(all)
    }

    /// How many there are of a check.
    pub fn of_check(&self, check: &str) -> usize {
        self.0.iter().filter(|finding| finding.check == check).count()
    }

    /// Those that are trouble.
    pub fn troubles(&self) -> Vec<&Finding> {
        self.0.iter().filter(|finding| finding.state == "trouble").collect()
    }

    /// Panics unless one of this check and state says all these words.
    #[track_caller]
    pub fn say(&self, check: &str, state: &str, words: &[&str]) {
        assert!(self.has(check, state, words), "{check} {state} {words:?} is not in {:#?}", self.0);
    }

    /// Looks again until one of this check and state says all these words: a role's own word may be a second old.
    #[track_caller]
    pub fn until(program: &Program, check: &str, state: &str, words: &[&str]) -> Self {
        let mut looks = (0..30).map(|_| Self::said_by(program));
        let Some(found) = looks.find(|found| found.has(check, state, words)) else {
            panic!("{check} {state} {words:?} is not in {:#?}", Self::said_by(program).0);
        };
        found
    }

    fn has(&self, check: &str, state: &str, words: &[&str]) -> bool {
        self.0.iter().any(|finding| {
            finding.check == check
                && finding.state == state
                && words.iter().all(|word| finding.words.contains(word))
        })
    }
}
