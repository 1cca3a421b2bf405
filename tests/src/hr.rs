//! An organisation's HR system, written in another language (`tests/judges/hr_post.py`), to which dossiers are posted.

use std::path::PathBuf;

use serde_json::Value;

use crate::program::Program;
use crate::{House, Running};

/// It runs.
#[derive(Debug)]
pub struct HrSystem {
    /// The process.
    pub running: Running,
    folder: PathBuf,
    token: PathBuf,
}

impl HrSystem {
    /// Starts it.
    pub fn start(house: &House) -> Self {
        let folder = house.scratch.join("hr");
        std::fs::create_dir_all(&folder).expect("a folder");
        let token = house.scratch.write("hr.token", "a token of the HR system");
        let running = Program::other("python3")
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/judges/hr_post.py"))
            .arg(&folder)
            .arg("a token of the HR system")
            .named("hr")
            .start(house.scratch.path());
        Self { running, folder, token }
    }

    /// The lines of `[organisation.handover]` that post to it.
    pub fn handover(&self) -> String {
        let port = self.running.ready().get("port").and_then(Value::as_u64).expect("a port");
        format!("url = \"http://127.0.0.1:{port}/dossiers\"\ntoken_file = {:?}\n", self.token)
    }

    /// The dossiers that it took in: their delivery ids.
    pub fn taken(&self) -> Vec<String> {
        let mut taken = self.kept();
        taken.retain(|name| name.split('.').count() == 2 && name.len() == 49);
        taken
    }

    /// The decisions that it was told of: their delivery ids, and what they say.
    pub fn told(&self) -> Vec<(String, Value)> {
        let kinds = [".accepted", ".refused", ".more_information"];
        let told = self.kept().into_iter().filter(|name| kinds.iter().any(|kind| name.ends_with(kind)));
        let read = |name: String| {
            let said = std::fs::read(self.folder.join(&name)).expect("its own file");
            (name, serde_json::from_slice(&said).expect("JSON"))
        };
        told.map(read).collect()
    }

    fn kept(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&self.folder).expect("its folder");
        let mut names: Vec<String> =
            entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect();
        names.sort();
        names
    }

    /// Waits until it was asked something that holds `words`; what it made of it.
    pub fn wait_for(&mut self, words: &str) -> Value {
        serde_json::from_str(&self.running.wait_for(words)).expect("a line of JSON")
    }
}
