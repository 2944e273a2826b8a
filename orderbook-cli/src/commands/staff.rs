//! `staff list, admin, add, grant, revoke, add-wallet, end-wallet, suspend, restore, demand, countersign`.

use std::path::{Path, PathBuf};

use alloy::primitives::B256;
use book::board::Board;
use book::log::By;
use book::log::act::{Act, Signed, Told};
use book::log::staff::{Role, Roster, StaffChange, StaffChanged, subject};
use book::market::literal::decimal;
use book::market::unique;
use clap::{Args, Subcommand};
use desk::signing::signer::Signer;
use desk::staff;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::context::Context;
use super::failure::{Failure, Result};
use crate::render::{Answer, Block, Cell, Table, Tone};

/// Persons of the desk: their roles, and the wallets with which they sign what they do
#[derive(Debug, Subcommand)]
pub(super) enum Staff {
    /// List everybody with roles and wallets
    #[command(after_help = "Example: orderbook staff list")]
    List,
    /// Name the first admin person, signed by the settlement contract's default admin
    #[command(
        after_help = "Example: orderbook staff admin 'Alma Reyes' --key alma --wallet deployer"
    )]
    Admin(Person),
    /// Add a person, signed by an admin person
    #[command(
        after_help = "Example: orderbook staff add 'Tina Falk' --crd 7311022 --role trader --key tina --wallet alma"
    )]
    Add {
        #[command(flatten)]
        person: Person,
        /// trader, principal, operator, records_officer or admin, several separated by commas; an admin has no other
        #[arg(long, value_delimiter = ',', required = true)]
        role: Vec<Role>,
        #[command(flatten)]
        signing: Signing,
    },
    /// Give a person a role
    #[command(
        after_help = "Example: orderbook staff grant 'Tina Falk' principal --wallet alma --second boris"
    )]
    Grant {
        /// The person
        name: String,
        /// trader, principal, operator, records_officer or admin
        role: Role,
        #[command(flatten)]
        signing: Signing,
    },
    /// Take a role from a person
    #[command(after_help = "Example: orderbook staff revoke 'Tina Falk' principal --wallet alma")]
    Revoke {
        /// The person
        name: String,
        /// trader, principal, operator, records_officer or admin
        role: Role,
        #[command(flatten)]
        signing: Signing,
    },
    /// Add a wallet to a person; it belongs to that person for ever
    #[command(
        after_help = "Example: orderbook staff add-wallet 'Tina Falk' 0x52908400098527886E0F7030069857D2E4169EE7 --wallet alma"
    )]
    AddWallet {
        /// The person
        name: String,
        /// Its address, or its name in the profile
        key: String,
        #[command(flatten)]
        signing: Signing,
    },
    /// End a wallet: from now on it cannot sign, and it can never be added again
    #[command(
        after_help = "Example: orderbook staff end-wallet 'Tina Falk' tina --wallet alma --reason 'laptop stolen'\n\nWhat it signed is listed by: orderbook audit acts --by 'Tina Falk' --since 2026-11-02T09:00:00Z"
    )]
    EndWallet {
        /// The person
        name: String,
        /// Its address, or its name in the profile
        key: String,
        #[command(flatten)]
        signing: Signing,
    },
    /// Suspend a person: none of their wallets can sign
    #[command(
        after_help = "Example: orderbook staff suspend 'Tina Falk' --wallet alma --reason 'on leave'"
    )]
    Suspend {
        /// The person
        name: String,
        #[command(flatten)]
        signing: Signing,
    },
    /// End a suspension
    #[command(after_help = "Example: orderbook staff restore 'Tina Falk' --wallet alma")]
    Restore {
        /// The person
        name: String,
        #[command(flatten)]
        signing: Signing,
    },
    /// Demand signatures on all persons' acts from now on; this cannot be undone
    #[command(after_help = "Example: orderbook staff demand --wallet alma")]
    Demand,
    /// Sign a change that another admin person has signed, and record it
    #[command(after_help = "Example: orderbook staff countersign change.json --wallet boris")]
    Countersign {
        /// What `--draft` wrote
        file: PathBuf,
    },
}

/// A new person.
#[derive(Args, Debug)]
pub(super) struct Person {
    /// The name, as it appears in the log
    name: String,
    /// The CRD number
    #[arg(long, value_name = "NUMBER", value_parser = decimal::whole::<u64>)]
    crd: Option<u64>,
    /// The person's wallet: its address, or its name in the profile
    #[arg(long, value_name = "WALLET")]
    key: String,
}

/// Who signs besides `--wallet`, and why.
#[derive(Args, Debug)]
pub(super) struct Signing {
    /// Why
    #[arg(long, default_value = "", hide_default_value = true)]
    reason: String,
    /// The wallet of a second admin person, where two are needed
    #[arg(long, value_name = "WALLET", conflicts_with = "draft")]
    second: Option<String>,
    /// Sign, record nothing, and write a file for a second admin person to countersign
    #[arg(long, value_name = "FILE")]
    draft: Option<PathBuf>,
}

/// A change on its way to a second admin person.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Draft {
    change: StaffChanged,
    reason: String,
}

impl Staff {
    pub(super) async fn run(self, context: &Context) -> Result {
        let board = context.board().await?;
        match self {
            Self::List => Ok(list(&*board.roster().await?)),
            Self::Admin(person) => admin(context, &board, person).await,
            Self::Add {
                person,
                role,
                signing,
            } => {
                let change = StaffChange::Added {
                    crd: person.crd,
                    wallet: context.account(&person.key)?,
                    person: person.name,
                    roles: role.into_iter().collect(),
                };
                record(context, &board, change, signing).await
            }
            Self::Grant {
                name: person,
                role,
                signing,
            } => {
                let change = StaffChange::RoleGranted { person, role };
                record(context, &board, change, signing).await
            }
            Self::Revoke {
                name: person,
                role,
                signing,
            } => {
                let change = StaffChange::RoleEnded { person, role };
                record(context, &board, change, signing).await
            }
            Self::AddWallet {
                name: person,
                key,
                signing,
            } => {
                let wallet = context.account(&key)?;
                let change = StaffChange::WalletAdded { person, wallet };
                record(context, &board, change, signing).await
            }
            Self::EndWallet {
                name: person,
                key,
                signing,
            } => {
                let wallet = context.account(&key)?;
                let change = StaffChange::WalletEnded { person, wallet };
                record(context, &board, change, signing).await
            }
            Self::Suspend {
                name: person,
                signing,
            } => record(context, &board, StaffChange::Suspended { person }, signing).await,
            Self::Restore {
                name: person,
                signing,
            } => record(context, &board, StaffChange::Restored { person }, signing).await,
            Self::Demand => demand(context, &board).await,
            Self::Countersign { file } => countersign(context, &board, &file).await,
        }
    }
}

fn list(roster: &Roster) -> Answer {
    let mut table = Table::new(&["person", "?CRD", "roles", "wallet", "state"]);
    let mut data = Vec::new();
    for person in roster.persons() {
        let roles: Vec<_> = person.roles().map(Role::as_str).collect();
        let suspended = person.suspended();
        let wallets: Vec<_> = roster.wallets(&person.name).collect();
        for (number, (wallet, ended)) in wallets.iter().enumerate() {
            let (state, tone) = match (ended, suspended) {
                (Some(seq), _) => (format!("ended by event {seq}"), Tone::Bad),
                (None, Some(seq)) => (format!("suspended since event {seq}"), Tone::Warn),
                (None, None) => ("active".to_owned(), Tone::Good),
            };
            let first = |text: String| if number == 0 { text } else { String::new() };
            table.row([
                Cell::new(first(person.name.clone()), Tone::Strong),
                first(person.crd.map(|crd| crd.to_string()).unwrap_or_default()).into(),
                first(roles.join(", ")).into(),
                (*wallet).into(),
                Cell::new(state, tone),
            ]);
        }
        data.push(json!({
            "person": person.name,
            "crd": person.crd,
            "roles": roles,
            "suspended_by": suspended,
            "wallets": wallets.iter().map(|(wallet, ended)| json!({ "wallet": wallet, "ended_by": ended }))
                .collect::<Vec<_>>(),
        }));
    }
    let data = json!({ "staff": data, "signing_demanded_by": roster.demanded() });
    let answer = Answer::new(data).with(Block::Table(table));
    match roster.demanded() {
        Some(seq) => answer.note(format!("signatures have been demanded since event {seq}")),
        None => answer.warn(
            "this book accepts a name without a signature: add staff, then demand signatures with orderbook staff demand",
        ),
    }
}

/// One signature of an act.
pub(super) fn sign(board: &Board, key: &Signer, told: &Told<'_>) -> Result<Signed> {
    let book = board.identity();
    let signed = staff::sign(book.chain_id, book.contract, key, told, Timestamp::now());
    Ok(signed.map_err(desk::DeskError::from)?)
}

async fn admin(context: &Context, board: &Board, person: Person) -> Result {
    let change = StaffChange::AdminNamed {
        crd: person.crd,
        wallet: context.account(&person.key)?,
        person: person.name,
    };
    let key = context.signer("admin")?;
    let (chain, settlement) = (context.chain().await?, context.settlement()?);
    staff::require_default_admin(&chain, settlement, key.address()).await?;
    recorded(board, signed_by_one(board, change, &key)?, "").await
}

/// A change without a reason that one wallet signs.
pub(super) fn signed_by_one(
    board: &Board,
    change: StaffChange,
    key: &Signer,
) -> Result<StaffChanged> {
    let id = Uuid::now_v7();
    let told = Told::about(Act::Staff, subject(&change, id), "");
    Ok(StaffChanged {
        signed: sign(board, key, &told)?,
        second: None,
        change,
        id,
    })
}

async fn record(context: &Context, board: &Board, change: StaffChange, signing: Signing) -> Result {
    let Signing {
        reason,
        second,
        draft,
    } = signing;
    let id = Uuid::now_v7();
    let told = Told::about(Act::Staff, subject(&change, id), &reason);
    let signed = sign(board, &context.signer("staff_admin")?, &told)?;
    let second = match second {
        Some(name) => Some(sign(board, &context.open(&name)?, &told)?),
        None => None,
    };
    let changed = StaffChanged {
        change,
        id,
        second,
        signed,
    };
    let Some(path) = draft else {
        return recorded(board, changed, &reason).await;
    };
    let change = changed;
    let text = format!("{:#}\n", json!(Draft { change, reason }));
    let failed = |e| Failure::other(format!("{}: {e}", path.display()));
    std::fs::write(&path, text).map_err(failed)?;
    let words = format!(
        "{}: nothing is recorded until another admin person countersigns it, within 15 minutes",
        path.display()
    );
    Ok(Answer::line(json!({ "file": path }), words))
}

async fn countersign(context: &Context, board: &Board, file: &Path) -> Result {
    let unreadable = |e: String| Failure::usage(format!("{}: {e}", file.display()));
    let text = std::fs::read_to_string(file).map_err(|e| unreadable(e.to_string()))?;
    let draft: Draft = unique::from_str(&text).map_err(|e| unreadable(e.to_string()))?;
    let Draft { mut change, reason } = draft;
    // What is signed is shown before the wallet is opened.
    let said = words(&change.change);
    super::say(Tone::Title, "to sign", &said);
    context.confirm(&said.as_str().into())?;
    let told = Told::about(Act::Staff, subject(&change.change, change.id), &reason);
    change.second = Some(sign(board, &context.signer("staff_admin")?, &told)?);
    recorded(board, change, &reason).await
}

async fn recorded(board: &Board, changed: StaffChanged, reason: &str) -> Result {
    let words = words(&changed.change);
    let event = board.change_staff(changed, reason).await?;
    let body: Value = serde_json::from_str(&event.body).unwrap_or(Value::Null);
    let data = json!({ "seq": event.seq, "person": event.subject, "signed_by": event.actor,
        "change": body["change"] });
    Ok(Answer::line(data, format!("event {}: {words}", event.seq)))
}

async fn demand(context: &Context, board: &Board) -> Result {
    context.confirm(&"demanding signatures, which cannot be undone".into())?;
    let told = Told::about(Act::Demand, B256::ZERO, "");
    let signed = sign(board, &context.signer("staff_admin")?, &told)?;
    let event = board
        .demand_signing(By::new("admin").signing(signed))
        .await?;
    let words = format!(
        "event {}: from now on the acts of persons must be signed",
        event.seq
    );
    Ok(Answer::line(
        json!({ "seq": event.seq, "signed_by": event.actor }),
        words,
    ))
}

/// A change in words.
fn words(change: &StaffChange) -> String {
    match change {
        StaffChange::AdminNamed { person, wallet, .. } => {
            format!("{person} is admin, with wallet {wallet}")
        }
        StaffChange::Added {
            person,
            roles,
            wallet,
            ..
        } => {
            let roles: Vec<_> = roles.iter().map(|role| role.as_str()).collect();
            format!(
                "{person} joins as {}, with wallet {wallet}",
                roles.join(", ")
            )
        }
        StaffChange::RoleGranted { person, role } => format!("{person} becomes {role}"),
        StaffChange::RoleEnded { person, role } => format!("{person} is no longer {role}"),
        StaffChange::WalletAdded { person, wallet } => format!("{person} also signs with {wallet}"),
        StaffChange::WalletEnded { person, wallet } => {
            format!("wallet {wallet} of {person} is ended")
        }
        StaffChange::Suspended { person } => format!("{person} is suspended"),
        StaffChange::Restored { person } => format!("{person} is back"),
    }
}
