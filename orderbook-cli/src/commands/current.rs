//! What commands look up in the index, which is brought up to the chain first: registers, moments and investors.

use std::fmt;
use std::str::FromStr;

use alloy::primitives::{Address, B256};
use book::market::amount::time;
use book::market::investor::Directory;
use book::market::literal::time::{Moment, day};
use desk::cap_table::investor_id;
use desk::chain::act::Kind as ContractKind;
use desk::chain::{Block, Chain, ChainError, Target};
use desk::index::{Index, IndexError, Kind, Prices, Register, Source, Synced};

use super::context::Context;
use super::failure::{Exit, Failure, Result};

/// A contract with its index, current to a block.
pub(super) struct Current {
    pub(super) chain: Chain,
    pub(super) index: Index,
    pub(super) source: Source,
    pub(super) synced: Synced,
}

impl Context {
    /// The index of a contract, brought up to the chain's last block; progress is shown on a terminal.
    pub(super) async fn current(&self, target: &Target) -> Result<Current> {
        let chain = self.chain().await?;
        let index = self.index().await?;
        let (kind, first) = self.indexed(target)?;
        let source = index
            .source(&chain, (kind, target.address()), first)
            .await?;
        let bar = self.progress("blocks read");
        let synced = index
            .sync(&chain, &source, |done, of| {
                bar.set_length(of);
                bar.set_position(done);
            })
            .await;
        bar.finish_and_clear();
        Ok(Current {
            chain,
            index,
            source,
            synced: synced?,
        })
    }

    /// The kind of a contract in the index, and the block of its deployment if the profile has it.
    fn indexed(&self, target: &Target) -> Result<(Kind, Option<u64>)> {
        let profile = self.settings.profile();
        Ok(match target.kind() {
            ContractKind::Security => {
                let mut securities = profile.securities.iter();
                let known = securities.find(|security| security.token == target.address());
                (Kind::Security, known.and_then(|security| security.block))
            }
            ContractKind::Coin => (Kind::Coin, None),
            ContractKind::Settlement => (Kind::Settlement, profile.addresses.settlement_block),
            other => return Err(Failure::usage(format!("there is no index of {other}"))),
        })
    }

    /// What was paid for a security in settlements of this venue; nothing if the profile has no settlement contract.
    pub(super) async fn prices(&self, security: Address) -> Result<Prices> {
        let Ok(target) = self.settlement_target() else {
            return Ok(Prices::default());
        };
        let venue = self.current(&target).await?;
        Ok(venue.index.prices(&venue.source, security).await?)
    }

    /// Who is behind wallets, if there is a book that knows.
    pub(super) async fn directory(&self) -> Result<Directory> {
        match self.board_if_any().await? {
            Some(board) => Ok(board.directory().await?),
            None => Ok(Directory::default()),
        }
    }
}

impl Current {
    /// The block that a moment means.
    pub(super) async fn block(&self, at: At) -> Result<Block> {
        let tip = self.synced.to;
        let block = match at {
            At::Now => tip,
            At::Block(number) if number > tip.number => {
                return Err(IndexError::Ahead {
                    asked: number,
                    known: tip.number,
                }
                .into());
            }
            At::Block(number) => {
                let found = self.chain.block(number).await?;
                found.ok_or_else(|| Failure::usage(format!("the chain has no block {number}")))?
            }
            At::Time(second) if second > tip.time => {
                return Err(IndexError::Future {
                    block: tip.number,
                    reached: tip.time,
                    asked: second,
                }
                .into());
            }
            At::Time(second) => {
                let found = self.chain.block_at(second, tip).await?;
                found.ok_or(IndexError::Before {
                    first: self.source.first_block,
                })?
            }
        };
        if block.number < self.source.first_block {
            return Err(IndexError::Before {
                first: self.source.first_block,
            }
            .into());
        }
        Ok(block)
    }

    /// Compares a register with the chain at its block. If the node has not kept that block's state, that is returned as
    /// words where `unverified` allows it, and is a failure otherwise.
    pub(super) async fn verified(
        &self,
        register: &Register,
        unverified: bool,
    ) -> Result<Option<String>> {
        match register.verify(&self.chain).await {
            Ok(()) => Ok(None),
            Err(IndexError::Chain(error @ ChainError::Node { .. })) => {
                let words = format!(
                    "block {} could not be compared with the contract: {error}",
                    register.block.number
                );
                if unverified {
                    return Ok(Some(words));
                }
                Err(Failure::new(Exit::Chain, "STATE_NOT_KEPT", words).hint(
                    "ask a node that keeps old states with --rpc-url, or show it anyway with --unverified",
                ))
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// A moment of the chain's past.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) enum At {
    /// The last block.
    #[default]
    Now,
    /// A block.
    Block(u64),
    /// The last block that is not after this second.
    Time(u64),
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Now => f.write_str("now"),
            Self::Block(number) => write!(f, "block {number}"),
            Self::Time(second) => f.write_str(&time(*second)),
        }
    }
}

impl FromStr for At {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        if text == "now" {
            return Ok(Self::Now);
        }
        let number = text.strip_prefix("block:").unwrap_or(text);
        if !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()) {
            let plain = number.len() == text.len();
            if let (true, Some(date)) = (plain, date_of(text)) {
                return Err(format!(
                    "`{text}`: write {date} for the day, block:{text} for the block"
                ));
            }
            let block = number
                .parse()
                .map_err(|_| format!("there is no block {number}"));
            return block.map(Self::Block);
        }
        match text.parse::<Moment>() {
            Ok(Moment::At(second)) => Ok(Self::Time(second)),
            Ok(Moment::In(_)) => Err(format!(
                "`{text}` is a duration: write a day, an instant, a block number or now"
            )),
            Err(error) => Err(error.to_string()),
        }
    }
}

/// The day that eight digits may have meant.
fn date_of(digits: &str) -> Option<String> {
    let (year, rest) = digits.split_at_checked(4)?;
    let (month, of_month) = rest.split_at_checked(2)?;
    let date = format!("{year}-{month}-{of_month}");
    (of_month.len() == 2 && day(&date).is_ok()).then_some(date)
}

/// The investor whom a word means: a code, a wallet, or a name of the directory.
pub(super) fn investor(
    context: &Context,
    register: &Register,
    directory: &Directory,
    text: &str,
) -> Result<B256> {
    if let Ok(address) = context.account(text) {
        let known = register.wallet(register.successor(address));
        if let Some(wallet) = known.filter(|wallet| !wallet.investor.is_zero()) {
            return Ok(wallet.investor);
        }
    }
    if let Ok(id) = investor_id(text)
        && register.knows(id)
    {
        return Ok(id);
    }
    let mut named = directory.called(text);
    match (named.next(), named.next()) {
        (Some(one), None) => Ok(one),
        (Some(_), Some(_)) => Err(Failure::usage(format!(
            "several investors are called '{text}': give the code"
        ))),
        _ => Err(IndexError::Unknown(text.to_owned()).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_of_the_past_is_a_block_a_time_or_now() {
        for (text, at) in [
            ("now", At::Now),
            ("4711", At::Block(4_711)),
            ("block:20300131", At::Block(20_300_131)),
            ("312345678", At::Block(312_345_678)),
            ("@1830442291", At::Time(1_830_442_291)),
            ("1970-01-02", At::Time(86_400)),
        ] {
            assert_eq!(text.parse(), Ok(at), "{text}");
        }
    }

    #[test]
    fn what_may_be_a_day_or_a_block_is_refused_with_both_readings() {
        let said = "20300131".parse::<At>().unwrap_err();
        assert_eq!(
            said,
            "`20300131`: write 2030-01-31 for the day, block:20300131 for the block"
        );
        assert_eq!("20301331".parse(), Ok(At::Block(20_301_331)));
        assert!("30d".parse::<At>().unwrap_err().contains("is a duration"));
        for bad in ["", "block:", "31.01.2030", "99999999999999999999"] {
            assert!(bad.parse::<At>().is_err(), "{bad}");
        }
    }
}
