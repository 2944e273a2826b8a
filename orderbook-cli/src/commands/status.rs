//! `status`: one screen of what waits for whom and what ends soon, with an exit code for monitors.

use alloy::primitives::Address;
use book::board::Board;
use book::board::standing::Standing;
use clap::Args;
use desk::chain::Chain;
use desk::chain::abi::{IDvPSettlement, ISecurityToken, ITsUSDC};
use desk::chain::program::is_cached;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::context::{Context, EMBEDDED};
use super::failure::{Exit, Failure, Fault, Result};
use super::programs;
use super::status_lines::{
    self as lines, Kyc, Level, Line, Running, of_attestation, of_head, of_kyc, of_pauses,
    of_programs,
};
use crate::render::{Answer, Block, Cell, Table, Tone};

/// Orders that expire within this many seconds are ending.
const ENDING: u32 = 7 * 86_400;

/// A KYC record that ends within this many seconds is ending.
const KYC: u64 = 30 * 86_400;

/// Wallets whose KYC is looked at.
const WALLETS: usize = 1_000;

/// Show on one screen what is waiting for whom, what ends soon and how far the chain is
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  orderbook status\n  orderbook status --json      every figure, for a monitor\n\nExits with 0 when nothing is due, with 1 (DUE) when something is late or about to end, with 5 when the node or the\ndatabase does not answer; what the book alone says is still shown. A line marked 'look' is waiting for somebody and is\nnot late yet."
)]
pub(super) struct Status {
    /// Do not ask the chain: show the book alone
    #[arg(long)]
    offline: bool,
}

impl Status {
    pub(super) async fn run(self, context: &Context) -> Result {
        let chain = async {
            if self.offline {
                None
            } else {
                Some(context.chain().await)
            }
        };
        // Both at once: either may take seconds to fail.
        let (board, chain) = tokio::join!(context.board_if_any(), chain);
        let mut failed = Vec::new();
        let (mut known, mut standing) = (None, None);
        match board {
            Ok(Some(board)) => {
                standing = Some(board.standing(ENDING).await?);
                known = Some(board);
            }
            Ok(None) => {}
            Err(failure) => failed.push(("book", failure)),
        }
        let mut found = standing.as_ref().map(lines::of_book).unwrap_or_default();
        let flights = context.journal().flights()?.into_iter();
        let signed: Vec<_> = flights.map(|flight| (flight.at, flight.what)).collect();
        found.push(lines::of_journal(Timestamp::now(), &signed));
        match chain {
            Some(Ok(chain)) => {
                let mut asked = Asked {
                    context,
                    chain: &chain,
                    found: &mut found,
                    failed: &mut failed,
                };
                asked.all(known.as_ref(), standing.as_ref()).await;
            }
            Some(Err(failure)) => failed.push(("chain", failure)),
            None => {}
        }
        report(&found, failed, standing.as_ref())
    }
}

/// What is asked of the chain, each part by itself: if one fails the others are still shown.
struct Asked<'a> {
    context: &'a Context,
    chain: &'a Chain,
    found: &'a mut Vec<Line>,
    failed: &'a mut Vec<(&'static str, Failure)>,
}

impl Asked<'_> {
    async fn all(&mut self, board: Option<&Board>, standing: Option<&Standing>) {
        let head = match self.chain.head().await {
            Ok(head) => head,
            Err(error) => return self.failed.push(("chain", error.into())),
        };
        let now = u64::try_from(Timestamp::now().as_second()).unwrap_or_default();
        let alone = self.chain.id() == EMBEDDED;
        self.found.extend(of_head(head, now, alone, standing));
        let pauses = self.pauses().await;
        self.add("trading", pauses.map(|line| vec![line]));
        let attestation = self.attestation(head.time).await;
        self.add("attestation", attestation.map(|line| vec![line]));
        let programs = self.programs().await;
        self.add("programs", programs.map(Vec::from));
        if let Some(board) = board {
            let kyc = self.kyc(board, head.time).await;
            self.add("kyc", kyc.map(|line| vec![line]));
        }
    }

    fn add(&mut self, what: &'static str, lines: Result<Vec<Line>>) {
        match lines {
            Ok(lines) => self.found.extend(lines),
            Err(failure) => self.failed.push((what, failure)),
        }
    }

    async fn attestation(&self, now: u64) -> Result<Line> {
        let coin = self.context.coin()?;
        let reserves = self.chain.view(coin, ITsUSDC::reservesCall {}).await?;
        Ok(of_attestation(reserves.asOf, reserves.maxAge, now))
    }

    async fn programs(&self) -> Result<[Line; 2]> {
        let mut running = Vec::new();
        for program in programs::all_on(self.context, self.chain).await? {
            running.push(Running {
                cached: is_cached(self.chain, program.address).await?,
                name: program.name,
                life: program.life,
            });
        }
        Ok(of_programs(&running))
    }

    async fn pauses(&self) -> Result<Line> {
        let mut paused = Vec::new();
        let settlement = self.context.settlement()?;
        let call = IDvPSettlement::pausedCall {};
        if self.chain.view(settlement, call).await? {
            paused.push("settlement".to_owned());
        }
        let coin = self.context.coin()?;
        if self.chain.view(coin, ITsUSDC::pausedCall {}).await? {
            paused.push("coin".to_owned());
        }
        for security in &self.context.settings.profile().securities {
            let call = ISecurityToken::pausedCall {};
            if self.chain.view(security.token, call).await? {
                paused.push(security.symbol.clone());
            }
        }
        Ok(of_pauses(&paused))
    }

    /// The KYC of the directory's wallets, the first of them where they are many.
    async fn kyc(&self, board: &Board, now: u64) -> Result<Line> {
        let directory = board.directory().await?;
        let wallets: Vec<Address> = directory.wallets().map(|(wallet, ..)| wallet).collect();
        let looked = &wallets[..wallets.len().min(WALLETS)];
        let mut ending = Vec::new();
        for security in &self.context.settings.profile().securities {
            let calls: Vec<_> = looked
                .iter()
                .map(|wallet| {
                    let wallet = *wallet;
                    (security.token, ISecurityToken::walletRecordCall { wallet })
                })
                .collect();
            let records = self.chain.views(&calls).await?;
            for (wallet, record) in looked.iter().zip(records) {
                if !record.investorId.is_zero() && record.kycExpiry <= now.saturating_add(KYC) {
                    ending.push(Kyc {
                        name: directory.name_of(*wallet).unwrap_or_default().to_owned(),
                        security: security.symbol.clone(),
                        ends: record.kycExpiry,
                    });
                }
            }
        }
        Ok(of_kyc(&ending, now, looked.len(), wallets.len()))
    }
}

fn report(
    found: &[Line],
    failed: Vec<(&'static str, Failure)>,
    standing: Option<&Standing>,
) -> Result {
    let mut table = Table::new(&["what", "state", "found", "??waits for", "?to do"]);
    let mut items = Vec::with_capacity(found.len() + failed.len());
    for line in found {
        let tone = match line.level {
            Level::Fine => Tone::Good,
            Level::Look => Tone::Warn,
            Level::Due => Tone::Bad,
        };
        table.row([
            line.what.into(),
            Cell::new(line.level.word(), tone),
            line.found.clone().into(),
            line.who.into(),
            line.remedy.clone().into(),
        ]);
        items.push(
            json!({ "what": line.what, "state": line.level.word(), "found": line.found,
            "waits_for": line.who, "remedy": line.remedy, "figures": line.data }),
        );
    }
    for (what, failure) in &failed {
        table.row([
            (*what).into(),
            Cell::new(Level::Due.word(), Tone::Bad),
            failure.message.clone().into(),
            "operator".into(),
            failure.hint.clone().unwrap_or_default().into(),
        ]);
        items.push(
            json!({ "what": what, "state": Level::Due.word(), "found": failure.message,
            "waits_for": "operator", "remedy": failure.hint, "figures": null }),
        );
    }
    let data =
        json!({ "as_of": standing.map(|standing| standing.as_of), "lines": Value::Array(items) });
    finish(Answer::new(data).with(Block::Table(table)), found, failed)
}

/// A failure takes precedence over what is due.
fn finish(answer: Answer, found: &[Line], failed: Vec<(&'static str, Failure)>) -> Result {
    let due: Vec<_> = found
        .iter()
        .filter(|line| line.level == Level::Due)
        .collect();
    let count = due.len() + failed.len();
    if count == 0 {
        return Ok(answer);
    }
    let words = match count {
        1 => "1 line is due".to_owned(),
        count => format!("{count} lines are due"),
    };
    let failure = match failed.iter().max_by_key(|(_, failure)| failure.exit as u8) {
        Some((_, worst)) => Failure::new(worst.exit, &worst.code, words),
        None => Failure::new(Exit::Failed, "DUE", words),
    };
    let due = due.into_iter().map(|line| Fault {
        code: "DUE".into(),
        message: format!("{}: {}", line.what, line.found),
        hint: Some(line.remedy.clone()).filter(|remedy| !remedy.is_empty()),
    });
    let failed = failed.into_iter().map(|(_, failure)| Fault::from(failure));
    Err(failure.faults(failed.chain(due)).showing(answer))
}
