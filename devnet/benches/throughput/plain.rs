//! The reference: the coin's transfers on revm with a hash map as its database, and nothing else.

use crate::{bytecode, measure};
use alloy::primitives::{Address, Bytes, TxKind, U256};
use revm::{
    Context, ExecuteCommitEvm, MainBuilder, MainContext,
    context::TxEnv,
    database::{CacheDB, EmptyDB},
    state::AccountInfo,
};
use std::time::Duration;

const SENDER: Address = Address::repeat_byte(1);
const PAYEE: Address = Address::repeat_byte(0xee);

/// How long the transfers take.
pub(crate) fn transfers() -> Duration {
    let mut database = CacheDB::new(EmptyDB::default());
    database.insert_account_info(SENDER, AccountInfo::from_balance(U256::MAX >> 1));
    let mut evm = Context::mainnet().with_db(database).build_mainnet();
    let coin = SENDER.create(0);
    let creation = transaction(0, TxKind::Create, bytecode::COIN);
    assert!(
        evm.transact_commit(creation)
            .expect("the coin is created")
            .is_success()
    );
    let data = bytecode::transfer(&PAYEE.to_string(), 1);
    measure(|index| {
        let transfer = transaction(index + 1, TxKind::Call(coin), &data);
        let outcome = evm.transact_commit(transfer).expect("a valid transfer");
        assert!(outcome.is_success());
    })
}

fn transaction(nonce: u64, kind: TxKind, data: &str) -> TxEnv {
    TxEnv {
        caller: SENDER,
        nonce,
        kind,
        data: data.parse::<Bytes>().expect("hexadecimal"),
        gas_limit: 500_000,
        ..TxEnv::default()
    }
}
