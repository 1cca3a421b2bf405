//! A loopback of a measure's own.
//!
//! Where a machine's TCP paces what it sends (BBR, as many servers on the Internet are set up), loopback is as fast as the pacing and no faster: a large body then
//! measures that. In a network namespace of its own a measure goes by the congestion control that Linux has by itself.

use std::fs;
use std::process::Command;

use rustix::thread::UnshareFlags;

const CONGESTION_CONTROL: &str = "/proc/sys/net/ipv4/tcp_congestion_control";

/// Does the work on a loopback of its own, with `cubic`; where that may not be had, on the machine's. Tells by which congestion control it went.
pub(crate) fn apart<T: Send>(work: impl FnOnce(&str) -> T + Send) -> T {
    std::thread::scope(|scope| {
        let alone = scope.spawn(|| {
            if let Err(why) = own_loopback() {
                eprintln!("  on the machine's own loopback: {why}");
            }
            let by = fs::read_to_string(CONGESTION_CONTROL).unwrap_or_default();
            work(by.trim())
        });
        alone.join().expect("the measure says why it stops")
    })
}

/// Gives this thread, and what it starts, a network of its own.
fn own_loopback() -> Result<(), String> {
    let ip = |arguments: &[&str]| {
        Command::new("ip").args(arguments).output().is_ok_and(|ran| ran.status.success())
    };
    if !ip(&["-Version"]) {
        return Err("the command `ip` is not there (Debian: iproute2)".into());
    }
    // Of this thread's network alone; the function is deprecated for what it does to descriptors under another flag.
    #[expect(deprecated, reason = "the way that replaces it is `unsafe`, which the house forbids")]
    rustix::thread::unshare(UnshareFlags::NEWNET).map_err(|error| error.to_string())?;
    if !ip(&["link", "set", "lo", "up"]) {
        return Err("`ip link set lo up` failed".into());
    }
    fs::write(CONGESTION_CONTROL, "cubic").map_err(|error| format!("{CONGESTION_CONTROL}: {error}"))
}
