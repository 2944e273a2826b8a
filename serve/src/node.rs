//! What a server queries from the chain, behind one interface: tests put another node there, or none.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use alloy::primitives::{Address, B256, Bytes, U256};
use book::board::signature::{ChainUnavailable, ContractSignatures, ContractVerdict};
use book::market::record::OrderRecord;
use desk::chain::abi::IDvPSettlement;
use desk::chain::{Chain, ChainError};
use desk::commitment::Footing;
use desk::eligibility::{self, Standing};
use desk::index::report::Count;
use desk::means::{self, Asset, Means};
use desk::preflight::Reason;
use desk::signing::request::PermitTerms;
use desk::{holder_limits, permit, suggest};
use tokio::sync::OnceCell;

/// What the code of a wallet may use while a sign-in is checked.
const SIGN_IN_GAS: u64 = 200_000;

/// An answer that is still on its way.
pub type Asked<'a, T> = Pin<Box<dyn Future<Output = Result<T, ChainError>> + Send + 'a>>;

/// A wallet at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wallet {
    /// The epoch of its orders at the settlement contract.
    pub epoch: u64,
    /// What each security's registry says about it, in the order in which they were queried.
    pub standings: Vec<Standing>,
}

/// The chain as a server needs it. Order signatures are checked through [`ContractSignatures`], as everywhere.
pub trait Node: ContractSignatures {
    /// What the settlement contract and the registries say about a wallet.
    ///
    /// # Errors
    /// The chain's error.
    fn wallet<'a>(&'a self, wallet: Address, tokens: &'a [Address]) -> Asked<'a, Wallet>;

    /// Whether a wallet with code accepts the signature of a sign-in as its own.
    ///
    /// # Errors
    /// The chain's error.
    fn sign_in<'a>(
        &'a self,
        wallet: Address,
        digest: B256,
        signature: &'a Bytes,
    ) -> Asked<'a, ContractVerdict>;

    /// Every reason that two orders would not settle now.
    ///
    /// # Errors
    /// The chain's error.
    fn preflight<'a>(
        &'a self,
        bid: &'a OrderRecord,
        ask: &'a OrderRecord,
    ) -> Asked<'a, Vec<Reason>>;

    /// What a wallet holds of some tokens, in their order, and how much of it the settlement contract may take.
    ///
    /// # Errors
    /// The chain's error.
    fn means<'a>(&'a self, wallet: Address, assets: &'a [Asset]) -> Asked<'a, Vec<Means>>;

    /// What a wallet signs to let the settlement contract take an amount of a token until a deadline (EIP-2612).
    ///
    /// # Errors
    /// The chain's error.
    fn permit(
        &self,
        owner: Address,
        token: Address,
        value: U256,
        deadline: u64,
    ) -> Asked<'_, PermitTerms>;

    /// What a commitment of two orders would rest on; `None` for a contract without commitments.
    ///
    /// # Errors
    /// The chain's error.
    fn footing<'a>(
        &'a self,
        bid: &'a OrderRecord,
        ask: &'a OrderRecord,
    ) -> Asked<'a, Option<Footing>>;

    /// How many holders a security has, compared with its limits.
    ///
    /// # Errors
    /// The chain's error.
    fn holders(&self, token: Address) -> Asked<'_, Vec<Count>>;
}

/// A node behind an RPC URL. The connection is made at the first query, so that a server can start while its node is
/// away.
#[derive(Debug)]
pub struct Endpoint {
    url: String,
    chain_id: u64,
    settlement: Address,
    timeout: Duration,
    chain: OnceCell<Chain>,
}

impl Endpoint {
    /// The node for a book's chain and settlement contract. Each request to it ends after `timeout`.
    pub fn new(url: String, chain_id: u64, settlement: Address, timeout: Duration) -> Self {
        Self {
            url,
            chain_id,
            settlement,
            timeout,
            chain: OnceCell::new(),
        }
    }

    /// The chain, once the node has been reached.
    ///
    /// # Errors
    /// `Unreachable`, `Node`, `WrongChain`.
    pub(crate) async fn chain(&self) -> Result<&Chain, ChainError> {
        let connect = || Chain::connect(&self.url, Some(self.chain_id), self.timeout);
        self.chain.get_or_try_init(connect).await
    }
}

impl ContractSignatures for Endpoint {
    fn verdict<'a>(
        &'a self,
        owner: Address,
        digest: B256,
        signature: &'a Bytes,
    ) -> Pin<Box<dyn Future<Output = Result<ContractVerdict, ChainUnavailable>> + Send + 'a>> {
        Box::pin(async move {
            match self.chain().await {
                Ok(chain) => chain.verdict(owner, digest, signature).await,
                Err(error) => Err(ChainUnavailable(error.to_string())),
            }
        })
    }
}

impl Node for Endpoint {
    fn wallet<'a>(&'a self, wallet: Address, tokens: &'a [Address]) -> Asked<'a, Wallet> {
        Box::pin(async move {
            let chain = self.chain().await?;
            let call = IDvPSettlement::epochOfCall { owner: wallet };
            let epoch = chain.view(self.settlement, call).await?;
            let mut standings = Vec::with_capacity(tokens.len());
            for token in tokens {
                standings.push(eligibility::standing(chain, *token, wallet).await?);
            }
            Ok(Wallet { epoch, standings })
        })
    }

    fn sign_in<'a>(
        &'a self,
        wallet: Address,
        digest: B256,
        signature: &'a Bytes,
    ) -> Asked<'a, ContractVerdict> {
        Box::pin(async move {
            let chain = self.chain().await?;
            let gas = Some(SIGN_IN_GAS);
            chain
                .signature_verdict(wallet, digest, signature, gas)
                .await
        })
    }

    fn preflight<'a>(
        &'a self,
        bid: &'a OrderRecord,
        ask: &'a OrderRecord,
    ) -> Asked<'a, Vec<Reason>> {
        Box::pin(async move {
            let chain = self.chain().await?;
            suggest::reasons(chain, self.settlement, bid, ask).await
        })
    }

    fn means<'a>(&'a self, wallet: Address, assets: &'a [Asset]) -> Asked<'a, Vec<Means>> {
        Box::pin(async move {
            let chain = self.chain().await?;
            means::of(chain, self.settlement, wallet, assets).await
        })
    }

    fn permit(
        &self,
        owner: Address,
        token: Address,
        value: U256,
        deadline: u64,
    ) -> Asked<'_, PermitTerms> {
        Box::pin(async move {
            let chain = self.chain().await?;
            permit::terms(chain, owner, token, self.settlement, value, deadline).await
        })
    }

    fn footing<'a>(
        &'a self,
        bid: &'a OrderRecord,
        ask: &'a OrderRecord,
    ) -> Asked<'a, Option<Footing>> {
        Box::pin(async move {
            let chain = self.chain().await?;
            Footing::of(chain, self.settlement, bid, ask).await
        })
    }

    fn holders(&self, token: Address) -> Asked<'_, Vec<Count>> {
        Box::pin(async move {
            let chain = self.chain().await?;
            holder_limits::counts(chain, token).await
        })
    }
}
