//! Clocks of servers, set wrong by a library that is put before the system's own, and read back from the servers.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use histories::Node;
use nemesis::BoxFuture;
use nemesis::backends::faketime;
use tokio::task::JoinHandle;

use super::launcher::SERVER;
use super::session::Session;
use crate::cluster::{ClockControl, ClockSetting, CommandLine, Running};

const CLOCK: &str = "SELECT (extract(epoch from clock_timestamp()) * 1000)::text";
const ASK_MAX: Duration = Duration::from_millis(500);
/// How long a clock may take to show what it was set to, and how exactly.
const SHOWN_MAX: Duration = Duration::from_secs(3);
const EXACT_MS: f64 = 200.0;
/// A clock that strobes is off every other of these.
const STROBE: Duration = Duration::from_millis(100);

/// The clocks of all servers of a cluster.
pub(super) struct Clocks {
    library: PathBuf,
    /// What each server reads its clock from.
    files: Mutex<BTreeMap<Node, PathBuf>>,
    strobes: Mutex<BTreeMap<Node, Strobe>>,
}

/// Lets a clock jump to and fro, until it is dropped.
struct Strobe(JoinHandle<()>);

impl Drop for Strobe {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Clocks {
    /// `None` where the library is not installed.
    pub(super) fn new() -> Option<Self> {
        let library = faketime::library()?;
        Some(Self { library, files: Mutex::default(), strobes: Mutex::default() })
    }

    /// Lets a server read its clock from a file beside its data.
    pub(super) fn prepare(
        &self,
        node: Node,
        data: &Path,
        mut command: CommandLine,
    ) -> std::io::Result<CommandLine> {
        let file = data.with_extension("clock");
        if !file.exists() {
            faketime::set(&file, 0)?;
        }
        for (name, value) in faketime::environment(&file) {
            command = command.env(name, value);
        }
        self.files.lock().unwrap_or_else(PoisonError::into_inner).insert(node, file);
        Ok(command.env("PARTITA_CLOCK", self.library.display().to_string()))
    }

    fn write(&self, node: Node, setting: ClockSetting) -> Result<(), String> {
        let files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        let file = files.get(&node).cloned().ok_or("it was never started")?;
        let mut strobes = self.strobes.lock().unwrap_or_else(PoisonError::into_inner);
        strobes.remove(&node);
        faketime::set(&file, setting.offset_ms).map_err(|error| error.to_string())?;
        if setting.strobe_ms != 0 {
            let (near, far) = (setting.offset_ms, setting.offset_ms.saturating_add(setting.strobe_ms));
            strobes.insert(
                node,
                Strobe(tokio::spawn(async move {
                    let mut offsets = [far, near].into_iter().cycle();
                    // It goes on until a file cannot be written, which the next change of the clock tells.
                    while offsets.next().is_some_and(|offset| faketime::set(&file, offset).is_ok()) {
                        tokio::time::sleep(STROBE).await;
                    }
                })),
            );
        }
        Ok(())
    }
}

/// How far a server's clock is off, as it says itself.
async fn offset_ms(session: &mut Session, node: &Running) -> Option<f64> {
    let asked = SystemTime::now();
    let rows = session.ask(*node.ports.get(SERVER)?, CLOCK, &[], ASK_MAX).await.ok()?;
    let told: f64 = rows.first()?.first()?.parse().ok()?;
    let between = asked.duration_since(UNIX_EPOCH).ok()? + asked.elapsed().ok()? / 2;
    Some(told - between.as_secs_f64() * 1000.0)
}

impl ClockControl for Clocks {
    fn set<'a>(&'a self, node: &'a Running, setting: ClockSetting) -> BoxFuture<'a, Result<String, String>> {
        Box::pin(async move {
            let mut session = Session::default();
            let before = offset_ms(&mut session, node).await;
            self.write(node.node, setting)?;
            let wanted = [setting.offset_ms, setting.offset_ms.saturating_add(setting.strobe_ms)];
            let began = Instant::now();
            loop {
                let shown = offset_ms(&mut session, node).await;
                let is_wanted =
                    |shown: f64| wanted.iter().any(|&wanted| (shown - wanted as f64).abs() <= EXACT_MS);
                if let Some(after) = shown.filter(|&shown| is_wanted(shown)) {
                    let before =
                        before.map_or_else(|| "unknown".to_owned(), |before| format!("{before:+.0} ms"));
                    return Ok(format!("{}'s clock was {before} off, is {after:+.0} ms off", node.node));
                }
                if began.elapsed() > SHOWN_MAX {
                    let shown = shown
                        .map_or_else(|| "does not answer".to_owned(), |at| format!("is {at:+.0} ms off"));
                    return Err(format!("its clock was set {} ms off and {shown}", setting.offset_ms));
                }
                tokio::time::sleep(STROBE / 4).await;
            }
        })
    }
}
