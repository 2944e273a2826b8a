//! What surrounds every page: whose board it is, the chain and its lag, the wallet; the log, its last anchor.

use book::log::staff::Role;
use book::market::amount::short_address;
use jiff::{SignedDuration, Timestamp};

use super::assets;
use super::time::{Moment, ago};
use super::words::count;
use crate::app::App;
use crate::caller::{Caller, Part};
use crate::problem::Problem;
use crate::refusal;
use crate::route::WHOLE_BOOK;

/// The age after which our view of the chain counts as late.
const LATE: SignedDuration = SignedDuration::from_secs(30);

/// Where the reader is, so that the link to it is marked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Here {
    /// A page that no link of the header leads to.
    Elsewhere,
    Welcome,
    Market,
    Orders,
    Queue,
    Blotter,
    Reports,
    People,
    Log,
    Status,
}

/// A link of the header.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) href: &'static str,
    pub(crate) words: &'static str,
    pub(crate) here: bool,
}

/// The reader.
#[derive(Debug)]
pub(crate) struct Reader {
    pub(crate) wallet: String,
    pub(crate) short: String,
    /// The person's name if the wallet belongs to the staff.
    pub(crate) name: Option<String>,
    /// The roles, in words.
    pub(crate) roles: String,
}

/// The newest block that the book knows of.
#[derive(Debug)]
pub(crate) struct Synced {
    pub(crate) block: String,
    pub(crate) read_at: Moment,
    pub(crate) ago: String,
    /// Whether that is too long ago for the figures to count as current.
    pub(crate) late: bool,
}

/// When the last anchor was recorded.
#[derive(Debug)]
pub(crate) struct Anchored {
    pub(crate) at: Moment,
    pub(crate) ago: String,
}

/// The state of the log.
#[derive(Debug)]
pub(crate) struct LogFacts {
    pub(crate) size: String,
    pub(crate) anchored: Option<Anchored>,
}

/// What surrounds a page.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) title: String,
    pub(crate) broker_dealer: String,
    pub(crate) crd: u64,
    pub(crate) chain: String,
    pub(crate) chain_id: u64,
    pub(crate) contract: String,
    pub(crate) links: Vec<Link>,
    pub(crate) reader: Option<Reader>,
    pub(crate) synced: Option<Synced>,
    pub(crate) log: Option<LogFacts>,
    /// The version of the terms in force.
    pub(crate) terms: Option<String>,
    pub(crate) now: Moment,
    pub(crate) script: String,
    pub(crate) style: String,
    pub(crate) icon: String,
}

/// The usual name of a chain.
pub(crate) fn chain_name(id: u64) -> String {
    match id {
        42_161 => "Arbitrum One".to_owned(),
        421_614 => "Arbitrum Sepolia".to_owned(),
        412_346 => "Nitro dev chain".to_owned(),
        other => format!("Chain {other}"),
    }
}

/// The desk pages that a person on the staff may see.
fn desk_links(caller: &Caller, here: Here) -> Vec<Link> {
    let role = |role| caller.is_any(&[Part::Staff(role)]);
    let records = role(Role::RecordsOfficer);
    let sees_book = caller.is_any(WHOLE_BOOK);
    let reads = records || role(Role::Principal);
    [
        (
            "/desk",
            "Queue",
            Here::Queue,
            sees_book || role(Role::Operator),
        ),
        ("/market", "Market", Here::Market, sees_book),
        ("/desk/blotter", "Blotter", Here::Blotter, reads),
        ("/desk/reports", "Reports", Here::Reports, reads),
        (
            "/desk/people",
            "People",
            Here::People,
            records || role(Role::Admin),
        ),
    ]
    .into_iter()
    .filter(|(_, _, _, is_shown)| *is_shown)
    .map(|(href, words, place, _)| Link {
        href,
        words,
        here: here == place,
    })
    .collect()
}

fn links(caller: Option<&Caller>, here: Here) -> Vec<Link> {
    let link = |href, words, place| Link {
        href,
        words,
        here: here == place,
    };
    let own = match caller {
        None => vec![link("/", "Welcome", Here::Welcome)],
        Some(caller) if caller.is_investor() => vec![
            link("/market", "Market", Here::Market),
            link("/orders", "My orders", Here::Orders),
        ],
        Some(caller) => desk_links(caller, here),
    };
    let public = [
        link("/log", "Log", Here::Log),
        link("/status", "Status", Here::Status),
    ];
    own.into_iter().chain(public).collect()
}

fn reader(caller: &Caller) -> Reader {
    let words: Vec<String> = caller
        .parts
        .iter()
        .map(|part| match part {
            Part::Investor => "investor".to_owned(),
            Part::Staff(role) => role.as_str().replace('_', " "),
        })
        .collect();
    Reader {
        wallet: caller.wallet.to_string(),
        short: short_address(caller.wallet),
        name: caller.person.clone(),
        roles: words.join(", "),
    }
}

/// The newest block that the book knows of and when it was looked at: by the watcher of the chain, else by whoever last
/// read it.
async fn newest(app: &App) -> Result<Option<(u64, Timestamp)>, Problem> {
    if let Some(watched) = app.board.watched().await.map_err(refusal::board)? {
        return Ok(Some((watched.latest, watched.looked_at)));
    }
    let synced = app.board.synced().await.map_err(refusal::board)?;
    Ok(synced.map(|(time, synced)| (synced.block, time)))
}

impl Frame {
    /// Without anything that must be read from the book.
    pub(crate) fn bare(app: &App, title: &str) -> Self {
        let book = app.board.identity();
        Self {
            title: title.to_owned(),
            broker_dealer: book.broker_dealer.clone(),
            crd: book.crd,
            chain: chain_name(book.chain_id),
            chain_id: book.chain_id,
            contract: book.contract.to_string(),
            links: links(None, Here::Elsewhere),
            reader: None,
            synced: None,
            log: None,
            terms: app.house.terms.as_ref().map(|terms| terms.version.clone()),
            now: Moment::of(app.now()),
            script: assets::path("board.js"),
            style: assets::path("board.css"),
            icon: assets::path("icon.svg"),
        }
    }

    /// The frame of a caller's page.
    ///
    /// # Errors
    /// 503.
    pub(crate) async fn of(
        app: &App,
        caller: Option<&Caller>,
        here: Here,
        title: &str,
    ) -> Result<Self, Problem> {
        let now = app.now();
        let head = app.board.head().await.map_err(refusal::board)?;
        let anchored = app.board.last_anchored().await.map_err(refusal::board)?;
        let seen = newest(app).await?;
        Ok(Self {
            links: links(caller, here),
            reader: caller.map(reader),
            synced: seen.map(|(block, time)| Synced {
                block: count(block),
                read_at: Moment::of(time),
                ago: ago(time, now),
                late: now.duration_since(time) > LATE,
            }),
            log: Some(LogFacts {
                size: count(head.size),
                anchored: anchored.map(|(time, _)| Anchored {
                    at: Moment::of(time),
                    ago: ago(time, now),
                }),
            }),
            ..Self::bare(app, title)
        })
    }
}
