//! The command line: one file for each noun, one struct of arguments with a `run` for each command.
//!
//! stdout carries results only, stderr everything else. Exit codes: 0 ok, 1 failed, 2 usage, 3 refused by a rule, 4 key or
//! role, 5 chain or network, 6 integrity broken, 7 outcome unknown, 130 interrupted.

// Doc comments of arguments are the help texts that people read: no mark-up in them, and one shape of `run` for all.
#![allow(clippy::doc_markdown, clippy::unnecessary_wraps)]

mod act;
mod acting;
#[cfg(target_os = "linux")]
mod agent;
mod allowance;
mod audit;
mod backup;
mod book;
mod books;
mod coin;
mod commitment;
mod complete;
mod compliance;
mod compliance_run;
mod config;
mod context;
mod current;
mod demo;
mod deploy;
mod deployment;
mod distribution;
mod doctor;
mod document;
mod export;
pub mod failure;
mod init;
mod init_answers;
mod init_talk;
mod interrupt;
mod investor;
mod match_clean;
mod match_list;
mod match_show;
mod match_suggest;
mod matches;
mod opening;
mod order;
mod order_adopt;
mod order_cancel;
mod order_entry;
mod order_import;
mod order_register;
mod password;
mod plan;
mod plan_proposal;
mod preflight;
mod programs;
mod proposal;
mod propose;
mod register;
mod register_anchor;
mod register_paper;
mod register_proof;
mod register_report;
mod registry;
mod role;
mod rows;
mod serve;
mod serve_house;
mod settle;
mod settle_batch;
mod settlement;
mod staff;
mod stake;
mod status;
mod status_lines;
mod stopping;
mod sync;
mod token;
mod token_enforcement;
mod token_investor;
mod token_migrate;
mod token_migrate_paper;
mod token_rules;
mod wallet;

use std::cell::OnceCell;
use std::ffi::OsString;
use std::io::Write as _;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::config::Overrides;
use crate::render::{Answer, Surface, Tone};
use books::Books;
use context::Context;
use failure::{Exit, Failure};
use interrupt::Interrupts;
use propose::ByRole;

/// Bulletin board, matching desk, settlement and audit trail of a broker-dealer for ERC-1404 security tokens.
#[derive(Debug, Parser)]
#[command(
    name = "orderbook",
    version,
    max_term_width = 110,
    after_help = "Start with: orderbook demo\n\nExit codes: 0 ok, 1 failed, 2 usage, 3 refused by a rule, \
        4 key or role, 5 chain or network, 6 integrity broken, 7 outcome unknown, \
        130 interrupted"
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// Wrap the answer in {schema_version, success, data, errors, warnings}
    #[arg(long, global = true)]
    json: bool,
    #[command(flatten)]
    overrides: Overrides,
}

#[derive(Debug, Subcommand)]
enum Command {
    Demo(demo::Demo),
    Init(init::Init),
    #[command(subcommand)]
    Config(config::Config),
    Doctor(doctor::Doctor),
    #[command(subcommand)]
    Wallet(wallet::Wallet),
    #[command(subcommand)]
    Staff(staff::Staff),
    #[command(subcommand)]
    Investor(investor::Investor),
    #[command(subcommand)]
    Deploy(deploy::Deploy),
    Role(ByRole<role::Role>),
    Token(ByRole<token::Token>),
    Coin(ByRole<coin::Coin>),
    Settlement(ByRole<settlement::Settlement>),
    #[command(subcommand)]
    Propose(proposal::Propose),
    Distribution(ByRole<distribution::Distribution>),
    Document(ByRole<document::Document>),
    #[command(subcommand)]
    Order(order::Order),
    Book(book::Book),
    #[command(subcommand)]
    Match(matches::Match),
    Approve(allowance::Approve),
    Permit(allowance::Permit),
    Preflight(preflight::Preflight),
    Settle(settle::Settle),
    Programs(programs::Programs),
    Status(status::Status),
    #[command(subcommand)]
    Compliance(compliance::Compliance),
    Register(Box<register::Register>),
    Sync(sync::Sync),
    #[command(subcommand)]
    Audit(audit::Audit),
    #[command(subcommand)]
    Export(export::Export),
    Serve(serve::Serve),
    Backup(backup::Backup),
    Completions(complete::Completions),
    Man(complete::Man),
}

/// The command line itself.
pub fn tree() -> clap::Command {
    <Cli as clap::CommandFactory>::command()
}

/// Parses the arguments, runs the command and reports how it ended.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let cli = match Cli::try_parse_from(&arguments) {
        Ok(cli) => cli,
        Err(error) => {
            let json = arguments.iter().any(|a| a == "--json");
            return match propose::needs_a_key(&error, &arguments) {
                Some(failure) => fail(&failure, json),
                None => usage(&error, json),
            };
        }
    };
    let json = cli.json;
    match run(cli) {
        Ok(answer) => succeed(&answer, json),
        Err(failure) => fail(&failure, json),
    }
}

fn run(cli: Cli) -> failure::Result {
    let mut runtime = match &cli.command {
        // Many clients at once; every other command does one thing at a time.
        Command::Serve(_) => tokio::runtime::Builder::new_multi_thread(),
        _ => tokio::runtime::Builder::new_current_thread(),
    };
    let runtime = runtime
        .enable_all()
        .build()
        .map_err(|e| Failure::other(format!("cannot start the runtime: {e}")))?;
    let books = Books::default();
    let interrupts = Interrupts::listen(books.clone())
        .map_err(|e| Failure::other(format!("cannot listen for signals: {e}")))?;
    let ended = runtime.block_on(async {
        let command = perform(cli.command, &cli.overrides, cli.json, &books, &interrupts);
        let ended = interrupts.or(Box::pin(command)).await;
        books.close().await;
        ended
    });
    // Otherwise a name server that does not answer would keep the process waiting after the command has given up.
    runtime.shutdown_background();
    ended
}

async fn perform(
    command: Command,
    overrides: &Overrides,
    json: bool,
    books: &Books,
    interrupts: &Interrupts,
) -> failure::Result {
    // Read only by commands that need a profile: demo, init, completions and man work where it is broken or missing.
    let built = OnceCell::new();
    let context = || {
        let built = built.get_or_init(|| Context::new(overrides, json, books));
        built.as_ref().map_err(Failure::clone)
    };
    let answer = match command {
        Command::Demo(command) => command.run(overrides, json, books, interrupts).await,
        Command::Init(command) => command.run(overrides, json, books).await,
        Command::Config(command) => command.run(context()?),
        Command::Doctor(command) => command.run(context()?).await,
        Command::Wallet(command) => command.run(context()?, interrupts).await,
        Command::Staff(command) => command.run(context()?).await,
        Command::Investor(command) => command.run(context()?).await,
        Command::Deploy(command) => command.run(context()?).await,
        Command::Role(ByRole { safe, command }) => {
            Box::pin(propose::aimed(context()?, safe, command.run(context()?))).await
        }
        Command::Token(ByRole { safe, command }) => {
            Box::pin(propose::aimed(context()?, safe, command.run(context()?))).await
        }
        Command::Coin(ByRole { safe, command }) => {
            propose::aimed(context()?, safe, command.run(context()?)).await
        }
        Command::Settlement(ByRole { safe, command }) => {
            propose::aimed(context()?, safe, command.run(context()?)).await
        }
        Command::Propose(command) => command.run(context()?).await,
        Command::Distribution(ByRole { safe, command }) => {
            Box::pin(propose::aimed(context()?, safe, command.run(context()?))).await
        }
        Command::Document(ByRole { safe, command }) => {
            propose::aimed(context()?, safe, command.run(context()?)).await
        }
        Command::Order(command) => command.run(context()?).await,
        Command::Book(command) => command.run(context()?).await,
        Command::Match(command) => command.run(context()?).await,
        Command::Approve(command) => command.run(context()?).await,
        Command::Permit(command) => command.run(context()?).await,
        Command::Preflight(command) => command.run(context()?).await,
        Command::Settle(command) => command.run(context()?).await,
        Command::Programs(command) => command.run(context()?).await,
        Command::Status(command) => command.run(context()?).await,
        Command::Compliance(command) => command.run(context()?).await,
        Command::Register(command) => command.run(context()?).await,
        Command::Sync(command) => command.run(context()?).await,
        Command::Audit(command) => command.run(context()?).await,
        Command::Export(command) => command.run(context()?).await,
        Command::Serve(command) => command.run(context()?, interrupts).await,
        Command::Backup(command) => command.run(context()?).await,
        Command::Completions(command) => command.run(),
        Command::Man(command) => command.run(),
    }?;
    Ok(match built.into_inner() {
        Some(Ok(context)) => context.answer(answer),
        _ => answer,
    })
}

fn succeed(answer: &Answer, json: bool) -> ExitCode {
    if answer.sent {
        return ExitCode::SUCCESS;
    }
    let text = if json {
        format!("{:#}\n", answer.envelope())
    } else {
        for note in &answer.notes {
            say(Tone::Title, "note", note);
        }
        for warning in &answer.warnings {
            say(Tone::Warn, "warning", warning);
        }
        answer.render(Surface::stdout())
    };
    // A reader that has seen enough closes the pipe: that is not a failure.
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => return ExitCode::FAILURE,
        _ => {}
    }
    if let Some((journal, keys)) = &answer.settled
        && let Err(error) = journal.strike(keys)
    {
        say(Tone::Warn, "warning", &error.to_string());
    }
    ExitCode::SUCCESS
}

fn fail(failure: &Failure, json: bool) -> ExitCode {
    if json {
        let _ = writeln!(std::io::stdout(), "{:#}", failure.envelope());
        return ExitCode::from(failure.exit as u8);
    }
    if let Some(found) = &failure.found {
        let text = found.render(Surface::stdout());
        let _ = std::io::stdout().write_all(text.as_bytes());
        for warning in &found.warnings {
            say(Tone::Warn, "warning", warning);
        }
    }
    say(Tone::Bad, "error", &failure.message);
    for fault in failure.faults.iter().filter(|_| !failure.shows_causes) {
        let _ = writeln!(std::io::stderr(), "  {}", fault.message);
        if let Some(hint) = &fault.hint {
            let _ = writeln!(std::io::stderr(), "    {hint}");
        }
    }
    if let Some(hint) = &failure.hint {
        say(Tone::Title, "hint", hint);
    }
    ExitCode::from(failure.exit as u8)
}

fn usage(error: &clap::Error, json: bool) -> ExitCode {
    if json && error.use_stderr() {
        return fail(&misused(&error.render().to_string()), true);
    }
    let _ = error.print();
    if error.use_stderr() {
        ExitCode::from(Exit::Usage as u8)
    } else {
        ExitCode::SUCCESS
    }
}

/// What clap says, without its label, its usage text and its pointer to the help; its tip is the hint.
fn misused(text: &str) -> Failure {
    let mut paragraphs = text.trim().split("\n\n").map(|paragraph| {
        let words: Vec<_> = paragraph.split_whitespace().collect();
        words.join(" ")
    });
    let first = paragraphs.next().unwrap_or_default();
    let failure = Failure::usage(first.strip_prefix("error: ").unwrap_or(&first));
    match paragraphs.find_map(|words| words.strip_prefix("tip: ").map(str::to_owned)) {
        Some(tip) => failure.hint(tip),
        None => failure.hint("see --help"),
    }
}

/// A labelled line on stderr.
fn say(tone: Tone, label: &str, text: &str) {
    let label = Surface::stderr().tint(tone, &format!("{label}:"));
    let _ = writeln!(std::io::stderr(), "{label} {text}");
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    /// Every command without subcommands, with its full name.
    fn leaves() -> Vec<(String, clap::Command)> {
        fn walk(command: &clap::Command, path: &str, found: &mut Vec<(String, clap::Command)>) {
            if !command.has_subcommands() {
                found.push((path.to_string(), command.clone()));
            }
            for sub in command.get_subcommands() {
                walk(sub, &format!("{path} {}", sub.get_name()), found);
            }
        }
        let mut found = Vec::new();
        walk(&Cli::command(), "orderbook", &mut found);
        found
    }

    #[test]
    fn every_command_says_what_it_does_and_shows_an_example_of_itself() {
        for (path, command) in leaves() {
            assert!(command.get_about().is_some(), "{path} has no description");
            let help = command.get_after_help().map(ToString::to_string);
            let shown = help.is_some_and(|help| help.contains("Example") && help.contains(&path));
            assert!(shown, "{path} shows no example of itself");
        }
    }

    /// Two arguments of one id are one argument to clap: the holder of a position would become the wallet that signs.
    #[test]
    fn no_argument_of_a_command_has_the_id_of_a_global_one() {
        let cli = Cli::command();
        let global: Vec<_> = cli.get_arguments().map(clap::Arg::get_id).collect();
        for (path, command) in leaves() {
            for argument in command.get_arguments() {
                let id = argument.get_id();
                assert!(
                    !global.contains(&id),
                    "{path} has an argument '{id}' of its own"
                );
            }
        }
    }

    #[test]
    fn a_misuse_is_a_message_and_a_hint_without_labels_and_usage() {
        let said = |arguments: &[&str]| {
            let all = ["orderbook"].iter().chain(arguments);
            let error = Cli::try_parse_from(all).expect_err("a misuse");
            let failure = misused(&error.render().to_string());
            (failure.message, failure.hint.unwrap_or_default())
        };
        assert_eq!(
            said(&["order", "sing"]),
            (
                "unrecognized subcommand 'sing'".into(),
                "a similar subcommand exists: 'sign'".into()
            )
        );
        assert_eq!(
            said(&["settle"]),
            (
                "the following required arguments were not provided: <MATCH>...".into(),
                "see --help".into()
            )
        );
    }
}
