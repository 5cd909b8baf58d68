//! Proofs drawn into a folder: `history-causal-1.svg` and the same as `.dot`.
//!
//! What is implied by another model's proof is not drawn again.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use checkers::Finding;
use histories::History;

use crate::cli::failure::Failure;

/// The files that were written, in the order of the findings.
pub(super) fn write(
    history_file: &Path,
    history: &History,
    findings: &[Finding],
    folder: &Path,
) -> Result<Vec<PathBuf>, Failure> {
    let failed =
        |file: &Path, error: std::io::Error| Failure::Harness(format!("{}: {error}", file.display()));
    std::fs::create_dir_all(folder).map_err(|error| failed(folder, error))?;
    let stem = history_file.file_stem().unwrap_or_default().to_string_lossy();
    let stem = if stem == "-" { "stdin".into() } else { stem };
    let (mut drawn, mut files) = (BTreeSet::new(), Vec::new());
    for finding in findings {
        for (number, anomaly) in (1..).zip(finding.verdict.anomalies()) {
            if !drawn.insert((anomaly.witness.model, anomaly.witness.operations.clone())) {
                continue;
            }
            let pictures =
                [("svg", checkers::svg(history, anomaly)), ("dot", checkers::dot(history, anomaly))];
            for (extension, picture) in pictures {
                let Some(picture) = picture else { continue };
                let file = folder.join(format!("{stem}-{}-{number}.{extension}", finding.model));
                std::fs::write(&file, picture).map_err(|error| failed(&file, error))?;
                files.push(file);
            }
        }
    }
    Ok(files)
}
