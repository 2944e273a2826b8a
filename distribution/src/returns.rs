//! What functions with several return values return.

use runtime::{
    abi::{Encoder, Return},
    exported,
};

pub(crate) use self::sol::{DistributionView, Payee};

#[allow(missing_docs, reason = "the macro copies no docs to fields")]
mod sol {
    use alloy_sol_types::sol;

    sol! {
        /// Terms and sums of a distribution.
        #[derive(Debug, PartialEq, Eq)]
        struct DistributionView {
            bytes32 root;
            address security;
            uint64 recordBlock;
            bytes32 recordBlockHash;
            address funder;
            uint256 total;
            uint256 paid;
            uint256 setApart;
            uint256 swept;
            uint64 claimUntil;
            bytes32 documentHash;
        }

        /// Whom a share is paid to, and the code of what prevents it, 0 for nothing.
        #[derive(Debug, PartialEq, Eq)]
        struct Payee {
            address payee;
            uint8 code;
        }
    }
}

impl Return for DistributionView {
    fn write(self, encoder: &mut Encoder) {
        self.root.write(encoder);
        self.security.write(encoder);
        self.recordBlock.write(encoder);
        self.recordBlockHash.write(encoder);
        self.funder.write(encoder);
        self.total.write(encoder);
        self.paid.write(encoder);
        self.setApart.write(encoder);
        self.swept.write(encoder);
        self.claimUntil.write(encoder);
        self.documentHash.write(encoder);
    }
}

impl Return for Payee {
    fn write(self, encoder: &mut Encoder) {
        self.payee.write(encoder);
        self.code.write(encoder);
    }
}

exported!(
    DistributionView,
    "(bytes32,address,uint64,bytes32,address,uint256,uint256,uint256,uint256,uint64,bytes32)",
    "(bytes32 root, address security, uint64 recordBlock, bytes32 recordBlockHash, address funder, uint256 total, \
     uint256 paid, uint256 setApart, uint256 swept, uint64 claimUntil, bytes32 documentHash)"
);
exported!(Payee, "(address,uint8)", "(address payee, uint8 code)");
