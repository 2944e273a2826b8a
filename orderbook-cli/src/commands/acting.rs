//! Who acts: a person's signature where the book demands it, else the name of `--actor`.

use alloy::primitives::{Address, B256};
use book::board::act::ActError;
use book::board::staff::is_nobody;
use book::board::{Board, BoardError};
use book::log::By;
use book::log::act::{Act, Told};
use book::log::staff::key;
use desk::signing::signer::Signer;
use desk::staff;
use jiff::Timestamp;

use super::context::Context;
use super::failure::{Exit, Failure, Result};
use crate::config::{Key, Source};

impl Context {
    /// The actor of `told`. Where the book demands signatures, the wallet of `--wallet`, or of the profile's trader or
    /// principal, signs it and its owner is the actor; `--actor` must not name anybody else.
    pub(super) async fn acting(&self, board: &Board, told: &Told<'_>) -> Result<By> {
        self.acting_for(board, told, None).await
    }

    /// The same for a file of orders with that SHA-256.
    pub(super) async fn acting_for(
        &self,
        board: &Board,
        told: &Told<'_>,
        file: Option<B256>,
    ) -> Result<By> {
        self.pen(board, told.act).await?.by(told, file)
    }

    /// The actor for acts of one kind: the wallet is opened once for all of them.
    pub(super) async fn pen(&self, board: &Board, act: Act) -> Result<Pen> {
        let roster = board.roster().await?;
        if roster.demanded().is_none() {
            let actor = self.by("")?.actor;
            if is_nobody(&actor) {
                let words = format!("{actor} is not a person: write a name with --actor");
                return Err(Failure::usage(words));
            }
            return Ok(Pen { actor, key: None });
        }
        let role = match act {
            Act::Approve | Act::Refuse => "principal",
            Act::Staff | Act::Demand => "staff_admin",
            Act::Propose | Act::Post | Act::Cancel => "trader",
        };
        let wallet = self.account(&self.wallet_of(role)?)?;
        let person = roster
            .signer(wallet, u64::MAX)
            .map_err(|error| Failure::from(BoardError::from(ActError::from(error))))?;
        self.check_actor(&person.name)?;
        let book = board.identity();
        Ok(Pen {
            actor: person.name.clone(),
            key: Some((book.chain_id, book.contract, self.signer(role)?)),
        })
    }

    /// Refuses a name on the command line that is not that of the person who signs.
    fn check_actor(&self, person: &str) -> Result<()> {
        let given = self.settings.setting(Key::Actor);
        match (given.source, given.value) {
            (Source::Flag(_), Some(actor)) if key(&actor) != key(person) => {
                let words =
                    format!("--actor is {actor}, but the signing wallet belongs to {person}");
                Err(Failure::new(Exit::Auth, "OTHER_ACTOR", words)
                    .hint("this book demands signatures: name the person's wallet with --wallet"))
            }
            _ => Ok(()),
        }
    }
}

/// A person, and the opened wallet that signs what the person does where the book demands it.
pub(super) struct Pen {
    /// The person's name.
    pub(super) actor: String,
    /// Chain and contract that the book settles through, and the key.
    key: Option<(u64, Address, Signer)>,
}

impl Pen {
    /// The person's signature under an act; `file` is the SHA-256 of the file that the act comes from, if any.
    pub(super) fn by(&self, told: &Told<'_>, file: Option<B256>) -> Result<By> {
        let by = By::new(self.actor.as_str()).because(told.reason);
        let Some((chain_id, contract, key)) = &self.key else {
            return Ok(by);
        };
        let signed = staff::sign(*chain_id, *contract, key, told, Timestamp::now());
        let mut signed = signed.map_err(desk::DeskError::from)?;
        signed.file = file;
        Ok(by.signing(signed))
    }
}
