//! `wallet agent, lock`: an unlocked session for one wallet.

use alloy::primitives::Address;
use book::market::count::counted;
use desk::scope::{Known, Scope};
use desk::signing::agent::{Agent, Client, End, clear};
use desk::signing::request::Request;
use desk::staff::two_eyes;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::context::Context;
use super::failure::{Failure, Result};
use super::interrupt::Interrupts;
use super::say;
use crate::render::{Answer, Tone};

/// The longest time that a key stays open, in seconds.
const LONGEST: u64 = 12 * 3_600;

/// Serves until its time is over, it is locked or it is interrupted.
pub(super) async fn run(
    context: &Context,
    interrupts: &Interrupts,
    name: &str,
    seconds: u64,
) -> Result {
    if seconds == 0 || seconds > LONGEST {
        let words = format!(
            "an agent runs for 1 second to {} hours, not {seconds} s",
            LONGEST / 3_600
        );
        return Err(Failure::usage(words));
    }
    let place = context.agent_place();
    clear(&place)?;
    let scope = scope(context).await?;
    let key = context.unlock(name)?;
    let term = SignedDuration::try_from(std::time::Duration::from_secs(seconds));
    let until = Timestamp::now() + term.map_err(Failure::usage)?;
    let judge = move |own, request: &Request| {
        let words = scope.words(own, request);
        words.map_err(|error| error.to_string())
    };
    let agent = Agent::listen(&place, name, key, judge, until)?;
    let address = agent.about().address;
    let words =
        format!("{name} ({address}) signs until {until:.0}; end it with: orderbook wallet lock");
    say(Tone::Title, "agent", &words);
    if let Some(words) = warning(context, address).await? {
        say(Tone::Warn, "warning", &words);
    }
    // Told to end, it wipes its key before the process does.
    interrupts.claim();
    let mut signed: u64 = 0;
    let end = {
        let line = |text: &str| {
            signed += u64::from(!text.starts_with("refused"));
            let now = Timestamp::now().strftime("%H:%M:%S");
            say(Tone::Plain, &format!("{now} {name}"), text);
        };
        tokio::select! {
            ended = agent.serve(line) => Some(ended?),
            () = interrupts.raised() => None,
        }
    };
    let why = match end {
        Some(End::Time) => "its time is over",
        Some(End::Locked) => "it was locked",
        None => "it was interrupted",
    };
    let data = json!({ "wallet": name, "address": address, "until": until, "signed": signed, "ended": why });
    let words = format!(
        "the agent of {name} has ended because {why}; it signed {}",
        counted(signed, "time")
    );
    Ok(Answer::line(data, words))
}

/// The warning about a person of the desk whose counterpart's key is in the same folder.
async fn warning(context: &Context, address: Address) -> Result<Option<String>> {
    let Some(board) = context.board_if_any().await? else {
        return Ok(None);
    };
    let roster = board.roster().await;
    // The agent outlives many commands, each of which leaves the book as one file.
    board.store().close().await;
    let roster = roster?;
    if roster.signer(address, u64::MAX).is_err() {
        return Ok(None);
    }
    let both = two_eyes(&roster, &context.addresses()?);
    Ok(both.map(|both| both.to_string()))
}

/// Ends the profile's agent.
pub(super) fn lock(context: &Context) -> Result {
    let Some(agent) = Client::find(&context.agent_place())? else {
        return Ok(Answer::line(json!({ "locked": false }), "no agent runs"));
    };
    agent.lock()?;
    let wallet = &agent.about().wallet;
    let data = json!({ "locked": true, "wallet": wallet });
    Ok(Answer::line(
        data,
        format!("the agent of {wallet} has ended"),
    ))
}

/// The profile's chain and contracts.
async fn scope(context: &Context) -> Result<Scope> {
    let chain_id = match context.settings.chain_id()? {
        Some(id) => id,
        None => context.chain().await?.id(),
    };
    let known = context.settings.profile().securities.iter();
    let securities = known.map(|security| Known {
        token: security.token,
        symbol: security.symbol.clone(),
        decimals: security.decimals,
    });
    Ok(Scope {
        chain_id,
        settlement: context.settlement().ok(),
        coin: context.coin().ok(),
        securities: securities.collect(),
    })
}
