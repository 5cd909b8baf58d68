//! Clocks of programs that are set wrong by a library put before the system's own (libfaketime). It acts on programs that ask
//! the C library for the time; others, such as Go's, do not notice, so what a clock shows has to be read back.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::namespaces::Missing;

const NAME: &str = "libfaketimeMT.so.1";
const INSTALL: &str = "apt-get install libfaketime";
/// How far the probe sets a clock off, in seconds.
const PROBE_S: i64 = 1_000_000;

/// The library, where it is installed.
pub fn library() -> Option<PathBuf> {
    let below = |folder: &str| fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut folders: Vec<PathBuf> = below("/usr/lib").chain(below("/usr/local/lib")).collect();
    folders.extend(["/usr/lib".into(), "/usr/local/lib".into()]);
    folders.sort();
    folders.into_iter().map(|folder| folder.join("faketime").join(NAME)).find(|path| path.is_file())
}

/// What a program has in its environment whose clock is read from `file`, beside `LD_PRELOAD`.
pub fn environment(file: &Path) -> [(&'static str, String); 4] {
    [
        ("FAKETIME_TIMESTAMP_FILE", file.display().to_string()),
        // The file is read whenever the time is asked for.
        ("FAKETIME_NO_CACHE", "1".to_owned()),
        // Waiting goes on as long as before.
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
        // Nothing is left in shared memory by a program that is killed.
        ("FAKETIME_DISABLE_SHM", "1".to_owned()),
    ]
}

/// From now on the clock that is read from `file` is off by so much. The file changes at once and as a whole.
pub fn set(file: &Path, offset_ms: i64) -> io::Result<()> {
    let next = file.with_extension("next");
    let sign = if offset_ms < 0 { '-' } else { '+' };
    let (seconds, millis) = (offset_ms.unsigned_abs() / 1000, offset_ms.unsigned_abs() % 1000);
    fs::write(&next, format!("{sign}{seconds}.{millis:03}\n"))?;
    fs::rename(&next, file)
}

/// Sets the clock of a program of the probe's own wrong, and looks at it.
pub fn probe() -> Result<(), Missing> {
    let missing = |why: String| Missing { why, remedy: INSTALL.to_owned() };
    let library = library().ok_or_else(|| missing(format!("{NAME} is not installed")))?;
    let date = |preload: bool| {
        let mut command = Command::new("date");
        command.arg("+%s").stdin(Stdio::null());
        if preload {
            command.env("LD_PRELOAD", &library).env("FAKETIME", format!("+{PROBE_S}"));
        }
        let output = command.output().map_err(|error| missing(format!("date: {error}")))?;
        let told = String::from_utf8_lossy(&output.stdout).trim().parse::<i64>();
        told.map_err(|_| missing(format!("date says {:?}", String::from_utf8_lossy(&output.stdout))))
    };
    let off = date(true)? - date(false)?;
    if (PROBE_S - 60..=PROBE_S + 60).contains(&off) {
        return Ok(());
    }
    Err(missing(format!("a clock that is to be {PROBE_S} s off is {off} s off")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offset_is_written_as_the_library_reads_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("n1.clock");
        for (offset_ms, text) in [(1500, "+1.500\n"), (-250, "-0.250\n"), (0, "+0.000\n")] {
            set(&file, offset_ms).unwrap();
            assert_eq!(fs::read_to_string(&file).unwrap(), text);
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
