//! Reading how many tests passed and failed out of what the runners print.

/// Tests that ran, as their runners counted them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) passed: u32,
    pub(crate) failed: u32,
    pub(crate) skipped: u32,
}

impl Counts {
    pub(crate) fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }

    pub(crate) fn any(self) -> bool {
        self != Self::default()
    }

    /// Sums every summary line of a log: cargo test, node --test (TAP and spec), Vitest, Python's unittest.
    pub(crate) fn read(log: &str) -> Self {
        let mut sum = Self::default();
        let mut ran = 0;
        for line in log.lines().map(str::trim) {
            if let Some(rest) = line.strip_prefix("test result: ") {
                sum.add(cargo(rest));
            } else if let Some(rest) = line.strip_prefix("# ").or_else(|| line.strip_prefix("ℹ ")) {
                sum.add(node(rest));
            } else if let Some(rest) = line.strip_prefix("Tests ") {
                sum.add(worded(rest));
            } else if let Some(rest) = line.strip_prefix("Ran ") {
                ran = first_number(rest);
            } else if ran > 0 && (line.starts_with("OK") || line.starts_with("FAILED (")) {
                sum.add(unittest(ran, line));
                ran = 0;
            }
        }
        sum
    }
}

/// `ok. 12 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s`
fn cargo(line: &str) -> Counts {
    worded(line.split_once(". ").map_or(line, |(_, counts)| counts))
}

/// `pass 3`, `fail 0`, `cancelled 0`, `skipped 0`, `todo 0`
fn node(line: &str) -> Counts {
    let mut words = line.split_whitespace();
    let (Some(word), Some(Ok(number)), None) = (words.next(), words.next().map(str::parse), words.next())
    else {
        return Counts::default();
    };
    match word {
        "pass" => Counts { passed: number, ..Counts::default() },
        "fail" | "cancelled" => Counts { failed: number, ..Counts::default() },
        "skipped" | "todo" => Counts { skipped: number, ..Counts::default() },
        _ => Counts::default(),
    }
}

/// `1 failed | 12 passed | 2 skipped (15)` and cargo's own.
fn worded(line: &str) -> Counts {
    let mut counts = Counts::default();
    let words: Vec<&str> = line.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).collect();
    for pair in words.windows(2) {
        let [number, word] = pair else { continue };
        let Ok(number) = number.parse::<u32>() else { continue };
        match *word {
            "passed" => counts.passed += number,
            "failed" => counts.failed += number,
            "ignored" | "skipped" | "todo" => counts.skipped += number,
            _ => {}
        }
    }
    counts
}

/// `OK`, `OK (skipped=1)`, `FAILED (failures=1, errors=2)`, after `Ran N tests in …`.
fn unittest(ran: u32, line: &str) -> Counts {
    let mut counts = Counts::default();
    for part in line.split(['(', ')', ',']) {
        match part.trim().split_once('=') {
            Some(("failures" | "errors" | "unexpected successes", n)) => counts.failed += first_number(n),
            Some(("skipped" | "expected failures", n)) => counts.skipped += first_number(n),
            _ => {}
        }
    }
    counts.passed = ran.saturating_sub(counts.failed + counts.skipped);
    counts
}

fn first_number(text: &str) -> u32 {
    let digits: String = text.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(passed: u32, failed: u32, skipped: u32) -> Counts {
        Counts { passed, failed, skipped }
    }

    #[test]
    fn cargo_results_are_summed_over_crates() {
        let log = "test a ... ok\ntest result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s\n\
                   test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured; 7 filtered out; finished in 1.20s\n";
        assert_eq!(Counts::read(log), counts(15, 2, 1));
    }

    #[test]
    fn node_results_in_both_of_its_formats() {
        assert_eq!(
            Counts::read("# tests 3\n# pass 2\n# fail 1\n# cancelled 1\n# skipped 1\n# duration_ms 12\n"),
            counts(2, 2, 1)
        );
        assert_eq!(Counts::read("ℹ tests 3\nℹ pass 3\nℹ fail 0\nℹ duration_ms 81.5\n"), counts(3, 0, 0));
    }

    #[test]
    fn vitest_results() {
        assert_eq!(
            Counts::read(" Test Files  2 passed (2)\n      Tests  1 failed | 12 passed | 2 skipped (15)\n"),
            counts(12, 1, 2)
        );
    }

    #[test]
    fn unittest_results() {
        assert_eq!(Counts::read("Ran 5 tests in 0.123s\n\nOK\n"), counts(5, 0, 0));
        assert_eq!(
            Counts::read("Ran 5 tests in 0.1s\n\nFAILED (failures=1, errors=2, skipped=1)\n"),
            counts(1, 3, 1)
        );
        assert_eq!(Counts::read("OK\nRan 0 tests in 0.0s\n\nOK\n"), counts(0, 0, 0));
    }
}
