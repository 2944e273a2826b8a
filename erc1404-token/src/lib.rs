//! A security token whose transfer rules (ERC-1404) run inside every transfer.
