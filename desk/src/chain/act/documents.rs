//! Acts on a security's documents.

#![allow(clippy::wildcard_imports)] // The whole interface.

use super::{Expected, Kind, provable};
use crate::chain::abi::IDocuments::*;

// Only the contract knows which version it is.
provable! { &[Kind::Documents];
    setDocumentCall => |call, sent| {
        let meant = (call.security, call.name, call.uri.clone(), call.documentHash, sent.sender);
        [Expected::fitting(sent.contract, move |event: &DocumentUpdated| {
            let found = (event.security, event.name, event.uri.clone(), event.documentHash, event.by);
            found == meant
        })]
    };
    removeDocumentCall => |&removeDocumentCall { security, name }, sent| [Expected::fitting(
        sent.contract,
        move |event: &DocumentRemoved| {
            (event.security, event.name, event.by) == (security, name, sent.sender)
        },
    )];
    acknowledgeCall => |&acknowledgeCall { security, name, documentHash }, sent| [Expected::fitting(
        sent.contract,
        move |event: &DocumentReceived| {
            let meant = (security, name, documentHash, sent.sender);
            (event.security, event.name, event.documentHash, event.by) == meant
        },
    )];
}
