//! What processes spend (proc(5)).

use sceau_tests::Program;

/// User and system time of processes, all threads, in milliseconds.
pub(crate) fn processor_time(processes: &[u32]) -> Result<f64, String> {
    processes.iter().map(|pid| Ok(Stat::of(*pid)?.milliseconds(2))).sum()
}

/// The same of a process, of its children, and of those that it had and that ended.
pub(crate) fn time_of_family(parent: u32) -> Result<f64, String> {
    let mut sum = Stat::of(parent)?.milliseconds(4);
    for entry in std::fs::read_dir("/proc").map_err(|error| error.to_string())?.flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        // One that ended meanwhile is counted by its parent, next time.
        if let Ok(stat) = Stat::of(pid)
            && stat.field(1) == f64::from(parent)
        {
            sum += stat.milliseconds(2);
        }
    }
    Ok(sum)
}

/// The most memory that was resident of what these words run, in MiB, as the kernel counts them for a child that ended (getrusage(2), ru_maxrss).
pub(crate) fn most_memory(words: &[std::ffi::OsString]) -> Result<f64, String> {
    const WATCH: &str = "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True); \
                         print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)";
    let said = Program::other("python3").args(["-c", WATCH]).args(words).run().success().text();
    let kib: f64 =
        said.lines().last().unwrap_or_default().parse().map_err(|_| format!("python3 said {said}"))?;
    Ok(kib / 1024.0)
}

/// `/proc/PID/stat` behind the name (proc(5), from field 3).
struct Stat(Vec<f64>);

impl Stat {
    fn of(pid: u32) -> Result<Self, String> {
        let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).map_err(|error| error.to_string())?;
        // The name, in parentheses, may hold anything.
        let fields = text.rsplit_once(')').map_or("", |(_, fields)| fields).split_ascii_whitespace();
        Ok(Self(fields.map(|field| field.parse().unwrap_or(0.0)).collect()))
    }

    fn field(&self, at: usize) -> f64 {
        self.0.get(at).copied().unwrap_or(0.0)
    }

    /// User and system time (fields 14 and 15); of four, also that of children that ended (16 and 17).
    fn milliseconds(&self, fields: usize) -> f64 {
        let ticks: f64 = self.0.iter().skip(11).take(fields).sum();
        ticks / rustix::param::clock_ticks_per_second() as f64 * 1000.0
    }
}
