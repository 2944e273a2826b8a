//! The file of a distribution: who gets what, and why. It is made once; the root in it is what is opened, and
//! everything else (paying, status, report) is worked out from it and the chain.

use std::io::{Read, Write};

use alloy::primitives::{Address, B256, U256};
use book::market::amount::plain;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use super::DistributionError;
use super::record::{Held, Record};
use super::shares::{self, Basis, Withholding};
use super::tree::{Place, Tree};
use crate::chain::abi::IDistribution::{Claim, openCall};
use crate::chain::act::distribution_id;
use crate::error::DeskError;

/// What the file begins with, and how it is read.
const FORMAT: &str = "orderbook distribution 1";

/// Where a distribution takes place, and who pays.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Stage {
    /// The chain.
    pub chain_id: u64,
    /// The distribution contract.
    pub distribution: Address,
    /// The coin that it pays.
    pub coin: Address,
    /// The wallet that opens it and pays the total.
    pub funder: Address,
    /// The security.
    pub security: Address,
    /// Its ticker.
    pub symbol: String,
    /// Its decimals.
    pub decimals: u8,
}

/// What must be decided besides who held what.
#[derive(Clone, Debug)]
pub struct Terms {
    /// What is distributed.
    pub basis: Basis,
    /// The same as it was typed.
    pub words: String,
    /// What is withheld, by country.
    pub withholding: Withholding,
    /// SHA-256 of the notice of the distribution, or zero.
    pub document_hash: B256,
    /// The last second in which it may be claimed.
    pub claim_until: u64,
}

/// One holder's share. Amounts are base units of the coin.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Share {
    /// The index of its leaf; none if nothing is paid.
    pub index: Option<u64>,
    /// The wallet.
    pub wallet: Address,
    /// Its investor's id.
    pub investor: B256,
    /// Its investor's country, ISO 3166-1 numeric.
    pub country: u16,
    /// Base units of the security at the record block.
    #[serde(serialize_with = "write_units", deserialize_with = "read_units")]
    pub holding: U256,
    /// What the holding earns.
    #[serde(serialize_with = "write_units", deserialize_with = "read_units")]
    pub gross: U256,
    /// How much of it is withheld.
    #[serde(serialize_with = "write_units", deserialize_with = "read_units")]
    pub withheld: U256,
    /// What is paid.
    #[serde(serialize_with = "write_units", deserialize_with = "read_units")]
    pub net: U256,
}

/// The whole file.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    format: String,
    /// Where.
    pub stage: Stage,
    /// When.
    pub record: Record,
    /// What, in words.
    pub basis: String,
    /// All base units of the security at the record block.
    #[serde(serialize_with = "write_units", deserialize_with = "read_units")]
    pub supply: U256,
    /// SHA-256 of the notice, or zero.
    pub document_hash: B256,
    /// The last second in which a share may be claimed.
    pub claim_until: u64,
    /// The id on chain, which follows from all of it.
    pub id: B256,
    /// The root of the tree.
    pub root: B256,
    /// The sum of what is paid.
    #[serde(serialize_with = "write_units", deserialize_with = "read_units")]
    pub total: U256,
    /// Every holder, by wallet.
    pub shares: Vec<Share>,
}

impl Plan {
    /// Works everything out.
    ///
    /// # Errors
    /// `Overflow`; `Distribution` with `Nothing` when nobody is paid anything.
    pub fn of(
        stage: Stage,
        record: Record,
        held: &[Held],
        terms: Terms,
    ) -> Result<Self, DeskError> {
        let holders: Vec<_> = held.iter().map(Held::holder).collect();
        let Terms {
            basis,
            words,
            withholding,
            document_hash,
            claim_until,
        } = terms;
        let splits = shares::split(&holders, stage.decimals, basis, &withholding)
            .ok_or(DeskError::Overflow)?;
        let mut paid = 0;
        let shares = held.iter().zip(splits).map(|(held, split)| {
            let net = split.net();
            let index = (!net.is_zero()).then(|| {
                paid += 1;
                paid - 1
            });
            Share {
                index,
                wallet: held.wallet,
                investor: held.investor,
                country: held.country,
                holding: held.holding,
                gross: split.gross,
                withheld: split.withheld,
                net,
            }
        });
        let mut plan = Self {
            format: FORMAT.into(),
            stage,
            record,
            basis: words,
            supply: sum(held.iter().map(|held| held.holding)).ok_or(DeskError::Overflow)?,
            document_hash,
            claim_until,
            id: B256::ZERO,
            root: B256::ZERO,
            total: U256::ZERO,
            shares: shares.collect(),
        };
        plan.total = sum(plan.shares.iter().map(|share| share.net)).ok_or(DeskError::Overflow)?;
        let nothing = "every amount is less than one base unit of the coin";
        let tree = plan.tree().ok_or(DistributionError::Nothing(nothing))?;
        plan.root = tree.root();
        plan.id = plan.expected_id();
        Ok(plan)
    }

    /// Reads a file and works it out again.
    ///
    /// # Errors
    /// `File` when it cannot be read; `Distribution` with `Altered` when it contradicts itself.
    pub fn read(file: impl Read) -> Result<Self, DeskError> {
        let plan: Self =
            serde_json::from_reader(file).map_err(|e| DeskError::File(e.to_string()))?;
        let altered = |what: String| Err(DistributionError::Altered(what).into());
        if plan.format != FORMAT {
            return altered(format!("its format is '{}', not '{FORMAT}'", plan.format));
        }
        let mut next = 0;
        let mut before = None;
        let mut total = U256::ZERO;
        for share in &plan.shares {
            let wallet = share.wallet;
            if before
                .replace(wallet)
                .is_some_and(|before| before >= wallet)
            {
                return altered(format!("wallet {wallet} is out of order"));
            }
            let expected = (!share.net.is_zero()).then_some(next);
            if share.index != expected {
                return altered(format!("the index of {wallet} is not the next one"));
            }
            next += u64::from(expected.is_some());
            if share.gross.checked_sub(share.withheld) != Some(share.net) {
                return altered(format!("gross less withheld of {wallet} is not its net"));
            }
            total = total.checked_add(share.net).ok_or(DeskError::Overflow)?;
        }
        if total != plan.total {
            let (said, sum) = (plan.total, total);
            return altered(format!(
                "its total is {said}, but the shares add up to {sum}"
            ));
        }
        match plan.tree().map(|tree| tree.root()) {
            Some(root) if root == plan.root => {}
            Some(root) => return altered(format!("the root of its shares is {root}")),
            None => return altered("it has no shares".into()),
        }
        let id = plan.expected_id();
        if id != plan.id {
            return altered(format!("its terms have the id {id}"));
        }
        Ok(plan)
    }

    /// Writes the file.
    ///
    /// # Errors
    /// `File`.
    pub fn write(&self, mut file: impl Write) -> Result<(), DeskError> {
        let failed = |e: String| DeskError::File(e);
        serde_json::to_writer_pretty(&mut file, self).map_err(|e| failed(e.to_string()))?;
        file.write_all(b"\n").map_err(|e| failed(e.to_string()))
    }

    /// What opens it.
    pub fn opening(&self) -> openCall {
        openCall {
            root: self.root,
            security: self.stage.security,
            recordBlock: self.record.block,
            recordBlockHash: self.record.hash,
            total: self.total,
            documentHash: self.document_hash,
            claimUntil: self.claim_until,
        }
    }

    /// The shares that are paid, in the order of their indices.
    pub fn paid(&self) -> impl Iterator<Item = &Share> {
        self.shares.iter().filter(|share| share.index.is_some())
    }

    /// The tree of the shares; `None` when nothing is paid.
    pub fn tree(&self) -> Option<Tree> {
        let place = Place {
            chain_id: self.stage.chain_id,
            distribution: self.stage.distribution,
            security: self.stage.security,
            record_block: self.record.block,
        };
        let leaf = |share: &Share| Some(place.leaf(share.index?, share.wallet, share.net));
        let leaves: Vec<_> = self.shares.iter().filter_map(leaf).collect();
        Tree::of(&leaves)
    }

    /// Gross and withheld of all holders, for people: in the coin.
    pub fn sums(&self, coin_decimals: u8) -> (String, String) {
        let sum = |amount: fn(&Share) -> U256| {
            let sum = self.shares.iter().map(amount);
            // The sum was checked when the plan was made or read.
            plain(sum.fold(U256::ZERO, U256::saturating_add), coin_decimals)
        };
        (sum(|share| share.gross), sum(|share| share.withheld))
    }

    fn expected_id(&self) -> B256 {
        let Stage {
            chain_id,
            distribution,
            funder,
            ..
        } = self.stage;
        distribution_id(chain_id, distribution, funder, &self.opening())
    }
}

/// The claim of a share with its proof; `None` for one that is not paid.
pub fn claim(share: &Share, tree: &Tree) -> Option<Claim> {
    let index = share.index?;
    Some(Claim {
        index: U256::from(index),
        wallet: share.wallet,
        amount: share.net,
        proof: tree.proof(usize::try_from(index).ok()?)?,
    })
}

/// `None` if it exceeds 256 bits.
fn sum(mut amounts: impl Iterator<Item = U256>) -> Option<U256> {
    amounts.try_fold(U256::ZERO, U256::checked_add)
}

/// Base units in decimal digits, which every program reads whole.
#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn write_units<S: Serializer>(units: &U256, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(units)
}

fn read_units<'de, D: Deserializer<'de>>(deserializer: D) -> Result<U256, D::Error> {
    let digits = String::deserialize(deserializer)?;
    U256::from_str_radix(&digits, 10).map_err(|e| D::Error::custom(format!("'{digits}': {e}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn plan() -> Plan {
        let stage = Stage {
            chain_id: 412_346,
            distribution: Address::repeat_byte(0xd1),
            coin: Address::repeat_byte(0xc0),
            funder: Address::repeat_byte(0xf0),
            security: Address::repeat_byte(0x5e),
            symbol: "HRBR".into(),
            decimals: 6,
        };
        let record = Record {
            block: 40,
            hash: B256::repeat_byte(0xbb),
            time: 2_000_000_000,
        };
        let held = |(byte, holding): (u8, u64)| Held {
            wallet: Address::with_last_byte(byte),
            investor: B256::repeat_byte(byte),
            country: 840,
            holding: U256::from(holding),
        };
        let held = [(1, 1_000_000), (2, 0), (3, 2_500_000)].map(held);
        let terms = Terms {
            basis: Basis::parse("1.25-per-token", 6).unwrap(),
            words: "1.25-per-token".into(),
            withholding: Withholding::new(),
            document_hash: B256::ZERO,
            claim_until: 2_100_000_000,
        };
        Plan::of(stage, record, &held, terms).unwrap()
    }

    fn text(plan: &Plan) -> String {
        let mut bytes = Vec::new();
        plan.write(&mut bytes).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_plan_numbers_those_who_are_paid_and_adds_them_up() {
        let plan = plan();
        let indices: Vec<_> = plan.shares.iter().map(|share| share.index).collect();
        assert_eq!(indices, [Some(0), None, Some(1)]);
        assert_eq!(plan.total, U256::from(1_250_000 + 3_125_000));
        assert_eq!(plan.supply, U256::from(3_500_000));
        assert_eq!(plan.sums(6), ("4.375".into(), "0".into()));
        let tree = plan.tree().unwrap();
        let claims: Vec<_> = plan
            .shares
            .iter()
            .map(|share| claim(share, &tree))
            .collect();
        assert!(claims[1].is_none());
        let second = claims[2].as_ref().unwrap();
        assert_eq!((second.index, second.proof.len()), (U256::from(1), 1));
    }

    #[test]
    fn a_written_plan_reads_back_the_same() {
        let plan = plan();
        assert_eq!(Plan::read(text(&plan).as_bytes()).unwrap(), plan);
    }

    #[test]
    fn a_plan_that_was_altered_is_refused_with_what_does_not_fit() {
        let whole = text(&plan());
        for (from, to, why) in [
            (
                "\"net\": \"1250000\"",
                "\"net\": \"1250001\"",
                "is not its net",
            ),
            (
                "\"total\": \"4375000\"",
                "\"total\": \"4375001\"",
                "add up to 4375000",
            ),
            ("\"index\": 1", "\"index\": 2", "not the next one"),
            ("\"block\": 40", "\"block\": 41", "the root of its shares"),
            (
                "\"claim_until\": 2100000000",
                "\"claim_until\": 2100000001",
                "have the id",
            ),
            ("distribution 1", "distribution 2", "its format is"),
        ] {
            let altered = whole.replacen(from, to, 1);
            assert_ne!(altered, whole, "{from}");
            let error = Plan::read(altered.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(why), "{from}: {error}");
        }
        let mut swapped = plan();
        let first = swapped.shares[0].wallet;
        swapped.shares[0].wallet = swapped.shares[2].wallet;
        swapped.shares[2].wallet = first;
        let error = Plan::read(text(&swapped).as_bytes())
            .unwrap_err()
            .to_string();
        assert!(error.contains("out of order"), "{error}");
        assert!(matches!(Plan::read(&b"{}"[..]), Err(DeskError::File(_))));
    }
}
