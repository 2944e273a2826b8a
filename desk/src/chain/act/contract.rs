//! Which contract must be at an address before anything is sent there.

use std::fmt;

use alloy::primitives::{Address, FixedBytes, U256};
use alloy::sol_types::SolCall;
use book::market::order;

use crate::chain::abi::{
    ARB_WASM, IDistribution, IDocuments, IDvPSettlement, ISecurityToken, ITsUSDC,
};
use crate::chain::client::Chain;
use crate::chain::error::ChainError;

/// What kind of contract it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// `erc1404-token`.
    Security,
    /// `tsusdc`.
    Coin,
    /// `settlement`.
    Settlement,
    /// `distribution`.
    Distribution,
    /// `documents`.
    Documents,
    /// The factory that deploys programs.
    Deployer,
    /// The chain's own contract that activates programs.
    Programs,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Security => "security token",
            Self::Coin => "coin",
            Self::Settlement => "settlement contract",
            Self::Distribution => "distribution contract",
            Self::Documents => "registry of documents",
            Self::Deployer => "StylusDeployer",
            Self::Programs => "ArbWasm",
        })
    }
}

/// An address, and what is known about the contract that must be there.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Target {
    /// A security.
    Security {
        /// Its address.
        token: Address,
        /// Its ticker.
        symbol: String,
        /// Its ISIN.
        isin: String,
        /// Its decimals.
        decimals: u8,
    },
    /// The coin.
    Coin(Address),
    /// A broker-dealer's settlement contract.
    Settlement {
        /// Its address.
        contract: Address,
        /// The coin it pays in, where that is known.
        payment: Option<Address>,
        /// The broker-dealer's CRD number, where that is known.
        crd: Option<u64>,
    },
    /// What pays holders.
    Distribution {
        /// Its address.
        contract: Address,
        /// The coin that it pays, where that is known.
        coin: Option<Address>,
    },
    /// The registry of documents.
    Documents(Address),
    /// The factory that deploys programs; it does not describe itself.
    Deployer(Address),
    /// `ArbWasm`, a part of every Arbitrum chain.
    Programs,
}

/// The version of all three contracts.
const VERSION: &str = "1";
/// Decimals of the coin.
const COIN_DECIMALS: u8 = 6;
/// ERC-165 ids: ERC-1404, ERC-20, `AccessControl`.
const ERC_1404: FixedBytes<4> = FixedBytes([0xab, 0x84, 0xa5, 0xc8]);
const ERC_20: FixedBytes<4> = FixedBytes([0x36, 0x37, 0x2b, 0x07]);
const ACCESS_CONTROL: FixedBytes<4> = FixedBytes([0x79, 0x65, 0xdb, 0x0b]);

impl Target {
    /// Its address.
    pub fn address(&self) -> Address {
        match self {
            Self::Security { token, .. } => *token,
            Self::Settlement { contract, .. } | Self::Distribution { contract, .. } => *contract,
            Self::Coin(address) | Self::Documents(address) | Self::Deployer(address) => *address,
            Self::Programs => ARB_WASM,
        }
    }

    /// What kind of contract it is.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Security { .. } => Kind::Security,
            Self::Coin(_) => Kind::Coin,
            Self::Settlement { .. } => Kind::Settlement,
            Self::Distribution { .. } => Kind::Distribution,
            Self::Documents(_) => Kind::Documents,
            Self::Deployer(_) => Kind::Deployer,
            Self::Programs => Kind::Programs,
        }
    }

    /// The error that something else is there.
    pub(in crate::chain) fn other(&self, found: impl Into<String>) -> ChainError {
        let meant = match self {
            Self::Security { symbol, isin, .. } => format!("security token {symbol} ({isin})"),
            other => other.kind().to_string(),
        };
        ChainError::OtherContract {
            address: self.address(),
            meant,
            found: found.into(),
        }
    }

    /// Checks code, interface, version, chain id and identity.
    pub(super) async fn check(&self, chain: &Chain) -> Result<(), ChainError> {
        if chain.code_size(self.address()).await? == 0 {
            return Err(ChainError::NoCode(self.address()));
        }
        match self {
            Self::Security {
                symbol,
                isin,
                decimals,
                ..
            } => {
                let domain = self.domain(chain).await?;
                self.supports(chain, ERC_1404).await?;
                let found_isin = self.ask(chain, ISecurityToken::isinCall {}).await?;
                let found_symbol = self.ask(chain, ISecurityToken::symbolCall {}).await?;
                let found_decimals = self.ask(chain, ISecurityToken::decimalsCall {}).await?;
                if (&found_isin, &found_symbol, found_decimals) != (isin, symbol, *decimals) {
                    return Err(self.other(format!(
                        "it says that it is {found_symbol} ({found_isin}) with {found_decimals} decimals"
                    )));
                }
                self.version(&self.ask(chain, ISecurityToken::versionCall {}).await?)?;
                self.version(&domain)
            }
            Self::Coin(_) => {
                let domain = self.domain(chain).await?;
                for id in [ERC_20, ACCESS_CONTROL] {
                    self.supports(chain, id).await?;
                }
                self.ask(chain, ITsUSDC::currencyCall {}).await?;
                self.ask(chain, ITsUSDC::mintHeadroomCall {}).await?;
                let decimals = self.ask(chain, ITsUSDC::decimalsCall {}).await?;
                if decimals != COIN_DECIMALS {
                    return Err(self.other(format!("it has {decimals} decimals")));
                }
                self.version(&self.ask(chain, ITsUSDC::versionCall {}).await?)?;
                self.version(&domain)
            }
            Self::Settlement { payment, crd, .. } => {
                let domain = self.domain(chain).await?;
                let who = self.ask(chain, IDvPSettlement::brokerDealerCall {}).await?;
                let pays = self.ask(chain, IDvPSettlement::paymentCall {}).await?;
                if let Some(crd) = crd.filter(|crd| *crd != who.crd) {
                    let found = format!(
                        "it belongs to {} (CRD {}), not to CRD {crd}",
                        who.name, who.crd
                    );
                    return Err(self.other(found));
                }
                if let Some(coin) = payment.filter(|coin| *coin != pays) {
                    return Err(self.other(format!("it pays in {pays}, not in {coin}")));
                }
                self.version(&domain)
            }
            Self::Distribution { coin, .. } => {
                self.supports(chain, ACCESS_CONTROL).await?;
                let pays = self.ask(chain, IDistribution::coinCall {}).await?;
                if let Some(coin) = coin.filter(|coin| *coin != pays) {
                    return Err(self.other(format!("it pays {pays}, not {coin}")));
                }
                Ok(())
            }
            Self::Documents(_) => {
                let security = Address::ZERO;
                let call = IDocuments::getAllDocumentsCall { security };
                if self.ask(chain, call).await?.is_empty() {
                    Ok(())
                } else {
                    Err(self.other("it lists documents for the zero address"))
                }
            }
            Self::Deployer(_) | Self::Programs => Ok(()),
        }
    }

    /// The version that its EIP-712 domain states, once chain, contract and name are right.
    async fn domain(&self, chain: &Chain) -> Result<String, ChainError> {
        let domain = self.ask(chain, ISecurityToken::eip712DomainCall {}).await?;
        if domain.chainId != U256::from(chain.id()) || domain.verifyingContract != self.address() {
            return Err(self.other(format!(
                "its signatures are for {} on chain {}",
                domain.verifyingContract, domain.chainId
            )));
        }
        let is_settlement = domain.name == order::DOMAIN;
        if is_settlement != (self.kind() == Kind::Settlement) {
            return Err(self.other(format!("its signatures are for '{}'", domain.name)));
        }
        Ok(domain.version)
    }

    fn version(&self, found: &str) -> Result<(), ChainError> {
        if found == VERSION {
            return Ok(());
        }
        Err(self.other(format!("it is version {found}, not {VERSION}")))
    }

    async fn supports(&self, chain: &Chain, id: FixedBytes<4>) -> Result<(), ChainError> {
        let call = ISecurityToken::supportsInterfaceCall { interfaceId: id };
        if self.ask(chain, call).await? {
            Ok(())
        } else {
            Err(self.other(format!("it does not support interface {id}")))
        }
    }

    /// A view that the contract must have.
    async fn ask<C: SolCall>(&self, chain: &Chain, call: C) -> Result<C::Return, ChainError> {
        chain.view(self.address(), call).await.map_err(|e| match e {
            ChainError::Reverted(_) | ChainError::Undecodable { .. } => {
                self.other(format!("it does not answer {}", C::SIGNATURE))
            }
            other => other,
        })
    }
}
