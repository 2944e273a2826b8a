//! What investors hold, as the node last reported it. A page shows that with its block while the node is away.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use alloy::primitives::Address;
use desk::means::{Asset, Means};

use crate::app::App;

/// How many wallets are remembered; beyond that, all are forgotten.
const REMEMBERED: usize = 10_000;

/// What is remembered of wallets, by token.
#[derive(Debug, Default)]
pub(crate) struct Holdings(Mutex<HashMap<Address, HashMap<Address, Means>>>);

/// What a wallet holds, by token.
#[derive(Debug, Default)]
pub(crate) struct Held {
    pub(crate) means: HashMap<Address, Means>,
    /// Whether the node reported it just now.
    pub(crate) is_now: bool,
}

impl Holdings {
    fn put(&self, wallet: Address, means: &[Means]) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= REMEMBERED && !known.contains_key(&wallet) {
            known.clear();
        }
        let held = known.entry(wallet).or_default();
        held.extend(means.iter().map(|means| (means.token, *means)));
    }

    fn last(&self, wallet: Address) -> HashMap<Address, Means> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(&wallet).cloned().unwrap_or_default()
    }
}

/// What a wallet holds of some tokens: now if the node answers, else as it last reported.
pub(crate) async fn of(app: &App, wallet: Address, assets: &[Asset]) -> Held {
    match app.node.means(wallet, assets).await {
        Ok(means) => {
            app.holdings.put(wallet, &means);
            Held {
                means: means
                    .into_iter()
                    .map(|means| (means.token, means))
                    .collect(),
                is_now: true,
            }
        }
        Err(_) => Held {
            means: app.holdings.last(wallet),
            is_now: false,
        },
    }
}
