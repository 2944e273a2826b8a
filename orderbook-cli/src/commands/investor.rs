//! `investor import, list`.

use std::fs::File;
use std::path::{Path, PathBuf};

use book::market::investor::Investor as Person;
use clap::Subcommand;
use desk::cap_table::{self, investor_code};
use desk::directory;
use serde_json::{Value, json};

use super::context::Context;
use super::failure::{Failure, Result};
use crate::render::{Answer, Block, Cell, Table, Tone};

/// Decimal places of holdings that are read and not used here: as many as a security may have.
const HOLDINGS: u8 = 18;

/// Keep the directory of investors: who owns which accounts and wallets
#[derive(Debug, Subcommand)]
pub(super) enum Investor {
    /// Import names, accounts and wallets from a cap table (CSV); what the directory already has is kept
    #[command(
        after_help = "Examples:\n  orderbook investor import examples/cap-table.csv --plan\n  orderbook investor import examples/cap-table.csv\n\nThe columns are those of `token register`. From then on, an order is refused if its account is not its\nowner's. The directory is kept beside the log, not in it: names are personal data."
    )]
    Import {
        /// The cap table
        file: PathBuf,
        /// Show what would change and write nothing
        #[arg(long)]
        plan: bool,
    },
    /// List investors with their accounts and wallets
    #[command(after_help = "Example: orderbook investor list")]
    List,
}

impl Investor {
    pub(super) async fn run(self, context: &Context) -> Result {
        match self {
            Self::Import { file, plan } => import(context, &file, plan).await,
            Self::List => {
                let directory = context.board().await?.directory().await?;
                let all: Vec<_> = directory.investors().collect();
                let data = Value::Array(all.iter().map(of).collect());
                Ok(Answer::new(data).with(Block::Table(table(&all))))
            }
        }
    }
}

async fn import(context: &Context, path: &Path, only_plan: bool) -> Result {
    let file = File::open(path).map_err(|e| Failure::usage(format!("{}: {e}", path.display())))?;
    let sheet = cap_table::read(file, HOLDINGS, &context.addresses()?)?;
    context.tell(&sheet.assumed);
    let holders = sheet.rows;
    let listed = directory::of_cap_table(&holders)?;
    let board = context.board().await?;
    let plan = directory::plan(&board.directory().await?, &listed)?;
    let writes: Vec<Person> = plan.writes().cloned().collect();
    if !only_plan && !writes.is_empty() {
        board.add_investors(&writes).await?;
    }
    let (new, changed) = (plan.new.len(), plan.changed.len());
    let words = match (writes.is_empty(), only_plan) {
        (true, _) => format!(
            "nothing to do: {} investors already match the file",
            plan.same
        ),
        (false, true) => format!(
            "{new} new, {changed} changed, {} the same: nothing was written",
            plan.same
        ),
        (false, false) => format!("{new} new, {changed} changed, {} the same", plan.same),
    };
    let data = json!({
        "new": plan.new.iter().map(of).collect::<Vec<_>>(),
        "changed": plan.changed.iter().map(of).collect::<Vec<_>>(),
        "same": plan.same,
        "written": !only_plan && !writes.is_empty(),
    });
    let answer = Answer::line(data, words);
    Ok(if writes.is_empty() {
        answer
    } else {
        answer.with(Block::Table(table(&writes)))
    })
}

fn table(investors: &[Person]) -> Table {
    let mut table = Table::new(&["investor", "id", "accounts", "wallet"]);
    for investor in investors {
        let accounts: Vec<_> = investor.accounts.iter().map(String::as_str).collect();
        for (number, wallet) in investor.wallets.iter().enumerate() {
            let first = |text: String| if number == 0 { text } else { String::new() };
            table.row([
                Cell::new(first(investor.name.clone()), Tone::Strong),
                first(investor_code(investor.id)).into(),
                first(accounts.join(", ")).into(),
                (*wallet).into(),
            ]);
        }
    }
    table
}

fn of(investor: &Person) -> Value {
    json!({
        "id": investor_code(investor.id),
        "name": investor.name,
        "accounts": investor.accounts,
        "wallets": investor.wallets,
    })
}
