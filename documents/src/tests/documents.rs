//! Setting, removing, reading and acknowledging documents.

use alloy_primitives::B256;
use motsu::prelude::*;

use super::fixture::{NOW, Stage, hash, name};
use crate::{
    MAX_NAMES, MAX_URI,
    error::Error,
    event::{DocumentReceived, DocumentRemoved, DocumentUpdated},
    record::Version,
    returns::{Current, Earlier},
};

const URI: &str = "https://example.com/prospectus.pdf";
const LONG_URI: &str =
    "https://example.com/a/folder/whose/name/is/longer/than/one/word/of/storage.pdf";

fn version(uri: &str, byte: u8) -> Version {
    Version {
        hash: hash(byte),
        timestamp: NOW,
        uri: uri.into(),
    }
}

#[test]
fn the_issuer_sets_documents_in_versions_and_none_is_lost() {
    let stage = Stage::new();
    let (security, by) = (stage.security.address(), stage.issuer.address());
    let prospectus = name("prospectus");
    stage.set(prospectus, URI, hash(1));
    stage.set(prospectus, LONG_URI, hash(2));
    stage.set(prospectus, URI, hash(2));
    let current = Current {
        version: version(URI, 2),
        number: 3,
    };
    assert_eq!(stage.get(prospectus), Ok(current));
    let view = stage.documents.sender(stage.stranger);
    for (number, expected) in [
        (1, version(URI, 1)),
        (2, version(LONG_URI, 2)),
        (3, version(URI, 2)),
    ] {
        let found = view.get_document_version(security, prospectus, number);
        assert_eq!(found, Ok(Earlier(expected)));
    }
    for number in [0, 4, u64::MAX] {
        let error = Error::UnknownVersion {
            security,
            name: prospectus,
            version: number,
        };
        let found = view.get_document_version(security, prospectus, number);
        assert_eq!(found.unwrap_err(), error.into());
    }
    let updated = |version, uri: &str, byte| DocumentUpdated {
        security,
        name: prospectus,
        version,
        uri: uri.into(),
        documentHash: hash(byte),
        by,
    };
    assert_eq!(
        stage.events::<DocumentUpdated>(),
        [
            updated(1, URI, 1),
            updated(2, LONG_URI, 2),
            updated(3, URI, 2)
        ]
    );
    assert_eq!(stage.names(security), [prospectus]);
    assert!(stage.names(stage.other.address()).is_empty());
}

#[test]
fn only_who_the_security_says_is_its_issuer_may() {
    let stage = Stage::new();
    let (security, one) = (stage.security.address(), name("one"));
    stage.set(one, URI, hash(1));
    let not_issuer = |account: Account| Error::NotIssuer {
        security,
        account: account.address(),
    };
    stage.assert_refused(not_issuer(stage.stranger), || {
        stage.try_set(stage.stranger, one, URI, hash(2))
    });
    stage.assert_refused(not_issuer(stage.stranger), || {
        stage.remove(stage.stranger, one)
    });
    // An answer that cannot be read is no, and so is any word but 1.
    let two = B256::with_last_byte(2).to_vec();
    for answer in [b"reverts".to_vec(), vec![1; 31], two, vec![0xff; 32]] {
        stage.security.sender(stage.issuer).answer(&answer);
        stage.assert_refused(not_issuer(stage.issuer), || {
            stage.try_set(stage.issuer, one, URI, hash(2))
        });
        stage.assert_refused(not_issuer(stage.issuer), || stage.remove(stage.issuer, one));
    }
    stage.security.sender(stage.issuer).answer(&[]);
    // The issuer of one security is nobody at another.
    let other = stage.other.address();
    let error = Error::NotIssuer {
        security: other,
        account: stage.issuer.address(),
    };
    stage.assert_refused(error, || {
        stage
            .documents
            .sender(stage.issuer)
            .set_document(other, one, URI.into(), hash(1))
            .motsu_res()
    });
}

#[test]
fn a_document_without_name_hash_or_uri_is_refused() {
    let stage = Stage::new();
    let security = stage.security.address();
    let long = "x".repeat(MAX_URI + 1);
    for (name, uri, hash) in [
        (B256::ZERO, URI, hash(1)),
        (name("one"), URI, B256::ZERO),
        (name("one"), "", hash(1)),
        (name("one"), long.as_str(), hash(1)),
    ] {
        stage.assert_refused(Error::InvalidDocument { security, name }, || {
            stage.try_set(stage.issuer, name, uri, hash)
        });
    }
    let longest = "x".repeat(MAX_URI);
    stage.set(name("one"), &longest, hash(1));
    assert_eq!(
        stage.get(name("one")).unwrap().version.uri,
        longest.as_str().into()
    );
}

#[test]
fn the_same_again_is_no_new_version() {
    let stage = Stage::new();
    let (security, one) = (stage.security.address(), name("one"));
    stage.set(one, URI, hash(1));
    let version = 1;
    let error = Error::DocumentUnchanged {
        security,
        name: one,
        version,
    };
    stage.assert_refused(error, || stage.try_set(stage.issuer, one, URI, hash(1)));
}

#[test]
fn a_removed_document_keeps_its_versions_and_counts_on() {
    let stage = Stage::new();
    let security = stage.security.address();
    let [one, two, three] = ["one", "two", "three"].map(name);
    for (name, byte) in [(one, 1), (two, 2), (three, 3)] {
        stage.set(name, URI, hash(byte));
    }
    stage.remove(stage.issuer, one).unwrap();
    assert_eq!(stage.names(security), [three, two]);
    let unknown = Error::UnknownDocument {
        security,
        name: one,
    };
    assert_eq!(stage.get(one).unwrap_err(), unknown.clone().into());
    stage.assert_refused(unknown.clone(), || stage.remove(stage.issuer, one));
    let removed = DocumentRemoved {
        security,
        name: one,
        version: 1,
        uri: URI.into(),
        documentHash: hash(1),
        by: stage.issuer.address(),
    };
    assert_eq!(stage.events::<DocumentRemoved>(), [removed]);
    let view = stage.documents.sender(stage.stranger);
    let old = view.get_document_version(security, one, 1);
    assert_eq!(old, Ok(Earlier(version(URI, 1))));
    drop(view);
    // What was moved in the list can be removed as well, the last one and the only one.
    stage.remove(stage.issuer, three).unwrap();
    assert_eq!(stage.names(security), [two]);
    stage.remove(stage.issuer, two).unwrap();
    assert!(stage.names(security).is_empty());
    stage.set(one, URI, hash(1));
    assert_eq!(stage.get(one).unwrap().number, 2);
    assert_eq!(stage.names(security), [one]);
}

#[test]
fn a_security_has_256_documents_at_most() {
    let stage = Stage::new();
    let security = stage.security.address();
    for byte in 0..MAX_NAMES {
        stage.set(
            B256::from(alloy_primitives::U256::from(byte + 1)),
            URI,
            hash(1),
        );
    }
    let limit = MAX_NAMES;
    stage.assert_refused(Error::TooManyDocuments { security, limit }, || {
        stage.try_set(stage.issuer, name("one more"), URI, hash(1))
    });
    // A new version of one that is listed, or another in the place of one that was removed, still fits.
    let first = B256::with_last_byte(1);
    stage.set(first, URI, hash(2));
    stage.remove(stage.issuer, first).unwrap();
    stage.set(name("one more"), URI, hash(1));
    assert_eq!(stage.names(security).len(), 256);
}

#[test]
fn a_receipt_is_an_event_of_the_current_version_only() {
    let stage = Stage::new();
    let (security, one) = (stage.security.address(), name("one"));
    let receive = |byte| {
        stage
            .documents
            .sender(stage.stranger)
            .acknowledge(security, one, hash(byte))
            .motsu_res()
    };
    let unknown = Error::UnknownDocument {
        security,
        name: one,
    };
    stage.assert_refused(unknown.clone(), || receive(1));
    stage.set(one, URI, hash(1));
    receive(1).unwrap();
    stage.set(one, URI, hash(2));
    let wrong = Error::WrongHash {
        security,
        name: one,
        expected: hash(2),
        found: hash(1),
    };
    stage.assert_refused(wrong, || receive(1));
    receive(2).unwrap();
    let by = stage.stranger.address();
    let received = |version, byte| DocumentReceived {
        security,
        name: one,
        by,
        version,
        documentHash: hash(byte),
    };
    assert_eq!(
        stage.events::<DocumentReceived>().last(),
        Some(&received(2, 2))
    );
    stage.remove(stage.issuer, one).unwrap();
    stage.assert_refused(unknown, || receive(2));
}
