//! From the process's arguments to its exit code.
//!
//! The only place that reads arguments, installs handlers and decides on standard output.

use std::ffi::OsString;
use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::CommandFactory;
use clap::error::ErrorKind;
use nemesis::backends::watchdog::guard;
use nix::sys::signal::Signal;
use systems::System;
use systems::cluster::Host;
use tokio::signal::unix::{SignalKind, signal};

use super::line::{Cli, Command, EXIT_CODES};
use super::refusal;
use crate::cli::config;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::names::unknown;
use crate::cli::options::Options;
use crate::cli::quantity::address_space;
use crate::commands::{self, Session};
use crate::plan::catalogue::{Catalogue, MemberError, run_member};
use crate::run::progress::Interrupt;

/// Set while a command that can end in good order runs: then Ctrl-C asks it to.
static INTERRUPTIBLE: AtomicBool = AtomicBool::new(false);

/// The whole command line, over the bundled systems and `own`.
pub(crate) fn main(own: &[Arc<dyn System>]) -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let cli = match refusal::parse(&arguments) {
        Ok(cli) => cli,
        Err(error) => return refuse(error, &arguments).into(),
    };
    match &cli.command {
        Command::Node { arguments } => return node(arguments).into(),
        Command::Child { arguments } => return child(arguments).into(),
        Command::Watchdog { harness } => return watchdog(harness).into(),
        _ => {}
    }
    let interrupt = Interrupt::default();
    let session = Session::new(&cli.global, interrupt.clone());
    if let Err(error) = listen(interrupt) {
        session.error(&format!("signals cannot be listened for: {error}"));
        return Exit::HarnessFailure.into();
    }
    let (reach, wanted) = (address_space(), checkers::Budget::MEMORY_BYTES_DEFAULT);
    if reach / 2 < wanted {
        let mib = (reach / 2) >> 20;
        session.warn(&format!("the address space is limited: a check may use {mib} MiB of memory"));
    }
    // Guards stop whatever was started while a panic unwinds.
    let result = catch_unwind(AssertUnwindSafe(|| command(&cli, own, &session)));
    let exit = result.unwrap_or_else(|_| {
        session.error(
            "this is a bug in partita, not in the system under test; no verdict was reached. \
             Please report the message above with the command line",
        );
        Exit::Bug
    });
    exit.into()
}

/// A process of a system under test, which becomes another program at once.
fn child(arguments: &[String]) -> Exit {
    // Nobody is left to hear that standard error is closed.
    let _ = writeln!(io::stderr().lock(), "error: {}", systems::cluster::replace_process(arguments));
    Exit::HarnessFailure
}

/// Waits until the harness ends, which it does when standard input ends, and removes what it leaves behind.
fn watchdog(harness: &str) -> Exit {
    let guarded =
        harness.parse().map_err(io::Error::other).and_then(|harness| guard(harness, io::stdin().lock()));
    systems::cluster::sweep_private(&std::env::temp_dir());
    if guarded.is_ok() { Exit::Success } else { Exit::HarnessFailure }
}

/// A member of a bundled system: no handler of ours, no thread before its own runtime's.
fn node(arguments: &[String]) -> Exit {
    let Err(error) = run_member(arguments) else { return Exit::Success };
    // Where standard error is closed, nothing can be told.
    let _ = writeln!(io::stderr().lock(), "error: {error}");
    match error {
        MemberError::Arguments(_) => Exit::Usage,
        MemberError::Node(_) => Exit::HarnessFailure,
    }
}

/// Help and version are answers; everything else that clap says is a wrong usage, an empty command line too.
fn refuse(error: clap::Error, arguments: &[OsString]) -> Exit {
    let error = refusal::without_wild_guesses(error);
    let answers = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    let wrong = refusal::wrong_argument(&error);
    let said = wrong.map(|of| refusal::said_by_environment(arguments, Some(of))).unwrap_or_default();
    for told in said {
        // Where standard error is closed, nothing can be told.
        let _ = writeln!(io::stderr().lock(), "the environment says {told}");
    }
    match error.print().and_then(|()| io::stdout().flush()) {
        Err(full) if answers && full.kind() != io::ErrorKind::BrokenPipe => {
            // Where standard error is closed, too, nothing can be told.
            let _ = writeln!(io::stderr().lock(), "error: {}", Failure::Output(full));
            Exit::HarnessFailure
        }
        _ if answers => Exit::Success,
        _ => Exit::Usage,
    }
}

fn command(cli: &Cli, own: &[Arc<dyn System>], session: &Session) -> Exit {
    let mut out = io::BufWriter::new(io::stdout().lock());
    let result = carry_out(cli, own, session, &mut out).and_then(|exit| Ok(out.flush().map(|()| exit)?));
    result.unwrap_or_else(|failure| {
        let Failure::Output(error) = &failure else {
            session.error(&failure.to_string());
            if matches!(failure, Failure::Usage(_)) {
                let arguments: Vec<OsString> = std::env::args_os().collect();
                for told in refusal::said_by_environment(&arguments, None) {
                    session.hint(&format!("the environment says {told}"));
                }
            }
            return failure.exit();
        };
        if session.interrupt.is_set() {
            // A terminal that was closed hears nothing any more.
            return Exit::Interrupted;
        }
        // What closed the pipe has read enough.
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Exit::Success;
        }
        session.error(&failure.to_string());
        failure.exit()
    })
}

fn carry_out(
    cli: &Cli,
    own: &[Arc<dyn System>],
    session: &Session,
    out: &mut dyn Write,
) -> Result<Exit, Failure> {
    let executable = std::env::current_exe().map_err(|error| {
        Failure::Harness(format!("this program cannot find itself, to start nodes: {error}"))
    })?;
    let path = std::env::var_os("PATH").unwrap_or_default();
    let host = Host { exe: executable, path: std::env::split_paths(&path).collect() };
    let catalogue = Catalogue::with(host, own);
    let configured = || -> Result<Options, Failure> {
        Ok(config::load(cli.global.config.as_deref(), cli.global.profile.as_deref())?)
    };
    match &cli.command {
        Command::Check(args) => commands::check::check(args, configured()?.budget, session, out),
        Command::Verify(args) => commands::verify::verify(args, session, out),
        Command::Run(args) => {
            interruptible(|| commands::run::run(args, configured()?, &catalogue, session, out))
        }
        Command::Compare(args) if args.tradeoffs => {
            interruptible(|| commands::tradeoffs::tradeoffs(args, configured()?, &catalogue, session, out))
        }
        Command::Compare(args) => {
            interruptible(|| commands::compare::compare(args, configured()?, &catalogue, session, out))
        }
        Command::Hunt(args) => {
            interruptible(|| commands::hunt::hunt(args, configured()?, &catalogue, session, out))
        }
        Command::Selftest(args) => {
            interruptible(|| commands::selftest::selftest(args, &catalogue, session, out))
        }
        Command::Calibrate(args) => {
            interruptible(|| commands::calibrate::calibrate(args, configured()?, &catalogue, session, out))
        }
        Command::Replay(args) => {
            interruptible(|| commands::replay::replay(args, configured()?, &catalogue, session, out))
        }
        Command::Shrink(args) => interruptible(|| commands::shrink::shrink(args, &catalogue, session, out)),
        Command::Report(args) => commands::report::report(args, configured()?.budget, session, out),
        Command::Serve(args) => commands::serve::serve(args, session, out),
        Command::Convert(args) => commands::convert::convert(args, session, out),
        Command::Stats(args) => commands::stats::stats(args, session, out),
        Command::Synth(args) => commands::synth::synth(args, session, out),
        Command::Probe(args) => interruptible(|| commands::probe::probe(args, &catalogue, session, out)),
        Command::Doctor(args) => commands::doctor::doctor(args, session, out),
        Command::List(args) => commands::list::list(args, &Cli::command(), &catalogue, session, out),
        Command::Schema(args) => commands::schema::schema(args, out),
        Command::Explain(args) => commands::explain::explain(args, session, out),
        Command::Completions { shell } => {
            // Into memory first: the generator panics where it cannot write.
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut Cli::command(), "partita", &mut script);
            out.write_all(&script)?;
            Ok(Exit::Success)
        }
        // Taken before: a node listens to no one but its harness.
        Command::Node { arguments } => Ok(node(arguments)),
        Command::Child { arguments } => Ok(child(arguments)),
        Command::Watchdog { harness } => Ok(watchdog(harness)),
        Command::Man { command } => {
            clap_mangen::Man::new(page(command.as_deref())?).render(&mut { out })?;
            Ok(Exit::Success)
        }
    }
}

/// What a manual page is about: the program, or one of its commands.
fn page(command: Option<&str>) -> Result<clap::Command, Failure> {
    let mut whole = Cli::command();
    whole.build();
    let Some(name) = command else { return Ok(whole) };
    let commands = || whole.get_subcommands().filter(|command| !command.is_hide_set());
    let known: Vec<&str> = commands().map(clap::Command::get_name).collect();
    let found = commands().find(|command| command.get_name() == name).cloned();
    found
        .map(|page| page.after_help(EXIT_CODES))
        .ok_or_else(|| Failure::Usage(unknown("command", name, &known)))
}

fn interruptible(work: impl FnOnce() -> Result<Exit, Failure>) -> Result<Exit, Failure> {
    INTERRUPTIBLE.store(true, Ordering::Relaxed);
    let result = work();
    INTERRUPTIBLE.store(false, Ordering::Relaxed);
    result
}

/// The first Ctrl-C, SIGTERM or hang-up asks the run to end in good order, the second ends it at once. A file that grows
/// beyond what is allowed is an error of the write, and ends nothing.
fn listen(interrupt: Interrupt) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    let inside = runtime.enter();
    let mut asked = signal(SignalKind::interrupt())?;
    let mut told = signal(SignalKind::terminate())?;
    let mut left = signal(SignalKind::hangup())?;
    let mut too_large = signal(SignalKind::from_raw(Signal::SIGXFSZ as i32))?;
    drop(inside);
    let listener = move || {
        runtime.block_on(async {
            loop {
                tokio::select! {
                    _ = asked.recv() => {}
                    _ = told.recv() => {}
                    _ = left.recv() => {}
                    _ = too_large.recv() => continue,
                }
                if interrupt.is_set() || !INTERRUPTIBLE.load(Ordering::Relaxed) {
                    std::process::exit(i32::from(Exit::Interrupted.code()));
                }
                interrupt.set();
                // Nobody is left to hear that standard error is closed.
                let _ = writeln!(
                    io::stderr().lock(),
                    "interrupted: healing and stopping what was started, then checking what was seen; once more to leave \
                     at once"
                );
            }
        });
    };
    std::thread::Builder::new().name("ctrl-c".to_owned()).spawn(listener).map(drop)
}
