//! Taking orders onto the board that their owners registered on chain without this desk.

use std::collections::BTreeSet;

use alloy::primitives::{Address, B256};
use book::ErrorClass;
use book::board::posting::Posting;
use book::board::{Board, BoardError};
use book::log::By;
use book::market::filter::OrderFilter;
use book::market::order::OrderHasher;
use book::market::prefix::{Candidates, Prefix};
use book::market::record::{Capacity, OrderRecord};
use serde::Serialize;

use crate::chain::abi::IDvPSettlement::{OrderRegistered, epochOfCall, orderStateCall};
use crate::chain::act::last_synced;
use crate::chain::{Chain, Mined};
use crate::error::DeskError;
use crate::registered;
use crate::settlement::same_venue;

/// Who took an order that came through the chain.
const CHAIN: &str = "chain";

/// An order that is on chain and could not be taken onto the board.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Left {
    /// Its id.
    pub id: B256,
    /// Who registered it.
    pub owner: Address,
    /// Why it is not on the board.
    pub why: String,
}

/// An order of the contract's log: its event, transaction and time.
#[derive(Clone, Debug)]
pub(crate) struct Registration {
    pub(crate) event: OrderRegistered,
    pub(crate) mined: Mined,
}

/// What became of a registration.
pub(crate) enum Taken {
    /// It is on the board already.
    Known,
    /// It is now.
    Posted,
    /// It cannot be.
    Left(Left),
}

impl Registration {
    /// Takes the order onto the board for the owner's only known account.
    pub(crate) async fn take(
        &self,
        board: &Board,
        chain: &Chain,
        by: &By,
    ) -> Result<Taken, DeskError> {
        if board.find(self.event.id).await?.is_some() {
            return Ok(Taken::Known);
        }
        let left = |why: String| {
            Ok(Taken::Left(Left {
                id: self.event.id,
                owner: self.event.owner,
                why,
            }))
        };
        let accounts = accounts(board, self.event.owner).await?;
        let account = match accounts.len() {
            1 => accounts.into_iter().next().unwrap_or_default(),
            0 => return left("its owner has no known account".into()),
            _ => {
                let names: Vec<_> = accounts.into_iter().collect();
                return left(format!(
                    "its owner has several accounts: {}",
                    names.join(", ")
                ));
            }
        };
        match self.post(board, chain, &account, by).await {
            Ok(_) => Ok(Taken::Posted),
            // Its owner's or the listing's fault, not the store's.
            Err(DeskError::Board(error)) if is_refusal(&error) => left(error.to_string()),
            Err(error) => Err(error),
        }
    }

    /// Posts the order: its terms and signature are the chain's, the account is the desk's statement.
    async fn post(
        &self,
        board: &Board,
        chain: &Chain,
        account: &str,
        by: &By,
    ) -> Result<OrderRecord, DeskError> {
        let order = self.event.order.clone();
        let book = board.identity();
        let id = OrderHasher::new(book.chain_id, book.contract).id(&order);
        if id != self.event.id {
            let words = format!("it logged order {} under the id {}", id, self.event.id);
            return Err(chain.untrue(words).into());
        }
        let posting = Posting {
            order,
            signature: self.event.signature.clone(),
            price: None,
            account: account.to_string(),
            capacity: Capacity::Agency,
            solicited: false,
            received_at: self.mined.time,
            taken_by: CHAIN.into(),
        };
        let by = by.clone().because(registered::words(self.mined.tx_hash));
        // Its owner sent it: the transaction's signature takes the place of the order's.
        let own = self.event.by == self.event.owner && self.event.signature.is_empty();
        let verifier = (!own).then_some(chain as &dyn book::board::signature::ContractSignatures);
        Ok(board.post_registered(posting, verifier, by).await?)
    }
}

fn is_refusal(error: &BoardError) -> bool {
    let class = error.class();
    matches!(
        class,
        ErrorClass::Refused | ErrorClass::Usage | ErrorClass::Auth
    )
}

/// The accounts of a wallet's owner or, for a wallet that the directory does not know, those of its orders on the
/// board.
async fn accounts(board: &Board, owner: Address) -> Result<BTreeSet<String>, DeskError> {
    let directory = board.directory().await?;
    if directory.name_of(owner).is_some() {
        return Ok(directory.accounts_of(owner).map(str::to_owned).collect());
    }
    let filter = OrderFilter {
        owner: Some(owner),
        limit: Some(u32::MAX),
        ..OrderFilter::default()
    };
    let orders = board.orders(&filter).await?;
    Ok(orders.into_iter().map(|o| o.record.account).collect())
}

/// Takes an order that is open on chain onto the board, for an account that a person names. `id` can be its first
/// digits.
///
/// # Errors
/// `OtherVenue`, `OtherHistory`; `NotRegistered` when no open order has that id; `Board` as a posting, `Chain`.
pub async fn adopt(
    board: &Board,
    chain: &Chain,
    settlement: Address,
    first_block: u64,
    id: &str,
    account: &str,
    by: &By,
) -> Result<OrderRecord, DeskError> {
    same_venue(board, chain, settlement)?;
    last_synced(chain, board).await?;
    let found = find(chain, settlement, first_block, id).await?;
    let id = found.event.id;
    if board.find(id).await?.is_some() {
        return Err(BoardError::DuplicateOrder(id).into());
    }
    let refused = |why: &str| DeskError::NotRegistered {
        id: id.to_string(),
        why: why.into(),
    };
    match chain.view(settlement, orderStateCall { id }).await? {
        1 => {}
        2 => return Err(refused("it is filled on chain")),
        _ => return Err(refused("it is cancelled on chain")),
    }
    let owner = found.event.owner;
    let epoch = chain.view(settlement, epochOfCall { owner }).await?;
    if epoch != found.event.order.epoch {
        return Err(refused(
            "its owner cancelled it along with all other orders",
        ));
    }
    found.post(board, chain, account, by).await
}

/// The registration of an order by its id or the first digits of it.
async fn find(
    chain: &Chain,
    settlement: Address,
    first_block: u64,
    id: &str,
) -> Result<Registration, DeskError> {
    let Some(wanted) = Prefix::parse(id) else {
        return Err(BoardError::OrderId(id.into()).into());
    };
    let logs = chain
        .events::<OrderRegistered>(settlement, first_block)
        .await?;
    let mut found: Vec<_> = logs
        .into_iter()
        .filter(|(event, _)| wanted.fits(event.id))
        .collect();
    match (found.pop(), found.is_empty()) {
        (Some((event, log)), true) => {
            let mined = chain.mined(log.transaction_hash, log.block_number).await?;
            Ok(Registration { event, mined })
        }
        (None, _) => Err(DeskError::NotRegistered {
            id: id.into(),
            why: "the contract has no order with that id".into(),
        }),
        (Some((last, _)), false) => Err(BoardError::AmbiguousOrder {
            given: id.into(),
            candidates: Candidates::of(found.iter().map(|(event, _)| event.id).chain([last.id])),
        }
        .into()),
    }
}
