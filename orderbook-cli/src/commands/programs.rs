//! `programs`: how long the contracts keep running, and another year for one of them.

use alloy::primitives::Address;
use book::market::count::counted;
use clap::{Args, Subcommand};
use desk::chain::program::{Keepalive, Life};
use desk::chain::{Chain, Target};
use serde_json::{Value, json};

use super::context::Context;
use super::failure::{Exit, Failure, Result};
use super::{act, role};
use crate::render::{Answer, Block, Cell, Table, Tone};

/// Seconds of a day.
const DAY: u64 = 86_400;

/// Show how long the profile's contracts keep running, or keep one running for another year
///
/// A year counts from the activation of the code, which every deployment of the same build shares. When it is over
/// nothing in the contract works until it is activated again, which anybody may do.
#[derive(Args, Debug)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:\n  orderbook programs\n  orderbook programs keepalive settlement"
)]
pub(super) struct Programs {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show every program of the profile with its days left; warns at 60, 30 and 7
    #[command(after_help = "Example: orderbook programs list")]
    List,
    /// Start a program's year again, for the chain's data fee; the chain allows it from the 31st day on
    #[command(
        after_help = "Example: orderbook programs keepalive settlement\n\nAny wallet can do this. The fee is queried first, and a fifth more is sent; what is not needed comes back."
    )]
    Keepalive {
        /// coin, settlement, or a security
        contract: String,
    },
}

/// How near the end is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Alarm {
    None,
    Days60,
    Days30,
    Days7,
    Over,
}

impl Alarm {
    /// From what the chain says.
    pub(super) fn of(life: Life) -> Self {
        match life {
            Life::Left(seconds) if seconds > 60 * DAY => Self::None,
            Life::Left(seconds) if seconds > 30 * DAY => Self::Days60,
            Life::Left(seconds) if seconds > 7 * DAY => Self::Days30,
            Life::Left(_) => Self::Days7,
            Life::Expired | Life::NeedsUpgrade | Life::NotActivated | Life::NotAProgram => {
                Self::Over
            }
        }
    }

    fn word(self, life: Life) -> &'static str {
        match (self, life) {
            (Self::None, _) => "ok",
            (Self::Days60, _) => "60 days or less",
            (Self::Days30, _) => "30 days or less",
            (Self::Days7, _) => "7 days or less",
            (Self::Over, Life::NeedsUpgrade) => "needs activation after an upgrade of Stylus",
            (Self::Over, Life::NotActivated) => "never activated",
            (Self::Over, Life::NotAProgram) => "no program",
            (Self::Over, _) => "expired",
        }
    }

    fn tone(self) -> Tone {
        match self {
            Self::None => Tone::Good,
            Self::Days60 => Tone::Warn,
            Self::Days30 | Self::Days7 | Self::Over => Tone::Bad,
        }
    }
}

/// A contract of the profile and how long it keeps running.
pub(super) struct Program {
    pub(super) name: String,
    pub(super) address: Address,
    pub(super) life: Life,
}

impl Program {
    /// What to do about it, if anything.
    pub(super) fn warning(&self) -> Option<String> {
        let Self { name, life, .. } = self;
        match (Alarm::of(*life), *life) {
            (Alarm::None, _) => None,
            (_, Life::Left(seconds)) => Some(format!(
                "{name} runs for {} more: orderbook programs keepalive {name}",
                counted(seconds / DAY, "day")
            )),
            (alarm, life) => Some(format!(
                "{name} does not work ({}): anybody may activate it, and whatever was still in force then works again",
                alarm.word(life)
            )),
        }
    }
}

impl Programs {
    pub(super) async fn run(self, context: &Context) -> Result {
        match self.command {
            None | Some(Command::List) => list(context).await,
            Some(Command::Keepalive { contract }) => keepalive(context, &contract).await,
        }
    }
}

/// Every contract that the profile names.
pub(super) async fn all(context: &Context) -> Result<Vec<Program>> {
    all_on(context, &context.chain().await?).await
}

/// The same, on a chain that is already connected.
pub(super) async fn all_on(context: &Context, chain: &Chain) -> Result<Vec<Program>> {
    let securities = context.settings.profile().securities.iter();
    let addresses = &context.settings.profile().addresses;
    let named = [
        ("coin", context.coin().ok()),
        ("settlement", context.settlement().ok()),
        ("distribution", addresses.distribution),
        ("documents", addresses.documents),
    ];
    let named = named
        .into_iter()
        .filter_map(|(name, address)| Some((name.to_string(), address?)));
    let all = named.chain(securities.map(|one| (one.symbol.clone(), one.token)));
    let mut programs = Vec::new();
    for (name, address) in all {
        let life = Life::of(chain, address).await?;
        programs.push(Program {
            name,
            address,
            life,
        });
    }
    Ok(programs)
}

async fn list(context: &Context) -> Result {
    let programs = all(context).await?;
    let mut table = Table::new(&["program", "address", ">days left", "state"]);
    let mut data = Vec::with_capacity(programs.len());
    for program in &programs {
        let alarm = Alarm::of(program.life);
        let days = match program.life {
            Life::Left(seconds) => Some(seconds / DAY),
            _ => None,
        };
        let word = alarm.word(program.life);
        table.row([
            program.name.clone().into(),
            program.address.into(),
            days.map_or_else(Cell::default, Into::into),
            Cell::new(word, alarm.tone()),
        ]);
        data.push(
            json!({ "program": program.name, "address": program.address, "days_left": days,
            "state": word }),
        );
    }
    let over = programs
        .iter()
        .find(|one| Alarm::of(one.life) == Alarm::Over);
    let answer = Answer::new(Value::Array(data)).with(Block::Table(table));
    let warnings = programs.iter().filter_map(Program::warning);
    let answer = warnings.fold(answer, Answer::warn);
    match over {
        None => Ok(answer),
        Some(program) => {
            let words = format!("{} does not work until somebody activates it", program.name);
            Err(Failure::new(Exit::Chain, "PROGRAM_OVER", words)
                .hint("run cargo stylus activate, from any account")
                .found(answer))
        }
    }
}

async fn keepalive(context: &Context, name: &str) -> Result {
    let target: Target = match name.to_ascii_lowercase().as_str() {
        "documents" => context.documents_target()?,
        _ => role::contract(context, name)?,
    };
    let words = format!("{name} runs for another year");
    let signer = context.sender("default", words.as_str())?;
    let ground = context.ground().await?;
    let Keepalive { act, fee } = Keepalive::of(&ground, target, signer.address()).await?;
    let mut answer = act::carry_out(context, &act, &signer, words).await?;
    answer.data["fee"] = json!(fee.to_string());
    let fee = Cell::units(fee, 18);
    Ok(answer.with(Block::Pairs(vec![(
        "ether sent; what was not needed came back".into(),
        fee,
    )])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alarms_are_at_60_30_and_7_days() {
        let days = |days: u64| Alarm::of(Life::Left(days * DAY));
        for (left, alarm) in [
            (61, Alarm::None),
            (60, Alarm::Days60),
            (31, Alarm::Days60),
            (30, Alarm::Days30),
            (8, Alarm::Days30),
            (7, Alarm::Days7),
            (0, Alarm::Days7),
        ] {
            assert_eq!(days(left), alarm, "{left}");
        }
        assert_eq!(Alarm::of(Life::Expired), Alarm::Over);
    }
}
