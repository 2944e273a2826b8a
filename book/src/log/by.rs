//! Who did it.

use super::act::Signed;

/// Who acts, and why; both are in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct By {
    /// The person or wallet: 1 to 128 characters.
    pub actor: String,
    /// Why: up to 1,000 characters, may be empty.
    pub reason: String,
    /// The person's signature of the act.
    pub signed: Option<Signed>,
}

impl By {
    /// `actor`, without a reason.
    pub fn new(actor: impl Into<String>) -> Self {
        Self {
            actor: actor.into(),
            reason: String::new(),
            signed: None,
        }
    }

    /// Sets the reason.
    #[must_use]
    pub fn because(mut self, reason: impl Into<String>) -> Self {
        self.reason = reason.into();
        self
    }

    /// Adds the person's signature.
    #[must_use]
    pub fn signing(mut self, signed: Signed) -> Self {
        self.signed = Some(signed);
        self
    }
}
