//! The board's subscribers: every wallet that the directory knows, who owns it, and which terms it accepted.

use std::collections::HashMap;
use std::io::Write;

use alloy::primitives::{Address, B256};
use jiff::Timestamp;
use serde::Serialize;

use super::error::BoardError;
use super::fact::wallet_subject;
use super::{Board, spreadsheet};
use crate::log::body::Body;
use crate::log::event::EventType;
use crate::store::{query, row};

/// Columns of the list.
const COLUMNS: [&str; 8] = [
    "investor",
    "name",
    "wallet",
    "accounts",
    "terms_version",
    "terms_sha256",
    "terms_accepted_at",
    "terms_seq",
];

/// The terms that a wallet accepted last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Accepted {
    /// Their version.
    pub version: String,
    /// The SHA-256 of their text.
    pub sha256: B256,
    /// When it was recorded.
    pub at: Timestamp,
    /// The event.
    pub seq: u64,
}

/// One wallet of an investor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Subscriber {
    /// The code that the registry has on chain.
    pub investor: B256,
    /// The name.
    pub name: String,
    /// The wallet.
    pub wallet: Address,
    /// The investor's accounts.
    pub accounts: Vec<String>,
    /// The terms that the wallet accepted; none yet for one that never posted over the web.
    pub terms: Option<Accepted>,
}

impl Board {
    /// Every wallet in the directory, by wallet.
    ///
    /// # Errors
    /// The store's.
    pub async fn subscribers(&self) -> Result<Vec<Subscriber>, BoardError> {
        let directory = self.directory().await?;
        let mut reader = self.store.reader().await?;
        let kind = EventType::TermsAccepted;
        let events = query::events_of_type(reader.link(), kind, 0, u32::MAX).await?;
        let mut accepted = HashMap::new();
        for found in events {
            let event = row::event(found)?;
            if let Body::TermsAccepted(terms) = row::body(event.seq, event.kind, &event.body)? {
                let terms = Accepted {
                    version: terms.version,
                    sha256: terms.sha256,
                    at: event.captured_at,
                    seq: event.seq,
                };
                accepted.insert(event.subject, terms);
            }
        }
        let subscriber = |(wallet, investor, name): (Address, B256, &str)| Subscriber {
            investor,
            name: name.to_owned(),
            wallet,
            accounts: directory.accounts_of(wallet).map(str::to_owned).collect(),
            terms: accepted.get(&wallet_subject(wallet)).cloned(),
        };
        Ok(directory.wallets().map(subscriber).collect())
    }
}

/// Writes the list as CSV. Returns the number of rows.
///
/// # Errors
/// Those of `out`.
pub fn write(subscribers: &[Subscriber], out: &mut dyn Write) -> std::io::Result<u64> {
    spreadsheet::header(out, &COLUMNS)?;
    let mut rows = 0;
    for one in subscribers {
        let terms = one.terms.as_ref();
        let mut line = spreadsheet::Line::default();
        line.shown(&one.investor)
            .text(&one.name)
            .shown(&one.wallet)
            .text(&one.accounts.join(" "))
            .maybe(terms.map(|terms| &terms.version))
            .maybe(terms.map(|terms| &terms.sha256))
            .maybe(terms.map(|terms| &terms.at));
        match terms {
            Some(terms) => line.number(&terms.seq),
            None => line.text(""),
        };
        line.end(out)?;
        rows += 1;
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::fact::TermsAccepted;
    use crate::market::investor::Investor;
    use crate::sample::{self, by};

    #[tokio::test]
    async fn every_wallet_is_listed_with_the_terms_that_it_accepted_last() {
        for book in sample::books().await {
            let wallets = [Address::repeat_byte(1), Address::repeat_byte(2)];
            let ada = Investor {
                id: B256::repeat_byte(7),
                name: "=Ada".into(),
                accounts: ["A-1".into(), "A-2".into()].into(),
                wallets: wallets.into(),
            };
            book.board.add_investors(&[ada]).await.unwrap();
            for version in ["1", "2"] {
                let sha256 = B256::repeat_byte(9);
                let terms = TermsAccepted {
                    sha256,
                    version: version.into(),
                };
                let accepted = book.board.accept_terms(wallets[0], terms, by("web"));
                accepted.await.unwrap();
            }
            let found = book.board.subscribers().await.unwrap();
            assert_eq!(found.len(), 2);
            assert_eq!(found[0].accounts, ["A-1", "A-2"]);
            assert_eq!(found[0].terms.as_ref().unwrap().version, "2");
            assert_eq!((found[1].wallet, &found[1].terms), (wallets[1], &None));
            let mut text = Vec::new();
            assert_eq!(write(&found, &mut text).unwrap(), 2);
            let text = String::from_utf8(text).unwrap();
            // A name that a spreadsheet would take for a formula is shown as it is.
            assert!(text.contains(",\"'=Ada\","), "{text}");
            assert!(
                text.lines()
                    .nth(2)
                    .unwrap()
                    .ends_with("\"\",\"\",\"\",\"\""),
                "{text}"
            );
        }
    }
}
