//! Acts of the coin's issuer.

#![allow(clippy::wildcard_imports)] // The whole interface.

use super::{Expected, Kind, provable};
use crate::chain::abi::ITsUSDC::*;

provable! { &[Kind::Coin];
    attestReservesCall => |call, sent| [Expected::exactly(
        sent.contract,
        &ReservesAttested {
            reserves: call.reserves,
            asOf: call.asOf,
            attestor: sent.sender,
            evidence: call.evidence,
        },
    )];
    setReserveMaxAgeCall => |call, sent| [Expected::exactly(
        sent.contract,
        &ReserveMaxAgeSet { maxAge: call.maxAge },
    )];
    configureMinterCall => |call, sent| [Expected::exactly(
        sent.contract,
        &MinterConfigured { minter: call.minter, minterAllowedAmount: call.minterAllowedAmount },
    )];
    removeMinterCall => |call, sent| [Expected::exactly(
        sent.contract,
        &MinterRemoved { oldMinter: call.minter },
    )];
    mintCall => |call, sent| [Expected::exactly(
        sent.contract,
        &Mint { minter: sent.sender, to: call.to, amount: call.amount },
    )];
    mintWithReferenceCall => |call, sent| [
        Expected::exactly(
            sent.contract,
            &Mint { minter: sent.sender, to: call.to, amount: call.amount },
        ),
        Expected::exactly(
            sent.contract,
            &BankReference {
                bankReference: call.bankReference,
                minter: sent.sender,
                isMint: true,
                amount: call.amount,
            },
        ),
    ];
    burnCall => |call, sent| [Expected::exactly(
        sent.contract,
        &Burn { burner: sent.sender, amount: call.amount },
    )];
    burnWithReferenceCall => |call, sent| [
        Expected::exactly(sent.contract, &Burn { burner: sent.sender, amount: call.amount }),
        Expected::exactly(
            sent.contract,
            &BankReference {
                bankReference: call.bankReference,
                minter: sent.sender,
                isMint: false,
                amount: call.amount,
            },
        ),
    ];
    blacklistBatchCall => |call, sent| call.accounts.iter().map(|account| Expected::exactly(
        sent.contract,
        &Blacklisted { account: *account },
    )).collect::<Vec<_>>();
    unBlacklistCall => |call, sent| [Expected::exactly(
        sent.contract,
        &UnBlacklisted { account: call.account },
    )];
    pauseCall => |_, sent| [Expected::exactly(sent.contract, &Pause {})];
    unpauseCall => |_, sent| [Expected::exactly(sent.contract, &Unpause {})];
    seizeCall => |&seizeCall { from, to, orderReference }, sent| [Expected::fitting(
        sent.contract,
        move |event: &Seized| {
            (event.from, event.to, event.orderReference) == (from, to, orderReference)
        },
    )];
    // The coin logs nothing of its own: the token that it sends away does.
    rescueERC20Call => |call, sent| [Expected::exactly(
        call.token,
        &Transfer { from: sent.contract, to: call.to, value: call.amount },
    )];
}
