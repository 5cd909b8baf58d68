//! `partita verify`: a certificate against the history that it is about, by the re-check alone.

use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::path::{Path, PathBuf};

use checkers::certificate::{self, Certificate, Outcome, Subject, VERSION};
use checkers::{Budget, Finding};
use clap::Args;
use histories::History;
use sha2::{Digest, Sha256};

use super::Session;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::reading::ReadingArgs;
use crate::report::{self, Report, Verified};

#[derive(Args, Debug)]
pub(crate) struct VerifyArgs {
    /// The history that was checked.
    #[arg(value_name = "HISTORY")]
    history: PathBuf,

    /// What `partita check --certificate` wrote of it.
    #[arg(value_name = "CERTIFICATE")]
    certificate: PathBuf,

    /// As JSON.
    #[arg(long)]
    json: bool,

    #[command(flatten, next_help_heading = "How a file is read")]
    reading: ReadingArgs,
}

const COMPRESSED: [&[u8]; 2] = [b"\x1f\x8b", b"\x28\xb5\x2f\xfd"];

/// Writes the certificate of what was found of a file.
pub(super) fn write(
    file: &Path,
    target: &Path,
    history: &History,
    findings: &[Finding],
    budget: &Budget,
) -> Result<(), Failure> {
    let certificate = checkers::certify(history, findings, digest(file)?, budget);
    let text = serde_json::to_string(&certificate)
        .map_err(|error| Failure::Harness(format!("the certificate cannot be written: {error}")))?;
    std::fs::write(target, text + "\n").map_err(|error| unreadable(target, &error))
}

fn unreadable(path: &Path, error: &io::Error) -> Failure {
    Failure::Harness(format!("{}: {error}", path.display()))
}

/// The SHA-256 of a file's bytes, as they are uncompressed.
fn digest(path: &Path) -> Result<String, Failure> {
    let read = || {
        let (mut file, mut head) = (File::open(path)?, Vec::new());
        (&mut file as &mut dyn Read).take(4).read_to_end(&mut head)?;
        let whole = BufReader::new(head.as_slice().chain(file));
        let mut bytes: Box<dyn Read + '_> = match COMPRESSED.map(|magic| head.starts_with(magic)) {
            [true, _] => Box::new(flate2::bufread::MultiGzDecoder::new(whole)),
            [_, true] => Box::new(zstd::stream::read::Decoder::with_buffer(whole)?),
            _ => Box::new(whole),
        };
        let (mut hasher, mut buffer) = (Sha256::new(), vec![0; 1 << 16]);
        loop {
            match bytes.read(&mut buffer)? {
                0 => break,
                count => hasher.update(&buffer[..count]),
            }
        }
        Ok(hasher.finalize().iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}")))
    };
    read().map_err(|error| unreadable(path, &error))
}

pub(crate) fn verify(args: &VerifyArgs, session: &Session, out: &mut dyn Write) -> Result<Exit, Failure> {
    let text =
        std::fs::read_to_string(&args.certificate).map_err(|error| unreadable(&args.certificate, &error))?;
    let certificate: Certificate = serde_json::from_str(&text).map_err(|error| {
        Failure::Harness(format!("{}: it is no certificate: {error}", args.certificate.display()))
    })?;
    if certificate.partita_certificate != VERSION {
        let version = certificate.partita_certificate;
        return Err(Failure::Harness(format!(
            "certificates of version {version} are not known, only of {VERSION}"
        )));
    }
    let mut tell = |report: report::Certificate<'_>| {
        let exit = report.exit;
        session.print(&Report::Certificate(report), args.json, out).map(|()| exit)
    };
    let Subject { sha256 } = &certificate.history;
    if digest(&args.history)? != *sha256 {
        return tell(report::Certificate { exit: Exit::Violation, verified: Verified::AboutAnotherFile });
    }
    let loading = session.loading(std::slice::from_ref(&args.history));
    let history = histories::read::file_with(&args.history, &args.reading.options(loading.meter()))
        .map_err(|diagnostic| Failure::Harness(diagnostic.to_string()))?;
    drop(loading);
    let history = histories::view::settled(&history);
    let outcomes = certificate::verify(&history, &certificate);
    let exits = outcomes.iter().map(|outcome| match outcome {
        Outcome::Refused(_) => Exit::Violation,
        Outcome::Undecided(_) => Exit::Undecided,
        Outcome::Confirmed | Outcome::NotCertified(_) => Exit::Success,
    });
    let mut exit = exits.fold(Exit::Success, Exit::merge);
    if !outcomes.contains(&Outcome::Confirmed) {
        exit = exit.merge(Exit::Undecided);
    }
    let claims: Vec<_> = certificate.models.iter().zip(outcomes).collect();
    tell(report::Certificate { exit, verified: Verified::Claims(&claims) })
}
