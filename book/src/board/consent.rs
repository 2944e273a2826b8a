//! What a wallet agreed to and received before it trades: the broker-dealer's terms, an issuer's documents. Each is an
//! event about the wallet; the last one counts.

use alloy::primitives::Address;
use jiff::Timestamp;

use super::error::BoardError;
use super::fact::wallet_subject;
use super::posting::text;
use super::{Board, only};
use crate::log::By;
use crate::log::body::Body;
use crate::log::event::{Event, EventType};
use crate::log::fact::{DocumentsReceived, TermsAccepted};
use crate::store::append::{Draft, Writer};
use crate::store::engine::Link;
use crate::store::{query, row};

/// What a wallet agreed to or received, and where the log has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consent<T> {
    /// What.
    pub to: T,
    /// The event.
    pub seq: u64,
    /// When it was recorded.
    pub at: Timestamp,
}

impl<T> Consent<T> {
    fn of(event: &Event, to: T) -> Self {
        Self {
            to,
            seq: event.seq,
            at: event.captured_at,
        }
    }
}

impl Board {
    /// The terms that a wallet accepted last.
    ///
    /// # Errors
    /// The store's.
    pub async fn terms_of(
        &self,
        wallet: Address,
    ) -> Result<Option<Consent<TermsAccepted>>, BoardError> {
        last_terms(self.store.reader().await?.link(), wallet).await
    }

    /// The documents of a security that a wallet received last.
    ///
    /// # Errors
    /// The store's.
    pub async fn documents_of(
        &self,
        wallet: Address,
        security: Address,
    ) -> Result<Option<Consent<DocumentsReceived>>, BoardError> {
        last_documents(self.store.reader().await?.link(), wallet, security).await
    }

    /// Records that a wallet accepts the terms, unless they are those that it accepted last. Returns the event that
    /// says so, and whether it is new.
    ///
    /// # Errors
    /// [`BoardError::Text`] (version), or the store's.
    pub async fn accept_terms(
        &self,
        wallet: Address,
        terms: TermsAccepted,
        by: By,
    ) -> Result<(Consent<TermsAccepted>, bool), BoardError> {
        by.check()?;
        text("version", &terms.version, 64)?;
        let mut writer = self.store.writer().await?;
        if let Some(known) = last_terms(writer.link().await?, wallet).await?
            && known.to == terms
        {
            return Ok((known, false));
        }
        let event = self
            .append_consent(writer, wallet, by, Body::TermsAccepted(terms.clone()))
            .await?;
        Ok((Consent::of(&event, terms), true))
    }

    /// Records that a wallet received the documents of a security, unless they are those that it received last. Returns
    /// the event that says so, and whether it is new.
    ///
    /// # Errors
    /// [`BoardError::Text`] (a document's name), or the store's.
    pub async fn receive_documents(
        &self,
        wallet: Address,
        received: DocumentsReceived,
        by: By,
    ) -> Result<(Consent<DocumentsReceived>, bool), BoardError> {
        by.check()?;
        for document in &received.documents {
            text("document", &document.name, 128)?;
        }
        let mut writer = self.store.writer().await?;
        let known = last_documents(writer.link().await?, wallet, received.security).await?;
        if let Some(known) = known.filter(|known| known.to == received) {
            return Ok((known, false));
        }
        let body = Body::DocumentsReceived(received.clone());
        let event = self.append_consent(writer, wallet, by, body).await?;
        Ok((Consent::of(&event, received), true))
    }

    async fn append_consent(
        &self,
        mut writer: Writer,
        wallet: Address,
        by: By,
        body: Body,
    ) -> Result<Event, BoardError> {
        let now = self.store.clock().now();
        let draft = Draft::new(wallet_subject(wallet), now, &by, body)?;
        let event = only(writer.append(vec![draft]).await?)?;
        writer.commit().await?;
        Ok(event)
    }
}

async fn last_terms(
    link: Link<'_>,
    wallet: Address,
) -> Result<Option<Consent<TermsAccepted>>, BoardError> {
    let (subject, kind) = (wallet_subject(wallet), EventType::TermsAccepted);
    let Some(found) = query::last_event(link, &subject, kind).await? else {
        return Ok(None);
    };
    let event = row::event(found)?;
    Ok(match row::body(event.seq, event.kind, &event.body)? {
        Body::TermsAccepted(terms) => Some(Consent::of(&event, terms)),
        _ => None,
    })
}

async fn last_documents(
    link: Link<'_>,
    wallet: Address,
    security: Address,
) -> Result<Option<Consent<DocumentsReceived>>, BoardError> {
    let found = query::events_of(link, &wallet_subject(wallet)).await?;
    for found in found.into_iter().rev() {
        let event = row::event(found)?;
        if event.kind == EventType::DocumentsReceived
            && let Body::DocumentsReceived(received) =
                row::body(event.seq, event.kind, &event.body)?
            && received.security == security
        {
            return Ok(Some(Consent::of(&event, received)));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use alloy::primitives::B256;

    use super::*;
    use crate::log::fact::Document;
    use crate::sample::{self, by};

    fn terms(version: &str) -> TermsAccepted {
        TermsAccepted {
            sha256: B256::repeat_byte(1),
            version: version.into(),
        }
    }

    #[tokio::test]
    async fn the_last_terms_count_and_the_same_again_are_no_event() {
        for book in sample::books().await {
            let (board, wallet) = (&book.board, Address::repeat_byte(7));
            assert_eq!(board.terms_of(wallet).await.unwrap(), None);
            let size = board.head().await.unwrap().size;
            for (version, events, new) in [("1", 1, true), ("1", 1, false), ("2", 2, true)] {
                let accepted = board.accept_terms(wallet, terms(version), by("web"));
                let (accepted, is_new) = accepted.await.unwrap();
                assert_eq!((accepted.seq, is_new), (size + events, new), "{version}");
                assert_eq!(board.head().await.unwrap().size, size + events);
                assert_eq!(board.terms_of(wallet).await.unwrap(), Some(accepted));
            }
            assert_eq!(board.terms_of(Address::repeat_byte(8)).await.unwrap(), None);
        }
    }

    #[tokio::test]
    async fn documents_are_received_security_by_security() {
        for book in sample::books().await {
            let (board, wallet) = (&book.board, Address::repeat_byte(7));
            let received = |security: u8, hash: u8| DocumentsReceived {
                documents: vec![Document {
                    name: "memorandum.pdf".into(),
                    sha256: B256::repeat_byte(hash),
                }],
                security: Address::repeat_byte(security),
            };
            for (security, hash, new) in [(1, 1, true), (2, 1, true), (1, 1, false), (1, 2, true)] {
                let said = board.receive_documents(wallet, received(security, hash), by("web"));
                assert_eq!(said.await.unwrap().1, new, "{security} {hash}");
            }
            for (security, hash) in [(1, 2), (2, 1)] {
                let token = Address::repeat_byte(security);
                let found = board.documents_of(wallet, token).await.unwrap();
                assert_eq!(found.unwrap().to, received(security, hash));
            }
            let none = board.documents_of(wallet, Address::repeat_byte(3)).await;
            assert_eq!(none.unwrap(), None);
        }
    }

    #[tokio::test]
    async fn a_version_that_is_no_text_is_refused_and_nothing_is_recorded() {
        for book in sample::books().await {
            let wallet = Address::repeat_byte(7);
            let size = book.board.head().await.unwrap().size;
            let refused = book.board.accept_terms(wallet, terms(""), by("web")).await;
            assert!(
                matches!(
                    &refused,
                    Err(BoardError::Text {
                        field: "version",
                        ..
                    })
                ),
                "{refused:?}"
            );
            assert_eq!(book.board.head().await.unwrap().size, size);
        }
    }
}
