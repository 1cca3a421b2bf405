//! Documents that are written by the code.

use std::path::Path;

/// A file of `docs/` that is written by the code and read by people: each change of it is reviewed.
pub struct Reviewed(pub &'static str);

impl Reviewed {
    fn path(&self) -> std::path::PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(self.0)
    }

    pub fn assert(&self, now: &str) {
        let kept = std::fs::read_to_string(self.path()).unwrap_or_default();
        let (kept, now): (Vec<&str>, Vec<&str>) = (kept.lines().collect(), now.lines().collect());
        let gone = kept.iter().filter(|line| !now.contains(line)).map(|line| format!("- {line}"));
        let new = now.iter().filter(|line| !kept.contains(line)).map(|line| format!("+ {line}"));
        let difference: Vec<String> = gone.chain(new).collect();
        assert!(
            kept == now,
            "docs/{} is not what the code says; if the change is meant, run\n  \
             cargo test -p sceau-dossiers --test it accept_the_reviewed -- --ignored\n{}",
            self.0,
            difference.join("\n")
        );
    }

    pub fn accept(&self, now: &str) {
        std::fs::write(self.path(), now).unwrap();
    }
}
