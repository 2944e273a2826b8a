//! The smaller tables of a pack: persons and keys, access, anchors, and who owns what.

use jiff::Timestamp;

use super::folder::{Folder, Table};
use crate::board::BoardError;
use crate::board::damaged;
use crate::log::act::Signed;
use crate::log::body::{Body, BookAnchored};
use crate::log::event::{Event, EventType};
use crate::log::staff::{Role, StaffChange, StaffChanged};
use crate::market::investor::Directory;
use crate::store::engine::Link;
use crate::store::row::EventRow;
use crate::store::{query, row};

pub(super) const STAFF: [&str; 14] = [
    "seq",
    "recorded_at",
    "change",
    "person",
    "crd",
    "roles",
    "wallet",
    "signed_by",
    "signing_wallet",
    "signature",
    "second_wallet",
    "second_signature",
    "reason",
    "change_id",
];
pub(super) const ACCESS: [&str; 5] = ["seq", "recorded_at", "rows", "sha256", "closed_by"];
pub(super) const ANCHORS: [&str; 6] = ["seq", "recorded_at", "events", "root", "tx", "block"];
pub(super) const INVESTORS: [&str; 4] = ["investor", "name", "kind", "value"];

pub(super) async fn write(
    folder: &mut Folder,
    mut link: Link<'_>,
    size: u64,
    directory: &Directory,
) -> Result<(), BoardError> {
    let mut table = Table::begin(folder, "staff.csv", &STAFF)?;
    for (event, body) in decoded(query::staff_events(&mut link).await?, size)? {
        staff(&mut table, &event, &body)?;
    }
    end(folder, table)?;
    let mut table = Table::begin(folder, "access.csv", &ACCESS)?;
    for (event, body) in events(link.reborrow(), EventType::AccessClosed, size).await? {
        if let Body::AccessClosed(closed) = body {
            head(&mut table, &event)
                .number(&closed.rows)
                .shown(&closed.sha256)
                .text(&event.actor);
            table.end()?;
        }
    }
    end(folder, table)?;
    let mut table = Table::begin(folder, "anchors.csv", &ANCHORS)?;
    for (event, body) in events(link, EventType::BookAnchored, size).await? {
        if let Body::BookAnchored(anchor) = body {
            head(&mut table, &event)
                .number(&anchor.size)
                .shown(&anchor.root)
                .shown(&anchor.tx_hash)
                .number(&anchor.block);
            table.end()?;
        }
    }
    end(folder, table)?;
    investors(folder, directory)
}

fn end(folder: &mut Folder, table: Table) -> Result<(), BoardError> {
    let (file, rows) = table.into_parts();
    Ok(folder.add(file, rows)?)
}

/// The last root on chain, according to the first `size` events.
pub(super) async fn last_anchor(
    link: Link<'_>,
    size: u64,
) -> Result<Option<BookAnchored>, BoardError> {
    let anchors = events(link, EventType::BookAnchored, size).await?;
    Ok(match anchors.into_iter().next_back() {
        Some((_, Body::BookAnchored(anchor))) => Some(anchor),
        _ => None,
    })
}

/// Every event of a rare type up to event `size`.
async fn events(
    link: Link<'_>,
    kind: EventType,
    size: u64,
) -> Result<Vec<(Event, Body)>, BoardError> {
    decoded(query::events_of_type(link, kind, 0, u32::MAX).await?, size)
}

fn decoded(rows: Vec<EventRow>, size: u64) -> Result<Vec<(Event, Body)>, BoardError> {
    let within = |found: &EventRow| row::unsigned(found.0) <= size;
    let read = |found| {
        let event = row::event(found)?;
        let body = row::body(event.seq, event.kind, &event.body)?;
        Ok((event, body))
    };
    rows.into_iter().filter(within).map(read).collect()
}

fn head<'a>(table: &'a mut Table, event: &Event) -> &'a mut crate::board::spreadsheet::Line {
    let at: Timestamp = event.captured_at;
    table.line().number(&event.seq).shown(&at)
}

fn staff(table: &mut Table, event: &Event, body: &Body) -> Result<(), BoardError> {
    match body {
        Body::StaffChanged(changed) => change(table, event, changed)?,
        Body::SigningDemanded(demanded) => {
            let line = head(table, event);
            line.text("signing_demanded");
            for _ in 0..4 {
                line.text("");
            }
            line.maybe(demanded.signed.as_ref().map(|_| &event.actor));
            signature(line, demanded.signed.as_ref());
            signature(line, None);
            line.text(&event.reason).text("");
        }
        _ => return Err(damaged(event.seq, "it is not a staff event")),
    }
    Ok(table.end()?)
}

fn change(table: &mut Table, event: &Event, changed: &StaffChanged) -> Result<(), BoardError> {
    let (crd, wallet) = match &changed.change {
        StaffChange::AdminNamed { crd, wallet, .. } | StaffChange::Added { crd, wallet, .. } => {
            (crd.as_ref(), Some(wallet))
        }
        StaffChange::WalletAdded { wallet, .. } | StaffChange::WalletEnded { wallet, .. } => {
            (None, Some(wallet))
        }
        _ => (None, None),
    };
    let roles: Vec<&str> = match &changed.change {
        StaffChange::AdminNamed { .. } => vec![Role::Admin.as_str()],
        StaffChange::Added { roles, .. } => roles.iter().map(|role| role.as_str()).collect(),
        StaffChange::RoleGranted { role, .. } | StaffChange::RoleEnded { role, .. } => {
            vec![role.as_str()]
        }
        _ => Vec::new(),
    };
    let what = serde_json::to_value(&changed.change)
        .map_err(|error| damaged(event.seq, error.to_string()))?;
    let line = head(table, event);
    line.text(what["what"].as_str().unwrap_or_default())
        .text(changed.change.person())
        .maybe(crd)
        .text(&roles.join(" "))
        .maybe(wallet)
        .text(&event.actor);
    signature(line, Some(&changed.signed));
    signature(line, changed.second.as_ref());
    line.text(&event.reason).shown(&changed.id);
    Ok(())
}

fn signature(line: &mut crate::board::spreadsheet::Line, signed: Option<&Signed>) {
    line.maybe(signed.map(|signed| &signed.wallet))
        .maybe(signed.map(|signed| &signed.signature));
}

fn investors(folder: &mut Folder, directory: &Directory) -> Result<(), BoardError> {
    let mut table = Table::begin(folder, "investors.csv", &INVESTORS)?;
    let accounts = directory
        .accounts()
        .map(|(account, id, name)| ("account", account.to_owned(), id, name));
    let wallets = directory
        .wallets()
        .map(|(wallet, id, name)| ("wallet", wallet.to_string(), id, name));
    for (kind, value, id, name) in accounts.chain(wallets) {
        table.line().shown(&id).text(name).text(kind).text(&value);
        table.end()?;
    }
    end(folder, table)
}
