//! The stages of `cargo xtask test`, in the order that keeps two cores busy. To add one, add a line to `STAGES`.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use crate::house;
use crate::process::{cargo, command, logged, root, shown, target};

/// A stage: what it is called, what must be done before, and the work.
pub(crate) struct Stage {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) needs: &'static [&'static str],
    pub(crate) lane: &'static str,
    pub(crate) work: fn(&Log) -> Result<(), String>,
}

/// Cargo holds a lock on its folder, so its stages share a lane; what needs the machine to itself for its timing
/// waits for the others through `needs`.
pub(crate) const STAGES: &[Stage] = &[
    Stage {
        name: "house",
        about: "arrows, licences, sizes, leaks",
        needs: &[],
        lane: "files",
        work: house::stage,
    },
    Stage { name: "pages", about: "npm ci, build", needs: &[], lane: "npm", work: pages },
    Stage { name: "format", about: "cargo fmt --check", needs: &[], lane: "files", work: format },
    Stage {
        name: "lint",
        about: "cargo clippy, warnings are errors",
        needs: &["pages"],
        lane: "cargo",
        work: lint,
    },
    Stage { name: "fuzz", about: "the fuzz targets compile", needs: &["lint"], lane: "cargo", work: fuzz },
    Stage {
        name: "web",
        about: "type-check and unit tests of the pages",
        needs: &["pages"],
        lane: "npm",
        work: web,
    },
    Stage {
        name: "tools",
        about: "virtual environments, browser driver, OpenID provider",
        needs: &[],
        lane: "npm",
        work: tools,
    },
    Stage { name: "build", about: "programs and tests", needs: &["pages"], lane: "cargo", work: build },
    Stage {
        name: "tests",
        about: "unit, property, vectors, whole system",
        needs: &["build", "tools"],
        lane: "cargo",
        work: tests,
    },
    Stage {
        name: "servers",
        about: "the whole system on real servers: PostgreSQL, S3, SMTP",
        needs: &["tests"],
        lane: "cargo",
        work: servers,
    },
    Stage {
        name: "packages",
        about: "Debian packages under a systemd of their own: installed, upgraded under load, purged",
        needs: &["servers"],
        lane: "cargo",
        work: crate::package::stage,
    },
    Stage {
        name: "judges",
        about: "outside readers in Python",
        needs: &["build", "tools"],
        lane: "npm",
        work: judges,
    },
    Stage {
        name: "browser",
        about: "real Chromium",
        needs: &["build", "tools", "tests", "servers", "packages", "web", "judges"],
        lane: "browser",
        work: browser,
    },
];

/// Where a stage writes what its commands say.
pub(crate) struct Log(pub(crate) PathBuf);

impl Log {
    /// Runs a command into the log; its failure is the stage's.
    pub(crate) fn run(&self, command: &mut Command) -> Result<(), String> {
        self.say(&format!("$ {}", shown(command)));
        match logged(command, &self.0)? {
            status if status.success() => Ok(()),
            status => Err(format!("{} failed ({status})", shown(command))),
        }
    }

    /// Adds a line of our own.
    pub(crate) fn say(&self, line: &str) {
        use std::io::Write;
        if let Ok(mut file) = std::fs::File::options().create(true).append(true).open(&self.0) {
            let _ = writeln!(file, "{line}");
        }
    }

    pub(crate) fn text(&self) -> String {
        let bytes = std::fs::read(&self.0).unwrap_or_default();
        plain(&String::from_utf8_lossy(&bytes))
    }
}

/// Text without the colours that some tools print whatever they are told (ECMA-48 control sequences).
fn plain(text: &str) -> String {
    let mut pieces = text.split("\u{1b}[");
    let mut plain = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        plain.push_str(piece.split_once(|c: char| c.is_ascii_alphabetic()).map_or("", |(_, rest)| rest));
    }
    plain
}

/// Installs what the lockfile says (once per lockfile) and builds the pages that the programs hold.
pub(crate) fn pages(log: &Log) -> Result<(), String> {
    let web = root().join("web");
    npm_ci(&web, log)?;
    let stamp = pages_stamp();
    let _ = std::fs::remove_file(&stamp);
    log.run(command("npm").args(["run", "build"]).current_dir(web))?;
    std::fs::write(&stamp, []).map_err(|e| format!("{}: {e}", stamp.display()))
}

/// Its time is when the pages were last built.
fn pages_stamp() -> PathBuf {
    target().join("xtask/pages.built")
}

/// Whether nothing under `web` (sources, lockfile, what was built of them) changed since the pages were built.
pub(crate) fn pages_are_built() -> bool {
    let built = std::fs::metadata(pages_stamp()).and_then(|stamp| stamp.modified());
    let newest = newest(&root().join("web"));
    built.is_ok_and(|built| newest.is_ok_and(|newest| newest <= built))
}

/// The last change of anything in a folder; a file that went away changes its folder.
fn newest(folder: &Path) -> std::io::Result<SystemTime> {
    let mut last = std::fs::metadata(folder)?.modified()?;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name() == "node_modules" {
            continue;
        }
        let changed = if entry.file_type()?.is_dir() {
            newest(&entry.path())?
        } else {
            entry.metadata()?.modified()?
        };
        last = last.max(changed);
    }
    Ok(last)
}

fn format(log: &Log) -> Result<(), String> {
    log.run(cargo().args(["fmt", "--all", "--", "--check", "--color=never"]))
}

fn lint(log: &Log) -> Result<(), String> {
    log.run(cargo().args(["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))
}

/// Fuzzing itself wants a nightly compiler; that the targets follow the parsers does not. They share what `lint` made.
fn fuzz(log: &Log) -> Result<(), String> {
    log.run(
        cargo()
            .args(["check", "--locked", "--manifest-path", "fuzz/Cargo.toml", "--target-dir"])
            .arg(target()),
    )
}

fn web(log: &Log) -> Result<(), String> {
    let web = root().join("web");
    for script in ["check", "test"] {
        log.run(command("npm").args(["run", script]).current_dir(&web))?;
    }
    Ok(())
}

/// One build for everything that follows. Programs, examples and tests together: apart, cargo would choose other features for
/// what they share, and build it twice.
fn build(log: &Log) -> Result<(), String> {
    log.run(cargo().args(["build", "--workspace", "--lib", "--bins", "--examples", "--tests"]))
}

fn tests(log: &Log) -> Result<(), String> {
    log.run(cargo().args(["test", "--workspace", "--no-fail-fast"]))
}

/// Whole-system behaviours in which it matters where the platform keeps things, run again with all of it on PostgreSQL, an S3 store and a mail
/// server: cut uploads, edited rows, roles; what connectors fetch, key managers examine and re-wrap, and an intake brings in.
const ON_SERVERS: [&str; 13] = [
    "a_dossier_is_deposited_read_and_decided",
    "a_connector_posts_dossiers",
    "a_cut_upload_goes_on",
    "a_root_is_replaced",
    "a_scanned_dossier_goes_on",
    "an_organisation_with_its_own_software",
    "documents_are_scanned_before_they_are_shown",
    "dossiers_are_sealed_to_a_new_key",
    "files_of_any_size_and_name",
    "one_connector_serves_two_organisations",
    "swapped_edited_and_rolled_back_rows",
    "the_public_log_names_nobody",
    "who_may_not_read",
];
/// Kills, which take minutes where each start of a platform speaks to three servers: with its records on PostgreSQL.
const ON_POSTGRESQL: [&str; 1] = ["kill_nine_loses_nothing"];
/// What looks into the files of a SQLite database.
const OF_FILES: [&str; 3] =
    ["the_platform_dies_at_commits", "a_database_that_is_rolled_back", "neither_taken_kept_nor_logged"];

fn servers(log: &Log) -> Result<(), String> {
    let on = |tests: &[&str], kinds: &str| {
        let skipped = OF_FILES.iter().flat_map(|name| ["--skip", name]);
        log.run(
            cargo()
                .args(["test", "--workspace", "--test", "it", "--"])
                .args(tests)
                .args(skipped)
                .env("SCEAU_TEST_SERVERS", kinds),
        )
    };
    on(&ON_SERVERS, "postgresql,s3,smtp")?;
    on(&ON_POSTGRESQL, "postgresql")
}

/// Installs what the judges and the browser tests stand on.
pub(crate) fn tools(log: &Log) -> Result<(), String> {
    for judge in venvs() {
        virtual_environment(&judge, log)?;
    }
    npm_ci(&root().join("tests/provider"), log)?;
    npm_ci(&root().join("tests/browser"), log)
}

fn judges(log: &Log) -> Result<(), String> {
    let folder = root().join("tests/judges");
    for name in venvs() {
        let python = target().join(format!("venv-{name}/bin/python"));
        log.run(
            command(python)
                .args(["-B", "-m", "unittest", "discover", "--verbose", "--pattern", &format!("{name}_*.py")])
                .env("SCEAU_BIN", target().join("debug"))
                .current_dir(&folder),
        )?;
    }
    Ok(())
}

/// The pages against stand-ins for the servers and the terminals of keyrings against real ones first, then the whole house.
fn browser(log: &Log) -> Result<(), String> {
    log.run(
        command("npm")
            .args(["run", "browser"])
            .env("SCEAU_BIN", target().join("debug"))
            .current_dir(root().join("web")),
    )?;
    log.run(
        command("npm")
            .args(["test", "--silent"])
            .env("SCEAU_BIN", target().join("debug"))
            .current_dir(root().join("tests/browser")),
    )
}

/// `npm ci` when the lockfile is not the one installed; scripts of packages never run.
fn npm_ci(folder: &Path, log: &Log) -> Result<(), String> {
    let stamp = folder.join("node_modules/.installed-lockfile");
    let lockfile =
        std::fs::read(folder.join("package-lock.json")).map_err(|e| format!("{}: {e}", folder.display()))?;
    if std::fs::read(&stamp).is_ok_and(|installed| installed == lockfile) {
        log.say(&format!("{}: the lockfile is installed", folder.display()));
        return Ok(());
    }
    log.run(command("npm").args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(folder))?;
    std::fs::write(&stamp, lockfile).map_err(|e| format!("{}: {e}", stamp.display()))
}

/// The judges: `requirements-NAME.txt` beside `NAME_….py`, each in an environment of its own, since they
/// disagree on what they share.
fn venvs() -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(root().join("tests/judges"))
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter_map(|file| Some(file.strip_prefix("requirements-")?.strip_suffix(".txt")?.to_owned()))
        .collect();
    names.sort();
    names
}

fn virtual_environment(name: &str, log: &Log) -> Result<(), String> {
    let requirements = root().join(format!("tests/judges/requirements-{name}.txt"));
    let folder = target().join(format!("venv-{name}"));
    let wanted = std::fs::read(&requirements).map_err(|e| format!("{}: {e}", requirements.display()))?;
    if std::fs::read(folder.join("installed.txt")).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    log.run(command("python3").args(["-m", "venv", "--clear"]).arg(&folder))?;
    log.run(
        command(folder.join("bin/python"))
            .args([
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
                "--only-binary",
                ":all:",
                "-r",
            ])
            .arg(&requirements),
    )?;
    std::fs::write(folder.join("installed.txt"), wanted).map_err(|e| format!("{}: {e}", folder.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_taken_away() {
        assert_eq!(plain("\u{1b}[31mred\u{1b}[0m and \u{1b}[38;5;246mgrey"), "red and grey");
    }

    #[test]
    fn a_file_that_came_changed_or_went_is_a_change_but_not_an_installed_package() {
        let folder = std::env::current_exe().unwrap().with_extension("newest");
        let _ = std::fs::remove_dir_all(&folder);
        let (inner, installed) = (folder.join("inner"), folder.join("node_modules"));
        std::fs::create_dir_all(&inner).unwrap();
        std::fs::create_dir_all(&installed).unwrap();
        let at = |path: &Path, seconds: u64| {
            let time = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(seconds);
            std::fs::File::open(path).unwrap().set_modified(time).unwrap();
            time
        };
        let file = inner.join("page.ts");
        std::fs::write(&file, "").unwrap();
        at(&installed, 9);
        at(&folder, 1);
        at(&inner, 1);
        let edited = at(&file, 3);
        assert_eq!(newest(&folder).unwrap(), edited);
        at(&file, 1);
        let went = at(&inner, 4);
        assert_eq!(newest(&folder).unwrap(), went);
    }

    #[test]
    fn each_need_is_a_stage_and_no_stage_waits_for_itself() {
        let mut done: Vec<&str> = Vec::new();
        while done.len() < STAGES.len() {
            let next =
                STAGES.iter().find(|s| !done.contains(&s.name) && s.needs.iter().all(|n| done.contains(n)));
            done.push(next.expect("a need is unknown or circular").name);
        }
    }
}
