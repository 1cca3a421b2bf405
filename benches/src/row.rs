//! One line of the table, and the table.

use std::fmt::Write;

/// What a measure came to.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    measure: String,
    ours: String,
    peer: String,
    value: Option<f64>,
    target: Option<Target>,
}

/// What a value must reach.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Target {
    /// This or more.
    AtLeast(f64),
    /// This or less.
    AtMost(f64),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Pass,
    Short,
    /// Nothing was asked of it.
    Told,
}

impl Row {
    /// Ours beside a peer's, both as people read them, and their ratio (ours ÷ peer).
    pub(crate) fn ratio(measure: impl Into<String>, ours: Figure, peer: Figure, target: Target) -> Self {
        Self {
            measure: measure.into(),
            ours: ours.text(),
            peer: peer.text(),
            value: Some(ours.value / peer.value),
            target: Some(target),
        }
    }

    /// The same where the ratio was taken pair by pair.
    pub(crate) fn compared(
        measure: impl Into<String>,
        ours: Figure,
        peer: Figure,
        ratio: f64,
        target: Target,
    ) -> Self {
        Self { value: Some(ratio), ..Self::ratio(measure, ours, peer, target) }
    }

    /// Ours alone, with a target in its own unit.
    pub(crate) fn figure(measure: impl Into<String>, ours: Figure, target: Target) -> Self {
        Self {
            measure: measure.into(),
            ours: ours.text(),
            peer: "—".into(),
            value: Some(ours.value),
            target: Some(target),
        }
    }

    /// For reading only.
    pub(crate) fn told(measure: impl Into<String>, ours: Figure) -> Self {
        Self { measure: measure.into(), ours: ours.text(), peer: "—".into(), value: None, target: None }
    }

    /// What could not be measured falls short.
    pub(crate) fn impossible(measure: &str, why: &str) -> Self {
        Self {
            measure: measure.into(),
            ours: why.lines().next().unwrap_or("not measured").into(),
            peer: "—".into(),
            value: None,
            target: Some(Target::AtLeast(0.0)),
        }
    }

    pub(crate) fn verdict(&self) -> Verdict {
        match (self.target, self.value) {
            (None, _) => Verdict::Told,
            (Some(Target::AtLeast(least)), Some(value)) if value >= least => Verdict::Pass,
            (Some(Target::AtMost(most)), Some(value)) if value <= most => Verdict::Pass,
            _ => Verdict::Short,
        }
    }

    fn cells(&self) -> [String; 6] {
        let own_unit = self.peer == "—";
        let value = self.value.filter(|_| !own_unit).map_or_else(|| "—".to_owned(), |v| format!("{v:.2}"));
        let target = match self.target {
            None => "—".to_owned(),
            Some(Target::AtLeast(least)) => format!("≥ {least:.2}").replace(".00", ""),
            Some(Target::AtMost(most)) => format!("≤ {most:.2}").replace(".00", ""),
        };
        let verdict = match self.verdict() {
            Verdict::Pass => "pass",
            Verdict::Short => "SHORT",
            Verdict::Told => "",
        };
        [self.measure.clone(), self.ours.clone(), self.peer.clone(), value, target, verdict.to_owned()]
    }
}

/// A number with its unit.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Figure {
    /// The number, in the unit.
    pub(crate) value: f64,
    /// The unit.
    pub(crate) unit: &'static str,
}

impl Figure {
    pub(crate) fn new(value: f64, unit: &'static str) -> Self {
        Self { value, unit }
    }

    fn text(self) -> String {
        let digits = if self.value >= 100.0 { 0 } else { 2 };
        format!("{:.digits$} {}", self.value, self.unit)
    }
}

/// The rows in columns.
pub(crate) fn table(rows: &[Row]) -> String {
    let head = ["measure", "ours", "peer", "ratio", "target", ""].map(str::to_owned);
    let lines: Vec<[String; 6]> = std::iter::once(head).chain(rows.iter().map(Row::cells)).collect();
    let width = |column: usize| {
        lines.iter().filter_map(|line| line.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..6).map(width).collect();
    let mut text = String::from("\n");
    for (n, line) in lines.iter().enumerate() {
        let mut row = String::new();
        for (cell, width) in line.iter().zip(&widths) {
            let padding = width - cell.chars().count();
            let _ = write!(row, "{cell}{}  ", " ".repeat(padding));
        }
        let _ = writeln!(text, "{}", row.trim_end());
        if n == 0 {
            let _ = writeln!(text, "{}", "─".repeat(widths.iter().sum::<usize>() + 10));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_passes_or_falls_short() {
        let row = |ours: f64, target| {
            Row::ratio("m", Figure::new(ours, "s"), Figure::new(1.0, "s"), target).verdict()
        };
        assert_eq!(row(0.8, Target::AtLeast(0.8)), Verdict::Pass);
        assert_eq!(row(0.79, Target::AtLeast(0.8)), Verdict::Short);
        assert_eq!(row(0.33, Target::AtMost(0.34)), Verdict::Pass);
        assert_eq!(row(f64::NAN, Target::AtMost(1.0)), Verdict::Short);
        assert_eq!(Row::impossible("m", "why").verdict(), Verdict::Short);
        assert_eq!(Row::told("m", Figure::new(1.0, "s")).verdict(), Verdict::Told);
    }

    #[test]
    fn the_table_lines_up() {
        let rows = [Row::ratio(
            "sealing",
            Figure::new(4321.0, "MB/s"),
            Figure::new(5000.0, "MB/s"),
            Target::AtLeast(0.8),
        )];
        let text = table(&rows);
        assert!(text.contains("sealing  4321 MB/s  5000 MB/s  0.86   ≥ 0.80  pass"), "{text}");
    }
}
