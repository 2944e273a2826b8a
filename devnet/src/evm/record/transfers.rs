//! Logs, and transfers of ether as logs of a token: what `eth_simulateV1` answers with `traceTransfers`.

use revm::{
    interpreter::{CallInputs, CreateInputs},
    primitives::{Address, B256, Log, LogData, U256, address, keccak256},
};

/// The account that "emits" the logs of ether.
const ETHER: Address = address!("eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee");

/// The logs so far.
#[derive(Debug, Default)]
pub(crate) struct TransferLog {
    logs: Vec<Log>,
    /// The number of logs when each frame on the stack began.
    frames: Vec<usize>,
}

impl TransferLog {
    pub(crate) fn into_logs(self) -> Vec<Log> {
        self.logs
    }

    fn transfer(&mut self, from: Address, to: Address, wei: U256) {
        if wei.is_zero() {
            return;
        }
        let topics = vec![
            keccak256("Transfer(address,address,uint256)"),
            from.into_word(),
            to.into_word(),
        ];
        self.logs.push(Log {
            address: ETHER,
            data: LogData::new_unchecked(topics, B256::from(wei).to_vec().into()),
        });
    }

    pub(super) fn enter_call(&mut self, inputs: &CallInputs) {
        self.frames.push(self.logs.len());
        if let Some(wei) = inputs.transfer_value() {
            self.transfer(inputs.caller, inputs.target_address, wei);
        }
    }

    pub(super) fn enter_creation(&mut self, inputs: &CreateInputs, created: Address) {
        self.frames.push(self.logs.len());
        self.transfer(inputs.caller(), created, inputs.value());
    }

    pub(super) fn exit(&mut self, success: bool) {
        if let Some(before) = self.frames.pop()
            && !success
        {
            self.logs.truncate(before);
        }
    }

    pub(super) fn log(&mut self, log: Log) {
        self.logs.push(log);
    }

    pub(super) fn destroyed(&mut self, contract: Address, heir: Address, wei: U256) {
        self.transfer(contract, heir, wei);
    }
}
