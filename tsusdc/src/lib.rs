//! TsUSDC, the 1:1 USD-backed cash leg with the ABI of USDC.
