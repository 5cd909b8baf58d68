//! Certificates are verified twice: by `confirm`, and by `verify.py`, which was written from docs/certificates.md.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use confirm::certificate::{Certificate, Decision, Evidence, Outcome, verify};
use histories::read::{self, Format};
use histories::{History, view, write};

use super::certify;
use crate::testing::{self, Dice, lagging, random};
use crate::{Budget, check_all};

/// A folder of its own that goes away with the value.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("partita-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What a failed test leaves behind shows what failed.
        if !std::thread::panicking() {
            fs::remove_dir_all(&self.0).unwrap();
        }
    }
}

/// By pair of a history and a certificate, the lines that `verify.py` prints, without the reasons.
fn by_python(pairs: &[(PathBuf, PathBuf)]) -> Vec<String> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("confirm/verify.py");
    let files = pairs.iter().flat_map(|(history, certificate)| [history, certificate]);
    let output = Command::new("python3").arg("-B").arg(script).args(files).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(errors.is_empty(), "{errors}");
    text.lines().map(|line| line.split(':').next().unwrap_or_default().trim_end().to_owned()).collect()
}

fn by_us(history: &History, certificate: &Certificate) -> Vec<String> {
    let told = |(claim, outcome): (&confirm::certificate::Claim, Outcome)| {
        let word = match outcome {
            Outcome::Confirmed => "confirmed",
            Outcome::Refused(_) => "refused",
            Outcome::Undecided(_) => "undecided",
            Outcome::NotCertified(_) => "not certified",
        };
        let verdict = if claim.verdict == Decision::Held { "held" } else { "violated" };
        format!("{word:13} {verdict:8} {}", claim.model)
    };
    certificate.models.iter().zip(verify(history, certificate)).map(told).collect()
}

/// Both read alike what is a proof.
fn assert_same(pairs: &[(PathBuf, PathBuf)], ours: &[Vec<String>]) {
    let mut theirs = by_python(pairs).into_iter();
    let mut wrong = Vec::new();
    for ((_, certificate), ours) in pairs.iter().zip(ours) {
        let theirs: Vec<String> = theirs.by_ref().take(ours.len()).collect();
        if theirs != *ours {
            wrong.push(format!("theirs and ours, of {}: {theirs:?} {ours:?}", certificate.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A history as it stands in a file, with its certificate.
struct Case {
    file: PathBuf,
    history: History,
    certificate: Certificate,
}

impl Case {
    /// `None` where a certificate is refused because the file does not stand for itself.
    fn of(folder: &Folder, name: &str, text: &[u8]) -> Option<Self> {
        let file = folder.0.join(format!("{name}.jsonl"));
        fs::write(&file, text).unwrap();
        let history = read::read(text, name).unwrap();
        if matches!(view::settled(&history), std::borrow::Cow::Owned(_)) {
            return None;
        }
        let budget = Budget::unlimited();
        let findings = check_all(&history, None, &budget);
        // The digest is that of the file, which Python computes by itself.
        let sha256 = digest(&file);
        let certificate = certify(&history, &findings, sha256, &budget);
        for claim in &certificate.models {
            let told = serde_json::to_string(claim).unwrap();
            assert!(!told.contains("its evidence is refused"), "{name}: {told}");
        }
        Some(Self { file, history, certificate })
    }

    fn write(&self, name: &str, certificate: &Certificate) -> (PathBuf, PathBuf) {
        let path = self.file.with_file_name(format!("{name}.cert.json"));
        fs::write(&path, serde_json::to_string(certificate).unwrap()).unwrap();
        (self.file.clone(), path)
    }
}

fn digest(file: &Path) -> String {
    let output = Command::new("sha256sum").arg(file).output().unwrap();
    String::from_utf8(output.stdout).unwrap().split(' ').next().unwrap().to_owned()
}

fn jsonl(history: &History) -> Vec<u8> {
    let mut text = Vec::new();
    write::history(history, Format::Jsonl, &mut text).unwrap();
    text
}

/// Registers of three clients, or replicas that lag behind each other.
fn fuzzed(seed: u64) -> History {
    let mut dice = Dice(seed);
    match seed % 8 {
        0 => random(&mut dice, 10, true),
        1 => random(&mut dice, 10, false),
        kind => lagging::history(lagging::Kind::ALL[(kind - 2) as usize], seed),
    }
}

/// Verifies all by both, and returns how many claims came to what.
fn agreed(cases: &[Case]) -> [usize; 3] {
    let mut tally = [0; 3];
    for some in cases.chunks(100) {
        let pairs: Vec<_> = some
            .iter()
            .map(|case| case.write(case.file.file_stem().unwrap().to_str().unwrap(), &case.certificate))
            .collect();
        let ours: Vec<_> = some.iter().map(|case| by_us(&case.history, &case.certificate)).collect();
        assert_same(&pairs, &ours);
        for line in ours.iter().flatten() {
            let words = ["confirmed     held", "confirmed     violated", "not certified"];
            let word = words.iter().position(|word| line.starts_with(word));
            tally[word.unwrap_or_else(|| panic!("{line}"))] += 1;
        }
    }
    tally
}

#[test]
fn every_sample_is_certified_and_verified_by_both() {
    let folder = Folder::new("samples");
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../histories/samples");
    let mut files: Vec<PathBuf> = fs::read_dir(samples).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let files = files.iter().filter(|path| path.extension().is_some_and(|end| end == "jsonl"));
    let cases = files.filter_map(|path| {
        let name = path.file_stem().unwrap().to_str().unwrap();
        Case::of(&folder, name, &fs::read(path).unwrap())
    });
    let [held, violated, _] = agreed(&cases.collect::<Vec<_>>());
    assert!(held > 250 && violated > 250, "{held} {violated}");
}

/// `CASES` in the environment says how many by hand.
#[test]
#[expect(clippy::print_stderr, reason = "figures for those who fuzz by hand")]
fn fuzzed_histories_are_certified_and_verified_by_both() {
    let folder = Folder::new("fuzzed");
    let mut total = [0; 3];
    let cases = testing::cases(500);
    for start in (0..cases).step_by(100) {
        let some: Vec<Case> = (start..cases.min(start + 100))
            .filter_map(|seed| Case::of(&folder, &format!("case-{seed}"), &jsonl(&fuzzed(seed))))
            .collect();
        let tally = agreed(&some);
        total.iter_mut().zip(tally).for_each(|(total, count)| *total += count);
    }
    eprintln!("of {cases} histories: {} held, {} violated, {} not certified", total[0], total[1], total[2]);
    assert!(total[0] > 500 && total[1] > 500, "{total:?}");
}

/// Changes one thing in the evidence; `None` where there is nothing to change.
fn tampered(certificate: &Certificate, dice: &mut Dice, operations: u32) -> Option<Certificate> {
    let mut tampered = certificate.clone();
    let claims: Vec<usize> = (0..tampered.models.len())
        .filter(|&i| !matches!(tampered.models[i].evidence, Evidence::NotCertified(_)))
        .collect();
    let place = *claims.get(dice.below(claims.len().max(1) as u64) as usize)?;
    let claim = &mut tampered.models[place];
    match &mut claim.evidence {
        Evidence::Order(order) | Evidence::Arbitration(order) => {
            let (a, b) = (dice.below(order.len().max(1) as u64), dice.below(order.len().max(1) as u64));
            match dice.below(3) {
                0 if order.len() > 1 => order.swap(a as usize, b as usize),
                1 if !order.is_empty() => drop(order.remove(a as usize)),
                _ => order.insert(0, dice.below(operations.into()) as u32),
            }
        }
        Evidence::Proofs(proofs) => {
            let proof = &mut proofs[0];
            let at = dice.below(proof.operations.len() as u64) as usize;
            let edge = dice.below(proof.edges.len().max(1) as u64) as usize;
            match (dice.below(4), proof.edges.get_mut(edge)) {
                (0, Some(edge)) => std::mem::swap(&mut edge.from, &mut edge.to),
                (1, Some(edge)) => edge.to = dice.below(operations.into()) as u32,
                (2, _) => drop(proof.operations.remove(at)),
                _ => proof.operations[at] = dice.below(operations.into()) as u32,
            }
        }
        _ => {
            claim.verdict = match claim.verdict {
                Decision::Held => Decision::Violated,
                Decision::Violated => Decision::Held,
            };
        }
    }
    (tampered != *certificate).then_some(tampered)
}

#[test]
#[expect(clippy::print_stderr, reason = "figures for those who fuzz by hand")]
fn tampered_certificates_are_refused_unless_they_still_prove() {
    let folder = Folder::new("tampered");
    let mut dice = Dice(99);
    let (mut pairs, mut ours, mut seed) = (Vec::new(), Vec::new(), 0);
    let mut accepted = 0;
    while pairs.len() < 1_000 {
        seed += 1;
        let Some(case) = Case::of(&folder, &format!("case-{seed}"), &jsonl(&fuzzed(seed))) else { continue };
        let events = case.history.event_count();
        for round in 0..10 {
            let Some(changed) = tampered(&case.certificate, &mut dice, events) else { continue };
            let lines = by_us(&case.history, &changed);
            accepted += usize::from(lines.iter().all(|line| !line.starts_with("refused")));
            pairs.push(case.write(&format!("case-{seed}-{round}"), &changed));
            ours.push(lines);
        }
    }
    for (pairs, ours) in pairs.chunks(100).zip(ours.chunks(100)) {
        assert_same(pairs, ours);
    }
    eprintln!("of {} tampered certificates {accepted} still prove what they claim", pairs.len());
    assert!(accepted * 3 < pairs.len(), "{accepted} of {}", pairs.len());
    let another = Case::of(&folder, "another", &jsonl(&fuzzed(2))).unwrap();
    let (_, certificate) = another.write("another", &another.certificate);
    let answer = by_python(&[(pairs[0].0.clone(), certificate)]);
    assert_eq!(answer, ["refused"], "it is about another file");
}
