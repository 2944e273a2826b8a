//! The staff of a broker-dealer as the fold over the log: persons, their roles and wallets, and who may sign what when.
//!
//! Rules, none of which depends on a clock or a store:
//! - A person is found by the letters and digits of the name, ignoring case, so an alias is the same person; a CRD
//!   number and a wallet belong to one person for ever, and a wallet that was ended never returns.
//! - An admin person has no other role.
//! - Giving a key the power of a principal or an admin takes two admin persons, once there have been two at the same
//!   time. So an admin cannot get that power alone by suspending the others first.
//! - The first admin person is named by the settlement contract's default admin, whose wallet the caller checks against
//!   the chain. It may do so again only when nobody is left who could: no admin person is active, or only one of former
//!   two.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use alloy::primitives::{Address, B256};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::act::{Act, Signed, digest};
use crate::market::code;

/// What a person may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Names staff, and nothing else.
    Admin,
    /// Settles and anchors.
    Operator,
    /// Approves and refuses matches.
    Principal,
    /// Reads and exports everything.
    RecordsOfficer,
    /// Posts, cancels, proposes and refuses.
    Trader,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Admin,
        Self::Operator,
        Self::Principal,
        Self::RecordsOfficer,
        Self::Trader,
    ];

    /// Its name in the log.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Operator => "operator",
            Self::Principal => "principal",
            Self::RecordsOfficer => "records_officer",
            Self::Trader => "trader",
        }
    }

    /// Granting it takes two admin persons where there are two.
    fn is_weighty(self) -> bool {
        matches!(self, Self::Admin | Self::Principal)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A text that does not name a role.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("role {0:?} is unknown: write admin, operator, principal, records_officer or trader")]
pub struct RoleError(String);

impl FromStr for Role {
    type Err = RoleError;

    fn from_str(text: &str) -> Result<Self, RoleError> {
        Self::ALL
            .into_iter()
            .find(|role| role.as_str() == text)
            .ok_or_else(|| RoleError(text.to_owned()))
    }
}

/// One change of the staff.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case", deny_unknown_fields)]
pub enum StaffChange {
    /// The default admin of the settlement contract names an admin person.
    AdminNamed {
        /// The CRD number, if any.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        crd: Option<u64>,
        /// The name: 1 to 64 characters.
        person: String,
        /// The wallet to begin with.
        wallet: Address,
    },
    /// A person joins.
    Added {
        /// The CRD number, if any.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        crd: Option<u64>,
        /// The name: 1 to 64 characters.
        person: String,
        /// What the person may do; none yet is fine.
        roles: BTreeSet<Role>,
        /// The wallet to begin with.
        wallet: Address,
    },
    /// A role is given.
    RoleGranted {
        /// To whom.
        person: String,
        /// Which.
        role: Role,
    },
    /// A role is taken.
    RoleEnded {
        /// From whom.
        person: String,
        /// Which.
        role: Role,
    },
    /// One more wallet.
    WalletAdded {
        /// Whose.
        person: String,
        /// Which.
        wallet: Address,
    },
    /// A wallet may no longer sign anything, for ever.
    WalletEnded {
        /// Whose.
        person: String,
        /// Which.
        wallet: Address,
    },
    /// No wallet of the person may sign anything until the person is restored.
    Suspended {
        /// Who.
        person: String,
    },
    /// The person is back.
    Restored {
        /// Who.
        person: String,
    },
}

impl StaffChange {
    /// The person it is about.
    pub fn person(&self) -> &str {
        match self {
            Self::AdminNamed { person, .. }
            | Self::Added { person, .. }
            | Self::RoleGranted { person, .. }
            | Self::RoleEnded { person, .. }
            | Self::WalletAdded { person, .. }
            | Self::WalletEnded { person, .. }
            | Self::Suspended { person }
            | Self::Restored { person } => person,
        }
    }
}

/// A change with its signatures: the body of its event. The person is the event's subject.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StaffChanged {
    /// What changes.
    pub change: StaffChange,
    /// Drawn by the signer, so that no signature counts twice.
    pub id: Uuid,
    /// A second admin person's signature of the same act.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub second: Option<Signed>,
    /// An admin person's signature; the default admin's of the settlement contract for [`StaffChange::AdminNamed`].
    pub signed: Signed,
}

/// What both sign of a change: the SHA-256 of `{"change":...,"id":...}` as canonical JSON (RFC 8785).
pub fn subject(change: &StaffChange, id: Uuid) -> B256 {
    #[derive(Serialize)]
    struct Signing<'a> {
        change: &'a StaffChange,
        id: Uuid,
    }
    // Names and numbers below 2^53 have a canonical form.
    digest(&serde_jcs::to_vec(&Signing { change, id }).unwrap_or_default())
}

/// Why a change is refused, or a signature does not count.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StaffError {
    /// The name cannot be shown or found again.
    #[error(
        "{0:?} cannot be a person's name: write 1 to 64 visible characters that begin with a letter or a digit, not web, \
         chain or book"
    )]
    Name(String),
    /// No such person.
    #[error("{0:?} is not on the staff: see `staff list`")]
    UnknownPerson(String),
    /// The name is taken, perhaps in another spelling.
    #[error("{name:?} is the person {known:?}, who is on the staff: one person has one name")]
    KnownPerson {
        /// The new name.
        name: String,
        /// The person's.
        known: String,
    },
    /// The CRD number is another person's.
    #[error("CRD {crd} is {person}'s: one person has one CRD number")]
    CrdTaken {
        /// The number.
        crd: u64,
        /// Whose it is.
        person: String,
    },
    /// The number is not a CRD number.
    #[error("CRD {0} is not a number from 1 to 2^53 - 1")]
    Crd(u64),
    /// The wallet is or was somebody's.
    #[error("wallet {wallet} belongs to {person}, for ever: add another wallet")]
    WalletTaken {
        /// The wallet.
        wallet: Address,
        /// Whose it is.
        person: String,
    },
    /// The zero address is nobody's.
    #[error("the zero address is not a wallet")]
    NoWallet,
    /// The wallet is nobody's.
    #[error("wallet {0} belongs to nobody on the staff: an admin adds it with `staff wallet add`")]
    UnknownWallet(Address),
    /// The wallet is not this person's.
    #[error("wallet {wallet} is not {person}'s")]
    OtherWallet {
        /// The wallet.
        wallet: Address,
        /// The person.
        person: String,
    },
    /// The wallet was ended.
    #[error("wallet {wallet} of {person} was ended by event {seq}: sign with another")]
    WalletEnded {
        /// The wallet.
        wallet: Address,
        /// Whose it is.
        person: String,
        /// The event.
        seq: u64,
    },
    /// The person is suspended.
    #[error("{person} has been suspended since event {seq}")]
    Suspended {
        /// Who.
        person: String,
        /// The event.
        seq: u64,
    },
    /// The person is not suspended.
    #[error("{0} is not suspended")]
    NotSuspended(String),
    /// The person has no role that allows the act.
    #[error("{person} may not {act}: this requires the role {wanted}")]
    NotEntitled {
        /// Who.
        person: String,
        /// What.
        act: Act,
        /// Which roles do.
        wanted: &'static str,
    },
    /// The person has the role.
    #[error("{person} already has the role {role}")]
    HasRole {
        /// Who.
        person: String,
        /// Which.
        role: Role,
    },
    /// The person does not have the role.
    #[error("{person} does not have the role {role}")]
    LacksRole {
        /// Who.
        person: String,
        /// Which.
        role: Role,
    },
    /// An admin person has no other role.
    #[error("{0} would have admin and another role: an admin person has no other role")]
    AdminAlone(String),
    /// Two admin persons are required.
    #[error(
        "this requires the signatures of two admin persons, {0} is only one: have another sign too"
    )]
    SecondAdmin(String),
    /// Both signatures are one person's.
    #[error("both signatures are {0}'s: two persons must sign")]
    SamePerson(String),
    /// There are admin persons, who name the others.
    #[error("the staff has {0} active admin persons, who name the others")]
    AdminsNamed(usize),
    /// The change was made before.
    #[error("change {0} is already in the log: a signature counts once")]
    Repeated(Uuid),
    /// The book demands signatures already.
    #[error("this book has demanded signatures since event {0}")]
    Demanded(u64),
}

/// From an event on, until another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Span {
    from: u64,
    until: Option<u64>,
}

impl Span {
    /// Whether it covers event `seq`; the event that begins it is not covered, the one that ends it is.
    fn covers(self, seq: u64) -> bool {
        self.from < seq && self.until.is_none_or(|until| seq <= until)
    }
}

fn at(spans: &[Span], seq: u64) -> Option<Span> {
    spans.iter().copied().find(|span| span.covers(seq))
}

/// One person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The name, as the log has it for the actor.
    pub name: String,
    /// The CRD number.
    pub crd: Option<u64>,
    roles: BTreeMap<Role, Vec<Span>>,
    suspended: Vec<Span>,
}

impl Person {
    fn has(&self, role: Role, seq: u64) -> bool {
        self.roles
            .get(&role)
            .is_some_and(|spans| at(spans, seq).is_some())
    }

    /// What the person may do now.
    pub fn roles(&self) -> impl Iterator<Item = Role> + '_ {
        Role::ALL
            .into_iter()
            .filter(|role| self.has(*role, u64::MAX))
    }

    /// Since which event the person is suspended, if so.
    pub fn suspended(&self) -> Option<u64> {
        at(&self.suspended, u64::MAX).map(|span| span.from)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Owned {
    key: String,
    span: Span,
}

/// Everybody on the staff, at any event of the log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Roster {
    persons: BTreeMap<String, Person>,
    wallets: BTreeMap<Address, Owned>,
    ids: BTreeSet<Uuid>,
    demanded: Option<u64>,
    two: bool,
    last: u64,
}

/// What two names of one person have in common.
pub fn key(name: &str) -> String {
    let plain: String = name
        .chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect();
    if plain.is_empty() {
        name.trim().to_lowercase()
    } else {
        plain
    }
}

/// The actors of acts without a person.
const NOBODY: [&str; 3] = ["web", "chain", "book"];

fn check_name(name: &str) -> Result<(), StaffError> {
    let long = name.chars().count() > 64 || !name.chars().any(char::is_alphanumeric);
    let hidden = code::check(name).is_err() || name.trim() != name;
    if long || hidden || NOBODY.contains(&key(name).as_str()) {
        return Err(StaffError::Name(name.to_owned()));
    }
    Ok(())
}

impl Roster {
    /// Since which event the book demands signatures.
    pub fn demanded(&self) -> Option<u64> {
        self.demanded
    }

    /// Whether event `seq` must be signed.
    pub fn demands(&self, seq: u64) -> bool {
        self.demanded.is_some_and(|demanded| demanded < seq)
    }

    /// The last event that was folded.
    pub fn last(&self) -> u64 {
        self.last
    }

    /// Everybody, by name.
    pub fn persons(&self) -> impl Iterator<Item = &Person> {
        self.persons.values()
    }

    /// The wallets of a person with the event that ended each.
    pub fn wallets(&self, name: &str) -> impl Iterator<Item = (Address, Option<u64>)> + '_ {
        let key = key(name);
        self.wallets
            .iter()
            .filter(move |(_, owned)| owned.key == key)
            .map(|(wallet, owned)| (*wallet, owned.span.until))
    }

    /// The person with a name or alias.
    ///
    /// # Errors
    /// [`StaffError::UnknownPerson`].
    pub fn person(&self, name: &str) -> Result<&Person, StaffError> {
        self.persons
            .get(&key(name))
            .ok_or_else(|| StaffError::UnknownPerson(name.to_owned()))
    }

    /// Who signed with `wallet` at event `seq`: the wallet not ended, the person not suspended.
    ///
    /// # Errors
    /// [`StaffError::UnknownWallet`], [`StaffError::WalletEnded`], [`StaffError::Suspended`].
    pub fn signer(&self, wallet: Address, seq: u64) -> Result<&Person, StaffError> {
        let unknown = || StaffError::UnknownWallet(wallet);
        let owned = self.wallets.get(&wallet).ok_or_else(unknown)?;
        let person = self.persons.get(&owned.key).ok_or_else(unknown)?;
        if owned.span.from >= seq {
            return Err(unknown());
        }
        if let Some(ended) = owned.span.until.filter(|_| !owned.span.covers(seq)) {
            return Err(StaffError::WalletEnded {
                wallet,
                person: person.name.clone(),
                seq: ended,
            });
        }
        match at(&person.suspended, seq) {
            // The event that ends a suspension is not the suspended person's either.
            Some(span) => Err(StaffError::Suspended {
                person: person.name.clone(),
                seq: span.from,
            }),
            None => Ok(person),
        }
    }

    /// Who did `act` with `wallet` as event `seq`, and was entitled to.
    ///
    /// # Errors
    /// Those of [`Self::signer`], [`StaffError::NotEntitled`].
    pub fn entitled(&self, wallet: Address, seq: u64, act: Act) -> Result<&Person, StaffError> {
        let person = self.signer(wallet, seq)?;
        let (roles, wanted): (&[Role], _) = match act {
            Act::Propose => (&[Role::Trader], "trader"),
            Act::Approve => (&[Role::Principal], "principal"),
            Act::Refuse | Act::Cancel | Act::Post => {
                (&[Role::Trader, Role::Principal], "trader or principal")
            }
            Act::Staff | Act::Demand => (&[Role::Admin], "admin"),
        };
        if roles.iter().any(|role| person.has(*role, seq)) {
            return Ok(person);
        }
        Err(StaffError::NotEntitled {
            person: person.name.clone(),
            act,
            wanted,
        })
    }

    /// The admin persons that can sign event `seq`.
    fn admins(&self, seq: u64) -> usize {
        let signs = |key: &str| {
            let mut wallets = self.wallets.values().filter(|owned| owned.key == key);
            wallets.any(|owned| owned.span.covers(seq))
        };
        self.persons
            .iter()
            .filter(|(key, person)| {
                let active = at(&person.suspended, seq).is_none() && signs(key);
                active && person.has(Role::Admin, seq)
            })
            .count()
    }

    /// Folds the demand for signatures, event `seq`: the second event of a book, or signed by an admin person.
    ///
    /// # Errors
    /// [`StaffError::Demanded`], those of [`Self::entitled`].
    pub fn demand(&mut self, seq: u64, wallet: Option<Address>) -> Result<(), StaffError> {
        if let Some(demanded) = self.demanded {
            return Err(StaffError::Demanded(demanded));
        }
        match wallet {
            Some(wallet) => {
                self.entitled(wallet, seq, Act::Demand)?;
            }
            None if seq == 2 => {}
            None => return Err(StaffError::UnknownWallet(Address::ZERO)),
        }
        (self.demanded, self.last) = (Some(seq), seq);
        Ok(())
    }

    /// Folds a staff change, event `seq`, whose signatures are those of the wallets that they name.
    ///
    /// # Errors
    /// The first rule that it breaks; nothing is changed then.
    pub fn apply(&mut self, seq: u64, changed: &StaffChanged) -> Result<(), StaffError> {
        if self.ids.contains(&changed.id) {
            return Err(StaffError::Repeated(changed.id));
        }
        self.require_admins(seq, changed)?;
        let key = key(changed.change.person());
        match &changed.change {
            StaffChange::AdminNamed {
                crd,
                person,
                wallet,
            } => self.join(seq, person, *crd, &BTreeSet::from([Role::Admin]), *wallet)?,
            StaffChange::Added {
                crd,
                person,
                roles,
                wallet,
            } => self.join(seq, person, *crd, roles, *wallet)?,
            StaffChange::RoleGranted { person, role } => self.grant(seq, person, *role)?,
            StaffChange::RoleEnded { person, role } => {
                let found = self.person(person)?;
                if !found.has(*role, u64::MAX) {
                    let person = found.name.clone();
                    return Err(StaffError::LacksRole {
                        person,
                        role: *role,
                    });
                }
                let spans = self
                    .persons
                    .get_mut(&key)
                    .and_then(|p| p.roles.get_mut(role));
                end(spans, seq);
            }
            StaffChange::WalletAdded { person, wallet } => {
                self.person(person)?;
                self.own(seq, key, *wallet)?;
            }
            StaffChange::WalletEnded { person, wallet } => self.end_wallet(seq, person, *wallet)?,
            StaffChange::Suspended { person } => {
                let found = self.person(person)?;
                if let Some(seq) = found.suspended() {
                    let person = found.name.clone();
                    return Err(StaffError::Suspended { person, seq });
                }
                if let Some(person) = self.persons.get_mut(&key) {
                    let until = None;
                    person.suspended.push(Span { from: seq, until });
                }
            }
            StaffChange::Restored { person } => {
                let found = self.person(person)?;
                if found.suspended().is_none() {
                    return Err(StaffError::NotSuspended(found.name.clone()));
                }
                end(self.persons.get_mut(&key).map(|p| &mut p.suspended), seq);
            }
        }
        self.ids.insert(changed.id);
        self.last = seq;
        self.two |= self.admins(u64::MAX) > 1;
        Ok(())
    }

    /// Whether those who signed may make the change.
    fn require_admins(&self, seq: u64, changed: &StaffChanged) -> Result<(), StaffError> {
        if let StaffChange::AdminNamed { .. } = changed.change {
            return match self.admins(seq) {
                0 => Ok(()),
                1 if self.two => Ok(()),
                many => Err(StaffError::AdminsNamed(many)),
            };
        }
        let first = self.entitled(changed.signed.wallet, seq, Act::Staff)?;
        if let Some(second) = &changed.second {
            let second = self.entitled(second.wallet, seq, Act::Staff)?;
            if second.name == first.name {
                return Err(StaffError::SamePerson(first.name.clone()));
            }
        } else if self.two && self.is_weighty(&changed.change) {
            return Err(StaffError::SecondAdmin(first.name.clone()));
        }
        Ok(())
    }

    /// Whether the change gives any key the power of a principal or an admin.
    fn is_weighty(&self, change: &StaffChange) -> bool {
        match change {
            StaffChange::Added { roles, .. } => roles.iter().any(|role| role.is_weighty()),
            StaffChange::RoleGranted { role, .. } => role.is_weighty(),
            StaffChange::WalletAdded { person, .. } | StaffChange::Restored { person } => self
                .person(person)
                .is_ok_and(|person| person.roles().any(Role::is_weighty)),
            _ => false,
        }
    }

    fn join(
        &mut self,
        seq: u64,
        name: &str,
        crd: Option<u64>,
        roles: &BTreeSet<Role>,
        wallet: Address,
    ) -> Result<(), StaffError> {
        check_name(name)?;
        if let Ok(known) = self.person(name) {
            let (name, known) = (name.to_owned(), known.name.clone());
            return Err(StaffError::KnownPerson { name, known });
        }
        if let Some(crd) = crd {
            if crd == 0 || crd >= 1 << 53 {
                return Err(StaffError::Crd(crd));
            }
            if let Some(known) = self.persons.values().find(|known| known.crd == Some(crd)) {
                let person = known.name.clone();
                return Err(StaffError::CrdTaken { crd, person });
            }
        }
        if roles.contains(&Role::Admin) && roles.len() > 1 {
            return Err(StaffError::AdminAlone(name.to_owned()));
        }
        self.own(seq, key(name), wallet)?;
        let since = |role: &Role| {
            let until = None;
            (*role, vec![Span { from: seq, until }])
        };
        let person = Person {
            name: name.to_owned(),
            crd,
            roles: roles.iter().map(since).collect(),
            suspended: Vec::new(),
        };
        self.persons.insert(key(name), person);
        Ok(())
    }

    fn grant(&mut self, seq: u64, name: &str, role: Role) -> Result<(), StaffError> {
        let found = self.person(name)?;
        let person = found.name.clone();
        if found.has(role, u64::MAX) {
            return Err(StaffError::HasRole { person, role });
        }
        let mut others = found.roles();
        let mixed = match role {
            Role::Admin => others.next().is_some(),
            _ => others.any(|role| role == Role::Admin),
        };
        drop(others);
        if mixed {
            return Err(StaffError::AdminAlone(person));
        }
        if let Some(person) = self.persons.get_mut(&key(name)) {
            let until = None;
            let spans = person.roles.entry(role).or_default();
            spans.push(Span { from: seq, until });
        }
        Ok(())
    }

    fn own(&mut self, seq: u64, key: String, wallet: Address) -> Result<(), StaffError> {
        if wallet.is_zero() {
            return Err(StaffError::NoWallet);
        }
        if let Some(owned) = self.wallets.get(&wallet) {
            let person = self.persons.get(&owned.key);
            let person = person.map(|person| person.name.clone()).unwrap_or_default();
            return Err(StaffError::WalletTaken { wallet, person });
        }
        let span = Span {
            from: seq,
            until: None,
        };
        self.wallets.insert(wallet, Owned { key, span });
        Ok(())
    }

    fn end_wallet(&mut self, seq: u64, name: &str, wallet: Address) -> Result<(), StaffError> {
        let person = self.person(name)?.name.clone();
        let mine = key(name);
        match self.wallets.get_mut(&wallet) {
            Some(owned) if owned.key == mine => {
                if let Some(seq) = owned.span.until {
                    return Err(StaffError::WalletEnded {
                        wallet,
                        person,
                        seq,
                    });
                }
                owned.span.until = Some(seq);
                Ok(())
            }
            _ => Err(StaffError::OtherWallet { wallet, person }),
        }
    }
}

/// Ends what began last.
fn end(spans: Option<&mut Vec<Span>>, seq: u64) {
    if let Some(last) = spans.and_then(|spans| spans.last_mut()) {
        last.until = Some(seq);
    }
}
