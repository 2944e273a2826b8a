//! What wallets left with the desk, sent with the desk's key: cancels make orders void, allowances (EIP-2612) let the
//! settlement contract take what a trade needs.

use alloy::primitives::{Address, B256, U256};
use book::board::left::{Errand, LeftCancel, LeftPermit};
use book::market::matching::MatchState;
use book::market::record::OrderRecord;

use super::cancel::SignedCancel;
use super::error::DeskError;
use super::permit::SignedPermit;
use super::settlement::Desk;
use super::trade::Trade;
use crate::chain::abi::{IDvPSettlement, ISecurityToken};
use crate::chain::act::{Ground, Target};
use crate::chain::{Chain, ChainError};

/// The contract's state of an order that was settled.
const FILLED: u8 = 2;
/// The contract's state of an order that is void.
const CANCELLED: u8 = 3;

/// Why the chain would not accept something, if that is what an error says: then nothing is tried again.
fn refusal(error: &DeskError) -> Option<String> {
    match error {
        DeskError::DearWallet { .. } => Some(error.to_string()),
        DeskError::Chain(
            chain @ (ChainError::Reverted(_)
            | ChainError::Failed { .. }
            | ChainError::OverCap { .. }),
        ) => Some(chain.to_string()),
        _ => None,
    }
}

impl SignedPermit {
    /// The allowance that was left for a spender.
    fn of(left: &LeftPermit, spender: Address) -> Option<Self> {
        let bytes: &[u8; 65] = left.signature.as_ref().try_into().ok()?;
        Some(Self {
            token: left.token,
            owner: left.owner,
            spender,
            value: left.value,
            deadline: left.deadline,
            v: bytes[64],
            r: B256::from_slice(&bytes[..32]),
            s: B256::from_slice(&bytes[32..64]),
        })
    }
}

/// One side of a trade: who gives how much of what.
struct Side {
    owner: Address,
    target: Target,
    needed: U256,
}

fn sides(bid: &OrderRecord, ask: &OrderRecord) -> [Side; 2] {
    let trade = Trade::of(bid, ask);
    let security = Target::Security {
        token: trade.token,
        symbol: trade.symbol.clone(),
        isin: ask.isin.to_string(),
        decimals: trade.decimals,
    };
    [
        Side {
            owner: trade.seller,
            target: security,
            needed: trade.quantity,
        },
        Side {
            owner: trade.buyer,
            target: Target::Coin(trade.payment),
            needed: trade.total,
        },
    ]
}

/// Why an allowance that was left can never count any more.
async fn obsolete(chain: &Chain, left: &LeftPermit) -> Result<Option<&'static str>, ChainError> {
    if left.deadline < chain.head().await?.time {
        return Ok(Some("its deadline has passed"));
    }
    let owner = left.owner;
    let call = ISecurityToken::noncesCall { owner };
    let next = chain.view(left.token, call).await?;
    Ok((next != left.nonce).then_some("its nonce has been used since"))
}

impl Desk<'_> {
    /// Sends every cancel that was left, and every allowance that an approved match waits for. What the chain refuses
    /// is noted beside it, with the reason.
    ///
    /// # Errors
    /// `Board`; `Chain` when it cannot be queried, or does not say what became of a transaction: then everything waits.
    pub async fn run_errands(&self) -> Result<(), DeskError> {
        for left in self.board.waiting_cancels().await? {
            self.send_left_cancel(&left).await?;
        }
        let waiting = self.board.waiting_permits().await?;
        if waiting.is_empty() {
            return Ok(());
        }
        for matched in self.board.matches(Some(MatchState::Approved)).await? {
            let orders = self.board.find_all(&[matched.bid, matched.ask]).await?;
            let (bid, ask) = (orders.get(&matched.bid), orders.get(&matched.ask));
            if let Some((bid, ask)) = bid.zip(ask) {
                let left = |owner| waiting.iter().any(|left| left.owner == owner);
                if left(bid.record.owner) || left(ask.record.owner) {
                    self.send_left_permits(&bid.record, &ask.record).await?;
                }
            }
        }
        Ok(())
    }

    /// Sends the cancel that an order's owner left, unless the contract is done with the order.
    ///
    /// # Errors
    /// As [`Self::run_errands`].
    pub async fn send_left_cancel(&self, left: &LeftCancel) -> Result<(), DeskError> {
        let (board, id) = (self.board, left.order);
        let (chain, settlement) = (self.contract.chain(), self.contract.address());
        let call = IDvPSettlement::orderStateCall { id };
        match chain.view(settlement, call).await? {
            // Sent before, perhaps by a process that crashed: the watcher and `sync` read what the contract logged.
            CANCELLED => return Ok(board.end_cancel(id, Errand::Sent, "", None).await?),
            FILLED => {
                let words = "the order was settled before";
                return Ok(board.end_cancel(id, Errand::Refused, words, None).await?);
            }
            _ => {}
        }
        let order = board.order(&id.to_string()).await?.record;
        let cancel = SignedCancel {
            chain_id: order.chain_id,
            settlement: order.contract,
            id,
            signature: left.signature.clone(),
        };
        match self.cancel_signed(&order, &cancel).await {
            Ok(hash) => board.end_cancel(id, Errand::Sent, "", Some(hash)).await?,
            Err(error) => match refusal(&error) {
                Some(words) => board.end_cancel(id, Errand::Refused, &words, None).await?,
                None => return Err(error),
            },
        }
        Ok(())
    }

    /// Sends the allowances that the parties of a trade left, where the settlement contract may not take enough yet.
    /// Returns the transactions.
    ///
    /// # Errors
    /// As [`Self::run_errands`].
    pub async fn send_left_permits(
        &self,
        bid: &OrderRecord,
        ask: &OrderRecord,
    ) -> Result<Vec<B256>, DeskError> {
        // The first writer of a version brings the tables up to date.
        self.board.writable().await?;
        let mut sent = Vec::new();
        for side in sides(bid, ask) {
            sent.extend(self.send_left_permit(side).await?);
        }
        Ok(sent)
    }

    async fn send_left_permit(&self, side: Side) -> Result<Option<B256>, DeskError> {
        let (board, chain) = (self.board, self.contract.chain());
        let (spender, token) = (self.contract.address(), side.target.address());
        let owner = side.owner;
        let waiting = board.waiting_permit(owner, token).await?;
        let Some(left) = waiting.filter(|left| left.value >= side.needed) else {
            return Ok(None);
        };
        let call = ISecurityToken::allowanceCall { owner, spender };
        if chain.view(token, call).await? >= side.needed {
            return Ok(None);
        }
        let refused = |words: String| async move {
            let ended = board.end_permit(left.id, Errand::Refused, &words, None);
            ended.await.map(|_| None)
        };
        if let Some(words) = obsolete(chain, &left).await? {
            return Ok(refused(words.to_owned()).await?);
        }
        let Some(permit) = SignedPermit::of(&left, spender) else {
            return Ok(refused("its signature is not 65 bytes long".to_owned()).await?);
        };
        match self.send_permit(side.target, &permit).await {
            Ok(hash) => {
                let hash = Some(hash);
                board.end_permit(left.id, Errand::Sent, "", hash).await?;
                Ok(hash)
            }
            Err(error) => match refusal(&error) {
                Some(words) => Ok(refused(words).await?),
                None => Err(error),
            },
        }
    }

    /// Sends an allowance that its owner signed, noted in the log before.
    ///
    /// # Errors
    /// `Board`, `Chain`.
    pub async fn send_permit(
        &self,
        target: Target,
        permit: &SignedPermit,
    ) -> Result<B256, DeskError> {
        let ground = Ground::new(self.contract.chain().clone(), Some(self.board.clone()));
        let contract = ground.contract(target).await?;
        let prepared = contract.act(permit.call()).prepare(self.signer).await?;
        let (owner, token) = (permit.owner.to_string().to_lowercase(), permit.token);
        let what = format!("sends the owner's allowance at {token}");
        let note = self.announce(owner, &what, &prepared);
        Ok(prepared.noted(note).await?.send().await?.hash())
    }
}
