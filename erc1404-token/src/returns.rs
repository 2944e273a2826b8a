//! What functions with several return values return.

use runtime::{
    abi::{Encoder, Return},
    exported,
};

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

        /// Classes of groups with their limits and holders.
        #[derive(Debug, Default, PartialEq, Eq)]
        struct ClassList {
            uint256[] groups;
            uint32[] maxHolders;
            uint32[] holders;
        }

        /// A live hold, or zeros.
        #[derive(Debug, PartialEq, Eq)]
        struct Hold {
            uint256 amount;
            uint64 until;
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
    fn write(self, encoder: &mut Encoder) {
        encoder.integer(self.count.into());
    }
}

impl Return for WalletList {
    fn write(self, encoder: &mut Encoder) {
        // The only part without a fixed length may follow the head directly.
        encoder.integer(32);
        encoder.integer(self.wallets.len() as u64);
        for wallet in self.wallets {
            wallet.write(encoder);
        }
    }
}

impl Return for WalletRecord {
    fn write(self, encoder: &mut Encoder) {
        self.investorId.write(encoder);
        self.group.write(encoder);
        encoder.integer(self.country.into());
        self.kycExpiry.write(encoder);
        self.frozen.write(encoder);
        self.sanctioned.write(encoder);
    }
}

impl Return for Limits {
    fn write(self, encoder: &mut Encoder) {
        self.maxPerInvestor.write(encoder);
        encoder.integer(self.maxBipsPerInvestor.into());
        encoder.integer(self.maxHolders.into());
        self.minHolding.write(encoder);
        self.granularity.write(encoder);
    }
}

impl Return for GroupHolders {
    fn write(self, encoder: &mut Encoder) {
        encoder.integer(self.count.into());
        encoder.integer(self.limit.into());
    }
}

impl Return for LockList {
    fn write(self, encoder: &mut Encoder) {
        let length = self.amounts.len() as u64;
        offsets(encoder, 2, length);
        list(encoder, length, self.amounts);
        list(encoder, length, self.releaseTimes);
    }
}

impl Return for ClassList {
    fn write(self, encoder: &mut Encoder) {
        let length = self.groups.len() as u64;
        offsets(encoder, 3, length);
        list(encoder, length, self.groups);
        list(encoder, length, self.maxHolders.into_iter().map(u64::from));
        list(encoder, length, self.holders.into_iter().map(u64::from));
    }
}

/// The head of `count` lists of one length.
#[inline(never)]
fn offsets(encoder: &mut Encoder, count: u64, length: u64) {
    let size = length.saturating_add(1).saturating_mul(32);
    for i in 0..count {
        let before = count.saturating_mul(32);
        encoder.integer(before.saturating_add(size.saturating_mul(i)));
    }
}

fn list(encoder: &mut Encoder, length: u64, items: impl IntoIterator<Item = impl Return>) {
    encoder.integer(length);
    for item in items {
        item.write(encoder);
    }
}

impl Return for Hold {
    fn write(self, encoder: &mut Encoder) {
        self.amount.write(encoder);
        self.until.write(encoder);
    }
}

impl Return for Vesting {
    fn write(self, encoder: &mut Encoder) {
        self.amount.write(encoder);
        self.vested.write(encoder);
        self.start.write(encoder);
        encoder.integer(self.cliff.into());
        encoder.integer(self.period.into());
        encoder.integer(self.periods.into());
        encoder.integer(self.firstBips.into());
        self.revocable.write(encoder);
        self.revoked.write(encoder);
    }
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
    ClassList,
    "(uint256[],uint32[],uint32[])",
    "(uint256[] memory groups, uint32[] memory maxHolders, uint32[] memory holders)"
);
exported!(Hold, "(uint256,uint64)", "(uint256 amount, uint64 until)");
exported!(
    Vesting,
    "(uint256,uint256,uint64,uint32,uint32,uint16,uint16,bool,bool)",
    "(uint256 amount, uint256 vested, uint64 start, uint32 cliff, uint32 period, uint16 periods, \
     uint16 firstBips, bool revocable, bool revoked)"
);
