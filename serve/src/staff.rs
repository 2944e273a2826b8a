//! The staff over HTTP: an admin signs the same changes as on the command line, and the book's own function records them.

use alloy::primitives::Address;
use axum::http::StatusCode;
use book::board::BoardError;
use book::board::act::ActError;
use book::log::act::Signed;
use book::log::body::Body;
use book::log::event::Event;
use book::log::staff::{Person, Role, Roster, StaffChange, StaffChanged, StaffError};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::fields::Fields;
use crate::problem::Problem;
use crate::refusal;
use crate::route::{Call, Reply};

fn person_json(roster: &Roster, person: &Person) -> Value {
    let wallets: Vec<_> = roster
        .wallets(&person.name)
        .map(|(wallet, ended)| json!({ "wallet": wallet, "ended_by": ended }))
        .collect();
    json!({
        "person": person.name,
        "crd": person.crd,
        "roles": person.roles().map(Role::as_str).collect::<Vec<_>>(),
        "suspended_by": person.suspended(),
        "wallets": wallets,
    })
}

/// `GET /v1/staff`.
pub(crate) async fn list(call: Call) -> Result<Reply, Problem> {
    call.query.end()?;
    let roster = call.app.board.roster().await.map_err(refusal::board)?;
    let shown: Vec<_> = roster
        .persons()
        .map(|person| person_json(&roster, person))
        .collect();
    Reply::ok(&json!({ "staff": shown, "signing_demanded_by": roster.demanded() }))
}

/// A change as stated in a request, before the signing wallet is known.
struct Asked {
    change: StaffChange,
    id: Uuid,
    reason: String,
    signed: Signed,
    second: Option<Signed>,
}

/// The change itself. An admin named by the chain's default admin comes from the command line, which queries the chain.
fn change(fields: &mut Fields) -> Option<StaffChange> {
    const WHAT: [&str; 7] = [
        "added",
        "role_granted",
        "role_ended",
        "wallet_added",
        "wallet_ended",
        "suspended",
        "restored",
    ];
    let what = fields.text("what", |text| {
        let mut known = WHAT.into_iter();
        known.find(|known| *known == text).ok_or_else(|| {
            format!(
                "{text:?} is not a change: expected one of {}",
                WHAT.join(", ")
            )
        })
    });
    let person = fields.text("person", str::parse::<String>);
    Some(match what? {
        "added" => {
            let crd = fields.maybe_number("crd");
            let roles = fields.list("roles", str::parse::<Role>);
            let wallet = fields.address("wallet");
            StaffChange::Added {
                crd,
                person: person?,
                roles: roles.into_iter().collect(),
                wallet: wallet?,
            }
        }
        "role_granted" => {
            let role = fields.text("role", str::parse::<Role>);
            StaffChange::RoleGranted {
                person: person?,
                role: role?,
            }
        }
        "role_ended" => {
            let role = fields.text("role", str::parse::<Role>);
            StaffChange::RoleEnded {
                person: person?,
                role: role?,
            }
        }
        "wallet_added" => {
            let wallet = fields.address("wallet");
            StaffChange::WalletAdded {
                person: person?,
                wallet: wallet?,
            }
        }
        "wallet_ended" => {
            let wallet = fields.address("wallet");
            StaffChange::WalletEnded {
                person: person?,
                wallet: wallet?,
            }
        }
        "suspended" => StaffChange::Suspended { person: person? },
        _ => StaffChange::Restored { person: person? },
    })
}

/// A signature with its time, by this wallet or by the one named beside it.
fn signed(fields: &mut Fields, wallet: Option<Address>) -> Option<Signed> {
    let wallet = wallet.or_else(|| fields.address("wallet"));
    let (signature, time) = (fields.bytes("signature"), fields.instant("time"));
    Some(Signed {
        file: None,
        signature: signature?,
        time: u64::try_from(time?.as_second()).unwrap_or_default(),
        wallet: wallet?,
    })
}

fn asked(body: &[u8], admin: Address) -> Result<Asked, Problem> {
    let mut all = Fields::of(body)?;
    let mut inner = all.object("change");
    let change = change(&mut inner);
    all.join(inner);
    let id = all.text("id", str::parse::<Uuid>);
    let reason = all
        .maybe("reason", str::parse::<String>)
        .unwrap_or_default();
    let first = signed(&mut all, Some(admin));
    let mut second = None;
    if all.has("second") {
        let mut inner = all.object("second");
        second = signed(&mut inner, None);
        all.join(inner);
    }
    let read = (|| {
        Some(Asked {
            change: change?,
            id: id?,
            reason,
            signed: first?,
            second,
        })
    })();
    all.end(read)
}

fn recorded(event: &Event) -> Result<Value, Problem> {
    let body: Value = serde_json::from_str(&event.body).map_err(Problem::internal)?;
    Ok(json!({
        "seq": event.seq,
        "person": event.subject,
        "signed_by": event.actor,
        "change": body["change"],
    }))
}

/// `POST /v1/staff`.
pub(crate) async fn change_staff(call: Call) -> Result<Reply, Problem> {
    call.query.end()?;
    let (app, caller) = (&call.app, call.caller()?);
    let asked = asked(&call.body, caller.wallet)?;
    let (id, signature) = (asked.id, asked.signed.signature.clone());
    let changed = StaffChanged {
        change: asked.change,
        id,
        second: asked.second,
        signed: asked.signed,
    };
    let event = match app.board.change_staff(changed, &asked.reason).await {
        Ok(event) => event,
        Err(BoardError::Act(ActError::Staff(StaffError::Repeated(_)))) => {
            return again(&call, id, &signature).await;
        }
        Err(error) => return Err(refused(error)),
    };
    let reply = Reply::json(StatusCode::CREATED, &recorded(&event)?)?;
    if let Some(slot) = &call.answer {
        slot.fill(app, &reply).await?;
    }
    Ok(reply)
}

/// The first answer to a change that is in the log, to whoever signed it.
async fn again(call: &Call, id: Uuid, signature: &[u8]) -> Result<Reply, Problem> {
    let known = call.app.board.staff_change(id).await;
    let known = known.map_err(refusal::board)?;
    let same = known.filter(|event| {
        let body = Body::from_json(event.kind, &event.body);
        matches!(body, Ok(Body::StaffChanged(known)) if known.signed.signature == *signature)
    });
    let Some(event) = same else {
        let words = "another change already has this id: draw another and sign again";
        return Err(Problem::field("BOARD_REFUSED", "/id", words));
    };
    Reply::ok(&recorded(&event)?)
}

/// A staff rule that the change breaks, as a problem of the field that breaks it.
fn refused(error: BoardError) -> Problem {
    let BoardError::Act(ActError::Staff(rule)) = &error else {
        return refusal::board(error);
    };
    let pointer = match rule {
        StaffError::Name(_)
        | StaffError::KnownPerson { .. }
        | StaffError::NotSuspended(_)
        | StaffError::Suspended { .. }
        | StaffError::UnknownPerson(_) => "/change/person",
        StaffError::CrdTaken { .. } | StaffError::Crd(_) => "/change/crd",
        StaffError::WalletTaken { .. } | StaffError::NoWallet | StaffError::OtherWallet { .. } => {
            "/change/wallet"
        }
        StaffError::HasRole { .. } | StaffError::LacksRole { .. } => "/change/role",
        StaffError::AdminAlone(_) => "/change",
        StaffError::SecondAdmin(_) | StaffError::SamePerson(_) => "/second",
        _ => return refusal::board(error),
    };
    Problem::field("BOARD_REFUSED", pointer, rule.to_string())
}
