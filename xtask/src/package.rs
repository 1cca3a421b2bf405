//! `cargo xtask package`: Debian packages of what is built, into `target/package`. `packaging/` has what they hold beside the programs.
//!
//! `sceau` has the programs, completions and documents; the others have users, units, settings and the scripts that dpkg runs. Nothing of a network is asked, and the same sources make the same bytes.

mod table;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use self::table::{PACKAGES, Package};
use crate::Stop;
use crate::process::{asked, cargo, must, root, target};
use crate::test::stages::{Log, pages, pages_are_built};

const TOLD: &str = " Organisations exchange sensitive documents through infrastructure that they\n do not have to trust: \
                    who runs it can read nothing.\n";

/// What was asked for.
struct Asked {
    profile: &'static str,
    version: String,
    trial: bool,
}

impl Asked {
    fn parse(arguments: &[String]) -> Result<Self, Stop> {
        let mut asked =
            Self { profile: "release", version: env!("CARGO_PKG_VERSION").to_owned(), trial: false };
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            match (argument.as_str(), arguments.as_slice().first()) {
                ("--debug", _) => asked.profile = "debug",
                ("--try", _) => asked.trial = true,
                ("--version", Some(version)) if usable(version) => {
                    asked.version.clone_from(version);
                    arguments.next();
                }
                ("--version", _) => return Err(Stop::usage("--version takes one of Debian's: 0.1.0+2")),
                (other, _) => return Err(Stop::usage(format!("`{other}` is not an option of package"))),
            }
        }
        Ok(asked)
    }
}

fn usable(version: &str) -> bool {
    version.starts_with(|c: char| c.is_ascii_digit())
        && version.chars().all(|c| c.is_ascii_alphanumeric() || ".+~".contains(c))
}

/// Builds, and says where the packages are.
pub(crate) fn run(arguments: &[String]) -> Result<ExitCode, Stop> {
    let wanted = Asked::parse(arguments)?;
    let architecture = asked("dpkg", &["--print-architecture"]).ok_or_else(|| {
        Stop::machine("xtask: packages are made by Debian's dpkg-deb: apt-get install dpkg")
    })?;
    if !pages_are_built() {
        let logs = target().join("xtask");
        fs::create_dir_all(&logs).map_err(|error| Stop::machine(format!("xtask: {error}")))?;
        let log = Log(logs.join("package.log"));
        pages(&log).map_err(|why| Stop::failed(format!("{}\nxtask: {why}", log.text())))?;
    }
    let mut build = cargo();
    build.args(["build", "--locked", "-p", "sceau", "-p", "sceau-element", "-p", "sceau-gate"]);
    build.args(["-p", "sceau-biometric", "--bins"]);
    must(if wanted.profile == "release" { build.arg("--release") } else { &mut build })?;
    for package in pack(&wanted, &architecture)?.into_iter().chain(terminals(&wanted)?) {
        println!("{}", package.display());
    }
    if wanted.trial {
        must(&mut trial(&wanted, &architecture)?)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The stage of `cargo xtask test`: packages of what was built for the tests, tried.
pub(crate) fn stage(log: &Log) -> Result<(), String> {
    let impossible = match asked("dpkg", &["--print-architecture"]) {
        None => "packages are made by Debian's dpkg-deb",
        Some(_) if !rustix::process::geteuid().is_root() => "booting a system of its own takes root",
        Some(architecture) => {
            let wanted =
                Asked { profile: "debug", version: env!("CARGO_PKG_VERSION").to_owned(), trial: true };
            let words = |stop: Stop| stop.message;
            let packages = pack(&wanted, &architecture).map_err(words)?;
            let mut lintian = Command::new("lintian");
            lintian.args(["--allow-root", "--fail-on", "error,warning"]).args(&packages);
            log.run(&mut lintian)?;
            return log.run(&mut trial(&wanted, &architecture).map_err(words)?);
        }
    };
    log.say(&format!("not tried: {impossible}\ntest result: ok. 0 passed; 0 failed; 1 ignored"));
    Ok(())
}

/// Makes the packages of a version.
fn pack(wanted: &Asked, architecture: &str) -> Result<Vec<PathBuf>, Stop> {
    let out = target().join("package");
    let made = make(wanted, architecture, &out).map_err(|error| Stop::failed(format!("xtask: {error}")))?;
    let mut packages = Vec::new();
    for tree in made {
        let package = out.join(format!("{}_{}_{architecture}.deb", tree.name, wanted.version));
        let mut build = Command::new("dpkg-deb");
        build.arg("--root-owner-group");
        if wanted.profile == "debug" {
            // To be tried, not sent anywhere.
            build.args(["-Zgzip", "-z1"]);
        }
        build.arg("--build").arg(&tree.folder).arg(&package);
        must(build.stdout(std::process::Stdio::null()))?;
        packages.push(package);
    }
    Ok(packages)
}

/// A keyring's terminal for browsers, as `npm run build` packed it: what an administrator distributes or gives a store to sign. `web/extension/archive.ts` makes the same
/// bytes of the same sources.
fn terminals(wanted: &Asked) -> Result<Vec<PathBuf>, Stop> {
    let copied = |ending: &str| {
        let built = root().join("web/extension/dist").join(ending);
        let package = target().join("package").join(format!("sceau-terminal_{}.{ending}", wanted.version));
        fs::copy(&built, &package)
            .map_err(|error| Stop::failed(format!("xtask: {}: {error}", built.display())))?;
        Ok(package)
    };
    ["chromium.zip", "firefox.xpi"].into_iter().map(copied).collect()
}

/// Makes the packages of a later version too; the command boots a systemd in a copy of this machine's system that nobody else sees, and installs,
/// runs, upgrades under load, removes and purges them there (`packaging/trial.sh`).
fn trial(old: &Asked, architecture: &str) -> Result<Command, Stop> {
    if !rustix::process::geteuid().is_root() {
        return Err(Stop::machine("xtask: --try boots a system of its own, and needs root for that"));
    }
    let new = Asked { profile: old.profile, version: format!("{}+1", old.version), trial: true };
    pack(&new, architecture)?;
    let mut trial = Command::new("unshare");
    trial
        .args(["--mount", "--pid", "--net", "--fork", "--kill-child", "--mount-proc"])
        .arg(root().join("packaging/trial.sh"))
        .arg(target().join("package"))
        .args([&old.version, &new.version]);
    Ok(trial)
}

/// A tree that dpkg-deb packs.
struct Tree {
    name: &'static str,
    folder: PathBuf,
}

fn make(wanted: &Asked, architecture: &str, out: &Path) -> std::io::Result<Vec<Tree>> {
    let programs = programs(wanted, architecture, &out.join("tree/sceau"))?;
    let mut trees = vec![Tree { name: "sceau", folder: programs }];
    for package in &PACKAGES {
        let folder = services(package, wanted, &out.join("tree").join(package.name))?;
        trees.push(Tree { name: package.name, folder });
    }
    Ok(trees)
}

/// The programs, their completions and the documents.
fn programs(wanted: &Asked, architecture: &str, tree: &Path) -> std::io::Result<PathBuf> {
    begin(tree)?;
    let built = target().join(wanted.profile);
    for program in ["sceau", "sceau-element", "sceau-gate", "sceau-biometric"] {
        install(&built.join(program), &tree.join("usr/bin").join(program), 0o755)?;
        must(Command::new("strip").arg("--strip-unneeded").arg(tree.join("usr/bin").join(program)))
            .map_err(|_| std::io::Error::other("strip failed: apt-get install binutils"))?;
    }
    for (shell, place) in [
        ("bash", "bash-completion/completions/sceau"),
        ("zsh", "zsh/vendor-completions/_sceau"),
        ("fish", "fish/vendor_completions.d/sceau.fish"),
    ] {
        let said = Command::new(built.join("sceau")).args(["completions", shell]).output()?;
        write(&tree.join("usr/share").join(place), &said.stdout, 0o644)?;
    }
    manual(&built, &tree.join("usr/share/man"))?;
    let documents = tree.join("usr/share/doc/sceau");
    for folder in ["", "deploy", "keyrings"] {
        for entry in fs::read_dir(root().join("docs").join(folder))? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default();
            if path.extension().is_some_and(|extension| extension == "md") {
                install(&path, &documents.join(folder).join(name), 0o644)?;
            }
        }
    }
    let profile = root().join("crates/pki/profiles/sas.toml");
    install(&profile, &documents.join("profiles/sas.toml"), 0o644)?;
    install(&root().join("LICENSE-EUPL"), &documents.join("EUPL-1.2"), 0o644)?;
    papers("sceau", wanted, tree)?;
    let control = format!(
        "Package: sceau\nVersion: {}\nArchitecture: {architecture}\nMaintainer: The Sceau authors <sceau@example.org>\n\
         Section: utils\nPriority: optional\nDepends: libc6 (>= 2.34), libgcc-s1\n\
         Description: exchange sensitive documents without trusting who runs the servers\n{TOLD}",
        wanted.version
    );
    write(&tree.join("DEBIAN/control"), control.as_bytes(), 0o644)?;
    Ok(tree.to_owned())
}

/// Pages for man(1): one for each command, the element's and the biometric process's.
fn manual(built: &Path, folder: &Path) -> std::io::Result<()> {
    let commands = folder.join("man1");
    fs::create_dir_all(&commands)?;
    must(Command::new(built.join("sceau")).arg("manual").arg(&commands))
        .map_err(|_| std::io::Error::other("sceau wrote no manual"))?;
    let system = ["sceau-element.8", "sceau-biometric.8"].map(|page| (page, folder.join("man8").join(page)));
    for (page, place) in &system {
        install(&root().join("packaging").join(page), place, 0o644)?;
    }
    let pages = fs::read_dir(&commands)?.map(|entry| entry.map(|entry| entry.path()));
    for page in pages.chain(system.into_iter().map(|(_, place)| Ok(place))) {
        let page = page?;
        fs::set_permissions(&page, fs::Permissions::from_mode(0o644))?;
        must(Command::new("gzip").args(["-9n"]).arg(&page))
            .map_err(|_| std::io::Error::other("gzip failed"))?;
    }
    Ok(())
}

/// Users, units, settings and scripts of some roles.
fn services(package: &Package, wanted: &Asked, tree: &Path) -> std::io::Result<PathBuf> {
    begin(tree)?;
    let packaging = root().join("packaging");
    let units: Vec<String> = package.roles.iter().map(|role| format!("sceau-{role}.service")).collect();
    for file in units.iter().map(String::as_str).chain(package.drop_ins.iter().copied()) {
        install(&packaging.join("systemd").join(file), &tree.join("lib/systemd/system").join(file), 0o644)?;
    }
    let users = packaging.join(format!("debian/{}.sysusers", package.name));
    install(&users, &tree.join(format!("usr/lib/sysusers.d/{}.conf", package.name)), 0o644)?;
    let mut kept = String::new();
    let rotated = packaging.join(format!("debian/{}.logrotate", package.name));
    if rotated.is_file() {
        install(&rotated, &tree.join("etc/logrotate.d").join(package.name), 0o644)?;
        kept += &format!("/etc/logrotate.d/{}\n", package.name);
    }
    for name in package.settings {
        install(&packaging.join("etc").join(name), &tree.join("etc/sceau").join(name), 0o644)?;
        kept += &format!("/etc/sceau/{name}\n");
    }
    write(&tree.join("DEBIAN/conffiles"), kept.as_bytes(), 0o644)?;
    for script in ["postinst", "prerm", "postrm"] {
        let text = fs::read_to_string(packaging.join("debian").join(script))?
            .replace("@PACKAGE@", package.name)
            .replace("@UNITS@", &units.join(" "))
            .replace("@ROLES@", &package.roles.join(" "))
            .replace("@SECRETS@", &package.secrets.join(" "))
            .replace("@KEYS@", &package.keys.join(" "));
        write(&tree.join("DEBIAN").join(script), text.as_bytes(), 0o755)?;
    }
    papers(package.name, wanted, tree)?;
    let control = format!(
        "Package: {}\nVersion: {version}\nArchitecture: all\nMaintainer: The Sceau authors <sceau@example.org>\n\
         Section: utils\nPriority: optional\nDepends: sceau (= {version}){}, systemd | systemd-standalone-sysusers\n\
         Description: {}\n{TOLD}",
        package.name,
        package.stands_on.map(|other| format!(", {other} (= {})", wanted.version)).unwrap_or_default(),
        package.about,
        version = wanted.version
    );
    write(&tree.join("DEBIAN/control"), control.as_bytes(), 0o644)?;
    Ok(tree.to_owned())
}

/// What Debian wants of each: copyright and changes.
fn papers(name: &str, wanted: &Asked, tree: &Path) -> std::io::Result<()> {
    let documents = tree.join("usr/share/doc").join(name);
    install(&root().join("packaging/debian/copyright"), &documents.join("copyright"), 0o644)?;
    let changes = format!(
        "sceau ({}) unstable; urgency=medium\n\n  * What changed is in CHANGELOG.md of the sources.\n\n \
         -- The Sceau authors <sceau@example.org>  Sat, 21 Nov 2026 00:00:00 +0000\n",
        wanted.version
    );
    let plain = documents.join("changelog");
    write(&plain, changes.as_bytes(), 0o644)?;
    must(Command::new("gzip").args(["-9n"]).arg(&plain)).map_err(|_| std::io::Error::other("gzip failed"))
}

fn begin(tree: &Path) -> std::io::Result<()> {
    match fs::remove_dir_all(tree) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    fs::create_dir_all(tree.join("DEBIAN"))
}

fn install(from: &Path, to: &Path, mode: u32) -> std::io::Result<()> {
    let bytes =
        fs::read(from).map_err(|error| std::io::Error::other(format!("{}: {error}", from.display())))?;
    write(to, &bytes, mode)
}

fn write(path: &Path, bytes: &[u8], mode: u32) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, bytes)?;
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_debians() {
        assert!(usable("0.1.0") && usable("0.2.0~rc1+git3"));
        assert!(!usable("v1") && !usable("1 2") && !usable("1/2") && !usable(""));
        assert!(Asked::parse(&["--version".to_owned()]).is_err());
        assert!(Asked::parse(&["--quick".to_owned()]).is_err());
    }

    #[test]
    fn each_unit_and_setting_of_a_package_is_there() {
        for package in &PACKAGES {
            let there = |path: String| assert!(root().join("packaging").join(&path).is_file(), "{path}");
            package.roles.iter().for_each(|role| there(format!("systemd/sceau-{role}.service")));
            package.settings.iter().for_each(|name| there(format!("etc/{name}")));
            package.drop_ins.iter().for_each(|name| there(format!("systemd/{name}")));
            there(format!("debian/{}.sysusers", package.name));
        }
    }

    /// Exposure by the word of systemd, in tenths: what a unit gives up for its work is in docs/deploy/systemd.md.
    #[test]
    fn units_are_closed() {
        let analyze = |unit: &Path| {
            Command::new("systemd-analyze")
                .args(["security", "--offline=true", "--threshold=20"])
                .arg(unit)
                .output()
        };
        for role in PACKAGES.iter().flat_map(|package| package.roles) {
            let unit = root().join(format!("packaging/systemd/sceau-{role}.service"));
            // A machine without systemd cannot judge.
            let Ok(judged) = analyze(&unit) else { return };
            assert!(judged.status.success(), "{}", String::from_utf8_lossy(&judged.stdout));
        }
    }
}
