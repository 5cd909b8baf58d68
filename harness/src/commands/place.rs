//! Where runs are to leave their folders.

use std::path::Path;

use crate::cli::failure::Failure;
use crate::cli::options::Options;

/// Refuses an `--out` that no folder can be made in, once instead of once a run.
pub(super) fn check(options: &Options) -> Result<(), Failure> {
    let Some(out) = &options.out else { return Ok(()) };
    if let Some(link) = out.ancestors().find(|place| place.is_symlink() && !place.exists()) {
        let way = link.display();
        return Err(Failure::Usage(format!("--out {}: {way} is a link that leads nowhere", out.display())));
    }
    match out.ancestors().find(|place| place.exists()) {
        Some(place) if !place.is_dir() => Err(refusal(out, place)),
        _ => Ok(()),
    }
}

fn refusal(out: &Path, file: &Path) -> Failure {
    let way = if out == file { "it".to_owned() } else { file.display().to_string() };
    Failure::Usage(format!("--out {}: {way} is a file, and runs need a folder", out.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::exit::Exit;

    #[test]
    fn a_file_is_no_place_for_runs() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        let checked = |out: &Path| check(&Options { out: Some(out.to_owned()), ..Options::default() });
        for wrong in [file.clone(), file.join("below")] {
            let failure = checked(&wrong).unwrap_err();
            assert_eq!(failure.exit(), Exit::Usage);
            assert!(failure.to_string().contains("is a file"), "{failure}");
        }
        let dangling = folder.path().join("dangling");
        std::os::unix::fs::symlink(folder.path().join("gone"), &dangling).unwrap();
        for wrong in [dangling.clone(), dangling.join("below")] {
            assert!(checked(&wrong).unwrap_err().to_string().contains("leads nowhere"));
        }
        for right in [folder.path().to_owned(), folder.path().join("new/one")] {
            assert!(checked(&right).is_ok());
        }
        assert!(check(&Options::default()).is_ok());
    }
}
