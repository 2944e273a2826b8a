//! What the functions with several answers return.

use authority::abi::{Answer, Return};
use stylus_sdk::abi::{AbiType, ConstString};

pub(crate) use self::sol::*;

#[allow(missing_docs, reason = "the macro copies no docs to fields")]
mod sol {
    use alloy_sol_types::sol;

    sol! {
        /// A number of 32 bits.
        #[derive(Debug, PartialEq, Eq)]
        struct Count {
            uint32 count;
        }

        /// Wallets.
        #[derive(Debug, PartialEq, Eq)]
        struct WalletList {
            address[] wallets;
        }

        /// What the registry and the enforcer say of a wallet.
        #[derive(Debug, PartialEq, Eq)]
        struct WalletRecord {
            bytes32 investorId;
            uint8 group;
            uint16 country;
            uint64 kycExpiry;
            bool frozen;
            bool sanctioned;
        }

        /// The limits; 0: none.
        #[derive(Debug, PartialEq, Eq)]
        struct Limits {
            uint256 maxPerInvestor;
            uint16 maxBipsPerInvestor;
            uint32 maxHolders;
            uint256 minHolding;
            uint256 granularity;
        }

        /// Holders in a group and their limit (0: none).
        #[derive(Debug, PartialEq, Eq)]
        struct GroupHolders {
            uint32 count;
            uint32 limit;
        }

        /// Locks in force.
        #[derive(Debug, PartialEq, Eq)]
        struct LockList {
            uint256[] amounts;
            uint64[] releaseTimes;
        }

        /// A vesting schedule.
        #[derive(Debug, PartialEq, Eq)]
        struct Vesting {
            uint256 amount;
            uint256 vested;
            uint64 start;
            uint32 cliff;
            uint32 period;
            uint16 periods;
            uint16 firstBips;
            bool revocable;
            bool revoked;
        }
    }
}

impl Return for Count {
    fn write(self, answer: &mut Answer) {
        answer.integer(self.count.into());
    }
}

impl Return for WalletList {
    fn write(self, answer: &mut Answer) {
        // The only part without a fixed length may follow the head directly.
        answer.integer(32);
        answer.integer(self.wallets.len() as u64);
        for wallet in self.wallets {
            wallet.write(answer);
        }
    }
}

impl Return for WalletRecord {
    fn write(self, answer: &mut Answer) {
        self.investorId.write(answer);
        self.group.write(answer);
        answer.integer(self.country.into());
        self.kycExpiry.write(answer);
        self.frozen.write(answer);
        self.sanctioned.write(answer);
    }
}

impl Return for Limits {
    fn write(self, answer: &mut Answer) {
        self.maxPerInvestor.write(answer);
        answer.integer(self.maxBipsPerInvestor.into());
        answer.integer(self.maxHolders.into());
        self.minHolding.write(answer);
        self.granularity.write(answer);
    }
}

impl Return for GroupHolders {
    fn write(self, answer: &mut Answer) {
        answer.integer(self.count.into());
        answer.integer(self.limit.into());
    }
}

impl Return for LockList {
    fn write(self, answer: &mut Answer) {
        let length = self.amounts.len() as u64;
        answer.integer(64);
        answer.integer(length.saturating_add(3).saturating_mul(32));
        answer.integer(length);
        for amount in self.amounts {
            amount.write(answer);
        }
        answer.integer(length);
        for release_time in self.releaseTimes {
            release_time.write(answer);
        }
    }
}

impl Return for Vesting {
    fn write(self, answer: &mut Answer) {
        self.amount.write(answer);
        self.vested.write(answer);
        self.start.write(answer);
        answer.integer(self.cliff.into());
        answer.integer(self.period.into());
        answer.integer(self.periods.into());
        answer.integer(self.firstBips.into());
        self.revocable.write(answer);
        self.revoked.write(answer);
    }
}

/// How an answer stands in the exported ABI: as its values, not as a struct.
macro_rules! exported {
    ($answer:ident, $types:literal, $values:literal) => {
        impl AbiType for $answer {
            type SolType = Self;

            const ABI: ConstString = ConstString::new($types);
            const EXPORT_ABI_RET: ConstString = ConstString::new($values);
        }
    };
}

exported!(Count, "uint32", "uint32");
exported!(WalletList, "address[]", "address[] memory");
exported!(
    WalletRecord,
    "(bytes32,uint8,uint16,uint64,bool,bool)",
    "(bytes32 investorId, uint8 group, uint16 country, uint64 kycExpiry, bool frozen, bool sanctioned)"
);
exported!(
    Limits,
    "(uint256,uint16,uint32,uint256,uint256)",
    "(uint256 maxPerInvestor, uint16 maxBipsPerInvestor, uint32 maxHolders, uint256 minHolding, \
     uint256 granularity)"
);
exported!(
    GroupHolders,
    "(uint32,uint32)",
    "(uint32 count, uint32 limit)"
);
exported!(
    LockList,
    "(uint256[],uint64[])",
    "(uint256[] memory amounts, uint64[] memory releaseTimes)"
);
exported!(
    Vesting,
    "(uint256,uint256,uint64,uint32,uint32,uint16,uint16,bool,bool)",
    "(uint256 amount, uint256 vested, uint64 start, uint32 cliff, uint32 period, uint16 periods, \
     uint16 firstBips, bool revocable, bool revoked)"
);
