//! The text that Prometheus reads (exposition format 0.0.4, <https://prometheus.io/docs/instrumenting/exposition_formats/>).

use std::fmt::Write as _;

use super::ledger::Latency;

/// What is exposed, family by family.
#[derive(Debug, Default)]
pub(crate) struct Text(String);

/// What tells one sample of a family from another.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Labels(Vec<(&'static str, String)>);

/// One family of samples, which all have the same name.
pub(crate) struct Family<'a> {
    text: &'a mut String,
    name: &'a str,
}

impl Text {
    pub(crate) fn counter<'a>(&'a mut self, name: &'a str, help: &str) -> Family<'a> {
        self.family(name, "counter", help)
    }

    pub(crate) fn gauge<'a>(&'a mut self, name: &'a str, help: &str) -> Family<'a> {
        self.family(name, "gauge", help)
    }

    pub(crate) fn histogram<'a>(&'a mut self, name: &'a str, help: &str) -> Family<'a> {
        self.family(name, "histogram", help)
    }

    pub(crate) fn into_string(self) -> String {
        self.0
    }

    fn family<'a>(&'a mut self, name: &'a str, kind: &str, help: &str) -> Family<'a> {
        // Writing to a string does not fail.
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
        Family { text: &mut self.0, name }
    }
}

impl Labels {
    pub(crate) fn of<const N: usize>(labels: [(&'static str, &str); N]) -> Self {
        Self(labels.map(|(name, value)| (name, value.to_owned())).to_vec())
    }

    /// With one more.
    pub(crate) fn and(&self, name: &'static str, value: &str) -> Self {
        Self(self.0.iter().cloned().chain([(name, value.to_owned())]).collect())
    }
}

impl Family<'_> {
    /// A whole number.
    pub(crate) fn count(&mut self, labels: &Labels, value: u64) {
        self.line("", labels, &value.to_string());
    }

    pub(crate) fn number(&mut self, labels: &Labels, value: f64) {
        self.line("", labels, &value.to_string());
    }

    /// Seconds.
    pub(crate) fn latency(&mut self, labels: &Labels, latency: &Latency) {
        let (up_to, all, micros) = latency.values();
        for (bound, count) in Latency::BOUNDS.iter().zip(up_to) {
            let bound = seconds(*bound).to_string();
            self.line("_bucket", &labels.and("le", &bound), &count.to_string());
        }
        self.line("_bucket", &labels.and("le", "+Inf"), &all.to_string());
        self.line("_sum", labels, &seconds(micros).to_string());
        self.line("_count", labels, &all.to_string());
    }

    fn line(&mut self, suffix: &str, Labels(labels): &Labels, value: &str) {
        let labels: Vec<String> =
            labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).collect();
        let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        let _ = writeln!(self.text, "{}{suffix}{labels} {value}", self.name);
    }
}

#[allow(clippy::cast_precision_loss)] // a sum of years
fn seconds(micros: u64) -> f64 {
    micros as f64 / 1e6
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_a_name_holds_stays_in_its_label() {
        let mut text = Text::default();
        text.counter("a_total", "A.").count(&Labels::of([("name", "x\"} 1\nb 2\\")]), 3);
        assert_eq!(
            text.into_string(),
            "# HELP a_total A.\n# TYPE a_total counter\na_total{name=\"x\\\"} 1\\nb 2\\\\\"} 3\n"
        );
    }

    #[test]
    fn a_histogram_ends_with_all() {
        let (mut text, latency) = (Text::default(), Latency::default());
        latency.note(Duration::from_millis(2));
        text.histogram("t_seconds", "T.").latency(&Labels::of([("route", "/")]), &latency);
        let text = text.into_string();
        for line in [
            "t_seconds_bucket{route=\"/\",le=\"0.001\"} 0",
            "t_seconds_bucket{route=\"/\",le=\"0.0025\"} 1",
            "t_seconds_bucket{route=\"/\",le=\"+Inf\"} 1",
            "t_seconds_sum{route=\"/\"} 0.002",
            "t_seconds_count{route=\"/\"} 1",
        ] {
            assert!(text.lines().any(|said| said == line), "{line} in {text}");
        }
    }
}
