//! The staff: who may do what and who granted it; and who looked at whose orders.

use std::collections::HashMap;

use alloy::primitives::Address;
use askama::Template;
use axum::http::StatusCode;
use book::board::access::Access;
use book::log::event::Event;
use book::log::staff::{Person, Role, Roster, StaffChange, StaffChanged, key};
use book::market::amount::short_address;
use book::market::investor::Directory;

use super::frame::{Frame, Here};
use super::html;
use super::time::Moment;
use super::words::count;
use crate::caller::Part;
use crate::problem::Problem;
use crate::route::{Call, Reply};
use crate::{query, refusal};

/// Rows of the access log on one page.
const ROWS: u32 = 100;
/// Customers named in one row.
const NAMED: usize = 6;

/// A role and who granted it.
struct Granted {
    role: String,
    by: String,
    at: Moment,
    seq: String,
}

/// A wallet of a person.
struct Purse {
    wallet: String,
    short: String,
    /// The event that ended it.
    ended: Option<String>,
}

struct Member {
    name: String,
    crd: Option<u64>,
    roles: Vec<Granted>,
    wallets: Vec<Purse>,
    /// The event that suspended the person.
    suspended: Option<String>,
}

/// A change of the staff.
struct Change {
    words: String,
    by: String,
    second: bool,
    at: Moment,
    seq: String,
}

/// An access to customers' orders.
struct Look {
    number: String,
    person: String,
    what: String,
    customers: String,
    at: Moment,
}

#[derive(Template)]
#[template(path = "people.html")]
struct People {
    frame: Frame,
    members: Vec<Member>,
    changes: Vec<Change>,
    demanded: Option<String>,
    /// Nothing for a reader who may not see it.
    looks: Option<Vec<Look>>,
    next: Option<String>,
    is_first: bool,
}

fn role_words(role: Role) -> String {
    role.as_str().replace('_', " ")
}

/// Who granted which role, by person and role: the last grant counts.
fn grants(changes: &[(Event, StaffChanged)]) -> HashMap<(String, Role), &Event> {
    let mut grants = HashMap::new();
    for (event, changed) in changes {
        let person = key(changed.change.person());
        match &changed.change {
            StaffChange::AdminNamed { .. } => {
                grants.insert((person, Role::Admin), event);
            }
            StaffChange::Added { roles, .. } => {
                for role in roles {
                    grants.insert((person.clone(), *role), event);
                }
            }
            StaffChange::RoleGranted { role, .. } => {
                grants.insert((person, *role), event);
            }
            _ => {}
        }
    }
    grants
}

fn member(roster: &Roster, person: &Person, grants: &HashMap<(String, Role), &Event>) -> Member {
    let granted = |role: Role| {
        let event = grants.get(&(key(&person.name), role))?;
        Some(Granted {
            role: role_words(role),
            by: event.actor.clone(),
            at: Moment::of(event.captured_at),
            seq: count(event.seq),
        })
    };
    Member {
        name: person.name.clone(),
        crd: person.crd,
        roles: person.roles().filter_map(granted).collect(),
        wallets: roster
            .wallets(&person.name)
            .map(|(wallet, ended)| Purse {
                wallet: wallet.to_string(),
                short: short_address(wallet),
                ended: ended.map(count),
            })
            .collect(),
        suspended: person.suspended().map(count),
    }
}

fn change((event, changed): &(Event, StaffChanged)) -> Change {
    let who = changed.change.person();
    let words = match &changed.change {
        StaffChange::AdminNamed { .. } => format!("{who} was named admin"),
        StaffChange::Added { roles, .. } => {
            let roles: Vec<_> = roles.iter().copied().map(role_words).collect();
            format!("{who} joined as {}", roles.join(", "))
        }
        StaffChange::RoleGranted { role, .. } => format!("{who} became {}", role_words(*role)),
        StaffChange::RoleEnded { role, .. } => format!("{who} is no longer {}", role_words(*role)),
        StaffChange::WalletAdded { wallet, .. } => {
            format!("{who} was given wallet {}", short_address(*wallet))
        }
        StaffChange::WalletEnded { wallet, .. } => {
            format!("Wallet {} of {who} was ended", short_address(*wallet))
        }
        StaffChange::Suspended { .. } => format!("{who} was suspended"),
        StaffChange::Restored { .. } => format!("{who} was restored"),
    };
    Change {
        words,
        by: event.actor.clone(),
        second: changed.second.is_some(),
        at: Moment::of(event.captured_at),
        seq: count(event.seq),
    }
}

/// The customers of a row, by name if the directory has one.
fn customers(row: &Access, directory: &Directory) -> String {
    let name = |text: &str| match text.parse::<Address>() {
        Ok(wallet) => {
            let name = directory.name_of(wallet);
            name.map_or_else(|| short_address(wallet), str::to_owned)
        }
        Err(_) => text.to_owned(),
    };
    let all: Vec<&str> = row.customers.split_whitespace().collect();
    let mut named: Vec<String> = all.iter().take(NAMED).map(|text| name(text)).collect();
    named.dedup();
    let rest = all.len().saturating_sub(NAMED);
    let beyond = if rest > 0 {
        format!(" and {rest} more")
    } else {
        String::new()
    };
    format!("{}{beyond}", named.join(", "))
}

/// Who looked at what, newest first, and where the older rows begin.
async fn looks(call: &Call, before: Option<u64>) -> Result<(Vec<Look>, Option<u64>), Problem> {
    let app = &call.app;
    let rows = app.board.accesses_before(before, ROWS).await;
    let rows = rows.map_err(refusal::board)?;
    let directory = app.board.directory().await.map_err(refusal::board)?;
    let look = |row: &Access| Look {
        number: count(row.number),
        person: row.person.clone(),
        what: row.route.clone(),
        customers: customers(row, &directory),
        at: Moment::of(row.seen_at),
    };
    let next = rows
        .last()
        .map(|row| row.number)
        .filter(|number| *number > 1);
    Ok((rows.iter().map(look).collect(), next))
}

/// `GET /desk/people`.
pub(crate) async fn people(call: Call) -> Result<Reply, Problem> {
    const LIST: &str = "page of accesses";
    let cursor = call.query.text("cursor");
    call.query.end()?;
    let (app, caller) = (&call.app, call.caller()?);
    let before = cursor.as_deref().map(|cursor| {
        let read = app.cursors.read(LIST, cursor);
        let row = read.and_then(|row| row.parse().ok());
        row.ok_or_else(|| query::bad("cursor", "it is not a cursor of this list"))
    });
    let before: Option<u64> = before.transpose()?;
    let roster = app.board.roster().await.map_err(refusal::board)?;
    let changes = app.board.staff_changes().await.map_err(refusal::board)?;
    let grants = grants(&changes);
    let officer = caller.is_any(&[Part::Staff(Role::RecordsOfficer)]);
    let (looks, next) = if officer {
        let (rows, next) = looks(&call, before).await?;
        (Some(rows), next)
    } else {
        (None, None)
    };
    let page = People {
        frame: Frame::of(app, Some(caller), Here::People, "People").await?,
        members: roster
            .persons()
            .map(|person| member(&roster, person, &grants))
            .collect(),
        changes: changes.iter().rev().map(change).collect(),
        demanded: roster.demanded().map(count),
        looks,
        next: next.map(|row| app.cursors.write(LIST, &row.to_string())),
        is_first: before.is_none(),
    };
    html(&call.headers, StatusCode::OK, &page)
}

#[cfg(test)]
mod tests {
    use book::log::act::Signed;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_role_is_of_whoever_granted_it_last() {
        let change = |seq: u64, actor: &str, change: StaffChange| {
            let time = jiff::Timestamp::UNIX_EPOCH;
            let event = Event {
                seq,
                kind: book::log::event::EventType::StaffChanged,
                subject: change.person().to_owned(),
                occurred_at: time,
                captured_at: time,
                actor: actor.to_owned(),
                reason: String::new(),
                body: String::new(),
                prev: alloy::primitives::B256::ZERO,
                hash: alloy::primitives::B256::ZERO,
                salt: None,
            };
            let signed = Signed {
                file: None,
                signature: alloy::primitives::Bytes::new(),
                time: 0,
                wallet: Address::ZERO,
            };
            let (id, second) = (Uuid::nil(), None);
            (
                event,
                StaffChanged {
                    change,
                    id,
                    second,
                    signed,
                },
            )
        };
        let (crd, wallet) = (None, Address::ZERO);
        let added = StaffChange::Added {
            crd,
            person: "Dana".into(),
            roles: [Role::Trader].into(),
            wallet,
        };
        let granted = StaffChange::RoleGranted {
            person: "dana".into(),
            role: Role::Trader,
        };
        let all = [change(3, "Alma", added), change(9, "Bea", granted)];
        let found = grants(&all);
        assert_eq!(found[&("dana".to_owned(), Role::Trader)].actor, "Bea");
        assert_eq!(super::change(&all[0]).words, "Dana joined as trader");
    }
}
