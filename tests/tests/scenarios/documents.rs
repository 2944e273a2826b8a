//! The registry of documents on a security of this workspace: who may set them, and what anyone can read.

use acceptance::{
    bindings::{
        IDocuments::{
            self, DocumentReceived, DocumentRemoved, DocumentUpdated, NotIssuer, UnknownDocument,
            WrongHash,
        },
        ISecurityToken,
    },
    deploy, hostile,
    market::{Market, role},
    refusal,
    watch::Watch,
};
use alloy::{
    primitives::{Address, B256},
    rpc::types::TransactionReceipt,
    sol_types::SolEvent,
};

const URI: &str = "https://example.com/offering/prospectus.pdf";

fn prospectus() -> B256 {
    B256::right_padding_from(b"prospectus")
}

fn set(security: Address, hash: u8) -> IDocuments::setDocumentCall {
    IDocuments::setDocumentCall {
        security,
        name: prospectus(),
        uri: URI.into(),
        documentHash: B256::repeat_byte(hash),
    }
}

fn event<E: SolEvent>(receipt: &TransactionReceipt) -> E {
    let logs = receipt.inner.logs().iter();
    let mut found = logs.filter_map(|log| E::decode_log(&log.inner).ok());
    found.next().expect("the event").data
}

fn watch(registry: Address, security: Address) -> Watch {
    let mut watch = Watch::default();
    let call = IDocuments::getAllDocumentsCall { security };
    watch.view("documents", registry, &call);
    watch
}

#[tokio::test]
async fn the_issuers_documents_have_versions_and_receipts() {
    let market = Market::open().await;
    let chain = &market.chain;
    let registry = deploy::documents(chain).await;
    let (security, name) = (market.token, prospectus());
    for (version, hash) in [(1, 1), (2, 2)] {
        let receipt = chain
            .send(&market.admin, registry, &set(security, hash))
            .await;
        let updated = DocumentUpdated {
            security,
            name,
            version,
            uri: URI.into(),
            documentHash: B256::repeat_byte(hash),
            by: market.admin.address,
        };
        assert_eq!(event::<DocumentUpdated>(&receipt), updated);
    }
    let found = chain
        .call(registry, &IDocuments::getDocumentCall { security, name })
        .await;
    assert_eq!((found.uri.as_str(), found.version), (URI, 2));
    assert_eq!(found.documentHash, B256::repeat_byte(2));
    assert_eq!(found.timestamp, chain.now().await);
    let first = IDocuments::getDocumentVersionCall {
        security,
        name,
        version: 1,
    };
    assert_eq!(
        chain.call(registry, &first).await.documentHash,
        B256::repeat_byte(1)
    );

    let old = IDocuments::acknowledgeCall {
        security,
        name,
        documentHash: B256::repeat_byte(1),
    };
    let expected = B256::repeat_byte(2);
    let wrong = WrongHash {
        security,
        name,
        expected,
        found: old.documentHash,
    };
    let watch = watch(registry, security);
    refusal::refused(chain, &watch, &market.buyer, registry, &old, &wrong).await;
    let receive = IDocuments::acknowledgeCall {
        security,
        name,
        documentHash: expected,
    };
    let receipt = chain.send(&market.buyer, registry, &receive).await;
    let by = market.buyer.address;
    let received = DocumentReceived {
        security,
        name,
        by,
        version: 2,
        documentHash: expected,
    };
    assert_eq!(event::<DocumentReceived>(&receipt), received);

    let remove = IDocuments::removeDocumentCall { security, name };
    let receipt = chain.send(&market.admin, registry, &remove).await;
    assert_eq!(event::<DocumentRemoved>(&receipt).version, 2);
    let all = IDocuments::getAllDocumentsCall { security };
    assert!(chain.call(registry, &all).await.is_empty());
    assert_eq!(chain.call(registry, &first).await.uri, URI);
    let unknown = UnknownDocument { security, name };
    refusal::refused(chain, &watch, &market.buyer, registry, &receive, &unknown).await;
}

/// The issuer role is checked at the security each time: a role that was revoked there no longer counts here.
#[tokio::test]
async fn whoever_the_security_does_not_name_as_its_issuer_sets_nothing() {
    let market = Market::open().await;
    let chain = &market.chain;
    let registry = deploy::documents(chain).await;
    let account = market.stranger.address;
    let nobody = market.wallet("nobody").address;
    let odd = hostile::Token::default().deploy(chain).await;
    // A security of this workspace, an address without code, the coin, which does not have the role, and a contract that
    // does not answer.
    for security in [market.token, nobody, market.coin, odd] {
        let refused = NotIssuer { security, account };
        let watch = watch(registry, security);
        refusal::refused(
            chain,
            &watch,
            &market.stranger,
            registry,
            &set(security, 1),
            &refused,
        )
        .await;
    }
    let change = (role("ISSUER_ROLE"), account);
    let grant = ISecurityToken::grantRoleCall {
        role: change.0,
        account,
    };
    chain.send(&market.admin, market.token, &grant).await;
    chain
        .send(&market.stranger, registry, &set(market.token, 1))
        .await;
    let revoke = ISecurityToken::revokeRoleCall {
        role: change.0,
        account,
    };
    chain.send(&market.admin, market.token, &revoke).await;
    let refused = NotIssuer {
        security: market.token,
        account,
    };
    let watch = watch(registry, market.token);
    refusal::refused(
        chain,
        &watch,
        &market.stranger,
        registry,
        &set(market.token, 2),
        &refused,
    )
    .await;
}
