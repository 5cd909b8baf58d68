//! A child process whose standard streams carry lines. What it says on standard error goes to its log.

use std::process::{ChildStdin, ChildStdout};

use nemesis::backends::{NodeProcess, ProcessError, ProcessSpec};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// The longest line that is taken from a child.
const LINE_BYTES_MAX: u64 = 16 << 20;

/// Lines that a process says on its standard output.
#[derive(Debug)]
pub(crate) struct Lines {
    from: BufReader<tokio::process::ChildStdout>,
}

/// Starts a process. What is sent into the channel goes to its standard input, a line each; the input closes when the
/// channel does.
pub(crate) fn start(
    spec: ProcessSpec,
) -> Result<(NodeProcess, UnboundedSender<String>, Lines), ProcessError> {
    let name = spec.name.clone();
    let (process, stdin, stdout) = NodeProcess::start_piped(spec)?;
    let wrap = |error| ProcessError::Os { what: "speak with", name, error };
    let open = |stdin: ChildStdin, stdout: ChildStdout| {
        let stdin = tokio::process::ChildStdin::from_std(stdin)?;
        let stdout = tokio::process::ChildStdout::from_std(stdout)?;
        Ok((stdin, stdout))
    };
    let (stdin, stdout) = open(stdin, stdout).map_err(wrap)?;
    let (to, lines) = unbounded_channel();
    tokio::spawn(write(stdin, lines));
    Ok((process, to, Lines { from: BufReader::new(stdout) }))
}

async fn write(mut stdin: tokio::process::ChildStdin, mut lines: UnboundedReceiver<String>) {
    while let Some(mut line) = lines.recv().await {
        line.push('\n');
        // A child that does not read any more has ended, or is about to: its standard output tells.
        if stdin.write_all(line.as_bytes()).await.is_err() {
            return;
        }
    }
}

impl Lines {
    /// The next line, `None` after the last; the error says why it is none.
    pub(crate) async fn next(&mut self) -> Result<Option<String>, String> {
        let mut bytes = Vec::new();
        let mut limited = (&mut self.from).take(LINE_BYTES_MAX);
        let read = limited.read_until(b'\n', &mut bytes).await.map_err(|error| error.to_string())?;
        if read == 0 {
            return Ok(None);
        }
        if bytes.last() == Some(&b'\n') {
            bytes.pop();
        } else if read as u64 == LINE_BYTES_MAX {
            return Err(format!("a line has more than {} MiB", LINE_BYTES_MAX >> 20));
        }
        match String::from_utf8(bytes) {
            Ok(line) => Ok(Some(line)),
            Err(error) => {
                let start = String::from_utf8_lossy(error.as_bytes());
                Err(format!("a line is not UTF-8: {}", super::lines::quoted(&start)))
            }
        }
    }
}
