//! What wallets leave with the desk for it to send: a signed cancel makes an order void, a signed allowance (EIP-2612)
//! lets the settlement contract take what a trade needs. Neither gives the desk any other power.

use alloy::primitives::{Address, B256, Bytes, U256};
use jiff::Timestamp;
use serde::Serialize;
use uuid::Uuid;

use super::error::BoardError;
use super::orders::order_in;
use super::{Board, damaged};
use crate::log::By;
use crate::market::record::OrderState;
use crate::store::left::{self, CancelRow, Outcome, PermitRow};
use crate::store::row;

/// Cancels read at once.
const PAGE: u32 = 64;
/// The most permits in a list.
const LISTED: u32 = 200;
/// How many characters of a refusal's reason are kept.
const LONGEST: usize = 500;

/// The state of something that a wallet left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Errand {
    /// Nobody has sent it.
    Waiting,
    /// It was mined.
    Sent,
    /// The chain refuses it.
    Refused,
    /// Its owner withdrew it, or left another one.
    Withdrawn,
}

impl Errand {
    fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Sent => "sent",
            Self::Refused => "refused",
            Self::Withdrawn => "withdrawn",
        }
    }

    fn read(text: &str) -> Result<Self, BoardError> {
        let all = [Self::Waiting, Self::Sent, Self::Refused, Self::Withdrawn];
        let mut all = all.into_iter();
        all.find(|state| state.as_str() == text)
            .ok_or_else(|| damaged(0, format!("an errand is {text:?}")))
    }
}

/// A cancel that an order's owner signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftCancel {
    /// The order.
    pub order: B256,
    /// The owner's signature.
    pub signature: Bytes,
    /// Its state.
    pub state: Errand,
    /// Why it was refused.
    pub said: String,
    /// The transaction that carried it.
    pub tx_hash: Option<B256>,
    /// When it was left.
    pub made_at: Timestamp,
}

/// An allowance that a wallet signed for the settlement contract.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftPermit {
    /// Its id.
    pub id: Uuid,
    /// The token.
    pub token: Address,
    /// The owner of the tokens.
    pub owner: Address,
    /// Base units.
    pub value: U256,
    /// The owner's nonce at the token: the permit is good as long as that is the next one.
    pub nonce: U256,
    /// The last second at which it is good.
    pub deadline: u64,
    /// The owner's signature: 65 bytes.
    pub signature: Bytes,
    /// Its state.
    pub state: Errand,
    /// Why it was refused.
    pub said: String,
    /// The transaction that carried it.
    pub tx_hash: Option<B256>,
    /// When it was left.
    pub made_at: Timestamp,
}

fn transaction(hash: Option<Vec<u8>>) -> Result<Option<B256>, BoardError> {
    let hash = hash.map(|hash| row::hash(0, "tx_hash", &hash));
    Ok(hash.transpose()?)
}

fn cancel(found: CancelRow) -> Result<LeftCancel, BoardError> {
    let (order, signature, state, said, tx_hash, made_at, _) = found;
    Ok(LeftCancel {
        order: row::hash(0, "order_id", &order)?,
        signature: signature.into(),
        state: Errand::read(&state)?,
        said,
        tx_hash: transaction(tx_hash)?,
        made_at: row::timestamp(0, "made_at", made_at)?,
    })
}

fn permit(found: PermitRow) -> Result<LeftPermit, BoardError> {
    let (id, token, owner, value, nonce, deadline, signature, state, said, tx_hash, made_at, _) =
        found;
    let address = |bytes: &[u8]| {
        Address::try_from(bytes).map_err(|_| damaged(0, format!("permit {id} has a bad address")))
    };
    Ok(LeftPermit {
        token: address(&token)?,
        owner: address(&owner)?,
        value: U256::from_be_slice(&value),
        nonce: U256::from_be_slice(&nonce),
        deadline: row::unsigned(deadline),
        signature: signature.into(),
        state: Errand::read(&state)?,
        said,
        tx_hash: transaction(tx_hash)?,
        made_at: row::timestamp(0, "made_at", made_at)?,
        id: id
            .parse()
            .map_err(|_| damaged(0, format!("a permit has the id {id}")))?,
    })
}

fn outcome(state: Errand, said: &str, tx_hash: Option<B256>, now: Timestamp) -> Outcome<'_> {
    let end = said
        .char_indices()
        .nth(LONGEST)
        .map_or(said.len(), |(at, _)| at);
    Outcome {
        state: state.as_str(),
        said: &said[..end],
        tx_hash,
        now: now.as_microsecond(),
    }
}

impl Board {
    /// Leaves the cancel that an order's owner signed, which was checked before: an order that is on the board is taken off
    /// in the same commit. An earlier one that was not refused stays. Returns whether this one is new.
    ///
    /// # Errors
    /// [`BoardError::UnknownOrder`], [`BoardError::NotOpen`] of a filled one, [`BoardError::Matched`] while a settlement is
    /// in flight, [`BoardError::Committed`] while the chain binds it, or the store's.
    pub async fn leave_cancel(
        &self,
        order: B256,
        signature: &Bytes,
        by: By,
    ) -> Result<(LeftCancel, bool), BoardError> {
        by.check()?;
        let mut writer = self.store.writer().await?;
        let now = self.store.clock().now();
        let view = order_in(&mut writer, order, now).await?;
        let known = left::cancel(writer.link().await?, order).await?;
        if let Some(known) = known.map(cancel).transpose()?
            && known.state != Errand::Refused
        {
            return Ok((known, false));
        }
        match view.state {
            OrderState::Open => {
                self.take_off(&mut writer, order, by).await?;
            }
            OrderState::Cancelled => {}
            state @ OrderState::Filled => return Err(BoardError::NotOpen { id: order, state }),
        }
        left::put_cancel(&mut writer, order, signature, now.as_microsecond());
        writer.commit().await?;
        let cancel = LeftCancel {
            order,
            signature: signature.clone(),
            state: Errand::Waiting,
            said: String::new(),
            tx_hash: None,
            made_at: now,
        };
        Ok((cancel, true))
    }

    /// The cancel that was left for an order.
    ///
    /// # Errors
    /// The store's.
    pub async fn left_cancel(&self, order: B256) -> Result<Option<LeftCancel>, BoardError> {
        let found = left::cancel(self.store.reader().await?.link(), order).await?;
        found.map(cancel).transpose()
    }

    /// The oldest cancels that nobody has sent.
    ///
    /// # Errors
    /// The store's.
    pub async fn waiting_cancels(&self) -> Result<Vec<LeftCancel>, BoardError> {
        let found = left::waiting_cancels(self.store.reader().await?.link(), PAGE).await?;
        found.into_iter().map(cancel).collect()
    }

    /// Records what became of a cancel.
    ///
    /// # Errors
    /// The store's.
    pub async fn end_cancel(
        &self,
        order: B256,
        state: Errand,
        said: &str,
        tx_hash: Option<B256>,
    ) -> Result<(), BoardError> {
        let mut writer = self.store.writer().await?;
        let outcome = outcome(state, said, tx_hash, self.store.clock().now());
        left::end_cancel(&mut writer, order, &outcome);
        Ok(writer.commit().await?)
    }

    /// Leaves an allowance that was checked before, in place of the one that waits for the same owner and token.
    ///
    /// # Errors
    /// The store's.
    pub async fn leave_permit(&self, left: &LeftPermit) -> Result<(), BoardError> {
        let mut writer = self.store.writer().await?;
        let now = self.store.clock().now();
        let known = left::waiting_permit(writer.link().await?, left.owner, left.token).await?;
        if let Some(known) = known.map(permit).transpose()? {
            let outcome = outcome(Errand::Withdrawn, "another one was left", None, now);
            left::end_permit(&mut writer, &known.id.to_string(), &outcome);
        }
        let at = left.made_at.as_microsecond();
        let row = (
            left.id.to_string(),
            left.token.to_vec(),
            left.owner.to_vec(),
            left.value.to_be_bytes_vec(),
            left.nonce.to_be_bytes_vec(),
            row::signed(left.deadline),
            left.signature.to_vec(),
            Errand::Waiting.as_str().to_owned(),
            String::new(),
            None,
            at,
            at,
        );
        left::put_permit(&mut writer, row);
        Ok(writer.commit().await?)
    }

    /// A permit by its id.
    ///
    /// # Errors
    /// The store's.
    pub async fn left_permit(&self, id: Uuid) -> Result<Option<LeftPermit>, BoardError> {
        let found = left::permit(self.store.reader().await?.link(), &id.to_string()).await?;
        found.map(permit).transpose()
    }

    /// The last permits of a wallet, newest first.
    ///
    /// # Errors
    /// The store's.
    pub async fn left_permits(&self, owner: Address) -> Result<Vec<LeftPermit>, BoardError> {
        let found = left::permits_of(self.store.reader().await?.link(), owner, LISTED).await?;
        found.into_iter().map(permit).collect()
    }

    /// The unsent permit of a wallet for a token.
    ///
    /// # Errors
    /// The store's.
    pub async fn waiting_permit(
        &self,
        owner: Address,
        token: Address,
    ) -> Result<Option<LeftPermit>, BoardError> {
        let mut reader = self.store.reader().await?;
        let found = left::waiting_permit(reader.link(), owner, token).await?;
        found.map(permit).transpose()
    }

    /// The oldest permits that nobody has sent.
    ///
    /// # Errors
    /// The store's.
    pub async fn waiting_permits(&self) -> Result<Vec<LeftPermit>, BoardError> {
        let found = left::waiting_permits(self.store.reader().await?.link(), LISTED).await?;
        found.into_iter().map(permit).collect()
    }

    /// Records what became of a waiting permit. Returns whether it was still waiting.
    ///
    /// # Errors
    /// The store's.
    pub async fn end_permit(
        &self,
        id: Uuid,
        state: Errand,
        said: &str,
        tx_hash: Option<B256>,
    ) -> Result<bool, BoardError> {
        let mut writer = self.store.writer().await?;
        let name = id.to_string();
        let known = left::permit(writer.link().await?, &name).await?;
        let known = known.map(permit).transpose()?;
        if !known.is_some_and(|known| known.state == Errand::Waiting) {
            return Ok(false);
        }
        let outcome = outcome(state, said, tx_hash, self.store.clock().now());
        left::end_permit(&mut writer, &name, &outcome);
        writer.commit().await?;
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::order::Side;
    use crate::sample::{self, START, by};

    const SIGNED: Bytes = Bytes::from_static(&[7; 65]);

    #[tokio::test]
    async fn a_cancel_that_is_left_takes_its_order_off_the_board_and_waits() {
        for book in sample::books().await {
            let board = &book.board;
            let order = book.post(1, Side::Bid, 100, 1_050).await.id;
            let (left, new) = board.leave_cancel(order, &SIGNED, by("web")).await.unwrap();
            assert!(new && left.state == Errand::Waiting);
            let found = board.find(order).await.unwrap().unwrap();
            assert_eq!(found.state, OrderState::Cancelled);
            let waiting = board.waiting_cancels().await.unwrap();
            assert_eq!(waiting, std::slice::from_ref(&left));
            let size = board.head().await.unwrap().size;
            let again = board.leave_cancel(order, &SIGNED, by("web")).await.unwrap();
            assert_eq!(again, (left, false));
            assert_eq!(board.head().await.unwrap().size, size);

            let words = "x".repeat(600);
            let ended = board.end_cancel(order, Errand::Refused, &words, None);
            ended.await.unwrap();
            let refused = board.left_cancel(order).await.unwrap().unwrap();
            assert_eq!(
                (refused.state, refused.said.len()),
                (Errand::Refused, LONGEST)
            );
            assert_eq!(board.waiting_cancels().await.unwrap(), []);
            // One that was refused may be signed again.
            assert!(
                board
                    .leave_cancel(order, &SIGNED, by("web"))
                    .await
                    .unwrap()
                    .1
            );
            let hash = B256::repeat_byte(3);
            let ended = board.end_cancel(order, Errand::Sent, "", Some(hash));
            ended.await.unwrap();
            let sent = board.left_cancel(order).await.unwrap().unwrap();
            assert_eq!((sent.state, sent.tx_hash), (Errand::Sent, Some(hash)));
            let unknown = board.leave_cancel(B256::ZERO, &SIGNED, by("web")).await;
            assert!(matches!(unknown, Err(BoardError::UnknownOrder(_))));
        }
    }

    fn left(token: u8) -> LeftPermit {
        LeftPermit {
            id: Uuid::now_v7(),
            token: Address::repeat_byte(token),
            owner: Address::repeat_byte(9),
            value: U256::MAX,
            nonce: U256::from(2),
            deadline: 1_800_000_100,
            signature: SIGNED,
            state: Errand::Waiting,
            said: String::new(),
            tx_hash: None,
            made_at: Timestamp::from_second(START).unwrap(),
        }
    }

    #[tokio::test]
    async fn one_permit_waits_for_each_owner_and_token() {
        for book in sample::books().await {
            let board = &book.board;
            let (first, second, other) = (left(1), left(1), left(2));
            for one in [&first, &second, &other] {
                board.leave_permit(one).await.unwrap();
            }
            let owner = first.owner;
            let waiting = board.waiting_permit(owner, first.token).await.unwrap();
            assert_eq!(waiting, Some(second.clone()));
            let states: Vec<_> = board.left_permits(owner).await.unwrap();
            let states: Vec<_> = states.iter().map(|one| (one.id, one.state)).collect();
            assert_eq!(
                states,
                [
                    (other.id, Errand::Waiting),
                    (second.id, Errand::Waiting),
                    (first.id, Errand::Withdrawn)
                ]
            );
            let hash = Some(B256::repeat_byte(3));
            assert!(
                board
                    .end_permit(second.id, Errand::Sent, "", hash)
                    .await
                    .unwrap()
            );
            assert!(
                !board
                    .end_permit(second.id, Errand::Refused, "", None)
                    .await
                    .unwrap()
            );
            let sent = board.left_permit(second.id).await.unwrap().unwrap();
            assert_eq!((sent.state, sent.tx_hash), (Errand::Sent, hash));
            assert_eq!(
                board.waiting_permit(owner, first.token).await.unwrap(),
                None
            );
        }
    }
}
