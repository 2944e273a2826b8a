//! `distribution plan`: who gets what, into a file.

use std::fs::OpenOptions;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use alloy::primitives::{Address, B256, U256};
use book::market::amount::{COIN_DECIMALS, date, time};
use book::market::count::counted;
use book::market::literal::decimal;
use book::market::literal::time::{self as literal_time, Moment};
use clap::Args;
use desk::chain::Target;
use desk::distribution::plan::{Plan, Stage, Terms};
use desk::distribution::record::When;
use desk::distribution::shares::{Basis, WHOLE, Withholding};
use desk::document;
use serde_json::json;

use super::{DISTRIBUTOR, held};
use crate::commands::context::Context;
use crate::commands::failure::{Failure, Result};
use crate::commands::propose::safe_of;
use crate::config::Security;
use crate::render::{Answer, Block, Cell};

/// Work out who gets what, from who held the security at a block, and write it to a file
///
/// Every wallet with a holding counts, and tokens held for a trade count for their owner until they move. Each wallet's
/// amount is rounded down to a base unit of the coin; the total is the sum of these amounts. Nothing is sent.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  orderbook distribution plan HRBR --record 2026-09-30 --amount 1.25-per-token --out dividend.json\n  orderbook distribution plan HRBR --record now --amount 50_000 --withhold rates.csv --out dividend.json\n\nA file of rates has one line per country, such as `276,26.375%`: its ISO 3166-1 number, and how much of the gross\namount is withheld. The record block must be final."
)]
pub(in crate::commands) struct Make {
    /// The security
    security: String,
    /// The record date: `now`, a block number, or a day or instant, which means the last block not after it
    #[arg(long, value_name = "WHEN", value_parser = when)]
    record: When,
    /// What is distributed: `1.25-per-token`, or a total in dollars
    #[arg(long, value_name = "AMOUNT")]
    amount: String,
    /// File of withholding rates by country
    #[arg(long, value_name = "FILE")]
    withhold: Option<PathBuf>,
    /// The notice of the distribution: its SHA-256 goes on chain
    #[arg(long, value_name = "FILE")]
    document: Option<PathBuf>,
    /// Until when a share may be claimed: a day, an instant, or a duration from the record date; 180 days to 10 years from now
    #[arg(long, value_name = "TIME", default_value = "365d")]
    claim_until: Moment,
    /// Who funds it: a wallet, an address, or a Safe of the profile [default: the distributor's wallet]
    #[arg(long, value_name = "ACCOUNT")]
    funder: Option<String>,
    /// Where to write the distribution
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// Reads `now`, a block's number, or a time.
fn when(text: &str) -> std::result::Result<When, String> {
    if text == "now" {
        return Ok(When::Now);
    }
    if !text.is_empty() && text.chars().all(|c| c.is_ascii_digit()) {
        let number = decimal::whole(text).map_err(|e| e.to_string())?;
        return Ok(When::Block(number));
    }
    let seconds = literal_time::instant(text).map_err(|e| e.to_string())?;
    Ok(When::Time(seconds))
}

impl Make {
    pub(super) async fn run(self, context: &Context) -> Result {
        let security = context.security(&self.security)?;
        let basis = Basis::parse(&self.amount, COIN_DECIMALS).map_err(Failure::usage)?;
        let withholding = match &self.withhold {
            Some(path) => rates(path)?,
            None => Withholding::new(),
        };
        let document_hash = match &self.document {
            Some(path) => hash(path)?,
            None => B256::ZERO,
        };
        let target = context.distribution_target()?;
        let ground = context.ground().await?;
        let chain = ground.contract(target.clone()).await?.chain().clone();
        ground.contract(Target::from(&security)).await?;
        let record = self.record.find(&chain).await?;
        let held = held(context, &security, &record).await?;
        let stage = Stage {
            chain_id: chain.id(),
            distribution: target.address(),
            coin: context.coin()?,
            funder: self.funder(context)?,
            security: security.token,
            symbol: security.symbol.clone(),
            decimals: security.decimals,
        };
        let terms = Terms {
            basis,
            words: self.amount.clone(),
            withholding,
            document_hash,
            claim_until: self
                .claim_until
                .after(record.time)
                .map_err(Failure::usage)?,
        };
        let plan = Plan::of(stage, record, &held, terms)?;
        // Checked again: if the chain was reorganised, the logs would be another chain's.
        record.check(&chain).await?;
        save(&plan, &self.out)?;
        Ok(answer(&plan, &security, &self.out))
    }
}

impl Make {
    fn funder(&self, context: &Context) -> Result<Address> {
        let name = match &self.funder {
            Some(name) => name.clone(),
            None => context.wallet_of(DISTRIBUTOR)?,
        };
        if context.settings.profile().safes.contains_key(&name) {
            return safe_of(context, &name);
        }
        context.account(&name)
    }
}

/// Writes the file; an existing one with the same contents is fine, any other is refused.
fn save(plan: &Plan, path: &Path) -> Result<()> {
    let failed = |e: std::io::Error| Failure::other(format!("{}: {e}", path.display()));
    let mut text = Vec::new();
    plan.write(&mut text)?;
    let mut options = OpenOptions::new();
    let file = match options.write(true).create_new(true).open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {
            if std::fs::read(path).map_err(failed)? == text {
                return Ok(());
            }
            let words = format!("{} already exists with different contents", path.display());
            return Err(Failure::refused("FILE_EXISTS", words).hint(
                "it may belong to a distribution that was opened: name another file with --out",
            ));
        }
        Err(e) => return Err(failed(e)),
    };
    let mut file = BufWriter::new(file);
    file.write_all(&text).map_err(failed)?;
    let file = file.into_inner().map_err(|e| failed(e.into_error()))?;
    file.sync_all().map_err(failed)
}

/// Reads what is withheld: `country,percent` on each line, `#` starts a comment.
fn rates(path: &Path) -> Result<Withholding> {
    let text = std::fs::read_to_string(path)
        .map_err(|e| Failure::usage(format!("{}: {e}", path.display())))?;
    let (mut rates, mut bad) = (Withholding::new(), Vec::new());
    for (line, row) in (1..).zip(text.lines()) {
        let row = row.split('#').next().unwrap_or_default().trim();
        if row.is_empty() {
            continue;
        }
        match rate(row) {
            Ok((country, millionths)) => {
                if rates.insert(country, millionths).is_some() {
                    bad.push(format!("line {line}: country {country} appears twice"));
                }
            }
            Err(why) => bad.push(format!("line {line}: {why}")),
        }
    }
    if bad.is_empty() {
        Ok(rates)
    } else {
        Err(desk::DeskError::Rows(bad).into())
    }
}

/// Country and millionths of a line.
fn rate(row: &str) -> std::result::Result<(u16, u32), String> {
    let wanted = || format!("'{row}' is not of the form `276,26.375%`");
    let (country, percent) = row.split_once(',').ok_or_else(wanted)?;
    let country: u16 = decimal::whole(country.trim()).map_err(|e| e.to_string())?;
    if !(1..=999).contains(&country) {
        return Err(format!("{country} is not an ISO 3166-1 country number"));
    }
    let percent = percent.trim().strip_suffix('%').ok_or_else(wanted)?;
    // Four decimals of a percentage are millionths.
    let millionths = decimal::amount(percent, 4).map_err(|e| e.to_string())?;
    match u32::try_from(millionths) {
        Ok(millionths) if millionths <= WHOLE => Ok((country, millionths)),
        _ => Err(format!("{percent}% is more than 100%")),
    }
}

fn hash(path: &Path) -> Result<B256> {
    let failed = |e: std::io::Error| Failure::usage(format!("{}: {e}", path.display()));
    document::hash(std::fs::File::open(path).map_err(failed)?).map_err(failed)
}

fn answer(plan: &Plan, security: &Security, out: &Path) -> Answer {
    let paid = plan.paid().count();
    let (gross, withheld) = plan.sums(COIN_DECIMALS);
    let data = json!({
        "file": out,
        "id": plan.id,
        "security": security.symbol,
        "record": plan.record,
        "basis": plan.basis,
        "supply": plan.supply.to_string(),
        "holders": plan.shares.len(),
        "paid": paid,
        "gross": gross,
        "withheld": withheld,
        "total": plan.total.to_string(),
        "root": plan.root,
        "document_hash": plan.document_hash,
        "claim_until": plan.claim_until,
        "funder": plan.stage.funder,
    });
    let record = format!(
        "block {}, {}, {}",
        plan.record.block,
        time(plan.record.time),
        plan.record.hash
    );
    let pairs = vec![
        ("security".to_string(), security.symbol.clone().into()),
        ("record".into(), record.into()),
        ("amount".into(), plan.basis.clone().into()),
        ("holders".into(), plan.shares.len().into()),
        ("of whom paid".into(), paid.into()),
        ("gross, dollars".into(), gross.into()),
        ("withheld, dollars".into(), withheld.into()),
        (
            "total, dollars".into(),
            Cell::units(plan.total, COIN_DECIMALS),
        ),
        ("funded by".into(), plan.stage.funder.into()),
        (
            "claims accepted until".into(),
            date(plan.claim_until).into(),
        ),
        ("root".into(), plan.root.into()),
        ("id".into(), plan.id.into()),
        ("file".into(), out.display().into()),
    ];
    let answer = Answer::new(data).with(Block::Pairs(pairs));
    match plan.shares.len() - paid {
        0 => answer,
        count => answer.warn(format!(
            "nothing for {}: the amounts are less than {} dollars, or withheld",
            counted(count, "holder"),
            book::market::amount::plain(U256::from(1), COIN_DECIMALS)
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_date_is_now_a_block_or_a_time() {
        assert_eq!(when("now"), Ok(When::Now));
        assert_eq!(when("4711"), Ok(When::Block(4_711)));
        let time = literal_time::instant("2026-09-30").unwrap();
        assert_eq!(when("2026-09-30"), Ok(When::Time(time)));
        assert!(when("yesterday").is_err());
        assert!(when("").is_err());
    }

    #[test]
    fn a_rate_is_a_country_and_a_percentage() {
        assert_eq!(rate("276,26.375%"), Ok((276, 263_750)));
        assert_eq!(rate(" 840 , 0% "), Ok((840, 0)));
        assert_eq!(rate("392,100%"), Ok((392, WHOLE)));
        for bad in [
            "276",
            "276,26.375",
            "276,100.0001%",
            "0,1%",
            "1000,1%",
            "DE,1%",
            "276,-1%",
        ] {
            assert!(rate(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn every_bad_line_of_a_file_of_rates_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rates.csv");
        std::fs::write(&path, "# rates\n276,26.375%\n\n276,15% # again\nx,1%\n").unwrap();
        let failure = rates(&path).unwrap_err();
        assert_eq!(failure.faults.len(), 2, "{failure:?}");
        std::fs::write(&path, "276,26.375%\n392,15%\n").unwrap();
        assert_eq!(rates(&path).unwrap().len(), 2);
    }
}
