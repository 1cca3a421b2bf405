//! What the machine must have: versions checked first, Debian packages installed or named in one line.

use std::path::Path;
use std::process::Command;

use crate::Stop;
use crate::process::{asked, must};

/// A tool whose version decides, and where a person gets it.
struct Tool {
    program: &'static str,
    least: Version,
    from: &'static str,
}

const TOOLS: [Tool; 4] = [
    Tool { program: "rustc", least: Version(1, 95), from: "https://rustup.rs" },
    Tool { program: "node", least: Version(20, 19), from: "https://nodejs.org" },
    Tool { program: "npm", least: Version(9, 0), from: "https://nodejs.org" },
    Tool { program: "python3", least: Version(3, 11), from: "apt-get install python3" },
];

/// A Debian package, and how to see that it is there.
struct Package {
    name: &'static str,
    present: fn() -> bool,
}

const COMPILER: Package = Package { name: "gcc", present: || on_path("cc") };
const BROWSER: Package = Package { name: "chromium", present: || on_path("chromium") };
/// What puts a certificate into a browser's profile.
const BROWSER_CERTIFICATES: Package =
    Package { name: "libnss3-tools", present: || on_path("certutil") && on_path("pk12util") };

const FOR_TESTS: &[Package] = &[
    COMPILER,
    BROWSER,
    BROWSER_CERTIFICATES,
    Package { name: "postgresql", present: || on_path("initdb") || debian_postgresql() },
    Package { name: "clamav-daemon", present: || on_path("clamd") },
    // Reads the invoices that MOB's host writes, and judges signed PDFs; and what they are made of.
    Package { name: "poppler-utils", present: || on_path("pdftotext") && on_path("pdfsig") },
    Package { name: "qpdf", present: || on_path("qpdf") },
    Package {
        name: "rabbitmq-server",
        present: || Path::new("/usr/lib/rabbitmq/bin/rabbitmq-server").is_file() && on_path("epmd"),
    },
    // Servers of others, in the settings that `sceau cert config` prints.
    Package { name: "nginx", present: || on_path("nginx") },
    Package { name: "apache2", present: || on_path("apache2") },
    Package { name: "haproxy", present: || on_path("haproxy") },
    // HTTP/2 that we did not write.
    Package { name: "nghttp2-server", present: || on_path("nghttpd") },
    Package { name: "nghttp2-client", present: || on_path("nghttp") },
    // Keys in tokens: a software one, and a tool that we did not write.
    Package { name: "softhsm2", present: || on_path("softhsm2-util") },
    Package { name: "opensc", present: || on_path("pkcs11-tool") },
    // Who receives syslog over TLS.
    Package { name: "rsyslog", present: || Path::new("/usr/sbin/rsyslogd").is_file() },
    Package {
        name: "rsyslog-gnutls",
        present: || asked("dpkg-query", &["--show", "rsyslog-gnutls"]).is_some(),
    },
    // An authority that speaks ACME, which we did not write either.
    Package { name: "pebble", present: || on_path("pebble") },
    Package { name: "strace", present: || on_path("strace") },
    Package { name: "faketime", present: || on_path("faketime") },
    Package { name: "openssl", present: || on_path("openssl") },
    Package {
        name: "python3-venv",
        present: || asked("python3", &["-c", "import ensurepip, venv"]).is_some(),
    },
    Package { name: "git", present: || on_path("git") },
    Package { name: "curl", present: || on_path("curl") },
    Package { name: "systemd-container", present: || on_path("systemd-nspawn") }, // boots what tries our packages
    Package { name: "lintian", present: || on_path("lintian") },
];

/// What `cargo xtask up` needs: to build, nothing more.
pub(crate) fn ready_to_build() -> Result<(), Stop> {
    versions(&TOOLS[..3])?;
    packages(&[COMPILER], "up")
}

/// What `cargo xtask test` needs.
pub(crate) fn ready_to_test() -> Result<(), Stop> {
    versions(&TOOLS)?;
    packages(FOR_TESTS, "test")
}

/// What opening a browser takes.
pub(crate) fn ready_to_browse() -> Result<(), Stop> {
    if ["DISPLAY", "WAYLAND_DISPLAY"].iter().all(|name| std::env::var_os(name).is_none_or(|v| v.is_empty())) {
        let words =
            "there is no screen here (neither DISPLAY nor WAYLAND_DISPLAY is set): leave --browser away";
        return Err(Stop::machine(format!("xtask: {words}")));
    }
    packages(&[BROWSER, BROWSER_CERTIFICATES], "up --browser")
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Version(u32, u32);

impl Version {
    /// The first `N.N` in what a tool says of itself: `rustc 1.95.0 (…)`, `v20.20.2`, `Python 3.11.7`.
    fn find(text: &str) -> Option<Self> {
        text.split(|c: char| !c.is_ascii_digit() && c != '.').find_map(|word| {
            let mut numbers = word.split('.').map(str::parse);
            match (numbers.next(), numbers.next()) {
                (Some(Ok(major)), Some(Ok(minor))) => Some(Self(major, minor)),
                _ => None,
            }
        })
    }
}

fn versions(tools: &[Tool]) -> Result<(), Stop> {
    let wrong: Vec<String> = tools.iter().filter_map(complaint).collect();
    if wrong.is_empty() { Ok(()) } else { Err(Stop::machine(format!("xtask: {}", wrong.join("\nxtask: ")))) }
}

fn complaint(tool: &Tool) -> Option<String> {
    let Tool { program, least: Version(major, minor), from } = tool;
    let wish = format!("{program} {major}.{minor} or later is needed ({from})");
    match asked(program, &["--version"]) {
        None => Some(format!("{wish}; it is missing")),
        Some(said) => match Version::find(&said) {
            Some(found) if found >= tool.least => None,
            _ => Some(format!("{wish}; found: {said}")),
        },
    }
}

/// Installs what is missing when that is possible, else names it in one line.
fn packages(wanted: &[Package], command: &str) -> Result<(), Stop> {
    let missing: Vec<&str> = wanted.iter().filter(|p| !(p.present)()).map(|p| p.name).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let line = format!("apt-get install --no-install-recommends --yes {}", missing.join(" "));
    if !rustix::process::geteuid().is_root() || !on_path("apt-get") {
        let line =
            format!("xtask: `cargo xtask {command}` needs packages that are missing. As root:\n\n  {line}\n");
        return Err(Stop::machine(line));
    }
    println!("installing {}", missing.join(" "));
    // Packages must not start daemons here: the tests start their own, on ports of their own.
    let apt = || {
        let mut apt = Command::new("apt-get");
        apt.env("DEBIAN_FRONTEND", "noninteractive").env("RUNLEVEL", "1").arg("--quiet=2");
        apt
    };
    must(apt().arg("update"))?;
    must(apt().args(["install", "--no-install-recommends", "--yes"]).args(&missing))?;
    let absent: Vec<&str> = wanted.iter().filter(|p| !(p.present)()).map(|p| p.name).collect();
    if absent.is_empty() {
        Ok(())
    } else {
        Err(Stop::machine(format!("xtask: still missing after installation: {}", absent.join(" "))))
    }
}

fn on_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin".into(), "/sbin".into()])
        .any(|dir| dir.join(program).is_file())
}

/// Debian keeps the server's programs out of the path: `/usr/lib/postgresql/15/bin`.
fn debian_postgresql() -> bool {
    let Ok(versions) = Path::new("/usr/lib/postgresql").read_dir() else { return false };
    versions.flatten().any(|version| version.path().join("bin/initdb").is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_found_in_what_tools_say() {
        for (said, major, minor) in [
            ("rustc 1.95.0 (59807616e 2026-04-14)", 1, 95),
            ("v20.20.2", 20, 20),
            ("11.19.1", 11, 19),
            ("Python 3.11.7", 3, 11),
        ] {
            assert!(Version::find(said) == Some(Version(major, minor)), "{said}");
        }
        assert!(Version::find("no number here").is_none());
        assert!(Version(1, 94) < Version(1, 95) && Version(2, 0) > Version(1, 95));
    }

    #[test]
    fn an_old_or_missing_tool_is_named_with_its_source() {
        let old = Tool { program: "rustc", least: Version(999, 0), from: "the moon" };
        assert!(
            complaint(&old).is_some_and(|c| c.contains("rustc 999.0 or later") && c.contains("the moon"))
        );
        let missing = Tool { program: "a-tool-that-is-not-there", least: Version(1, 0), from: "nowhere" };
        assert!(complaint(&missing).is_some_and(|c| c.ends_with("it is missing")));
    }
}
