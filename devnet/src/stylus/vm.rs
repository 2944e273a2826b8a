//! What a running program needs from the chain.

use revm::primitives::{Address, B256, Bytes, U256};

/// The chain's database failed. The implementor of [`Vm`] keeps the error; the program only ends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fatal;

/// What does not change while a program runs.
#[derive(Clone, Debug)]
pub(crate) struct Environment {
    pub(crate) chain_id: u64,
    /// Wei per gas.
    pub(crate) base_fee: U256,
    pub(crate) coinbase: Address,
    pub(crate) block_gas_limit: u64,
    pub(crate) block_number: u64,
    /// Seconds since the epoch.
    pub(crate) timestamp: u64,
    /// The account whose storage and balance the program acts on.
    pub(crate) address: Address,
    pub(crate) caller: Address,
    /// Wei.
    pub(crate) value: U256,
    pub(crate) origin: Address,
    /// Wei per gas.
    pub(crate) gas_price: U256,
    /// Whether [`Self::address`] already runs further up the call stack.
    pub(crate) reentrant: bool,
    /// Whether state changes are forbidden.
    pub(crate) is_static: bool,
    /// See [`crate::rules::Rules`].
    pub(crate) short_page_counts: bool,
}

/// The three kinds of call that a program can make.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum CallKind {
    /// With this value, in wei.
    Call(U256),
    Delegate,
    Static,
}

/// How a call or creation ended.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) success: bool,
    /// The created account.
    pub(crate) address: Address,
    pub(crate) output: Bytes,
    /// The price for the calling program.
    pub(crate) gas: u64,
}

/// A value, and whether this was its first access in the transaction (EIP-2929).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Access<T> {
    pub(crate) value: T,
    pub(crate) cold: bool,
}

/// A host call that has succeeded, as a tracer sees it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct HostCall {
    /// The import, or `user_entrypoint` and `user_returned` for the program's own beginning and end.
    pub(crate) name: &'static str,
    /// The arguments, in Nitro's encoding: numbers big-endian, pointers replaced by what they point to.
    pub(crate) args: Vec<u8>,
    /// The result, in the same encoding.
    pub(crate) outs: Vec<u8>,
    /// Ink left before the call paid for itself.
    pub(crate) start_ink: u64,
    /// Ink left after it.
    pub(crate) end_ink: u64,
}

/// The chain as one running program sees it. All storage is that of [`Environment::address`].
pub(crate) trait Vm {
    fn environment(&self) -> &Environment;
    fn load(&mut self, key: U256) -> Result<Access<U256>, Fatal>;
    /// Writes storage if `gas` pays for it; returns the price, or `None` when it is above `gas`.
    fn store(&mut self, key: U256, value: U256, gas: u64) -> Result<Option<u64>, Fatal>;
    fn transient_load(&mut self, key: U256) -> U256;
    fn transient_store(&mut self, key: U256, value: U256);
    fn balance(&mut self, account: Address) -> Result<Access<U256>, Fatal>;
    fn code(&mut self, account: Address) -> Result<Access<Bytes>, Fatal>;
    fn code_hash(&mut self, account: Address) -> Result<Access<B256>, Fatal>;
    fn log(&mut self, topics: Vec<B256>, data: Bytes);
    /// Calls with at most `gas_requested` of the `gas_left`.
    fn call(
        &mut self,
        kind: CallKind,
        to: Address,
        input: Bytes,
        gas_left: u64,
        gas_requested: u64,
    ) -> Result<Answer, Fatal>;
    /// Creates an account, at an address that depends on `salt` if given; `None` when `gas_left` does not
    /// even pay for starting.
    fn create(
        &mut self,
        code: Bytes,
        value: U256,
        salt: Option<U256>,
        gas_left: u64,
    ) -> Result<Option<Answer>, Fatal>;
    /// Opens pages of memory and returns their price in gas.
    fn add_pages(&mut self, pages: u16) -> u64;
    /// Whether every host call must be reported to [`Self::host_called`].
    fn traced(&self) -> bool;
    /// A host call has succeeded.
    fn host_called(&mut self, call: HostCall);
}
