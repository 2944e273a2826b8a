//! The contract against mock tokens and wallets. What the mock host cannot show (time, the host's refusal of reentrant
//! calls, gas, accounts without code) is tested on a chain, in the acceptance scenarios.

mod administration;
mod cancellation;
mod committing;
mod firm;
mod fixture;
mod hostile;
mod interface;
mod preflight;
mod reentrancy;
mod registration;
mod settling;
mod signed;
mod standards;
mod token;
mod vectors;
mod wallet;
